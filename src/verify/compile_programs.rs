//! Programs beside the way of a run: compiled in a cell of their own, and ready to be used in others.

use std::sync::Arc;

use super::{
    Engine,
    cells::{Errand, Wish, turned_away},
    slot_access::Door,
};
use crate::{
    admission::Overloaded,
    cache::{Found, Key, KeyMaker},
    compile::{Compilation, CompileFailure, CompileReport},
    language::{CompileTask, Language, ProgramJob, Start},
    limits::Limits,
    sandbox::{self, Collect, Fault, Job, Outcome, Run},
    submission::{Prelude, Program, Solution},
};

/// A program that can be run.
pub(super) struct Ready<'a> {
    pub language: &'a Language,
    /// What the compiler made, in languages that have one.
    pub binary: Option<Arc<[u8]>>,
    pub report: Option<CompileReport>,
}

/// Why a program is not ready. Only the first two say something about it.
pub(super) enum NotReady {
    Unknown,
    DoesNotCompile { failure: CompileFailure, report: CompileReport },
    Overloaded(Overloaded),
    Fault(Fault),
}

impl From<Overloaded> for NotReady {
    fn from(overloaded: Overloaded) -> NotReady {
        NotReady::Overloaded(overloaded)
    }
}

impl From<Fault> for NotReady {
    fn from(fault: Fault) -> NotReady {
        NotReady::Fault(fault)
    }
}

impl Engine {
    /// Compiles a program unless it was compiled before. The caller holds no slot.
    pub(super) async fn ready(
        &self,
        name: &str,
        solution: &Solution,
        door: &mut Door<'_>,
    ) -> Result<Ready<'_>, NotReady> {
        let language = self.languages.find(name).ok_or(NotReady::Unknown)?;
        let Some(task) = language.compile_task(name, solution) else {
            return Ok(Ready { language, binary: None, report: None });
        };
        let make = self.compile(language, &task, door);
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
        door: &mut Door<'_>,
    ) -> Result<Compilation, NotReady> {
        let place = door.place().await?;
        let errand = Errand {
            language,
            launcher: task.launcher.clone(),
            start: Start::Usual,
            limits: task.limits,
            job: &task.job,
            parallel: 1,
            series: false,
        };
        let mut made = None;
        self.carry_out(&errand, place, door, |outcome| {
            made = Some(Compilation::of(outcome));
            Wish::More
        })
        .await?;
        made.ok_or_else(|| Fault { step: "compile".to_owned(), detail: "no outcome".to_owned() }.into())
    }

    /// The same for one of the caller's own programs; `what` it is, such as "checker", stands in the
    /// explanation of why it cannot be used.
    pub(super) async fn ready_program(
        &self,
        what: &str,
        program: &Program,
        door: &mut Door<'_>,
    ) -> Result<Ready<'_>, Unusable> {
        match self.ready(&program.language, &program.solution, door).await {
            Ok(ready) => Ok(ready),
            Err(NotReady::Unknown) => {
                let why = self.not_offered(&program.language);
                Err(Unusable::Unsupported(format!("the language of the {what}: {why}")))
            }
            Err(NotReady::DoesNotCompile { failure, .. }) => {
                let line: String = failure.first_error().chars().take(300).collect();
                Err(Unusable::BadTests(format!("the {what} does not compile: {line}")))
            }
            Err(NotReady::Overloaded(overloaded)) => Err(Unusable::Overloaded(overloaded)),
            Err(NotReady::Fault(fault)) => Err(Unusable::Fault(fault)),
        }
    }

    /// Outcomes of all runs of one of the caller's own programs.
    pub(super) async fn outcomes(
        &self,
        runnable: &Runnable<'_>,
        runs: Vec<Run>,
        door: &mut Door<'_>,
    ) -> Result<Vec<Outcome>, Unusable> {
        let place = door.place().await.map_err(Unusable::Overloaded)?;
        let job = runnable.job(runs, self.sandbox.tier());
        let errand = Errand {
            language: runnable.ready.language,
            launcher: runnable.ready.language.launcher_for(runnable.solution, self.sandbox.tier()),
            start: Start::Usual,
            limits: runnable.limits,
            job: &job,
            parallel: runnable.parallel,
            series: false,
        };
        let mut outcomes = Vec::with_capacity(job.runs.len());
        self.carry_out(&errand, place, door, |outcome| {
            outcomes.push(outcome);
            Wish::More
        })
        .await
        .map_err(Unusable::Fault)?;
        Ok(outcomes)
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

impl Runnable<'_> {
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
    Overloaded(Overloaded),
    Fault(Fault),
}

impl Unusable {
    /// For callers who were admitted long ago: being turned away now is our fault.
    pub(super) fn into_fault(self) -> Result<String, Fault> {
        match self {
            Unusable::Unsupported(reason) | Unusable::BadTests(reason) => Ok(reason),
            Unusable::Overloaded(overloaded) => Err(turned_away(overloaded)),
            Unusable::Fault(fault) => Err(fault),
        }
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
