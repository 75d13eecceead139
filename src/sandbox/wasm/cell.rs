//! One cell: the thread that carries its runs out, and the handle by which a caller awaits and ends them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::mpsc;

use super::{
    engine::{Metering, WASM_STACK_BYTES, fault},
    guests::{FoundGuest, GuestLoader},
    modules::module::CompiledModule,
    wasi::joint::JointEnd,
};
use crate::{
    admission::Slot,
    limits::Limits,
    sandbox::job::{Fault, Job, Outcome},
};

/// Stack of a cell's thread: the guest's calls and ours.
const THREAD_STACK_BYTES: usize = WASM_STACK_BYTES + (2 << 20);

/// What a cell begins with.
pub struct NewCell {
    pub guest: FoundGuest,
    pub metering: Metering,
    pub limits: Limits,
    pub job: Job,
    /// The end of a joint with another cell, for the first run.
    pub joint: Option<JointEnd>,
    /// Given back when the last thread that has it ends, by whichever way.
    pub place: Arc<Slot>,
}

/// A cell at work. Dropping it ends its runs.
#[derive(Debug)]
pub struct WasmCell {
    outcomes: mpsc::Receiver<Result<Outcome, Fault>>,
    /// Runs whose outcome is still to come.
    remaining: usize,
    cancelled: Arc<AtomicBool>,
}

impl WasmCell {
    /// Starts the cell's thread, which loads an image that is not loaded yet.
    pub fn start(loader: Arc<GuestLoader>, cell: NewCell) -> Result<WasmCell, Fault> {
        let (sender, outcomes) = mpsc::channel(1);
        let remaining = cell.job.runs.len();
        let cancelled = Arc::new(AtomicBool::new(false));
        let thread = CellThread { loader, cell, cancelled: Arc::clone(&cancelled), outcomes: sender };
        std::thread::Builder::new()
            .name("wasm-cell".to_owned())
            .stack_size(THREAD_STACK_BYTES)
            .spawn(move || thread.carry_out())
            .map_err(|error| fault("start_cell_thread", &error))?;
        Ok(WasmCell { outcomes, remaining, cancelled })
    }

    /// The next run's outcome; `None` after the last. Safe to cancel.
    pub async fn next(&mut self) -> Result<Option<Outcome>, Fault> {
        if self.remaining == 0 {
            return Ok(None);
        }
        match self.outcomes.recv().await {
            Some(outcome) => {
                self.remaining -= 1;
                outcome.map(Some)
            }
            // It panicked.
            None => Err(fault("carry_out_in_wasm", &"the cell's thread is gone")),
        }
    }
}

impl Drop for WasmCell {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

/// What a cell's thread has.
struct CellThread {
    loader: Arc<GuestLoader>,
    cell: NewCell,
    cancelled: Arc<AtomicBool>,
    outcomes: mpsc::Sender<Result<Outcome, Fault>>,
}

impl CellThread {
    fn carry_out(mut self) {
        let prepared = match &self.cell.guest {
            FoundGuest::Image(name) => self.loader.image(name, self.cell.metering),
            FoundGuest::Module(CompiledModule::Ready(prepared, _)) => Ok(Arc::clone(prepared)),
            // A module that is not one: every run comes to the same end.
            FoundGuest::Module(CompiledModule::Refused(refused)) => {
                for _ in &self.cell.job.runs[..] {
                    if self.outcomes.blocking_send(Ok((**refused).clone())).is_err() {
                        return;
                    }
                }
                return;
            }
        };
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(fault) => {
                let _ = self.outcomes.blocking_send(Err(fault));
                return;
            }
        };
        let _running = prepared.engine.running();
        let NewCell { job, limits, joint, .. } = &mut self.cell;
        for run in &job.runs[..] {
            let outcome = prepared.run(job, run, *limits, &self.cancelled, joint.take());
            let failed = outcome.is_err();
            // Nobody listens any more: the cell was let go of.
            if self.outcomes.blocking_send(outcome).is_err() || failed {
                return;
            }
        }
    }
}
