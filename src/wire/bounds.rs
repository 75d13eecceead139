//! What a submission may hold, and the complaint about one that does not say what is wanted.

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
