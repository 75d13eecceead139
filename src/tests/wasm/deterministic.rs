//! Runs that are the same on every machine and under any load.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use proofbox::{
    report::TestReport,
    submission::{FunctionTarget, FunctionTest, Solution, Submission, Tests},
    value::Value,
    verdict::Cause,
};

use super::{
    code_tests::asserts,
    engine, module, python_image,
    support::{PROGRAM, for_each, program},
    verify,
};

/// Computes, asks for the time and for random bytes, and prints what it got.
pub const WORKS: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\20\00\00\00")
  (func (export "_start")
    (local $n i64) (local $i i32)
    (drop (call $random (i32.const 16) (i32.const 16)))
    (local.set $i (i32.const 100000))
    (loop $next
      (local.set $n (i64.add (i64.mul (local.get $n) (i64.const 6364136223846793005)) (i64.load (i32.const 16))))
      (br_if $next (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
    (i64.store (i32.const 32) (local.get $n))
    (drop (call $time (i32.const 0) (i64.const 0) (i32.const 40)))
    ;; Digits and letters of every bit, so that the output is text.
    (loop $text
      (i32.store8 (i32.add (local.get $i) (i32.const 16))
        (i32.add (i32.and (i32.load8_u (i32.add (local.get $i) (i32.const 16))) (i32.const 63)) (i32.const 48)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $text (i32.lt_u (local.get $i) (i32.const 32))))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

/// Threads that keep cores busy until it is dropped.
struct Burners(Arc<AtomicBool>);

impl Burners {
    fn start(count: usize) -> Burners {
        let done = Arc::new(AtomicBool::new(false));
        for _ in 0..count {
            let done = Arc::clone(&done);
            std::thread::spawn(move || while !done.load(Ordering::Relaxed) {});
        }
        Burners(done)
    }
}

impl Drop for Burners {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The same fuel, to the unit, and the same output in a thousand runs on busy cores; and on any machine.
#[tokio::test(flavor = "multi_thread")]
async fn deterministic_runs_are_the_same_under_any_load() {
    const FUEL: u64 = 1_201_306;
    let engine = Arc::new(engine(8));
    let burners = Burners::start(2);
    let reports = for_each(100, 16, |_| {
        let engine = Arc::clone(&engine);
        let mut submission = Submission { deterministic: true, ..module(WORKS, "") };
        let Tests::Program(tests) = &mut submission.tests else { unreachable!() };
        tests.resize(10, tests[0].clone());
        async move { verify(&engine, submission).await }
    })
    .await;
    drop(burners);
    let tests: Vec<_> = reports.iter().flat_map(|report| &report.tests).collect();
    assert_eq!(tests.len(), 1_000);
    for test in &tests {
        assert_eq!((test.fuel, &test.stdout), (tests[0].fuel, &tests[0].stdout));
        assert_eq!((test.fuel, test.cpu_ms), (Some(FUEL), FUEL as f64 / 1e6), "{test:?}");
    }
    // By the clock every run has other random bytes.
    let [one, two] = [verify(&engine, module(WORKS, "")).await, verify(&engine, module(WORKS, "")).await];
    assert_ne!(one.tests[0].stdout, two.tests[0].stdout);
    assert_eq!(one.tests[0].fuel, None);
}

/// Asks for everything by which one run could be told from another.
const CHANCE: &str = "
import datetime, os, random, time, uuid
class Thing: pass
print(time.time_ns(), time.monotonic_ns(), time.process_time_ns(), datetime.datetime.now())
print(random.random(), random.SystemRandom().random(), os.urandom(8), uuid.uuid4())
print(hash('text'), id(Thing()), {str(x) for x in range(20)}, os.getpid() if hasattr(os, 'getpid') else 0)
time.sleep(0.25)
print(time.monotonic(), sorted(range(1000), key=lambda x: random.random())[:9])
";

/// What must be the same in all runs.
fn shown(tests: &[TestReport]) -> Vec<String> {
    tests
        .iter()
        .map(|test| format!("{} {:?} {:?} {:?}", test.verdict, test.fuel, test.stdout, test.cpu_ms))
        .collect()
}

fn deterministic(submission: Submission) -> Submission {
    Submission { deterministic: true, ..submission }
}

/// How often each is repeated; by hand, `PROOFBOX_TEST_REPEATS=1000`.
fn repeats() -> usize {
    std::env::var("PROOFBOX_TEST_REPEATS").map_or(6, |count| count.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn python_runs_are_the_same_under_any_load() {
    if !python_image() {
        return;
    }
    let target = FunctionTarget { name: "f".to_owned() };
    let test = FunctionTest::new(vec![Value::Int(7)], Vec::new(), &[Value::List(vec![Value::Int(7); 3])]);
    let function = Submission::new(
        "python",
        Solution::single(
            "main.py",
            "import random\ndef f(x):\n    random.shuffle(list(range(50)))\n    return [x] * 3",
        ),
        Tests::Function { target, tests: vec![test] },
    );
    let code = asserts(
        "class P:\n    def __init__(self, x): self.x = x\n    def __eq__(self, o): return self.x == o.x\ndef f(x): return P(x)\ndef g(n): return 'x' * n",
        &["assert f(1) == f(1)", "assert len(g(3_000_000)) == 3_000_000", "assert f(1) == f(2)"],
    );
    let submissions = [
        program(CHANCE, &[("", ""), ("", "x")]),
        program("n = 0\nwhile True: n += 1", &[("", "")]),
        program("x = []\nwhile True: x.append(bytearray(1 << 20))", &[("", "")]),
        program("def f(n): return f(n + 1)\nf(0)", &[("", "")]),
        function,
        code,
    ]
    .map(deterministic)
    .map(|mut submission| {
        let is_endless = matches!(&submission.solution.files[0].content[..], b"n = 0\nwhile True: n += 1");
        submission.limits.cpu_ms = if is_endless { 300 } else { 4_000 };
        submission.limits.memory_bytes = 64 << 20;
        submission
    });
    let engine = Arc::new(engine(4));
    let alone: Vec<_> = {
        let mut reports = Vec::new();
        for submission in &submissions {
            let report = verify(&engine, submission.clone()).await;
            assert_eq!(report.tests.iter().filter(|test| test.fuel.is_none()).count(), 0, "{report:?}");
            reports.push(shown(&report.tests));
        }
        reports
    };
    let verdicts: Vec<&str> = alone.iter().map(|tests| tests[0].split(' ').next().unwrap()).collect();
    let expected = ["wrong_answer", "time_limit", "memory_limit", "runtime_error", "accepted", "accepted"];
    assert_eq!(verdicts, expected, "{alone:#?}");
    let _burners = Burners::start(2);
    let (count, submissions) = (submissions.len(), Arc::new(submissions));
    let reports = for_each(repeats() * count, 4, |index| {
        let (engine, submission) = (Arc::clone(&engine), submissions[index % count].clone());
        async move { shown(&verify(&engine, submission).await.tests) }
    })
    .await;
    for (index, report) in reports.iter().enumerate() {
        assert_eq!(*report, alone[index % count], "repeat {}", index / count);
    }
}

/// In another process, with another order of everything in memory, too.
#[test]
fn python_runs_are_the_same_in_other_processes() {
    if !python_image() {
        return;
    }
    let line = serde_json::json!({
        "language": "python", "source": CHANCE, "runtime": "wasm", "deterministic": true, "show_output": "always",
        "tests": [{"stdin": "", "expected_stdout": "x"}],
    });
    let ask = || {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("in.jsonl");
        std::fs::write(&path, line.to_string()).unwrap();
        let answer = std::process::Command::new(PROGRAM)
            .args(["verify", "--runtime", "wasm"])
            .arg(&path)
            .output()
            .unwrap();
        let report: serde_json::Value = serde_json::from_slice(&answer.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&answer.stderr)));
        let test = &report["tests"][0];
        assert!(test["fuel"].as_u64().is_some_and(|fuel| fuel > 0), "{report}");
        (
            report["verdict"].clone(),
            test["fuel"].clone(),
            test["stdout"].clone(),
            test["memory_bytes"].clone(),
        )
    };
    let first = ask();
    for _ in 0..3 {
        assert_eq!(ask(), first);
    }
}

/// What cannot be deterministic is said to be unsupported, not done some other way.
#[tokio::test(flavor = "multi_thread")]
async fn deterministic_native_runs_are_refused() {
    let engine = engine(1);
    let asked = Submission {
        runtime: proofbox::submission::Runtime::Native,
        ..deterministic(program("print(1)", &[("", "1")]))
    };
    assert_eq!(verify(&engine, asked).await.cause, Some(Cause::Unsupported));
}
