//! Submissions with known verdicts, other people's, read in place: each must get its label.

mod support;

use std::{fs, path::PathBuf, sync::Arc};

use proofbox::{
    admission::Admit,
    judge::{Compare, Rule},
    limits::Limits,
    report::Report,
    submission::{FunctionTarget, FunctionTest, ProgramTest, Solution, Stop, Submission, Tests},
    value::{Value, parse_json},
    verdict::Verdict,
};
use serde_json::value::RawValue;
use support::{for_each, program, slots};

/// One row, as `../shared/data/README.md` describes it; other fields are not needed here.
#[derive(serde::Deserialize)]
struct Row {
    id: String,
    language: String,
    solution: String,
    test_kind: String,
    tests: Vec<Test>,
    expected_verdict: String,
    #[serde(default)]
    verified: bool,
    #[serde(default)]
    checker: serde_json::Value,
    time_limit: f64,
    #[serde(default)]
    prelude: Option<String>,
}

#[derive(serde::Deserialize)]
struct Test {
    #[serde(default)]
    stdin: String,
    #[serde(default)]
    expected_stdout: String,
    #[serde(default)]
    fn_name: Option<String>,
    #[serde(default)]
    args: Option<Box<RawValue>>,
    #[serde(default)]
    expected: Option<Box<RawValue>>,
}

fn data() -> Option<PathBuf> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/labelled");
    if directory.is_dir() {
        return Some(directory);
    }
    println!("notice: {} is absent; labelled submissions are not tested", directory.display());
    None
}

/// Python rows with program or function tests.
fn rows() -> Vec<Row> {
    let mut files: Vec<PathBuf> = data()
        .into_iter()
        .flat_map(|directory| fs::read_dir(directory).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .iter()
        .flat_map(|file| {
            let text = fs::read_to_string(file).unwrap();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Row>>()
        })
        .filter(|row| row.language == "python" && matches!(row.test_kind.as_str(), "stdin" | "call"))
        .collect()
}

fn submission(row: &Row) -> Submission {
    let source = format!("{}{}", row.prelude.as_deref().unwrap_or(""), row.solution);
    let cpu_ms = (row.time_limit * 1000.0) as u64;
    Submission {
        id: Some(row.id.clone()),
        solution: Solution::single("main.py", source),
        tests: tests(row),
        compare: compare(row),
        limits: Limits {
            cpu_ms,
            wall_ms: Limits::default_wall_ms(cpu_ms),
            memory_bytes: 1 << 30,
            ..Limits::default()
        },
        stop: Stop::FirstFailure,
        ..program("", &[])
    }
}

fn tests(row: &Row) -> Tests {
    if row.test_kind == "stdin" {
        return Tests::Program(
            row.tests
                .iter()
                .map(|test| ProgramTest {
                    stdin: test.stdin.clone().into_bytes(),
                    accepted_stdout: vec![test.expected_stdout.clone().into_bytes()],
                    files: Vec::new(),
                })
                .collect(),
        );
    }
    let value = |raw: &Option<Box<RawValue>>| parse_json(raw.as_ref().unwrap().get()).unwrap();
    Tests::Function {
        target: FunctionTarget { name: row.tests[0].fn_name.clone().unwrap() },
        tests: row
            .tests
            .iter()
            .map(|test| {
                let Value::List(args) = value(&test.args) else { panic!("{}: args is no list", row.id) };
                FunctionTest { args, kwargs: Vec::new(), accepted: vec![value(&test.expected)] }
            })
            .collect(),
    }
}

/// Kattis' default checker ignores case and runs of white space unless it is told otherwise.
fn compare(row: &Row) -> Compare {
    let tolerance = row
        .checker
        .get("float_tolerance")
        .and_then(|pair| Some((pair.get(0)?.as_f64()?, pair.get(1)?.as_f64()?)));
    let case_counts = row.checker.get("case_sensitive").and_then(serde_json::Value::as_bool);
    match (tolerance, case_counts) {
        (Some((abs, rel)), _) => Compare::Rule(Rule::float(abs, rel)),
        (None, Some(true)) => Compare::TOKENS,
        (None, _) => Compare::Rule(Rule::TOKENS_IGNORE_CASE),
    }
}

/// A row's label and a report's verdict agree. `rejected` only asks for a refusal. The labels have
/// no word for too much memory: it was a crash where they were taken.
fn agrees(expected: &str, report: &Report) -> bool {
    match expected {
        "runtime_error" if report.verdict == Verdict::MemoryLimit => true,
        "rejected" => !matches!(report.verdict, Verdict::Accepted | Verdict::Undecided),
        word => Verdict::from_word(word) == Some(report.verdict),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_labelled_submission_gets_its_label() {
    let rows = Arc::new(rows());
    let engine = Arc::new(support::engine(slots()));
    let reports = for_each(rows.len(), slots(), {
        let rows = Arc::clone(&rows);
        move |index| {
            let (rows, engine) = (Arc::clone(&rows), Arc::clone(&engine));
            async move { engine.verify(submission(&rows[index]), Admit::Patient).await }
        }
    })
    .await;
    let mut wrong = 0;
    for (row, report) in rows.iter().zip(&reports) {
        if agrees(&row.expected_verdict, report) {
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
    assert_eq!(wrong, 0);
}
