//! The wire format: JSON submissions in, JSON reports out. HTTP and the files of `proofbox verify` use it alike.
//! `README.md` beside this file is the reference for users.
//!
//! [`parse`] checks a submission once and names the field in every complaint. There are three outcomes:
//!
//! - The submission can be run: [`Asked::Verify`].
//! - It is well formed and cannot be decided here (there are no tests): [`Asked::Undecidable`], answered by a report.
//! - It does not say what is wanted: [`BadRequest`], answered by an error.
//!
//! Integers of any size are exact. `NaN` and `Infinity` are not JSON and are refused; the string `"NaN"` is a
//! string. Text is UTF-8 without a byte order mark.
//!
//! A parsed submission takes no more memory than its text. Values are packed ([`crate::value::Packed`]), and a list
//! of many small items is bounded while it is read.

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

/// Bounds on a submission beside the one on its size, and the defaults of fields that it leaves out.
#[derive(Debug, Clone, Copy)]
pub struct WireBounds {
    pub max_tests: usize,
    pub defaults: WireDefaults,
}

/// Defaults that this installation sets for fields that a submission leaves out.
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
