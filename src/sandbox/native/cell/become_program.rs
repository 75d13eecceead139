//! From the forked child to the program: giving up everything that the program must not have.

use std::{
    ffi::CString,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use nix::{
    errno::Errno,
    unistd::{chdir, setsid},
};

use super::{
    init::CellSetup,
    run::{Stage, Supervisor, cpu_kill_after},
};
use crate::sandbox::{
    native::{
        launcher::confined::ConfinedCell,
        messages::{
            protocol::{Program, WireLimits},
            set_up::{self, ToInit},
            step::{StepError, step},
        },
        service::linked::LinkEnds,
        walls::{
            call_gate::{self, Asks},
            rootfs::WORK_DIR,
        },
    },
    sys,
};

/// Descriptors as the driver in the cell finds them.
pub const CALL_FD: i32 = 3;
const RESULT_FD: i32 = 4;
const CODE_FD: i32 = 5;
/// From and to the other cell, where there is a link at descriptors of its own.
const INBOX_FD: i32 = 6;
/// Where a process that carries out several runs is given their inputs.
pub const SERIES_FD: i32 = INBOX_FD;
pub const OUTBOX_FD: i32 = 7;
/// Open files per process.
const OPEN_FILES: u64 = 512;
const _: () = assert!(OPEN_FILES <= set_up::NUMBER as u64, "no program can open that number");

/// Files that a run reads, and where it talks to another cell.
pub struct Inputs {
    pub stdin: OwnedFd,
    /// Where standard output goes if it is not captured.
    pub stdout: Option<OwnedFd>,
    pub call: Option<OwnedFd>,
    pub code: Option<OwnedFd>,
    pub link: Option<LinkEnds>,
    /// Of a process that carries out several runs: where it is given their inputs, in the place of a link.
    pub series: Option<UnixStream>,
}

pub struct Inherited {
    pub inputs: Inputs,
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
    pub result: OwnedFd,
}

/// In the forked child: gives up everything the program must not have, then becomes it.
/// Returns only on failure.
pub fn become_program(
    supervisor: &Supervisor<'_>,
    program: &Program,
    stage: Stage<'_>,
    inherited: &Inherited,
    to_init: &mut ToInit,
) -> StepError {
    let limits = match stage {
        // Then there is nobody but this process to look at after each run.
        Stage::Series(_) | Stage::Compile { .. } => &WireLimits { processes: 1, ..supervisor.limits },
        _ => &supervisor.limits,
    };
    let mut attempt = || -> Result<std::convert::Infallible, StepError> {
        step("run_session", setsid)?;
        let confined = supervisor.setup.confined.as_ref();
        let work = confined.map_or_else(|| WORK_DIR.into(), ConfinedCell::work_directory);
        step("run_directory", || chdir(&work))?;
        if confined.is_some() {
            step("place_descriptors", || to_init.place())?;
        }
        step("place_descriptors", || place_descriptors(inherited))?;
        // As a program is that was executed: its own /proc files are its own, and the supervisor, which
        // counts what the tree uses through /proc, can see it.
        step("be_dumpable", || sys::prctl(libc::PR_SET_DUMPABLE, 1))?;
        match program {
            Program::Exec { .. } | Program::Source { .. } => sys::reset_signals(),
            // The interpreter's own dispositions stay: they are those it starts with.
            Program::Warm { .. } => {
                step("give_back_handlers", || supervisor.handlers.give_back())?;
                sys::unblock_signals();
                step("name_process", || sys::set_name(c"python3"))?;
            }
        }
        if supervisor.setup.group.is_none() {
            // Whoever watches the tree's memory must get a core when he wakes, however many the run
            // keeps busy.
            step("yield_to_watch", || sys::lower_priority(5))?;
        }
        step("set_rlimits", || set_rlimits(limits, supervisor.setup))?;
        step("no_new_privileges", || sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1))?;
        if let Some(confined) = confined {
            confined.confine_run()?;
        }
        // The bounding set bounds what executing a program gives, which with no new privileges is nothing. To
        // empty it takes a call for each capability.
        step("drop_capabilities", sys::drop_held_capabilities)?;
        let exec = match program {
            Program::Exec { argv, env } | Program::Source { argv, env, .. } => {
                Some(prepare_exec(argv, env, confined)?)
            }
            Program::Warm { .. } => None,
        };
        let asks = confined.map_or(Asks::Locks, |confined| confined.asks);
        let listener = step("install_seccomp", || call_gate::install(&supervisor.setup.seccomp, asks))?;
        if let Some(listener) = &listener {
            step("hand_over_listener", || to_init.hand_over(listener))?;
        }
        match (exec, program, supervisor.setup.run) {
            (Some((argv, env)), Program::Source { .. }, _) => match supervisor.program.as_ref() {
                Some(file) => step("exec", || Err(sys::exec_file(file.as_fd(), &argv, &env))),
                None => Err(StepError { step: "find_program", errno: Errno::ENOENT }),
            },
            (Some((argv, env)), _, _) => step("exec", || Err(sys::exec(&argv[0], &argv, &env))),
            (None, Program::Warm { arguments, .. }, Some(run)) => {
                // Also closes the pipe on which a failure would be told: this is the success.
                step("close_descriptors", || sys::close_from(first_unused(inherited)))?;
                run.run(arguments.iter().map(String::as_str).chain([stage.word()]))
            }
            _ => Err(StepError { step: "find_interpreter", errno: Errno::ENOENT }),
        }
    };
    match attempt() {
        Err(error) => error,
        Ok(never) => match never {},
    }
}

