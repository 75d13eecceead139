//! Memory and process bounds in every mode that a host can have, and what is left of the groups.
//!
//! `PROOFBOX_EXPECT_CGROUPS` names the mode that this host must give: `none`, or `v1` or `v2` and,
//! optionally, the directory in which groups must be made. It is set where the host is made for the
//! purpose (`test-cases/guest`). These tests also run there.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use crate::support::{
    process::{Running, wait_until},
    program, start, test_name, testing_config,
};
use proofbox::{
    admission::Admit,
    config::EngineConfig,
    limits::Limits,
    report::Report,
    sandbox::CgroupKind,
    submission::Submission,
    verdict::{Cause, Verdict},
    verify::Engine,
};

const MIB: u64 = 1 << 20;
/// Above any process id that this kernel hands out by default.
const NOBODY: u32 = 4_194_999;

/// Time enough on an emulated machine: no verdict here is about time.
fn limits(memory_bytes: u64) -> Limits {
    Limits { cpu_ms: 60_000, wall_ms: 120_000, memory_bytes, file_bytes: 256 * MIB, ..Limits::default() }
}

/// One launcher, so that there is one base group to look at.
fn engine(use_cgroups: bool) -> Engine {
    let config = EngineConfig { use_cgroups, warm: false, ..testing_config(1) };
    start(&config)
}

fn kind(engine: &Engine) -> Option<CgroupKind> {
    engine.sandbox().cgroup()
}

/// A program that prints `done` if nothing stops it.
fn submission(source: &str, limits: Limits) -> Submission {
    Submission { limits, ..program(source, &[("", "done\n")]) }
}

async fn verify(engine: &Engine, submission: Submission) -> Report {
    engine.verify(submission, Admit::Patient).await
}

/// `children` processes that each hold `each` bytes at the same time.
fn family(children: u64, each: u64) -> String {
    format!(
        "
import os
hold, let_go = os.pipe()
children = []
for _ in range({children}):
    ready, report = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(let_go)
        held = b'x' * {each}
        os.write(report, b'r')
        os.read(hold, 1)
        os._exit(0)
    os.close(report)
    children.append((pid, ready))
count = sum(len(os.read(ready, 1)) for _, ready in children)
os.close(let_go)
failed = sum(os.waitpid(pid, 0)[1] != 0 for pid, _ in children)
print('done' if not failed and count == {children} else 'children failed')
"
    )
}

/// Directories of the guards' groups below any hierarchy.
fn groups_of(guards: &[u32]) -> Vec<PathBuf> {
    let names: Vec<String> = guards.iter().map(|guard| format!("proofbox-{guard}")).collect();
    directories(Path::new("/sys/fs/cgroup"))
        .into_iter()
        .filter(|path| names.iter().any(|name| path.ends_with(name)))
        .collect()
}

fn directories(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo = vec![root.to_owned()];
    while let Some(directory) = todo.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                todo.push(entry.path());
                found.push(entry.path());
            }
        }
    }
    found
}

/// Groups that a dead proofbox could have left, beside those of a live one. Removed at the end.
struct Leftovers(Vec<PathBuf>);

impl Leftovers {
    fn beside(groups: &[PathBuf]) -> Leftovers {
        let name = format!("proofbox-{NOBODY}");
        let made = Leftovers(groups.iter().map(|group| group.with_file_name(&name)).collect());
        for group in &made.0 {
            fs::create_dir_all(group.join("slot-0")).unwrap();
        }
        made
    }
}

impl Drop for Leftovers {
    fn drop(&mut self) {
        for group in &self.0 {
            let _ = fs::remove_dir(group.join("slot-0"));
            let _ = fs::remove_dir(group);
        }
    }
}

