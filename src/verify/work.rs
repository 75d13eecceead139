//! A prepared submission, and one trial of it: what the steps of the path hand on.

use std::{borrow::Cow, sync::Arc};

use super::{cells::Errand, compile_programs::ReadyJudge, runner::Runner, verdicts::Judging};
use crate::{
    compile::CompileReport,
    language::Start,
    sandbox::{Job, Outcome, Tier},
    submission::{Repeat, Submission, Tests},
    value::marshal::TooLarge,
    verdict::{self, Ran, Verdict},
};

/// A submission that can be run.
pub(super) struct Work<'a> {
    /// With the outputs that its reference made, where it has one.
    pub submission: Cow<'a, Submission>,
    pub runner: Runner<'a>,
    /// Where its solution runs.
    pub tier: Tier,
    /// What a compiler made of the solution, in languages that have one.
    pub program: Option<Arc<[u8]>>,
    pub compile: Option<CompileReport>,
    /// Why a failure may be the runner's, though nothing of the run says so.
    pub narrow: Option<String>,
    pub judge: Option<ReadyJudge<'a>>,
    /// Its tests as runs that begin in the usual way.
    pub job: Job,
}

/// All of a submission's tests once.
pub(super) struct Trial<'a> {
    pub work: &'a Work<'a>,
    /// Of the tests' runs.
    pub errand: Errand<'a>,
    /// How these begin.
    pub start: Start,
    /// What is decided so far.
    pub judging: Judging,
}

impl Work<'_> {
    /// The submission's tests as runs.
    pub(super) fn job(&self, start: Start) -> Result<Job, TooLarge> {
        self.runner.job(&self.submission, self.program.as_ref(), self.tier, start)
    }

    /// `start`: that of the job.
    pub(super) fn errand<'a>(&'a self, job: &'a Job, start: Start) -> Errand<'a> {
        Errand {
            language: self.runner.language(),
            cells: self.runner.cells(&self.submission.solution, self.tier, start),
            limits: self.submission.limits,
            job,
            parallel: self.submission.parallel as usize,
            series: false,
        }
    }

    /// How often the solution is run, and how runs behind the first begin. Chance includes the seed of string
    /// hashes, which decides the order of sets.
    pub(super) fn repeats(&self) -> (u32, Start) {
        let Submission { repeat, solution, seed, .. } = &*self.submission;
        match repeat.runs(solution) {
            1 if matches!(repeat, Repeat::TimesIfRandom(_))
                && seed.is_none()
                && self.runner.may_show_hashes(solution) =>
            {
                (2, Start::Again)
            }
            runs => (runs, Start::Fresh),
        }
    }

    /// A test's outcome, with what the run lacked where that may be why it failed: what the submission's own rule
    /// refuses is then no failure of the solution's.
    pub(super) fn with_lacks(&self, outcome: Outcome, test: usize) -> Outcome {
        let (Some(narrow), Tests::Program(tests)) = (&self.narrow, &self.submission.tests) else {
            return outcome;
        };
        let decision = verdict::decide_program(&Ran::new(&outcome), &tests[test], self.submission.compare);
        let narrow = (decision.verdict != Verdict::Accepted).then(|| narrow.clone());
        Outcome { lacks: outcome.lacks.or(narrow), ..outcome }
    }
}
