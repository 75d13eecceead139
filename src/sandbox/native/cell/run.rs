//! One run: start the program, watch it, end everything it left, say what happened.

use std::{
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::net::UnixStream,
    },
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    fcntl::OFlag,
    sched::CloneFlags,
    sys::{signalfd::SignalFd, stat::fstat},
    unistd::{Pid, pipe2},
};
use serde_bytes::Bytes;

use super::{
    become_program::{Inherited, Inputs, become_program},
    init::{CellSetup, LentJob},
    supervise::{Capture, GroupCpu, HeldStream, Watch, end_everything, supervise},
    work_files::WorkDirectory,
};
use crate::sandbox::{
    LimitHit,
    native::{
        launcher::confined::ConfinedCell,
        messages::{
            protocol::{JobRun, Program, Ran, WireLimits},
            set_up,
            step::{StepError, io_step, step},
        },
        service::linked::{Link, LinkAt, LinkEnds},
        walls::{
            call_gate::Gate,
            cgroup::OomKill,
            locks::OwnFiles,
            processes::{self, FileId},
            rootfs::WORK_DIR,
            usage::TreeWatch,
        },
    },
    sys::{self, Handlers, unforked::Unforked},
};

/// A function's result may be at least this large whatever the output limit.
const LEAST_RESULT_BYTES: u64 = 1 << 20;
/// Memory that the cell's init may take beside the files that it reads back.
const READING_ROOM_BYTES: u64 = 32 << 20;

/// Beyond the CPU limit, this share of it is allowed before the run is killed, so that a run just
/// over the limit ends by itself and its true cost is known (it is then measured again).
pub fn cpu_kill_after(cpu_ms: u64) -> Duration {
    Duration::from_millis(cpu_ms + cpu_ms / 8 + 10)
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

/// What all runs of a cell have in common.
pub struct Supervisor<'a> {
    pub socket: &'a UnixStream,
    /// Readable when a child has ended. SIGCHLD is blocked.
    pub children: &'a SignalFd,
    pub setup: &'a CellSetup<'a>,
    pub limits: WireLimits,
    /// Of a job that brings its program: that program.
    pub program: Option<OwnedFd>,
    pub own_files: OwnFiles,
    /// What a warm run has of them.
    pub handlers: Handlers,
}

/// The program that a job brings, in memory; `None` if it executes one of the image.
pub fn program_file(job: &LentJob<'_>) -> Result<Option<OwnedFd>, StepError> {
    let Program::Source { path, .. } = &job.program else { return Ok(None) };
    let source = job.sources.iter().find(|(name, _)| name == path);
    let (_, content) = source.ok_or(StepError { step: "find_program", errno: Errno::ENOENT })?;
    let file = io_step("store_program", || sys::sealed_file(content))?;
    // Out of the way of the numbers that a run's own files get.
    step("store_program", || sys::dup_above(file.as_raw_fd(), 64)).map(Some)
}

/// Carries out one run. `Ok(None)` if the service wants no more of this cell.
pub fn carry_out<'b>(
    supervisor: &Supervisor<'_>,
    job: &LentJob<'_>,
    input: &JobRun<&Bytes>,
    link: Option<Link>,
    stage: Stage<'_>,
    captured: &'b mut [Unforked; 3],
    begun: Instant,
) -> Result<Option<Ran<&'b Bytes, Unforked>>, StepError> {
    let inputs = inputs(input, link, stage)?;
    let (inbox, held) = hold_streams(&inputs)?;
    // Before memory is measured: what the run is given is not its own use.
    let work = match input.files.is_empty() && job.collect.is_empty() {
        true => None,
        false => Some(furnish_work_directory(supervisor, job, input)?),
    };
    let group = supervisor.setup.group.as_ref();
    let memory_base = match group {
        Some(group) => io_step("limit_memory", || group.limit_memory(supervisor.limits.memory_bytes))?,
        None => 0,
    };
    let peak_mark = group.map(|group| group.mark_peak());
    let oom_before = match group {
        Some(group) => Some(io_step("read_oom_events", || group.oom_count())?),
        None => None,
    };
    let mut watch = start(supervisor, job, stage, inputs, captured)?;
    (watch.inbox, watch.held) = (inbox, held);
    watch.given_bytes = input.files.iter().map(|(_, content)| content.len() as u64 + 4096).sum();
    watch.cpu_before = match group {
        Some(group) => Some(io_step("read_cpu_time", || GroupCpu::now(group))?),
        None => None,
    };
    let wanted = supervise(supervisor, &mut watch, begun)?;
    end_everything(supervisor, &mut watch)?;
    if !wanted {
        return Ok(None);
    }
    if let (Some(group), Some(before)) = (group, oom_before) {
        match io_step("read_oom_events", || group.oom_count())?.since(before) {
            None => {}
            Some(OomKill::OwnLimit) => watch.limit = Some(LimitHit::Memory),
            // Our neighbours' doing, or the host's: a fault, never a verdict.
            Some(OomKill::Elsewhere) => {
                return Err(StepError { step: "host_out_of_memory", errno: Errno::ENOMEM });
            }
        }
        if let Some(mark) = peak_mark
            && let Some(peak) = io_step("read_memory_peak", || group.peak_since(mark))?
        {
            watch.max_rss_bytes = watch.max_rss_bytes.max(peak.saturating_sub(memory_base));
        }
    }
    let mut ran = watch.finish(supervisor, begun)?;
    if let Some(work) = work {
        if let Some(group) = group {
            // Room for this process to hold what it reads.
            let most: u64 = job.collect.iter().map(|collect| collect.most_bytes).sum();
            io_step("limit_memory", || group.limit_memory(most + READING_ROOM_BYTES))?;
        }
        ran.files = work.take(&job.collect)?;
    }
    Ok(Some(ran))
}

