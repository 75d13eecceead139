//! What can be run: the languages that the sandbox images offer.

pub mod image;
pub mod python;
pub mod wasm;

use std::path::Path;

use crate::{
    config::EngineConfig,
    sandbox::{Job, LauncherConfig, Tier, policy},
    submission::Submission,
    value::marshal::TooLarge,
};

pub use self::image::{Image, ImageError};
use self::python::PythonRuntime;

/// A language is not available on this host.
#[derive(Debug, thiserror::Error)]
pub enum LanguageError {
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error(
        "{interpreter}: {problem}\nremedy: install {packages}, or name another interpreter with --python"
    )]
    Interpreter { interpreter: String, problem: String, packages: String },
    #[error(transparent)]
    Policy(#[from] policy::PolicyError),
    #[error("image {image}: {path} does not exist on this host")]
    MissingPath { image: String, path: String },
}

/// The languages of this installation.
#[derive(Debug)]
pub struct Languages {
    languages: Vec<Language>,
}

/// One language with its image, ready to run.
#[derive(Debug)]
pub struct Language {
    pub image: Image,
    runtime: PythonRuntime,
    /// Whether an interpreter is kept loaded where it can be.
    warm: bool,
}

/// How a job's runs begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Forked from an interpreter kept loaded, where there is one. String hashes are its own: the
    /// same for all runs until it is replaced.
    Usual,
    /// By executing the interpreter: every run draws its own seed for string hashes.
    Fresh,
}

impl Languages {
    /// Reads the images and asks each interpreter what it is. Runs the interpreters, on our own
    /// code only.
    pub fn load(config: &EngineConfig) -> Result<Languages, LanguageError> {
        let images = match &config.images_dir {
            Some(directory) => Image::load_all(directory)?,
            None => vec![Image::shipped_python()],
        };
        let languages = images
            .into_iter()
            .map(|image| {
                let interpreter =
                    config.python.as_deref().unwrap_or(Path::new(&image.interpreter)).to_owned();
                let runtime = PythonRuntime::discover(&interpreter, &image, config.module.clone())?;
                Ok(Language { image, runtime, warm: config.warm })
            })
            .collect::<Result<_, LanguageError>>()?;
        Ok(Languages { languages })
    }

    /// No languages, where nothing runs natively.
    pub fn none() -> Languages {
        Languages { languages: Vec::new() }
    }

    /// Finds a language by one of its names, in any letter case.
    pub fn find(&self, name: &str) -> Option<&Language> {
        self.languages
            .iter()
            .find(|language| language.image.languages.iter().any(|known| known.eq_ignore_ascii_case(name)))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Language> {
        self.languages.iter()
    }
}

impl Language {
    /// The language's name.
    pub fn name(&self) -> &str {
        &self.image.languages[0]
    }

    /// The runtime's version, such as `3.11.2`.
    pub fn version(&self) -> &str {
        &self.runtime.version
    }

    /// The interpreter or compiler as found on the host.
    pub fn interpreter(&self) -> &Path {
        &self.runtime.executable
    }

    /// The launchers that its solutions use in a tier.
    pub fn launchers(&self, tier: Tier) -> Result<Vec<LauncherConfig>, LanguageError> {
        let mut setup = self.image.setup()?;
        setup.seccomp = policy::compile_for(&self.image.seccomp)?;
        self.runtime.extend_setup(&mut setup);
        Ok(self.runtime.launchers(&self.image, setup, self.is_warm(tier)))
    }

    /// The name of the launcher for a submission's cells.
    pub fn launcher_for(&self, submission: &Submission, tier: Tier) -> String {
        self.runtime.launcher_for(&self.image, &submission.solution, self.is_warm(tier))
    }

    /// What a cell does for a submission: every test is one run. What the tests expect stays here.
    pub fn job(&self, submission: &Submission, tier: Tier, start: Start) -> Result<Job, TooLarge> {
        let warm = start == Start::Usual && submission.seed.is_none() && self.is_warm(tier);
        self.runtime.job(submission, &self.image, warm)
    }

    /// Whether runs are forked from an interpreter kept loaded. It is loaded in the cells' file tree,
    /// so only where they have one of their own.
    pub fn is_warm(&self, tier: Tier) -> bool {
        self.warm && tier == Tier::Namespaces && self.runtime.can_be_warm()
    }
}
