//! What a conversation between a solution and an interactor means. Pure.
//!
//! Each runs in its own cell and either may end, hang or be killed; when one is gone, the other reads
//! an end of file and is killed by `SIGPIPE` if it goes on writing. So what ends second may only be a
//! consequence of what ended first:
//!
//! | the solution | the interactor | decision |
//! |---|---|---|
//! | ended first, well | says right or wrong | what it says |
//! | ended first, well | failed, or does not end | `undecided: bad_tests` |
//! | ended first, by a crash or its CPU, memory or output limit | anything | the solution's failure |
//! | ended first, by its wall limit | ended soon after: it was waiting | `time_limit`, cause `wall_time` |
//! | ended first, by its wall limit | over a limit of its own: it hung | `undecided: bad_tests` |
//! | ended first, well | was cut off by that: `SIGPIPE`, or an end of file that it did not expect | `wrong_answer` |
//! | ended second, however | had said wrong, or failed | `wrong_answer`; `undecided: bad_tests` |
//! | ended second, badly | had said right | the solution's failure |
//! | killed by `SIGPIPE` | whatever it said, it said it first | what it says |

use super::{Decision, Ran, Verdict, decide_checked, decide_end, decide_limit};
use crate::{
    judge::{DriverRecord, Ruling},
    sandbox::{End, LimitHit, Outcome},
    verdict::Cause,
};

/// How an interactor ended, and what it said by that.
#[derive(Debug)]
pub struct Interacted<'a> {
    pub outcome: &'a Outcome,
    pub ruling: Ruling,
}

/// `interactor`: `None` where it had not ended long after the solution.
pub fn decide_interactive(ran: &Ran, interactor: Option<Interacted<'_>>) -> Decision {
    if let Ok(Some(DriverRecord::Syntax(text))) = &ran.record {
        return Decision::new(Verdict::CompileError, super::bounded(text));
    }
    let solution = ran.outcome;
    let own = decide_limit(solution).or_else(|| decide_end(solution));
    let Some(Interacted { outcome, ruling }) = interactor else {
        let is_waiting_for_it = matches!(solution.limit, Some(LimitHit::Wall)) || own.is_none();
        return own
            .filter(|_| !is_waiting_for_it)
            .unwrap_or_else(|| failed("the interactor did not end after the solution had".to_owned()));
    };
    let ruling = match was_left_alone(outcome) && solution.ended_at <= outcome.ended_at {
        true => Ruling::Wrong { message: Some("the solution left the conversation".to_owned()) },
        false => ruling,
    };
    let was_heard_out = solution.end == End::Signaled { signal: libc::SIGPIPE } && solution.limit.is_none();
    let interactor_first = was_heard_out || outcome.ended_at < solution.ended_at;
    match (own, interactor_first) {
        // Nobody read what came after the interactor's last word.
        (Some(_), true) if was_heard_out => decide_checked(ruling),
        (Some(own), true) if matches!(ruling, Ruling::Right { .. }) => own,
        (_, true) | (None, false) => decide_checked(ruling),
        (Some(_), false) if solution.limit == Some(LimitHit::Wall) && outcome.limit.is_some() => {
            decide_checked(ruling)
        }
        (Some(own), false) => own,
    }
}

/// Whether an interactor ended because there was nobody left to talk to: written in C++, by a signal;
/// in Python, by one of two exceptions.
fn was_left_alone(interactor: &Outcome) -> bool {
    if interactor.limit.is_some() {
        return false;
    }
    match DriverRecord::parse(&interactor.result) {
        Ok(Some(DriverRecord::Raised(text))) => {
            text.starts_with("BrokenPipeError") || text.starts_with("EOFError")
        }
        _ => interactor.end == End::Signaled { signal: libc::SIGPIPE },
    }
}

