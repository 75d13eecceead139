//! Tests that hold code: the solution in one cell, the tests in another, joined by a link.

use std::{
    hash::{BuildHasher, Hasher},
    ops::Range,
};

use super::{
    Engine,
    cells::{Errand, near_the_time_limit, turned_away},
    in_wasm::InWasmCell,
    slot_access::Door,
    verdicts::Judging,
};
use crate::{
    admission::Slot,
    language::TestsOrder,
    limits::Limits,
    report::{Isolation, TestReport},
    sandbox::{Fault, LinkAt, LinkedJob, Outcome},
    submission::{CodeTests, Submission},
    verdict::code::{CodeDecision, Conversation, Word, decide_code},
};

impl Engine {
    /// Carries the tests out, in as few pairs of cells as possible: one, unless a process ends before the
    /// last test, a cell fails or a time must be measured again on a quiet machine.
    pub(super) async fn run_code_tests(
        &self,
        carrier: Carrier<'_>,
        submission: &Submission,
        tests: &CodeTests,
        door: &mut Door<'_>,
        mut judging: Judging,
    ) -> Result<Judging, Fault> {
        let total = tests.tests.len();
        let asked = Asked { carrier, submission, tests };
        let mut attempts = 0;
        judging.isolation = Some(Isolation::Separate);
        while judging.tests.len() < total && !judging.stops(submission) {
            let place = door.place().await.map_err(turned_away)?;
            let rest = judging.tests.len()..total;
            let shared = matches!(judging.isolation, Some(Isolation::Shared { .. }));
            match self.run_pair(&asked, place, rest.clone(), shared).await {
                Ok((conversation, Word::Decided(decided))) => {
                    self.take_decisions(&asked, &conversation, decided, door, &mut judging).await?;
                }
                // All of them anew: from here on `run_pair` runs both in one process.
                Ok((_, Word::Shared(why))) => judging.begin_again(Isolation::Shared { why }),
                Err(fault) => self.after_fault(carrier.language(), fault, &mut attempts).await?,
            }
        }
        judging.tests.resize_with(total, TestReport::skipped);
        Ok(judging)
    }

    /// Adds what a run decided. A test in which a process ended has its say in a run of its own: what
    /// tests before it had used of the limits, or left behind, is not its doing.
    async fn take_decisions(
        &self,
        asked: &Asked<'_>,
        conversation: &Conversation,
        decided: Vec<CodeDecision>,
        door: &mut Door<'_>,
        judging: &mut Judging,
    ) -> Result<(), Fault> {
        let first = judging.tests.len();
        let share = Share::of(&decided);
        for (index, decision) in decided.into_iter().enumerate() {
            if decision.by_end && asked.carrier.is_doubtful(&conversation.solution) {
                let place = door.place().await.map_err(turned_away)?;
                let only = first + index..first + index + 1;
                let shared = conversation.is_shared;
                let (conversation, word) = self.run_pair(asked, place, only, shared).await?;
                if let Word::Decided(decided) = word
                    && let Some(decision) = decided.into_iter().next()
                {
                    judging.add_code(asked.submission, decision, &conversation, 1.0);
                }
                return Ok(());
            }
            if decision.by_end && index > 0 {
                return Ok(());
            }
            let share = share.of_one(&decision);
            judging.add_code(asked.submission, decision, conversation, share);
            if judging.stops(asked.submission) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// One pair of cells with some of the tests; or, if they are to share it, one cell.
    async fn run_pair(
        &self,
        asked: &Asked<'_>,
        place: Slot,
        which: Range<usize>,
        shared: bool,
    ) -> Result<(Conversation, Word), Fault> {
        let (nonce, count) = (new_nonce(), which.len());
        let order = TestsOrder { shared, tests: which, nonce: &nonce };
        let conversation = match asked.carrier {
            Carrier::Native(errand) => self.converse_natively(errand, asked, &order, place).await?,
            Carrier::Wasm(cell) => {
                self.converse_in_wasm(cell, asked.submission, asked.tests, &order, place).await?
            }
        };
        let word = decide_code(&conversation, &nonce, count, !asked.tests.separate_only);
        Ok((conversation, word))
    }

    async fn converse_natively(
        &self,
        errand: &Errand<'_>,
        asked: &Asked<'_>,
        order: &TestsOrder<'_>,
        place: Slot,
    ) -> Result<Conversation, Fault> {
        let Asked { submission, tests, .. } = *asked;
        let (language, tier) = (errand.language, self.sandbox.tier());
        let job = language.tests_job(submission, tests, order, tier, errand.start);
        let job = job.map_err(|error| Fault { step: "tests_job".to_owned(), detail: error.to_string() })?;
        // Both have the hashes of one interpreter, as in one process: sets of text are walked in the same order.
        let begun = |launcher| language.launcher_at(launcher, errand.start, tier);
        let of_tests = begun(language.launcher_for_tests(&submission.solution, tests, tier));
        let of_solution = begun(language.launcher_for_code(&submission.solution, tests, tier));
        let limits = errand.limits;
        let side = |launcher, job, limits| LinkedJob { launcher, limits, job, at: LinkAt::Descriptors };
        if order.shared {
            self.metrics.cell_started(language.name());
            let mut cell = self.sandbox.open(&of_tests, place, limits, job).await?;
            let outcome = cell.next().await?.ok_or_else(no_outcome)?;
            return Ok(Conversation::shared(outcome, |_| None));
        }
        self.metrics.cell_started(language.name());
        self.metrics.cell_started(language.name());
        let (mut solution, mut tests) = self
            .sandbox
            .open_linked(
                side(of_solution, errand.job.clone(), limits),
                side(of_tests, job, tests_limits(limits)),
                place,
            )
            .await?;
        let (solution, tests) = tokio::try_join!(solution.next(), tests.next())?;
        let (solution, tests) = (solution.ok_or_else(no_outcome)?, tests.ok_or_else(no_outcome)?);
        self.note_run(language, &solution);
        Ok(Conversation { solution, tests, is_shared: false, missing: |_| None })
    }
}

/// Who carries conversations out.
#[derive(Clone, Copy)]
pub(super) enum Carrier<'a> {
    Native(&'a Errand<'a>),
    Wasm(InWasmCell<'a>),
}

impl Carrier<'_> {
    fn language(&self) -> &str {
        match self {
            Carrier::Native(errand) => errand.language.name(),
            Carrier::Wasm(cell) => cell.asked.language.name(),
        }
    }

    /// Whether a run must be measured again.
    fn is_doubtful(&self, solution: &Outcome) -> bool {
        match self {
            Carrier::Native(errand) => near_the_time_limit(solution, errand.limits),
            Carrier::Wasm(cell) => cell.is_doubtful(solution),
        }
    }
}

/// What a conversation is made of.
#[derive(Clone, Copy)]
struct Asked<'a> {
    carrier: Carrier<'a>,
    submission: &'a Submission,
    tests: &'a CodeTests,
}

pub(super) fn no_outcome() -> Fault {
    Fault { step: "converse".to_owned(), detail: "no outcome".to_owned() }
}

/// How a run's CPU time is shared out over its tests, whose own it cannot be told: by wall time.
struct Share {
    whole: f64,
    count: usize,
}

impl Share {
    fn of(decided: &[CodeDecision]) -> Share {
        let whole = decided.iter().map(|one| one.wall.as_secs_f64()).sum();
        Share { whole, count: decided.len() }
    }

    fn of_one(&self, one: &CodeDecision) -> f64 {
        match self.whole > 0.0 {
            true => one.wall.as_secs_f64() / self.whole,
            false => 1.0 / self.count as f64,
        }
    }
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
