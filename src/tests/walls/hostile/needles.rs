//! What a solution can find of what it must not have: expected outputs, other submissions' sources,
//! inputs and outputs, the service's secrets. Needles are planted in all of these and searched for in
//! every byte that the run can read.

use std::sync::Arc;

use proofbox::{
    admission::Admit,
    config::TierChoice,
    limits::Limits,
    submission::{ProgramTest, Submission, Tests},
    verify::Engine,
};

use super::{MODES, stage::directory};
use crate::support::program;

/// `search_expected.py` searches for "needle-" and eight digits.
fn needle(number: u32) -> String {
    format!("needle-{number:08}")
}

/// A submission full of needles: in its source, its inputs, its outputs and what is expected.
fn haystack(first: u32, sleep: f64) -> Submission {
    let source = format!(
        "# {}\nimport time\nkept = [input() + str(i) for i in range(2000)]\nprint('{}')\ntime.sleep({sleep})\n",
        needle(first),
        needle(first + 1)
    );
    program(&source, &[(&needle(first + 2), &needle(first + 1)), (&needle(first + 3), &needle(first + 4))])
}

async fn search(engine: &Engine, stdin: &str) -> String {
    let source = std::fs::read_to_string(directory().join("search_expected.py")).unwrap();
    let mut asked = program(&source, &[]);
    asked.limits = Limits { cpu_ms: 20_000, wall_ms: 60_000, ..Limits::default() };
    let test = |number| ProgramTest {
        stdin: stdin.as_bytes().into(),
        accepted_stdout: vec![needle(number).into_bytes(), vec![b'x'; 1 << 20]],
        files: Vec::new(),
    };
    asked.tests = Tests::Program(vec![test(90), test(91)]);
    let report = engine.verify(asked, Admit::Patient).await;
    assert!(report.cause.is_none(), "{report:?}");
    report.tests.iter().filter_map(|test| test.stdout.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_others_can_be_found() {
    // The test's own environment holds needles (the test binary is run again with one, by cargo's
    // runner it has none): what the service's environment holds is told by `environment.py`.
    for mode in MODES.into_iter().filter(|mode| *mode != super::RESTRICTED) {
        let engine = Arc::new(mode.start());
        // Earlier, in the same slots; the last one is still at work while the search goes on.
        for first in [10, 20, 30, 40] {
            engine.verify(haystack(first, 0.0), Admit::Patient).await;
        }
        let beside = Arc::clone(&engine);
        let concurrent = tokio::spawn(async move { beside.verify(haystack(50, 3.0), Admit::Patient).await });
        let found = search(&engine, "").await;
        concurrent.abort();
        assert!(!found.contains("needle-"), "{mode:?}: {found}");
        assert_eq!(found.matches("contained").count(), 2, "{mode:?}: {found}");
        if mode.tier == TierChoice::Slot {
            continue; // Without /proc a run cannot search even its own memory.
        }
        // The pair: what a run may have, the search finds.
        let own = search(&engine, &needle(77)).await;
        assert!(own.contains(&needle(77)), "{mode:?}: the search does not find what is there: {own}");
    }
}

/// A run has its own input, and nothing of its submission's other tests: neither their inputs nor what
/// their runs printed. Runs of a warm interpreter are forks of the cell's init, which reads both.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_other_tests_can_be_found() {
    const FIRST: u32 = 60;
    let source = std::fs::read_to_string(directory().join("search_expected.py")).unwrap();
    // Longer than what an allocator keeps at hand, so that what is read once is not written over.
    let padding = "x".repeat(300_000);
    for mode in MODES.into_iter().filter(|mode| mode.tier == TierChoice::Namespaces) {
        let engine = mode.start();
        let mut asked = program(&source, &[]);
        asked.limits = Limits { cpu_ms: 20_000, wall_ms: 60_000, ..Limits::default() };
        let test = |number| ProgramTest {
            stdin: format!("{} {padding}", needle(number)).into_bytes().into(),
            accepted_stdout: vec![b"x".to_vec()],
            files: Vec::new(),
        };
        asked.tests = Tests::Program((FIRST..FIRST + 3).map(test).collect());
        let report = engine.verify(asked, Admit::Patient).await;
        for (number, test) in (FIRST..).zip(&report.tests) {
            let found = test.stdout.as_deref().unwrap_or_default();
            // The pair: what the run itself may read, the search finds.
            assert!(found.contains(&needle(number)), "{mode:?}, test {number}: {report:?}");
            let others = (FIRST..FIRST + 3).filter(|other| *other != number);
            let seen: Vec<String> = others.map(needle).filter(|other| found.contains(other)).collect();
            assert!(seen.is_empty(), "{mode:?}, test {number} finds {seen:?}");
        }
    }
}
