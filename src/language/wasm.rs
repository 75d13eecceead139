//! Languages in WebAssembly: those of the Wasm images, and modules that are themselves the solution.

use std::sync::Arc;

use super::{TestsOrder, python::tests_plan};
use crate::{
    sandbox::{
        Job, Program, Run, SOURCE_DIR,
        wasm::{Compiled, Driver, Guests, Manifest, Metering, WasmSandbox},
    },
    submission::{CodeTests, Prelude, Submission, Tests},
    value::marshal::{Call, TooLarge},
};

/// What a submission's solution is, to the Wasm runner.
#[derive(Debug, Clone, Copy)]
pub enum WasmLanguage<'a> {
    Image(&'a Manifest),
    /// A toolchain makes a module of it, natively.
    Compiled(Compiled<'a>),
    /// The language `wasm`: the source is a WASI module.
    Module,
}

/// A language of the Wasm runner.
#[derive(Debug, Clone, Copy)]
pub struct WasmOffer<'a> {
    pub language: &'a str,
    pub version: &'a str,
    pub image: &'a str,
    pub is_built: bool,
    /// Whether it needs native cells, in which it is compiled.
    pub is_compiled: bool,
}

impl<'a> WasmLanguage<'a> {
    /// Names of the language of uploaded modules.
    pub const MODULE: &'static str = "wasm";

    /// Finds a language by one of its names, in any letter case.
    pub fn find(sandbox: &'a WasmSandbox, name: &str) -> Option<WasmLanguage<'a>> {
        if sandbox.takes_modules() && name.eq_ignore_ascii_case(WasmLanguage::MODULE) {
            return Some(WasmLanguage::Module);
        }
        let knows =
            |manifest: &&Manifest| manifest.languages.iter().any(|known| known.eq_ignore_ascii_case(name));
        let image = sandbox.manifests().iter().find(knows).map(WasmLanguage::Image);
        let compiled = || sandbox.toolchains().iter().find_map(|toolchain| toolchain.find(name));
        image.or_else(|| compiled().map(WasmLanguage::Compiled))
    }

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
        sandbox: &WasmSandbox,
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
            WasmLanguage::Image(manifest) if !sandbox.is_built(manifest, metering) => {
                let flag = if metering == Metering::Fuel { " --deterministic" } else { "" };
                let name = &manifest.name;
                Some(format!("the image {name} is not built here: proofbox image build {name}{flag}"))
            }
            WasmLanguage::Image(manifest)
                if !matches!(manifest.driver, Driver::Python)
                    && !matches!(submission.tests, Tests::Program(_)) =>
            {
                let (kind, name) = (submission.tests.kind(), self.name());
                Some(format!("{kind} tests are not offered for {name} in WebAssembly"))
            }
            WasmLanguage::Image(_) => None,
            WasmLanguage::Compiled(language) if !sandbox.has_toolchain(language.toolchain()) => {
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

    /// The languages that are there beside the one of modules, built or not: name, version, image.
    pub fn all(sandbox: &'a WasmSandbox) -> Vec<WasmOffer<'a>> {
        let images = sandbox.manifests().iter().map(|manifest| WasmOffer {
            language: &manifest.languages[0],
            version: &manifest.version,
            image: &manifest.name,
            is_built: sandbox.is_built(manifest, Metering::Clock),
            is_compiled: false,
        });
        let toolchains = sandbox.toolchains().iter().flat_map(|toolchain| {
            let is_built = sandbox.has_toolchain(toolchain);
            toolchain.names().map(move |language| WasmOffer {
                language,
                version: &toolchain.version,
                image: &toolchain.name,
                is_built,
                is_compiled: true,
            })
        });
        images.chain(toolchains).collect()
    }

    fn carries_code_tests(&self) -> bool {
        matches!(self, WasmLanguage::Image(manifest) if manifest.driver == Driver::Python)
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
                Driver::Python => {
                    let seed = submission.seed.map_or(String::new(), |seed| seed.to_string());
                    let prelude = match submission.prelude {
                        Prelude::None => "none",
                        Prelude::Contest => "contest",
                    };
                    [mode, &format!("{SOURCE_DIR}/{path}"), prelude, &seed].map(str::to_owned).to_vec()
                }
                Driver::Javascript => {
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
