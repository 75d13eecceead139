//! Submissions that run in WebAssembly: which they are, and their way, which is the native one without
//! what only native runs have (checkers, compilers, several slots).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Engine, Interrupted,
    cells::{near_the_time_limit, turned_away},
    code_tests::{Carrier, no_outcome},
    compile_for_wasm::ReadyInWasm,
    slot_access::Door,
    verdicts::Judging,
};
use crate::{
    admission::Slot,
    language::{TestsOrder, wasm::WasmLanguage},
    report::{Report, TestReport},
    sandbox::{
        Fault, Job, Outcome, Tier,
        wasm::{Metering, WasmCell, missing},
    },
    submission::{CodeTests, Runtime, Submission, Tests},
    verdict::{Cause, Verdict, code::Conversation},
};

/// A submission that runs in WebAssembly.
#[derive(Clone, Copy)]
pub(super) struct InWasm<'a> {
    pub submission: &'a Submission,
    pub language: WasmLanguage<'a>,
    pub metering: Metering,
}

/// Its job.
#[derive(Clone, Copy)]
pub(super) struct InWasmCell<'a> {
    pub asked: &'a InWasm<'a>,
    job: &'a Job,
}

impl InWasmCell<'_> {
    /// Whether a run must be measured again. What is counted is never in doubt.
    pub fn is_doubtful(&self, outcome: &Outcome) -> bool {
        self.asked.metering == Metering::Clock && near_the_time_limit(outcome, self.asked.submission.limits)
    }
}

impl Engine {
    /// Whether a submission runs in WebAssembly, and as what; `None`: natively.
    ///
    /// # Errors
    /// Why what was asked for cannot be had, for the caller.
    pub(super) fn in_wasm<'a>(&'a self, submission: &'a Submission) -> Result<Option<InWasm<'a>>, String> {
        let asked = match submission.runtime {
            Runtime::Auto if submission.deterministic => Runtime::Wasm,
            Runtime::Auto => self.runtime,
            asked => asked,
        };
        let has_native = self.sandbox.tier() != Tier::Wasm;
        let allows_wasm = self.min_tier == Tier::Wasm;
        match asked {
            Runtime::Native if submission.deterministic => {
                return Err(
                    "native runs are measured by a clock: \"deterministic\" needs the runtime \"wasm\""
                        .to_owned(),
                );
            }
            Runtime::Native if !has_native => return Err("there is no native runner here".to_owned()),
            Runtime::Native => return Ok(None),
            Runtime::Auto if has_native && self.languages.find(&submission.language).is_some() => {
                return Ok(None);
            }
            // Native words on why the language is not there.
            Runtime::Auto if has_native && !(allows_wasm && self.offers_in_wasm(submission)) => {
                return Ok(None);
            }
            Runtime::Wasm if !allows_wasm => {
                let least = self.min_tier.as_str();
                return Err(format!(
                    "WebAssembly is asked for, and less than the tier {least} is not accepted here (--min-tier)"
                ));
            }
            Runtime::Auto | Runtime::Wasm => {}
        }
        let metering = if submission.deterministic { Metering::Fuel } else { Metering::Clock };
        let Some(language) = self.languages.wasm().find(&submission.language) else {
            let known = self.languages.wasm().offers().into_iter().map(|offer| offer.language);
            let known: Vec<&str> = known.collect();
            return Err(format!("the Wasm runner does not offer that language; it has {}", known.join(", ")));
        };
        if let WasmLanguage::Compiled(language) = language {
            self.can_compile_for_wasm(language)?;
        }
        match language.obstacle(self.languages.wasm(), submission, metering) {
            None => Ok(Some(InWasm { submission, language, metering })),
            Some(obstacle) => Err(obstacle),
        }
    }

