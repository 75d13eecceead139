//! What a submission needs before its first run: programs compiled, expected outputs made, the tests
//! turned into a job.

use super::{
    compile_programs::{CompiledSolution, NotReady, Ready, ReadyJudge, Unusable},
    engine::Engine,
    runner::Runner,
    slot_access::SlotAccess,
    work::Work,
};
#[cfg(feature = "wasm")]
use crate::language::wasm::WasmLanguage;
use crate::{
    language::Start,
    report::Report,
    sandbox::Tier,
    submission::{JudgeProgram, Submission, Tests},
    verdict::{Cause, Verdict},
};

impl Engine {
    /// # Errors
    /// The report, where there is nothing to run.
    pub(super) async fn prepare<'a>(
        &'a self,
        submission: &'a Submission,
        runner: Runner<'a>,
        slots: &mut SlotAccess<'_>,
    ) -> Result<Work<'a>, Box<Report>> {
        let undecided = |cause, reason: String| {
            Box::new(Report::undecided(submission.id.clone(), cause, reason, submission.tests.len()))
        };
        if submission.tests.is_empty() {
            return Err(undecided(Cause::BadTests, "there are no tests".to_owned()));
        }
        if let Runner::Native(language) = runner
            && !language.takes(&submission.tests)
        {
            let reason = format!("{} tests are not offered for {}", submission.tests.kind(), language.name());
            return Err(undecided(Cause::Unsupported, reason));
        }
        if submission.judge.is_some() && !matches!(submission.tests, Tests::Program(_)) {
            return Err(undecided(
                Cause::Unsupported,
                "checkers and interactors decide about program tests only".to_owned(),
            ));
        }
        let unusable = |unusable: Unusable| match unusable {
            Unusable::Unsupported(reason) => undecided(Cause::Unsupported, reason),
            Unusable::BadTests(reason) => undecided(Cause::BadTests, reason),
            Unusable::Interrupted(interrupted) => undecided(interrupted.cause(), interrupted.to_string()),
        };
        let tier = runner.tier(self.sandbox.tier());
        let CompiledSolution { program, report, narrow } =
            match self.compiled(submission, runner, slots).await {
                Ok(compiled) => compiled,
                Err(not_ready) => return Err(Box::new(self.not_ready_report(submission, tier, not_ready))),
            };
        let judge = match &submission.judge {
            None => None,
            Some(judge) => Some(self.ready_judge(judge, slots).await.map_err(unusable)?),
        };
        let submission = self.with_expected(submission, slots).await.map_err(unusable)?;
        let job = runner.job(&submission, program.as_ref(), tier, Start::Usual);
        let job = job.map_err(|error| undecided(Cause::BadTests, error.to_string()))?;
        Ok(Work { submission, runner, tier, program, compile: report, narrow, judge, job })
    }

    async fn compiled(
        &self,
        submission: &Submission,
        runner: Runner<'_>,
        slots: &mut SlotAccess<'_>,
    ) -> Result<CompiledSolution, NotReady> {
        match runner {
            Runner::Native(_) => {
                let ready = self.ready(&submission.language, &submission.solution, slots).await?;
                Ok(CompiledSolution { program: ready.binary, report: ready.report, narrow: None })
            }
            #[cfg(feature = "wasm")]
            Runner::Wasm { language: WasmLanguage::Compiled(language), .. } => {
                self.ready_in_wasm(language, submission, slots).await
            }
            #[cfg(feature = "wasm")]
            Runner::Wasm { .. } => Ok(CompiledSolution::default()),
        }
    }

    async fn ready_judge<'a>(
        &'a self,
        judge: &'a JudgeProgram,
        slots: &mut SlotAccess<'_>,
    ) -> Result<ReadyJudge<'a>, Unusable> {
        let (what, is_interactor) = match judge {
            JudgeProgram::Checker { .. } => ("checker", false),
            JudgeProgram::Interactor { .. } => ("interactor", true),
        };
        let (JudgeProgram::Checker { program, protocol, limits }
        | JudgeProgram::Interactor { program, protocol, limits }) = judge;
        let ready: Ready<'a> = self.ready_program(what, program, slots).await?;
        Ok(ReadyJudge { ready, program, protocol: *protocol, limits: *limits, is_interactor })
    }

    fn not_ready_report(&self, submission: &Submission, tier: Tier, not_ready: NotReady) -> Report {
        let total = submission.tests.len();
        let undecided =
            |cause, reason: String| Report::undecided(submission.id.clone(), cause, reason, total);
        match not_ready {
            NotReady::Unknown => undecided(Cause::Unsupported, self.not_offered(&submission.language)),
            NotReady::Interrupted(interrupted) => undecided(interrupted.cause(), interrupted.to_string()),
            NotReady::Lacks { what, report } => {
                let reason = format!("the Wasm toolchain does not have what the solution needs: {what}");
                Report { compile: Some(report), ..undecided(Cause::Unsupported, reason) }
            }
            NotReady::DoesNotCompile { failure, report } => Report {
                id: submission.id.clone(),
                verdict: Verdict::CompileError,
                cause: None,
                reason: Some(failure.first_error().chars().take(1_000).collect()),
                tier: Some(tier.as_str()),
                isolation_of_tests: None,
                tests: Vec::new(),
                total,
                also: Vec::new(),
                compile: Some(report),
            },
        }
    }
}
