//! From the forked child to the program: giving up everything that the program must not have.

use std::{
    convert::Infallible,
    ffi::CString,
    io::{self, Write},
    os::fd::AsFd,
};

use nix::{
    errno::Errno,
    unistd::{chdir, setsid},
};

use super::{
    context::{Stage, Supervisor},
    descriptors::{Inherited, first_unused, place_descriptors},
};
use crate::sandbox::{
    job::Program,
    native::{
        messages::{
            set_up::ToInit,
            slot_messages::WireLimits,
            step::{StepError, step},
        },
        walls::{
            call_gate::{self, Asks},
            enclosure::Enclosure,
            meter::Meter,
            rlimits,
        },
    },
    sys,
};

/// In the forked child: gives up everything the program must not have, then becomes it.
/// Returns only on failure.
pub fn become_program(
    supervisor: &Supervisor<'_>,
    stage: Stage<'_>,
    inherited: &Inherited,
    meter: &Meter<'_>,
    to_init: &mut ToInit,
) -> StepError {
    let become_it = give_up_everything(supervisor, stage, inherited, meter, to_init)
        .and_then(|exec| execute(supervisor, stage, inherited, exec));
    match become_it {
        Err(error) => error,
        Ok(never) => match never {},
    }
}

/// Arguments and environment as the kernel takes them.
type Exec = (Vec<CString>, Vec<CString>);

/// Everything up to the program itself. `None`: nothing is executed.
fn give_up_everything(
    supervisor: &Supervisor<'_>,
    stage: Stage<'_>,
    inherited: &Inherited,
    meter: &Meter<'_>,
    to_init: &mut ToInit,
) -> Result<Option<Exec>, StepError> {
    let enclosure = &supervisor.setup.enclosure;
    let limits = match stage {
        // Then there is nobody but this process to look at after each run.
        Stage::Series(_) | Stage::Compile { .. } => &WireLimits { processes: 1, ..supervisor.limits },
        _ => &supervisor.limits,
    };
    step("run_session", setsid)?;
    step("run_directory", || chdir(&enclosure.work_directory()))?;
    enclosure.place(to_init)?;
    step("place_descriptors", || place_descriptors(inherited))?;
    // As a program is that was executed: its own /proc files are its own, and the supervisor, which
    // counts what the tree uses through /proc, can see it.
    step("be_dumpable", || sys::prctl(libc::PR_SET_DUMPABLE, 1))?;
    match &supervisor.job.program {
        Program::Exec { .. } | Program::Source { .. } => sys::reset_signals(),
        // The interpreter's own dispositions stay: they are those it starts with.
        Program::Warm { .. } => {
            step("give_back_handlers", || supervisor.handlers.give_back())?;
            sys::unblock_signals();
            step("name_process", || sys::set_name(c"python3"))?;
        }
    }
    meter.yield_to_watch()?;
    let asks = enclosure.asks();
    // The init is one of those that the kernel counts. Where forks are asked for, the user id is others',
    // too, and a count of its processes would mean nothing.
    let processes = (asks == Asks::Locks).then_some(limits.processes + 1);
    step("set_rlimits", || rlimits::set(limits, processes, meter.address_space_bytes(limits)))?;
    enclosure.drop_privileges()?;
    let exec = match &supervisor.job.program {
        Program::Exec { argv, env } | Program::Source { argv, env, .. } => {
            Some(prepare_exec(argv, env, enclosure)?)
        }
        Program::Warm { .. } => None,
    };
    let listener = step("install_seccomp", || call_gate::install(supervisor.setup.seccomp, asks))?;
    if let Some(listener) = listener {
        step("hand_over_listener", || to_init.hand_over(listener))?;
    }
    Ok(exec)
}

/// Returns only on failure.
fn execute(
    supervisor: &Supervisor<'_>,
    stage: Stage<'_>,
    inherited: &Inherited,
    exec: Option<Exec>,
) -> Result<Infallible, StepError> {
    match (exec, &supervisor.job.program, supervisor.setup.run) {
        (Some((argv, env)), Program::Source { .. }, _) => match supervisor.program.as_ref() {
            Some(file) => step("exec", || Err(refused_program(sys::exec_file(file.as_fd(), &argv, &env)))),
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
}

/// The program is the solution's. One that the kernel does not take for a program ends as under a shell; any other
/// failure comes back.
fn refused_program(errno: Errno) -> Errno {
    let of_program = [
        Errno::ENOEXEC,
        Errno::ENOENT,
        Errno::EACCES,
        Errno::EINVAL,
        Errno::ELIBBAD,
        Errno::EPERM,
        Errno::ENOTDIR,
    ];
    if !of_program.contains(&errno) {
        return errno;
    }
    let _ = writeln!(io::stderr(), "cannot execute the program: {}", errno.desc());
    sys::exit_now(126)
}

/// There is at least one argument.
fn prepare_exec(argv: &[String], env: &[String], enclosure: &Enclosure<'_>) -> Result<Exec, StepError> {
    let variable = |text: &String| match text.split_once('=') {
        Some((name, value)) => format!("{name}={}", enclosure.resolve(value)),
        None => text.clone(),
    };
    let strings = |list: Vec<String>| list.into_iter().map(CString::new).collect::<Result<Vec<_>, _>>();
    let argv = strings(argv.iter().map(|text| enclosure.resolve(text)).collect());
    let env = strings(env.iter().map(variable).collect());
    step("prepare_arguments", || match (argv, env) {
        (Ok(argv), Ok(env)) if !argv.is_empty() => Ok((argv, env)),
        _ => Err(Errno::EINVAL),
    })
}
