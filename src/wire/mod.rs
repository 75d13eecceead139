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
