//! W5: mixed labelled submissions through HTTP, compared with direct calls of the engine.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    bare::has_module,
    bars::{Bar, JudgedBar},
    clock::{Cost, EngineMeter},
    http_load::{self, Served},
    plan::Budget,
    spread::{Latency, Seeded, Spread},
};
use crate::{
    admission::Admit,
    report::Report,
    submission::Submission,
    verdict::Verdict,
    verify::Engine,
    wire::{Asked, WireBounds, parse, report_json},
};

/// Submissions in a pass, and numbers of them in flight.
const SUBMISSIONS: usize = 300;
const CONCURRENCY: [usize; 4] = [1, 2, 8, 64];
/// Cases that take longer are left out: their own work would hide the engine's.
const LONGEST: Duration = Duration::from_millis(150);

/// A submission as it goes over the wire, and what must come back.
struct Case {
    id: String,
    body: String,
    expect: Expected,
    submission: Submission,
}

#[derive(Debug, Clone, Deserialize)]
struct Expected {
    verdict: String,
    cause: Option<String>,
    passed: Option<usize>,
}

/// The fields of a report that are checked.
#[derive(Debug, Deserialize)]
struct Told {
    verdict: String,
    cause: Option<String>,
    passed: usize,
    reason: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Mixed {
    pub submissions: usize,
    pub distinct: usize,
    pub longest_ms: f64,
    pub rounds: usize,
    pub points: Vec<MixedPoint>,
    pub http_bar: JudgedBar,
}

/// Figures at one number of requests in flight.
#[derive(Debug, Serialize)]
pub struct MixedPoint {
    pub concurrency: usize,
    pub per_second: Spread,
    pub latency: Latency,
    /// CPU time of the whole process tree without the clients.
    pub cpu_ms_per_request: Spread,
    pub direct_per_second: Spread,
    pub direct_cpu_ms_per_request: Spread,
    /// CPU time of the service's process over HTTP, less that of direct calls. Cells are left out of both, because they
    /// vary by more than the difference.
    pub http_cpu_ms_per_request: Spread,
}

/// Measures W5, or returns the reason why it cannot.
pub async fn measure(
    engine: &Arc<Engine>,
    directory: &Path,
    interpreter: &Path,
    budget: &Budget,
) -> anyhow::Result<Mixed> {
    let known = quick_ones(engine, load(engine, directory, interpreter)?).await?;
    if known.is_empty() {
        bail!("{} holds no case that can be measured", directory.display());
    }
    let count = budget.submissions(SUBMISSIONS);
    let mut order: Vec<usize> = (0..known.len()).collect();
    Seeded(5).shuffle(&mut order);
    let order: Vec<usize> = order.into_iter().cycle().take(count).collect();
    let cases: Vec<&Case> = order.iter().map(|at| &known[*at]).collect();
    let requests: Vec<Vec<u8>> = cases.iter().map(|case| http_load::request(&case.body)).collect();
    let requests = Arc::new(requests);
    let served = Served::start(Arc::clone(engine)).await?;
    let mut passes: Vec<Vec<(Pass, Pass)>> = CONCURRENCY.map(|_| Vec::new()).into();
    let mut rounds = 0;
    while rounds < budget.rounds.div_ceil(3) && (rounds == 0 || !budget.is_used_up()) {
        for (at, concurrency) in CONCURRENCY.into_iter().enumerate() {
            let direct = direct(engine, &cases, concurrency).await?;
            let http = over_http(engine, &served, &requests, &cases, concurrency).await?;
            passes[at].push((direct, http));
        }
        rounds += 1;
    }
    let points: Vec<MixedPoint> = CONCURRENCY
        .into_iter()
        .zip(&passes)
        .map(|(concurrency, passes)| point(concurrency, passes, count as f64))
        .collect();
    let dearest = points.iter().map(|point| point.http_cpu_ms_per_request.median).fold(f64::MIN, f64::max);
    Ok(Mixed {
        submissions: count,
        distinct: known.len().min(count),
        longest_ms: LONGEST.as_secs_f64() * 1000.0,
        rounds,
        points,
        http_bar: Bar::HTTP.judged(dearest),
    })
}

fn point(concurrency: usize, passes: &[(Pass, Pass)], count: f64) -> MixedPoint {
    let spread =
        |of: &dyn Fn(&(Pass, Pass)) -> f64| Spread::of(passes.iter().map(of)).expect("a pass at least");
    let per_request = |time: Duration| time.as_secs_f64() * 1000.0 / count;
    let latencies = passes.iter().flat_map(|(_, http)| http.latencies_ms.iter().copied());
    MixedPoint {
        concurrency,
        per_second: spread(&|(_, http)| count / http.cost.wall.as_secs_f64()),
        latency: Latency::of(latencies.collect()).expect("a request at least"),
        cpu_ms_per_request: spread(&|(_, http)| per_request(http.cost.cpu)),
        direct_per_second: spread(&|(direct, _)| count / direct.cost.wall.as_secs_f64()),
        direct_cpu_ms_per_request: spread(&|(direct, _)| per_request(direct.cost.cpu)),
        http_cpu_ms_per_request: spread(&|(direct, http)| {
            per_request(http.cost.own_cpu) - per_request(direct.cost.own_cpu)
        }),
    }
}

/// All cases once through.
struct Pass {
    cost: Cost,
    latencies_ms: Vec<f64>,
}

async fn direct(engine: &Arc<Engine>, cases: &[&Case], concurrency: usize) -> anyhow::Result<Pass> {
    let submissions: Vec<Submission> = cases.iter().map(|case| case.submission.clone()).collect();
    let submissions = Arc::new(submissions);
    let next = Arc::new(AtomicUsize::new(0));
    let meter = EngineMeter::start(engine).await?;
    let callers: Vec<_> = (0..concurrency)
        .map(|_| {
            let (engine, submissions, next) =
                (Arc::clone(engine), Arc::clone(&submissions), Arc::clone(&next));
            tokio::spawn(async move {
                let mut reports = Vec::new();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(submission) = submissions.get(at) else { return reports };
                    reports.push((at, engine.verify(submission.clone(), Admit::Patient).await));
                }
            })
        })
        .collect();
    let mut reports = Vec::new();
    for caller in callers {
        reports.extend(caller.await?);
    }
    let cost = meter.stop(runs_cpu(reports.iter().map(|(_, report)| report.cpu_ms()))).await?;
    for (at, report) in &reports {
        check(cases[*at], report_json(report).as_bytes())?;
    }
    Ok(Pass { cost, latencies_ms: Vec::new() })
}

