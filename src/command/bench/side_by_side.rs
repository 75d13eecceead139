//! W1 to W4 and W6 to W8: the engine and the bare baseline take turns, so that other load on the machine affects both
//! alike.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::bail;
use serde::Serialize;

use super::{
    bare::{BareProgram, has_module},
    bars::JudgedBar,
    clock::{Cost, EngineMeter},
    plan::{Budget, Part, Variant},
    spread::Spread,
    workload::{self, Workload},
};
use crate::{admission::Admit, report::Report, submission::Submission, verdict::Verdict, verify::Engine};

/// An engine that takes part.
pub struct Contestant {
    pub variant: Variant,
    pub engine: Arc<Engine>,
}

/// One workload's figures.
#[derive(Debug, Serialize)]
pub struct Comparison {
    pub workload: Part,
    pub title: &'static str,
    /// Unit of the figures: a verdict or a test.
    pub per: &'static str,
    pub rounds: usize,
    pub submissions_per_round: usize,
    pub tests_per_submission: usize,
    pub bare: SideFigures,
    pub engines: Vec<EngineFigures>,
}

/// Milliseconds per unit; spread over the rounds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct SideFigures {
    pub cpu_ms: Spread,
    pub wall_ms: Spread,
}

#[derive(Debug, Serialize)]
pub struct EngineFigures {
    pub variant: Variant,
    #[serde(flatten)]
    pub figures: SideFigures,
    /// CPU time of the service's own process only, without cells and the processes that make them.
    pub service_cpu_ms: Spread,
    /// Ratio to the baseline of the same round.
    pub cpu_ratio: Spread,
    pub wall_ratio: Spread,
    pub bar: Option<JudgedBar>,
}

/// Compares on one workload, or returns the reason why it cannot.
pub async fn compare(
    workload: &Workload,
    contestants: &[Contestant],
    interpreter: &Path,
    budget: &Budget,
) -> anyhow::Result<Result<Comparison, String>> {
    if let Some(module) = workload.needs
        && !has_module(interpreter, module)?
    {
        return Ok(Err(format!("{module} is not installed for {}", interpreter.display())));
    }
    let bare = BareProgram::new(interpreter, &workload.bare)?;
    let submissions = budget.submissions(workload.submissions);
    // A first run loads files into the page cache and starts slot processes.
    bare.measure(1)?;
    for contestant in contestants {
        measure(&contestant.engine, &workload.submission, 2).await?;
    }
    let mut rounds: Vec<Vec<Cost>> = Vec::new();
    while rounds.len() < budget.rounds && (rounds.is_empty() || !budget.is_used_up()) {
        let sides = contestants.len() + 1;
        let mut costs = vec![Cost::default(); sides];
        // Another side begins each round, so that the order does not matter.
        for turn in 0..sides {
            let side = (turn + rounds.len()) % sides;
            costs[side] = match side {
                0 => tokio::task::block_in_place(|| bare.measure(submissions))?,
                _ => measure(&contestants[side - 1].engine, &workload.submission, submissions).await?,
            };
        }
        rounds.push(costs);
    }
    Ok(Ok(figures(workload, contestants, submissions, &rounds)))
}

/// `times` submissions one after the other; all must be accepted.
async fn measure(engine: &Engine, submission: &Submission, times: usize) -> anyhow::Result<Cost> {
    let prepared = vec![submission.clone(); times];
    let meter = EngineMeter::start(engine).await?;
    let mut runs_ms = 0.0;
    for submission in prepared {
        let report = engine.verify(submission, Admit::Patient).await;
        must_be_accepted(&report)?;
        runs_ms += report.cpu_ms();
    }
    Ok(meter.stop(Duration::from_secs_f64(runs_ms / 1000.0)).await?)
}

/// Fails on a wrong verdict, because speed means nothing then.
pub fn must_be_accepted(report: &Report) -> anyhow::Result<()> {
    if report.verdict != Verdict::Accepted {
        bail!("a right program got {}: {}", report.verdict, report.reason.as_deref().unwrap_or(""));
    }
    Ok(())
}

