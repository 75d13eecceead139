//! Languages in WebAssembly: those of the Wasm images, and modules that are themselves the solution.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    error::LanguageError,
    job::TestsOrder,
    offer::WasmOffer,
    python::tests_plan,
    toolchain::{Toolchain, ToolchainLanguage, Toolchains},
};
use crate::{
    config::EngineConfig,
    sandbox::{
        Job, LauncherConfig, Program, Run, SOURCE_DIR, Tier,
        native::walls::seccomp::policy::PolicyError,
        wasm::{GuestDriver, Guests, Manifest, Metering, WasmImageError, WasmSandbox},
    },
    submission::{CodeTests, Prelude, Submission, Tests},
    value::marshal::{Call, TooLarge},
};

/// What a submission's solution is, to the Wasm runner.
#[derive(Debug, Clone, Copy)]
pub enum WasmLanguage<'a> {
    Image(&'a Manifest),
    /// A toolchain makes a module of it, natively.
    Compiled(ToolchainLanguage<'a>),
    /// The language `wasm`: the source is a WASI module.
    Module,
}

/// The languages of the Wasm runner, and what they are run and compiled with.
#[derive(Debug)]
pub struct WasmLanguages {
    sandbox: WasmSandbox,
    toolchains: Arc<Toolchains>,
}

impl WasmLanguages {
    /// Knows the images and toolchains that the settings name. Nothing is loaded yet.
    pub fn load(config: &EngineConfig) -> Result<WasmLanguages, LanguageError> {
        let (program, fail_step) = (config.program.clone(), config.fail_step.clone());
        let images = config.images_dir.as_deref();
        Ok(WasmLanguages::with_program(images, config.wasm_dir.clone(), program, fail_step)?)
    }

    /// Knows the images and toolchains of a directory, or those built into this program. `cache`: where built ones
    /// lie.
    pub fn new(images: Option<&Path>, cache: PathBuf) -> Result<WasmLanguages, WasmImageError> {
        WasmLanguages::with_program(images, cache, EngineConfig::THIS_PROGRAM.into(), None)
    }

    /// `program` and `fail_step`: as for [`WasmSandbox::new`].
    fn with_program(
        images: Option<&Path>,
        cache: PathBuf,
        program: PathBuf,
        fail_step: Option<(String, i32)>,
    ) -> Result<WasmLanguages, WasmImageError> {
        let (manifests, toolchains) = match images {
            Some(directory) => load_all(directory)?,
            None => (Manifest::shipped(), Toolchain::shipped()),
        };
        Ok(WasmLanguages {
            sandbox: WasmSandbox::new(manifests, cache.clone(), program, fail_step),
            toolchains: Arc::new(Toolchains::new(toolchains, cache)),
        })
    }

    pub fn sandbox(&self) -> &WasmSandbox {
        &self.sandbox
    }

    /// Shared, for who opens one on a thread of its own.
    pub fn toolchains(&self) -> &Arc<Toolchains> {
        &self.toolchains
    }

    /// Names of all images and toolchains.
    pub fn images(&self) -> impl Iterator<Item = &str> {
        let images = self.sandbox.manifests().iter().map(|manifest| &manifest.name[..]);
        images.chain(self.toolchains.all().iter().map(|toolchain| &toolchain.name[..]))
    }

    /// The launchers of cells that compile, in a tier. They start when they are first needed.
    pub fn launchers(&self, tier: Tier) -> Result<Vec<LauncherConfig>, PolicyError> {
        let launcher = |toolchain: &Toolchain| {
            let image = toolchain.setup(self.toolchains.cache(), tier)?;
            Ok(LauncherConfig { name: toolchain.launcher(), image, warm: None, at_first_use: true })
        };
        self.toolchains.all().iter().map(launcher).collect()
    }

    /// Whether any image is built.
    pub fn has_an_image(&self) -> bool {
        self.sandbox.manifests().iter().any(|manifest| self.sandbox.is_built(manifest, Metering::Clock))
    }

    /// Finds a language by one of its names, in any letter case.
    pub fn find(&self, name: &str) -> Option<WasmLanguage<'_>> {
        if name.eq_ignore_ascii_case(WasmLanguage::MODULE) {
            return Some(WasmLanguage::Module);
        }
        let knows =
            |manifest: &&Manifest| manifest.languages.iter().any(|known| known.eq_ignore_ascii_case(name));
        let image = self.sandbox.manifests().iter().find(knows).map(WasmLanguage::Image);
        let compiled = || self.toolchains.all().iter().find_map(|toolchain| toolchain.find(name));
        image.or_else(|| compiled().map(WasmLanguage::Compiled))
    }

    /// Whether a language is called so.
    pub fn knows(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// All languages, built or not; that of modules last.
    pub fn offers(&self) -> Vec<WasmOffer<'_>> {
        let images = self.sandbox.manifests().iter().map(|manifest| WasmOffer {
            language: &manifest.languages[0],
            version: &manifest.version,
            image: Some(&manifest.name),
            is_built: self.sandbox.is_built(manifest, Metering::Clock),
            is_compiled: false,
        });
        let toolchains = self.toolchains.all().iter().flat_map(|toolchain| {
            let is_built = toolchain.is_built(self.toolchains.cache());
            toolchain.names().map(move |language| WasmOffer {
                language,
                version: &toolchain.version,
                image: Some(&toolchain.name),
                is_built,
                is_compiled: true,
            })
        });
        let modules = WasmOffer {
            language: WasmLanguage::MODULE,
            version: "WASI preview 1",
            image: None,
            is_built: true,
            is_compiled: false,
        };
        images.chain(toolchains).chain([modules]).collect()
    }
}

