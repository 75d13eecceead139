//! Which runner carries a submission out.

use crate::{
    config::EngineConfig,
    language::{Language, Languages, Start, wasm::WasmLanguage},
    sandbox::{
        Cell, Fault, Job, Sandbox, Tier,
        wasm::{Metering, WasmSandbox},
    },
    submission::{Runtime, Submission},
    value::marshal::TooLarge,
};

use crate::admission::Place;

/// The runners of this installation.
#[derive(Debug)]
pub struct Runners {
    pub languages: Languages,
    pub sandbox: Sandbox,
    pub wasm: WasmSandbox,
    /// What is meant by a submission that leaves it open.
    pub runtime: Runtime,
    /// Weakest isolation to accept.
    pub min_tier: Tier,
}

/// A language of one of the runners.
#[derive(Debug, Clone, Copy)]
pub enum Runner<'a> {
    Native(&'a Language, Tier),
    Wasm(WasmLanguage<'a>, Metering),
}

impl<'a> Runner<'a> {
    /// The language's name.
    pub fn language(self) -> &'a str {
        match self {
            Runner::Native(language, _) => language.name(),
            Runner::Wasm(language, _) => language.name(),
        }
    }

    /// The isolation that its cells have.
    pub fn tier(self) -> Tier {
        match self {
            Runner::Native(_, tier) => tier,
            Runner::Wasm(..) => Tier::Wasm,
        }
    }

    /// What a cell does for a submission.
    pub fn job(self, submission: &Submission, start: Start) -> Result<Job, TooLarge> {
        match self {
            Runner::Native(language, tier) => language.job(submission, tier, start),
            Runner::Wasm(language, _) => language.job(submission),
        }
    }
}

impl Runners {
    /// Whether there is a native runner.
    fn has_native(&self) -> bool {
        self.sandbox.tier() != Tier::Wasm
    }

    /// Whether solutions may run in WebAssembly at all.
    fn allows_wasm(&self) -> bool {
        self.min_tier == Tier::Wasm
    }

    /// The runner for a submission, or why there is none.
    pub fn route(&self, submission: &Submission) -> Result<Runner<'_>, String> {
        let asked = match submission.runtime {
            Runtime::Auto if submission.deterministic => Runtime::Wasm,
            Runtime::Auto => self.runtime,
            asked => asked,
        };
        let native = || self.languages.find(&submission.language).filter(|_| self.has_native());
        match asked {
            Runtime::Native if submission.deterministic => {
                Err("native runs are measured by a clock: \"deterministic\" needs the runtime \"wasm\""
                    .to_owned())
            }
            Runtime::Native => self.found_native(native()),
            Runtime::Wasm => self.route_wasm(submission),
            Runtime::Auto => match (native(), self.allows_wasm()) {
                (None, true) => self.route_wasm(submission),
                (found, _) => self.found_native(found),
            },
        }
    }

    fn found_native<'a>(&'a self, found: Option<&'a Language>) -> Result<Runner<'a>, String> {
        if !self.has_native() {
            return Err("there is no native runner here, which was asked for".to_owned());
        }
        let known: Vec<&str> = self.languages.iter().map(Language::name).collect();
        found.map(|language| Runner::Native(language, self.sandbox.tier())).ok_or_else(|| {
            format!("this installation does not offer that language; it has {}", known.join(", "))
        })
    }

    fn route_wasm(&self, submission: &Submission) -> Result<Runner<'_>, String> {
        if !self.allows_wasm() {
            let least = self.min_tier.as_str();
            return Err(format!(
                "WebAssembly is asked for, and less than the tier {least} is not accepted here (--min-tier)"
            ));
        }
        let metering = if submission.deterministic { Metering::Fuel } else { Metering::Clock };
        let Some(language) = WasmLanguage::find(&self.wasm, &submission.language) else {
            let known: Vec<&str> =
                self.wasm.manifests().iter().map(|manifest| &manifest.languages[0][..]).collect();
            return Err(format!(
                "the Wasm runner does not offer that language; it has {}",
                [known, vec!["wasm"]].concat().join(", ")
            ));
        };
        match language.obstacle(&self.wasm, submission, metering) {
            None => Ok(Runner::Wasm(language, metering)),
            Some(obstacle) => Err(obstacle),
        }
    }

    /// Starts a job in a cell of the runner's.
    pub async fn open(
        &self,
        runner: Runner<'_>,
        submission: &Submission,
        place: Place,
        job: Job,
    ) -> Result<Cell, Fault> {
        let limits = submission.limits;
        Ok(match runner {
            Runner::Native(language, tier) => {
                let launcher = language.launcher_for(submission, tier);
                Cell::Native(self.sandbox.open(&launcher, place, limits, job).await?)
            }
            Runner::Wasm(language, metering) => {
                Cell::Wasm(self.wasm.open(language.guests(), metering, place, limits, job)?)
            }
        })
    }
}

/// The Wasm runner that the settings ask for.
pub fn wasm(config: &EngineConfig) -> Result<WasmSandbox, crate::sandbox::wasm::WasmImageError> {
    WasmSandbox::new(config.images_dir.as_deref(), config.wasm_dir.clone())
}
