//! `proofbox bench`: what verifying costs on this host, beside what a bare interpreter costs.
//!
//! | file | what |
//! |---|---|
//! | `plan`, `results` | what is to be measured, and what was |
//! | `workload` | what is run |
//! | `bare`, `clock` | the baseline; CPU time of whole process trees |
//! | `side_by_side` | W1 to W4 and W6 to W8 by turns with the baseline; scaling over slots |
//! | `mixed`, `http_load` | W5: labelled submissions through HTTP; the clients |
//! | `compare`, `outputs` | comparison by every rule; the outputs |
//! | `wasm` | trivial solutions in WebAssembly |
//! | `memory` | what slots hold |
//! | `curve`, `svg` | latency against load, and its picture |
//! | `bars`, `spread`, `table` | what is to be reached; figures; text for a person |
//!
//! Figures are printed beside their bars and never decide the exit code: machines differ. A wrong
//! verdict does: speed without it means nothing.

mod bare;
mod bars;
mod clock;
mod compare;
mod curve;
mod http_load;
mod memory;
mod mixed;
mod outputs;
mod plan;
mod results;
mod side_by_side;
mod spread;
mod svg;
mod table;
mod wasm;
mod workload;

use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;

use self::{
    bars::JudgedBar,
    plan::{Budget, FULL_ROUND, Part, Variant},
    results::{Host, Results, Skipped},
    side_by_side::Contestant,
};
use super::{interrupted, start_engine};
use crate::{
    config::{EngineArgs, EngineConfig},
    language::Language,
    verify::Engine,
};

const ABOUT_FIGURES: &str = "\
Workloads:
  W1  a trivial program, 1 test
  W2  one program, 50 tests; figures are per test
  W3  a function call, 10 tests; figures are per test
  W4  a program that imports numpy, 1 test
  W5  mixed labelled submissions over HTTP; a wrong verdict fails the bench
  W6  a program that only computes: whether code itself runs slower than under
      a bare interpreter; a ratio above 1 would mean so
  W7  W1 with a set: run twice, with two seeds of string hashes
  W8  a function and six assertions, which run in another cell

The baseline is `python3 FILE`, one process per test and no isolation: what a
harness without a sandbox pays. Baseline and engine take turns. Every figure is
the median of the rounds with the least and the most; where those lie far apart
the machine was busy, and the run should be repeated.

Columns, W1 to W4 and W6 to W8:
  warm, exec   runs forked from a loaded interpreter (the default), or every
               run executing one
  CPU          CPU time of the whole process tree: the service, what makes
               cells, the cells, the runs. It decides how many cores a job needs
  in service   the part of it that the service's own process used
  wall         wall time; on a busy machine it says more about the neighbours
  CPU / bare, wall / bare
               ratio to the baseline of the same round; below 1, isolation costs
               less than starting an interpreter
  bar          the figure that proofbox sets itself

Columns, W5:
  in flight    requests at once
  CPU ms per request, engine called directly
               CPU time of the whole process tree over HTTP, and without HTTP
  HTTP adds    what the service's own process used more over HTTP; clients are
               left out

Memory counts launchers with the slots. Latency against load lets requests
arrive at random moments, at a share of the capacity measured before, whether
earlier ones have been answered or not. It counts from the moment of arrival.

--process-per-test shows what sharing a process between short tests saves.
What has no image for WebAssembly is left out, with the remedy.";

/// Measure what verifying costs on this host.
///
/// Runs fixed workloads by turns with the same programs under a bare interpreter and prints CPU time of
/// the whole process trees, wall time, throughput, latency and memory, each beside the figure that is to
/// be reached. Takes two to three minutes; use a release build on an otherwise idle machine.
#[derive(Debug, Args)]
#[command(after_long_help = ABOUT_FIGURES)]
pub struct BenchArgs {
    /// Parts to run
    #[arg(long, value_name = "PART,..", value_enum, value_delimiter = ',', ignore_case = true,
          default_values_t = Part::value_variants().to_vec())]
    only: Vec<Part>,

    /// Kinds of engine to compare with the baseline; the first is the one that the other parts use
    #[arg(long, value_name = "VARIANT,..", value_enum, value_delimiter = ',',
          default_values_t = [Variant::Warm, Variant::Exec])]
    variants: Vec<Variant>,

    /// Measure the second kind only: short for --variants exec
    #[arg(long, conflicts_with = "variants")]
    exec: bool,

    /// Times that each comparison is made [default: 7; with --quick 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,

    /// Submissions of W1 in a round [default: 40; with --quick 10]. The other parts follow in proportion
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    submissions: Option<u32>,

    /// Time after which no further round or part is begun, seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: Option<u64>,

    /// A short run, about half a minute: coarser figures
    #[arg(long)]
    quick: bool,

    /// Directory of labelled submissions for W5
    #[arg(long, value_name = "DIR", default_value = "test-cases/labelled")]
    cases: PathBuf,

    /// File to write all figures to
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// File to draw latency against load in
    #[arg(long, value_name = "FILE.svg")]
    curve: Option<PathBuf>,

    #[command(flatten)]
    engine: EngineArgs,
}

