//! Which runner takes a submission, or why none does.

use super::{engine::Engine, runner::Runner};
use crate::{
    language::{Language, MissingLanguage},
    sandbox::Tier,
    spelling::did_you_mean,
    submission::{Runtime, Submission},
};
#[cfg(feature = "wasm")]
use crate::{
    language::{toolchain::ToolchainLanguage, wasm::WasmLanguage},
    sandbox::wasm::Metering,
};

impl Engine {
    /// The runner of a submission's solution.
    ///
    /// # Errors
    /// Why what was asked for cannot be had, for the caller.
    pub(super) fn choose_runner<'a>(&'a self, submission: &Submission) -> Result<Runner<'a>, String> {
        let asked = match submission.runtime {
            Runtime::Auto if submission.deterministic => Runtime::Wasm,
            Runtime::Auto => self.runtime,
            asked => asked,
        };
        let has_native = self.sandbox.tier() != Tier::Wasm;
        let allows_wasm = self.min_tier == Tier::Wasm;
        match asked {
            Runtime::Native if submission.deterministic => {
                Err("native runs are measured by a clock: \"deterministic\" needs the runtime \"wasm\""
                    .to_owned())
            }
            Runtime::Native if !has_native => Err("there is no native runner here".to_owned()),
            Runtime::Native => self.native_runner(&submission.language),
            Runtime::Auto if has_native => match self.native_runner(&submission.language) {
                // Native words on why the language is not there.
                Err(obstacle) if !allows_wasm => Err(obstacle),
                Err(obstacle) => self.wasm_runner(submission).map_err(|_| obstacle),
                native => native,
            },
            Runtime::Wasm if !allows_wasm => {
                let least = self.min_tier.as_str();
                Err(format!(
                    "WebAssembly is asked for, and less than the tier {least} is not accepted here (--min-tier)"
                ))
            }
            Runtime::Auto | Runtime::Wasm => self.wasm_runner(submission),
        }
    }

    fn native_runner<'a>(&'a self, language: &str) -> Result<Runner<'a>, String> {
        self.languages.find(language).map(Runner::Native).ok_or_else(|| self.not_offered(language))
    }

    #[cfg(not(feature = "wasm"))]
    fn wasm_runner<'a>(&'a self, _: &Submission) -> Result<Runner<'a>, String> {
        Err("this proofbox was built without the Wasm runner".to_owned())
    }

    #[cfg(feature = "wasm")]
    fn wasm_runner<'a>(&'a self, submission: &Submission) -> Result<Runner<'a>, String> {
        let languages = self.languages.wasm();
        let Some(language) = languages.find(&submission.language) else {
            let known: Vec<&str> = languages.offers().into_iter().map(|offer| offer.language).collect();
            return Err(format!("the Wasm runner does not offer that language; it has {}", known.join(", ")));
        };
        if let WasmLanguage::Compiled(language) = language {
            self.can_compile_for_wasm(language)?;
        }
        let metering = if submission.deterministic { Metering::Fuel } else { Metering::Clock };
        match language.obstacle(languages, submission, metering) {
            None => Ok(Runner::Wasm { language, metering }),
            Some(obstacle) => Err(obstacle),
        }
    }

    /// # Errors
    /// Why this host cannot compile for WebAssembly, for the caller.
    #[cfg(feature = "wasm")]
    fn can_compile_for_wasm(&self, language: ToolchainLanguage<'_>) -> Result<(), String> {
        let (name, tier) = (language.name(), self.sandbox.tier());
        if tier == Tier::Wasm {
            return Err(format!(
                "{name} is compiled in native cells, which are not to be had here; a module that is compiled already \
                 can be submitted as the language wasm"
            ));
        }
        let cache = self.languages.wasm().toolchains().cache();
        match language.toolchain().closed_directory(cache, tier == Tier::Slot) {
            Some(closed) => Err(format!(
                "{name} is compiled in native cells, which in the tier {} cannot come to what is in {}; build {} \
                 below another directory (--wasm-dir)",
                tier.as_str(),
                closed.display(),
                language.toolchain().name,
            )),
            None => Ok(()),
        }
    }

    /// What metrics call a submission's language: nothing that a caller could make up.
    pub(super) fn language_label<'a>(
        &'a self,
        submission: &Submission,
        runner: Option<&Runner<'a>>,
    ) -> &'a str {
        match runner {
            Some(runner) => runner.language(),
            None => self.languages.find(&submission.language).map_or("", Language::name),
        }
    }

    /// Why a language cannot be had natively.
    pub(super) fn not_offered(&self, name: &str) -> String {
        match (self.missing_language(name), self.unknown_language(name)) {
            (Some(missing), _) => {
                let text = missing.error.to_string().replace('\n', "; ");
                format!("this installation does not offer that language: {text}")
            }
            (None, Some(unknown)) => unknown,
            (None, None) => format!("{name} is offered in WebAssembly only"),
        }
    }

    fn missing_language(&self, name: &str) -> Option<&MissingLanguage> {
        let is_called =
            |missing: &&MissingLanguage| missing.names.iter().any(|known| known.eq_ignore_ascii_case(name));
        self.languages.missing().iter().find(is_called)
    }

    /// That nothing is called so, and what may have been meant; `None` for a language that is known, whether or
    /// not it can be run here.
    pub fn unknown_language(&self, name: &str) -> Option<String> {
        let wasm = self.languages.wasm();
        let is_native = self.languages.find(name).is_some() || self.missing_language(name).is_some();
        if is_native || wasm.knows(name) {
            return None;
        }
        let mut known: Vec<&str> = self.languages.iter().map(Language::name).collect();
        for language in wasm.offers().into_iter().map(|offer| offer.language) {
            if !known.contains(&language) {
                known.push(language);
            }
        }
        let other_names = self.languages.iter().flat_map(|language| &language.image.languages);
        let meant = did_you_mean(name, known.iter().copied().chain(other_names.map(String::as_str)));
        let shown: String = name.chars().take(60).collect();
        Some(format!("{shown:?} is not a language of this installation{meant}; it has {}", known.join(", ")))
    }
}
