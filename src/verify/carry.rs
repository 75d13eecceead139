//! Carrying a job out: in as few cells as possible, each run's outcome handed on as it comes.

use std::{ops::ControlFlow, time::Duration};

use super::Engine;
use crate::{
    admission::{Admit, Overloaded, Place},
    language::Language,
    limits::Limits,
    sandbox::{CellRun, End, Fault, Job, LimitHit, Outcome},
};

/// A cell that failed for a reason of ours is made anew this often before the submission is
/// `undecided`.
const CELL_ATTEMPTS: u32 = 3;
/// Before the second attempt; four times as long before the third.
const CELL_PAUSE: Duration = Duration::from_millis(100);

/// A job with what its cells are made of.
pub(super) struct Errand<'a> {
    pub language: &'a Language,
    pub launcher: String,
    pub limits: Limits,
    pub job: &'a Job,
}

/// What is done with each outcome; `Break`: no more are wanted.
pub(super) trait Take: FnMut(Outcome) -> ControlFlow<()> + Send {}
impl<F: FnMut(Outcome) -> ControlFlow<()> + Send> Take for F {}

/// Why a cell was left before its last run.
enum Pause {
    None,
    Broken,
    MeasureAgain,
}

impl Engine {
    /// Hands the outcome of every run to `take`, in order: from one cell, unless a cell fails or a run
    /// must be measured again on a quiet machine. `place` is used for the first cell if it is given;
    /// further ones wait for their own.
    pub(super) async fn carry_out(
        &self,
        errand: &Errand<'_>,
        mut place: Option<Place>,
        mut take: impl Take,
    ) -> Result<(), Fault> {
        let runs = &errand.job.runs;
        let (mut done, mut attempts) = (0, 0);
        while done < runs.len() {
            let seat = match place.take() {
                Some(seat) => seat,
                // This submission has been admitted already: it is not turned away half-way.
                None => Place::Slot(self.admission.enter(Admit::Patient).await.map_err(turned_away)?),
            };
            let rest = Job { runs: runs[done..].to_vec(), ..errand.job.clone() };
            match self.run_cell(errand, rest, seat, &mut done, &mut take).await {
                // The kernel may have ended a cell for want of memory: the rest gets another.
                Ok(Pause::None) => {}
                Ok(Pause::Broken) => return Ok(()),
                Ok(Pause::MeasureAgain) => {
                    let only = Job { runs: vec![runs[done].clone()], ..errand.job.clone() };
                    let outcome = self.measure_alone(errand, only).await?;
                    done += 1;
                    if take(outcome).is_break() {
                        return Ok(());
                    }
                }
                Err(fault) => {
                    attempts += 1;
                    self.note_fault(errand.language, &fault);
                    if attempts == CELL_ATTEMPTS {
                        return Err(fault);
                    }
                    // A launcher that was killed takes a moment to be gone and be seen to be gone.
                    tokio::time::sleep(CELL_PAUSE * attempts * attempts).await;
                }
            }
        }
        Ok(())
    }

    /// One cell, from its first run until the last, the one after which no more are wanted, or the
    /// first doubt. Counts in `done`.
    async fn run_cell(
        &self,
        errand: &Errand<'_>,
        job: Job,
        place: Place,
        done: &mut usize,
        take: &mut impl Take,
    ) -> Result<Pause, Fault> {
        let mut cell = self.open_cell(errand, place, job).await?;
        while let Some(outcome) = cell.next().await? {
            if near_the_time_limit(&outcome, errand.limits) {
                return Ok(Pause::MeasureAgain);
            }
            *done += 1;
            if take(outcome).is_break() {
                return Ok(Pause::Broken);
            }
        }
        Ok(Pause::None)
    }

    /// The same run once more with nothing else running: what counts for a time near the limit.
    async fn measure_alone(&self, errand: &Errand<'_>, job: Job) -> Result<Outcome, Fault> {
        let alone = Place::Alone(self.admission.enter_alone().await);
        let mut cell = self.open_cell(errand, alone, job).await?;
        match cell.next().await? {
            Some(outcome) => Ok(outcome),
            None => Err(Fault { step: "measure_alone".to_owned(), detail: "no outcome".to_owned() }),
        }
    }

    async fn open_cell(&self, errand: &Errand<'_>, place: Place, job: Job) -> Result<CellRun, Fault> {
        self.metrics.cell_started(errand.language.name());
        self.sandbox.open(&errand.launcher, place, errand.limits, job).await
    }

    pub(super) fn note_fault(&self, language: &Language, fault: &Fault) {
        tracing::warn!(language = language.name(), step = %fault.step, detail = %fault.detail, "a cell failed; trying another");
        self.metrics.fault(&fault.step, "cell");
        self.metrics.cell_replaced(language.name());
    }
}

pub(super) fn turned_away(overloaded: Overloaded) -> Fault {
    Fault { step: "enter_again".to_owned(), detail: overloaded.to_string() }
}

/// Whether a neighbour's load may have decided: the run ended by itself a little over its CPU
/// limit, or the wall backstop ended one that was computing rather than sleeping.
fn near_the_time_limit(outcome: &Outcome, limits: Limits) -> bool {
    let limit = limits.cpu_ms as u128;
    let used = outcome.usage.cpu.as_millis();
    match outcome.limit {
        Some(LimitHit::Cpu) => outcome.end != (End::Signaled { signal: libc::SIGKILL }),
        Some(LimitHit::Wall) => used * 2 > limit,
        _ => false,
    }
}
