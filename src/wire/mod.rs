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

mod bounds;
mod fields;
mod programs;
mod report;
mod submission;
mod tests_field;
mod values;
mod words;

pub use bounds::{BadRequest, DEFAULT_MAX_TESTS, WireBounds, WireDefaults};
pub(crate) use fields::Pairs;
pub use report::{WireReport, report_json};
pub use submission::{Asked, id_of, parse};
pub(crate) use words::{json_complaint, not_json};

#[cfg(test)]
mod tests;