fn failed(message: String) -> Decision {
    Decision::new(Verdict::Undecided, message).because(Cause::BadTests)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn outcome(end: End, limit: Option<LimitHit>, ended_ms: u64) -> Outcome {
        Outcome { ended_at: Duration::from_millis(ended_ms), ..Outcome::silent(end, limit) }
    }

    fn exited(code: i32, ended_ms: u64) -> Outcome {
        outcome(End::Exited { code }, None, ended_ms)
    }

    fn killed(signal: i32, limit: Option<LimitHit>, ended_ms: u64) -> Outcome {
        outcome(End::Signaled { signal }, limit, ended_ms)
    }

    #[test]
    fn every_row_of_the_table() {
        const RIGHT: Ruling = Ruling::Right { message: None };
        const WRONG: Ruling = Ruling::Wrong { message: None };
        let broken = || Ruling::Failed { message: String::new() };
        let (kill, segv, pipe) = (libc::SIGKILL, libc::SIGSEGV, libc::SIGPIPE);
        let wall = |at| killed(kill, Some(LimitHit::Wall), at);
        let cpu = |at| killed(kill, Some(LimitHit::Cpu), at);
        let rows = [
            (exited(0, 1), Some((exited(0, 2), RIGHT)), Verdict::Accepted),
            (exited(0, 1), Some((exited(1, 2), WRONG)), Verdict::WrongAnswer),
            (exited(0, 1), Some((exited(3, 2), broken())), Verdict::Undecided),
            (exited(0, 1), None, Verdict::Undecided),
            (exited(0, 1), Some((killed(pipe, None, 2), broken())), Verdict::WrongAnswer),
            (exited(0, 3), Some((killed(pipe, None, 2), broken())), Verdict::Undecided),
            (exited(0, 3), Some((exited(0, 2), RIGHT)), Verdict::Accepted),
            (exited(0, 3), Some((exited(1, 2), WRONG)), Verdict::WrongAnswer),
            (exited(0, 3), Some((exited(3, 2), broken())), Verdict::Undecided),
            // A crash first decides, whatever the interactor makes of it.
            (killed(segv, None, 1), Some((exited(1, 2), WRONG)), Verdict::RuntimeError),
            (killed(segv, None, 1), Some((exited(9, 2), broken())), Verdict::RuntimeError),
            (killed(segv, None, 1), None, Verdict::RuntimeError),
            (exited(1, 1), Some((exited(0, 2), RIGHT)), Verdict::RuntimeError),
            // A crash at the end of file that a verdict brought does not, unless the verdict was "right".
            (exited(1, 3), Some((exited(1, 2), WRONG)), Verdict::WrongAnswer),
            (exited(1, 3), Some((exited(9, 2), broken())), Verdict::Undecided),
            (exited(1, 3), Some((exited(0, 2), RIGHT)), Verdict::RuntimeError),
            (killed(pipe, None, 1), Some((exited(1, 2), WRONG)), Verdict::WrongAnswer),
            (killed(pipe, None, 3), Some((exited(0, 2), RIGHT)), Verdict::Accepted),
            (killed(pipe, None, 1), Some((exited(9, 2), broken())), Verdict::Undecided),
            (cpu(1), Some((exited(1, 2), WRONG)), Verdict::TimeLimit),
            (cpu(1), Some((exited(9, 2), broken())), Verdict::TimeLimit),
            (cpu(1), None, Verdict::TimeLimit),
            (cpu(3), Some((exited(1, 2), WRONG)), Verdict::WrongAnswer),
            (cpu(3), Some((exited(9, 2), broken())), Verdict::Undecided),
            (cpu(3), Some((exited(0, 2), RIGHT)), Verdict::TimeLimit),
            (wall(1), Some((exited(1, 2), WRONG)), Verdict::TimeLimit),
            (wall(1), Some((exited(9, 2), broken())), Verdict::TimeLimit),
            (wall(1), Some((cpu(2), broken())), Verdict::Undecided),
            (wall(1), None, Verdict::Undecided),
            (wall(3), Some((exited(1, 2), WRONG)), Verdict::WrongAnswer),
            (wall(3), Some((exited(0, 2), RIGHT)), Verdict::TimeLimit),
        ];
        for (row, (solution, interactor, expected)) in rows.into_iter().enumerate() {
            let interacted =
                interactor.as_ref().map(|(outcome, ruling)| Interacted { outcome, ruling: ruling.clone() });
            let decision = decide_interactive(&Ran::new(&solution), interacted);
            assert_eq!(decision.verdict, expected, "row {row}: {solution:?} {interactor:?}");
        }
    }
}
