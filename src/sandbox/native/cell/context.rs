//! What the files of this folder share: a cell's set-up, its job, and the buffers of its runs.

use std::{
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::net::UnixStream,
    },
    sync::OnceLock,
    time::Duration,
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SigSet, SigmaskHow, Signal, sigprocmask},
        signalfd::{SfdFlags, SignalFd},
    },
};
use serde_bytes::Bytes;

use crate::sandbox::{
    job::{Collect, Program},
    native::{
        messages::{
            frames::write_message,
            slot_messages::{Reply, WireJob, WireLimits},
            step::{StepError, io_step, step},
        },
        walls::{cgroup::SlotGroup, enclosure::Enclosure, locks::OwnFiles},
    },
    sys::{self, Handlers, SockFilter, python::Callback, unforked::Unforked},
};

/// The user id that a solution sees.
pub const CELL_ID: u32 = 1000;
/// A function's result may be at least this large whatever the output limit.
const LEAST_RESULT_BYTES: u64 = 1 << 20;
/// More than a report needs beside what was captured.
const REPORT_BYTES: usize = 4096;

/// A job in memory that the runs do not inherit.
pub type LentJob<'a> = WireJob<&'a Bytes>;

/// What a slot gives every cell it makes.
pub struct CellSetup<'a> {
    pub seccomp: &'a [SockFilter],
    pub group: Option<SlotGroup>,
    pub enclosure: Enclosure<'a>,
    /// In a warm launcher: the interpreter's function that carries out a run.
    pub run: Option<&'a Callback>,
}

/// What all runs of a cell have in common.
pub struct Supervisor<'a> {
    pub socket: &'a UnixStream,
    /// Readable when a child has ended. SIGCHLD is blocked.
    pub children: SignalFd,
    pub setup: &'a CellSetup<'a>,
    pub limits: WireLimits,
    pub job: &'a LentJob<'a>,
    /// Of a job that brings its program: that program.
    pub program: Option<OwnedFd>,
    pub own_files: OwnFiles,
    /// What a warm run has of them.
    pub handlers: Handlers,
}

impl<'a> Supervisor<'a> {
    pub fn new(
        socket: &'a UnixStream,
        setup: &'a CellSetup<'a>,
        limits: WireLimits,
        job: &'a LentJob<'a>,
        handlers: Handlers,
    ) -> Result<Supervisor<'a>, StepError> {
        Ok(Supervisor {
            socket,
            children: watch_children()?,
            setup,
            limits,
            job,
            program: program_file(job)?,
            own_files: setup.enclosure.own_files(),
            handlers,
        })
    }

    /// Anything to read on the socket means stop: the service says nothing else, or is gone.
    pub fn is_stop_requested(&self) -> bool {
        let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }
}

/// Ends a cell's init, which tells the service what failed.
pub fn end_init(mut socket: &UnixStream, outcome: Result<(), StepError>) -> ! {
    let Err(error) = outcome else { sys::exit_now(0) };
    // The service may have closed the socket; then the cell is not wanted any more.
    let _ = write_message(&mut socket, &Reply::Fault(error.into()));
    sys::exit_now(1)
}

/// A descriptor that is readable when a child has ended.
pub fn watch_children() -> Result<SignalFd, StepError> {
    step("watch_children", || {
        let mut mask = SigSet::empty();
        mask.add(Signal::SIGCHLD);
        sigprocmask(SigmaskHow::SIG_SETMASK, Some(&mask), None)?;
        SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
    })
}

/// The program that a job brings, in memory; `None` if it executes one of the image.
fn program_file(job: &LentJob<'_>) -> Result<Option<OwnedFd>, StepError> {
    let Program::Source { path, .. } = &job.program else { return Ok(None) };
    let source = job.sources.iter().find(|(name, _)| name == path);
    let (_, content) = source.ok_or(StepError { step: "find_program", errno: Errno::ENOENT })?;
    let file = io_step("store_program", || sys::sealed_file(content))?;
    // Out of the way of the numbers that a run's own files get.
    step("store_program", || sys::dup_above(file.as_raw_fd(), 64)).map(Some)
}

/// Where a run stands among those of its cell, for programs that can hand their compiled form on.
#[derive(Debug, Clone, Copy)]
pub enum Stage<'a> {
    /// Compiles for itself.
    Only,
    /// No run: compiles for runs to come and sends the compiled form, before anything is executed and without
    /// having been given any run's input.
    Compile {
        /// And says whether runs may share a process; then it goes on as that.
        for_series: bool,
    },
    /// Is given the compiled form.
    Later(&'a [u8]),
    /// Likewise, and carries out several runs; see [`super::series`].
    Series(&'a [u8]),
}

impl Stage<'_> {
    /// The driver's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Stage::Only => "only",
            Stage::Compile { for_series: false } => "compile",
            Stage::Compile { for_series: true } => "compile-for-series",
            Stage::Later(_) => "later",
            Stage::Series(_) => "series",
        }
    }
}

/// Most bytes of standard output, standard error and result that are kept.
pub fn most_captured(limits: &WireLimits) -> [usize; 3] {
    let most = limits.output_bytes as usize;
    // What the driver says is not the solution's output.
    [most, most, most.max(LEAST_RESULT_BYTES as usize)]
}

/// What a cell's runs wrote, and how it is told: reused from run to run, and inherited by none.
pub struct Buffers {
    pub captured: [Unforked; 3],
    pub frame: Unforked,
}

impl Buffers {
    pub fn new(limits: &WireLimits, collect: &[Collect]) -> Result<Buffers, Errno> {
        let most = most_captured(limits);
        let collected =
            collect.iter().map(|collect| collect.most_bytes as usize + REPORT_BYTES).sum::<usize>();
        let whole = most.iter().sum::<usize>() + collected + REPORT_BYTES;
        let [stdout, stderr, result] = most.map(|most| Unforked::with_capacity(most + 1));
        Ok(Buffers { captured: [stdout?, stderr?, result?], frame: Unforked::with_capacity(whole)? })
    }
}

/// Cores that a run may use at once. Asking costs as much as a twentieth of a run and is done once in a
/// slot process; cells inherit the answer.
pub fn cores() -> u32 {
    static CORES: OnceLock<u32> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32))
}

/// No tree can use that much CPU time sooner, however many of its threads run.
pub fn least_time_to_use(cpu: Duration) -> Duration {
    (cpu / cores()).max(Duration::from_millis(1))
}
