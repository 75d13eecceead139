//! The Wasm runner: Python from end to end, modules that are the solution, hostile modules, limits that load
//! cannot touch.
//!
//! The Python image is built at its first use, from its registry, which takes minutes.
#![expect(
    clippy::disallowed_methods,
    reason = "tests start programs, and are told what to try by the environment"
)]

mod both_runners;
mod code_tests;
mod compiled;
mod deterministic;
mod differential;
mod images;
mod javascript;
#[path = "../support/mod.rs"]
mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use proofbox::{
    admission::Admit,
    config::EngineConfig,
    limits::Limits,
    report::Report,
    sandbox::Tier,
    submission::{FunctionTarget, FunctionTest, Runtime, Solution, Submission, Tests},
    value::Value,
    verdict::{Cause, Verdict},
    verify::Engine,
};
use support::{for_each, program, random::Random, start, testing_config, wasm_image::image};

/// An engine with the Wasm runner alone.
fn engine(slots: usize) -> Engine {
    start(&EngineConfig { runtime: Runtime::Wasm, ..testing_config(slots) })
}

fn python_image() -> bool {
    image("wasm-python")
}

async fn verify(engine: &Engine, submission: Submission) -> Report {
    engine.verify(submission, Admit::Patient).await
}

/// A module, written as text, that prints `expected`.
fn module(text: &str, expected: &str) -> Submission {
    let binary = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
    Submission {
        language: "wasm".to_owned(),
        solution: Solution::single("main.wasm", binary),
        limits: Limits { cpu_ms: 1_000, memory_bytes: 64 << 20, ..Limits::default() },
        ..program("", &[("", expected)])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn python_programs_come_to_the_verdicts_of_the_native_runner() {
    if !python_image() {
        return;
    }
    let engine = engine(2);
    for (source, stdin, stdout, verdict, cause) in [
        ("print(sum(map(int, input().split())))", "1 2 3\n", "6", Verdict::Accepted, None),
        ("print(7)", "", "6", Verdict::WrongAnswer, None),
        (
            "def g():\n    yield 1\nopen('x', 'w').write('abc')\nprint(open('x').read(), *g())",
            "",
            "abc 1",
            Verdict::Accepted,
            None,
        ),
        ("class A:\n    def __del__(self): print('gone')\na = A()", "", "gone", Verdict::Accepted, None),
        ("import atexit\natexit.register(print, 'end')", "", "end", Verdict::Accepted, None),
        ("import sys\nsys.exit('no')", "", "", Verdict::RuntimeError, None),
        ("import sys\nprint(1)\nsys.exit(0)", "", "1", Verdict::Accepted, None),
        ("raise ValueError('x')", "", "", Verdict::RuntimeError, None),
        ("print(1", "", "", Verdict::CompileError, None),
        ("def f(n): return f(n + 1)\nf(0)", "", "", Verdict::RuntimeError, None),
        (
            "import sys\nsys.setrecursionlimit(10**6)\ndef f(n): return 0 if n == 0 else 1 + f(n - 1)\nprint(f(100000))",
            "",
            "100000",
            Verdict::Accepted,
            None,
        ),
        ("while True: pass", "", "", Verdict::TimeLimit, None),
        ("import time\ntime.sleep(100)", "", "", Verdict::TimeLimit, Some(Cause::WallTime)),
        ("x = []\nwhile True: x.append(bytearray(1 << 20))", "", "", Verdict::MemoryLimit, None),
        ("while True: print('x' * 1000)", "", "", Verdict::OutputLimit, None),
        (
            "import threading\nthreading.Thread(target=print).start()",
            "",
            "",
            Verdict::Undecided,
            Some(Cause::Unsupported),
        ),
        ("import subprocess\nsubprocess.run(['ls'])", "", "", Verdict::Undecided, Some(Cause::Unsupported)),
        (
            "import os\nprint(os.environ.get('HOME'), os.listdir('/box'))",
            "",
            "None ['main.py']",
            Verdict::Accepted,
            None,
        ),
        ("open('/etc/passwd')", "", "", Verdict::RuntimeError, None),
        ("import numpy as np\nprint(np.arange(5).sum())", "", "10", Verdict::Accepted, None),
    ] {
        let limits =
            Limits { cpu_ms: 1_000, memory_bytes: 128 << 20, output_bytes: 1 << 20, ..Limits::default() };
        let report = verify(&engine, Submission { limits, ..program(source, &[(stdin, stdout)]) }).await;
        assert_eq!((report.verdict, report.cause), (verdict, cause), "{source}: {report:?}");
        assert_eq!(report.tier, Some("wasm"), "{source}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_are_called_by_the_native_drivers_protocol() {
    if !python_image() {
        return;
    }
    let engine = engine(1);
    let ask = |source: &str, args: Vec<Value>, expected: Value| {
        let target = FunctionTarget { name: "f".to_owned() };
        let test = FunctionTest::new(args, Vec::new(), &[expected]);
        let tests = Tests::Function { target, tests: vec![test] };
        Submission::new("python", Solution::single("main.py", source), tests)
    };
    let report = verify(
        &engine,
        ask(
            "def f(a, b):\n    return (a, [b])",
            vec![Value::Int(1), Value::str("x")],
            Value::Tuple(vec![Value::Int(1), Value::List(vec![Value::str("x")])]),
        ),
    )
    .await;
    assert_eq!(report.verdict, Verdict::Accepted, "{report:?}");
    let report = verify(
        &engine,
        ask("class Solution:\n    def f(self, a): return a", vec![Value::Int(1)], Value::Int(2)),
    )
    .await;
    assert_eq!(report.verdict, Verdict::WrongAnswer, "{report:?}");
    let report =
        verify(&engine, ask("def f(a): raise KeyError(a)", vec![Value::Int(1)], Value::Int(2))).await;
    assert_eq!(report.verdict, Verdict::RuntimeError, "{report:?}");
    let report = verify(&engine, ask("g = 1", vec![Value::Int(1)], Value::Int(2))).await;
    assert_eq!(report.cause, Some(Cause::FunctionNotFound), "{report:?}");
    // A path is data, whatever it holds.
    let mut strange = ask("def f(a): return a", vec![Value::Int(1)], Value::Int(1));
    strange.solution = Solution::single("a');import os#\u{e9}.py", "def f(a): return a");
    let report = verify(&engine, strange).await;
    assert_eq!(report.verdict, Verdict::Accepted, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_runs_in_flight_keep_their_cpu_limits() {
    if !python_image() {
        return;
    }
    // Each computes for a good part of its limit, and on few cores waits for them most of the time.
    let source = "n = 0\nfor i in range(200000): n += i\nprint(n)";
    let limits = Limits { cpu_ms: 700, wall_ms: 1_000, ..Limits::default() };
    let engine = Arc::new(engine(100));
    let reports = for_each(100, 100, |_| {
        let engine = Arc::clone(&engine);
        let submission = Submission { limits, ..program(source, &[("", "19999900000")]) };
        async move { verify(&engine, submission).await }
    })
    .await;
    for report in reports {
        assert_eq!(report.verdict, Verdict::Accepted, "{report:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_least_tier_keeps_solutions_out_of_wasm() {
    let engine = start(&EngineConfig { min_tier: Tier::Restricted, ..testing_config(1) });
    let asked = Submission { runtime: Runtime::Wasm, ..program("print(1)", &[("", "1")]) };
    let report = verify(&engine, asked).await;
    assert_eq!(report.cause, Some(Cause::Unsupported), "{report:?}");
    assert!(report.reason.unwrap().contains("--min-tier"));
    // What is left open runs natively where that can be had.
    let report = verify(&engine, program("print(1)", &[("", "1")])).await;
    assert_eq!(report.verdict, Verdict::Accepted);
    assert_ne!(report.tier, Some("wasm"));
}

/// A host on which nothing native can be started: what is left open runs here if there is an image, and the
/// report says so; without one the engine does not start.
#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_native_can_run_solutions_run_in_wasm() {
    if !python_image() {
        return;
    }
    let config = EngineConfig { program: "/bin/false".into(), ..EngineConfig::for_testing(1) };
    let engine = Engine::start(&config).unwrap();
    let report = verify(&engine, program("print(1)", &[("", "1")])).await;
    assert_eq!((report.verdict, report.tier), (Verdict::Accepted, Some("wasm")), "{report:?}");
    let native = Submission { runtime: Runtime::Native, ..program("print(1)", &[("", "1")]) };
    assert_eq!(verify(&engine, native).await.cause, Some(Cause::Unsupported));
    let empty = tempfile::tempdir().unwrap();
    assert!(Engine::start(&EngineConfig { wasm_dir: empty.path().to_owned(), ..config.clone() }).is_err());
    assert!(Engine::start(&EngineConfig { min_tier: Tier::Restricted, ..config }).is_err());
}

fn hostile_modules() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("test-cases/hostile-wasm");
    let mut files: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "wat"));
    files.sort();
    assert!(files.len() >= 12);
    files
}

/// Each module that attempts something comes to the verdict in its first line, by the clock and by fuel.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_modules_are_contained() {
    let engine = engine(2);
    for path in hostile_modules() {
        let text = fs::read_to_string(&path).unwrap();
        let said =
            text.lines().next().unwrap().strip_prefix(";; verdict: ").expect("a verdict in the first line");
        let mut words = said.split(' ');
        let verdict = Verdict::from_word(words.next().unwrap()).unwrap();
        let rest: Vec<&str> = words.collect();
        for deterministic in [false, true] {
            let asked = Submission { deterministic, ..module(&text, "contained") };
            let limits = Limits { cpu_ms: 150, file_bytes: 8 << 20, ..asked.limits };
            let report = verify(&engine, Submission { limits, ..asked }).await;
            let about = format!("{}, deterministic {deterministic}: {report:?}", path.display());
            assert_eq!(report.verdict, verdict, "{about}");
            match rest[..] {
                ["signal", signal] => assert_eq!(report.tests[0].signal, signal.parse().ok(), "{about}"),
                ["cause", cause] => assert_eq!(report.cause.map(Cause::as_str), Some(cause), "{about}"),
                _ => assert!(rest.is_empty() || rest == ["contained"], "{about}"),
            }
        }
    }
    // And the runner is as good as before.
    let report = verify(&engine, module(SAYS_WHAT_IT_FINDS, "clean")).await;
    assert_eq!(report.verdict, Verdict::Accepted, "{report:?}");
}

/// Fills 32 MiB of memory with a secret, after it has looked for the same secret there.
const SAYS_WHAT_IT_FINDS: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\06\00\00\00")
  (data (i32.const 16) "clean\n")
  (data (i32.const 32) "found\n")
  (func (export "_start")
    (local $at i32)
    (drop (memory.grow (i32.const 511)))
    (local.set $at (i32.const 1024))
    (loop $next
      (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then (i32.store (i32.const 0) (i32.const 32))))
      (i64.store (local.get $at) (i64.const 0x5ec2e75ec2e75ec2))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 33554432))))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

