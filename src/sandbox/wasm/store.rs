//! What belongs to one run, beside its instance: its world, its memory's ceiling, its clocks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use wasmtime::{AsContext, Global, Memory, ResourceLimiter, Store, UpdateDeadline};

use super::{
    engine::{Metering, WasmEngine},
    wasi::{Wasi, joint::Patience, stop::GuestStop},
};
use crate::{
    limits::Limits,
    sandbox::{job::Fault, sys},
};

/// Units of fuel that stand for a millisecond of CPU time in a deterministic run: about what a
/// machine of today carries out in one.
pub const FUEL_PER_MS: u64 = 1_000_000;
/// Epochs between two looks at a run's clocks.
const LOOK_EVERY: u64 = 1;
/// Most entries of all tables of a run; an entry is 8 bytes of ours.
const MAX_TABLE_ENTRIES: usize = 1 << 20;

/// The data of a run's store.
pub struct RunState {
    pub wasi: Wasi,
    pub ceiling: Ceiling,
    /// The guest's linear memory, once there is an instance.
    pub memory: Option<Memory>,
    /// Where the stack in the guest's memory has got to, in modules that show it.
    pub stack_pointer: Option<Global>,
    /// Fuel that the run was given; 0 where it is not metered.
    fuel: u64,
}

impl RunState {
    pub fn new(wasi: Wasi, max_memory_bytes: u64, base_bytes: u64) -> RunState {
        let ceiling =
            Ceiling { base_bytes, max_bytes: max_memory_bytes, held: 0, refused: false, entries: 0 };
        RunState { wasi, ceiling, memory: None, stack_pointer: None, fuel: 0 }
    }

    /// Whether the run's work is counted.
    pub fn is_metered(&self) -> bool {
        self.fuel > 0
    }

    /// Fuel used so far; 0 where the run is not metered.
    pub fn fuel_used(&self, store: &impl AsContext) -> u64 {
        match self.fuel {
            0 => 0,
            given => given - store.as_context().get_fuel().unwrap_or(given),
        }
    }
}

/// The most memory that a run may have.
#[derive(Debug)]
pub struct Ceiling {
    /// What the image itself begins with: shared with the other runs until written to, and not the
    /// solution's.
    base_bytes: u64,
    /// What a run may add to it.
    max_bytes: u64,
    /// Most that the linear memory has had.
    held: u64,
    /// Whether the run asked for more than it may have.
    refused: bool,
    entries: usize,
}

impl Ceiling {
    /// Most memory that the run added to its image, bytes.
    pub fn peak_bytes(&self) -> u64 {
        self.held.saturating_sub(self.base_bytes) + self.entries as u64 * 8
    }

    /// Whether the run was refused memory.
    pub fn was_refused(&self) -> bool {
        self.refused
    }
}

impl ResourceLimiter for Ceiling {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.held - (current as u64).min(self.held) + desired as u64;
        let allowed = total.saturating_sub(self.base_bytes) <= self.max_bytes;
        match allowed {
            true => self.held = self.held.max(total),
            false => self.refused = true,
        }
        Ok(allowed)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.entries - current.min(self.entries) + desired;
        let allowed = total <= MAX_TABLE_ENTRIES;
        match allowed {
            true => self.entries = self.entries.max(total),
            false => self.refused = true,
        }
        Ok(allowed)
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        16
    }

    fn memories(&self) -> usize {
        1
    }
}

/// A run's clocks. CPU time is that of the thread, which carries out nothing else meanwhile.
#[derive(Debug, Clone)]
pub struct Clock {
    cpu: Duration,
    wall: Instant,
    limits: Limits,
    patience: Patience,
}

impl Clock {
    /// Starts on the thread that carries the run out.
    pub fn start(limits: Limits, cancelled: Arc<AtomicBool>) -> Result<Clock, Fault> {
        let patience = Patience { cancelled, waited: Arc::default() };
        Ok(Clock { cpu: thread_time()?, wall: Instant::now(), limits, patience })
    }

    /// For waiting on another cell, which is not the run's own time.
    pub fn patience(&self) -> Patience {
        self.patience.clone()
    }

    pub fn cpu(&self) -> Result<Duration, Fault> {
        Ok(thread_time()?.saturating_sub(self.cpu))
    }

    /// Wall time that counts: what the run computed and slept. Waiting for a core is not the run's doing.
    pub fn wall(&self, cpu: Duration, slept: Duration) -> Duration {
        cpu.saturating_add(slept)
    }

    pub fn wall_limit(&self) -> Duration {
        self.limits.wall()
    }

    pub fn over_cpu_limit(&self, cpu: Duration) -> bool {
        cpu > Duration::from_millis(self.limits.cpu_ms)
    }

    /// What must end the run now, if anything. Deterministic runs end by fuel: there the backstop
    /// alone looks at a clock, and what it ends has no verdict.
    fn must_stop(&self, metering: Metering, slept: Duration) -> Option<GuestStop> {
        if self.patience.cancelled.load(Ordering::Relaxed) {
            return Some(GuestStop::Cancelled);
        }
        // One of two joined cells never waits, so that one of the two backstops always draws nearer.
        let waited = self.patience.waited.lock().map_or(Duration::ZERO, |waited| *waited);
        if self.wall.elapsed().saturating_sub(waited) > self.limits.wall() * Limits::MOST_WALL_STRETCH {
            return Some(GuestStop::Backstop);
        }
        if metering == Metering::Fuel {
            return None;
        }
        // A clock that cannot be read ends the run, rather than leave it without a limit.
        let Ok(cpu) = self.cpu() else { return Some(GuestStop::Cancelled) };
        if self.over_cpu_limit(cpu) {
            return Some(GuestStop::Cpu);
        }
        (self.wall(cpu, slept) > self.limits.wall()).then_some(GuestStop::Wall)
    }
}

fn thread_time() -> Result<Duration, Fault> {
    sys::thread_cpu_time()
        .map_err(|error| Fault { step: "read_thread_clock".to_owned(), detail: error.to_string() })
}

/// A store for one run, with every limit in place.
pub fn limited(engine: &WasmEngine, mut guest: RunState, clock: Clock) -> wasmtime::Result<Store<RunState>> {
    let metering = engine.metering();
    if metering == Metering::Fuel {
        guest.fuel = clock.limits.cpu_ms.saturating_mul(FUEL_PER_MS);
    }
    let fuel = guest.fuel;
    let mut store = Store::new(engine.wasmtime(), guest);
    store.limiter(|guest| &mut guest.ceiling);
    if metering == Metering::Fuel {
        store.set_fuel(fuel)?;
    }
    store.set_epoch_deadline(LOOK_EVERY);
    store.epoch_deadline_callback(move |store| match clock.must_stop(metering, store.data().wasi.slept()) {
        Some(stop) => Err(stop.into()),
        None => Ok(UpdateDeadline::Continue(LOOK_EVERY)),
    });
    Ok(store)
}
