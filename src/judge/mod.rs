//! Comparison of what came out with what was expected. Pure. What each rule takes for equal, pair by pair, is in
//! `README.md` beside this file.
//!
//! Reading downwards:
//!
//! | file | what it holds |
//! |---|---|
//! | `compare` | [`Compare`]: a rule or a data set's judge, by name |
//! | `profiles/profile` | [`Profile`]: how a known data set's own judge decides, as meant or as released |
//! | `profiles/released`, `profiles/chains` | the released judges' comparisons, faults and all |
//! | `profiles/python_equality` | `==` as Python has it, which some of them use |
//! | `rules/rule` | [`Rule`]: the rules by name, and what each means |
//! | `rules/output` | [`compare_output`]: bytes that a program printed, by a rule |
//! | `rules/unordered`, `rules/fingerprint_field` | units of text in any order, by fingerprints |
//! | `rules/result` | [`compare_value`]: what a function returned, as data, by a rule |
//! | `rules/packed` | [`compare_packed`]: what a function returned where it is large, in little room |
//! | `text` | words and lines, as C and as Python tell them apart |
//! | `numbers` | `float()`, `round()`, `np.isclose` and decimals as they are there |
//! | `comparison` | [`Comparison`]: equal, or what differs |

mod compare;
mod comparison;
mod numbers;
pub mod profiles;
#[cfg(test)]
mod properties;
mod rules;
#[cfg(test)]
mod tables;
mod text;

pub use self::{
    compare::Compare,
    comparison::Comparison,
    profiles::profile::{Ending, Fidelity, Judge, Judged, Profile},
    rules::{
        output::{compare_output, compare_output_with_any},
        packed::{Form, SMALL_BYTES, are_equal, compare_packed},
        result::{compare_value, compare_value_with_any},
        rule::{Letters, Order, Rule, RuleError, Tolerance, Unit, Whole},
    },
};