    fn offers_in_wasm(&self, submission: &Submission) -> bool {
        let wasm = self.languages.wasm();
        wasm.find(&submission.language)
            .filter(|language| match language {
                WasmLanguage::Compiled(language) => self.can_compile_for_wasm(*language).is_ok(),
                _ => true,
            })
            .is_some_and(|language| {
                language.obstacle(self.languages.wasm(), submission, Metering::Clock).is_none()
            })
    }

    pub(super) async fn decide_in_wasm(
        &self,
        asked: &InWasm<'_>,
        door: &mut Door<'_>,
        begun: Instant,
    ) -> Report {
        let submission = asked.submission;
        let undecided = |cause, reason: String| {
            Report::undecided(submission.id.clone(), cause, reason, submission.tests.len())
        };
        if submission.tests.is_empty() {
            return undecided(Cause::BadTests, "there are no tests".to_owned());
        }
        let job = match asked.language.job(submission) {
            Ok(job) => job,
            Err(error) => return undecided(Cause::BadTests, error.to_string()),
        };
        let WasmLanguage::Compiled(language) = asked.language else {
            return self.decide_job_in_wasm(asked, &job, None, door, begun).await;
        };
        match self.ready_in_wasm(language, submission, door).await {
            Ok(ReadyInWasm { program, narrow, report }) => {
                let sources = Arc::from([("program".to_owned(), program.to_vec())]);
                let job = Job { sources, ..job };
                let decided = self.decide_job_in_wasm(asked, &job, narrow.as_deref(), door, begun).await;
                let decided = Report { compile: Some(report), ..decided };
                match self.with_widths_checked(asked, language, &job, decided, door).await {
                    Ok(decided) => decided,
                    Err(fault) => undecided(Cause::SandboxFault, fault.to_string()),
                }
            }
            Err(not_ready) => self.not_ready_in_wasm(submission, not_ready),
        }
    }

    /// `narrow`: why a failure may be the runner's, though nothing of the run says so.
    async fn decide_job_in_wasm(
        &self,
        asked: &InWasm<'_>,
        job: &Job,
        narrow: Option<&str>,
        door: &mut Door<'_>,
        begun: Instant,
    ) -> Report {
        let submission = asked.submission;
        let undecided = |cause, reason: String| {
            Report::undecided(submission.id.clone(), cause, reason, submission.tests.len())
        };
        let (mut first, mut accepted, mut refused) = (None, 0, None);
        // An accepted solution runs again, as often as is asked: every run must be accepted.
        let runs = submission.repeat.runs(&submission.solution);
        for _ in 0..runs {
            let judging = match &first {
                None => Judging::by_all(submission),
                Some(_) => Judging::by_one(submission),
            };
            let report = match self.run_in_wasm(asked, job, narrow, judging, door).await {
                Ok(judging) => judging.summarise(submission, Tier::Wasm),
                Err(Interrupted::Overloaded(overloaded)) => {
                    return undecided(Cause::Overloaded, overloaded.to_string());
                }
                Err(Interrupted::Fault(fault)) => return undecided(Cause::SandboxFault, fault.to_string()),
            };
            accepted += u32::from(report.verdict == Verdict::Accepted);
            match first {
                None if report.verdict != Verdict::Accepted => return report,
                None => {
                    let computed: f64 = report.tests.iter().map(|test| test.wall_ms / 1000.0).sum();
                    let overhead = begun.elapsed().saturating_sub(door.waited()).as_secs_f64() - computed;
                    self.metrics.overhead(Duration::from_secs_f64(overhead.max(0.0)));
                    first = Some(report);
                }
                Some(_) if report.verdict == Verdict::Undecided => return report,
                Some(_) if report.verdict != Verdict::Accepted => refused = refused.or(Some(report)),
                Some(_) => {}
            }
        }
        match (first, refused) {
            (Some(first), Some(report)) => {
                Report { also: first.also, ..report.not_deterministic(accepted, runs) }
            }
            (Some(first), None) => first,
            (None, _) => undecided(Cause::BadTests, "no run was asked for".to_owned()),
        }
    }

