//! Comparison of what came out with what was expected. Pure.
//!
//! | file | what it holds |
//! |---|---|
//! | `output` | [`compare_output`]: bytes that a program printed, by a [`Compare`] rule |
//! | `result` | [`compare_value`]: what a function returned, as data |
//! | `driver_record` | [`DriverRecord`]: what the program inside the cell says happened |

mod driver_record;
mod output;
mod result;

pub use driver_record::{DriverRecord, InvalidRecord};
pub use output::{compare_output, compare_output_with_any};
pub use result::{compare_value, compare_value_with_any};

/// How a result is compared with what was expected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Compare {
    /// Byte for byte.
    Exact,
    /// Line by line; blanks at line ends and empty lines at the end do not count.
    Lines,
    /// White-space separated tokens, in order.
    Tokens,
    /// As `Tokens`, and two numbers are equal within an absolute or a relative tolerance, the
    /// latter relative to the expected number. Two integers must be the same integer: a tolerance
    /// never lets a count be off by one.
    Float { abs: f64, rel: f64 },
}

impl Compare {
    /// The rule for rows of a data set, which name none themselves: tokens, with decimal numbers
    /// equal within 1e-6.
    ///
    /// * Not `Lines`: where lines break and how blanks run is part of few problems, and data sets
    ///   were collected from judges that ignore it; a reference output with one item per line
    ///   would reject right answers that print them side by side.
    /// * With a tolerance: a problem whose answer is a decimal number accepts any answer close
    ///   enough (1e-6 is what most ask for), and the stored output is only one of them. Byte
    ///   equality rejects nearly every other right answer.
    /// * Integers stay exact, so most rows are compared as strictly as by `Tokens`. The relative
    ///   tolerance is smaller than the absolute one so that a whole number printed as a decimal
    ///   (`10000001.0` for `10000000`) is not let through either, up to 10^9.
    /// * Case counts: `Yes` for `YES` is wrong by most problems' words.
    pub const DATA_SET_DEFAULT: Compare = Compare::Float { abs: 1e-6, rel: 1e-9 };
}

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