async fn over_http(
    engine: &Engine,
    served: &Served,
    requests: &Arc<Vec<Vec<u8>>>,
    cases: &[&Case],
    concurrency: usize,
) -> anyhow::Result<Pass> {
    let meter = EngineMeter::start(engine).await?;
    let load = http_load::closed_loop(served.address, Arc::clone(requests), concurrency).await?;
    // On a host without control groups, the runs' CPU time is taken from the reports. Reports are read after the clock has
    // stopped, because reading them is the client's work.
    let mut cost = meter.stop(Duration::ZERO).await?;
    cost.cpu = cost.cpu.saturating_sub(load.client_cpu);
    cost.own_cpu = cost.own_cpu.saturating_sub(load.client_cpu);
    cost.wall = load.wall;
    for answer in &load.answers {
        let case = cases[answer.request];
        if answer.status != 200 {
            bail!("{}: HTTP status {}: {}", case.id, answer.status, String::from_utf8_lossy(&answer.body));
        }
        check(case, &answer.body)?;
    }
    if load.answers.len() != cases.len() {
        bail!("{} requests were sent and {} answered", cases.len(), load.answers.len());
    }
    if engine.sandbox().cpu_time().is_none() {
        cost.cpu += runs_cpu(load.answers.iter().map(|answer| told_cpu_ms(&answer.body)));
    }
    let latencies_ms = load.answers.iter().map(|answer| answer.latency.as_secs_f64() * 1000.0).collect();
    Ok(Pass { cost, latencies_ms })
}

fn runs_cpu(runs_ms: impl Iterator<Item = f64>) -> Duration {
    Duration::from_secs_f64(runs_ms.sum::<f64>() / 1000.0)
}

fn told_cpu_ms(answer: &[u8]) -> f64 {
    #[derive(Deserialize)]
    struct LoadedTests {
        tests: Vec<Test>,
    }
    #[derive(Deserialize)]
    struct Test {
        cpu_ms: f64,
    }
    let tests = serde_json::from_slice::<LoadedTests>(answer).map_or_else(|_| Vec::new(), |told| told.tests);
    tests.iter().map(|test| test.cpu_ms).sum()
}

/// Checks that a report has the case's label. Speed with wrong verdicts means nothing.
fn check(case: &Case, report: &[u8]) -> anyhow::Result<()> {
    let told: Told =
        serde_json::from_slice(report).with_context(|| format!("{}: the answer is no report", case.id))?;
    let expect = &case.expect;
    let verdict_agrees = match expect.verdict.as_str() {
        "rejected" => !matches!(told.verdict.as_str(), "accepted" | "undecided"),
        verdict => told.verdict == verdict,
    };
    let agrees = verdict_agrees
        && (expect.cause.is_none() || expect.cause == told.cause)
        && expect.passed.is_none_or(|passed| passed == told.passed);
    if !agrees {
        let Told { verdict, cause, passed, reason } = told;
        bail!(
            "{}: expected {expect:?}, got {verdict} {cause:?}, {passed} passed: {}",
            case.id,
            reason.unwrap_or_default()
        );
    }
    Ok(())
}

