//! Modules that are dear to compile: bounded, in a process that can do nothing else, and gone with whoever asked.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::support::{
    PROGRAM,
    process::{Running, eventually, is_running, until},
    program,
};
use proofbox::{
    admission::Admit,
    command::soak::traces::descendants,
    config::EngineConfig,
    limits::Limits,
    report::Report,
    submission::{Runtime, Solution, Submission},
    verdict::{Cause, Verdict},
    verify::Engine,
};

fn engine(slots: usize, program: &Path) -> Arc<Engine> {
    let config = EngineConfig {
        runtime: Runtime::Wasm,
        program: program.to_owned(),
        ..EngineConfig::for_testing(slots)
    };
    Arc::new(Engine::start(&config).unwrap())
}

async fn verify(engine: &Engine, module: Vec<u8>) -> Report {
    engine.verify(asked(module), Admit::Patient).await
}

fn asked(module: Vec<u8>) -> Submission {
    Submission {
        language: "wasm".to_owned(),
        solution: Solution::single("main.wasm", module),
        limits: Limits { memory_bytes: 2 << 30, ..Limits::default() },
        ..program("", &[("", "1")])
    }
}

fn number(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 127 {
        bytes.push(number as u8 | 128);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    [number(items.len()), items.concat()].concat()
}

fn sized(content: &[u8]) -> Vec<u8> {
    [&number(content.len()), content].concat()
}

/// A module that prints 1, with functions that nobody calls and a byte of data at `far`, below 1 GiB. `padding`: bytes
/// that mean nothing; what compiling may take grows with them.
fn module(functions: &[Vec<u8>], far: u32, padding: usize) -> Vec<u8> {
    let section = |id: u8, content: Vec<u8>| [vec![id], sized(&content)].concat();
    // Type 2: a thousand values in, a thousand out.
    let many = [number(1000), vec![0x7f; 1000]].concat();
    let types = list(&[b"\x60\0\0".to_vec(), b"\x60\x04\x7f\x7f\x7f\x7f\x01\x7f".to_vec(), {
        [vec![0x60], many.clone(), many].concat()
    }]);
    let import = [sized(b"wasi_snapshot_preview1"), sized(b"fd_write"), vec![0, 1]].concat();
    let exports = list(&[[sized(b"memory"), vec![2, 0]].concat(), [sized(b"_start"), vec![0, 1]].concat()]);
    let start = b"\0\x41\x01\x41\0\x41\x01\x41\x14\x10\0\x1a\x0b".to_vec();
    let bodies: Vec<Vec<u8>> = std::iter::once(&start).chain(functions).map(|body| sized(body)).collect();
    // Five bytes each, of a positive number.
    let offset: Vec<u8> =
        (0..5).map(|part| (far >> (7 * part)) as u8 & 127 | if part < 4 { 128 } else { 0 }).collect();
    let far = [vec![0, 0x41], offset, vec![0x0b, 1, 7]].concat();
    let data = list(&[b"\0\x41\0\x0b\x0a\x08\0\0\0\x02\0\0\x001\n".to_vec(), far]);
    [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, types),
        section(2, list(&[import])),
        section(3, list(&vec![vec![0]; bodies.len()])),
        section(5, list(&[[vec![0], number(16384)].concat()])),
        section(7, exports),
        section(10, list(&bodies)),
        section(11, data),
        section(0, [sized(b"padding"), vec![0; padding]].concat()),
    ]
    .concat()
}

/// Loops in loops, each with a variable of its own, all of which are alive in all of them.
fn loops(count: usize) -> Vec<u8> {
    let inner = (0..count).flat_map(|at| [b"\x03\x40\x20".to_vec(), number(at), b"\x0d\0".to_vec()].concat());
    let inner: Vec<u8> = inner.collect();
    [number(1), number(count), vec![0x7f], inner, vec![0x0b; count + 1]].concat()
}

/// Loops in loops, each of which hands on a thousand values.
fn wide_loops(count: usize) -> Vec<u8> {
    let values = b"\x41\0".repeat(1000);
    [vec![0], values, b"\x03\x02".repeat(count), vec![0x0b; count], vec![0x1a; 1000], vec![0x0b]].concat()
}

/// It takes more than the 18 s of CPU time that a module of its length is given, and little memory.
fn endless() -> Vec<u8> {
    module(&vec![loops(700); 500], 64, 4 << 20)
}

/// What a line of `/proc/PID/FILE` says after its name.
fn told(pid: u32, file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(rest.split_whitespace().next().unwrap_or("").to_owned())
}

/// Compilers that a process started.
fn compilers(of: u32) -> Vec<u32> {
    let is_one = |pid: &u32| told(*pid, "status", "Name:").as_deref() == Some("proofbox-wasm");
    descendants(of).into_iter().filter(is_one).collect()
}

/// A compiler that has its module.
fn compiler_at_work(of: u32) -> Option<u32> {
    compilers(of).into_iter().find(|pid| told(*pid, "status", "Seccomp:").as_deref() == Some("2"))
}

