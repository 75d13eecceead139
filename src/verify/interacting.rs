//! Tests in which an interactor converses with the solution: one pair of linked cells for each.

use tokio::time::timeout;

use super::{
    Engine,
    carry::{Errand, near_the_time_limit, turned_away},
    checking::ReadyJudge,
    door::Door,
    judging::Judging,
    programs::Runnable,
};
use crate::{
    admission::Place,
    limits::Limits,
    sandbox::{CellRun, Fault, Job, LinkAt, LinkedJob, Outcome},
    submission::{Prelude, ProgramTest, Submission},
    verdict::{Decision, Interacted, Ran, decide_interactive},
};

/// How both sides of a conversation ended. The interactor: `None` where it had not, long after the
/// solution.
struct Conversation {
    solution: Outcome,
    interactor: Option<Outcome>,
}

impl Engine {
    /// Holds the conversations, until the judges want no more.
    pub(super) async fn run_interactive(
        &self,
        errand: &Errand<'_>,
        submission: &Submission,
        tests: &[ProgramTest],
        interactor: &ReadyJudge<'_>,
        door: &mut Door<'_>,
        mut judging: Judging,
    ) -> Result<Judging, Fault> {
        for (index, test) in tests.iter().enumerate() {
            let conversation = self.converse(errand, index, test, interactor, door).await?;
            let decision = self.decide_conversation(interactor, &conversation);
            self.note_run(errand.language, &conversation.solution);
            judging.add_decided(submission, &conversation.solution, decision);
            if judging.stops(submission) {
                break;
            }
        }
        Ok(judging)
    }

    fn decide_conversation(&self, interactor: &ReadyJudge<'_>, conversation: &Conversation) -> Decision {
        let interacted = conversation.interactor.as_ref().map(|outcome| {
            let ruling = interactor.protocol.ruling(outcome);
            self.metrics.checked(ruling.as_str());
            Interacted { outcome, ruling }
        });
        decide_interactive(&Ran::new(&conversation.solution), interacted)
    }

    /// One conversation; held again alone where a neighbour's load may have decided, and in other cells
    /// where ours failed.
    async fn converse(
        &self,
        errand: &Errand<'_>,
        run: usize,
        test: &ProgramTest,
        interactor: &ReadyJudge<'_>,
        door: &mut Door<'_>,
    ) -> Result<Conversation, Fault> {
        let mut attempts = 0;
        loop {
            let place = door.place().await.map_err(turned_away)?;
            let mut held = self.converse_once(errand, run, test, interactor, place).await;
            if let Ok(conversation) = &held
                && near_the_time_limit(&conversation.solution, errand.limits)
            {
                let alone = door.alone().await;
                held = self.converse_once(errand, run, test, interactor, alone).await;
            }
            match held {
                Ok(conversation) => return Ok(conversation),
                Err(fault) => self.after_fault(errand.language.name(), fault, &mut attempts).await?,
            }
        }
    }

    async fn converse_once(
        &self,
        errand: &Errand<'_>,
        run: usize,
        test: &ProgramTest,
        interactor: &ReadyJudge<'_>,
        place: Place,
    ) -> Result<Conversation, Fault> {
        self.metrics.cell_started(errand.language.name());
        self.metrics.cell_started(interactor.ready.language.name());
        let solution = LinkedJob {
            launcher: errand.launcher.clone(),
            limits: errand.limits,
            job: Job { runs: vec![errand.job.runs[run].clone()], ..errand.job.clone() },
            at: LinkAt::Streams,
        };
        let other = self.interactor_job(errand.limits, test, interactor);
        let (mut solution, mut other) = self.sandbox.open_linked(solution, other, place).await?;
        let patience = interactor.limits.wall();
        // The interactor may end first; what it came to then waits in its socket.
        let solution = outcome(&mut solution).await?;
        match timeout(patience, outcome(&mut other)).await {
            Ok(interactor) => Ok(Conversation { solution, interactor: Some(interactor?) }),
            Err(_) => Ok(Conversation { solution, interactor: None }),
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
        let run = protocol.conversation(test.stdin.as_slice().into(), answer.into());
        LinkedJob {
            launcher: interactor.ready.language.launcher_for(runnable.solution, tier),
            limits,
            job: runnable.job(vec![run], tier),
            at: LinkAt::Streams,
        }
    }
}

async fn outcome(cell: &mut CellRun) -> Result<Outcome, Fault> {
    match cell.next().await? {
        Some(outcome) => Ok(outcome),
        None => Err(Fault { step: "converse".to_owned(), detail: "no outcome".to_owned() }),
    }
}
