//! THE PATH of a request, top to bottom: submission -> admission -> cell -> outcomes -> judge ->
//! report. HTTP, the filter and the command line are callers of [`Engine::verify`].
//!
//! | step | file |
//! |---|---|
//! | programs compiled, expected outputs made | `verify/prepare.rs`, `verify/programs.rs`, `verify/reference.rs` |
//! | into a slot | `verify/door.rs` |
//! | a job's runs, in as few cells as possible | `verify/carry.rs` |
//! | runs that a checker program decides about | `verify/checking.rs` |
//! | runs that converse with an interactor | `verify/interacting.rs` |
//! | in WebAssembly instead | `verify/in_wasm.rs`; compiled for it: `verify/wasm_programs.rs`, `verify/wasm_widths.rs` |
//! | runs that converse with the code of tests | `verify/code_tests.rs` |
//! | the sum of what every judge says | `verify/judging.rs` |

mod cells;
mod checker_tests;
mod code_tests;
#[cfg(feature = "wasm")]
mod compile_for_wasm;
mod compile_programs;
#[cfg(feature = "wasm")]
mod in_wasm;
#[cfg(not(feature = "wasm"))]
#[path = "verify/without_wasm.rs"]
mod in_wasm;
mod interactive_tests;
mod prepare;
mod reference;
mod slot_access;
mod verdicts;
#[cfg(feature = "wasm")]
mod wasm_widths;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use self::{
    cells::{Errand, Wish},
    code_tests::Carrier,
    in_wasm::InWasm,
    prepare::Work,
    reference::Expected,
    slot_access::Door,
    verdicts::Judging,
};
use crate::{
    admission::{Admission, Admit, Caller, Overloaded},
    cache::ContentCache,
    compile::Compilation,
    config::{EngineConfig, TierChoice},
    language::{Language, LanguageError, Languages, Start},
    metrics::Metrics,
    report::{Report, TestReport},
    sandbox::{Fault, Job, Outcome, Sandbox, SandboxConfig, StartError, Tier},
    submission::{Runtime, Submission, Tests},
    verdict::{Cause, Verdict},
};

/// Everything that verifying needs. One per process.
#[derive(Debug)]
pub struct Engine {
    languages: Languages,
    admission: Admission,
    sandbox: Sandbox,
    /// What is meant by a submission that leaves the runner open.
    runtime: Runtime,
    /// Weakest isolation to accept.
    min_tier: Tier,
    /// As in [`EngineConfig`].
    series: bool,
    metrics: Arc<Metrics>,
    /// Compiled programs.
    compiled: ContentCache<Compilation>,
    #[cfg(feature = "wasm")]
    compiled_for_wasm: ContentCache<crate::compile::wasm::WasmCompilation>,
    /// What references made.
    expected: ContentCache<Expected>,
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

    /// Runs a submission's tests and judges them. Never fails: a fault of ours is a report whose
    /// verdict is `undecided`. Dropping the future ends the runs and frees the slot.
    pub async fn verify(&self, submission: Submission, admit: Admit) -> Report {
        self.verify_for(Caller::OWN, submission, admit).await
    }

    /// The same on behalf of one caller of several, who take turns.
    pub async fn verify_for(&self, caller: Caller, submission: Submission, admit: Admit) -> Report {
        let in_flight = self.metrics.submission_started();
        let begun = Instant::now();
        let asked = self.in_wasm(&submission);
        let language = match &asked {
            Ok(Some(asked)) => asked.language.name(),
            _ => self.languages.find(&submission.language).map_or("", Language::name),
        };
        let report = self.decide(&submission, asked, admit, caller, begun).await;
        self.metrics.submission_decided(language, submission.tests.kind(), report.verdict, report.cause);
        drop(in_flight);
        report
    }

