//! All languages of this installation.

use super::{error::LanguageError, manifest::Image, native::Language, wasm::WasmLanguages};
use crate::{
    config::EngineConfig,
    sandbox::{LauncherConfig, Tier},
    submission::Runtime,
};

/// The languages of this installation.
#[derive(Debug)]
pub struct Languages {
    native: Vec<Language>,
    /// Those built in whose compiler this host does not have.
    missing: Vec<MissingLanguage>,
    wasm: WasmLanguages,
}

/// A language that is built in and that this host cannot offer.
#[derive(Debug)]
pub struct MissingLanguage {
    /// All of its names.
    pub names: Vec<String>,
    pub error: LanguageError,
}

impl Languages {
    /// Reads the images and, unless the Wasm runner alone is wanted, asks each interpreter and compiler what it is.
    /// Runs those on our own code only.
    pub fn load(config: &EngineConfig) -> Result<Languages, LanguageError> {
        let wasm = WasmLanguages::load(config)?;
        let (native, missing) = match config.runtime {
            Runtime::Wasm => (Vec::new(), Vec::new()),
            Runtime::Auto | Runtime::Native => load_native(config)?,
        };
        Ok(Languages { native, missing, wasm })
    }

    /// Those in WebAssembly alone, where nothing runs natively.
    pub fn without_native(self) -> Languages {
        Languages { native: Vec::new(), missing: Vec::new(), ..self }
    }

    /// Languages that are built in and that this host cannot offer.
    pub fn missing(&self) -> &[MissingLanguage] {
        &self.missing
    }

    /// Finds a native language by one of its names, in any letter case.
    pub fn find(&self, name: &str) -> Option<&Language> {
        self.native
            .iter()
            .find(|language| language.image.languages.iter().any(|known| known.eq_ignore_ascii_case(name)))
    }

    /// The native ones.
    pub fn iter(&self) -> impl Iterator<Item = &Language> {
        self.native.iter()
    }

    /// The languages of the Wasm runner.
    pub fn wasm(&self) -> &WasmLanguages {
        &self.wasm
    }

    /// The launchers of all cells of a tier, those that compile for WebAssembly among them.
    pub fn launchers(&self, tier: Tier) -> Result<Vec<LauncherConfig>, LanguageError> {
        let native = self.native.iter().map(|language| language.launchers(tier));
        let mut launchers = native.collect::<Result<Vec<_>, _>>()?.concat();
        launchers.extend(self.wasm.launchers(tier).map_err(LanguageError::Policy)?);
        Ok(launchers)
    }
}

fn load_native(config: &EngineConfig) -> Result<(Vec<Language>, Vec<MissingLanguage>), LanguageError> {
    let images = match &config.images_dir {
        Some(directory) => Image::load_all(directory)?,
        None => vec![Image::shipped_python()],
    };
    let offer = |image: Image| Language::load(image, config);
    let mut languages = images.into_iter().map(offer).collect::<Result<Vec<_>, LanguageError>>()?;
    let mut missing = Vec::new();
    if config.images_dir.is_none() {
        // What nobody asked for by name may be missing; who asks for it is told.
        for image in Image::shipped_compiled() {
            let names = image.languages.clone();
            match offer(image) {
                Ok(language) => languages.push(language),
                Err(error) => missing.push(MissingLanguage { names, error }),
            }
        }
    }
    Ok((languages, missing))
}
