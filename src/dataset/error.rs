//! What can be wrong with a data set as a file.

use std::path::{Path, PathBuf};

/// An input file that cannot be read on: which file, where in it, what is wrong.
///
/// There are no variants, because every caller stops and shows the error.
#[derive(Debug, thiserror::Error)]
#[error("{}: {place}{what}", path.display())]
pub struct DatasetError {
    path: PathBuf,
    /// Empty, or the place inside the file followed by `: `, such as `line 7 (byte 1830): `.
    place: String,
    what: String,
}

impl DatasetError {
    /// The file as a whole is wrong.
    pub fn file(path: &Path, what: impl Into<String>) -> DatasetError {
        DatasetError { path: path.to_owned(), place: String::new(), what: what.into() }
    }

    /// Something at `place` (a line, a column, a row group) is wrong.
    pub fn at(path: &Path, place: impl std::fmt::Display, what: impl Into<String>) -> DatasetError {
        DatasetError { path: path.to_owned(), place: format!("{place}: "), what: what.into() }
    }

    /// The operating system refused: `doing` names the step, such as `cannot open`.
    pub fn io(path: &Path, doing: &str, error: &std::io::Error) -> DatasetError {
        DatasetError::file(path, format!("{doing}: {error}"))
    }
}
