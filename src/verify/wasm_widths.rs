//! Failures of compiled solutions in WebAssembly, looked at once more: natively some types have 64 bits that have 32
//! here. A program that ends where one of them did not suffice carries the failed tests out again, and what it ends is
//! no failure of the solution's.

use super::{Engine, compile_programs::NotReady, in_wasm::InWasm, slot_access::Door};
use crate::{
    language::toolchain::Compiled,
    limits::Limits,
    report::{Report, TestReport},
    sandbox::{Fault, Job, Outcome},
    submission::Submission,
    verdict::{Cause, Verdict},
};

/// How much slower a checked program may be.
const SLOWNESS: u64 = 4;

impl Engine {
    /// The report, in which tests that failed for want of wider types are undecided. `job`: the submission's, whose
    /// runs are its tests.
    ///
    /// # Errors
    /// That the check could not be carried out: then nothing is known of the failure.
    pub(super) async fn with_widths_checked(
        &self,
        asked: &InWasm<'_>,
        language: Compiled<'_>,
        job: &Job,
        report: Report,
        door: &mut Door<'_>,
    ) -> Result<Report, Fault> {
        if !matches!(report.verdict, Verdict::WrongAnswer | Verdict::RuntimeError) {
            return Ok(report);
        }
        let failed = |test: &TestReport| matches!(test.verdict, Verdict::WrongAnswer | Verdict::RuntimeError);
        let numbers: Vec<usize> = (0..report.tests.len()).filter(|at| failed(&report.tests[*at])).collect();
        if numbers.is_empty() {
            return Ok(report);
        }
        let program = match self.checked_program(language, asked.submission, door).await {
            Ok(Some(program)) => program,
            // It compiled before; that it does not now is no word on the solution.
            Ok(None) => return Err(fault(&"the checked program does not compile")),
            Err(NotReady::Fault(error)) => return Err(error),
            Err(NotReady::Overloaded(error)) => return Err(fault(&error)),
            Err(NotReady::Unknown | NotReady::DoesNotCompile { .. }) => {
                return Err(fault(&"the checked program cannot be had"));
            }
        };
        let sources = std::sync::Arc::from([("program".to_owned(), program.to_vec())]);
        let runs = numbers.iter().map(|at| job.runs[*at].clone()).collect();
        let outcomes = self.checked_outcomes(asked, Job { runs, sources, ..job.clone() }, door).await?;
        let lacks = numbers.into_iter().zip(outcomes);
        let lacks = lacks.filter_map(|(at, outcome)| Some((at, outcome.lacks?))).collect();
        Ok(undecided_where(report, lacks, asked.submission))
    }

    async fn checked_outcomes(
        &self,
        asked: &InWasm<'_>,
        job: Job,
        door: &mut Door<'_>,
    ) -> Result<Vec<Outcome>, Fault> {
        let place = door.place().await.map_err(|error| fault(&error))?;
        let limits = asked.submission.limits;
        let slower =
            Limits { cpu_ms: limits.cpu_ms * SLOWNESS, wall_ms: limits.wall_ms * SLOWNESS, ..limits };
        self.metrics.cell_started(asked.language.name());
        let mut cell = self
            .languages
            .wasm()
            .sandbox()
            .open(asked.language.guests(), asked.metering, place, slower, job)
            .await?;
        let mut outcomes = Vec::new();
        while let Some(outcome) = cell.next().await? {
            outcomes.push(outcome);
        }
        Ok(outcomes)
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

fn fault(error: &dyn std::fmt::Display) -> Fault {
    Fault { step: "check_widths".to_owned(), detail: error.to_string() }
}
