//! What can run.

/// A language of this installation.
#[derive(Debug, Clone)]
pub struct Language {
    pub name: String,
    pub version: Option<String>,
}

/// The languages of this installation.
pub type Languages = Vec<Language>;
