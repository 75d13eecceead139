//! A submission as it comes over the wire.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofbox::wire::{Asked, WireBounds, parse};

fuzz_target!(|data: &[u8]| {
    let bounds = WireBounds { max_tests: 100, ..WireBounds::default() };
    match parse(data, bounds) {
        Ok(Asked::Verify(submission)) => {
            assert!((1..=100).contains(&submission.tests.len()));
            assert!(submission.solution.entry < submission.solution.files.len());
            assert!(submission.limits.cpu_ms > 0 && submission.limits.memory_bytes > 0);
            for file in &submission.solution.files {
                assert!(!file.path.starts_with('/') && file.path.split('/').all(|part| part != ".."));
            }
        }
        Ok(Asked::Undecidable(report)) => assert!(report.cause.is_some()),
        Err(error) => assert!(!error.detail.is_empty()),
    }
});
