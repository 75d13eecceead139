//! Failures of compiled solutions in WebAssembly, looked at once more: natively some types have 64 bits that have 32
//! here. A program that ends where one of them did not suffice carries the failed tests out again, and what it ends is
//! no failure of the solution's.

use std::sync::Arc;

use super::{
    cells::{Errand, Interrupted},
    compile_programs::NotReady,
    engine::Engine,
    runner::Runner,
    slot_access::SlotAccess,
    work::Work,
};
use crate::{
    language::{Start, wasm::WasmLanguage},
    limits::Limits,
    report::{Report, TestReport},
    sandbox::{Job, Outcome},
    submission::Submission,
    verdict::{Cause, Verdict},
};

/// How much slower a checked program may be.
const SLOWNESS: u64 = 4;

impl Engine {
    /// The report, in which tests that failed for want of wider types are undecided.
    ///
    /// # Errors
    /// That the check could not be carried out: then nothing is known of the failure.
    pub(super) async fn with_widths_checked(
        &self,
        work: &Work<'_>,
        report: Report,
        slots: &mut SlotAccess<'_>,
    ) -> Result<Report, Interrupted> {
        let Runner::Wasm { language: WasmLanguage::Compiled(language), .. } = work.runner else {
            return Ok(report);
        };
        if !matches!(report.verdict, Verdict::WrongAnswer | Verdict::RuntimeError) {
            return Ok(report);
        }
        let failed = |test: &TestReport| matches!(test.verdict, Verdict::WrongAnswer | Verdict::RuntimeError);
        let numbers: Vec<usize> = (0..report.tests.len()).filter(|at| failed(&report.tests[*at])).collect();
        if numbers.is_empty() {
            return Ok(report);
        }
        let program = match self.checked_program(language, &work.submission, slots).await {
            Ok(Some(program)) => program,
            Err(NotReady::Interrupted(interrupted)) => return Err(interrupted),
            // The same source compiled before. One that tells the check from the plain program is judged as it ran.
            Ok(None) | Err(NotReady::Unknown | NotReady::DoesNotCompile { .. } | NotReady::Lacks { .. }) => {
                return Ok(report);
            }
        };
        let sources = Arc::from([("program".to_owned(), program.to_vec())]);
        let runs = numbers.iter().map(|at| work.job.runs[*at].clone()).collect();
        let job = Job { runs, sources, ..work.job.clone() };
        let outcomes = self.checked_outcomes(work, &job, slots).await?;
        let lacks = numbers.into_iter().zip(outcomes);
        let lacks = lacks.filter_map(|(at, outcome)| Some((at, outcome.lacks?))).collect();
        Ok(undecided_where(report, lacks, &work.submission))
    }

    async fn checked_outcomes(
        &self,
        work: &Work<'_>,
        job: &Job,
        slots: &mut SlotAccess<'_>,
    ) -> Result<Vec<Outcome>, Interrupted> {
        let limits = work.submission.limits;
        let slower =
            Limits { cpu_ms: limits.cpu_ms * SLOWNESS, wall_ms: limits.wall_ms * SLOWNESS, ..limits };
        let errand = Errand { limits: slower, ..work.errand(job, Start::Usual) };
        self.outcomes(&errand, slots, |_| true).await
    }
}

fn undecided_where(report: Report, lacks: Vec<(usize, String)>, submission: &Submission) -> Report {
    let mut report = report;
    let first = report.tests.iter().position(|test| test.verdict != Verdict::Accepted);
    for (at, what) in lacks {
        let message = format!("the runner does not have what the solution needs: {what}");
        let test = &mut report.tests[at];
        test.verdict = Verdict::Undecided;
        test.cause = Some(Cause::Unsupported);
        test.message = Some(message.clone());
        test.answer_hash = None;
        // The submission's verdict is that of its first test that failed.
        if first == Some(at) {
            report = Report {
                verdict: Verdict::Undecided,
                cause: Some(Cause::Unsupported),
                reason: Some(format!("test {at}: {message}")),
                id: submission.id.clone(),
                ..report
            };
        }
    }
    report
}