/// Arguments and environment as the kernel takes them. There is at least one argument.
pub fn prepare_exec(
    argv: &[String],
    env: &[String],
    confined: Option<&ConfinedCell>,
) -> Result<(Vec<CString>, Vec<CString>), StepError> {
    let strings = |list: &[String], resolve: fn(&ConfinedCell, &str) -> String| {
        let resolved =
            list.iter().map(|text| confined.map_or_else(|| text.clone(), |cell| resolve(cell, text)));
        resolved.map(CString::new).collect::<Result<Vec<_>, _>>()
    };
    let (argv, env) = (strings(argv, ConfinedCell::resolve), strings(env, ConfinedCell::resolve_variable));
    step("prepare_arguments", || match (argv, env) {
        (Ok(argv), Ok(env)) if !argv.is_empty() => Ok((argv, env)),
        _ => Err(Errno::EINVAL),
    })
}

/// 0 to 7 as the driver expects them; everything else closes on exec.
pub fn place_descriptors(inherited: &Inherited) -> Result<(), Errno> {
    // First out of the way, so that no target number is still a source.
    let high = |fd: &OwnedFd| sys::dup_above(fd.as_raw_fd(), 64);
    let stdin = high(&inherited.inputs.stdin)?;
    let stdout = high(&inherited.stdout)?;
    let stderr = high(&inherited.stderr)?;
    let result = high(&inherited.result)?;
    let call = inherited.inputs.call.as_ref().map(high).transpose()?;
    let code = inherited.inputs.code.as_ref().map(high).transpose()?;
    let link = inherited.inputs.link.as_ref();
    let series = inherited.inputs.series.as_ref();
    let inbox = match series {
        Some(series) => Some(sys::dup_above(series.as_raw_fd(), 64)?),
        None => link.map(|ends| high(&ends.inbox)).transpose()?,
    };
    let outbox = link.map(|ends| high(&ends.outbox)).transpose()?;
    sys::dup_onto(stdin.as_raw_fd(), 0)?;
    sys::dup_onto(stdout.as_raw_fd(), 1)?;
    sys::dup_onto(stderr.as_raw_fd(), 2)?;
    sys::dup_onto(result.as_raw_fd(), RESULT_FD)?;
    let places = [(call, CALL_FD), (code, CODE_FD), (inbox, INBOX_FD), (outbox, OUTBOX_FD)];
    for (file, number) in places {
        match file {
            Some(file) => sys::dup_onto(file.as_raw_fd(), number)?,
            // Nothing of ours may be left at that number.
            None => sys::close_number(number),
        }
    }
    sys::close_on_exec_from(first_unused(inherited))
}

/// The lowest number at which the program finds nothing.
fn first_unused(inherited: &Inherited) -> i32 {
    match &inherited.inputs {
        Inputs { link: Some(_), .. } => OUTBOX_FD + 1,
        Inputs { series: Some(_), .. } => SERIES_FD + 1,
        _ => INBOX_FD,
    }
}

pub fn set_rlimits(limits: &WireLimits, setup: &CellSetup<'_>) -> Result<(), Errno> {
    let same = |resource, value| sys::set_rlimit(resource, value, value);
    // A backstop behind the supervisor, per process and in whole seconds.
    let cpu_seconds = cpu_kill_after(limits.cpu_ms).as_secs() + 2;
    sys::set_rlimit(libc::RLIMIT_CPU, cpu_seconds, cpu_seconds + 1)?;
    same(libc::RLIMIT_FSIZE, limits.file_bytes)?;
    same(libc::RLIMIT_NOFILE, OPEN_FILES)?;
    // Counted per user namespace and id, so per cell; the init is one of them. Where forks are
    // gated the id is shared with others, and a count of it would mean nothing.
    if setup.confined.as_ref().is_none_or(|confined| confined.asks == Asks::Locks) {
        same(libc::RLIMIT_NPROC, limits.processes + 1)?;
    }
    // Memory is what bounds a stack. Contest programs raise the limit as far as they can and end where they are
    // refused, so the hard one stays as it is for this service: mostly there is none.
    let most_stack = sys::hard_rlimit(libc::RLIMIT_STACK)?;
    sys::set_rlimit(libc::RLIMIT_STACK, limits.memory_bytes.min(most_stack), most_stack)?;
    // One byte: no file is written, and no program that the kernel's core pattern names is started,
    // which a limit of zero would not prevent.
    same(libc::RLIMIT_CORE, 1)?;
    same(libc::RLIMIT_MSGQUEUE, 0)?;
    same(libc::RLIMIT_MEMLOCK, 0)?;
    if setup.group.is_none() {
        // A burst between two looks at the tree is bounded too. Address space is not memory: runtimes
        // reserve far more than they use, and the C library as much as the stack limit for every
        // thread's stack.
        let most = limits.memory_bytes.saturating_mul(4 + limits.processes);
        same(libc::RLIMIT_AS, most.saturating_add(1 << 30))?;
    }
    Ok(())
}
