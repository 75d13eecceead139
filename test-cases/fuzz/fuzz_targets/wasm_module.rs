//! A module of WebAssembly as the solution, by the whole way: bounds, validation, compiler, run, report.
//!
//! An input is the module.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use proofbox::{
    admission::Admit,
    config::EngineConfig,
    limits::Limits,
    report::Report,
    submission::{ProgramTest, Repeat, Runtime, Solution, Submission, Tests},
    verdict::{Cause, Verdict},
    verify::Engine,
};

static SERVICE: LazyLock<(tokio::runtime::Runtime, Engine)> = LazyLock::new(|| {
    // It is executed again to compile modules.
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/debug/proofbox").into();
    let config = EngineConfig { runtime: Runtime::Wasm, program, ..EngineConfig::for_testing(1) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    (runtime.expect("a runtime"), Engine::start(&config).expect("an engine"))
});

fn verify(module: &[u8]) -> Report {
    let test =
        ProgramTest { stdin: b"17 25"[..].into(), accepted_stdout: vec![b"42".to_vec()], files: Vec::new() };
    let submission = Submission {
        // Counted, so that the machine's load makes no difference.
        deterministic: true,
        repeat: Repeat::Once,
        limits: Limits {
            cpu_ms: 5,
            wall_ms: 2_000,
            memory_bytes: 16 << 20,
            output_bytes: 64 << 10,
            ..Limits::default()
        },
        ..Submission::new("wasm", Solution::single("main.wasm", module), Tests::Program(vec![test]))
    };
    let (runtime, engine) = &*SERVICE;
    runtime.block_on(engine.verify(submission, Admit::Patient))
}

/// That modules run here at all: else nothing would be tested.
static RUNS: LazyLock<()> = LazyLock::new(|| {
    let report = verify(include_bytes!("../corpus/wasm_module/works"));
    assert!(report.tests[0].fuel > Some(0), "{report:?}");
});

fuzz_target!(|module: &[u8]| {
    LazyLock::force(&RUNS);
    let [first, second] = [(); 2].map(|()| verify(module));
    assert_ne!(first.cause, Some(Cause::SandboxFault), "{first:?}");
    // What is no module is refused before anything runs.
    if first.verdict == Verdict::CompileError {
        assert!(first.tests.iter().all(|test| test.fuel.unwrap_or(0) == 0), "{first:?}");
    }
    let said = |report: &Report| {
        let tests =
            report.tests.iter().map(|test| (test.verdict, test.fuel, test.exit_code, test.stdout.clone()));
        (report.verdict, report.cause, tests.collect::<Vec<_>>())
    };
    assert_eq!(said(&first), said(&second));
});