#[tokio::test(flavor = "multi_thread")]
async fn dear_modules_do_not_compile_and_cost_the_service_nothing() {
    let _alone = super::ALONE.lock().await;
    let (engine, me) = (engine(1, Path::new(PROGRAM)), std::process::id());
    let modules = [
        (module(&[loops(2400)], 64, 0), Verdict::CompileError, "2 s of CPU time"),
        (module(&[wide_loops(20_000)], 64, 0), Verdict::CompileError, "MiB of memory"),
        // A gigabyte between two bytes of its memory.
        (module(&[], (1 << 30) - 1, 0), Verdict::Accepted, ""),
        (module(&[loops(8)], 64, 1 << 20), Verdict::Accepted, ""),
    ];
    // The peak is that from here on.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let peak = || told(me, "status", "VmHWM:").unwrap().parse::<u64>().unwrap() >> 10;
    let before = peak();
    for (module, verdict, reason) in modules {
        let began = Instant::now();
        let report = verify(&engine, module).await;
        assert_eq!((report.verdict, report.cause), (verdict, None), "{report:#?}");
        assert!(report.reason.as_deref().unwrap_or("").contains(reason), "{report:#?}");
        println!("{verdict} {reason}: {} ms", began.elapsed().as_millis());
    }
    let after = peak();
    assert!(after < before + 64, "{before} MiB before, {after} after");
    assert!(compilers(me).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiler_is_confined_and_goes_with_whoever_waits_for_it() {
    let _alone = super::ALONE.lock().await;
    let (engine, me) = (engine(1, Path::new(PROGRAM)), std::process::id());
    let waiting = {
        let engine = Arc::clone(&engine);
        tokio::spawn(async move { verify(&engine, endless()).await })
    };
    let pid = until("a compiler starts", || compiler_at_work(me)).await;
    assert_eq!(told(pid, "status", "NoNewPrivs:").as_deref(), Some("1"));
    assert_eq!(told(pid, "status", "Threads:").as_deref(), Some("1"));
    for (limit, most) in [("Max cpu time", 30), ("Max data size", 1 << 30), ("Max file size", 1 << 28)] {
        let set: u64 = told(pid, "limits", limit).unwrap().parse().expect("a number");
        assert!(set <= most, "{limit}: {set}");
    }
    if let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) {
        assert_eq!(open.count(), 3);
    }
    let let_go = Instant::now();
    waiting.abort();
    until("the compiler ends", || compilers(me).is_empty().then_some(())).await;
    // By itself it would end after 18 s of CPU time.
    println!("gone after {} ms", let_go.elapsed().as_millis());
    assert!(let_go.elapsed() < Duration::from_secs(15));
    // The slot is free.
    assert_eq!(verify(&engine, module(&[], 64, 0)).await.verdict, Verdict::Accepted);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_the_same_module_is_not_let_down_with_the_first() {
    let _alone = super::ALONE.lock().await;
    let (engine, me) = (engine(2, Path::new(PROGRAM)), std::process::id());
    let dear = module(&[loops(2400)], 64, 0);
    let ask = |module: Vec<u8>| {
        let engine = Arc::clone(&engine);
        tokio::spawn(async move { verify(&engine, module).await })
    };
    let first = ask(dear.clone());
    until("a compiler starts", || compiler_at_work(me)).await;
    let second = ask(dear);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(compilers(me).len(), 1, "the same module is compiled twice");
    first.abort();
    let report = second.await.unwrap();
    assert_eq!(report.verdict, Verdict::CompileError, "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiler_does_not_outlive_its_service() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    let _alone = super::ALONE.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let submission = serde_json::json!({
        "language": "wasm", "source_base64": STANDARD.encode(endless()),
        "tests": [{"stdin": "", "expected_stdout": "1"}],
    });
    let mut input = fs::File::create(folder.path().join("in.jsonl")).unwrap();
    writeln!(input, "{submission}").unwrap();
    let service = Command::new(PROGRAM)
        .args(["verify", "in.jsonl", "-o", "out.jsonl", "--runtime", "wasm"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let service = Running(service.unwrap());
    let compiler = until("a compiler starts", || compiler_at_work(service.0.id())).await;
    let killed = Instant::now();
    drop(service);
    // A zombie is reaped by whoever inherited it; it holds nothing.
    eventually("the compiler is gone", || !is_running(compiler)).await;
    assert!(killed.elapsed() < Duration::from_secs(15));
}

/// The program is gone: what is compiled already runs, and nothing else is judged.
#[tokio::test(flavor = "multi_thread")]
async fn a_module_is_compiled_once_and_never_judged_without_a_compiler() {
    let _alone = super::ALONE.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("proofbox");
    std::os::unix::fs::symlink(PROGRAM, &link).unwrap();
    let engine = engine(1, &link);
    let (known, other) = (module(&[], 64, 0), module(&[], 64, 1));
    assert_eq!(verify(&engine, known.clone()).await.verdict, Verdict::Accepted);
    // One that does nothing ends well and has compiled nothing.
    for instead in [None, Some("/bin/true"), Some("/bin/false")] {
        fs::remove_file(&link).unwrap_or_default();
        if let Some(program) = instead {
            std::os::unix::fs::symlink(program, &link).unwrap();
        }
        assert_eq!(verify(&engine, known.clone()).await.verdict, Verdict::Accepted);
        let report = verify(&engine, other.clone()).await;
        assert_eq!(report.cause, Some(Cause::SandboxFault), "{instead:?}: {report:#?}");
    }
}