/// Measures, prints, writes.
pub async fn bench(args: BenchArgs) -> anyhow::Result<ExitCode> {
    if args.curve.is_some() && !args.only.contains(&Part::Curve) {
        bail!("--curve draws what --only leaves out: add curve to --only");
    }
    // Checked before minutes of work, not after.
    for file in args.json.iter().chain(&args.curve) {
        fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(file)
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    let interrupted = interrupted()?;
    tokio::select! {
        results = measure(&args) => {
            let results = results?;
            say!("{}", table::table(&results));
            write_files(&args, &results)?;
            Ok(ExitCode::SUCCESS)
        }
        code = interrupted => Ok(ExitCode::from(code)),
    }
}

fn write_files(args: &BenchArgs, results: &Results) -> anyhow::Result<()> {
    if let Some(file) = &args.json {
        let with_bars = WithBars { results, bars: results.bars() };
        let json = serde_json::to_string_pretty(&with_bars).context("the figures make no JSON")?;
        fs::write(file, json + "\n").with_context(|| format!("cannot write {}", file.display()))?;
    }
    if let (Some(file), Some(curve)) = (&args.curve, &results.curve) {
        let host = format!("{} cores", results.host.cores);
        fs::write(file, svg::draw(curve, &host))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

#[derive(Serialize)]
struct WithBars<'a> {
    #[serde(flatten)]
    results: &'a Results,
    bars: Vec<JudgedBar>,
}

async fn measure(args: &BenchArgs) -> anyhow::Result<Results> {
    let began = Instant::now();
    let load_before = load_average();
    let budget = budget(args, began);
    let config = args.engine.config();
    let contestants = contestants(args, &config)?;
    let engine = Arc::clone(&contestants[0].engine);
    let language = engine.languages().find("python").context("there is no Python to measure with")?;
    let interpreter = language.interpreter().to_owned();
    let mut results = Results {
        version: env!("CARGO_PKG_VERSION"),
        build: if cfg!(debug_assertions) { "debug" } else { "release" },
        seconds: 0.0,
        host: host(&engine, language, config.slots.get(), load_before),
        settings: budget.clone(),
        comparisons: Vec::new(),
        mixed: None,
        compare: None,
        wasm: Vec::new(),
        memory: None,
        scaling: Vec::new(),
        curve: None,
        skipped: Vec::new(),
    };
    for part in Part::value_variants().iter().copied().filter(|part| args.only.contains(part)) {
        if budget.is_used_up() {
            results.skipped.push(Skipped { part, why: "--seconds were used up".to_owned() });
            continue;
        }
        tracing::info!(part = part.name(), "measuring");
        let bench = Bench { args, config: &config, contestants: &contestants, interpreter: &interpreter };
        bench.part(part, &budget, &mut results).await.with_context(|| part.name())?;
    }
    results.host.load_after = load_average();
    results.seconds = began.elapsed().as_secs_f64();
    Ok(results)
}

fn budget(args: &BenchArgs, began: Instant) -> Budget {
    let (rounds, submissions) = if args.quick { (3, FULL_ROUND / 4) } else { (7, FULL_ROUND) };
    Budget {
        rounds: args.rounds.map_or(rounds, |rounds| rounds as usize),
        submissions: args.submissions.map_or(submissions, |submissions| submissions as usize),
        quick: args.quick,
        until: args.seconds.map(|seconds| began + Duration::from_secs(seconds)),
    }
}

fn contestants(args: &BenchArgs, config: &EngineConfig) -> anyhow::Result<Vec<Contestant>> {
    let mut variants = if args.exec { vec![Variant::Exec] } else { args.variants.clone() };
    let mut seen = Vec::new();
    variants.retain(|variant| {
        !seen.contains(variant) && {
            seen.push(*variant);
            true
        }
    });
    let start = |variant: Variant| {
        let warm = variant == Variant::Warm;
        let engine = start_engine(&EngineConfig { warm, ..config.clone() })?;
        // An engine that cannot keep interpreters loaded would be reported as `warm`.
        let tier = engine.sandbox().tier();
        if warm && !engine.languages().find("python").is_some_and(|python| python.is_warm(tier)) {
            bail!("this host's interpreter cannot be kept loaded; use --variants exec");
        }
        Ok(Contestant { variant, engine })
    };
    variants.into_iter().map(start).collect()
}

/// Arguments of every part.
struct Bench<'a> {
    args: &'a BenchArgs,
    config: &'a EngineConfig,
    contestants: &'a [Contestant],
    interpreter: &'a Path,
}

impl Bench<'_> {
    async fn part(&self, part: Part, budget: &Budget, results: &mut Results) -> anyhow::Result<()> {
        let engine = &self.contestants[0].engine;
        match part {
            Part::W1 | Part::W2 | Part::W3 | Part::W4 | Part::W6 | Part::W7 | Part::W8 => {
                let mut workloads = workload::all().into_iter();
                let workload = workloads.find(|one| one.part == part).context("no such workload")?;
                match side_by_side::compare(&workload, self.contestants, self.interpreter, budget).await? {
                    Ok(comparison) => results.comparisons.push(comparison),
                    Err(why) => results.skipped.push(Skipped { part, why }),
                }
            }
            Part::W5 => {
                let mixed = mixed::measure(engine, &self.args.cases, self.interpreter, budget).await?;
                results.mixed = Some(mixed);
            }
            Part::Compare => results.compare = Some(compare::measure(budget)),
            Part::Wasm => {
                for measured in wasm::measure(engine, budget).await? {
                    match measured {
                        Ok(cost) => results.wasm.push(cost),
                        Err(why) => results.skipped.push(Skipped { part, why }),
                    }
                }
            }
            Part::Memory => {
                let all = workload::all();
                let mut workloads = Vec::new();
                for one in all.iter().filter(|one| matches!(one.part, Part::W1 | Part::W4)) {
                    let there = match one.needs {
                        Some(module) => bare::has_module(self.interpreter, module)?,
                        None => true,
                    };
                    workloads.extend(there.then_some(one));
                }
                results.memory = Some(memory::measure(engine, &workloads).await?);
            }
            Part::Scaling => {
                let cores = std::thread::available_parallelism().map_or(1, usize::from);
                for slots in slot_counts(cores) {
                    let warm = self.contestants[0].variant == Variant::Warm;
                    let config = EngineConfig { slots, warm, ..self.config.clone() };
                    let engine = start_engine(&config)?;
                    results.scaling.push(side_by_side::throughput(&engine, slots.get(), budget).await?);
                }
            }
            Part::Curve => results.curve = Some(curve::measure(engine, budget).await?),
        }
        Ok(())
    }
}

