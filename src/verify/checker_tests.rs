//! Tests that a checker program decides: the solution's runs and the checks by turns, each in cells of
//! their own, so that nothing of the solution is where the answers are but the bytes of its output.

use std::sync::Arc;

use super::{
    cells::{Errand, Interrupted, Wish},
    compile_programs::{ReadyJudge, Runnable},
    engine::Engine,
    slot_access::SlotAccess,
    work::Trial,
};
use crate::{
    sandbox::{Fault, Job, Outcome, Run},
    submission::{CheckerProtocol, Prelude, ProgramTest, Submission},
    verdict::{self, Decision, Ran, checker::Ruling},
};

/// Runs between two visits to the checker grow by this factor: a solution that fails early costs few
/// runs, and one that passes few cells.
const BATCH_GROWTH: usize = 4;
/// A batch ends when inputs, outputs and answers of its checks are larger together, bytes.
const BATCH_BYTES: usize = 32 << 20;

impl ReadyJudge<'_> {
    /// What the end of one of its runs says of the solution.
    pub(super) fn ruling(&self, outcome: &Outcome) -> Ruling {
        match self.protocol.ruling(outcome) {
            Ruling::Right { .. } if !self.can_refuse() => Ruling::Failed {
                message: format!(
                    "the program ended with exit code 0, and nothing in it ends it with another; in the protocol {} \
                     that is \"right\" for any output: give the exit codes, or the \"protocol\" that it is written for",
                    self.protocol
                ),
            },
            ruling => ruling,
        }
    }

    /// Whether the program has words to end with an exit code of its choosing. One that has none, such as a function
    /// that nobody calls, ends with 0 whatever the output is, which only testlib's protocol takes for an answer.
    fn can_refuse(&self) -> bool {
        let own: &[&[u8]] = match self.ready.language.name() {
            "python" => &[b"exit", b"Exit", b"quit"],
            _ => &[b"exit", b"Exit", b"quit", b"return"],
        };
        let holds = |text: &[u8]| own.iter().any(|word| text.windows(word.len()).any(|part| part == *word));
        self.protocol != CheckerProtocol::Testlib
            || self.program.solution.files.iter().any(|file| holds(&file.content))
    }
}

/// A solution's run on the way to its decision.
struct Pending {
    outcome: Outcome,
    /// Decided without the checker: a limit, a crash, no output file.
    decision: Option<Decision>,
}

impl Engine {
    /// Runs the tests and has the checker decide about those that ended well.
    pub(super) async fn run_checked(
        &self,
        trial: &mut Trial<'_>,
        tests: &[ProgramTest],
        checker: &ReadyJudge<'_>,
        slots: &mut SlotAccess<'_>,
    ) -> Result<(), Interrupted> {
        let (submission, errand, judging) = (&*trial.work.submission, &trial.errand, &mut trial.judging);
        let mut most = 1;
        while judging.tests.len() < tests.len() && !judging.stops(submission) {
            let first = judging.tests.len();
            let pending = self.run_batch(errand, submission, &tests[first..], most, slots).await?;
            most *= BATCH_GROWTH;
            let rulings = self.check(checker, &tests[first..], &pending, errand.parallel, slots).await?;
            let mut rulings = rulings.into_iter();
            for pending in pending {
                let decision = match pending.decision {
                    Some(decision) => decision,
                    None => match rulings.next() {
                        Some(ruling) => verdict::decide_checked(ruling),
                        None => return Err(no_ruling().into()),
                    },
                };
                self.note_run(errand.language, &pending.outcome);
                judging.add_decided(submission, &pending.outcome, decision);
                if judging.stops(submission) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// At most so many runs of the solution, fewer where one is decided already.
    async fn run_batch(
        &self,
        errand: &Errand<'_>,
        submission: &Submission,
        tests: &[ProgramTest],
        most: usize,
        slots: &mut SlotAccess<'_>,
    ) -> Result<Vec<Pending>, Interrupted> {
        let first = errand.job.runs.len() - tests.len();
        let runs = errand.job.runs[first..first + most.min(tests.len())].to_vec();
        let job = Job { runs, ..errand.job.clone() };
        let errand = Errand { job: &job, cells: errand.cells.clone(), ..*errand };
        let place = slots.place().await?;
        let stops_early =
            submission.stop == crate::submission::Stop::FirstFailure && submission.also.is_empty();
        let (mut pending, mut bytes) = (Vec::new(), 0);
        self.carry_out(&errand, place, slots, |outcome| {
            let output = verdict::program_output(&Ran::new(&outcome));
            let test = &tests[pending.len()];
            bytes += test.stdin.len()
                + test.accepted_stdout.iter().map(Vec::len).sum::<usize>()
                + output.as_ref().map_or(0, |output| output.len());
            let decision = output.err();
            let is_last = (decision.is_some() && stops_early) || bytes > BATCH_BYTES;
            pending.push(Pending { outcome, decision });
            if is_last { Wish::Enough } else { Wish::More }
        })
        .await?;
        Ok(pending)
    }

    /// The checker's ruling on each output that is not decided already.
    async fn check(
        &self,
        checker: &ReadyJudge<'_>,
        tests: &[ProgramTest],
        pending: &[Pending],
        parallel: usize,
        slots: &mut SlotAccess<'_>,
    ) -> Result<Vec<Ruling>, Interrupted> {
        let protocol = checker.protocol;
        let undecided = tests.iter().zip(pending).filter(|(_, pending)| pending.decision.is_none());
        let runs: Vec<Run> = undecided
            .map(|(test, pending)| {
                let answer = test.accepted_stdout.first().map_or(&[][..], Vec::as_slice);
                let ran = Ran::new(&pending.outcome);
                let output = verdict::program_output(&ran).unwrap_or_default();
                protocol.run(Arc::clone(&test.stdin), answer.into(), Arc::from(output))
            })
            .collect();
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        let runnable = Runnable {
            ready: &checker.ready,
            solution: &checker.program.solution,
            arguments: protocol.arguments(),
            collect: protocol.collect(),
            limits: checker.limits,
            prelude: Prelude::None,
            parallel,
        };
        let outcomes = self.program_outcomes(&runnable, runs, slots).await?;
        let rulings: Vec<Ruling> = outcomes.iter().map(|outcome| checker.ruling(outcome)).collect();
        rulings.iter().for_each(|ruling| self.metrics.checked(ruling.as_str()));
        Ok(rulings)
    }
}

fn no_ruling() -> Fault {
    Fault { step: "check".to_owned(), detail: "an output was not checked".to_owned() }
}
