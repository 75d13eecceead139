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
    admission::Admit,
    command::soak::traces::descendants,
    config::{EngineConfig, TierChoice},
    verdict::{Cause, Verdict},
    verify::Engine,
};

use super::{good, program_path, support::for_each};

/// How long a faulty engine may take to say so.
const PATIENCE: Duration = Duration::from_secs(30);
/// Clean-up and steps whose failure changes nothing that is promised; what they do when they fail.
const HARMLESS: [(&str, &str); 1] = [("unmount_scratch", "taken only where a run left something")];

/// Steps of a process that has nobody left to tell: the service names its own step that met the
/// silence. What matters holds as for the others: a refusal or an undecided report.
const UNTOLD: [&str; 4] = ["fork_slot", "receive_slot", "wait_for_launcher", "wait_for_rehearsal"];

/// The names of all steps in the sandbox's source.
fn steps() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sandbox")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
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
    let config = EngineConfig {
        warm,
        tier,
        program: program_path(),
        fail_step: Some((step.clone(), errno)),
        ..EngineConfig::for_testing(1)
    };
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    let about = format!("{step} with {text}, warm {warm}, {tier:?}");
    let started = tokio::task::spawn_blocking(move || Engine::start(&config));
    let started =
        tokio::time::timeout(PATIENCE, started).await.map_err(|_| format!("{about}: start hangs"))?;
    let engine = match started.map_err(|error| error.to_string())? {
        Ok(engine) => engine,
        Err(error) => {
            let said = error.to_string();
            let named = said.contains(&step) || UNTOLD.contains(&step.as_str());
            let clear = named
                && (UNTOLD.contains(&step.as_str()) || said.contains("remedy") || said.contains("doctor"));
            return if clear { Ok(Came::Refused) } else { Err(format!("{about}: unclear refusal: {said}")) };
        }
    };
    // Two tests, so that what happens between runs happens; one that leaves something behind.
    let mut asked = good(9);
    let source = "open('left', 'w').close()\nprint(int(input()) ** 2)";
    asked.solution = proofbox::submission::Solution::single("main.py", source);
    if let proofbox::submission::Tests::Program(tests) = &mut asked.tests {
        tests.push(tests[0].clone());
    }
    let report = tokio::time::timeout(PATIENCE, engine.verify(asked, Admit::Patient)).await;
    let report = report.map_err(|_| format!("{about}: a submission hangs"))?;
    let ended = tokio::time::timeout(PATIENCE, tokio::task::spawn_blocking(move || drop(engine))).await;
    ended.map_err(|_| format!("{about}: the end hangs"))?.map_err(|error| error.to_string())?;
    match (report.verdict, report.cause) {
        (Verdict::Accepted, None) => Ok(Came::NotTaken),
        (Verdict::Undecided, Some(Cause::SandboxFault)) => {
            let reason = report.reason.unwrap_or_default();
            match reason.contains(&step) && reason.contains(&text) || UNTOLD.contains(&step.as_str()) {
                true => Ok(Came::Undecided),
                false => Err(format!("{about}: unclear report: {reason}")),
            }
        }
        _ => Err(format!("{about}: {:?} {:?} {:?}", report.verdict, report.cause, report.reason)),
    }
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
            if tier == TierChoice::Namespaces || nix::unistd::geteuid().is_root() {
                tries.push((step.clone(), errno, warm, tier));
            }
        }
    }
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
    let failures: Vec<String> = failures.into_iter().flatten().collect();
    let taken = taken.lock().unwrap().clone();
    let harmless: Vec<&str> = HARMLESS.iter().map(|(step, _)| *step).collect();
    let not_taken: Vec<&String> =
        steps.iter().filter(|step| !taken.contains(*step) && !harmless.contains(&step.as_str())).collect();
    eprintln!("{} steps made to fail; NOT TAKEN on this host: {not_taken:?}", taken.len());
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    assert!(taken.len() > if nix::unistd::geteuid().is_root() { 100 } else { 50 }, "only {taken:?}");
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

/// Errno values, without another dependency for two of them.
mod libc_errno {
    pub const EPERM: i32 = nix::errno::Errno::EPERM as i32;
    pub const EMFILE: i32 = nix::errno::Errno::EMFILE as i32;
}