/// Numbers of slots to measure: 1 to `cores`, doubling beyond eight.
fn slot_counts(cores: usize) -> Vec<NonZeroUsize> {
    let wanted = (1..=cores).filter(|slots| *slots <= 8 || *slots == cores || slots.is_power_of_two());
    wanted.filter_map(NonZeroUsize::new).collect()
}

fn host(engine: &Engine, language: &Language, slots: usize, load_before: String) -> Host {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("processor not named", |(_, name)| name);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_else(|_| "unknown".to_owned());
    Host {
        python: format!("Python {} ({})", language.version(), language.interpreter().display()),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        processor: processor.to_owned(),
        kernel: kernel.trim().to_owned(),
        tier: engine.sandbox().tier().as_str(),
        control_groups: match engine.sandbox().cgroup() {
            Some(kind) => format!("control groups {kind}"),
            None => "no control groups".to_owned(),
        },
        cells_clock: engine.sandbox().cpu_time().is_some(),
        slots,
        load_before,
        load_after: String::new(),
    }
}

/// Load averages of one, five and fifteen minutes.
fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_else(|_| "unknown".to_owned());
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_shrink_in_proportion_and_slots_double() {
        let budget = |submissions| Budget { rounds: 1, submissions, quick: false, until: None };
        assert_eq!(budget(40).submissions(4), 4);
        assert_eq!(budget(10).submissions(40), 10);
        assert_eq!(budget(1).submissions(1), 1);
        let counts: Vec<usize> = slot_counts(24).into_iter().map(NonZeroUsize::get).collect();
        assert_eq!(counts, [1, 2, 3, 4, 5, 6, 7, 8, 16, 24]);
        assert_eq!(slot_counts(1).len(), 1);
    }
}
