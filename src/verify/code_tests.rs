//! Tests that hold code: the solution in one cell, the tests in another, joined by a link.

use std::{
    hash::{BuildHasher, Hasher},
    ops::Range,
};

use super::{
    cells::{Errand, Interrupted},
    engine::Engine,
    runner::Side,
    slot_access::SlotAccess,
    verdicts::Judging,
    work::{Trial, Work},
};
use crate::{
    admission::Slot,
    language::{Start, TestsOrder},
    limits::Limits,
    report::Isolation,
    sandbox::Fault,
    submission::CodeTests,
    verdict::code::{CodeDecision, Conversation, Word, decide_code},
};

impl Engine {
    /// Carries the tests out, in as few pairs of cells as possible: one, unless a process ends before the
    /// last test, a cell fails or a time must be measured again on a quiet machine.
    pub(super) async fn run_code_tests(
        &self,
        trial: &mut Trial<'_>,
        tests: &CodeTests,
        slots: &mut SlotAccess<'_>,
    ) -> Result<(), Interrupted> {
        let total = tests.tests.len();
        let (submission, judging) = (&*trial.work.submission, &mut trial.judging);
        let asked = Parties { work: trial.work, errand: &trial.errand, start: trial.start, tests };
        let mut attempts = 0;
        judging.isolation = Some(Isolation::Separate);
        while judging.tests.len() < total && !judging.stops(submission) {
            let place = slots.place().await?;
            let rest = judging.tests.len()..total;
            let shared = matches!(judging.isolation, Some(Isolation::Shared { .. }));
            match self.run_pair(&asked, place, rest.clone(), shared).await {
                Ok((conversation, Word::Decided(decided))) => {
                    self.take_decisions(&asked, &conversation, decided, slots, judging).await?;
                }
                // All of them anew: from here on `run_pair` runs both in one process.
                Ok((_, Word::Shared(why))) => judging.begin_again(Isolation::Shared { why }),
                Err(fault) => self.after_fault(asked.errand.language, fault, &mut attempts).await?,
            }
        }
        Ok(())
    }

    /// Adds what a run decided. A test in which a limit was met is carried out again: what tests before it had
    /// used of that limit is not its doing.
    async fn take_decisions(
        &self,
        asked: &Parties<'_>,
        conversation: &Conversation,
        decided: Vec<CodeDecision>,
        slots: &mut SlotAccess<'_>,
        judging: &mut Judging,
    ) -> Result<(), Interrupted> {
        let submission = &*asked.work.submission;
        let Errand { cells, limits, .. } = asked.errand;
        let first = judging.tests.len();
        // A run's CPU time is shared out over its tests, whose own it cannot be told: by wall time.
        let whole: f64 = decided.iter().map(|one| one.wall.as_secs_f64()).sum();
        let even = 1.0 / decided.len() as f64;
        for (index, decision) in decided.into_iter().enumerate() {
            if decision.by_end && cells.is_doubtful(&conversation.solution, *limits) {
                let place = slots.place().await?;
                let only = first + index..first + index + 1;
                let shared = conversation.is_shared;
                let (conversation, word) = self.run_pair(asked, place, only, shared).await?;
                if let Word::Decided(decided) = word
                    && let Some(decision) = decided.into_iter().next()
                {
                    judging.add_code(submission, decision, &conversation, 1.0);
                }
                return Ok(());
            }
            // A process that ended by itself ended in this test.
            let met_a_limit = conversation.solution.limit.or(conversation.tests.limit).is_some();
            if decision.by_end && index > 0 && met_a_limit {
                return Ok(());
            }
            let share = if whole > 0.0 { decision.wall.as_secs_f64() / whole } else { even };
            judging.add_code(submission, decision, conversation, share);
            if judging.stops(submission) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// One pair of cells with some of the tests; or, if they are to share it, one cell.
    async fn run_pair(
        &self,
        asked: &Parties<'_>,
        place: Slot,
        which: Range<usize>,
        shared: bool,
    ) -> Result<(Conversation, Word), Fault> {
        let (nonce, count) = (new_nonce(), which.len());
        let order = TestsOrder { shared, tests: which, nonce: &nonce };
        let conversation = self.converse_with_tests(asked, &order, place).await?;
        let word = decide_code(&conversation, &nonce, count, !asked.tests.separate_only);
        Ok((conversation, word))
    }

    async fn converse_with_tests(
        &self,
        asked: &Parties<'_>,
        order: &TestsOrder<'_>,
        place: Slot,
    ) -> Result<Conversation, Fault> {
        let Parties { work, errand, start, tests } = *asked;
        let (runner, submission, limits) = (work.runner, &*work.submission, errand.limits);
        let job = runner.tests_job(submission, tests, order, (work.tier, start));
        let job = job.map_err(|error| Fault { step: "tests_job".to_owned(), detail: error.to_string() })?;
        let (of_solution, of_tests) =
            runner.cells_of_code_tests(&submission.solution, tests, work.tier, start);
        if order.shared {
            let cell = self.open(errand.language, &of_tests, place, limits, job).await?;
            return Ok(Conversation::shared(cell.only().await?, runner.missing()));
        }
        let solution = Side { cells: of_solution, limits, job: errand.job.clone() };
        let tests = Side { cells: of_tests, limits: tests_limits(limits), job };
        let (solution, tests) = self.open_linked(errand.language, solution, tests, place).await?;
        let (solution, tests) = tokio::try_join!(solution.only(), tests.only())?;
        self.note_run(errand.language, &solution);
        Ok(Conversation { solution, tests, is_shared: false, missing: runner.missing() })
    }
}

/// What a conversation is made of.
#[derive(Clone, Copy)]
struct Parties<'a> {
    work: &'a Work<'a>,
    errand: &'a Errand<'a>,
    start: Start,
    tests: &'a CodeTests,
}

/// The tests' cell has the solution's limits again for what the tests themselves do; and while they wait,
/// the solution's wall limit, however far load may stretch it, ends the wait first.
fn tests_limits(limits: Limits) -> Limits {
    let wall_ms = (limits.wall_ms + 1_000).saturating_mul(u64::from(Limits::MOST_WALL_STRETCH));
    Limits { wall_ms, ..limits }
}

/// 128 bits that nobody can guess: the standard library's hash keys are the kernel's random bytes.
fn new_nonce() -> String {
    let half = || std::hash::RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", half(), half())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_differ() {
        let nonces: std::collections::HashSet<String> = (0..1_000).map(|_| new_nonce()).collect();
        assert_eq!(nonces.len(), 1_000);
        assert!(nonces.iter().all(|nonce| nonce.len() == 32));
    }
}