/// Every `wasm-*/image.toml` below a directory, by name: images and toolchains.
fn load_all(directory: &Path) -> Result<(Vec<Manifest>, Vec<Toolchain>), WasmImageError> {
    let failed = |path: &Path, source| WasmImageError::Io {
        image: "wasm-*".to_owned(),
        path: path.to_owned(),
        source,
    };
    let (mut manifests, mut toolchains) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(directory).map_err(|source| failed(directory, source))? {
        let entry = entry.map_err(|source| failed(directory, source))?;
        let path = entry.path().join("image.toml");
        if !entry.file_name().to_string_lossy().starts_with("wasm-") || !path.exists() {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(|source| failed(&path, source))?;
        let name = path.display().to_string();
        if Toolchain::is_one(&text) {
            toolchains.push(Toolchain::parse(&name, &text)?);
        } else {
            manifests.push(Manifest::parse(&name, &text)?);
        }
    }
    manifests.sort_by(|one, other| one.name.cmp(&other.name));
    toolchains.sort_by(|one, other| one.name.cmp(&other.name));
    Ok((manifests, toolchains))
}

impl<'a> WasmLanguage<'a> {
    /// The name of the language of uploaded modules.
    const MODULE: &'static str = "wasm";

    /// The language's name.
    pub fn name(&self) -> &'a str {
        match self {
            WasmLanguage::Image(manifest) => &manifest.languages[0],
            WasmLanguage::Compiled(language) => language.name(),
            WasmLanguage::Module => WasmLanguage::MODULE,
        }
    }

    /// What cells of this language run.
    pub fn guests(&self) -> Guests {
        match self {
            WasmLanguage::Image(manifest) => Guests::Image(manifest.name.clone()),
            WasmLanguage::Compiled(language) => {
                Guests::Program { stack_bytes: language.toolchain().stack_bytes() }
            }
            WasmLanguage::Module => Guests::Upload,
        }
    }

    /// Why a submission cannot be run now; `None` if it can.
    pub fn obstacle(
        &self,
        languages: &WasmLanguages,
        submission: &Submission,
        metering: Metering,
    ) -> Option<String> {
        if submission.judge.is_some() || submission.reference.is_some() {
            return Some(
                "checkers, interactors and references run natively only, and with them the solution"
                    .to_owned(),
            );
        }
        if matches!(submission.tests, Tests::Code(_)) && !self.carries_code_tests() {
            return Some("tests that hold code are for Python solutions".to_owned());
        }
        if submission.io.input_file.is_some() || submission.io.output_file.is_some() {
            return Some("files for input and output are given to native runs only".to_owned());
        }
        match self {
            WasmLanguage::Image(manifest) if !languages.sandbox.is_built(manifest, metering) => {
                let flag = if metering == Metering::Fuel { " --deterministic" } else { "" };
                let name = &manifest.name;
                Some(format!("the image {name} is not built here: proofbox image build {name}{flag}"))
            }
            WasmLanguage::Image(manifest)
                if !matches!(manifest.driver, GuestDriver::Python)
                    && !matches!(submission.tests, Tests::Program(_)) =>
            {
                let (kind, name) = (submission.tests.kind(), self.name());
                Some(format!("{kind} tests are not offered for {name} in WebAssembly"))
            }
            WasmLanguage::Image(_) => None,
            WasmLanguage::Compiled(language)
                if !language.toolchain().is_built(languages.toolchains.cache()) =>
            {
                let name = &language.toolchain().name;
                Some(format!("the image {name} is not built here: proofbox image build {name}"))
            }
            WasmLanguage::Compiled(_) if !matches!(submission.tests, Tests::Program(_)) => {
                let (kind, name) = (submission.tests.kind(), self.name());
                Some(format!("{kind} tests are not offered for {name}"))
            }
            WasmLanguage::Compiled(_) => None,
            WasmLanguage::Module => match (&submission.tests, &submission.solution.files[..]) {
                (Tests::Program(_), [_]) => None,
                (Tests::Program(_), _) => Some("a module is one file".to_owned()),
                _ => Some("a WASI module is tested by input and output alone".to_owned()),
            },
        }
    }

    fn carries_code_tests(&self) -> bool {
        matches!(self, WasmLanguage::Image(manifest) if manifest.driver == GuestDriver::Python)
    }

    /// For tests that hold code: what the cell of the tests does.
    pub fn tests_job(
        &self,
        submission: &Submission,
        tests: &CodeTests,
        order: &TestsOrder<'_>,
    ) -> Result<Job, TooLarge> {
        let call = tests_plan(submission, tests, order)?;
        let run = Run { call: Some(call.into()), ..Run::default() };
        let job = self.runs_of(if order.shared { "shared" } else { "tests" }, submission, vec![run]);
        // Nothing of the solution's source is in the tests' cell, unless they share it.
        Ok(if order.shared { job } else { Job { sources: Arc::from([]), ..job } })
    }

    /// What a cell does for a submission: every test is one run; for tests that hold code the one run is
    /// to be asked by them. What the tests expect stays here. `program`: what the toolchain made of the solution.
    pub fn job(&self, submission: &Submission, program: Option<&Arc<[u8]>>) -> Result<Job, TooLarge> {
        let (mode, runs) = match &submission.tests {
            Tests::Program(tests) => {
                ("program", tests.iter().map(|test| Run::with_stdin(Arc::clone(&test.stdin))).collect())
            }
            Tests::Function { target, tests } => {
                let runs = tests.iter().map(|test| {
                    let call = Call::new(&target.name, &test.args, &test.kwargs)?;
                    Ok(Run { call: Some(call), ..Run::default() })
                });
                ("function", runs.collect::<Result<_, TooLarge>>()?)
            }
            Tests::Code(_) => ("serve", vec![Run::default()]),
        };
        let job = self.runs_of(mode, submission, runs);
        Ok(match program {
            Some(program) => Job { sources: Arc::from([("program".to_owned(), program.to_vec())]), ..job },
            None => job,
        })
    }

    fn runs_of(&self, mode: &str, submission: &Submission, runs: Vec<Run>) -> Job {
        let solution = &submission.solution;
        let path = &solution.files[solution.entry].path;
        let argv = match self {
            WasmLanguage::Image(manifest) => match manifest.driver {
                GuestDriver::Python => {
                    let seed = submission.seed.map_or(String::new(), |seed| seed.to_string());
                    let prelude = match submission.prelude {
                        Prelude::None => "none",
                        Prelude::Contest => "contest",
                    };
                    [mode, &format!("{SOURCE_DIR}/{path}"), prelude, &seed].map(str::to_owned).to_vec()
                }
                GuestDriver::Javascript => {
                    let seed = submission.seed.map(|seed| seed.to_string());
                    std::iter::once(format!("{SOURCE_DIR}/{path}")).chain(seed).collect()
                }
            },
            // What natively compiled programs are called.
            WasmLanguage::Compiled(_) => vec!["program".to_owned()],
            WasmLanguage::Module => vec![path.clone()],
        };
        let sources = solution.files.iter().map(|file| (file.path.clone(), file.content.clone())).collect();
        let program = Program::Exec { argv, env: Vec::new() };
        Job { program, sources, runs, collect: Arc::from([]), series: false }
    }
}
