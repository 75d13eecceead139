//! The `__launcher` role: the process that the service starts to make cells.
//!
//! Theory of operation. The service re-executes its own binary in this role, once per image. That
//! process is the **guard**: it stays outside every enclosure, starts the **launcher**, and cleans up
//! when the launcher is gone. The launcher forks one **slot** process per slot when asked. A slot
//! forks one cell at a time (see [`crate::sandbox::native::cell`]). None of them ever reads a submission.
//!
//! Who dies with whom: the service's end closes the control socket, so the launcher exits, and
//! everything below it with it, cells included; the guard outlives it only to clean up. A slot's death
//! kills its cell (parent-death signal). A cell's death ends nothing else.

use std::{
    ffi::CString,
    fs, io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::{fs::MetadataExt, net::UnixStream},
    },
    process::ExitCode,
};

use nix::{
    errno::Errno,
    sys::resource::{Resource, getrlimit, setrlimit},
    unistd::geteuid,
};

use super::{confined, namespaces, warm::allow_descriptors};
use crate::sandbox::{
    native::{
        cell::descriptors::OUTBOX_FD,
        messages::{
            frames::{read_message, write_message},
            launcher_setup::LauncherSetup,
            slot_messages::Reply,
            step::{self, StepError, io_step, step},
        },
    },
    sys,
    tier::Tier,
};

/// The descriptor on which the role finds its control socket: standard input, so that starting it
/// needs no code between fork and exec.
const CONTROL_FD: i32 = 0;
/// Address space kept free below the main thread's stack, so that a warm run's stack can grow as far
/// as its memory limit. The kernel lays it out when a program is executed, by the stack limit.
const STACK_SPACE_BYTES: u64 = 64 << 30;
const PROGRAM: &str = "/proc/self/exe";

/// The `__launcher` role. Called from `main` before any thread exists.
pub fn main() -> ExitCode {
    step::inject_from_environment();
    // Before anything is taken from standard input: it may execute this role once more.
    let stack_space = execute_again();
    let mut control = match take_control_socket() {
        Ok(control) => control,
        Err(error) => {
            eprintln!("proofbox __launcher is started by proofbox itself: {error}");
            return ExitCode::FAILURE;
        }
    };
    if let Err(error) = stack_space {
        let _ = write_message(&mut control, &Reply::Fault(error.into()));
        return ExitCode::FAILURE;
    }
    let setup: LauncherSetup = match read_message(&mut control) {
        Ok(setup) => setup,
        Err(error) => {
            eprintln!("proofbox __launcher is started by proofbox itself: {error}");
            return ExitCode::FAILURE;
        }
    };
    let guarded = allow_descriptors().and_then(|()| match setup.tier {
        Tier::Namespaces => namespaces::guard(&control, &setup),
        Tier::Wasm => unreachable!("nothing is launched for the Wasm runner"),
        Tier::Slot | Tier::Restricted => confined::guard(&control, &setup),
    });
    match guarded {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The service may be gone; then nobody is left to tell.
            let _ = write_message(&mut control, &Reply::Fault(error.into()));
            ExitCode::FAILURE
        }
    }
}

/// Executes this role once more, with a large stack limit if it started with a small one, and from
/// a copy of the program if its file is one that cells could reach for.
fn execute_again() -> Result<(), StepError> {
    if std::env::args_os().nth(2).is_some() {
        return Ok(());
    }
    let (soft, hard) = step("reserve_stack", || getrlimit(Resource::RLIMIT_STACK))?;
    let wanted = STACK_SPACE_BYTES.min(hard);
    let copy = io_step("copy_program", copy_of_program)?;
    if soft == wanted && copy.is_none() {
        return Ok(());
    }
    step("reserve_stack", || setrlimit(Resource::RLIMIT_STACK, wanted, hard))?;
    let path = match &copy {
        Some(copy) => format!("/proc/self/fd/{}", copy.as_raw_fd()),
        None => PROGRAM.to_owned(),
    };
    step("execute_again", || Err(execute_launcher(&path)))
}

/// A warm run is a fork of the launcher, and so can open the launcher's program by /proc/self/exe,
/// outside the image. The file cannot be written while it runs; but where it belongs to the user that
/// cells run as, which is so only without root, its mode and times could be changed. Such a program
/// is executed from memory instead.
fn copy_of_program() -> io::Result<Option<OwnedFd>> {
    let me = geteuid();
    if me.is_root() || fs::metadata(PROGRAM)?.uid() != me.as_raw() {
        return Ok(None);
    }
    sys::sealed_file(&fs::read(PROGRAM)?).map(Some)
}

/// Returns only on failure.
#[expect(clippy::disallowed_methods, reason = "the program executes itself with what it was given")]
fn execute_launcher(path: &str) -> Errno {
    let Ok(path) = CString::new(path) else { return Errno::EINVAL };
    let args = [c"proofbox", c"__launcher", c"again"].map(CString::from);
    let env: Result<Vec<CString>, _> =
        std::env::vars().map(|(name, value)| CString::new(format!("{name}={value}"))).collect();
    match env {
        Ok(env) => sys::exec(&path, &args, &env),
        Err(_) => Errno::EINVAL,
    }
}

/// Moves the socket away from standard input, where nothing but /dev/null may stay.
fn take_control_socket() -> io::Result<UnixStream> {
    let control = sys::dup_above(CONTROL_FD, 10)?;
    let null = fs::File::open("/dev/null")?;
    sys::dup_onto(null.as_raw_fd(), CONTROL_FD)?;
    // A run's descriptors are put onto numbers, which nothing of ours may have that is still wanted.
    drop(null);
    loop {
        let taken = sys::sealed_file(b"")?;
        if taken.as_raw_fd() > OUTBOX_FD {
            break;
        }
        std::mem::forget(taken);
    }
    Ok(UnixStream::from(control))
}
