//! Both runners go the same way: the same submissions come to the same reports, but for times, memory and the tier.

use std::sync::Arc;

use proofbox::{
    judge::{Compare, Rule},
    limits::Limits,
    report::{Report, TestReport},
    submission::{
        CodeKind, CodeTest, CodeTests, FunctionTarget, FunctionTest, Repeat, Runtime, Stop, Submission, Tests,
    },
    value::Value,
    verdict::{Cause, Verdict},
    verify::Engine,
};

use super::{
    python_image,
    support::{self, program},
    verify,
};

/// The report without what two runs of one solution need not have in common: figures, and where a limit was met how
/// that ended the run.
fn comparable(report: Report) -> Report {
    let limits = [Verdict::TimeLimit, Verdict::MemoryLimit, Verdict::OutputLimit];
    let tests = report.tests.into_iter().map(|test| {
        let test = TestReport { cpu_ms: 0.0, wall_ms: 0.0, memory_bytes: 0, ..test };
        if !limits.contains(&test.verdict) {
            return test;
        }
        let told = Some(test.message.is_some().to_string());
        TestReport { exit_code: None, signal: None, message: told, stdout: None, stderr: None, ..test }
    });
    let is_limit = limits.contains(&report.verdict);
    let reason = if is_limit { Some(report.reason.is_some().to_string()) } else { report.reason };
    Report { tier: None, tests: tests.collect(), reason, ..report }
}

fn called(source: &str, calls: &[(i64, i64)]) -> Submission {
    let test = |(arg, expected): &(i64, i64)| {
        FunctionTest::new(vec![Value::Int(*arg)], Vec::new(), &[Value::Int(*expected)])
    };
    let target = FunctionTarget { name: "f".to_owned() };
    let tests = Tests::Function { target, tests: calls.iter().map(test).collect() };
    Submission { tests, ..program(source, &[]) }
}

fn asserted(source: &str, asserts: &[&str]) -> Submission {
    let tests = asserts.iter().map(|code| CodeTest { kind: CodeKind::Assert, code: (*code).to_owned() });
    let tests = CodeTests { tests: tests.collect(), ..CodeTests::default() };
    Submission { tests: Tests::Code(tests), ..program(source, &[]) }
}

fn submissions() -> Vec<Submission> {
    let sum = "print(sum(map(int, input().split())))";
    let three = [("1 2\n", "3"), ("2 2\n", "5"), ("4 4\n", "8")];
    let short = Limits { cpu_ms: 500, memory_bytes: 96 << 20, output_bytes: 10_000, ..Limits::default() };
    vec![
        program(sum, &three),
        Submission { stop: Stop::FirstFailure, ..program(sum, &three) },
        Submission {
            also: vec![Compare::EXACT, Compare::Rule(Rule::UNORDERED_TOKENS)],
            ..program(sum, &three)
        },
        Submission { parallel: 3, ..program(sum, &three) },
        Submission { repeat: Repeat::Times(3), ..program(sum, &[("1 2\n", "3")]) },
        program("import random\nrandom.seed(1)\nprint(random.random() < 2)", &[("", "True")]),
        program("import random\nprint(random.random() > 2)", &[("", "True")]),
        program("import sys\nprint('a')\nsys.exit(3)", &[("", "a")]),
        program("import sys\nprint('e', file=sys.stderr)\nraise ValueError('x')", &[("", "a")]),
        program("print(1", &[("", "1")]),
        program(sum, &[]),
        Submission { limits: short, ..program("while True: pass", &[("", "1")]) },
        Submission { limits: short, ..program("while True: print('x' * 100)", &[("", "1")]) },
        Submission { limits: short, ..program("x = [0] * (1 << 27)\nprint(1)", &[("", "1")]) },
        called("def f(x): return x + 1", &[(1, 2), (2, 4), (3, 4)]),
        called("def g(x): return x", &[(1, 2)]),
        called("def f(x): raise KeyError(x)", &[(1, 2)]),
        called("class Solution:\n    def f(self, x): return [x, {'a': x}]", &[(1, 2)]),
        asserted("def f(x): return x + 1", &["assert f(1) == 2", "assert f(1) == 3", "assert f(2) == 3"]),
        asserted("def f(x): raise KeyError(x)", &["assert f(1) == 2"]),
        asserted("def f(g): return g(1)", &["assert f(lambda x: x + 1) == 2"]),
        asserted("def f(x): return x", &["pass"]),
        Submission { language: "no-language".to_owned(), ..program(sum, &three) },
    ]
}

/// How many runs metrics have counted.
fn runs(engine: &Engine) -> u64 {
    let metrics = engine.metrics().render(engine.admission());
    let count = metrics
        .lines()
        .find_map(|line| line.strip_prefix("proofbox_run_wall_seconds_count{language=\"python\"} "));
    count.map_or(0, |count| count.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_submissions_come_to_the_same_reports() {
    if !python_image() {
        return;
    }
    let engine = Arc::new(support::engine(support::slots()));
    let mut different = Vec::new();
    for submission in submissions() {
        let mut reports = Vec::new();
        for runtime in [Runtime::Native, Runtime::Wasm] {
            let asked = Submission { runtime, ..submission.clone() };
            reports.push(format!("{:#?}", comparable(verify(&engine, asked).await)));
        }
        if submission.language == "python" && reports[0] != reports[1] {
            different.push(format!("natively {}\nin WebAssembly {}", reports[0], reports[1]));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_random_is_run_as_often_in_both() {
    if !python_image() {
        return;
    }
    let engine = support::engine(1);
    for (source, verdict, times) in [
        ("import random\nrandom.random()\nprint('no')", Verdict::WrongAnswer, 2),
        ("import random\nrandom.random()\nraise KeyError", Verdict::RuntimeError, 2),
        ("print('no')", Verdict::WrongAnswer, 1),
        ("import random\nrandom.random()\nprint('yes')", Verdict::Accepted, 5),
    ] {
        for runtime in [Runtime::Native, Runtime::Wasm] {
            let before = runs(&engine);
            let asked = Submission { runtime, ..program(source, &[("", "yes")]) };
            let report = verify(&engine, asked).await;
            assert_eq!(report.verdict, verdict, "{source}: {report:?}");
            assert_eq!(runs(&engine) - before, times, "{source}, {runtime:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_by_chance_is_told_in_both() {
    if !python_image() {
        return;
    }
    let engine = support::engine(1);
    for runtime in [Runtime::Native, Runtime::Wasm] {
        let mut causes = Vec::new();
        for _ in 0..24 {
            let source = "import random\nprint(random.choice(['yes', 'no']))";
            let submission = Submission { runtime, ..program(source, &[("", "yes")]) };
            causes.push(verify(&engine, submission).await.cause);
        }
        assert!(causes.contains(&Some(Cause::NotDeterministic)), "{runtime:?}: {causes:?}");
    }
}
