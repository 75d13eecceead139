//! What a conversation between a solution and an interactor means. Pure.
//!
//! Each runs in its own cell and either may end, hang or be killed; when one is gone, the other reads
//! an end of file, while what it still writes is taken and goes nowhere. So what ends second may only be a
//! consequence of what ended first. The solution is ended as soon as the interactor has said anything but "right".
//!
//! | the solution | the interactor | decision |
//! |---|---|---|
//! | ended first, well | says right or wrong | what it says |
//! | ended first, well | failed, or does not end | `undecided: bad_tests` |
//! | ended first, by a crash or its CPU, memory or output limit | anything | the solution's failure |
//! | ended first, by its wall limit | ended soon after: it was waiting | `time_limit`, cause `wall_time` |
//! | ended first, by its wall limit | over a limit of its own: it hung; or it then wrote what it had kept back | `undecided: bad_tests` |
//! | ended, or closed its output | met an end of file that it did not expect | `wrong_answer` |
//! | ended second, however | had said wrong, or failed | `wrong_answer`; `undecided: bad_tests` |
//! | ended second, badly | had said right | the solution's failure |

use super::{
    checker::Ruling,
    decide::decide_checked,
    decision::{Cause, Decision, Ran, Verdict, decide_end, decide_limit},
    driver_record::DriverRecord,
};
use crate::sandbox::{LimitHit, Outcome};

/// How an interactor ended, and what it said by that.
#[derive(Debug)]
pub struct Interacted<'a> {
    pub outcome: &'a Outcome,
    pub ruling: Ruling,
    /// When the solution had ended it wrote what it had said before and not sent.
    pub kept_back: bool,
}

/// `interactor`: `None` where it had not ended long after the solution.
pub fn decide_interactive(ran: &Ran, interactor: Option<Interacted<'_>>) -> Decision {
    if let Ok(Some(DriverRecord::Syntax(text))) = &ran.record {
        return Decision::new(Verdict::CompileError, super::decision::bounded(text));
    }
    let solution = ran.outcome;
    let own = decide_limit(solution).or_else(|| decide_end(solution));
    let Some(Interacted { outcome, ruling, kept_back }) = interactor else {
        let is_waiting_for_it = matches!(solution.limit, Some(LimitHit::Wall)) || own.is_none();
        return own
            .filter(|_| !is_waiting_for_it)
            .unwrap_or_else(|| failed("the interactor did not end after the solution had".to_owned()));
    };
    let ruling = match was_left_alone(outcome) {
        true => Ruling::Wrong { message: Some("the solution left the conversation".to_owned()) },
        false => ruling,
    };
    let waited = solution.limit == Some(LimitHit::Wall);
    match (own, outcome.ended_at < solution.ended_at) {
        (Some(own), true) if matches!(ruling, Ruling::Right { .. }) => own,
        (_, true) | (None, false) => decide_checked(ruling),
        (Some(_), false) if waited && outcome.limit.is_some() => decide_checked(ruling),
        (Some(_), false) if waited && kept_back => {
            failed("the interactor waited for the solution and had not flushed its own last word".to_owned())
        }
        (Some(own), false) => own,
    }
}

/// Whether an interactor in Python ended because there was nobody left to talk to. Nothing else ends its input.
fn was_left_alone(interactor: &Outcome) -> bool {
    let record = DriverRecord::parse(&interactor.result);
    let is_end_of_file =
        matches!(record, Ok(Some(DriverRecord::Raised(text))) if text.starts_with("EOFError"));
    is_end_of_file && interactor.limit.is_none()
}

fn failed(message: String) -> Decision {
    Decision::new(Verdict::Undecided, message).because(Cause::BadTests)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sandbox::End;

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
            // Nobody refused what it wrote: its own doing.
            (exited(0, 1), Some((killed(pipe, None, 2), broken())), Verdict::Undecided),
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
            (killed(pipe, None, 1), Some((exited(1, 2), WRONG)), Verdict::RuntimeError),
            (killed(pipe, None, 3), Some((exited(0, 2), RIGHT)), Verdict::RuntimeError),
            // Ended by us.
            (killed(kill, None, 3), Some((exited(1, 2), WRONG)), Verdict::WrongAnswer),
            (killed(kill, None, 3), Some((exited(9, 2), broken())), Verdict::Undecided),
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
            let interacted = |kept_back| {
                interactor.as_ref().map(|(outcome, ruling)| {
                    let ruling = ruling.clone();
                    Interacted { outcome, ruling, kept_back }
                })
            };
            let ran = Ran::new(&solution);
            let decision = decide_interactive(&ran, interacted(false));
            assert_eq!(decision.verdict, expected, "row {row}: {solution:?} {interactor:?}");
            // What was kept back matters only to who waited for it.
            let is_blamed = solution.limit == Some(LimitHit::Wall)
                && interactor.as_ref().is_some_and(|(outcome, _)| outcome.ended_at > solution.ended_at);
            let blamed = if is_blamed { Verdict::Undecided } else { expected };
            assert_eq!(decide_interactive(&ran, interacted(true)).verdict, blamed, "row {row}");
        }
    }
}
