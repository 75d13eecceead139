//! `proofbox soak`: many mixed runs, with hostile ones among them. Processes, files and memory are counted before and
//! after.

pub mod mix;
pub mod traces;

use std::{
    collections::BTreeSet,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Args;

use self::traces::Traces;
use super::start_engine;
use crate::{admission::Admit, config::EngineArgs, verdict::Verdict, verify::Engine};

/// Run many right, wrong and hostile programs, and show that nothing is left behind
///
/// Prints what the service and its processes hold before and after: processes, control groups, mounts,
/// descriptors, files and memory. Exit codes: 0 nothing has grown and every verdict was as known; 1 not so.
#[derive(Debug, Args)]
pub struct SoakArgs {
    /// Submissions to run
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,

    /// Stop after this long, whatever has been run by then
    #[arg(long, value_name = "S")]
    seconds: Option<u64>,

    #[command(flatten)]
    engine: EngineArgs,
}

/// Submissions that run before the first count, because a slot process starts with its first cell.
const WARM_UP: u64 = 60;
/// Growth of memory that is not a leak: allocators keep what they had at their peak.
const MEMORY_SLACK_BYTES: u64 = 64 << 20;
/// Between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(10);

pub async fn soak(args: SoakArgs) -> anyhow::Result<ExitCode> {
    let config = args.engine.config();
    let slots = config.slots.get();
    let engine = start_engine(&config)?;
    let mut guards: BTreeSet<u32> = engine.sandbox().guard_pids().into_iter().collect();
    let own = std::process::id();
    let count = Arc::new(Count::default());
    run(&engine, slots, 0..WARM_UP, None, &count).await?;
    start_second_interpreters(&engine, slots).await?;
    guards.extend(engine.sandbox().guard_pids());
    let before = settled(own, &guards).await;
    say_line!("before  {before}");
    let started = Instant::now();
    let deadline = args.seconds.map(|seconds| started + Duration::from_secs(seconds));
    run(&engine, slots, WARM_UP..WARM_UP + args.runs, deadline, &count).await?;
    let took = started.elapsed();
    guards.extend(engine.sandbox().guard_pids());
    let after = settled(own, &guards).await;
    say_line!("after   {after}");
    drop(engine);
    let end = settled(own, &guards).await;
    say_line!("ended   {end}");
    let runs = count.done.load(Ordering::Relaxed) - WARM_UP;
    let mismatches = count.mismatches.load(Ordering::Relaxed);
    say_line!(
        "{runs} runs in {:.1} s ({:.1}/s), {mismatches} verdicts other than known",
        took.as_secs_f64(),
        runs as f64 / took.as_secs_f64().max(1e-3)
    );
    let mut growth = after.growth_since(&before, MEMORY_SLACK_BYTES);
    if end.processes + end.groups + end.mounts > 0 {
        growth.push(format!("after the end: {end}"));
    }
    for line in &growth {
        say_line!("GROWTH  {line}");
    }
    Ok(if growth.is_empty() && mismatches == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Debug, Default)]
struct Count {
    done: AtomicU64,
    mismatches: AtomicU64,
}

/// Runs the submissions with these numbers. One more than there are slots is in flight.
async fn run(
    engine: &Arc<Engine>,
    slots: usize,
    numbers: std::ops::Range<u64>,
    deadline: Option<Instant>,
    count: &Arc<Count>,
) -> anyhow::Result<()> {
    let permits = Arc::new(tokio::sync::Semaphore::new(slots + 1));
    let mut tasks = tokio::task::JoinSet::new();
    let mut told = Instant::now();
    for number in numbers {
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            break;
        }
        let permit = Arc::clone(&permits).acquire_owned().await?;
        let (engine, counted) = (Arc::clone(engine), Arc::clone(count));
        tasks.spawn(async move {
            let asked = mix::submission(number);
            let report = engine.verify(asked.submission, Admit::Patient).await;
            counted.done.fetch_add(1, Ordering::Relaxed);
            if !asked.verdicts.contains(&report.verdict) {
                counted.mismatches.fetch_add(1, Ordering::Relaxed);
                say_line!("MISMATCH  {} ({number}): {} {:?}", asked.name, report.verdict, report.reason);
            }
            drop(permit);
        });
        while tasks.try_join_next().is_some() {}
        if told.elapsed() > PROGRESS {
            told = Instant::now();
            note_line!("{} runs", count.done.load(Ordering::Relaxed));
        }
    }
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    Ok(())
}

/// Runs a solution that makes a set in every slot at once. Such a solution is run twice, and the interpreters of the second
/// run are loaded at their first use.
async fn start_second_interpreters(engine: &Arc<Engine>, slots: usize) -> anyhow::Result<()> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..slots {
        let engine = Arc::clone(engine);
        tasks.spawn(async move { engine.verify(mix::with_a_set(), Admit::Patient).await });
    }
    while let Some(report) = tasks.join_next().await {
        let report = report?;
        anyhow::ensure!(report.verdict == Verdict::Accepted, "a right solution: {:?}", report.reason);
    }
    Ok(())
}

/// A count that no longer changes. Cells are closed in the background, so the first counts may be too high.
async fn settled(own: u32, guards: &BTreeSet<u32>) -> Traces {
    let mut last = Traces::of(own, guards);
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = Traces::of(own, guards);
        if (now.processes, now.groups, now.descriptors) == (last.processes, last.groups, last.descriptors) {
            return now;
        }
        last = now;
    }
    last
}
