//! Submissions with known verdicts, other people's, read in place.

use std::{fs, path::PathBuf};

use proofbox::{
    judge::{Compare, Rule},
    limits::Limits,
    submission::{
        CodeKind, CodeTest, CodeTests, FunctionTarget, FunctionTest, ProgramTest, ShowOutput, Solution, Stop,
        Submission, Tests,
    },
    value::{Value, parse_json},
};
use serde_json::value::RawValue;

use super::program;

/// One row, as `../shared/data/README.md` describes it; other fields are not needed here.
#[derive(serde::Deserialize)]
pub struct Row {
    pub id: String,
    pub language: String,
    pub solution: String,
    pub test_kind: String,
    pub tests: Vec<Test>,
    pub expected_verdict: String,
    #[serde(default)]
    pub verified: bool,
    #[serde(default)]
    pub checker: serde_json::Value,
    pub time_limit: f64,
    #[serde(default)]
    pub prelude: Option<String>,
}

#[derive(serde::Deserialize)]
pub struct Test {
    #[serde(default)]
    pub stdin: String,
    #[serde(default)]
    pub expected_stdout: String,
    #[serde(default)]
    pub fn_name: Option<String>,
    #[serde(default)]
    pub args: Option<Box<RawValue>>,
    #[serde(default)]
    pub expected: Option<Box<RawValue>>,
    #[serde(default, rename = "assert")]
    pub assertion: Option<String>,
}

fn data() -> Option<PathBuf> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/labelled");
    if directory.is_dir() {
        return Some(directory);
    }
    println!("notice: {} is absent; labelled submissions are not tested", directory.display());
    None
}

/// Rows of some languages with tests of some kinds; none where the data is absent.
pub fn rows(languages: &[&str], kinds: &[&str]) -> Vec<Row> {
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
        .filter(|row| languages.contains(&&*row.language) && kinds.contains(&&*row.test_kind))
        .collect()
}

pub fn submission(row: &Row) -> Submission {
    let source = format!("{}{}", row.prelude.as_deref().unwrap_or(""), row.solution);
    let cpu_ms = (row.time_limit * 1000.0) as u64;
    Submission {
        id: Some(row.id.clone().into()),
        language: row.language.clone(),
        solution: Solution::single(if row.language == "python" { "main.py" } else { "main" }, source),
        tests: tests(row),
        compare: if row.test_kind == "assert" { Compare::TOKENS } else { compare(row) },
        // Memory: one row fills a list of 10^9 against a time limit of 1 s, and must meet the memory's first
        // on a slow machine too.
        limits: Limits {
            cpu_ms,
            wall_ms: Limits::default_wall_ms(cpu_ms),
            memory_bytes: 512 << 20,
            ..Limits::default()
        },
        stop: Stop::FirstFailure,
        show_output: ShowOutput::Always,
        ..program("", &[])
    }
}

fn tests(row: &Row) -> Tests {
    if row.test_kind == "stdin" {
        return Tests::Program(
            row.tests
                .iter()
                .map(|test| ProgramTest {
                    stdin: test.stdin.as_bytes().into(),
                    accepted_stdout: vec![test.expected_stdout.clone().into_bytes()],
                    files: Vec::new(),
                })
                .collect(),
        );
    }
    if row.test_kind == "assert" {
        let test = |test: &Test| CodeTest { kind: CodeKind::Assert, code: test.assertion.clone().unwrap() };
        return Tests::Code(CodeTests {
            tests: row.tests.iter().map(test).collect(),
            ..CodeTests::default()
        });
    }
    let value = |raw: &Option<Box<RawValue>>| parse_json(raw.as_ref().unwrap().get()).unwrap();
    Tests::Function {
        target: FunctionTarget { name: row.tests[0].fn_name.clone().unwrap() },
        tests: row
            .tests
            .iter()
            .map(|test| {
                let Value::List(args) = value(&test.args) else { panic!("{}: args is no list", row.id) };
                FunctionTest::new(args, Vec::new(), &[value(&test.expected)])
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
        (Some((abs, rel)), _) => Compare::Rule(Rule::float(abs, rel).as_kattis().unwrap()),
        (None, Some(true)) => Compare::TOKENS,
        (None, _) => Compare::Rule(Rule::TOKENS_IGNORE_CASE),
    }
}
