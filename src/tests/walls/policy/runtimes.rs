//! Runtimes other than the interpreter, each doing what ordinary programs do, in cells of every tier
//! under the filter as shipped: musl, the JVM and V8 (`test-cases/runtimes`). And what an image's
//! manifest adds to the filter.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::support::{
    container::{self, Who},
    image_with_runtimes, program, start, testing_config,
};
use proofbox::{
    admission::Admit,
    config::{EngineConfig, TierChoice},
    limits::Limits,
    submission::{SourceFile, Submission},
    verdict::Verdict,
    verify::Engine,
};

/// A runtime's program, ready to be carried into a cell.
struct Runtime {
    name: &'static str,
    /// How a cell starts it, after the files stand in its working directory.
    command: Vec<String>,
    files: Vec<(String, Vec<u8>)>,
}

/// Every runtime that is installed here; the others are named.
fn runtimes() -> Vec<Runtime> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("test-cases/runtimes");
    let home = tempfile::tempdir().unwrap();
    let built = |name: &'static str, compiler: &str, options: &[&str], source: &str, output: &str| {
        let mut command = Command::new(compiler);
        command.args(options).arg(folder.join(source)).current_dir(home.path());
        let status = match command.stdin(Stdio::null()).status() {
            Ok(status) => status,
            Err(error) => {
                eprintln!(
                    "NOT TESTED: {name}: {compiler}: {error}; sandbox-images/setup.sh --tests installs it"
                );
                return Vec::new();
            }
        };
        assert!(status.success(), "{name}: {compiler}: {status}");
        let files = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(output));
        files
            .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()))
            .collect()
    };
    let words = |text: &str| text.split(' ').map(str::to_owned).collect();
    let mut runtimes = Vec::new();
    let mut add = |name, command: &str, files: Vec<(String, Vec<u8>)>| {
        if !files.is_empty() {
            runtimes.push(Runtime { name, command: words(command), files });
        }
    };
    let musl = ["-O2", "-pthread", "-o"];
    let is_static = [&["-static"][..], &musl, &["static-work"]].concat();
    add("musl, static", "./static-work", built("musl", "musl-gcc", &is_static, "work.c", "static-work"));
    let is_dynamic = [&musl[..], &["dynamic-work"]].concat();
    add("musl", "./dynamic-work", built("musl", "musl-gcc", &is_dynamic, "work.c", "dynamic-work"));
    let java = "/usr/bin/java -Xmx192m -Djava.io.tmpdir=. -cp . Work";
    add("JVM", java, built("the JVM", "javac", &["-d", "."], "Work.java", "Work"));
    match Path::new("/usr/bin/node").exists() {
        true => {
            let source = fs::read(folder.join("work.js")).unwrap();
            add("V8", "/usr/bin/node work.js", vec![("work.js".to_owned(), source)]);
        }
        false => eprintln!("NOT TESTED: V8: no node; sandbox-images/setup.sh --tests installs it"),
    }
    runtimes
}

/// A Python program that becomes the runtime's.
fn submission(runtime: &Runtime) -> Submission {
    let source = format!(
        "import os\nfor name in {:?}:\n    content = open(os.path.join(os.path.dirname(__file__), name), 'rb').read()\n    with os.fdopen(os.open(name, os.O_CREAT | os.O_WRONLY, 0o755), 'wb') as f: f.write(content)\nos.execv({:?}, {:?})\n",
        runtime.files.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        runtime.command[0],
        runtime.command,
    );
    let mut asked = program(&source, &[("work", "done"), ("exit", "")]);
    let files = runtime.files.iter();
    asked
        .solution
        .files
        .extend(files.map(|(name, content)| SourceFile { path: name.clone(), content: content.clone() }));
    asked.limits = Limits {
        cpu_ms: 60_000,
        wall_ms: 120_000,
        memory_bytes: 1 << 30,
        processes: 64,
        file_bytes: 64 << 20,
        ..Limits::default()
    };
    asked
}

/// What went wrong with any of them in an engine's cells.
async fn try_all(engine: &Engine, runtimes: &[Runtime], about: &str) -> Vec<String> {
    let mut failures = Vec::new();
    for runtime in runtimes {
        let report = engine.verify(submission(runtime), Admit::Patient).await;
        let verdicts: Vec<_> = report.tests.iter().map(|test| (test.verdict, test.exit_code)).collect();
        if verdicts != [(Verdict::Accepted, Some(0)), (Verdict::RuntimeError, Some(7))] {
            let said: Vec<_> = report.tests.iter().map(|test| (&test.stdout, &test.stderr)).collect();
            failures.push(format!("{}, {about}: {verdicts:?} {:?} {said:?}", runtime.name, report.reason));
        }
    }
    failures
}

fn engine(tier: TierChoice, use_cgroups: bool, images: &Path) -> Engine {
    let config = EngineConfig { tier, use_cgroups, images_dir: Some(images.to_owned()), ..testing_config(2) };
    start(&config)
}

#[tokio::test(flavor = "multi_thread")]
async fn runtimes_do_what_ordinary_programs_do() {
    let (runtimes, images) = (runtimes(), image_with_runtimes(""));
    let mut failures = Vec::new();
    for use_cgroups in [true, false] {
        let engine = engine(TierChoice::Namespaces, use_cgroups, images.path());
        failures.extend(try_all(&engine, &runtimes, &format!("control groups {use_cgroups}")).await);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn runtimes_do_what_ordinary_programs_do_in_a_plain_container() {
    for who in [Who::Root, Who::Ordinary] {
        container::again_inside(module_path!(), "runtimes_in_a_plain_container", who);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by runtimes_do_what_ordinary_programs_do_in_a_plain_container"]
async fn runtimes_in_a_plain_container() {
    let (runtimes, images) = (runtimes(), image_with_runtimes(""));
    container::enter();
    let engine = engine(TierChoice::Auto, false, images.path());
    let failures = try_all(&engine, &runtimes, engine.sandbox().tier().as_str()).await;
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// A call that the shipped policy does not name, with and without an addition in the manifest.
#[cfg(target_arch = "x86_64")]
#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_adds_to_the_filter_of_its_own_cells() {
    const ADDITION: &str = "
        [[seccomp.allow]]
        reason = 'a test'
        syscalls = ['munlockall']
    ";
    let source =
        "import ctypes\nl = ctypes.CDLL(None, use_errno=True)\nprint(l.syscall(152), ctypes.get_errno())";
    for (more, expected) in [("", "-1 38"), (ADDITION, "0 0")] {
        let images = image_with_runtimes(more);
        let engine = engine(TierChoice::Namespaces, true, images.path());
        let report = engine.verify(program(source, &[("", expected)]), Admit::Patient).await;
        assert_eq!(report.verdict, Verdict::Accepted, "{more}: {:?}", report.tests[0].stdout);
    }
    // What the policy refuses no manifest can allow: such an image is refused.
    let images = image_with_runtimes(&ADDITION.replace("munlockall", "ptrace"));
    let config = EngineConfig { images_dir: Some(images.path().to_owned()), ..testing_config(1) };
    let error = Engine::start(&config).unwrap_err().to_string();
    assert!(error.contains("ptrace is refused"), "{error}");
}
