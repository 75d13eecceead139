//! THE PATH of a request, top to bottom: submission -> admission -> cell -> outcomes -> judge ->
//! report. HTTP, the filter and the command line are callers of [`Engine::verify`]. What the outcomes
//! come to is summed up in `verify/judging.rs`.

mod judging;
mod route;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use self::{
    judging::Judging,
    route::{Runner, Runners},
};
use crate::{
    admission::{Admission, Admit, Caller, Place},
    config::{EngineConfig, TierChoice},
    language::{Language, LanguageError, Languages, Start},
    metrics::Metrics,
    report::{Report, TestReport},
    sandbox::{
        Cell, End, Fault, Job, LimitHit, Outcome, Sandbox, SandboxConfig, StartError, Tier,
        wasm::{WasmImageError, WasmSandbox},
    },
    submission::{Runtime, Submission},
    verdict::{Cause, Verdict},
};

/// Everything that verifying needs. One per process.
#[derive(Debug)]
pub struct Engine {
    runners: Runners,
    admission: Admission,
    metrics: Arc<Metrics>,
}

/// The engine cannot run here. The text says what is missing and how to get it.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Language(#[from] LanguageError),
    #[error(transparent)]
    Sandbox(#[from] StartError),
    #[error(transparent)]
    Wasm(#[from] WasmImageError),
}

/// A cell that failed for a reason of ours is made anew this often before the submission is
/// `undecided`.
const CELL_ATTEMPTS: u32 = 3;
/// Before the second attempt; four times as long before the third.
const CELL_PAUSE: Duration = Duration::from_millis(100);

impl Engine {
    /// Loads the languages and starts their launchers. Blocks for some tens of milliseconds.
    pub fn start(config: &EngineConfig) -> Result<Engine, EngineError> {
        let wasm = route::wasm(config)?;
        let slots = config.slots.get();
        let (languages, sandbox) = match config.runtime {
            Runtime::Wasm => (Languages::none(), Sandbox::absent(Vec::new())),
            Runtime::Auto | Runtime::Native => Engine::start_native(config, &wasm)?,
        };
        let admission = Admission::with_max_wait(slots, config.max_waiting, config.max_wait);
        let names: BTreeSet<String> = languages
            .iter()
            .map(Language::name)
            .chain(wasm.manifests().iter().map(|manifest| &manifest.languages[0][..]))
            .chain(["wasm"])
            .map(str::to_owned)
            .collect();
        let metrics = Arc::new(Metrics::new(names));
        let (runtime, min_tier) = (config.runtime, config.min_tier);
        let runners = Runners { languages, sandbox, wasm, runtime, min_tier };
        Ok(Engine { runners, admission, metrics })
    }

    /// The native runner; where none can be had and none is asked for by name, the Wasm runner alone, if it has
    /// an image.
    fn start_native(config: &EngineConfig, wasm: &WasmSandbox) -> Result<(Languages, Sandbox), EngineError> {
        let languages = Languages::load(config)?;
        let slots = config.slots.get();
        let sandbox_config = SandboxConfig {
            slots,
            tiers: config.tiers(),
            scratch_dir: config.scratch_dir.clone(),
            program: config.program.clone(),
            use_cgroups: config.use_cgroups,
            renew_after_cells: config.renew_after_cells,
            fail_step: config.fail_step.clone(),
        };
        let mut launchers = HashMap::new();
        for tier in &sandbox_config.tiers {
            let of_tier = languages.iter().map(|language| language.launchers(*tier));
            launchers.insert(*tier, of_tier.collect::<Result<Vec<_>, _>>()?.concat());
        }
        match Sandbox::start(&sandbox_config, |tier| launchers.get(&tier).cloned().unwrap_or_default()) {
            Ok(sandbox) => Ok((languages, sandbox)),
            Err(StartError::NoTier { refusals })
                if config.runtime == Runtime::Auto
                    && config.tier == TierChoice::Auto
                    && config.min_tier == Tier::Wasm
                    && wasm.has_an_image() =>
            {
                tracing::warn!("no native tier can be given here: solutions run in WebAssembly alone");
                Ok((Languages::none(), Sandbox::absent(refusals)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Runs a submission's tests and judges them. Never fails: a fault of ours is a report whose
    /// verdict is `undecided`. Dropping the future ends the runs and frees the slot.
    pub async fn verify(&self, submission: Submission, admit: Admit) -> Report {
        self.verify_for(Caller::OWN, submission, admit).await
    }

    /// The same on behalf of one caller of several, who take turns.
    pub async fn verify_for(&self, caller: Caller, submission: Submission, admit: Admit) -> Report {
        let in_flight = self.metrics.submission_started();
        let begun = Instant::now();
        let report = self.decide(&submission, admit, caller, begun).await;
        let language = self.runners.route(&submission).map_or("", Runner::language);
        self.metrics.submission_decided(language, submission.tests.kind(), report.verdict, report.cause);
        drop(in_flight);
        report
    }

    async fn decide(&self, submission: &Submission, admit: Admit, caller: Caller, begun: Instant) -> Report {
        let undecided = |cause, reason: String| {
            Report::undecided(submission.id.clone(), cause, reason, submission.tests.len())
        };
        let runner = match self.runners.route(submission) {
            Ok(runner) => runner,
            Err(obstacle) => return undecided(Cause::Unsupported, obstacle),
        };
        if submission.tests.is_empty() {
            return undecided(Cause::BadTests, "there are no tests".to_owned());
        }
        let job = match runner.job(submission, Start::Usual) {
            Ok(job) => job,
            Err(error) => return undecided(Cause::BadTests, error.to_string()),
        };
        let asked = Asked { submission, runner, job, caller };
        let slot = match self.admission.enter(admit, caller).await {
            Ok(slot) => slot,
            Err(overloaded) => {
                self.metrics.turned_away();
                return undecided(Cause::Overloaded, overloaded.to_string());
            }
        };
        let waited = slot.waited();
        self.metrics.slot_entered(waited);
        let run = Judging::by_all(submission);
        let report = match self.run_tests(&asked, Place::Slot(slot), run).await {
            Ok(judging) => judging.summarise(submission, runner.tier()),
            Err(fault) => return undecided(Cause::SandboxFault, fault.to_string()),
        };
        let runs: f64 = report.tests.iter().map(|test| test.wall_ms / 1000.0).sum();
        let overhead = begun.elapsed().saturating_sub(waited).as_secs_f64() - runs;
        self.metrics.overhead(Duration::from_secs_f64(overhead.max(0.0)));
        match self.confirm(&asked, report).await {
            Ok(report) => report,
            Err(fault) => undecided(Cause::SandboxFault, fault.to_string()),
        }
    }

    /// Runs an accepted solution again, as often as is asked: every run must be accepted.
    async fn confirm(&self, asked: &Asked<'_>, first: Report) -> Result<Report, Fault> {
        let submission = asked.submission;
        let runs = submission.repeat.runs(&submission.solution);
        if first.verdict != Verdict::Accepted || runs == 1 {
            return Ok(first);
        }
        // Chance includes the seed of string hashes, which decides the order of sets.
        let job = asked.runner.job(submission, Start::Fresh);
        let job = job.map_err(|error| Fault { step: "repeat_job".to_owned(), detail: error.to_string() })?;
        let again = Asked { job, ..*asked };
        let (mut accepted, mut refused) = (1, None);
        for _ in 1..runs {
            let place = self.enter_again(&again).await?;
            let judging = self.run_tests(&again, place, Judging::by_one(submission)).await?;
            let report = judging.summarise(submission, asked.runner.tier());
            match report.verdict {
                Verdict::Accepted => accepted += 1,
                _ => refused = refused.or(Some(report)),
            }
        }
        Ok(match refused {
            None => first,
            Some(report) => Report { also: first.also, ..report.not_deterministic(accepted, runs) },
        })
    }

    /// Carries the tests out, in as few cells as possible: one, unless a cell fails or a run must be
    /// measured again on a quiet machine.
    async fn run_tests(
        &self,
        asked: &Asked<'_>,
        place: Place,
        mut judging: Judging,
    ) -> Result<Judging, Fault> {
        let mut place = Some(place);
        let mut attempts = 0;
        while judging.tests.len() < asked.job.runs.len() {
            let place = match place.take() {
                Some(place) => place,
                None => self.enter_again(asked).await?,
            };
            let places = self.further_places(asked, place, asked.job.runs.len() - judging.tests.len());
            match self.run_cells(asked, places, &mut judging).await {
                // The kernel may have ended a cell for want of memory: the rest gets another.
                Ok(Pause::None) => {}
                Ok(Pause::MeasureAgain) => {
                    let outcome = self.measure_alone(asked, judging.tests.len()).await?;
                    self.judge(asked, outcome, &mut judging);
                }
                Err(fault) => {
                    attempts += 1;
                    self.note_fault(asked.runner, &fault);
                    if attempts == CELL_ATTEMPTS {
                        return Err(fault);
                    }
                    // A launcher that was killed takes a moment to be gone and be seen to be gone.
                    tokio::time::sleep(CELL_PAUSE * attempts * attempts).await;
                }
            }
            if judging.stops(asked.submission) {
                break;
            }
        }
        judging.tests.resize_with(asked.job.runs.len(), TestReport::skipped);
        Ok(judging)
    }

    /// A slot for a submission that has been admitted already: it is not turned away half-way.
    async fn enter_again(&self, asked: &Asked<'_>) -> Result<Place, Fault> {
        match self.admission.enter(Admit::Patient, asked.caller).await {
            Ok(slot) => Ok(Place::Slot(slot)),
            Err(overloaded) => Err(Fault { step: "enter_again".to_owned(), detail: overloaded.to_string() }),
        }
    }

    /// The place, and as many idle slots beside it as the submission asks for and has runs for.
    fn further_places(&self, asked: &Asked<'_>, place: Place, runs: usize) -> Vec<Place> {
        let wanted = runs.min(asked.submission.parallel as usize);
        let mut places = vec![place];
        while places.len() < wanted
            && let Some(slot) = self.admission.enter_if_idle()
        {
            places.push(Place::Slot(slot));
        }
        places
    }

    /// The tests not yet judged, each place's cell with every n-th of them, until the last, the first
    /// failure or the first doubt. Cells run ahead of the judge by what their sockets hold.
    async fn run_cells(
        &self,
        asked: &Asked<'_>,
        places: Vec<Place>,
        judging: &mut Judging,
    ) -> Result<Pause, Fault> {
        let rest = &asked.job.runs[judging.tests.len()..];
        let lanes = places.len();
        let mut cells = Vec::with_capacity(lanes);
        for (lane, place) in places.into_iter().enumerate() {
            let runs = rest.iter().skip(lane).step_by(lanes).cloned().collect();
            cells.push(self.open_cell(asked, place, Job { runs, ..asked.job.clone() }).await?);
        }
        for lane in (0..lanes).cycle().take(rest.len()) {
            let Some(outcome) = cells[lane].next().await? else { break };
            if near_the_time_limit(&outcome, asked.submission) {
                return Ok(Pause::MeasureAgain);
            }
            self.judge(asked, outcome, judging);
            if judging.stops(asked.submission) {
                break;
            }
        }
        Ok(Pause::None)
    }

    /// The same run once more with nothing else running: what counts for a time near the limit.
    async fn measure_alone(&self, asked: &Asked<'_>, run: usize) -> Result<Outcome, Fault> {
        let alone = Place::Alone(self.admission.enter_alone(asked.caller).await);
        let only = Job { runs: vec![asked.job.runs[run].clone()], ..asked.job.clone() };
        let mut cell = self.open_cell(asked, alone, only).await?;
        match cell.next().await? {
            Some(outcome) => Ok(outcome),
            None => Err(Fault { step: "measure_alone".to_owned(), detail: "no outcome".to_owned() }),
        }
    }

    async fn open_cell(&self, asked: &Asked<'_>, place: Place, job: Job) -> Result<Cell, Fault> {
        self.metrics.cell_started(asked.runner.language());
        self.runners.open(asked.runner, asked.submission, place, job).await
    }

    /// Outcome to verdict, outside the cell.
    fn judge(&self, asked: &Asked<'_>, outcome: Outcome, judging: &mut Judging) {
        self.metrics.run_ended(asked.runner.language(), outcome.usage.cpu, outcome.usage.wall);
        judging.add(asked.submission, &outcome);
    }

    fn note_fault(&self, runner: Runner<'_>, fault: &Fault) {
        let language = runner.language();
        tracing::warn!(language, step = %fault.step, detail = %fault.detail, "a cell failed; trying another");
        self.metrics.fault(&fault.step, "cell");
        self.metrics.cell_replaced(language);
    }

    pub fn languages(&self) -> &Languages {
        &self.runners.languages
    }

    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub fn admission(&self) -> &Admission {
        &self.admission
    }

    /// The Wasm runner.
    pub fn wasm(&self) -> &WasmSandbox {
        &self.runners.wasm
    }

    pub fn sandbox(&self) -> &Sandbox {
        &self.runners.sandbox
    }
}

/// One submission on its way, and who brought it.
struct Asked<'a> {
    submission: &'a Submission,
    runner: Runner<'a>,
    job: Job,
    caller: Caller,
}

/// Why cells were left before their last run.
enum Pause {
    None,
    MeasureAgain,
}

/// Whether a neighbour's load may have decided: the run ended by itself a little over its CPU
/// limit, or the wall backstop ended one that was computing rather than sleeping.
fn near_the_time_limit(outcome: &Outcome, submission: &Submission) -> bool {
    let limit = submission.limits.cpu_ms as u128;
    let used = outcome.usage.cpu.as_millis();
    match outcome.limit {
        Some(LimitHit::Cpu) => outcome.end != (End::Signaled { signal: libc::SIGKILL }),
        Some(LimitHit::Wall) => used * 2 > limit,
        _ => false,
    }
}
