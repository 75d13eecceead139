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

#[path = "../engine/code_tests/cases.rs"]
mod cases;

use cases::Case;

/// Cases in which some test needs what no guest has: signals, processes, threads, an event loop.
const UNSUPPORTED: [&str; 4] = [
    "tests that need the solution in their process",
    "crashes",
    "leaves early, in every way",
    "leaves a daemon that answers later",
];

/// Python is slower here: what is to end by itself has more time.
fn in_wasm(case: &Case) -> Submission {
    let asked = case.submission();
    let limits = Limits { cpu_ms: 1_500, wall_ms: 4_000, ..asked.limits };
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
        let report = verify(&engine, in_wasm(case)).await;
        // pytest is not in the image.
        let may_lack = UNSUPPORTED.contains(&case.name) || case.kind == CodeKind::Pytest;
        assert_eq!(report.tests.len(), case.tests.len(), "{}: {report:#?}", case.name);
        let mut lacked = false;
        for (test, (_, wanted)) in report.tests.iter().zip(case.tests) {
            let lacks = test.cause == Some(Cause::Unsupported);
            assert!(test.verdict == *wanted || (lacks && may_lack), "{}: {report:#?}", case.name);
            lacked |= lacks && test.verdict != *wanted;
        }
        assert_eq!(lacked, may_lack, "{}: {report:#?}", case.name);
        let isolation = report.isolation_of_tests.map(|isolation| isolation.as_str());
        assert_eq!(isolation, Some(case.isolation), "{}", case.name);
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
        "import socket\ndef f(): return socket.create_connection(('127.0.0.1', 80))",
    ] {
        let report = report_of(&engine, source, &["assert f() == 1"]).await;
        let found = (report.verdict, report.cause);
        assert_eq!(found, (Verdict::Undecided, Some(Cause::Unsupported)), "{source}: {report:?}");
    }
    let report = report_of(
        &engine,
        "def f(): return 1",
        &["import threading\nthreading.Thread(target=print).start()"],
    )
    .await;
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