    async fn decide(
        &self,
        submission: &Submission,
        asked: Result<Option<InWasm<'_>>, String>,
        admit: Admit,
        caller: Caller,
        begun: Instant,
    ) -> Report {
        let mut door = Door::new(self, admit, caller);
        match asked {
            Ok(None) => {}
            Ok(Some(asked)) => return self.decide_in_wasm(&asked, &mut door, begun).await,
            Err(obstacle) => {
                let total = submission.tests.len();
                return Report::undecided(submission.id.clone(), Cause::Unsupported, obstacle, total);
            }
        }
        let work = match self.prepare(submission, &mut door).await {
            Ok(work) => work,
            Err(report) => return *report,
        };
        let undecided = |cause, reason: String| {
            Report::undecided(submission.id.clone(), cause, reason, submission.tests.len())
        };
        let judging = Judging::by_all(submission);
        let report = match self.run_tests(&work, (&work.job, Start::Usual), judging, &mut door).await {
            Ok(judging) => judging.summarise(submission, self.sandbox.tier()),
            Err(Interrupted::Overloaded(overloaded)) => {
                return undecided(Cause::Overloaded, overloaded.to_string());
            }
            Err(Interrupted::Fault(fault)) => return undecided(Cause::SandboxFault, fault.to_string()),
        };
        let runs: f64 = report.tests.iter().map(|test| test.wall_ms / 1000.0).sum();
        let overhead = begun.elapsed().saturating_sub(door.waited()).as_secs_f64() - runs;
        self.metrics.overhead(Duration::from_secs_f64(overhead.max(0.0)));
        match self.confirm(&work, report, &mut door).await {
            Ok(report) => Report { compile: work.ready.report, ..report },
            Err(interrupted) => undecided(Cause::SandboxFault, interrupted.to_string()),
        }
    }

    /// Runs a solution again: an accepted one as often as is asked, and every run must be accepted; one that failed
    /// and may depend on chance once more, to tell what fails by chance from what is wrong.
    async fn confirm(
        &self,
        work: &Work<'_>,
        first: Report,
        door: &mut Door<'_>,
    ) -> Result<Report, Interrupted> {
        let submission = &*work.submission;
        let (runs, start) = work.repeats();
        let runs = match (first.verdict, runs) {
            (Verdict::Accepted, runs) => runs,
            (Verdict::WrongAnswer | Verdict::RuntimeError, runs) => runs.min(2),
            _ => 1,
        };
        if runs == 1 {
            return Ok(first);
        }
        let job = work.job(self.sandbox.tier(), start);
        let job = job.map_err(|error| Fault { step: "repeat_job".to_owned(), detail: error.to_string() })?;
        let (mut accepted, mut refused) = match first.verdict {
            Verdict::Accepted => (1, None),
            _ => (0, Some(first.clone())),
        };
        for _ in 1..runs {
            let judging = self.run_tests(work, (&job, start), Judging::by_one(submission), door).await?;
            let report = judging.summarise(submission, self.sandbox.tier());
            match report.verdict {
                Verdict::Accepted => accepted += 1,
                // No word on the solution.
                Verdict::Undecided if refused.is_none() => return Ok(report),
                Verdict::Undecided => return Ok(first),
                _ => refused = refused.or(Some(report)),
            }
        }
        Ok(match refused {
            Some(report) if accepted > 0 => {
                Report { also: first.also, ..report.not_deterministic(accepted, runs) }
            }
            _ => first,
        })
    }

    /// Every test in turn, until the judges want no more.
    async fn run_tests(
        &self,
        work: &Work<'_>,
        (job, start): (&Job, Start),
        mut judging: Judging,
        door: &mut Door<'_>,
    ) -> Result<Judging, Interrupted> {
        let (submission, errand) = (&*work.submission, work.errand(job, self.sandbox.tier(), start));
        match (&work.judge, &submission.tests) {
            (_, Tests::Code(tests)) => {
                let carrier = Carrier::Native(&errand);
                return Ok(self.run_code_tests(carrier, submission, tests, door, judging).await?);
            }
            (Some(interactor), Tests::Program(tests)) if work.is_interactive => {
                judging = self.run_interactive(&errand, submission, tests, interactor, door, judging).await?;
            }
            (Some(checker), Tests::Program(tests)) => {
                judging = self.run_checked(&errand, submission, tests, checker, door, judging).await?;
            }
            _ => {
                let place = door.place().await?;
                // Where several slots are asked for tests are long, and cells are not to be made twice.
                let errand = Errand { series: self.series && errand.parallel == 1, ..errand };
                self.carry_out(&errand, place, door, |outcome| {
                    if !judging.add(submission, &outcome) {
                        return Wish::Alone;
                    }
                    self.note_run(errand.language, &outcome);
                    if judging.stops(submission) { Wish::Enough } else { Wish::More }
                })
                .await?;
            }
        }
        judging.tests.resize_with(work.job.runs.len(), TestReport::skipped);
        Ok(judging)
    }

    fn note_run(&self, language: &Language, outcome: &Outcome) {
        self.metrics.run_ended(language.name(), outcome.usage.cpu, outcome.usage.wall);
        if outcome.in_series {
            self.metrics.run_was_in_series(language.name());
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

/// Tests could not be carried out: no word on the solution.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    #[error(transparent)]
    Fault(#[from] Fault),
}