/// The cases of `*.jsonl` in the directory that this installation can decide and that hit no time
/// limit.
fn load(engine: &Engine, directory: &Path, interpreter: &Path) -> anyhow::Result<Vec<Case>> {
    let entries = fs::read_dir(directory).with_context(|| format!("--cases {}", directory.display()))?;
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    files.sort();
    let mut installed: BTreeMap<String, bool> = BTreeMap::new();
    let mut cases = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        for (at, line) in text.lines().enumerate() {
            let place = || format!("{}:{}", file.display(), at + 1);
            let (case, needs) = match case(line).with_context(place)? {
                Some(parsed) => parsed,
                None => continue,
            };
            let mut all_there = engine.languages().find(&case.submission.language).is_some();
            for module in needs {
                let known = match installed.get(&module) {
                    Some(known) => *known,
                    None => has_module(interpreter, &module)?,
                };
                installed.insert(module, known);
                all_there &= known;
            }
            if all_there {
                cases.push(case);
            }
        }
    }
    Ok(cases)
}

/// A case and the modules that it needs; `None` for one that is no work for a cell, or takes long by
/// its label.
fn case(line: &str) -> anyhow::Result<Option<(Case, Vec<String>)>> {
    // Values stay text: some are numbers only to Python.
    let mut fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(line)?;
    let expect: Expected = serde_json::from_str(fields.remove("expect").context("no \"expect\"")?.get())?;
    fields.remove("why");
    let needs: Vec<String> = match fields.remove("needs") {
        Some(needs) => serde_json::from_str(needs.get())?,
        None => Vec::new(),
    };
    let id = fields.get("id").map_or_else(String::new, |id| id.get().trim_matches('"').to_owned());
    let body = serde_json::to_string(&fields)?;
    let submission = match parse(body.as_bytes(), WireBounds::default()) {
        Ok(Asked::Verify(submission)) => *submission,
        Ok(Asked::Undecidable(_)) => return Ok(None),
        Err(error) => bail!("{id}: {error}"),
    };
    if Verdict::from_word(&expect.verdict) == Some(Verdict::TimeLimit) {
        return Ok(None);
    }
    Ok(Some((Case { id, body, expect, submission }, needs)))
}

/// Those that take at most [`LONGEST`]. Every case is run once; each must get its label.
async fn quick_ones(engine: &Arc<Engine>, cases: Vec<Case>) -> anyhow::Result<Vec<Case>> {
    let mut quick = Vec::new();
    let mut wrong = Vec::new();
    let in_flight = engine.admission().slots();
    let mut cases = cases.into_iter();
    loop {
        let batch: Vec<_> = cases
            .by_ref()
            .take(in_flight)
            .map(|case| {
                let engine = Arc::clone(engine);
                tokio::spawn(async move {
                    let began = Instant::now();
                    let report = engine.verify(case.submission.clone(), Admit::Patient).await;
                    (case, report, began.elapsed())
                })
            })
            .collect();
        if batch.is_empty() {
            break;
        }
        for task in batch {
            let (case, report, took): (Case, Report, Duration) = task.await?;
            match check(&case, report_json(&report).as_bytes()) {
                Err(difference) => wrong.push(difference.to_string()),
                Ok(()) if took <= LONGEST => quick.push(case),
                Ok(()) => {}
            }
        }
    }
    if !wrong.is_empty() {
        bail!("{} cases did not get their label:\n{}", wrong.len(), wrong.join("\n"));
    }
    Ok(quick)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_taken_off_and_checked() {
        let line = r#"{"id": "a/b", "language": "python", "fn_name": "f", "source": "x", "tests":
            [{"args": [123456789012345678901234567890], "expected": 1}], "needs": ["numpy"],
            "expect": {"verdict": "rejected", "passed": 0}, "why": "w"}"#;
        let (case, needs) = case(line).unwrap().unwrap();
        assert_eq!((case.id.as_str(), needs), ("a/b", vec!["numpy".to_owned()]));
        assert!(case.body.contains("123456789012345678901234567890") && !case.body.contains("expect\":{"));
        let says = |verdict: &str, passed: usize| {
            check(&case, format!(r#"{{"verdict": "{verdict}", "passed": {passed}}}"#).as_bytes()).is_ok()
        };
        assert!(says("wrong_answer", 0) && says("runtime_error", 0));
        assert!(!says("accepted", 0) && !says("undecided", 0) && !says("wrong_answer", 1));
        assert!(check(&case, b"{}").is_err());
    }
}
