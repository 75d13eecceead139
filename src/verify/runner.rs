//! The two runners, native and in WebAssembly: what differs between them, and the one boundary to the sandbox.

use std::sync::Arc;

use super::engine::Engine;
use crate::{
    admission::Slot,
    language::{Language, Start, TestsOrder},
    limits::Limits,
    sandbox::{CellRun, End, Fault, Job, LimitHit, LinkAt, LinkedJob, Outcome, Tier},
    submission::{CodeTests, Solution, Submission},
    value::marshal::TooLarge,
};
#[cfg(feature = "wasm")]
use crate::{
    language::wasm::WasmLanguage,
    sandbox::wasm::{Guests, Metering, WasmCell, missing},
};

/// Who runs a submission's solution, as what.
#[derive(Debug, Clone, Copy)]
pub(super) enum Runner<'a> {
    Native(&'a Language),
    #[cfg(feature = "wasm")]
    Wasm {
        language: WasmLanguage<'a>,
        metering: Metering,
    },
}

/// What cells are made of.
#[derive(Debug, Clone)]
pub(super) enum Cells {
    Native {
        launcher: String,
    },
    #[cfg(feature = "wasm")]
    Wasm {
        guests: Guests,
        metering: Metering,
    },
}

/// A cell at work. Dropping it ends its runs.
#[derive(Debug)]
pub(super) enum Cell {
    Native(CellRun),
    #[cfg(feature = "wasm")]
    Wasm(WasmCell),
}

/// One of two cells that converse.
pub(super) struct Side {
    pub cells: Cells,
    pub limits: Limits,
    /// Of one run.
    pub job: Job,
}

impl<'a> Runner<'a> {
    /// The language's name.
    pub(super) fn language(&self) -> &'a str {
        match self {
            Runner::Native(language) => language.name(),
            #[cfg(feature = "wasm")]
            Runner::Wasm { language, .. } => language.name(),
        }
    }

    /// Where its solutions run. `native`: that of native cells.
    pub(super) fn tier(&self, native: Tier) -> Tier {
        match self {
            Runner::Native(_) => native,
            #[cfg(feature = "wasm")]
            Runner::Wasm { .. } => Tier::Wasm,
        }
    }

    /// The submission's tests as runs. `program`: what a compiler made of the solution, where there is one.
    pub(super) fn job(
        &self,
        submission: &Submission,
        program: Option<&Arc<[u8]>>,
        tier: Tier,
        start: Start,
    ) -> Result<Job, TooLarge> {
        match self {
            Runner::Native(language) => language.job(submission, program, tier, start),
            #[cfg(feature = "wasm")]
            Runner::Wasm { language, .. } => language.job(submission, program),
        }
    }

    /// What the solution's cells are made of, for runs that begin so.
    pub(super) fn cells(&self, solution: &Solution, tier: Tier, start: Start) -> Cells {
        match self {
            Runner::Native(language) => {
                let launcher = language.launcher_for(solution, tier);
                Cells::Native { launcher: language.launcher_at(launcher, start, tier) }
            }
            #[cfg(feature = "wasm")]
            Runner::Wasm { language, metering } => {
                Cells::Wasm { guests: language.guests(), metering: *metering }
            }
        }
    }

    /// For tests that hold code: what the solution's cell and that of the tests are made of.
    pub(super) fn cells_of_code_tests(
        &self,
        solution: &Solution,
        tests: &CodeTests,
        tier: Tier,
        start: Start,
    ) -> (Cells, Cells) {
        match self {
            Runner::Native(language) => {
                // Both have the hashes of one interpreter, as in one process: sets of text are walked in the same
                // order.
                let begun =
                    |launcher| Cells::Native { launcher: language.launcher_at(launcher, start, tier) };
                (
                    begun(language.launcher_for_code(solution, tests, tier)),
                    begun(language.launcher_for_tests(solution, tests, tier)),
                )
            }
            #[cfg(feature = "wasm")]
            Runner::Wasm { .. } => {
                let cells = self.cells(solution, tier, start);
                (cells.clone(), cells)
            }
        }
    }

    /// For tests that hold code: what the cell of the tests does.
    pub(super) fn tests_job(
        &self,
        submission: &Submission,
        tests: &CodeTests,
        order: &TestsOrder<'_>,
        (tier, start): (Tier, Start),
    ) -> Result<Job, TooLarge> {
        match self {
            Runner::Native(language) => language.tests_job(submission, tests, order, tier, start),
            #[cfg(feature = "wasm")]
            Runner::Wasm { language, .. } => language.tests_job(submission, tests, order),
        }
    }

    /// Whether what a solution does may depend on a seed of string hashes that is not in its source. The memory that
    /// an image begins with holds one seed for all of its runs.
    pub(super) fn may_show_hashes(&self, solution: &Solution) -> bool {
        match self {
            Runner::Native(language) => language.may_show_hashes(solution),
            #[cfg(feature = "wasm")]
            Runner::Wasm { .. } => false,
        }
    }

    /// Whether short runs may share a process.
    pub(super) fn has_series(&self) -> bool {
        matches!(self, Runner::Native(_))
    }

    /// What an exception's text means that the runner does not have, if anything.
    pub(super) fn missing(&self) -> fn(&[u8]) -> Option<String> {
        match self {
            Runner::Native(_) => |_| None,
            #[cfg(feature = "wasm")]
            Runner::Wasm { .. } => missing,
        }
    }
}