    /// Every test in turn, in one cell unless one fails or a run must be measured again.
    async fn run_in_wasm(
        &self,
        asked: &InWasm<'_>,
        job: &Job,
        narrow: Option<&str>,
        mut judging: Judging,
        door: &mut Door<'_>,
    ) -> Result<Judging, Interrupted> {
        let submission = asked.submission;
        let cell = InWasmCell { asked, job };
        if let Tests::Code(tests) = &submission.tests {
            return Ok(self.run_code_tests(Carrier::Wasm(cell), submission, tests, door, judging).await?);
        }
        let (mut attempts, mut again) = (0, false);
        while judging.tests.len() < job.runs.len() && !judging.stops(submission) {
            let is_first = judging.tests.is_empty() && attempts == 0 && !again;
            let place = match door.place().await {
                Err(overloaded) if is_first => return Err(overloaded.into()),
                placed => placed.map_err(turned_away)?,
            };
            let rest = &job.runs[judging.tests.len()..];
            let runs = if again { rest[..1].to_vec() } else { rest.to_vec() };
            let mut runs = self.open_in_wasm(asked, place, Job { runs, ..job.clone() }).await?;
            let is_measured_again = again;
            again = loop {
                match runs.next().await {
                    Ok(Some(outcome)) if !is_measured_again && cell.is_doubtful(&outcome) => break true,
                    Ok(Some(outcome)) => {
                        let usage = &outcome.usage;
                        self.metrics.run_ended(asked.language.name(), usage.cpu, usage.wall);
                        judging.add_unless_narrow(submission, outcome, narrow);
                        if judging.stops(submission) {
                            break false;
                        }
                    }
                    Ok(None) => break false,
                    Err(fault) => {
                        self.after_fault(asked.language.name(), fault, &mut attempts).await?;
                        break false;
                    }
                }
            };
        }
        judging.tests.resize_with(job.runs.len(), TestReport::skipped);
        Ok(judging)
    }

    /// Tests that hold code and the solution: each in a cell of its own, or, if they are to share it, in one.
    pub(super) async fn converse_in_wasm(
        &self,
        cell: InWasmCell<'_>,
        submission: &Submission,
        tests: &CodeTests,
        order: &TestsOrder<'_>,
        place: Slot,
    ) -> Result<Conversation, Fault> {
        let InWasmCell { asked, job } = cell;
        let tests_job = asked.language.tests_job(submission, tests, order);
        let tests_job =
            tests_job.map_err(|error| Fault { step: "tests_job".to_owned(), detail: error.to_string() })?;
        if order.shared {
            let mut shared = self.open_in_wasm(asked, place, tests_job).await?;
            return Ok(Conversation::shared(shared.next().await?.ok_or_else(no_outcome)?, missing));
        }
        self.metrics.cell_started(asked.language.name());
        self.metrics.cell_started(asked.language.name());
        // The tests have the solution's limits again; time that either waits is not its own.
        let limits = submission.limits;
        let (guests, pair) = (asked.language.guests(), ((limits, job.clone()), (limits, tests_job)));
        let (mut solution, mut tests) = self
            .languages
            .wasm()
            .sandbox()
            .open_linked(guests, asked.metering, place, pair.0, pair.1)
            .await?;
        let (solution, tests) = tokio::try_join!(solution.next(), tests.next())?;
        let (solution, tests) = (solution.ok_or_else(no_outcome)?, tests.ok_or_else(no_outcome)?);
        self.metrics.run_ended(asked.language.name(), solution.usage.cpu, solution.usage.wall);
        Ok(Conversation { solution, tests, is_shared: false, missing })
    }

    async fn open_in_wasm(&self, asked: &InWasm<'_>, place: Slot, job: Job) -> Result<WasmCell, Fault> {
        self.metrics.cell_started(asked.language.name());
        self.languages
            .wasm()
            .sandbox()
            .open(asked.language.guests(), asked.metering, place, asked.submission.limits, job)
            .await
    }
}
