//! One native language with its image: solutions made into jobs, whatever its runtime.

use std::{path::Path, sync::Arc};

use super::{
    compiled::{self, CompiledRuntime},
    error::LanguageError,
    job::{CompileTask, ProgramJob, Start, TestsOrder},
    manifest::{Driver, Image},
    python::{self, PythonRuntime},
};
use crate::{
    config::EngineConfig,
    sandbox::{Collect, Job, LauncherConfig, Run, Tier, native::walls::seccomp::policy},
    submission::{CodeTests, ProgramTest, Solution, Submission, Tests},
    value::marshal::{Call, TooLarge},
};

/// One language with its image, ready to run.
#[derive(Debug)]
pub struct Language {
    pub image: Image,
    runtime: NativeRuntime,
    /// Whether an interpreter is kept loaded where it can be.
    warm: bool,
}

#[derive(Debug)]
enum NativeRuntime {
    Python(PythonRuntime),
    Compiled(CompiledRuntime),
}

impl Language {
    pub fn load(image: Image, config: &EngineConfig) -> Result<Language, LanguageError> {
        let runtime = match image.driver {
            Driver::Python => {
                let interpreter =
                    config.python.as_deref().unwrap_or(Path::new(&image.interpreter)).to_owned();
                NativeRuntime::Python(PythonRuntime::discover(&interpreter, &image, config.module.clone())?)
            }
            Driver::Compiled => NativeRuntime::Compiled(CompiledRuntime::discover(&image)?),
        };
        let language = Language { image, runtime, warm: config.warm };
        // What its cells see must be there now, not at the first submission.
        if let Some(compile) = &language.image.compile {
            language.image.setup()?;
            language.image.compile_setup(compile)?;
        }
        Ok(language)
    }

    /// The language's name.
    pub fn name(&self) -> &str {
        &self.image.languages[0]
    }

    /// The runtime's version, such as `3.11.2`.
    pub fn version(&self) -> &str {
        match &self.runtime {
            NativeRuntime::Python(python) => &python.version,
            NativeRuntime::Compiled(compiled) => &compiled.version,
        }
    }

    /// The interpreter or compiler as found on the host.
    pub fn interpreter(&self) -> &Path {
        match &self.runtime {
            NativeRuntime::Python(python) => &python.executable,
            NativeRuntime::Compiled(compiled) => &compiled.compiler,
        }
    }

    /// The launchers that its solutions use in a tier.
    pub fn launchers(&self, tier: Tier) -> Result<Vec<LauncherConfig>, LanguageError> {
        let mut setup = self.image.setup()?;
        setup.seccomp = policy::compile_for(&self.image.seccomp, tier)?;
        match (&self.runtime, &self.image.compile) {
            (NativeRuntime::Compiled(compiled), Some(compile)) => {
                let mut compile_setup = self.image.compile_setup(compile)?;
                compile_setup.seccomp = setup.seccomp.clone();
                Ok(compiled.launchers(&self.image, setup, compile_setup))
            }
            (NativeRuntime::Python(python), _) => {
                python.extend_setup(&mut setup);
                Ok(python.launchers(&self.image, setup, self.is_warm(tier)))
            }
            // The manifest's check refuses it.
            (NativeRuntime::Compiled(_), None) => Ok(Vec::new()),
        }
    }

    /// The name of the launcher for a program's cells.
    pub fn launcher_for(&self, solution: &Solution, tier: Tier) -> String {
        match &self.runtime {
            NativeRuntime::Python(python) => {
                python.launcher_for(&self.image, solution, None, self.is_warm(tier))
            }
            NativeRuntime::Compiled(_) => self.image.name.clone(),
        }
    }

    /// The name of the launcher for a solution and the code of its tests, which use one.
    pub fn launcher_for_code(&self, solution: &Solution, tests: &CodeTests, tier: Tier) -> String {
        match &self.runtime {
            NativeRuntime::Python(python) => {
                python.launcher_for(&self.image, solution, Some(tests), self.is_warm(tier))
            }
            NativeRuntime::Compiled(_) => self.image.name.clone(),
        }
    }

    /// The launcher of the cell in which the tests' code runs.
    pub fn launcher_for_tests(&self, solution: &Solution, tests: &CodeTests, tier: Tier) -> String {
        match &self.runtime {
            NativeRuntime::Python(python) => {
                let of_kind = python.launcher_for_kind(&self.image, tests, self.is_warm(tier));
                of_kind.unwrap_or_else(|| self.launcher_for_code(solution, tests, tier))
            }
            NativeRuntime::Compiled(_) => self.image.name.clone(),
        }
    }

    /// The launcher for runs that begin so, given that for usual ones.
    pub fn launcher_at(&self, launcher: String, start: Start, tier: Tier) -> String {
        if start == Start::Again && self.is_warm(tier) { launcher + python::AGAIN } else { launcher }
    }

    /// Whether what a solution does may depend on a seed of string hashes that is not in its source.
    pub fn may_show_hashes(&self, solution: &Solution) -> bool {
        matches!(self.runtime, NativeRuntime::Python(_)) && solution.may_show_hashes()
    }

