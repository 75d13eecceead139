//! Tests that hold code, in two cells of WebAssembly: the native runner's own cases, and what is particular here.

use proofbox::{
    limits::Limits,
    report::Report,
    submission::{CodeKind, CodeTest, CodeTests, Runtime, Submission, Tests},
    verdict::{Cause, Verdict},
    verify::Engine,
};

use super::{
    engine, python_image,
    support::{for_each, program},
    verify,
};

#[path = "../code_tests/cases.rs"]
mod cases;

use cases::Case;

/// Cases of the native runner that come to something else here, and why.
const DIFFER: [(&str, &str); 0] = [];

/// Python is slower here: what is to end by itself has more time.
fn in_wasm(case: &Case) -> Submission {
    let asked = case.submission();
    let limits = Limits { cpu_ms: 2_500, wall_ms: 6_000, ..asked.limits };
    Submission { limits, runtime: Runtime::Wasm, ..asked }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_native_runners_cases_come_to_the_same_verdicts() {
    if !python_image() {
        return;
    }
    let engine = engine(1);
    let cases = cases::CROSSING.iter().chain(&cases::FORMS).chain(&cases::ENDS).chain(&cases::CHEATS);
    for case in cases.filter(|case| !case.name.contains("takes pytest")) {
        if let Some((_, why)) = DIFFER.iter().find(|(name, _)| *name == case.name) {
            println!("left out: {}: {why}", case.name);
            continue;
        }
        case.check(&engine, "wasm", in_wasm(case)).await;
    }
}

/// A submission with assertions.
pub fn asserts(source: &str, tests: &[&str]) -> Submission {
    let test = |code: &&str| CodeTest { kind: CodeKind::Assert, code: (*code).to_owned() };
    let tests = CodeTests { tests: tests.iter().map(test).collect(), ..CodeTests::default() };
    Submission { tests: Tests::Code(tests), runtime: Runtime::Wasm, ..program(source, &[]) }
}

async fn report_of(engine: &Engine, source: &str, tests: &[&str]) -> Report {
    verify(engine, asserts(source, tests)).await
}

/// A solution that reads what is meant for its driver has both sides wait: that ends at once, and is its doing.
#[tokio::test(flavor = "multi_thread")]
async fn two_cells_that_wait_for_each_other_are_ended() {
    if !python_image() {
        return;
    }
    let engine = engine(1);
    let begun = std::time::Instant::now();
    let waits = "import posix\ndef f(): posix.read(6, 1)";
    let report = report_of(&engine, waits, &["assert f() is None"]).await;
    assert_eq!((report.verdict, report.cause), (Verdict::TimeLimit, Some(Cause::WallTime)), "{report:?}");
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    // More than the pipe holds, which nobody reads.
    let writes = "import posix\ndef f():\n    while True: posix.write(7, bytes(1 << 20))";
    let report = report_of(&engine, writes, &["assert f() is None"]).await;
    assert_eq!(report.verdict, Verdict::RuntimeError, "{report:?}");
    // Closed descriptors are the end of the conversation.
    let closes = "import posix\ndef f():\n    posix.close(6)\n    posix.close(7)\n    return 1";
    let report = report_of(&engine, closes, &["assert f() == 1"]).await;
    assert_eq!(report.verdict, Verdict::RuntimeError, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_runner_lacks_is_unsupported() {
    if !python_image() {
        return;
    }
    let engine = engine(1);
    for source in [
        "import subprocess\ndef f(): return subprocess.run(['true'])",
        "import threading\ndef f(): threading.Thread(target=print).start()",
        "import socket\ndef f(): return 1",
    ] {
        let report = report_of(&engine, source, &["assert f() == 1"]).await;
        let found = (report.verdict, report.cause);
        assert_eq!(found, (Verdict::Undecided, Some(Cause::Unsupported)), "{source}: {report:?}");
    }
    let report = report_of(&engine, "def f(): return 1", &["import ctypes\nassert f() == 1"]).await;
    assert_eq!(report.cause, Some(Cause::Unsupported), "{report:?}");
}

/// Many pairs at once: neither side's waiting counts against its limits.
#[tokio::test(flavor = "multi_thread")]
async fn many_pairs_in_flight_keep_their_limits() {
    if !python_image() {
        return;
    }
    let engine = std::sync::Arc::new(engine(24));
    let reports = for_each(48, 24, |_| {
        let engine = std::sync::Arc::clone(&engine);
        let asked = asserts("def f(x): return sum(range(x))", &["assert f(100000) == 4999950000"; 4]);
        let limits = Limits { cpu_ms: 500, wall_ms: 1_000, ..asked.limits };
        async move { verify(&engine, Submission { limits, ..asked }).await }
    })
    .await;
    for report in reports {
        assert_eq!(report.verdict, Verdict::Accepted, "{report:?}");
    }
}