#[test]
fn the_mode_is_the_one_that_this_host_must_give() {
    let engine = engine(true);
    let mut found = kind(&engine).map_or("none".to_owned(), |kind| kind.to_string());
    let expected = std::env::var("PROOFBOX_EXPECT_CGROUPS");
    if expected.as_ref().is_ok_and(|expected| expected.contains(' ')) {
        for group in groups_of(&engine.sandbox().guard_pids()) {
            found += &format!(" {}", group.parent().unwrap().display());
        }
    }
    match expected {
        Ok(expected) => assert_eq!(found, expected),
        Err(_) => println!("control groups here: {found}"),
    }
    assert_eq!(kind(&self::engine(false)), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_of_one_process_is_bounded() {
    for use_cgroups in [true, false] {
        let engine = engine(use_cgroups);
        let bomb = "held = []\nwhile True: held.append(b'x' * (1 << 20))";
        let report = verify(&engine, submission(bomb, limits(96 * MIB))).await;
        assert_eq!(report.verdict, Verdict::MemoryLimit, "{:?}: {report:#?}", kind(&engine));
        // What the bomb did to its slot must not reach the next submission.
        let report = verify(&engine, submission("held = b'x' * (48 << 20)\nprint('done')", limits(96 * MIB)));
        let report = report.await;
        assert_eq!(report.verdict, Verdict::Accepted, "{:?}: {report:#?}", kind(&engine));
    }
}

/// What was used decides, not how much of what was there before has become free meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn more_than_the_limit_is_never_accepted() {
    let engine = engine(true);
    if kind(&engine).is_none() {
        eprintln!("notice: no control groups here; this test ran nothing");
        return;
    }
    let mut verdicts = Vec::new();
    for over_kib in (-1024..=1024).step_by(256) {
        let bytes = 64 * MIB as i64 + over_kib * 1024 - (9 << 20);
        let source = format!("x = bytearray({bytes})\nx[::4096] = bytes(len(x[::4096]))\nprint('done')\n");
        let report = verify(&engine, submission(&source, limits(64 * MIB))).await;
        let test = &report.tests[0];
        let is_over = test.memory_bytes > 64 * MIB;
        let expected = if is_over { Verdict::MemoryLimit } else { Verdict::Accepted };
        // Ended by the kernel it may not have come so far.
        assert!(
            report.verdict == expected || report.verdict == Verdict::MemoryLimit,
            "{over_kib} {report:#?}"
        );
        verdicts.push(report.verdict);
    }
    println!("{verdicts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_of_several_processes_is_summed() {
    for use_cgroups in [true, false] {
        let engine = engine(use_cgroups);
        let within = verify(&engine, submission(&family(4, 24 * MIB), limits(192 * MIB))).await;
        assert_eq!(within.verdict, Verdict::Accepted, "{:?}: {within:#?}", kind(&engine));
        if kind(&engine).is_some() {
            // The first run of a group: the peak is known on every kernel that keeps one.
            assert!(within.tests[0].memory_bytes >= 96 * MIB, "{within:#?}");
        }
        let over = verify(&engine, submission(&family(4, 48 * MIB), limits(128 * MIB))).await;
        assert_eq!(over.verdict, Verdict::MemoryLimit, "{:?}: {over:#?}", kind(&engine));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_in_the_scratch_space_count_as_memory() {
    let engine = engine(true);
    if kind(&engine).is_none() {
        println!("notice: no control groups here: the scratch space is bounded by its size alone");
        return;
    }
    let fill = "
with open('/tmp/work/file', 'wb', buffering=0) as file:
    for _ in range(160):
        file.write(b'x' * (1 << 20))
print('done')
";
    let report = verify(&engine, submission(fill, limits(96 * MIB))).await;
    assert_eq!(report.verdict, Verdict::MemoryLimit, "{report:#?}");
    let report = verify(&engine, submission(fill, limits(256 * MIB))).await;
    assert_eq!(report.verdict, Verdict::Accepted, "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_has_the_bounds_and_no_swap() {
    let engine = engine(true);
    let report = verify(&engine, submission("print('done')", limits(96 * MIB))).await;
    assert_eq!(report.verdict, Verdict::Accepted, "{report:#?}");
    let groups = groups_of(&engine.sandbox().guard_pids());
    let read = |name: &str| {
        let mut files = groups.iter().map(|group| group.join("slot-0").join(name));
        fs::read_to_string(files.find(|file| file.exists()).unwrap_or_else(|| panic!("no {name}"))).unwrap()
    };
    let (memory, swap) = match kind(&engine) {
        None => return assert!(groups.is_empty(), "{groups:?}"),
        Some(CgroupKind::V2) => ("memory.max", "memory.swap.max"),
        Some(CgroupKind::V1) => ("memory.limit_in_bytes", "memory.swappiness"),
    };
    assert_eq!(read(swap).trim(), "0");
    let most: u64 = read(memory).trim().parse().unwrap();
    assert!((96 * MIB..112 * MIB).contains(&most), "{most}");
    let processes: u64 = read("pids.max").trim().parse().unwrap();
    assert_eq!(processes, Limits::default().processes + 2);
}

/// Files that a submission reads stay in the page cache on its slot's account. They must not give
/// the next one that much more memory.
#[tokio::test(flavor = "multi_thread")]
async fn page_cache_does_not_widen_the_bound() {
    let engine = engine(true);
    if kind(&engine).is_none() {
        println!("notice: no control groups here, so no page cache on a slot's account");
        return;
    }
    // The same files in the same order, wherever it runs.
    let some_files = "
import os
def files():
    left = 64 << 20
    for directory, below, names in os.walk('/usr/lib'):
        below.sort()
        for name in sorted(names):
            path = os.path.join(directory, name)
            if left > 0 and os.path.isfile(path) and os.path.getsize(path) > 1 << 20:
                left -= os.path.getsize(path)
                yield os.open(path, os.O_RDONLY)
";
    let forget = "for fd in files(): os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)";
    let forget = format!("{some_files}{forget}");
    let forgotten = Command::new("/usr/bin/python3").args(["-I", "-S", "-c", &forget]).status().unwrap();
    assert!(forgotten.success());
    let read = format!(
        "{some_files}
for fd in files():
    while os.read(fd, 1 << 16):
        pass
print('done')
"
    );
    let report = verify(&engine, submission(&read, limits(512 * MIB))).await;
    assert_eq!(report.verdict, Verdict::Accepted, "{report:#?}");
    let hold = |bytes: u64| format!("held = b'x' * {bytes}\nprint('done')");
    let report = verify(&engine, submission(&hold(128 * MIB), limits(96 * MIB))).await;
    assert_eq!(report.verdict, Verdict::MemoryLimit, "{report:#?}");
    let report = verify(&engine, submission(&hold(64 * MIB), limits(96 * MIB))).await;
    assert_eq!(report.verdict, Verdict::Accepted, "{report:#?}");
}

/// When the service's own allowance or the host's memory ends, no solution is to blame.
#[tokio::test(flavor = "multi_thread")]
async fn memory_that_runs_out_elsewhere_is_no_verdict() {
    let engine = engine(true);
    let groups = groups_of(&engine.sandbox().guard_pids());
    let limit = ["memory.max", "memory.limit_in_bytes"]
        .iter()
        .flat_map(|name| groups.iter().map(move |group| group.join(name)))
        .find(|file| file.exists());
    let Some(limit) = limit else {
        println!("notice: no control groups here, so nothing above a slot's");
        return;
    };
    let hold = "held = b'x' * (128 << 20)\nprint('done')";
    fs::write(&limit, (80 * MIB).to_string()).unwrap();
    let report = verify(&engine, submission(hold, limits(512 * MIB))).await;
    assert_eq!(report.verdict, Verdict::Undecided, "{report:#?}");
    assert_eq!(report.cause, Some(Cause::SandboxFault), "{report:#?}");
    fs::write(&limit, (1024 * MIB).to_string()).unwrap();
    let report = verify(&engine, submission(hold, limits(512 * MIB))).await;
    assert_eq!(report.verdict, Verdict::Accepted, "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_are_bounded() {
    let bomb = "
import os, time
made = 0
try:
    while made < 200:
        if os.fork() == 0:
            os.closerange(0, 3)
            time.sleep(600)
            os._exit(0)
        made += 1
except OSError:
    pass
print('done' if 8 <= made <= 16 else 'made %d' % made)
";
    for use_cgroups in [true, false] {
        let engine = engine(use_cgroups);
        let limits = Limits { processes: 16, ..limits(256 * MIB) };
        for _ in 0..2 {
            let report = verify(&engine, submission(bomb, limits)).await;
            assert_eq!(report.verdict, Verdict::Accepted, "{:?}: {report:#?}", kind(&engine));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cpu_time_of_children_is_counted() {
    let busy = "
import os
for _ in range(2):
    if os.fork() == 0:
        while True:
            pass
os.wait()
";
    for use_cgroups in [true, false] {
        let engine = engine(use_cgroups);
        let limits = Limits { cpu_ms: 1_500, ..limits(256 * MIB) };
        let report = verify(&engine, submission(busy, limits)).await;
        assert_eq!(report.verdict, Verdict::TimeLimit, "{:?}: {report:#?}", kind(&engine));
        assert!(report.tests[0].cpu_ms >= 1_500.0, "{:?}: {report:#?}", kind(&engine));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_go_with_the_engine() {
    let engine = engine(true);
    let has_groups = kind(&engine).is_some();
    verify(&engine, submission("print('done')", limits(96 * MIB))).await;
    let guards = engine.sandbox().guard_pids();
    assert_eq!(!groups_of(&guards).is_empty(), has_groups);
    drop(engine);
    // The slot may still be closing its cell.
    wait_until("the groups are gone", || groups_of(&guards).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn leftovers_of_the_dead_are_swept() {
    let first = engine(true);
    let groups = groups_of(&first.sandbox().guard_pids());
    if groups.is_empty() {
        println!("notice: no control groups here, so none can be left over");
        return;
    }
    let leftovers = Leftovers::beside(&groups);
    let second = engine(true);
    for leftover in &leftovers.0 {
        assert!(!leftover.exists(), "{} is still there", leftover.display());
    }
    // The living are left alone, also those who have not run anything yet.
    assert_eq!(groups_of(&first.sandbox().guard_pids()), groups);
    for engine in [&first, &second] {
        let report = verify(engine, submission("print('done')", limits(96 * MIB))).await;
        assert_eq!(report.verdict, Verdict::Accepted, "{report:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_guard_is_replaced_and_its_groups_go() {
    let engine = engine(true);
    let mode = kind(&engine);
    verify(&engine, submission("print('done')", limits(96 * MIB))).await;
    let old = engine.sandbox().guard_pids();
    for guard in &old {
        kill(*guard);
    }
    let mut verdict = Verdict::Undecided;
    for _ in 0..3 {
        verdict = verify(&engine, submission("print('done')", limits(96 * MIB))).await.verdict;
    }
    assert_eq!(verdict, Verdict::Accepted);
    assert_eq!(kind(&engine), mode);
    wait_until("the old groups are gone", || groups_of(&old).is_empty());
}

/// A process that owns an engine and has a run at work in it.
struct Owner {
    /// Held for its end.
    _process: Running,
    guards: Vec<u32>,
}

impl Owner {
    fn start() -> Owner {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([
                &test_name(module_path!(), "owns_an_engine_until_standard_input_ends"),
                "--exact",
                "--ignored",
                "--nocapture",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let guards = lines
            .map(Result::unwrap)
            .find_map(|line| Some(line.split_once("guards:")?.1.trim().to_owned()))
            .map(|list| list.split(' ').map(|pid| pid.parse().unwrap()).collect());
        Owner { _process: Running(process), guards: guards.unwrap_or_default() }
    }
}

#[test]
fn groups_go_when_the_service_is_killed() {
    // Ours first: it shares the place where groups are made with the other's.
    let ours = engine(true);
    let owner = Owner::start();
    assert!(!owner.guards.is_empty());
    assert_eq!(groups_of(&owner.guards).is_empty(), kind(&ours).is_none());
    let guards = owner.guards.clone();
    drop(owner);
    wait_until("the groups are gone", || groups_of(&guards).is_empty());
    wait_until("the guards are gone", || {
        // One that nobody has reaped yet is gone too.
        let alive =
            |guard| fs::read_to_string(format!("/proc/{guard}/cmdline")).is_ok_and(|line| !line.is_empty());
        !guards.iter().any(alive)
    });
    assert_eq!(groups_of(&ours.sandbox().guard_pids()).is_empty(), kind(&ours).is_none());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a role that groups_go_when_the_service_is_killed starts in a process of its own"]
async fn owns_an_engine_until_standard_input_ends() {
    let engine = std::sync::Arc::new(engine(true));
    let guards: Vec<String> = engine.sandbox().guard_pids().iter().map(u32::to_string).collect();
    let at_work = std::sync::Arc::clone(&engine);
    tokio::spawn(async move {
        verify(&at_work, submission("import time; time.sleep(60)", limits(96 * MIB))).await
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    println!("\nguards: {}", guards.join(" "));
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

fn kill(pid: u32) {
    let status = Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    assert!(status.success());
}