/// The files that the run finds by name, and the directories of those that it leaves.
fn furnish_work_directory(
    supervisor: &Supervisor<'_>,
    job: &LentJob<'_>,
    input: &JobRun<&Bytes>,
) -> Result<WorkDirectory, StepError> {
    let confined = supervisor.setup.confined.as_ref();
    let path = confined.map_or_else(|| WORK_DIR.into(), ConfinedCell::work_directory);
    let work = WorkDirectory::open(&path)?;
    work.put(&input.files, &job.collect)?;
    Ok(work)
}

/// Of a run whose streams lead to another cell: second handles on what it reads and what it writes.
fn hold_streams(inputs: &Inputs) -> Result<(Option<OwnedFd>, Option<HeldStream>), StepError> {
    let Some(stdout) = &inputs.stdout else { return Ok((None, None)) };
    io_step("hold_link", || {
        Ok((Some(inputs.stdin.try_clone()?), Some(HeldStream::new(stdout.try_clone()?)?)))
    })
}

/// What the run finds at its descriptors, but for what is captured.
pub fn inputs(input: &JobRun<&Bytes>, link: Option<Link>, stage: Stage<'_>) -> Result<Inputs, StepError> {
    let call = match &input.call {
        Some(call) => Some(io_step("store_call", || sys::sealed_file(call))?),
        None => None,
    };
    let code = match stage {
        Stage::Later(code) | Stage::Series(code) => Some(io_step("store_code", || sys::sealed_file(code))?),
        Stage::Only | Stage::Compile { .. } => None,
    };
    let stdin = || io_step("store_stdin", || sys::sealed_file(input.stdin));
    Ok(match link {
        Some(Link { at: LinkAt::Streams, ends: LinkEnds { inbox, outbox } }) => {
            Inputs { stdin: inbox, stdout: Some(outbox), call, code, link: None, series: None }
        }
        Some(Link { at: LinkAt::Descriptors, ends }) => {
            Inputs { stdin: stdin()?, stdout: None, call, code, link: Some(ends), series: None }
        }
        None => Inputs { stdin: stdin()?, stdout: None, call, code, link: None, series: None },
    })
}

/// Files in memory that a run is given. What it does not write is not its own use.
fn given_files(supervisor: &Supervisor<'_>, inputs: &Inputs) -> Result<Vec<FileId>, StepError> {
    let Inputs { stdin, call, code, .. } = inputs;
    let files = [Some(stdin), call.as_ref(), code.as_ref(), supervisor.program.as_ref()];
    let id = |file: &OwnedFd| fstat(file).map(|found| (found.st_dev, found.st_ino));
    step("identify_inputs", || files.into_iter().flatten().map(id).collect())
}

/// Starts the program with its pipes. Returns when it is executing.
pub fn start<'b>(
    supervisor: &Supervisor<'_>,
    job: &LentJob<'_>,
    stage: Stage<'_>,
    mut inputs: Inputs,
    captured: &'b mut [Unforked; 3],
) -> Result<Watch<'b>, StepError> {
    let pipe = || step("make_pipe", || pipe2(OFlag::O_CLOEXEC));
    let awaits_output = inputs.call.is_none() && inputs.link.is_none() && inputs.series.is_none();
    // Where a control group counts, nobody looks at files.
    let given = match supervisor.setup.group {
        Some(_) => None,
        None => Some(given_files(supervisor, &inputs)?),
    };
    let (stdout_read, stdout) = match inputs.stdout.take() {
        Some(to_other_cell) => (None, to_other_cell),
        None => pipe().map(|(read, write)| (Some(read), write))?,
    };
    let (stderr, result) = (pipe()?, pipe()?);
    let (from_run, mut to_init) = set_up::pair()?;
    let confined = supervisor.setup.confined.as_ref();
    // A warm run goes on in this very process image, so the C library must know of the fork.
    let fork = || match &job.program {
        Program::Exec { .. } | Program::Source { .. } => sys::clone_process(CloneFlags::empty()),
        Program::Warm { .. } => sys::python::fork(),
    };
    let Some(main) = step("fork_run", fork)? else {
        let inherited = Inherited { inputs, stdout, stderr: stderr.1, result: result.1 };
        let error = become_program(supervisor, &job.program, stage, &inherited, &mut to_init);
        to_init.tell(error);
        sys::exit_now(127);
    };
    drop((to_init, stdout, stderr.1, result.1));
    let [stdout_most, stderr_most, result_most] = most_captured(&supervisor.limits);
    let capture = |pipe: Option<OwnedFd>, bytes: &'b mut Unforked, most| Capture::new(pipe, bytes, most);
    let [stdout_bytes, stderr_bytes, result_bytes] = captured;
    let captures = [
        capture(stdout_read, stdout_bytes, stdout_most),
        capture(Some(stderr.0), stderr_bytes, stderr_most),
        capture(Some(result.0), result_bytes, result_most),
    ];
    for capture in &captures {
        step("unblock_pipe", || capture.unblock())?;
    }
    let gate = from_run.await_program()?.map(Gate::new);
    Ok(Watch {
        main,
        main_status: None,
        awaits_output,
        captures,
        limit: None,
        reaped_cpu: Duration::ZERO,
        cpu_before: None,
        max_rss_bytes: 0,
        tree: given.map(|given| {
            let processes: fn() -> Vec<Pid> = match confined {
                Some(_) => || processes::descendants(Pid::this()),
                None => processes::others_in_namespace,
            };
            TreeWatch::new(processes, given)
        }),
        given_bytes: 0,
        ended_us: None,
        held: None,
        inbox: None,
        left_unread: false,
        gate,
    })
}
