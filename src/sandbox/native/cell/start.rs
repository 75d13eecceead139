//! Starting a run: what it is given, the pipes that it is heard by, and the fork that becomes the program.

use std::{os::fd::OwnedFd, time::Duration};

use nix::{
    fcntl::OFlag,
    sched::CloneFlags,
    sys::stat::fstat,
    unistd::{Pid, pipe2},
};
use serde_bytes::Bytes;

use super::{
    become_program::become_program,
    capture::Capture,
    context::{Stage, Supervisor, most_captured},
    descriptors::{Inherited, Inputs},
    supervise::LiveRun,
};
use crate::sandbox::{
    job::Program,
    native::{
        messages::{
            link_ends::{Link, LinkAt},
            set_up::{self, ToInit},
            slot_messages::WireRun,
            step::{StepError, io_step, step},
        },
        walls::{
            call_gate::Gate,
            meter::Meter,
            processes::FileId,
            usage::{Given, TreeWatch},
        },
    },
    sys::{self, unforked::Unforked},
};

/// What the run finds at its descriptors, but for what is captured.
pub fn inputs(run: &WireRun<&Bytes>, link: Option<Link>, stage: Stage<'_>) -> Result<Inputs, StepError> {
    let call = match &run.call {
        Some(call) => Some(io_step("store_call", || sys::sealed_file(call))?),
        None => None,
    };
    let code = match stage {
        Stage::Later(code) | Stage::Series(code) => Some(io_step("store_code", || sys::sealed_file(code))?),
        Stage::Only | Stage::Compile { .. } => None,
    };
    let (stdin, stdout, link) = match link {
        Some(Link { at: LinkAt::Streams, ends }) => (ends.inbox, Some(ends.outbox), None),
        other => {
            let stdin = io_step("store_stdin", || sys::sealed_file(run.stdin))?;
            (stdin, None, other.map(|link| link.ends))
        }
    };
    Ok(Inputs { stdin, stdout, call, code, link, series: None })
}

/// The meter of a run that is given these inputs, and so many bytes of files.
pub fn meter<'r>(
    supervisor: &'r Supervisor<'_>,
    inputs: &Inputs,
    file_bytes: u64,
) -> Result<Meter<'r>, StepError> {
    let Supervisor { setup, limits, .. } = supervisor;
    Meter::new(setup.group.as_ref(), limits, || {
        let given = Given { files: given_files(supervisor, inputs)?, scratch_bytes: file_bytes };
        Ok(TreeWatch::new(&setup.enclosure, limits, given))
    })
}

/// Files in memory that a run is given.
fn given_files(supervisor: &Supervisor<'_>, inputs: &Inputs) -> Result<Vec<FileId>, StepError> {
    let Inputs { stdin, call, code, .. } = inputs;
    let files = [Some(stdin), call.as_ref(), code.as_ref(), supervisor.program.as_ref()];
    let id = |file: &OwnedFd| fstat(file).map(|found| (found.st_dev, found.st_ino));
    step("identify_inputs", || files.into_iter().flatten().map(id).collect())
}

/// Starts the program with its pipes. Returns when it is executing.
pub fn start<'r>(
    supervisor: &Supervisor<'_>,
    stage: Stage<'_>,
    mut inputs: Inputs,
    meter: Meter<'r>,
    captured: &'r mut [Unforked; 3],
) -> Result<LiveRun<'r>, StepError> {
    let pipe = || step("make_pipe", || pipe2(OFlag::O_CLOEXEC));
    let awaits_output = inputs.call.is_none() && inputs.link.is_none() && inputs.series.is_none();
    let (stdout_read, stdout) = match inputs.stdout.take() {
        Some(to_other_cell) => (None, to_other_cell),
        None => pipe().map(|(read, write)| (Some(read), write))?,
    };
    let (stderr, result) = (pipe()?, pipe()?);
    let (from_run, to_init) = set_up::pair()?;
    let inherited = Inherited { inputs, stdout, stderr: stderr.1, result: result.1 };
    let main = fork_program(supervisor, stage, inherited, &meter, to_init)?;
    let [stdout_most, stderr_most, result_most] = most_captured(&supervisor.limits);
    let [stdout_bytes, stderr_bytes, result_bytes] = captured;
    let captures = [
        Capture::new(stdout_read, stdout_bytes, stdout_most),
        Capture::new(Some(stderr.0), stderr_bytes, stderr_most),
        Capture::new(Some(result.0), result_bytes, result_most),
    ];
    for capture in &captures {
        step("unblock_pipe", || capture.unblock())?;
    }
    let gate = from_run.await_program()?.map(Gate::new);
    Ok(LiveRun {
        main,
        main_status: None,
        awaits_output,
        captures,
        limit: None,
        reaped_cpu: Duration::ZERO,
        max_rss_bytes: 0,
        meter,
        ended_us: None,
        held: None,
        inbox: None,
        left_unread: false,
        gate,
    })
}

/// Forks the process that becomes the program. What it inherits is closed here.
fn fork_program(
    supervisor: &Supervisor<'_>,
    stage: Stage<'_>,
    inherited: Inherited,
    meter: &Meter<'_>,
    mut to_init: ToInit,
) -> Result<Pid, StepError> {
    // A warm run goes on in this very process image, so the C library must know of the fork.
    let fork = || match &supervisor.job.program {
        Program::Exec { .. } | Program::Source { .. } => sys::clone_process(CloneFlags::empty()),
        Program::Warm { .. } => sys::python::fork(),
    };
    if let Some(main) = step("fork_run", fork)? {
        return Ok(main);
    }
    let error = become_program(supervisor, stage, &inherited, meter, &mut to_init);
    to_init.tell(error);
    sys::exit_now(127)
}
