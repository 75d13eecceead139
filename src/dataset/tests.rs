//! The shared data, read in place: every row's code and tests are found or missed as labelled.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::{
    Input,
    reader::{Columns, RawRow, RowReader},
    row::{Audit, Decision, RowRules, RowWork},
    test_cases::{TestsError, parse_tests},
};
use crate::{
    judge::Compare,
    limits::Limits,
    submission::{Repeat, Stop, Tests},
    verdict::{Cause, Verdict},
};

/// A file of the shared data, or `None` with a notice where it is absent.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("notice: {name} is absent; this test checks nothing here");
    None
}

fn rules() -> RowRules {
    RowRules {
        code_domains: vec!["code".to_owned()],
        every_row_is_code: false,
        compare: Compare::DATA_SET_DEFAULT,
        also: Vec::new(),
        limits: Limits::default(),
        stop: Stop::FirstFailure,
        repeat: Repeat::Once,
        audit: Audit::No,
    }
}

fn rows(path: &Path) -> Vec<RawRow> {
    let input = Input::open(path).unwrap();
    let mut reader = RowReader::open(&input, &Columns::default()).unwrap();
    std::iter::from_fn(|| reader.next_row().unwrap()).collect()
}

#[test]
fn every_labelled_row_has_code_and_tests_as_labelled() {
    let (Some(data), Some(labels)) =
        (shared("openthoughts_like/dev.jsonl"), shared("openthoughts_like/dev.expected.jsonl"))
    else {
        return;
    };
    let labels = std::fs::read_to_string(labels).unwrap();
    let mut wrong = Vec::new();
    let rows = rows(&data);
    for (row, label) in rows.into_iter().zip(labels.lines()) {
        let label: Json = serde_json::from_str(label).unwrap();
        let index = row.index;
        let found = match rules().work(row) {
            RowWork::NotCode => "not_code",
            RowWork::Decided(Decision { cause: Cause::NoCode, verdict: Verdict::CompileError, .. }) => {
                "no_code"
            }
            RowWork::Decided(Decision { cause: Cause::BadTests, verdict: Verdict::Undecided, .. }) => {
                "invalid_tests"
            }
            RowWork::Decided(_) => "other",
            RowWork::Verify { .. } => "verify",
        };
        let expected = match label["reason_class"].as_str().unwrap() {
            class @ ("no_code" | "invalid_tests") => class,
            class if class.starts_with("not_code") => "not_code",
            _ => "verify",
        };
        if found != expected {
            wrong.push(format!("row {index}: {found}, labelled {expected}, tags {}", label["tags"]));
        }
    }
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn sample_output_and_drafts_are_not_taken_for_the_solution() {
    let (Some(data), Some(labels)) =
        (shared("openthoughts_like/dev.jsonl"), shared("openthoughts_like/dev.expected.jsonl"))
    else {
        return;
    };
    let labels = std::fs::read_to_string(labels).unwrap();
    let mut seen = 0;
    for (row, label) in rows(&data).into_iter().zip(labels.lines()) {
        let several = ["last_block_is_sample_output", "two_code_blocks"];
        if !several.iter().any(|tag| label.contains(tag)) {
            continue;
        }
        let index = row.index;
        let RowWork::Verify { submission, note, .. } = rules().work(row) else { panic!("row {index}") };
        let code = String::from_utf8(submission.solution.files[0].content.clone()).unwrap();
        assert!(!code.contains("raise NotImplementedError") && code.trim() != "42", "row {index}: {code}");
        assert!(note.is_some_and(|note| note.starts_with("block ")), "row {index}");
        seen += 1;
    }
    assert!(seen > 50, "{seen} rows with several blocks");
}

#[test]
fn parquet_and_jsonl_give_the_same_rows() {
    let (Some(jsonl), Some(parquet)) =
        (shared("openthoughts_like/dev.jsonl"), shared("openthoughts_like/dev.parquet"))
    else {
        return;
    };
    assert_eq!(rows(&jsonl), rows(&parquet));
}

/// Counts the tests of a sample's rows; `text` finds the test text of a row.
fn parse_all(
    rows: &[Json],
    text: impl Fn(&Json) -> String,
) -> Vec<Result<(usize, &'static str), TestsError>> {
    let kind = |tests: Tests| (tests.len(), tests.kind());
    rows.iter().map(|row| parse_tests(&text(row)).map(kind)).collect()
}

fn json_file(name: &str) -> Option<Vec<Json>> {
    let text = std::fs::read_to_string(shared(name)?).unwrap();
    let whole: Result<Vec<Json>, _> = serde_json::from_str(&text);
    Some(whole.unwrap_or_else(|_| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()))
}

#[test]
fn genuine_rows_of_other_projects_parse() {
    type Text = fn(&Json) -> String;
    let samples: [(&str, Text, &str); 3] = [
        ("rllm_test_code_code_contests_sample.json", |row| row["tests"].to_string(), "program"),
        ("rllm_test_code_codeforces_sample.json", |row| row["tests"].to_string(), "program"),
        (
            "sandboxfusion_code_eval_code_contests.jsonl",
            |row| row["test"].as_str().unwrap().to_owned(),
            "program",
        ),
    ];
    for (name, text, kind) in samples {
        let Some(rows) = json_file(&format!("format_samples/{name}")) else { return };
        for (at, parsed) in parse_all(&rows, text).into_iter().enumerate() {
            let (count, found) = parsed.unwrap_or_else(|error| panic!("{name} row {at}: {error}"));
            assert!(count > 0 && found == kind, "{name} row {at}: {count} tests of a {found}");
        }
    }
    let Some(rows) = json_file("format_samples/rllm_test_code_leetcode_sample.json") else { return };
    for parsed in parse_all(&rows, |row| row["tests"].to_string()) {
        assert!(matches!(parsed, Err(TestsError::Unsupported(_))), "{parsed:?}");
    }
}

#[test]
fn genuine_apps_and_taco_rows_parse() {
    let Some(samples) = json_file("format_samples/skythought_apps_taco_rows.json") else { return };
    let mut parsed = 0;
    for sample in &samples {
        let Some(text) = sample["row"]["input_output"].as_str() else { continue };
        let tests = parse_tests(text).unwrap_or_else(|error| panic!("{}: {error}", sample["name"]));
        assert!(!tests.is_empty());
        parsed += 1;
    }
    assert!(parsed > 0);
}
