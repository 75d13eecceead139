//! Tests in which an interactor converses with the solution: one pair of linked cells for each.

use std::{pin::pin, sync::Arc};

use tokio::time::timeout;

use super::{
    cells::{Errand, Interrupted},
    compile_programs::{ReadyJudge, Runnable},
    engine::Engine,
    slot_access::SlotAccess,
    work::Trial,
};
use crate::{
    admission::Slot,
    limits::Limits,
    sandbox::{CellRun, Conversing, Fault, Job, LinkAt, LinkedJob, Outcome},
    submission::{CheckerProtocol, Prelude, ProgramTest},
    verdict::{Decision, Interacted, Ran, checker::Ruling, decide_interactive},
};

/// How both sides of a conversation ended. The interactor: `None` where it had not, long after the
/// solution.
struct Conversation {
    solution: Outcome,
    interactor: Option<Outcome>,
    /// The interactor wrote something when the solution, which had read all before that, had ended.
    spoke_late: bool,
}

impl Engine {
    /// Holds the conversations, until the judges want no more.
    pub(super) async fn run_interactive(
        &self,
        trial: &mut Trial<'_>,
        tests: &[ProgramTest],
        interactor: &ReadyJudge<'_>,
        slots: &mut SlotAccess<'_>,
    ) -> Result<(), Interrupted> {
        let (submission, errand, judging) = (&*trial.work.submission, &trial.errand, &mut trial.judging);
        for (index, test) in tests.iter().enumerate() {
            let conversation = self.converse(errand, index, test, interactor, slots).await?;
            let decision = self.decide_conversation(interactor, &conversation);
            self.note_run(errand.language, &conversation.solution);
            judging.add_decided(submission, &conversation.solution, decision);
            if judging.stops(submission) {
                break;
            }
        }
        Ok(())
    }

    fn decide_conversation(&self, interactor: &ReadyJudge<'_>, conversation: &Conversation) -> Decision {
        let interacted = conversation.interactor.as_ref().map(|outcome| {
            let ruling = interactor.ruling(outcome);
            self.metrics.checked(ruling.as_str());
            // Where every line goes out as it is written, it is no earlier word.
            let kept_back = conversation.spoke_late && !interactor.writes_at_once();
            Interacted { outcome, ruling, kept_back }
        });
        decide_interactive(&Ran::new(&conversation.solution), interacted)
    }

    /// One conversation; held again where load may have decided, and in other cells where ours failed.
    async fn converse(
        &self,
        errand: &Errand<'_>,
        run: usize,
        test: &ProgramTest,
        interactor: &ReadyJudge<'_>,
        slots: &mut SlotAccess<'_>,
    ) -> Result<Conversation, Interrupted> {
        let mut attempts = 0;
        loop {
            let place = slots.place().await?;
            let mut held = self.converse_once(errand, run, test, interactor, place).await;
            if let Ok(conversation) = &held
                && errand.cells.is_doubtful(&conversation.solution, errand.limits)
            {
                let place = slots.place().await?;
                held = self.converse_once(errand, run, test, interactor, place).await;
            }
            match held {
                Ok(conversation) => return Ok(conversation),
                Err(fault) => self.after_fault(errand.language, fault, &mut attempts).await?,
            }
        }
    }

    async fn converse_once(
        &self,
        errand: &Errand<'_>,
        run: usize,
        test: &ProgramTest,
        interactor: &ReadyJudge<'_>,
        place: Slot,
    ) -> Result<Conversation, Fault> {
        self.metrics.cell_started(errand.language);
        self.metrics.cell_started(interactor.ready.language.name());
        let solution = LinkedJob {
            launcher: errand.cells.launcher()?.to_owned(),
            limits: errand.limits,
            job: Job { runs: vec![errand.job.runs[run].clone()], ..errand.job.clone() },
            at: LinkAt::Streams,
        };
        let other = self.interactor_job(errand.limits, test, interactor);
        let Conversing { first: mut solution, second: mut other, to_first, to_second } =
            self.sandbox.open_conversation(solution, other, place).await?;
        let ender = solution.ender().map_err(|error| fault("hold_cell", &error))?;
        let mut solution_ends = pin!(outcome(&mut solution));
        let mut interactor_ends = pin!(outcome(&mut other));
        // Whoever ends first, the other is heard out: nobody is refused what he writes.
        tokio::select! {
            biased;
            solution = &mut solution_ends => {
                let solution = solution?;
                let ends = timeout(interactor.limits.wall(), interactor_ends);
                let (interactor, taken) = to_first.taken_until(ends).await?;
                let interactor = interactor.ok().transpose()?;
                let spoke_late = taken > 0 && !solution.left_unread;
                Ok(Conversation { solution, interactor, spoke_late })
            }
            interactor_outcome = &mut interactor_ends => {
                let outcome = interactor_outcome?;
                if !matches!(interactor.ruling(&outcome), Ruling::Right { .. }) {
                    // There is nothing more to win, and perhaps nobody it could tell from.
                    ender.end().map_err(|error| fault("end_solution", &error))?;
                }
                let (solution, _) = to_second.taken_until(solution_ends).await?;
                let solution = solution?;
                // It may have ended first all the same, and only been reported later.
                let ((), taken) = to_first.taken_until(std::future::ready(())).await?;
                let spoke_late = taken > 0 && !solution.left_unread;
                Ok(Conversation { solution, interactor: Some(outcome), spoke_late })
            }
        }
    }

    fn interactor_job(&self, solution: Limits, test: &ProgramTest, interactor: &ReadyJudge<'_>) -> LinkedJob {
        let (protocol, tier) = (interactor.protocol, self.sandbox.tier());
        let answer = test.accepted_stdout.first().map_or(&[][..], Vec::as_slice);
        // What it waits for the solution is not its own time: it may take as long as the solution may.
        let waits = solution.wall_ms.saturating_mul(u64::from(Limits::MOST_WALL_STRETCH));
        let limits = Limits { wall_ms: interactor.limits.wall_ms + waits, ..interactor.limits };
        let runnable = Runnable {
            ready: &interactor.ready,
            solution: &interactor.program.solution,
            arguments: protocol.arguments(),
            collect: protocol.collect(),
            limits,
            prelude: Prelude::None,
            parallel: 1,
        };
        let run = protocol.conversation(Arc::clone(&test.stdin), answer.into());
        LinkedJob {
            launcher: runnable.launcher(tier),
            limits,
            job: runnable.job(vec![run], tier),
            at: LinkAt::Streams,
        }
    }
}

impl ReadyJudge<'_> {
    /// Whether what it says in a conversation goes out line by line, though it may not flush: our drivers and our
    /// `testlib.h` see to that.
    fn writes_at_once(&self) -> bool {
        self.protocol == CheckerProtocol::Testlib || self.ready.language.name() == "python"
    }
}

fn fault(step: &str, error: &std::io::Error) -> Fault {
    Fault { step: step.to_owned(), detail: error.to_string() }
}

async fn outcome(cell: &mut CellRun) -> Result<Outcome, Fault> {
    match cell.next().await? {
        Some(outcome) => Ok(outcome),
        None => Err(Fault { step: "converse".to_owned(), detail: "no outcome".to_owned() }),
    }
}
