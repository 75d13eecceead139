//! What verifying needs, held once for the whole process: languages, slots, sandboxes, caches, metrics.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use crate::{
    admission::Admission,
    cache::{ContentCache, Weight},
    compile::Compilation,
    config::{EngineConfig, TierChoice},
    language::{Language, LanguageError, Languages},
    metrics::Metrics,
    sandbox::{Sandbox, SandboxConfig, StartError, Tier},
    submission::Runtime,
    value::Packed,
};

/// Everything that verifying needs. One per process.
#[derive(Debug)]
pub struct Engine {
    pub(super) languages: Languages,
    pub(super) admission: Admission,
    pub(super) sandbox: Sandbox,
    /// What is meant by a submission that leaves the runner open.
    pub(super) runtime: Runtime,
    /// Weakest isolation to accept.
    pub(super) min_tier: Tier,
    /// As in [`EngineConfig`].
    pub(super) series: bool,
    pub(super) metrics: Arc<Metrics>,
    /// Compiled programs.
    pub(super) compiled: ContentCache<Compilation>,
    #[cfg(feature = "wasm")]
    pub(super) compiled_for_wasm: ContentCache<crate::compile::wasm::WasmCompilation>,
    /// What references made.
    pub(super) expected: ContentCache<Expected>,
}

/// The engine cannot run here. The text says what is missing and how to get it.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Language(#[from] LanguageError),
    #[error(transparent)]
    Sandbox(#[from] StartError),
}

/// Room for compiled programs.
const COMPILED_BYTES: u64 = 256 << 20;
/// Room for what references made.
const EXPECTED_BYTES: u64 = 128 << 20;

impl Engine {
    /// Loads the languages and starts their launchers. Blocks for some tens of milliseconds.
    pub fn start(config: &EngineConfig) -> Result<Engine, EngineError> {
        let languages = Languages::load(config)?;
        let (languages, sandbox) = match config.runtime {
            Runtime::Wasm => (languages, Sandbox::absent(Vec::new())),
            Runtime::Auto | Runtime::Native => Engine::start_native(config, languages)?,
        };
        let admission = Admission::with_max_wait(config.slots.get(), config.max_waiting, config.max_wait);
        let native = languages.iter().map(Language::name);
        let in_wasm = languages.wasm().offers().into_iter().map(|offer| offer.language);
        let names: BTreeSet<String> = native.chain(in_wasm).map(str::to_owned).collect();
        Ok(Engine {
            languages,
            admission,
            sandbox,
            runtime: config.runtime,
            min_tier: config.min_tier,
            series: config.series,
            metrics: Arc::new(Metrics::new(names)),
            compiled: ContentCache::new(COMPILED_BYTES),
            #[cfg(feature = "wasm")]
            compiled_for_wasm: ContentCache::new(COMPILED_BYTES),
            expected: ContentCache::new(EXPECTED_BYTES),
        })
    }

    /// The native runner; where none can be had and nothing says that one must be, the Wasm runner alone, if it has an
    /// image.
    fn start_native(
        config: &EngineConfig,
        languages: Languages,
    ) -> Result<(Languages, Sandbox), EngineError> {
        let slots = config.slots.get();
        let sandbox_config = SandboxConfig {
            slots,
            tiers: config.tiers(),
            scratch_dir: config.scratch_dir.clone(),
            program: config.program.clone(),
            use_cgroups: config.use_cgroups,
            renew_after_cells: config.renew_after_cells,
            fail_step: config.fail_step.clone(),
        };
        let mut launchers = HashMap::new();
        for tier in &sandbox_config.tiers {
            launchers.insert(*tier, languages.launchers(*tier)?);
        }
        match Sandbox::start(&sandbox_config, |tier| launchers.get(&tier).cloned().unwrap_or_default()) {
            Ok(sandbox) => Ok((languages, sandbox)),
            Err(StartError::NoTier { refusals })
                if config.runtime == Runtime::Auto
                    && config.tier == TierChoice::Auto
                    && config.min_tier == Tier::Wasm
                    && languages.wasm().has_an_image() =>
            {
                tracing::warn!("no native tier can be given here: solutions run in WebAssembly alone");
                Ok((languages.without_native(), Sandbox::absent(refusals)))
            }
            Err(error) => Err(error.into()),
        }
    }

    pub fn languages(&self) -> &Languages {
        &self.languages
    }

    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub fn admission(&self) -> &Admission {
        &self.admission
    }

    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }
}

/// What a reference made, in the order of the tests that have no expected output.
#[derive(Debug, Clone)]
pub(super) enum Expected {
    Outputs(Arc<[Vec<u8>]>),
    Values(Arc<[Packed]>),
}

impl Weight for Expected {
    fn weight_bytes(&self) -> u64 {
        match self {
            Expected::Outputs(outputs) => outputs.iter().map(|output| output.len() as u64 + 64).sum(),
            Expected::Values(values) => values.iter().map(|value| value.len_bytes() as u64 + 128).sum(),
        }
    }
}