impl Cells {
    /// Whether a neighbour's load may have decided: the run ended by itself a little over its CPU
    /// limit, or the wall backstop ended one that was computing rather than sleeping. What is counted in fuel is
    /// never in doubt.
    pub(super) fn is_doubtful(&self, outcome: &Outcome, limits: Limits) -> bool {
        #[cfg(feature = "wasm")]
        if matches!(self, Cells::Wasm { metering: Metering::Fuel, .. }) {
            return false;
        }
        match outcome.limit {
            Some(LimitHit::Cpu) => outcome.end != (End::Signaled { signal: libc::SIGKILL }),
            Some(LimitHit::Wall) => outcome.usage.cpu.as_millis() * 2 > u128::from(limits.cpu_ms),
            _ => false,
        }
    }

    /// The launcher, of native cells.
    ///
    /// # Errors
    /// Of others, which have none.
    pub(super) fn launcher(&self) -> Result<&str, Fault> {
        match self {
            Cells::Native { launcher } => Ok(launcher),
            #[cfg(feature = "wasm")]
            Cells::Wasm { .. } => Err(Fault {
                step: "find_launcher".to_owned(),
                detail: "cells in WebAssembly have no launcher".to_owned(),
            }),
        }
    }
}

impl Cell {
    /// The next run's outcome; `None` after the last. Safe to cancel.
    pub(super) async fn next(&mut self) -> Result<Option<Outcome>, Fault> {
        match self {
            Cell::Native(cell) => cell.next().await,
            #[cfg(feature = "wasm")]
            Cell::Wasm(cell) => cell.next().await,
        }
    }

    /// The outcome of a job's only run.
    pub(super) async fn only(mut self) -> Result<Outcome, Fault> {
        self.next().await?.ok_or_else(no_outcome)
    }
}

/// A cell ended without a word on its run.
pub(super) fn no_outcome() -> Fault {
    Fault { step: "await_outcome".to_owned(), detail: "no outcome".to_owned() }
}

impl Engine {
    /// Starts a job in a cell. `language`: as metrics name it.
    pub(super) async fn open(
        &self,
        language: &str,
        cells: &Cells,
        place: Slot,
        limits: Limits,
        job: Job,
    ) -> Result<Cell, Fault> {
        self.metrics.cell_started(language);
        match cells {
            Cells::Native { launcher } => {
                self.sandbox.open(launcher, place, limits, job).await.map(Cell::Native)
            }
            #[cfg(feature = "wasm")]
            Cells::Wasm { guests, metering } => self
                .languages
                .wasm()
                .sandbox()
                .open(guests.clone(), *metering, place, limits, job)
                .await
                .map(Cell::Wasm),
        }
    }

    /// Starts two jobs of one run each, in cells that can talk with each other, in one slot.
    pub(super) async fn open_linked(
        &self,
        language: &str,
        solution: Side,
        tests: Side,
        place: Slot,
    ) -> Result<(Cell, Cell), Fault> {
        self.metrics.cell_started(language);
        self.metrics.cell_started(language);
        #[cfg(feature = "wasm")]
        if let Cells::Wasm { guests, metering } = solution.cells {
            let pair = ((solution.limits, solution.job), (tests.limits, tests.job));
            let (solution, tests) =
                self.languages.wasm().sandbox().open_linked(guests, metering, place, pair.0, pair.1).await?;
            return Ok((Cell::Wasm(solution), Cell::Wasm(tests)));
        }
        let side = |side: Side| -> Result<LinkedJob, Fault> {
            let launcher = side.cells.launcher()?.to_owned();
            Ok(LinkedJob { launcher, limits: side.limits, job: side.job, at: LinkAt::Descriptors })
        };
        let (solution, tests) = self.sandbox.open_linked(side(solution)?, side(tests)?, place).await?;
        Ok((Cell::Native(solution), Cell::Native(tests)))
    }
}
