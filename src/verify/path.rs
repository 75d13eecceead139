//! The steps of a verification, in order.

use std::time::{Duration, Instant};

use super::{
    cells::{Interrupted, Wish},
    engine::Engine,
    runner::Runner,
    slot_access::SlotAccess,
    verdicts::Judging,
    work::{Trial, Work},
};
use crate::{
    admission::{Admit, Caller},
    language::Start,
    report::{Report, TestReport},
    sandbox::{Fault, Job},
    submission::{Submission, Tests},
    verdict::{Cause, Verdict},
};

impl Engine {
    /// Runs a submission's tests and judges them. Never fails: a fault of ours is a report whose
    /// verdict is `undecided`. Dropping the future ends the runs and frees the slot.
    pub async fn verify(&self, submission: Submission, admit: Admit) -> Report {
        self.verify_for(Caller::OWN, submission, admit).await
    }

    /// As [`Engine::verify`], on behalf of one caller of several, who take turns.
    pub async fn verify_for(&self, caller: Caller, submission: Submission, admit: Admit) -> Report {
        let in_flight = self.metrics.submission_started();
        let begun = Instant::now();
        let runner = self.choose_runner(&submission);
        let language = self.language_label(&submission, runner.as_ref().ok());
        let mut slots = SlotAccess::new(self, admit, caller);
        let report = self.decide(&submission, runner, &mut slots, begun).await;
        self.metrics.submission_decided(language, submission.tests.kind(), report.verdict, report.cause);
        drop(in_flight);
        report
    }

    async fn decide(
        &self,
        submission: &Submission,
        runner: Result<Runner<'_>, String>,
        slots: &mut SlotAccess<'_>,
        begun: Instant,
    ) -> Report {
        let undecided = |cause, reason: String| {
            Report::undecided(submission.id.clone(), cause, reason, submission.tests.len())
        };
        let runner = match runner {
            Ok(runner) => runner,
            Err(obstacle) => return undecided(Cause::Unsupported, obstacle),
        };
        let work = match self.prepare(submission, runner, slots).await {
            Ok(work) => work,
            Err(report) => return *report,
        };
        let decided = self.decide_prepared(&work, slots, begun).await;
        let report =
            decided.unwrap_or_else(|interrupted| undecided(interrupted.cause(), interrupted.to_string()));
        Report { compile: work.compile, ..report }
    }

    async fn decide_prepared(
        &self,
        work: &Work<'_>,
        slots: &mut SlotAccess<'_>,
        begun: Instant,
    ) -> Result<Report, Interrupted> {
        let judging = Judging::by_all(&work.submission);
        let report = self.run_once(work, (&work.job, Start::Usual), judging, slots).await?;
        let runs: f64 = report.tests.iter().map(|test| test.wall_ms / 1000.0).sum();
        let overhead = begun.elapsed().saturating_sub(slots.waited()).as_secs_f64() - runs;
        self.metrics.overhead(Duration::from_secs_f64(overhead.max(0.0)));
        self.confirm(work, report, slots).await
    }

    /// Runs a solution again: an accepted one as often as is asked, and every run must be accepted; one that failed
    /// and may depend on chance once more, to tell what fails by chance from what is wrong.
    async fn confirm(
        &self,
        work: &Work<'_>,
        first: Report,
        slots: &mut SlotAccess<'_>,
    ) -> Result<Report, Interrupted> {
        let (runs, start) = work.repeats();
        let runs = match (first.verdict, runs) {
            (Verdict::Accepted, runs) => runs,
            (Verdict::WrongAnswer | Verdict::RuntimeError, runs) => runs.min(2),
            _ => 1,
        };
        if runs == 1 {
            return Ok(first);
        }
        let job = work
            .job(start)
            .map_err(|error| Fault { step: "repeat_job".to_owned(), detail: error.to_string() })?;
        let (mut accepted, mut refused) = match first.verdict {
            Verdict::Accepted => (1, None),
            _ => (0, Some(first.clone())),
        };
        for _ in 1..runs {
            let judging = Judging::by_one(&work.submission);
            let report = self.run_once(work, (&job, start), judging, slots).await?;
            match report.verdict {
                Verdict::Accepted => accepted += 1,
                // No word on the solution.
                Verdict::Undecided if refused.is_none() => return Ok(report),
                Verdict::Undecided => return Ok(first),
                _ => refused = refused.or(Some(report)),
            }
        }
        Ok(match refused {
            Some(report) if accepted > 0 => {
                Report { also: first.also, ..report.not_deterministic(accepted, runs) }
            }
            _ => first,
        })
    }

    /// All tests once, and what they come to.
    async fn run_once(
        &self,
        work: &Work<'_>,
        (job, start): (&Job, Start),
        judging: Judging,
        slots: &mut SlotAccess<'_>,
    ) -> Result<Report, Interrupted> {
        let mut trial = Trial { work, errand: work.errand(job, start), start, judging };
        self.run_tests(&mut trial, slots).await?;
        trial.judging.tests.resize_with(work.submission.tests.len(), TestReport::skipped);
        let report = trial.judging.summarise(&work.submission, work.tier);
        #[cfg(feature = "wasm")]
        let report = self.with_widths_checked(work, report, slots).await?;
        Ok(report)
    }

    /// Every test in turn, until the judges want no more.
    async fn run_tests(&self, trial: &mut Trial<'_>, slots: &mut SlotAccess<'_>) -> Result<(), Interrupted> {
        let work = trial.work;
        match (&work.judge, &work.submission.tests) {
            (_, Tests::Code(tests)) => self.run_code_tests(trial, tests, slots).await?,
            (Some(judge), Tests::Program(tests)) if judge.is_interactor => {
                self.run_interactive(trial, tests, judge, slots).await?;
            }
            (Some(checker), Tests::Program(tests)) => self.run_checked(trial, tests, checker, slots).await?,
            _ => {
                let place = slots.place().await?;
                let Trial { errand, judging, .. } = trial;
                let submission = &*work.submission;
                errand.series = self.series && errand.parallel == 1 && work.runner.has_series();
                self.carry_out(errand, place, slots, |outcome| {
                    let outcome = work.with_lacks(outcome, judging.tests.len());
                    if !judging.add(submission, &outcome) {
                        return Wish::Alone;
                    }
                    self.note_run(errand.language, &outcome);
                    if judging.stops(submission) { Wish::Enough } else { Wish::More }
                })
                .await?;
            }
        }
        Ok(())
    }
}
