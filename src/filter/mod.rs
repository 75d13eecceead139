//! The bulk client: read -> verify -> journal -> assemble.
//!
//! # Theory of operation
//!
//! A job has two passes over its input.
//!
//! 1. **Verify** ([`pipeline`]). Rows are read in order, a bounded number is verified at once, and
//!    each row's decision is appended to a journal ([`journal`]) as it comes, in any order. The
//!    journal lies in `OUTPUT.proofbox/` and begins with what it is for: the input's identity and
//!    every setting that bears on a verdict.
//! 2. **Assemble** ([`assemble`]). The input is read again; the journal says which rows are kept.
//!    Output and verdict table are written under temporary names, made durable, and renamed.
//!
//! So the output is a function of the input and the journal alone, whatever interrupted the job
//! and how often. After a kill at any instant the same command drops a torn record at the
//! journal's end, verifies the rows that have no record, and assembles. Nothing stands under the
//! output's name before it is whole.
//!
//! Memory: the rows in flight and as many waiting, one batch of rows, eight bytes per row for the
//! journal's index.

pub mod assemble;
pub mod audit;
pub mod difference;
pub mod error;
pub mod job;
pub mod journal;
pub mod pipeline;
pub mod progress;
pub mod record;
pub mod summary;
mod target;
mod verdict_table;
mod write_rows;

#[cfg(test)]
mod tests;

pub use error::FilterError;
pub use job::{Finished, Job, run};
