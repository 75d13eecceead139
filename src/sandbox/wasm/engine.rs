//! The one configuration of wasmtime, with a reason for each setting.

use std::{
    hash::{Hash, Hasher},
    sync::{Arc, Condvar, Mutex, PoisonError, Weak},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use wasmtime::{Config, Engine, OptLevel, RegallocAlgorithm, Strategy};

use crate::sandbox::job::Fault;

/// What ends a run that computes for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metering {
    /// CPU time of its thread. Costs a seventh to a third of the speed.
    Clock,
    /// What it carries out, counted: the same on any machine and under any load. Costs half of the
    /// speed again.
    Fuel,
}

impl Metering {
    pub fn as_str(self) -> &'static str {
        match self {
            Metering::Clock => "clock",
            Metering::Fuel => "fuel",
        }
    }
}

/// Time between two epochs: how late a limit may be noticed.
const EPOCH: Duration = Duration::from_millis(1);
/// Stack of a guest's own calls. A guest that keeps its own stack in its memory checks that one; this
/// must be wide enough that such a check comes first.
pub const WASM_STACK_BYTES: usize = 64 << 20;
/// Most bytes of a memory image that is mapped rather than copied, whatever holes it has.
const DENSE_IMAGE_BYTES: u64 = 1 << 30;
/// The bound for the memory image of a module that is a solution.
const SOLUTION_IMAGE_BYTES: u64 = 1 << 20;

/// An engine with the thread that makes its epochs.
#[derive(Debug)]
pub struct WasmEngine {
    engine: Engine,
    metering: Metering,
    ticker: Arc<Ticker>,
}

impl WasmEngine {
    pub fn new(metering: Metering) -> Result<WasmEngine, Fault> {
        WasmEngine::with_config(metering, &config(metering))
    }

    /// For building images: compiles on all cores.
    pub fn for_building(metering: Metering) -> Result<WasmEngine, Fault> {
        let mut config = config(metering);
        config.parallel_compilation(true);
        WasmEngine::with_config(metering, &config)
    }

    /// For the one run of which a snapshot is made: compiles fast and not well.
    pub fn for_setup() -> Result<WasmEngine, Fault> {
        let mut config = config(Metering::Clock);
        config.parallel_compilation(true);
        config.cranelift_opt_level(OptLevel::None);
        config.cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass);
        WasmEngine::with_config(Metering::Clock, &config)
    }

    fn with_config(metering: Metering, config: &Config) -> Result<WasmEngine, Fault> {
        let failed = |error: &dyn std::fmt::Display| fault("start_wasm_engine", error);
        let engine = Engine::new(config).map_err(|error| failed(&error))?;
        let ticker = Arc::new(Ticker::default());
        let (weak, ours) = (Arc::downgrade(&ticker), engine.clone());
        std::thread::Builder::new()
            .name("wasm-epochs".to_owned())
            .spawn(move || make_epochs(&weak, &ours))
            .map_err(|error| failed(&error))?;
        Ok(WasmEngine { engine, metering, ticker })
    }

    pub fn wasmtime(&self) -> &Engine {
        &self.engine
    }

    pub fn metering(&self) -> Metering {
        self.metering
    }

    /// Epochs pass for as long as the result lives.
    pub fn running(&self) -> Running {
        *self.ticker.running.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.ticker.changed.notify_one();
        Running(Arc::clone(&self.ticker))
    }

    /// What compiled code depends on beside its module: wasmtime's version, these settings, the CPU.
    pub fn fingerprint(&self) -> u64 {
        // Always with the same keys: the number names directories.
        let mut hasher = std::hash::DefaultHasher::new();
        self.engine.precompile_compatibility_hash().hash(&mut hasher);
        hasher.finish()
    }
}

