//! Memory that slots keep while idle and while busy.

use std::{collections::HashMap, fs, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use serde::Serialize;

use super::{
    bars::{Bar, JudgedBar},
    side_by_side::must_be_accepted,
    workload::Workload,
};
use crate::{
    admission::Admit,
    submission::{ProgramTest, Solution, Submission, Tests},
    verify::Engine,
};

#[derive(Debug, Serialize)]
pub struct Memory {
    pub slots: usize,
    pub idle: Held,
    /// Memory while every slot runs a program that sleeps before it does anything.
    pub busy: Held,
    /// Memory of the service's own process, the bench included. It is not counted with the slots.
    pub service: ProcessMemory,
    pub idle_bar: JudgedBar,
}

/// Memory of the guards, the launchers, the slot processes and their cells.
#[derive(Debug, Serialize)]
pub struct Held {
    /// Pages that belong to one process only, summed over all processes, divided by the slots.
    pub private_mib_per_slot: f64,
    /// Anonymous memory, each page counted once. Pages that a launcher shares with its slots since the fork are included.
    pub anonymous_mib_per_slot: f64,
    /// All pages, each counted once: a page that n processes share counts an nth in each. Pages of program files that other
    /// processes of the host use count in part.
    pub proportional_mib_per_slot: f64,
    pub processes: Vec<ProcessMemory>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ProcessMemory {
    pub role: &'static str,
    pub pid: u32,
    pub private_kib: u64,
    pub anonymous_kib: u64,
    pub proportional_kib: u64,
    pub resident_kib: u64,
}

/// How long the programs of busy slots sleep, and how long they get to begin.
const SLEEP: Duration = Duration::from_millis(1500);
const SETTLE: Duration = Duration::from_millis(700);

/// Runs `workloads` in every slot, so that all lasting processes exist, then measures.
pub async fn measure(engine: &Arc<Engine>, workloads: &[&Workload]) -> anyhow::Result<Memory> {
    let slots = engine.admission().slots();
    for workload in workloads {
        let sleepers = in_every_slot(engine, &sleeper(&workload.submission, Duration::from_millis(200)));
        finish(sleepers).await?;
    }
    engine.admission().until_idle().await;
    let idle = held(engine, slots)?;
    let plain = workloads.first().context("a workload to be busy with")?;
    let sleepers = in_every_slot(engine, &sleeper(&plain.submission, SLEEP));
    tokio::time::sleep(SETTLE).await;
    let busy = held(engine, slots)?;
    finish(sleepers).await?;
    // Private pages alone would be too few: a page shared by a launcher and its slots is private to none.
    let idle_bar = Bar::IDLE_SLOT.judged(idle.private_mib_per_slot.max(idle.anonymous_mib_per_slot));
    Ok(Memory { slots, idle, busy, service: process_memory("service", std::process::id())?, idle_bar })
}

type Running = Vec<tokio::task::JoinHandle<crate::report::Report>>;

fn in_every_slot(engine: &Arc<Engine>, submission: &Submission) -> Running {
    let start = |_| {
        let (engine, submission) = (Arc::clone(engine), submission.clone());
        tokio::spawn(async move { engine.verify(submission, Admit::Patient).await })
    };
    (0..engine.admission().slots()).map(start).collect()
}

async fn finish(running: Running) -> anyhow::Result<()> {
    for task in running {
        must_be_accepted(&task.await?)?;
    }
    Ok(())
}

/// A workload's program with a sleep before it, and one test.
fn sleeper(submission: &Submission, sleep: Duration) -> Submission {
    let mut sleeper = submission.clone();
    let file = &submission.solution.files[submission.solution.entry];
    let mut source = format!("import time\ntime.sleep({})\n", sleep.as_secs_f64()).into_bytes();
    source.extend_from_slice(&file.content);
    sleeper.solution = Solution::single(&file.path, source);
    if let Tests::Program(tests) = &submission.tests {
        let first: Vec<ProgramTest> = tests.iter().take(1).cloned().collect();
        sleeper.tests = Tests::Program(first);
    }
    sleeper
}

fn held(engine: &Engine, slots: usize) -> anyhow::Result<Held> {
    let children = children_of_all()?;
    let mut processes = Vec::new();
    // Levels below the service: guard, launcher, slot. Deeper processes belong to a cell.
    let mut level: Vec<u32> = engine.sandbox().guard_pids();
    for role in ["guard", "launcher", "slot", "cell", "run", "run", "run"] {
        let mut below = Vec::new();
        for pid in level {
            processes.push(process_memory(role, pid)?);
            below.extend(children.get(&pid).into_iter().flatten().copied());
        }
        level = below;
    }
    if !processes.iter().any(|process| process.role == "slot") {
        bail!("no slot process was found below the guards");
    }
    let mib_per_slot = |kib: u64| kib as f64 / 1024.0 / slots as f64;
    Ok(Held {
        private_mib_per_slot: mib_per_slot(processes.iter().map(|process| process.private_kib).sum()),
        anonymous_mib_per_slot: mib_per_slot(processes.iter().map(|process| process.anonymous_kib).sum()),
        proportional_mib_per_slot: mib_per_slot(
            processes.iter().map(|process| process.proportional_kib).sum(),
        ),
        processes,
    })
}

/// Every process of the host by its parent.
fn children_of_all() -> anyhow::Result<HashMap<u32, Vec<u32>>> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc").context("cannot read /proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // The process has ended in the meantime.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        if let Some(parent) = parent_in_stat(&stat) {
            children.entry(parent).or_default().push(pid);
        }
    }
    Ok(children)
}

/// The parent's id is the second field after the name. The name stands in parentheses and may itself hold parentheses.
fn parent_in_stat(stat: &str) -> Option<u32> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok()
}

fn process_memory(role: &'static str, pid: u32) -> anyhow::Result<ProcessMemory> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path} of a {role}"))?;
    let kib = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
            .with_context(|| format!("{path} tells no {key}"))
    };
    Ok(ProcessMemory {
        role,
        pid,
        private_kib: kib("Private_Clean")? + kib("Private_Dirty")?,
        anonymous_kib: kib("Pss_Anon")?,
        proportional_kib: kib("Pss")?,
        resident_kib: kib("Rss")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_found_and_measured() {
        assert_eq!(parent_in_stat("12 (a ) b) S 7 12 12 0"), Some(7));
        assert_eq!(parent_in_stat("garbage"), None);
        let own = std::process::id();
        let children = children_of_all().unwrap();
        let parent = std::os::unix::process::parent_id();
        assert!(children[&parent].contains(&own));
        let memory = process_memory("test", own).unwrap();
        assert!(memory.private_kib > 0 && memory.private_kib <= memory.resident_kib);
    }
}
