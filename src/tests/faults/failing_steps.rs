//! Every named step of making a cell is made to fail: the answer is a refusal to start or an
//! undecided report that names the step, never a wrong verdict, a hang or anything left.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use proofbox::{
    admission::{Admit, Caller},
    command::soak::traces::descendants,
    config::{EngineConfig, TierChoice},
    language::Start,
    report::Report,
    sandbox::{self, Collect, Fault, LinkAt, LinkedJob},
    submission::CheckerProtocol,
    submission::{
        FunctionTarget, FunctionTest, JudgeProgram, PROGRAM_LIMITS, Program, ProgramIo, Solution, Submission,
        Tests,
    },
    value::Value,
    verdict::{Cause, Verdict},
    verify::Engine,
};

use super::good;
use crate::support::{
    container::{self, Who},
    for_each, testing_config,
};

/// How long a faulty engine may take to say so.
const PATIENCE: Duration = Duration::from_secs(30);
/// Clean-up and steps whose failure changes nothing that is promised; what they do when they fail.
const HARMLESS: [(&str, &str); 1] =
    [("empty_slot", "after the last outcome: the verdict stands, and the launcher is replaced")];

/// The names of all steps in the sandbox's source.
fn steps() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sandbox")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if cfg!(feature = "wasm") || !path.ends_with("wasm") {
                    folders.push(path);
                }
                continue;
            }
            let source = fs::read_to_string(&path).unwrap();
            for rest in source.split("step(\"").skip(1) {
                found.extend(rest.split_once('"').map(|(name, _)| name.to_owned()));
            }
        }
    }
    found
}

/// What came of one engine with a step that fails.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    /// Nothing in this mode takes that step.
    NotTaken,
    Refused,
    Undecided,
}

