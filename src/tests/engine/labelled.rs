//! Submissions with known verdicts, other people's, read in place: each must get its label, and
//! look the same forked from a warm interpreter as executed.

use std::{collections::HashSet, sync::Arc};

use crate::support::{
    self, for_each,
    labelled::{Row, rows, submission},
    slots, testing_config,
};
use proofbox::{
    admission::Admit,
    config::EngineConfig,
    report::{Report, TestReport},
    submission::Submission,
    verdict::{Cause, Verdict},
    verify::Engine,
};

/// The tests define `check(candidate)` for a candidate of the same name and then call `check(check)`: the
/// solution, whatever it is, is never called, and every run ends in a TypeError of the tests' own. The
/// label is what came of running that; it says nothing about the solution.
const TESTS_THAT_NAME_THEMSELVES: [&str; 2] =
    ["mxeval_mbpp/MBPP/56/modelsample", "mxeval_mbpp/MBPP/899/modelsample"];

/// A row's label and a report's verdict agree. `rejected` only asks for a refusal. The labels have
/// no word for too much memory: it was a crash where they were taken.
fn agrees(row: &Row, report: &Report) -> bool {
    if TESTS_THAT_NAME_THEMSELVES.contains(&row.id.as_str()) {
        return report.cause == Some(Cause::BadTests);
    }
    match row.expected_verdict.as_str() {
        "runtime_error" if report.verdict == Verdict::MemoryLimit => true,
        "rejected" => !matches!(report.verdict, Verdict::Accepted | Verdict::Undecided),
        word => Verdict::from_word(word) == Some(report.verdict),
    }
}

/// Every row's report, by an engine that keeps an interpreter loaded or one that executes it.
async fn reports(rows: &Arc<Vec<Row>>, warm: bool) -> Vec<Report> {
    let config = EngineConfig { warm, ..testing_config(slots()) };
    let engine = Arc::new(Engine::start(&config).unwrap());
    for_each(rows.len(), slots(), {
        let rows = Arc::clone(rows);
        move |index| {
            let (rows, engine) = (Arc::clone(&rows), Arc::clone(&engine));
            async move { engine.verify(submission(&rows[index]), Admit::Patient).await }
        }
    })
    .await
}

/// Rows whose label is confirmed and that got another.
fn wrong_labels(rows: &[Row], reports: &[Report]) -> usize {
    let mut wrong = 0;
    for (row, report) in rows.iter().zip(reports) {
        if agrees(row, report) {
            continue;
        }
        let firm = if row.verified { "" } else { " (label not confirmed)" };
        println!(
            "{}: expected {}, got {} {:?}{firm}",
            row.id, row.expected_verdict, report.verdict, report.reason
        );
        wrong += usize::from(row.verified);
    }
    println!("{} of {} labelled submissions got their label", rows.len() - wrong, rows.len());
    wrong
}

/// All that a solution can show of itself in one test. Where a limit ended it, how far it had come
/// is a matter of time.
fn shown(test: &TestReport) -> String {
    let TestReport { verdict, cause, exit_code, signal, message, stdout, stderr, result, .. } = test;
    match verdict {
        Verdict::TimeLimit | Verdict::MemoryLimit => format!("{verdict} {cause:?}"),
        _ => format!(
            "{verdict} {cause:?} {exit_code:?} {signal:?} {message:?}\nstdout {stdout:?}\nstderr {stderr:?}\nresult {result:?}"
        ),
    }
}

/// Whether one test of a row looks different with different seeds of string hashes, the interpreter
/// executed each time.
async fn depends_on_chance(engine: &Engine, row: &Row, test: usize) -> bool {
    let mut looks = HashSet::new();
    for seed in 0..20 {
        let submission = Submission { seed: Some(seed), ..submission(row) };
        let report = engine.verify(submission, Admit::Patient).await;
        looks.extend(report.tests.get(test).map(shown));
        if looks.len() > 1 {
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn every_labelled_submission_gets_its_label_and_looks_the_same_warm_and_executed() {
    let rows = Arc::new(rows(&["python"], &["stdin", "call", "assert"]));
    let warm = reports(&rows, true).await;
    let executed = reports(&rows, false).await;
    assert_eq!((wrong_labels(&rows, &warm), wrong_labels(&rows, &executed)), (0, 0));
    let engine = support::engine(1);
    let mut differ = 0;
    for (row, (warm, executed)) in rows.iter().zip(warm.iter().zip(&executed)) {
        for (index, (one, other)) in warm.tests.iter().zip(&executed.tests).enumerate() {
            if shown(one) != shown(other) {
                if depends_on_chance(&engine, row, index).await {
                    println!("notice: {} test {index} looks different from run to run, executed too", row.id);
                    continue;
                }
                println!("{} test {index}, warm: {}\nexecuted: {}", row.id, shown(one), shown(other));
                differ += 1;
            }
        }
    }
    let tests: usize = warm.iter().map(|report| report.tests.len()).sum();
    println!("{} of {tests} tests look the same warm and executed", tests - differ);
    assert_eq!(differ, 0);
}

/// In a compiled language nearly all the time goes to the compiler, so a part stands for the whole unless
/// all are asked for.
#[tokio::test(flavor = "multi_thread")]
async fn labelled_c_and_cpp_submissions_get_their_label() {
    let mut rows = rows(&["cpp", "c"], &["stdin"]);
    if std::env::var_os("PROOFBOX_TEST_ALL_LABELLED").is_none() {
        let mut number = 0;
        rows.retain(|_| {
            number += 1;
            number % 8 == 1
        });
    }
    let rows = Arc::new(rows);
    let reports = reports(&rows, true).await;
    assert_eq!(wrong_labels(&rows, &reports), 0);
    let compiled = |report: &Report| report.compile.as_ref().is_some_and(|compile| !compile.cached);
    assert!(reports.iter().all(compiled), "each of them differs from the others");
}
