//! The path of a request, top to bottom.

use crate::{report::Report, submission::Submission};

/// Everything that verifying needs: languages, slots, cells, metrics. One per process.
pub struct Engine {}

impl Engine {
    /// Runs a submission's tests and judges them. Never fails: a fault of ours is a report whose
    /// verdict is `undecided`. Dropping the future ends the run and frees its slot.
    pub async fn verify(&self, _submission: Submission) -> Report {
        unimplemented!()
    }
}
