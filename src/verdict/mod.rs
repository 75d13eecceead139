//! What an outcome means. Pure: no clock, no kernel, no I/O.
//!
//! | file | what it holds |
//! |---|---|
//! | `decision` | [`Verdict`], [`Cause`], [`Decision`]; what a run's end alone says |
//! | `decide` | what a run of a program or a function means |
//! | `code` | what a run of tests that hold code means |
//! | `interactive` | what a conversation with an interactor means |
//! | `checker` | how checker programs are called, and what their end means |
//! | `tally` | one judge's word on a submission, test by test |
//! | `driver_record`, `tests_record` | what the programs inside the cells say happened |
//! | `returned`, `limits` | what a function returned; words about limits |

pub mod checker;
pub mod code;
mod decide;
mod decision;
pub mod driver_record;
#[cfg(test)]
mod driver_tests;
mod interactive;
mod limits;
mod returned;
pub mod tally;
pub mod tests_record;

pub use self::{
    decide::{decide_checked, decide_function, decide_program, decide_returned_at_all, program_output},
    decision::{Cause, Decision, Ran, Verdict},
    interactive::{Interacted, decide_interactive},
};
