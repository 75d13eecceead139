//! The path of a request, top to bottom.

use crate::{
    admission::{Admission, Admit},
    config::EngineConfig,
    language::{LanguageError, Languages},
    metrics::Metrics,
    report::Report,
    submission::Submission,
    verdict::Cause,
};

/// Everything that verifying needs: languages, slots, cells, metrics. One per process.
#[derive(Debug)]
pub struct Engine {
    languages: Languages,
    admission: Admission,
    metrics: Metrics,
}

/// The engine cannot run here. The text says what is missing and how to get it.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Language(#[from] LanguageError),
}

impl Engine {
    pub fn start(config: &EngineConfig) -> Result<Engine, EngineError> {
        Ok(Engine {
            languages: Languages::load(config)?,
            admission: Admission::with_max_wait(config.slots.get(), config.max_waiting, config.max_wait),
            metrics: Metrics::new(["python".to_owned()]),
        })
    }

    /// Runs a submission's tests and judges them. Never fails: a fault of ours is a report whose
    /// verdict is `undecided`. Dropping the future ends the run and frees its slot.
    pub async fn verify(&self, submission: Submission, admit: Admit) -> Report {
        let _in_flight = self.metrics.submission_started();
        let (cause, reason) = match self.admission.enter(admit).await {
            Err(overloaded) => (Cause::Overloaded, overloaded.to_string()),
            Ok(_slot) => (Cause::SandboxFault, "no sandbox is built in".to_owned()),
        };
        Report::undecided(submission.id, cause, reason, submission.tests.len())
    }

    pub fn languages(&self) -> &Languages {
        &self.languages
    }

    pub fn admission(&self) -> &Admission {
        &self.admission
    }

    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}