/// Memory is zeroed between runs: of one submission, and of others.
#[tokio::test(flavor = "multi_thread")]
async fn no_run_finds_what_another_left_in_memory() {
    let engine = engine(2);
    for _ in 0..5 {
        let mut asked = module(SAYS_WHAT_IT_FINDS, "clean");
        let Tests::Program(tests) = &mut asked.tests else { unreachable!() };
        tests.resize(8, tests[0].clone());
        let report = verify(&engine, asked).await;
        assert_eq!((report.verdict, report.passed()), (Verdict::Accepted, 8), "{report:?}");
    }
    // The search finds what is there: a module that begins with the secret in its memory.
    let begins = SAYS_WHAT_IT_FINDS
        .replace("(data (i32.const 32)", "(data (i32.const 5000) \"\\5e\\c2\\e7\") (data (i32.const 32)");
    let report = verify(&engine, module(&begins, "clean")).await;
    assert_eq!(report.verdict, Verdict::WrongAnswer, "{report:?}");
}

/// The way of an uploaded module, with bytes that are not quite one: never a fault of ours.
#[tokio::test(flavor = "multi_thread")]
async fn broken_modules_are_compile_errors_and_never_faults() {
    let engine = engine(2);
    for bytes in [&b""[..], b"\0asm", b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0", b"(module)", b"\x7fELF"] {
        let solution = Solution::single("main.wasm", bytes);
        let report = verify(&engine, Submission { solution, ..module("(module)", "") }).await;
        assert_eq!(report.verdict, Verdict::CompileError, "{bytes:?}: {report:?}");
    }
    let unknown =
        r#"(module (import "env" "system" (func)) (memory (export "memory") 1) (func (export "_start")))"#;
    let report = verify(&engine, module(unknown, "")).await;
    assert_eq!(report.verdict, Verdict::CompileError, "{report:?}");
    assert!(report.reason.unwrap().contains("system"));

    let whole = wat::parse_str(deterministic::WORKS).unwrap();
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut next = |below: usize| random.below(below);
    let mut compiled = 0;
    for _ in 0..300 {
        let mut bytes = whole.clone();
        for _ in 0..=next(3) {
            let at = next(bytes.len());
            match next(4) {
                0 => bytes.truncate(at + 1),
                1 => bytes.insert(at, next(256) as u8),
                _ => bytes[at] = next(256) as u8,
            }
        }
        let limits = Limits { cpu_ms: 50, wall_ms: 1_000, memory_bytes: 16 << 20, ..Limits::default() };
        let solution = Solution::single("main.wasm", bytes.clone());
        let report = verify(&engine, Submission { limits, solution, ..module("(module)", "") }).await;
        assert_ne!(report.verdict, Verdict::Undecided, "{bytes:?}: {report:?}");
        compiled += usize::from(report.verdict != Verdict::CompileError);
    }
    assert!(compiled > 10, "only {compiled} mutants got past the compiler");
}
