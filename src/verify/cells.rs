//! Carrying a job out: in as few cells as possible, each run's outcome handed on as it comes.

use std::time::Duration;

use super::{
    engine::Engine,
    runner::{Cell, Cells, no_outcome},
    slot_access::SlotAccess,
};
use crate::{
    admission::{Overloaded, Slot},
    limits::Limits,
    sandbox::{Fault, Job, Outcome},
    verdict::Cause,
};

/// A cell that failed for a reason of ours is made anew this often before the submission is
/// `undecided`.
const CELL_ATTEMPTS: u32 = 3;
/// Before the second attempt; four times as long before the third.
const CELL_PAUSE: Duration = Duration::from_millis(100);

/// A job with what its cells are made of.
pub(super) struct Errand<'a> {
    /// The language's name.
    pub language: &'a str,
    pub cells: Cells,
    pub limits: Limits,
    pub job: &'a Job,
    /// Most slots that the runs may take at once.
    pub parallel: usize,
    /// As in [`Job::series`]: whoever takes the outcomes knows [`Wish::Alone`].
    pub series: bool,
}

impl<'a> Errand<'a> {
    /// In native cells, one after the other.
    pub(super) fn native(language: &'a str, launcher: String, limits: Limits, job: &'a Job) -> Errand<'a> {
        Errand { language, cells: Cells::Native { launcher }, limits, job, parallel: 1, series: false }
    }
}

/// Tests could not be carried out: no word on the solution.
#[derive(Debug, thiserror::Error)]
pub(super) enum Interrupted {
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Interrupted {
    pub(super) fn cause(&self) -> Cause {
        match self {
            Interrupted::Overloaded(_) => Cause::Overloaded,
            Interrupted::Fault(_) => Cause::SandboxFault,
        }
    }
}

/// What is wanted after an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    More,
    /// No further ones.
    Enough,
    /// The same run once more, in a process of its own: this outcome has not been taken.
    Alone,
}

/// What is done with each outcome.
pub(super) trait Take: FnMut(Outcome) -> Wish + Send {}
impl<F: FnMut(Outcome) -> Wish + Send> Take for F {}

/// Why cells were left before their last run.
enum Pause {
    None,
    Broken,
    MeasureAgain,
    /// A run that shared a process is to have one of its own, and so is every run after it.
    Alone,
}

impl Engine {
    /// Hands the outcome of every run to `take`, in order: from one cell, or from one in each of the idle
    /// slots that may be used, unless a cell fails or a run must be measured again.
    /// `place` is that of the first cell.
    pub(super) async fn carry_out(
        &self,
        errand: &Errand<'_>,
        place: Slot,
        slots: &mut SlotAccess<'_>,
        mut take: impl Take,
    ) -> Result<(), Interrupted> {
        let runs = &errand.job.runs;
        let (mut place, mut done, mut attempts) = (Some(place), 0, 0);
        let mut series = errand.series;
        while done < runs.len() {
            let place = match place.take() {
                Some(place) => place,
                None => slots.place().await?,
            };
            let places = slots.further(place, errand.parallel.min(runs.len() - done));
            match self.run_cells(errand, series, places, &mut done, &mut take).await {
                // The kernel may have ended a cell for want of memory: the rest gets another.
                Ok(Pause::None) => {}
                Ok(Pause::Broken) => return Ok(()),
                Ok(Pause::Alone) => series = false,
                Ok(Pause::MeasureAgain) => {
                    let outcome = self.measure_again(errand, done, slots).await?;
                    done += 1;
                    if take(outcome) == Wish::Enough {
                        return Ok(());
                    }
                }
                Err(fault) => self.after_fault(errand.language, fault, &mut attempts).await?,
            }
        }
        Ok(())
    }