    /// How a program is compiled; `None` where nothing is. `name` is the language's name as asked for.
    pub fn compile_task(&self, name: &str, solution: &Solution) -> Option<CompileTask> {
        let compile = self.image.compile.as_ref()?;
        Some(CompileTask {
            launcher: compiled::compile_launcher(&self.image),
            limits: compiled::compile_limits(compile),
            job: compiled::compile_job(&self.image, compile, name, solution),
            identity: format!("{} {} {}", self.image.name, self.interpreter().display(), self.version()),
        })
    }

    /// Whether solutions in this language can be given such tests.
    pub fn takes(&self, tests: &Tests) -> bool {
        match &self.runtime {
            NativeRuntime::Python(_) => true,
            NativeRuntime::Compiled(_) => matches!(tests, Tests::Program(_)),
        }
    }

    /// What a cell does for a submission: every test is one run. What the tests expect stays here.
    /// `program`: what the compiler made, in languages that have one.
    pub fn job(
        &self,
        submission: &Submission,
        program: Option<&Arc<[u8]>>,
        tier: Tier,
        start: Start,
    ) -> Result<Job, TooLarge> {
        let output = &submission.io.output_file;
        let collect = output
            .iter()
            .map(|path| Collect { path: path.clone(), most_bytes: submission.limits.output_bytes });
        let asked = |runs| ProgramJob {
            solution: &submission.solution,
            tests: match &submission.tests {
                Tests::Code(tests) => Some(tests),
                Tests::Program(_) | Tests::Function { .. } => None,
            },
            arguments: &[],
            prelude: submission.prelude,
            seed: submission.seed,
            start,
            runs,
            collect: collect.collect(),
        };
        match &submission.tests {
            Tests::Program(tests) => {
                let runs = tests.iter().map(|test| program_run(test, submission.io.input_file.as_deref()));
                Ok(self.runs_of("program", asked(runs.collect()), program, tier))
            }
            Tests::Function { target, tests } => {
                let runs = tests.iter().map(|test| {
                    let call = Call::new(&target.name, &test.args, &test.kwargs)?;
                    Ok(Run { call: Some(call), ..Run::default() })
                });
                let asked = asked(runs.collect::<Result<_, TooLarge>>()?);
                Ok(self.runs_of("function", asked, program, tier))
            }
            // The solution's side; see [`Language::tests_job`].
            Tests::Code(_) => Ok(self.runs_of("serve", asked(vec![Run::default()]), program, tier)),
        }
    }

    /// Runs of one of the caller's own programs as a job: uncaught exceptions are told apart from exit
    /// codes. `program`: as for [`Language::job`].
    pub fn program_job(&self, asked: ProgramJob<'_>, program: Option<&Arc<[u8]>>, tier: Tier) -> Job {
        self.runs_of("judge", asked, program, tier)
    }

    fn runs_of(&self, mode: &str, asked: ProgramJob<'_>, program: Option<&Arc<[u8]>>, tier: Tier) -> Job {
        match &self.runtime {
            NativeRuntime::Python(python) => {
                let warm = asked.start != Start::Fresh && asked.seed.is_none() && self.is_warm(tier);
                python.job(mode, asked, &self.image, warm)
            }
            NativeRuntime::Compiled(compiled) => {
                compiled.job(asked, program.unwrap_or(&Arc::from([])), &self.image)
            }
        }
    }

    /// For tests that hold code: what the cell of the tests does.
    pub fn tests_job(
        &self,
        submission: &Submission,
        tests: &CodeTests,
        order: &TestsOrder<'_>,
        tier: Tier,
        start: Start,
    ) -> Result<Job, TooLarge> {
        let call = python::tests_plan(submission, tests, order)?;
        let asked = ProgramJob {
            solution: &submission.solution,
            tests: Some(tests),
            arguments: &[],
            prelude: submission.prelude,
            seed: submission.seed,
            start,
            runs: vec![Run { call: Some(call.into()), ..Run::default() }],
            collect: Vec::new(),
        };
        let job = self.runs_of(if order.shared { "shared" } else { "tests" }, asked, None, tier);
        // Nothing of the solution's source is in the tests' cell, unless they share it.
        Ok(if order.shared { job } else { Job { sources: Arc::from([]), ..job } })
    }

    /// Whether runs are forked from an interpreter kept loaded. It is loaded in the cells' file tree,
    /// so only where they have one of their own.
    pub fn is_warm(&self, tier: Tier) -> bool {
        match &self.runtime {
            NativeRuntime::Python(python) => self.warm && tier == Tier::Namespaces && python.can_be_warm(),
            NativeRuntime::Compiled(_) => false,
        }
    }
}

/// A program test as a run: its input is on standard input, or in the file that the problem names.
fn program_run(test: &ProgramTest, input_file: Option<&str>) -> Run {
    let further = test.files.iter().map(|(path, content)| (path.clone(), Arc::from(content.as_slice())));
    match input_file {
        None => Run { files: further.collect(), ..Run::with_stdin(Arc::clone(&test.stdin)) },
        Some(name) => {
            let input = (name.to_owned(), Arc::clone(&test.stdin));
            Run { files: std::iter::once(input).chain(further).collect(), ..Run::default() }
        }
    }
}
