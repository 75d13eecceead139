//! THE PATH of a request, top to bottom: submission -> admission -> cell -> outcomes -> judge ->
//! report. HTTP, the filter and the command line are callers of [`Engine::verify`].

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    admission::{Admission, Admit, Place},
    config::EngineConfig,
    language::{Language, LanguageError, Languages},
    metrics::Metrics,
    report::{Report, TestReport},
    sandbox::{CellRun, End, Fault, Job, LimitHit, Outcome, Sandbox, SandboxConfig, StartError, Tier},
    submission::{ShowOutput, Stop, Submission, Tests},
    verdict::{self, Cause, Decision, Verdict},
};

/// Everything that verifying needs. One per process.
#[derive(Debug)]
pub struct Engine {
    languages: Languages,
    admission: Admission,
    sandbox: Sandbox,
    metrics: Arc<Metrics>,
}

/// The engine cannot run here. The text says what is missing and how to get it.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Language(#[from] LanguageError),
    #[error(transparent)]
    Sandbox(#[from] StartError),
}

/// A cell that failed for a reason of ours is made anew this often before the submission is
/// `undecided`.
const CELL_ATTEMPTS: u32 = 3;
/// Before the second attempt; four times as long before the third.
const CELL_PAUSE: Duration = Duration::from_millis(100);
/// Most bytes of captured output that a report shows, per stream.
const SHOWN_BYTES: usize = 16_384;

impl Engine {
    /// Loads the languages and starts their launchers. Blocks for some tens of milliseconds.
    pub fn start(config: &EngineConfig) -> Result<Engine, EngineError> {
        let languages = Languages::load(config)?;
        let slots = config.slots.get();
        let sandbox_config = SandboxConfig {
            slots,
            program: config.program.clone(),
            use_cgroups: config.use_cgroups,
            fail_step: config.fail_step.clone(),
        };
        let mut launchers = Vec::new();
        for language in languages.iter() {
            launchers.extend(language.launchers()?);
        }
        let sandbox = Sandbox::start(&sandbox_config, launchers)?;
        let admission = Admission::with_max_wait(slots, config.max_waiting, config.max_wait);
        let metrics = Arc::new(Metrics::new(languages.iter().map(|language| language.name().to_owned())));
        Ok(Engine { languages, admission, sandbox, metrics })
    }

    /// Runs a submission's tests and judges them. Never fails: a fault of ours is a report whose
    /// verdict is `undecided`. Dropping the future ends the runs and frees the slot.
    pub async fn verify(&self, submission: Submission, admit: Admit) -> Report {
        let in_flight = self.metrics.submission_started();
        let begun = Instant::now();
        let report = self.decide(&submission, admit, begun).await;
        let language = self.languages.find(&submission.language).map_or("", Language::name);
        self.metrics.submission_decided(language, submission.tests.kind(), report.verdict, report.cause);
        drop(in_flight);
        report
    }

    async fn decide(&self, submission: &Submission, admit: Admit, begun: Instant) -> Report {
        let undecided = |cause, reason: String| {
            Report::undecided(submission.id.clone(), cause, reason, submission.tests.len())
        };
        let Some(language) = self.languages.find(&submission.language) else {
            let known: Vec<&str> = self.languages.iter().map(Language::name).collect();
            let known = known.join(", ");
            return undecided(
                Cause::Unsupported,
                format!("this installation does not offer that language; it has {known}"),
            );
        };
        if submission.tests.is_empty() {
            return undecided(Cause::BadTests, "there are no tests".to_owned());
        }
        let job = match language.job(submission) {
            Ok(job) => job,
            Err(error) => return undecided(Cause::BadTests, error.to_string()),
        };
        let slot = match self.admission.enter(admit).await {
            Ok(slot) => slot,
            Err(overloaded) => {
                self.metrics.turned_away();
                return undecided(Cause::Overloaded, overloaded.to_string());
            }
        };
        let waited = slot.waited();
        self.metrics.slot_entered(waited);
        let tests = match self.run_tests(language, submission, job, Place::Slot(slot)).await {
            Ok(tests) => tests,
            Err(fault) => return undecided(Cause::SandboxFault, fault.to_string()),
        };
        let runs: f64 = tests.iter().map(|test| test.wall_ms / 1000.0).sum();
        let overhead = begun.elapsed().saturating_sub(waited).as_secs_f64() - runs;
        self.metrics.overhead(Duration::from_secs_f64(overhead.max(0.0)));
        summarise(submission, tests, self.sandbox.tier())
    }

    /// Carries the tests out, in as few cells as possible: one, unless a cell fails or a run must be
    /// measured again on a quiet machine.
    async fn run_tests(
        &self,
        language: &Language,
        submission: &Submission,
        job: Job,
        place: Place,
    ) -> Result<Vec<TestReport>, Fault> {
        let mut place = Some(place);
        let mut tests: Vec<TestReport> = Vec::with_capacity(job.runs.len());
        let mut attempts = 0;
        while tests.len() < job.runs.len() {
            let seat = match place.take() {
                Some(seat) => seat,
                // This submission has been admitted already: it is not turned away half-way.
                None => Place::Slot(self.admission.enter(Admit::Patient).await.map_err(turned_away)?),
            };
            let rest = Job { runs: job.runs[tests.len()..].to_vec(), ..job.clone() };
            match self.run_cell(language, submission, rest, seat, &mut tests).await {
                // The kernel may have ended a cell for want of memory: the rest gets another.
                Ok(Pause::None) => {}
                Ok(Pause::MeasureAgain) => {
                    let index = tests.len();
                    let only = Job { runs: vec![job.runs[index].clone()], ..job.clone() };
                    tests.push(self.measure_alone(language, submission, only, index).await?);
                }
                Err(fault) => {
                    attempts += 1;
                    self.note_fault(language, &fault);
                    if attempts == CELL_ATTEMPTS {
                        return Err(fault);
                    }
                    // A launcher that was killed takes a moment to be gone and be seen to be gone.
                    tokio::time::sleep(CELL_PAUSE * attempts * attempts).await;
                }
            }
            if stops(submission, &tests) {
                break;
            }
        }
        tests.resize_with(job.runs.len(), TestReport::skipped);
        Ok(tests)
    }

