//! The labelled Python submissions, read in place, in both runners: the same verdicts, but for what WebAssembly is
//! known not to have, and for time.
//!
//! A sample of a few dozen rows here; all of them with `PROOFBOX_TEST_WASM_ALL=1`, which takes many minutes and
//! prints every difference.

use std::{env, fs, path::PathBuf, sync::Arc};

use proofbox::{
    judge::{Compare, Rule},
    limits::Limits,
    report::Report,
    submission::{FunctionTarget, FunctionTest, ProgramTest, Runtime, Solution, Stop, Submission, Tests},
    value::{Value, parse_json},
    verdict::{Cause, Verdict},
    verify::Engine,
};
use serde_json::value::RawValue;

use super::{python_image, support, support::for_each, verify};

/// One row, as `../shared/data/README.md` describes it; other fields are not needed here.
#[derive(serde::Deserialize)]
struct Row {
    id: String,
    language: String,
    solution: String,
    test_kind: String,
    tests: Vec<Test>,
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

/// How often slower Python in WebAssembly may be before a time limit is a difference: its limit is so many
/// times the native one.
const SLOWNESS: u64 = 12;
/// Every so many rows are in the sample.
const SAMPLE: usize = 40;

/// Python rows with program or function tests; `None` where the data is absent.
fn rows() -> Option<Vec<Row>> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/labelled");
    if !directory.is_dir() {
        println!("notice: {} is absent; the runners are not compared", directory.display());
        return None;
    }
    let mut files: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let rows = files.iter().flat_map(|file| {
        let text = fs::read_to_string(file).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Row>>()
    });
    Some(
        rows.filter(|row| row.language == "python" && matches!(&row.test_kind[..], "stdin" | "call"))
            .collect(),
    )
}

fn submission(row: &Row) -> Submission {
    let source = format!("{}{}", row.prelude.as_deref().unwrap_or(""), row.solution);
    let cpu_ms = (row.time_limit * 1000.0) as u64;
    let float = row.checker.get("float_tolerance");
    let compare = match float.and_then(|pair| Some((pair.get(0)?.as_f64()?, pair.get(1)?.as_f64()?))) {
        Some((abs, rel)) => Compare::Rule(Rule::float(abs, rel)),
        None => Compare::Rule(Rule::TOKENS_IGNORE_CASE),
    };
    Submission {
        id: Some(row.id.clone()),
        compare,
        limits: Limits { cpu_ms, wall_ms: Limits::default_wall_ms(cpu_ms), ..Limits::default() },
        stop: Stop::FirstFailure,
        ..Submission::new("python", Solution::single("main.py", source), tests(row))
    }
}

fn tests(row: &Row) -> Tests {
    if row.test_kind == "stdin" {
        let test = |test: &Test| ProgramTest {
            stdin: test.stdin.clone().into_bytes(),
            accepted_stdout: vec![test.expected_stdout.clone().into_bytes()],
            files: Vec::new(),
        };
        return Tests::Program(row.tests.iter().map(test).collect());
    }
    let value = |raw: &Option<Box<RawValue>>| parse_json(raw.as_ref().unwrap().get()).unwrap();
    let test = |test: &Test| {
        let Value::List(args) = value(&test.args) else { panic!("{}: args is no list", row.id) };
        FunctionTest { args, kwargs: Vec::new(), accepted: vec![value(&test.expected)] }
    };
    Tests::Function {
        target: FunctionTarget { name: row.tests[0].fn_name.clone().unwrap() },
        tests: row.tests.iter().map(test).collect(),
    }
}

/// Why two reports may differ; `None` if they may not.
fn known_cause(native: &Report, wasm: &Report) -> Option<&'static str> {
    match (native.verdict, wasm.verdict) {
        (one, other) if one == other => Some("same"),
        (_, Verdict::Undecided) if wasm.cause == Some(Cause::Unsupported) => Some("unsupported"),
        // Given many times the limit, what only just runs out of time natively may come to its end.
        (Verdict::TimeLimit, _) => Some("time limits are not the same"),
        (_, Verdict::TimeLimit) => Some("slower than its longer limit"),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn labelled_python_has_the_same_verdict_in_both_runners() {
    let all = env::var_os("PROOFBOX_TEST_WASM_ALL").is_some();
    let Some(rows) = rows() else { return };
    python_image();
    let engine: Arc<Engine> = Arc::new(support::engine(support::slots()));
    let submissions: Vec<Submission> =
        rows.iter().step_by(if all { 1 } else { SAMPLE }).map(submission).collect();
    let submissions = Arc::new(submissions);
    let pairs = for_each(submissions.len(), support::slots(), |index| {
        let (engine, submissions) = (Arc::clone(&engine), Arc::clone(&submissions));
        async move {
            let native = Submission { runtime: Runtime::Native, ..submissions[index].clone() };
            let mut wasm = Submission { runtime: Runtime::Wasm, ..submissions[index].clone() };
            wasm.limits.cpu_ms *= SLOWNESS;
            wasm.limits.wall_ms *= SLOWNESS;
            (verify(&engine, native).await, verify(&engine, wasm).await)
        }
    })
    .await;
    let (mut same, mut problems) = (0, Vec::new());
    for (native, wasm) in &pairs {
        match known_cause(native, wasm) {
            Some("same") => same += 1,
            cause => {
                let reason = wasm.reason.as_deref().unwrap_or("");
                let line = format!(
                    "{}: {} natively, {} in wasm ({}): {reason}",
                    native.id.as_deref().unwrap_or(""),
                    native.verdict,
                    wasm.verdict,
                    cause.unwrap_or("NO KNOWN CAUSE"),
                );
                println!("{line}");
                if cause.is_none() {
                    problems.push(line);
                }
            }
        }
    }
    println!("{same} of {} submissions have the same verdict", pairs.len());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(same * 10 >= pairs.len() * 9, "only {same} of {} are the same", pairs.len());
}