fn figures(
    workload: &Workload,
    contestants: &[Contestant],
    submissions: usize,
    rounds: &[Vec<Cost>],
) -> Comparison {
    let units = (submissions * workload.units()) as f64;
    let spread = |measured: &dyn Fn(&Vec<Cost>) -> f64| {
        Spread::of(rounds.iter().map(measured)).expect("there is a round at least")
    };
    let side = |index: usize| SideFigures {
        cpu_ms: spread(&|costs| costs[index].cpu.as_secs_f64() * 1000.0 / units),
        wall_ms: spread(&|costs| costs[index].wall.as_secs_f64() * 1000.0 / units),
    };
    let engines = contestants.iter().enumerate().map(|(at, contestant)| {
        let index = at + 1;
        let cpu_ratio = spread(&|costs| costs[index].cpu.as_secs_f64() / costs[0].cpu.as_secs_f64());
        EngineFigures {
            variant: contestant.variant,
            figures: side(index),
            service_cpu_ms: spread(&|costs| costs[index].own_cpu.as_secs_f64() * 1000.0 / units),
            cpu_ratio,
            wall_ratio: spread(&|costs| costs[index].wall.as_secs_f64() / costs[0].wall.as_secs_f64()),
            bar: workload.bar.filter(|_| at == 0).map(|bar| bar.judged(cpu_ratio.median)),
        }
    });
    Comparison {
        workload: workload.part,
        title: workload.title,
        per: workload.per,
        rounds: rounds.len(),
        submissions_per_round: submissions,
        tests_per_submission: workload.units(),
        bare: side(0),
        engines: engines.collect(),
    }
}

/// Throughput with a number of slots.
#[derive(Debug, Serialize)]
pub struct ScalingPoint {
    pub slots: usize,
    /// Verdicts per second, a test each.
    pub w1_per_second: Spread,
    /// Tests per second, fifty to a submission.
    pub w2_tests_per_second: Spread,
    /// CPU per second of wall time: how many cores were at work.
    pub w1_cores_busy: Spread,
    pub w2_cores_busy: Spread,
}

/// Throughput with `slots` slots, as many submissions in flight.
pub async fn throughput(engine: &Arc<Engine>, slots: usize, budget: &Budget) -> anyhow::Result<ScalingPoint> {
    let (w1, w2) = (workload::trivial(), workload::many_tests());
    let mut rates: [Vec<(f64, f64)>; 2] = [Vec::new(), Vec::new()];
    for round in 0..=budget.rounds.div_ceil(2) {
        for (at, (workload, each)) in [(&w1, 60), (&w2, 2)].into_iter().enumerate() {
            let count = budget.submissions(each) * slots;
            let cost = in_parallel(engine, &workload.submission, count, slots).await?;
            let wall = cost.wall.as_secs_f64();
            // The first round only warms up.
            if round > 0 {
                let units = (count * workload.units()) as f64;
                rates[at].push((units / wall, cost.cpu.as_secs_f64() / wall));
            }
        }
        if round > 0 && budget.is_used_up() {
            break;
        }
    }
    let spread = |values: &mut dyn Iterator<Item = f64>| Spread::of(values).expect("a round at least");
    Ok(ScalingPoint {
        slots,
        w1_per_second: spread(&mut rates[0].iter().map(|rate| rate.0)),
        w2_tests_per_second: spread(&mut rates[1].iter().map(|rate| rate.0)),
        w1_cores_busy: spread(&mut rates[0].iter().map(|rate| rate.1)),
        w2_cores_busy: spread(&mut rates[1].iter().map(|rate| rate.1)),
    })
}

async fn in_parallel(
    engine: &Arc<Engine>,
    submission: &Submission,
    count: usize,
    in_flight: usize,
) -> anyhow::Result<Cost> {
    let meter = EngineMeter::start(engine).await?;
    let callers = (0..in_flight).map(|caller| {
        let mine = count / in_flight + usize::from(caller < count % in_flight);
        let (engine, submission) = (Arc::clone(engine), submission.clone());
        tokio::spawn(async move {
            let mut runs_ms = 0.0;
            for _ in 0..mine {
                let report = engine.verify(submission.clone(), Admit::Patient).await;
                must_be_accepted(&report)?;
                runs_ms += report.cpu_ms();
            }
            anyhow::Ok(runs_ms)
        })
    });
    let callers: Vec<_> = callers.collect();
    let mut runs_ms = 0.0;
    for caller in callers {
        runs_ms += caller.await??;
    }
    Ok(meter.stop(Duration::from_secs_f64(runs_ms / 1000.0)).await?)
}
