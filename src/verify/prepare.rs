//! What a submission needs before its first run: programs compiled, expected outputs made, the tests
//! turned into a job.

use std::borrow::Cow;

use super::{
    Engine,
    cells::Errand,
    checker_tests::ReadyJudge,
    compile_programs::{NotReady, Ready, Unusable},
    slot_access::Door,
};
use crate::{
    language::{Language, MissingLanguage, Start},
    report::Report,
    sandbox::{Job, Tier},
    spelling::did_you_mean,
    submission::{JudgeProgram, Repeat, Submission, Tests},
    value::marshal::TooLarge,
    verdict::{Cause, Verdict},
};

/// A submission that can be run.
pub(super) struct Work<'a> {
    /// With the outputs that its reference made, where it has one.
    pub submission: Cow<'a, Submission>,
    pub ready: Ready<'a>,
    pub judge: Option<ReadyJudge<'a>>,
    /// Whether the judge converses with the solution.
    pub is_interactive: bool,
    pub job: Job,
}

impl Work<'_> {
    /// The submission's tests as runs.
    pub(super) fn job(&self, tier: Tier, start: Start) -> Result<Job, TooLarge> {
        self.ready.language.job(&self.submission, self.ready.binary.as_ref(), tier, start)
    }

    /// How often the solution is run, and how runs behind the first begin. Chance includes the seed of string
    /// hashes, which decides the order of sets.
    pub(super) fn repeats(&self) -> (u32, Start) {
        let Submission { repeat, solution, seed, .. } = &*self.submission;
        match repeat.runs(solution) {
            1 if matches!(repeat, Repeat::TimesIfRandom(_))
                && seed.is_none()
                && self.ready.language.may_show_hashes(solution) =>
            {
                (2, Start::Again)
            }
            runs => (runs, Start::Fresh),
        }
    }

    /// `start`: that of the job.
    pub(super) fn errand<'a>(&'a self, job: &'a Job, tier: Tier, start: Start) -> Errand<'a> {
        let language = self.ready.language;
        let launcher = language.launcher_for(&self.submission.solution, tier);
        Errand {
            language,
            launcher: language.launcher_at(launcher, start, tier),
            start,
            limits: self.submission.limits,
            job,
            parallel: self.submission.parallel as usize,
            series: false,
        }
    }
}

impl Engine {
    /// # Errors
    /// The report, where there is nothing to run.
    pub(super) async fn prepare<'a>(
        &'a self,
        submission: &'a Submission,
        door: &mut Door<'_>,
    ) -> Result<Work<'a>, Box<Report>> {
        let undecided = |cause, reason: String| {
            Box::new(Report::undecided(submission.id.clone(), cause, reason, submission.tests.len()))
        };
        let Some(language) = self.languages.find(&submission.language) else {
            return Err(undecided(Cause::Unsupported, self.not_offered(&submission.language)));
        };
        if submission.tests.is_empty() {
            return Err(undecided(Cause::BadTests, "there are no tests".to_owned()));
        }
        if !language.takes(&submission.tests) {
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
            Unusable::Overloaded(overloaded) => undecided(Cause::Overloaded, overloaded.to_string()),
            Unusable::Fault(fault) => undecided(Cause::SandboxFault, fault.to_string()),
        };
        let ready = match self.ready(&submission.language, &submission.solution, door).await {
            Ok(ready) => ready,
            Err(not_ready) => return Err(Box::new(self.not_ready_report(submission, not_ready))),
        };
        let (judge, is_interactive) = match &submission.judge {
            None => (None, false),
            Some(JudgeProgram::Checker { program, protocol, limits }) => {
                let ready = self.ready_program("checker", program, door).await.map_err(unusable)?;
                (Some(ReadyJudge { ready, program, protocol: *protocol, limits: *limits }), false)
            }
            Some(JudgeProgram::Interactor { program, protocol, limits }) => {
                let ready = self.ready_program("interactor", program, door).await.map_err(unusable)?;
                (Some(ReadyJudge { ready, program, protocol: *protocol, limits: *limits }), true)
            }
        };
        let submission = self.with_expected(submission, door).await.map_err(unusable)?;
        let job = ready.language.job(&submission, ready.binary.as_ref(), self.sandbox.tier(), Start::Usual);
        let job = job.map_err(|error| undecided(Cause::BadTests, error.to_string()))?;
        Ok(Work { submission, ready, judge, is_interactive, job })
    }

    /// Why a language cannot be had.
    pub(super) fn not_offered(&self, name: &str) -> String {
        match (self.missing_language(name), self.unknown_language(name)) {
            (Some(missing), _) => {
                let text = missing.error.to_string().replace('\n', "; ");
                format!("this installation does not offer that language: {text}")
            }
            (None, Some(unknown)) => unknown,
            (None, None) => format!("{name} is offered in WebAssembly only"),
        }
    }

    fn missing_language(&self, name: &str) -> Option<&MissingLanguage> {
        let is_called =
            |missing: &&MissingLanguage| missing.names.iter().any(|known| known.eq_ignore_ascii_case(name));
        self.languages.missing().iter().find(is_called)
    }

    /// That nothing is called so, and what may have been meant; `None` for a language that is known, whether or
    /// not it can be run here.
    pub fn unknown_language(&self, name: &str) -> Option<String> {
        let wasm = self.languages.wasm();
        let is_native = self.languages.find(name).is_some() || self.missing_language(name).is_some();
        if is_native || wasm.knows(name) {
            return None;
        }
        let mut known: Vec<&str> = self.languages.iter().map(Language::name).collect();
        for language in wasm.offers().into_iter().map(|offer| offer.language) {
            if !known.contains(&language) {
                known.push(language);
            }
        }
        let other_names = self.languages.iter().flat_map(|language| &language.image.languages);
        let meant = did_you_mean(name, known.iter().copied().chain(other_names.map(String::as_str)));
        let shown: String = name.chars().take(60).collect();
        Some(format!("{shown:?} is not a language of this installation{meant}; it has {}", known.join(", ")))
    }

    pub(super) fn not_ready_report(&self, submission: &Submission, not_ready: NotReady) -> Report {
        let total = submission.tests.len();
        let undecided =
            |cause, reason: String| Report::undecided(submission.id.clone(), cause, reason, total);
        match not_ready {
            NotReady::Unknown => undecided(Cause::Unsupported, self.not_offered(&submission.language)),
            NotReady::Overloaded(overloaded) => undecided(Cause::Overloaded, overloaded.to_string()),
            NotReady::Fault(fault) => undecided(Cause::SandboxFault, fault.to_string()),
            NotReady::DoesNotCompile { failure, report } => Report {
                id: submission.id.clone(),
                verdict: Verdict::CompileError,
                cause: None,
                reason: Some(failure.first_error().chars().take(1_000).collect()),
                tier: Some(self.sandbox.tier().as_str()),
                isolation_of_tests: None,
                tests: Vec::new(),
                total,
                also: Vec::new(),
                compile: Some(report),
            },
        }
    }
}