async fn try_step(step: String, errno: i32, warm: bool, tier: TierChoice) -> Result<Came, String> {
    let config = EngineConfig { warm, tier, fail_step: Some((step.clone(), errno)), ..testing_config(1) };
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    let about = format!("{step} with {text}, warm {warm}, {tier:?}");
    let started = tokio::task::spawn_blocking(move || Engine::start(&config));
    let started =
        tokio::time::timeout(PATIENCE, started).await.map_err(|_| format!("{about}: start hangs"))?;
    let engine = match started.map_err(|error| error.to_string())? {
        Ok(engine) => engine,
        Err(error) => {
            let said = error.to_string();
            let clear = said.contains(&step) && (said.contains("remedy") || said.contains("doctor"));
            return if clear { Ok(Came::Refused) } else { Err(format!("{about}: unclear refusal: {said}")) };
        }
    };
    let mut reports = Vec::new();
    let mut asked_for = vec![program_that_leaves_something(), function()];
    // Compiling takes long, so only for the steps that nothing else has; the same for conversations.
    if step.ends_with("_program") {
        asked_for.push(compiled());
    }
    if step.ends_with("_compiler") {
        asked_for.push(module());
    }
    if step.ends_with("_link") {
        asked_for.push(conversation());
    }
    // For few runs that do not share a process nothing is compiled apart from them.
    if step == "store_code" {
        asked_for.push(many_runs());
    }
    for asked in asked_for {
        let report = tokio::time::timeout(PATIENCE, engine.verify(asked, Admit::Patient)).await;
        reports.push(report.map_err(|_| format!("{about}: a submission hangs"))?);
    }
    let mut linked = Ok(Came::NotTaken);
    // A launcher that the last failure ended takes a moment to be gone and be replaced; the engine, too,
    // tries again.
    for _ in 0..5 {
        let tried = tokio::time::timeout(PATIENCE, linked_cells(&engine, &step)).await;
        linked = tried.map_err(|_| format!("{about}: linked cells hang"))?;
        if linked.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let mut came = linked.map_err(|problem| format!("{about}: linked cells: {problem}"))?;
    let ended = tokio::time::timeout(PATIENCE, tokio::task::spawn_blocking(move || drop(engine))).await;
    ended.map_err(|_| format!("{about}: the end hangs"))?.map_err(|error| error.to_string())?;
    for report in reports {
        match judged(&step, &text, report) {
            Ok(Came::NotTaken) => {}
            Ok(other) => came = other,
            Err(problem) => return Err(format!("{about}: {problem}")),
        }
    }
    Ok(came)
}

/// Tests of a submission: more than cells are tried for it, since one that fails is replaced by one
/// for the rest, and what is between runs is to fail in the last one too.
const TESTS: usize = 5;

/// It forks, and leaves something behind for the next run.
fn program_that_leaves_something() -> Submission {
    let mut asked = good(9);
    // With a set in it, so that it is run by a second launcher, too.
    let source = "import os\nif os.fork() == 0: os._exit(0)\nos.wait()\nopen('left', 'w').close()\nleft = {1}\nopen('out/put.txt', 'w').write(str(int(open('in/put.txt').read()) ** 2))";
    asked.io =
        ProgramIo { input_file: Some("in/put.txt".to_owned()), output_file: Some("out/put.txt".to_owned()) };
    asked.solution = Solution::single("main.py", source);
    if let Tests::Program(tests) = &mut asked.tests {
        tests.resize(TESTS, tests[0].clone());
    }
    asked
}

fn many_runs() -> Submission {
    let mut asked = program_that_leaves_something();
    if let Tests::Program(tests) = &mut asked.tests {
        tests.resize(4 * TESTS, tests[0].clone());
    }
    asked
}

fn compiled() -> Submission {
    let source =
        "#include <stdio.h>\nint main(void) { int n; scanf(\"%d\", &n); printf(\"%d\", n * n); return 0; }";
    Submission { language: "c".to_owned(), solution: Solution::single("main", source), ..good(9) }
}

/// A module of WebAssembly that prints 81.
fn module() -> Submission {
    const PRINTS: &[u8] = b"\0asm\x01\0\0\0\
        \x01\x0c\x02\x60\x04\x7f\x7f\x7f\x7f\x01\x7f\x60\0\0\
        \x02\x23\x01\x16wasi_snapshot_preview1\x08fd_write\0\0\
        \x03\x02\x01\x01\
        \x05\x03\x01\0\x01\
        \x07\x13\x02\x06memory\x02\0\x06_start\0\x01\
        \x0a\x0f\x01\x0d\0\x41\x01\x41\0\x41\x01\x41\x14\x10\0\x1a\x0b\
        \x0b\x11\x01\0\x41\0\x0b\x0b\x08\0\0\0\x03\0\0\x0081\n";
    Submission { language: "wasm".to_owned(), solution: Solution::single("main.wasm", PRINTS), ..good(9) }
}

fn conversation() -> Submission {
    let program = Program {
        language: "python".to_owned(),
        solution: Solution::single("main.py", "import sys\nsys.exit(42 if input() == 'hello' else 43)"),
    };
    Submission {
        solution: Solution::single("main.py", "print('hello')"),
        judge: Some(JudgeProgram::Interactor {
            program,
            protocol: CheckerProtocol::Kattis,
            limits: PROGRAM_LIMITS,
        }),
        ..good(9)
    }
}

fn function() -> Submission {
    let test = |n: i64| FunctionTest::new(vec![Value::Int(n)], Vec::new(), &[Value::Int(n * n)]);
    Submission {
        solution: Solution::single("main.py", "def square(n):\n    return n * n"),
        tests: Tests::Function {
            target: FunctionTarget { name: "square".to_owned() },
            tests: (0..TESTS as i64).map(test).collect(),
        },
        ..good(9)
    }
}

/// Two cells that converse, the first with files by name: each says what failed, or ends well.
async fn linked_cells(engine: &Engine, step: &str) -> Result<Came, String> {
    let side = |source: &str, at| {
        let submission = Submission { solution: Solution::single("main.py", source), ..good(9) };
        let (language, tier) = (engine.languages().find("python").unwrap(), engine.sandbox().tier());
        let job = language.job(&submission, None, tier, Start::Usual).unwrap();
        let launcher = language.launcher_for(&submission.solution, tier);
        LinkedJob { launcher, limits: submission.limits, job, at }
    };
    let mut first = side("open('out/o', 'w').write(open('in/i').read())\nprint(1)", LinkAt::Streams);
    first.job.runs[0].files = vec![("in/i".to_owned(), b"x".as_slice().into())];
    first.job.collect = vec![Collect { path: "out/o".to_owned(), most_bytes: 100 }].into();
    // The other brings its program.
    let mut second = side("", LinkAt::Descriptors);
    let program = vec![("true".to_owned(), fs::read("/usr/bin/true").unwrap())];
    second.job.sources = program.into();
    second.job.program =
        sandbox::Program::Source { path: "true".to_owned(), argv: vec!["true".to_owned()], env: Vec::new() };
    let place =
        engine.admission().enter(Admit::Patient, Caller::OWN).await.map_err(|error| error.to_string())?;
    let faults: Vec<_> = match engine.sandbox().open_linked(first, second, place).await {
        Err(fault) => vec![fault],
        Ok((mut first, mut second)) => {
            let (first, second) = tokio::join!(first.next(), second.next());
            [first.err(), second.err()].into_iter().flatten().collect()
        }
    };
    // One that loses the other ends by itself.
    let named = |fault: &Fault| fault.step == step || HARMLESS.iter().any(|(name, _)| *name == step);
    match (faults.is_empty(), faults.iter().any(named)) {
        (true, _) => Ok(Came::NotTaken),
        (false, true) => Ok(Came::Undecided),
        (false, false) => Err(format!("{faults:?}")),
    }
}

/// What one report says of the step that was made to fail with an error of that text.
fn judged(step: &str, text: &str, report: Report) -> Result<Came, String> {
    match (report.verdict, report.cause) {
        (Verdict::Accepted, None) => Ok(Came::NotTaken),
        (Verdict::Undecided, Some(Cause::SandboxFault)) => {
            let reason = report.reason.unwrap_or_default();
            match reason.contains(step) && reason.contains(text) {
                true => Ok(Came::Undecided),
                false => Err(format!("unclear report: {reason}")),
            }
        }
        _ => Err(format!("{:?} {:?} {:?}", report.verdict, report.cause, report.reason)),
    }
}

type Try = (String, i32, bool, TierChoice);

/// The steps that were taken and failed as they should, and what went wrong.
async fn try_all(tries: Vec<Try>) -> (BTreeSet<String>, Vec<String>) {
    let tries = Arc::new(tries);
    let taken = Arc::new(Mutex::new(BTreeSet::new()));
    let failures = for_each(tries.len(), 6, |index| {
        let ((step, errno, warm, tier), taken) = (tries[index].clone(), Arc::clone(&taken));
        async move {
            match try_step(step.clone(), errno, warm, tier).await {
                Ok(Came::NotTaken) => None,
                Ok(_) => {
                    taken.lock().unwrap().insert(step);
                    None
                }
                Err(problem) => Some(problem),
            }
        }
    })
    .await;
    let taken = taken.lock().unwrap().clone();
    (taken, failures.into_iter().flatten().collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_fails_never_decides() {
    let _alone = super::ALONE.lock().await;
    let before = descendants(std::process::id()).len();
    let steps: Vec<String> = steps().into_iter().collect();
    assert!(steps.len() > 50, "{steps:?}");
    // Each errno with each step, in one way of running or the other; what neither takes is told.
    let mut tries = Vec::new();
    for step in &steps {
        for (errno, warm, tier) in [
            (libc_errno::EPERM, true, TierChoice::Namespaces),
            (libc_errno::EMFILE, false, TierChoice::Namespaces),
            (libc_errno::EPERM, false, TierChoice::Slot),
        ] {
            // Only root has slots' user ids.
            if tier == TierChoice::Namespaces || is_root() {
                tries.push((step.clone(), errno, warm, tier));
            }
        }
    }
    let (taken, failures) = try_all(tries).await;
    let harmless = |step: &str| HARMLESS.iter().any(|(name, _)| *name == step);
    let gated = |step: &str| GATED.contains(&step);
    let not_taken: Vec<&String> =
        steps.iter().filter(|step| !taken.contains(*step) && !harmless(step) && !gated(step)).collect();
    eprintln!("{} steps made to fail; NOT TAKEN on this host: {not_taken:?}", taken.len());
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    // As root with control groups every step is taken in one way or another.
    assert!(not_taken.is_empty() || !is_root() || !has_cgroups(), "{not_taken:?}");
    assert!(taken.len() > if is_root() { 100 } else { 50 }, "only {taken:?}");
    for _ in 0..50 {
        if descendants(std::process::id()).len() <= before {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let left: Vec<String> = descendants(std::process::id())
        .iter()
        .map(|pid| fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default())
        .collect();
    panic!("{before} processes before, left: {left:#?}");
}

/// What every program that forks takes in cells without a user id of their own, and others only by locking files.
const GATED: [&str; 1] = ["answer_run"];

#[test]
fn a_step_that_fails_never_decides_where_forks_are_gated() {
    let _alone = super::ALONE.blocking_lock();
    container::again_inside(module_path!(), "gates_that_fail", Who::Ordinary);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by a_step_that_fails_never_decides_where_forks_are_gated"]
async fn gates_that_fail() {
    container::enter();
    let tries =
        GATED.map(|step| (step.to_owned(), libc_errno::EMFILE, false, TierChoice::Restricted)).to_vec();
    let (taken, failures) = try_all(tries).await;
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(taken.len(), GATED.len(), "only {taken:?}");
}

fn has_cgroups() -> bool {
    let config = testing_config(1);
    Engine::start(&config).is_ok_and(|engine| engine.sandbox().cgroup().is_some())
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Errno values, without another dependency for two of them.
mod libc_errno {
    pub const EPERM: i32 = nix::errno::Errno::EPERM as i32;
    pub const EMFILE: i32 = nix::errno::Errno::EMFILE as i32;
}
