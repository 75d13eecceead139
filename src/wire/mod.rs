//! The wire: JSON submissions in, JSON reports out. The same words in HTTP and in the files of
//! `proofbox verify`.
//!
//! [`parse`] checks a submission once and names the field in every complaint. A submission falls in
//! one of three kinds: one that can be run; one that is well formed but cannot be decided here
//! ([`Asked::Undecidable`]: no tests, or a feature of a later release), answered by a report; and one
//! that does not say what is wanted ([`BadRequest`]), answered by an error.
//!
//! JSON decides what can be said. Integers of any size are exact. `NaN` and `Infinity` are not JSON
//! and are refused; a *string* `"NaN"` is a string. Text is UTF-8 without a byte order mark.
//!
//! What is read takes no more room than its text: values are packed ([`crate::value::Packed`]), and what would be a
//! list of many small things is bounded while it is read.

mod programs;
mod report;
mod submission;
mod tests_field;
mod values;
mod words;

pub use report::{WireReport, report_json};
pub(crate) use submission::Pairs;
pub use submission::{Asked, id_of, parse};
pub(crate) use words::{json_complaint, not_json};

use crate::{limits::GivenLimits, submission::Repeat};

/// Most tests in one submission where no setting says otherwise.
pub const DEFAULT_MAX_TESTS: usize = 10_000;

/// What a submission may hold beyond the bound on its size, and what it means where it is silent.
#[derive(Debug, Clone, Copy)]
pub struct WireBounds {
    pub max_tests: usize,
    pub defaults: WireDefaults,
}

/// What is meant by submissions that do not say, in place of what is meant everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WireDefaults {
    pub limits: GivenLimits,
    pub repeat: Option<Repeat>,
}

impl Default for WireBounds {
    fn default() -> Self {
        WireBounds { max_tests: DEFAULT_MAX_TESTS, defaults: WireDefaults::default() }
    }
}

/// A submission that does not say what is wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{detail}", field.as_deref().map(|field| format!("{field}: ")).unwrap_or_default())]
pub struct BadRequest {
    /// Path of the field complained of, such as `tests[3].stdin`; `None` where the text as a whole
    /// is not a JSON object.
    pub field: Option<String>,
    pub detail: String,
}

impl BadRequest {
    pub(crate) fn whole(detail: impl Into<String>) -> BadRequest {
        BadRequest { field: None, detail: detail.into() }
    }

    pub(crate) fn at(field: impl Into<String>, detail: impl Into<String>) -> BadRequest {
        BadRequest { field: Some(field.into()), detail: detail.into() }
    }
}

#[cfg(test)]
mod tests;
