//! Reads data sets, with the formats and irregularities of real ones.
//!
//! | module | what it holds |
//! |---|---|
//! | [`input`] | a file that was recognised as parquet or JSONL, and its identity |
//! | [`jsonl`] | raw lines, byte for byte, and the fields of a line |
//! | [`reader`] | the few columns that verifying needs, row by row, from either format |
//! | [`fence`], [`answer`] | the code in a model's answer |
//! | [`test_cases`] | the text of a `test_cases` column -> tests |
//! | [`problem`] | which problem a row answers, and whether its tests contradict each other |
//! | [`domains`] | which rows are code, where none seems to be |
//! | [`row`] | row -> submission, or a decision that needs no run |

pub mod answer;
pub mod domains;
pub mod error;
pub mod fence;
pub mod input;
pub mod jsonl;
pub mod problem;
pub mod reader;
pub mod row;
pub mod test_cases;

#[cfg(test)]
mod tests;

pub use error::DatasetError;
pub use input::{Format, Input};
