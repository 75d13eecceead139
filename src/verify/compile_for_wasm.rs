//! Solutions that are compiled for WebAssembly: in a native cell, one job for each source and one that links.

use std::sync::Arc;

use super::{
    cells::Errand,
    compile_programs::{CompiledSolution, NotReady, Ready},
    engine::Engine,
    slot_access::SlotAccess,
};
use crate::{
    cache::{Found, KeyMaker},
    compile::{
        Compilation, CompileFailure, CompileReport,
        wasm::{WasmCompilation, missing, narrow},
    },
    language::toolchain::{OpenedToolchain, ProgramKind, ToolchainLanguage},
    limits::Limits,
    sandbox::{Fault, Job, Outcome},
    submission::Submission,
    verdict::Verdict,
};

impl Engine {
    /// Compiles a submission's solution unless it was compiled before. The caller holds no slot.
    pub(super) async fn ready_in_wasm(
        &self,
        language: ToolchainLanguage<'_>,
        submission: &Submission,
        slots: &mut SlotAccess<'_>,
    ) -> Result<CompiledSolution, NotReady> {
        let (made, found) = self.made_for_wasm(language, ProgramKind::Plain, submission, slots).await?;
        let report = made.compilation.report(found == Found::Kept);
        let failure = match made.compilation.program {
            Ok(program) => {
                let (program, report) = (Some(program), Some(report));
                return Ok(CompiledSolution { program, report, narrow: made.narrow });
            }
            Err(failure) => failure,
        };
        let lacks = |what: String| {
            let report = CompileReport { verdict: Verdict::Undecided, ..report.clone() };
            NotReady::Lacks { what, report }
        };
        if failure.verdict == Verdict::CompileError
            && let Some(what) = missing(&failure.message)
        {
            return Err(lacks(what));
        }
        // Where there is a native compiler it knows what is no C or C++ at all.
        if self.compiles_natively(submission, slots).await? {
            let line: String = failure.first_error().chars().take(300).collect();
            return Err(lacks(format!("what the native compiler accepts ({line})")));
        }
        Err(NotReady::DoesNotCompile { failure, report })
    }

    async fn made_for_wasm(
        &self,
        language: ToolchainLanguage<'_>,
        kind: ProgramKind,
        submission: &Submission,
        slots: &mut SlotAccess<'_>,
    ) -> Result<(WasmCompilation, Found), NotReady> {
        let files = language.files(&submission.solution);
        let identity = language.identity(&submission.language, kind);
        let key = KeyMaker::default().part(b"wasm").part(identity.as_bytes());
        let key = files.iter().fold(key, |key, (path, content)| key.part(path.as_bytes()).part(content));
        let make = self.compile_for_wasm(language, kind, submission, slots);
        let (made, found) = self.compiled_for_wasm.get(key.key(), make).await?;
        self.metrics.compiled(language.name(), found == Found::Kept);
        Ok((made, found))
    }

    /// The solution's program that says where a type has too few bits; `None` where it does not compile so.
    pub(super) async fn checked_program(
        &self,
        language: ToolchainLanguage<'_>,
        submission: &Submission,
        slots: &mut SlotAccess<'_>,
    ) -> Result<Option<Arc<[u8]>>, NotReady> {
        let (made, _) = self.made_for_wasm(language, ProgramKind::Checked, submission, slots).await?;
        match made.compilation.program {
            Ok(program) => Ok(Some(program)),
            Err(failure) if failure.verdict == Verdict::CompileError => Ok(None),
            Err(failure) => {
                Err(Fault { step: "check_widths".to_owned(), detail: failure.first_error().to_owned() }
                    .into())
            }
        }
    }

    async fn compiles_natively(
        &self,
        submission: &Submission,
        slots: &mut SlotAccess<'_>,
    ) -> Result<bool, NotReady> {
        match self.ready(&submission.language, &submission.solution, slots).await {
            Ok(Ready { binary, .. }) => Ok(binary.is_some()),
            Err(NotReady::Unknown | NotReady::DoesNotCompile { .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }

    async fn compile_for_wasm(
        &self,
        language: ToolchainLanguage<'_>,
        kind: ProgramKind,
        submission: &Submission,
        slots: &mut SlotAccess<'_>,
    ) -> Result<WasmCompilation, NotReady> {
        let (toolchains, toolchain) =
            (Arc::clone(self.languages.wasm().toolchains()), language.toolchain().clone());
        let failed = |error: String| Fault { step: "open_toolchain".to_owned(), detail: error };
        let opened = tokio::task::spawn_blocking(move || toolchains.open(&toolchain)).await;
        let opened = opened.map_err(|error| failed(error.to_string()))?;
        let opened = opened.map_err(|error| failed(error.to_string()))?;
        let files = language.files(&submission.solution);
        let sources = language.sources(&files);
        if sources.is_empty() {
            let message = "error: no file with an ending of the language's".to_owned();
            let failure = CompileFailure { verdict: Verdict::CompileError, message };
            let compilation = Compilation { program: Err(failure), cpu_ms: 0.0 };
            return Ok(WasmCompilation { compilation, narrow: None });
        }
        let (mut objects, mut warnings, mut cpu_ms) = (Vec::new(), String::new(), 0.0);
        for source in &sources {
            let job = language.compile_job(&opened, (&submission.language, kind), &files, source);
            let mut outcome =
                self.compile_in_cell(language, language.limits(cpu_ms as u64), &job, slots).await?;
            outcome.stderr = opened.without_place(&outcome.stderr);
            warnings += &String::from_utf8_lossy(&outcome.stderr);
            let made = Compilation::of(outcome);
            cpu_ms += made.cpu_ms;
            match made.program {
                Ok(object) => objects.push(object),
                Err(_) => {
                    let compilation = Compilation { cpu_ms, ..made };
                    return Ok(WasmCompilation { compilation, narrow: None });
                }
            }
        }
        let compilation = self.link_for_wasm(language, &opened, objects, cpu_ms, slots).await?;
        let texts = files.iter().map(|(path, content)| (path.as_str(), &content[..]));
        Ok(WasmCompilation { compilation, narrow: narrow(texts, &warnings) })
    }

    async fn link_for_wasm(
        &self,
        language: ToolchainLanguage<'_>,
        opened: &OpenedToolchain,
        objects: Vec<Arc<[u8]>>,
        cpu_ms: f64,
        slots: &mut SlotAccess<'_>,
    ) -> Result<Compilation, NotReady> {
        let job = language.link_job(opened, objects);
        let limits = language.limits(cpu_ms as u64);
        let linked = Compilation::of(self.compile_in_cell(language, limits, &job, slots).await?);
        Ok(Compilation { cpu_ms: cpu_ms + linked.cpu_ms, ..linked })
    }

    /// The one run of a job, in a native cell.
    async fn compile_in_cell(
        &self,
        language: ToolchainLanguage<'_>,
        limits: Limits,
        job: &Job,
        slots: &mut SlotAccess<'_>,
    ) -> Result<Outcome, NotReady> {
        let errand = Errand::native(language.name(), language.launcher(), limits, job);
        Ok(self.only_outcome(&errand, slots).await?)
    }
}
