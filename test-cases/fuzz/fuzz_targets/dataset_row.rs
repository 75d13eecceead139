//! A data set's row: its tests, and the code in its answer.
//!
//! An input is the tests' text, a line `====`, the answer. Without that line it is both.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofbox::{
    dataset::{
        answer::{Wanted, extract},
        problem::Problem,
        test_cases::parse_tests,
    },
    judge::Compare,
    submission::Tests,
};

fuzz_target!(|text: &str| {
    let (tests, answer) = text.split_once("\n====\n").unwrap_or((text, text));
    let parsed = parse_tests(tests);
    let wanted = match &parsed {
        Ok(Tests::Function { target, .. }) => Wanted::Function(&target.name),
        Ok(Tests::Program(tests)) => {
            Wanted::Program { reads_input: tests.iter().any(|test| !test.stdin.is_empty()) }
        }
        // No data set's tests hold code.
        Ok(Tests::Code(_)) | Err(_) => Wanted::Unknown,
    };
    if let Ok(parsed) = &parsed {
        assert!(!parsed.is_empty());
        Problem::of(tests, parsed, Compare::DATA_SET_DEFAULT, None);
    }
    if let Ok(extracted) = extract(answer, wanted) {
        assert!(!extracted.code.trim().is_empty());
        assert!(extracted.code.len() <= answer.len() + 1);
        assert!(extracted.number >= 1 && extracted.number <= extracted.total);
    }
});