/// For the process that compiles one module of a solution: what it makes is for [`WasmEngine::new`].
pub fn compiler(metering: Metering) -> wasmtime::Result<Engine> {
    let mut config = config(metering);
    // A few bytes far from each other in a module's memory would make an image of all between them.
    config.memory_guaranteed_dense_image_size(SOLUTION_IMAGE_BYTES);
    Engine::new(&config)
}

fn config(metering: Metering) -> Config {
    let mut config = Config::new();
    config.strategy(Strategy::Cranelift);
    config.cranelift_opt_level(OptLevel::Speed);
    // The slow one: modules are compiled once and run often.
    config.cranelift_regalloc_algorithm(RegallocAlgorithm::Backtracking);
    // Here modules of solutions are compiled: within their slot, which is one core.
    config.parallel_compilation(false);

    // How runs are ended. Both modes have epochs: without them a run could not be cancelled.
    config.epoch_interruption(true);
    config.consume_fuel(metering == Metering::Fuel);
    // Nothing is asynchronous here; wasmtime wants the other stack to be no smaller.
    config.async_stack_size(WASM_STACK_BYTES + (1 << 20));
    config.max_wasm_stack(WASM_STACK_BYTES);

    // Proposals: what is finished and what compilers emit. CPython's module has exceptions.
    config.wasm_exceptions(true);
    // Unfinished, or of no use to a guest that has one thread and one memory; each is code that a
    // hostile module could reach.
    config.wasm_relaxed_simd(false);
    config.wasm_gc(false);
    config.wasm_memory64(false);
    config.wasm_multi_memory(false);
    config.wasm_custom_page_sizes(false);
    config.wasm_wide_arithmetic(false);
    config.shared_memory(false);

    // The bits of a NaN differ from CPU to CPU unless they are chosen.
    config.cranelift_nan_canonicalization(metering == Metering::Fuel);

    // An address space as large as an index can reach: every access out of bounds meets a page that
    // is not there, so none has to be compared. Guards on both sides catch constant offsets.
    config.memory_reservation(4 << 30);
    config.memory_guard_size(32 << 20);
    config.memory_may_move(false);
    // A run's memory is the image's, mapped copy-on-write: nothing is copied before it is written
    // to, and what a run has written goes with its mapping.
    config.memory_init_cow(true);
    config.memory_guaranteed_dense_image_size(DENSE_IMAGE_BYTES);

    // A traceback of a guest's machine code says nothing to the author of a Python program, and its
    // tables are a third of a module's size.
    config.generate_address_map(false);
    config.wasm_backtrace_max_frames(None);
    config.native_unwind_info(false);
    config
}

/// Makes epochs while something runs.
#[derive(Debug, Default)]
struct Ticker {
    running: Mutex<usize>,
    changed: Condvar,
}

/// How long the thread sleeps where nothing runs before it looks whether its engine is still there.
const IDLE: Duration = Duration::from_secs(1);

fn make_epochs(ticker: &Weak<Ticker>, engine: &Engine) {
    while let Some(ticker) = ticker.upgrade() {
        if ticker.runs() {
            drop(ticker);
            std::thread::sleep(EPOCH);
            engine.increment_epoch();
        }
    }
}

impl Ticker {
    /// Whether anything runs; waits a while where nothing does.
    fn runs(&self) -> bool {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(running, IDLE, |running| *running == 0);
        *waited.unwrap_or_else(PoisonError::into_inner).0 > 0
    }
}

/// While it lives epochs pass.
#[derive(Debug)]
pub struct Running(Arc<Ticker>);

impl Drop for Running {
    fn drop(&mut self) {
        *self.0.running.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
    }
}

/// A step of the Wasm runner that failed.
pub fn fault(step: &str, error: &dyn std::fmt::Display) -> Fault {
    Fault { step: step.to_owned(), detail: format!("{error:#}") }
}

/// What wasmtime says, on one line.
pub fn one_line(error: &wasmtime::Error) -> String {
    format!("{error:#}").replace('\n', "; ")
}
