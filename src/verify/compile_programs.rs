//! Programs beside the way of a run: compiled in a cell of their own, and ready to be used in others.

use std::sync::Arc;

use super::{
    cells::{Errand, Interrupted},
    engine::Engine,
    slot_access::SlotAccess,
};
use crate::{
    cache::{Found, Key, KeyMaker},
    compile::{Compilation, CompileFailure, CompileReport},
    language::{CompileTask, Language, ProgramJob, Start},
    limits::Limits,
    sandbox::{self, Collect, Job, Outcome, Run},
    submission::{CheckerProtocol, Prelude, Program, Solution},
};

/// A program that can be run.
pub(super) struct Ready<'a> {
    pub language: &'a Language,
    /// What the compiler made, in languages that have one.
    pub binary: Option<Arc<[u8]>>,
    pub report: Option<CompileReport>,
}

/// What a compiler made of a solution, in languages that have one.
#[derive(Default)]
pub(super) struct CompiledSolution {
    pub program: Option<Arc<[u8]>>,
    pub report: Option<CompileReport>,
    /// As [`WasmCompilation::narrow`](crate::compile::wasm::WasmCompilation::narrow).
    pub narrow: Option<String>,
}

/// Why a program is not ready. Only the last says nothing about it.
pub(super) enum NotReady {
    Unknown,
    DoesNotCompile {
        failure: CompileFailure,
        report: CompileReport,
    },
    /// The toolchain does not have what it needs.
    #[cfg_attr(not(feature = "wasm"), expect(dead_code, reason = "only those for WebAssembly lack anything"))]
    Lacks {
        what: String,
        report: CompileReport,
    },
    Interrupted(Interrupted),
}

impl<E: Into<Interrupted>> From<E> for NotReady {
    fn from(error: E) -> NotReady {
        NotReady::Interrupted(error.into())
    }
}

impl Engine {
    /// Compiles a program unless it was compiled before. The caller holds no slot.
    pub(super) async fn ready(
        &self,
        name: &str,
        solution: &Solution,
        slots: &mut SlotAccess<'_>,
    ) -> Result<Ready<'_>, NotReady> {
        let language = self.languages.find(name).ok_or(NotReady::Unknown)?;
        let Some(task) = language.compile_task(name, solution) else {
            return Ok(Ready { language, binary: None, report: None });
        };
        let make = self.compile(language, &task, slots);
        let (compilation, found) = self.compiled.get(compile_key(&task), make).await?;
        self.metrics.compiled(language.name(), found == Found::Kept);
        let report = compilation.report(found == Found::Kept);
        match compilation.program {
            Ok(binary) => Ok(Ready { language, binary: Some(binary), report: Some(report) }),
            Err(failure) => Err(NotReady::DoesNotCompile { failure, report }),
        }
    }

    async fn compile(
        &self,
        language: &Language,
        task: &CompileTask,
        slots: &mut SlotAccess<'_>,
    ) -> Result<Compilation, NotReady> {
        let errand = Errand::native(language.name(), task.launcher.clone(), task.limits, &task.job);
        Ok(Compilation::of(self.only_outcome(&errand, slots).await?))
    }

    /// Readies one of the caller's own programs. `what` it is, such as "checker", stands in the explanation of
    /// why it cannot be used.
    pub(super) async fn ready_program(
        &self,
        what: &str,
        program: &Program,
        slots: &mut SlotAccess<'_>,
    ) -> Result<Ready<'_>, Unusable> {
        match self.ready(&program.language, &program.solution, slots).await {
            Ok(ready) => Ok(ready),
            Err(NotReady::Unknown) => {
                let why = self.not_offered(&program.language);
                Err(Unusable::Unsupported(format!("the language of the {what}: {why}")))
            }
            Err(NotReady::DoesNotCompile { failure, .. }) => {
                let line: String = failure.first_error().chars().take(300).collect();
                Err(Unusable::BadTests(format!("the {what} does not compile: {line}")))
            }
            Err(NotReady::Lacks { what: lacks, .. }) => Err(Unusable::Unsupported(format!(
                "the toolchain does not have what the {what} needs: {lacks}"
            ))),
            Err(NotReady::Interrupted(interrupted)) => Err(Unusable::Interrupted(interrupted)),
        }
    }

    /// Outcomes of all runs of one of the caller's own programs.
    pub(super) async fn program_outcomes(
        &self,
        runnable: &Runnable<'_>,
        runs: Vec<Run>,
        slots: &mut SlotAccess<'_>,
    ) -> Result<Vec<Outcome>, Interrupted> {
        let job = runnable.job(runs, self.sandbox.tier());
        let launcher = runnable.launcher(self.sandbox.tier());
        let errand = Errand::native(runnable.ready.language.name(), launcher, runnable.limits, &job);
        self.outcomes(&Errand { parallel: runnable.parallel, ..errand }, slots, |_| true).await
    }
}

/// One of the caller's own programs with what its runs have in common.
pub(super) struct Runnable<'a> {
    pub ready: &'a Ready<'a>,
    pub solution: &'a Solution,
    pub arguments: Vec<String>,
    pub collect: Vec<Collect>,
    pub limits: Limits,
    pub prelude: Prelude,
    /// As [`Errand::parallel`].
    pub parallel: usize,
}

/// A checker or interactor that can be run.
pub(super) struct ReadyJudge<'a> {
    pub ready: Ready<'a>,
    pub program: &'a Program,
    pub protocol: CheckerProtocol,
    pub limits: Limits,
    /// Whether it converses with the solution.
    pub is_interactor: bool,
}

impl Runnable<'_> {
    pub(super) fn launcher(&self, tier: sandbox::Tier) -> String {
        self.ready.language.launcher_for(self.solution, tier)
    }

    pub(super) fn job(&self, runs: Vec<Run>, tier: sandbox::Tier) -> Job {
        let asked = ProgramJob {
            solution: self.solution,
            tests: None,
            arguments: &self.arguments,
            prelude: self.prelude,
            seed: None,
            start: Start::Usual,
            runs,
            collect: self.collect.clone(),
        };
        self.ready.language.program_job(asked, self.ready.binary.as_ref(), tier)
    }
}

/// Why one of the caller's own programs cannot be used. None of it is the solution's fault.
pub(super) enum Unusable {
    Unsupported(String),
    BadTests(String),
    Interrupted(Interrupted),
}

impl<E: Into<Interrupted>> From<E> for Unusable {
    fn from(error: E) -> Unusable {
        Unusable::Interrupted(error.into())
    }
}

/// Everything that the compiler's result depends on.
fn compile_key(task: &CompileTask) -> Key {
    let mut maker = KeyMaker::default().part(b"compile").part(task.identity.as_bytes());
    if let sandbox::Program::Exec { argv, env } = &task.job.program {
        maker = argv.iter().chain(env).fold(maker, |maker, word| maker.part(word.as_bytes()));
    }
    let files = task.job.runs.iter().flat_map(|run| &run.files);
    files.fold(maker.part(b"files"), |maker, (path, content)| maker.part(path.as_bytes()).part(content)).key()
}
