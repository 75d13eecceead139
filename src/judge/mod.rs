//! Comparison of what came out with what was expected. Pure. What each rule takes for equal, pair by pair, is in
//! `README.md` beside this file.
//!
//! | file | what it holds |
//! |---|---|
//! | `rule` | [`Compare`], [`Rule`]: the rules by name, and what each means |
//! | `output` | [`compare_output`]: bytes that a program printed, by a rule |
//! | `unordered`, `field` | units of text in any order, by fingerprints |
//! | `white_space` | words and lines, as C and as Python tell them apart |
//! | `result` | [`compare_value`]: what a function returned, as data, by a rule |
//! | `packed` | [`compare_packed`]: the same of what is large, in little room |
//! | `profile` | [`Profile`]: how a known data set's own judge decides, as meant or as released |
//! | `released`, `chains` | the released judges' comparisons, faults and all |
//! | `floats` | `float()`, `round()` and `np.isclose` as they are there |
//! | `python_equality` | `==` as Python has it, which some of them use |
//! | `checker` | [`CheckerProtocol`]: how checker programs are called, and what their end means |
//! | `tally` | [`Tally`]: one judge's word on a submission, test by test |
//! | `driver_record` | [`DriverRecord`]: what the program inside the cell says happened |
//! | `tests_record` | [`TestsRecord`]: what the tests' own process says, of tests that hold code |

mod chains;
mod checker;
mod driver_record;
#[cfg(test)]
mod driver_tests;
mod field;
mod floats;
mod output;
mod packed;
pub mod profile;
#[cfg(test)]
mod properties;
mod python_equality;
mod released;
mod result;
pub mod rule;
#[cfg(test)]
mod tables;
mod tally;
mod tests_record;
mod unordered;
mod white_space;

pub use checker::{CheckerProtocol, Ruling};
pub use driver_record::{DriverRecord, InvalidRecord, LargeResult};
pub use output::{compare_output, compare_output_with_any};
pub use packed::{Form, SMALL_BYTES, are_equal, compare_packed};
pub use profile::{Ending, Fidelity, Judge, Judged, Profile};
pub use result::{compare_value, compare_value_with_any};
pub use rule::{Compare, Letters, Order, Rule, RuleError, Tolerance, Unit, Whole};
pub use tally::{JudgedBy, Tally};
pub use tests_record::{Tag, TestsRecord};

/// The outcome of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    Match,
    /// `explanation` is one bounded line for a person, safe to print on a terminal.
    Mismatch {
        explanation: String,
    },
}

impl Comparison {
    pub fn is_match(&self) -> bool {
        matches!(self, Comparison::Match)
    }

    fn mismatch(explanation: String) -> Comparison {
        Comparison::Mismatch { explanation }
    }
}

/// Compares with each of several accepted answers; explains the difference to the first.
fn compare_with_any<T>(accepted: &[T], compare: impl Fn(&T) -> Comparison) -> Comparison {
    let Some((first, others)) = accepted.split_first() else {
        return Comparison::mismatch("no answer is accepted".to_owned());
    };
    let Comparison::Mismatch { mut explanation } = compare(first) else { return Comparison::Match };
    if others.iter().any(|other| compare(other).is_match()) {
        return Comparison::Match;
    }
    if !others.is_empty() {
        explanation.push_str(&format!(" (nor is it any of {} other accepted answers)", others.len()));
    }
    Comparison::mismatch(explanation)
}
