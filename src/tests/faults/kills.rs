//! SIGKILL at any instant: of the service, after which nothing of it is left, and of each process of
//! ours below a service, after which it goes on and decides rightly.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use proofbox::{
    admission::Admit,
    command::soak::traces::{Traces, descendants},
    config::EngineConfig,
    verdict::Verdict,
    verify::Engine,
};

use super::good;
use crate::support::{
    process::{Running, is_running},
    program_path, slots, testing_config,
};

/// Right programs among hostile ones that fork, sleep, fill memory and leave daemons.
fn lines(count: usize) -> String {
    let hostile = [
        "fork_tree.py",
        "daemon.py",
        "memory_children.py",
        "sleep_forever.py",
        "exhaust_and_end.py",
        "inodes.py",
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("test-cases/hostile");
    (0..count)
        .map(|index| {
            let (source, expected) = match index % 3 {
                0 => (
                    fs::read_to_string(folder.join(hostile[index / 3 % hostile.len()])).unwrap(),
                    "contained",
                ),
                _ => ("print(1)".to_owned(), "1"),
            };
            let tests = serde_json::json!([{"stdin": "", "expected_stdout": expected}]);
            serde_json::json!({"language": "python", "source": source, "tests": tests}).to_string() + "\n"
        })
        .collect()
}

#[test]
fn nothing_is_left_of_a_service_that_is_killed() {
    const INSTANTS: u32 = 20;
    let _alone = super::ALONE.blocking_lock();
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.jsonl");
    fs::File::create(&input).unwrap().write_all(lines(200).as_bytes()).unwrap();
    let start = || {
        let service = Command::new(program_path())
            .args(["verify", "in.jsonl", "-o", "out.jsonl"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Running(service.unwrap())
    };
    // How long a service takes on this machine, just now, to have cells at work.
    let at_work = |service: &Running| descendants(service.0.id()).len() > 6;
    let (first, started) = (start(), Instant::now());
    while !at_work(&first) && started.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let takes = started.elapsed();
    drop(first);
    // A spread of instants that differs from run to run: start, launchers coming up, cells at work.
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos();
    let mut seen_at_work = 0;
    let mut everything = BTreeSet::new();
    for round in 0..INSTANTS {
        let mut service = start();
        let share = f64::from(seed.rotate_left(round) % 100) / 100.0;
        let instant = takes.mul_f64((f64::from(round) + share) * 2.5 / f64::from(INSTANTS));
        std::thread::sleep(instant);
        let below: Vec<u32> = descendants(service.0.id());
        everything.extend(below.iter().copied());
        seen_at_work += usize::from(below.len() > 6);
        service.0.kill().unwrap();
        service.0.wait().unwrap();
        let killed = Instant::now();
        let left = loop {
            // A zombie is reaped by whoever inherited it; it holds nothing.
            let left: Vec<u32> = below.iter().copied().filter(|pid| is_running(*pid)).collect();
            let groups = Traces::of(std::process::id(), &everything).groups;
            if (left.is_empty() && groups == 0) || killed.elapsed() > Duration::from_secs(20) {
                break (left, groups);
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        assert_eq!(left, (Vec::new(), 0), "processes and control groups, killed after {instant:?}");
    }
    assert!(seen_at_work > 5, "the service was at work only {seen_at_work} times");
    let traces = Traces::of(std::process::id(), &everything);
    assert_eq!(traces.mounts, 0);
    let mut files: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    // No half-written output either.
    files.retain(|name| name != "in.jsonl" && name != "out.jsonl");
    assert!(files.is_empty(), "{files:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_outlives_every_process_below_it() {
    let _alone = super::ALONE.lock().await;
    for warm in [true, false] {
        let config = EngineConfig { warm, ..testing_config(slots()) };
        let engine = Arc::new(Engine::start(&config).unwrap());
        let own = std::process::id();
        let mut guards: BTreeSet<u32> = engine.sandbox().guard_pids().into_iter().collect();
        let mut killed = 0;
        for round in 0..24_u64 {
            // Long enough that the kill meets it at work; two tests, so that a part is done already.
            let mut asked = good(round);
            let source = "import time\nn = int(input())\ntime.sleep(0.15)\nprint(n ** 2)";
            asked.solution = proofbox::submission::Solution::single("main.py", source);
            if let proofbox::submission::Tests::Program(tests) = &mut asked.tests {
                tests.push(tests[0].clone());
            }
            let working = Arc::clone(&engine);
            let work = tokio::spawn(async move { working.verify(asked, Admit::Patient).await });
            tokio::time::sleep(Duration::from_millis(20 + round * 11)).await;
            // Everything of ours but this process: guard, launcher, slot, the cell's init, the run.
            let below = descendants_of_guards(own, &engine.sandbox().guard_pids());
            guards.extend(engine.sandbox().guard_pids());
            if let Some((pid, is_a_run)) = below.get(round as usize % below.len().max(1)).copied()
                && !is_a_run
            {
                killed += usize::from(kill(Pid::from_raw(pid as i32), Signal::SIGKILL).is_ok());
            }
            let report = tokio::time::timeout(Duration::from_secs(60), work).await.expect("no hang").unwrap();
            assert_eq!(report.verdict, Verdict::Accepted, "round {round}: {report:?}");
        }
        assert!(killed > 5, "only {killed} processes were killed");
        guards.extend(engine.sandbox().guard_pids());
        drop(engine);
        for _ in 0..100 {
            if guards.iter().all(|guard| !is_running(*guard)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // A killed guard's groups are swept by the next start; another engine starts and ends.
        drop(Engine::start(&config).unwrap());
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(Traces::of(own, &guards).groups, 0, "control groups of killed guards");
    }
}

/// Processes below the guards, guards included, each with whether it is the solution's own.
fn descendants_of_guards(own: u32, guards: &[u32]) -> Vec<(u32, bool)> {
    let mut found = Vec::new();
    for guard in guards {
        found.push((*guard, false));
        found.extend(descendants(*guard).into_iter().map(|pid| (pid, is_a_run(pid))));
    }
    found.retain(|(pid, _)| *pid != own);
    found
}

/// The run is the one that the kernel is to kill first and whose parent is a cell's number 1.
fn is_a_run(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or("");
    ids.split_whitespace().count() > 2 && ids.split_whitespace().next_back() != Some("1")
}