    /// The outcomes of runs, in order, up to the first after which `goes_on` is false.
    pub(super) async fn outcomes(
        &self,
        errand: &Errand<'_>,
        slots: &mut SlotAccess<'_>,
        goes_on: fn(&Outcome) -> bool,
    ) -> Result<Vec<Outcome>, Interrupted> {
        let place = slots.place().await?;
        let mut outcomes = Vec::with_capacity(errand.job.runs.len());
        self.carry_out(errand, place, slots, |outcome| {
            let wish = if goes_on(&outcome) { Wish::More } else { Wish::Enough };
            outcomes.push(outcome);
            wish
        })
        .await?;
        Ok(outcomes)
    }

    /// The outcome of a job's only run.
    pub(super) async fn only_outcome(
        &self,
        errand: &Errand<'_>,
        slots: &mut SlotAccess<'_>,
    ) -> Result<Outcome, Interrupted> {
        self.outcomes(errand, slots, |_| true).await?.pop().ok_or_else(|| no_outcome().into())
    }

    /// The runs not yet done, each place's cell with every n-th of them, until the last, the one after
    /// which no more are wanted, or the first doubt. Cells run ahead by what their sockets hold.
    async fn run_cells(
        &self,
        errand: &Errand<'_>,
        series: bool,
        places: Vec<Slot>,
        done: &mut usize,
        take: &mut impl Take,
    ) -> Result<Pause, Fault> {
        let rest = &errand.job.runs[*done..];
        let lanes = places.len();
        let mut cells = Vec::with_capacity(lanes);
        for (lane, place) in places.into_iter().enumerate() {
            let runs = rest.iter().skip(lane).step_by(lanes).cloned().collect();
            cells.push(self.open_cell(errand, place, Job { runs, series, ..errand.job.clone() }).await?);
        }
        for lane in (0..lanes).cycle().take(rest.len()) {
            let Some(outcome) = cells[lane].next().await? else { break };
            if errand.cells.is_doubtful(&outcome, errand.limits) {
                return Ok(Pause::MeasureAgain);
            }
            match take(outcome) {
                Wish::More => *done += 1,
                Wish::Enough => {
                    *done += 1;
                    return Ok(Pause::Broken);
                }
                Wish::Alone => return Ok(Pause::Alone),
            }
        }
        Ok(Pause::None)
    }

    /// One run once more: what counts for a time near the limit. It takes its turn for a slot like any
    /// other run and keeps nobody else from running: runs near their limit are no means to hold others
    /// up.
    async fn measure_again(
        &self,
        errand: &Errand<'_>,
        run: usize,
        slots: &mut SlotAccess<'_>,
    ) -> Result<Outcome, Interrupted> {
        let only = Job { runs: vec![errand.job.runs[run].clone()], ..errand.job.clone() };
        let place = slots.place().await?;
        Ok(self.open_cell(errand, place, only).await?.only().await?)
    }

    async fn open_cell(&self, errand: &Errand<'_>, place: Slot, job: Job) -> Result<Cell, Fault> {
        self.open(errand.language, &errand.cells, place, errand.limits, job).await
    }

    pub(super) fn note_run(&self, language: &str, outcome: &Outcome) {
        self.metrics.run_ended(language, outcome.usage.cpu, outcome.usage.wall);
        if outcome.in_series {
            self.metrics.run_was_in_series(language);
        }
    }

    /// Notes that a cell failed for a reason of ours, and pauses before the next attempt.
    ///
    /// # Errors
    /// The fault, where it was the last of [`CELL_ATTEMPTS`].
    pub(super) async fn after_fault(
        &self,
        language: &str,
        fault: Fault,
        attempts: &mut u32,
    ) -> Result<(), Fault> {
        tracing::warn!(language, step = %fault.step, detail = %fault.detail, "a cell failed; trying another");
        self.metrics.fault(&fault.step, "cell");
        self.metrics.cell_replaced(language);
        *attempts += 1;
        if *attempts == CELL_ATTEMPTS {
            return Err(fault);
        }
        // A launcher that was killed takes a moment to be gone and be seen to be gone.
        tokio::time::sleep(CELL_PAUSE * *attempts * *attempts).await;
        Ok(())
    }
}
