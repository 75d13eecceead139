//! What can go wrong in a job.

use std::path::{Path, PathBuf};

use crate::dataset::DatasetError;

/// A job that cannot go on. What was verified so far stays in the journal.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// The input is at fault.
    #[error(transparent)]
    Input(#[from] DatasetError),
    /// The output, the verdict table or the journal cannot be written or read.
    #[error("{}: {what}", path.display())]
    File { path: PathBuf, what: String },
    /// The verifier panicked; a defect of ours.
    #[error("internal error while verifying: {0}")]
    Internal(String),
}

impl FilterError {
    pub fn file(path: &Path, what: impl Into<String>) -> FilterError {
        FilterError::File { path: path.to_owned(), what: what.into() }
    }

    /// `doing` names the step, such as `cannot write`.
    pub fn io(path: &Path, doing: &str, error: &std::io::Error) -> FilterError {
        FilterError::file(path, format!("{doing}: {error}"))
    }
}
