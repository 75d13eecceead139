//! In a build without the Wasm runner (the cargo feature `wasm`) no language is offered in WebAssembly.

use super::{error::LanguageError, offer::WasmOffer};
use crate::{
    config::EngineConfig,
    sandbox::{LauncherConfig, Tier, native::walls::seccomp::policy::PolicyError},
};

/// No languages.
#[derive(Debug)]
pub struct WasmLanguages;

impl WasmLanguages {
    pub fn load(_: &EngineConfig) -> Result<WasmLanguages, LanguageError> {
        Ok(WasmLanguages)
    }

    pub fn launchers(&self, _: Tier) -> Result<Vec<LauncherConfig>, PolicyError> {
        Ok(Vec::new())
    }

    pub fn has_an_image(&self) -> bool {
        false
    }

    pub fn knows(&self, _: &str) -> bool {
        false
    }

    pub fn offers(&self) -> Vec<WasmOffer<'_>> {
        Vec::new()
    }
}