    /// One cell, from its first run until the last, the first failure or the first doubt.
    async fn run_cell(
        &self,
        language: &Language,
        submission: &Submission,
        job: Job,
        place: Place,
        tests: &mut Vec<TestReport>,
    ) -> Result<Pause, Fault> {
        let mut cell = self.open_cell(language, submission, place, job).await?;
        while let Some(outcome) = cell.next().await? {
            if near_the_time_limit(&outcome, submission) {
                return Ok(Pause::MeasureAgain);
            }
            tests.push(self.judge(language, submission, tests.len(), outcome));
            if stops(submission, tests) {
                break;
            }
        }
        Ok(Pause::None)
    }

    /// The same run once more with nothing else running: what counts for a time near the limit.
    async fn measure_alone(
        &self,
        language: &Language,
        submission: &Submission,
        job: Job,
        index: usize,
    ) -> Result<TestReport, Fault> {
        let alone = Place::Alone(self.admission.enter_alone().await);
        let mut cell = self.open_cell(language, submission, alone, job).await?;
        match cell.next().await? {
            Some(outcome) => Ok(self.judge(language, submission, index, outcome)),
            None => Err(Fault { step: "measure_alone".to_owned(), detail: "no outcome".to_owned() }),
        }
    }

    async fn open_cell(
        &self,
        language: &Language,
        submission: &Submission,
        place: Place,
        job: Job,
    ) -> Result<CellRun, Fault> {
        self.metrics.cell_started(language.name());
        self.sandbox.open(&language.launcher_for(submission), place, submission.limits, job).await
    }

    /// Outcome to verdict, outside the cell.
    fn judge(
        &self,
        language: &Language,
        submission: &Submission,
        index: usize,
        outcome: Outcome,
    ) -> TestReport {
        self.metrics.run_ended(language.name(), outcome.usage.cpu, outcome.usage.wall);
        let decision = match &submission.tests {
            Tests::Program(tests) => verdict::decide_program(&outcome, &tests[index], submission.compare),
            Tests::Function { tests, .. } => verdict::decide_function(&outcome, &tests[index]),
        };
        test_report(decision, &outcome, submission.show_output)
    }

    fn note_fault(&self, language: &Language, fault: &Fault) {
        tracing::warn!(language = language.name(), step = %fault.step, detail = %fault.detail, "a cell failed; trying another");
        self.metrics.fault(&fault.step, "cell");
        self.metrics.cell_replaced(language.name());
    }

    pub fn languages(&self) -> &Languages {
        &self.languages
    }

    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub fn admission(&self) -> &Admission {
        &self.admission
    }

    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }
}

/// Why a cell was left before its last run.
enum Pause {
    None,
    MeasureAgain,
}

fn turned_away(overloaded: crate::admission::Overloaded) -> Fault {
    Fault { step: "enter_again".to_owned(), detail: overloaded.to_string() }
}

fn stops(submission: &Submission, tests: &[TestReport]) -> bool {
    submission.stop == Stop::FirstFailure
        && tests.last().is_some_and(|test| test.verdict != Verdict::Accepted)
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

/// One test's entry in the report.
fn test_report(decision: Decision, outcome: &Outcome, show: ShowOutput) -> TestReport {
    let shown = match show {
        ShowOutput::Never => false,
        ShowOutput::OnFailure => decision.verdict != Verdict::Accepted,
        ShowOutput::Always => true,
    };
    let (exit_code, signal) = match outcome.end {
        End::Exited { code } => (Some(code), None),
        End::Signaled { signal } => (None, Some(signal)),
    };
    TestReport {
        verdict: decision.verdict,
        cause: decision.cause,
        cpu_ms: outcome.usage.cpu.as_secs_f64() * 1000.0,
        wall_ms: outcome.usage.wall.as_secs_f64() * 1000.0,
        memory_bytes: outcome.usage.memory_bytes,
        exit_code,
        signal,
        message: decision.message,
        stdout: shown.then(|| excerpt(&outcome.stdout)),
        stderr: shown.then(|| excerpt(&outcome.stderr)),
        result: decision.result.filter(|_| shown),
    }
}

/// The first bytes as text.
fn excerpt(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN_BYTES)]).into_owned()
}

/// The submission's verdict is that of its first test that failed.
fn summarise(submission: &Submission, tests: Vec<TestReport>, tier: Tier) -> Report {
    let failing = tests.iter().position(|test| test.verdict != Verdict::Accepted);
    let (verdict, cause, reason) = match failing {
        None => (Verdict::Accepted, None, None),
        Some(index) => {
            let test = &tests[index];
            let message = test.message.as_deref().map_or(String::new(), |message| format!(": {message}"));
            (test.verdict, test.cause, Some(format!("test {index}{message}")))
        }
    };
    Report {
        id: submission.id.clone(),
        verdict,
        cause,
        reason,
        tier: Some(tier.as_str()),
        total: tests.len(),
        tests,
    }
}
