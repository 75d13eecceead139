//! A launcher that keeps an interpreter loaded: it becomes the interpreter, whose script imports this
//! crate's library and goes on as the launcher.

use std::{
    ffi::CString,
    fs,
    io::{self, Read},
    os::{fd::AsRawFd, unix::net::UnixStream},
};

use nix::{
    errno::Errno,
    fcntl::OFlag,
    sys::resource::{Resource, getrlimit, setrlimit},
    unistd::pipe2,
};

use super::slots::Slots;
use crate::sandbox::{
    native::{
        messages::{
            frames::write_message,
            launcher_setup::{Handover, WarmSetup},
            slot_messages::Reply,
            step::{self, FaultReport, StepError, io_step, step},
        },
        walls::cgroup::SlotGroup,
    },
    sys::{self, python::Callback},
};

/// Stack of threads that do not choose one.
const THREAD_STACK_BYTES: usize = 8 << 20;

/// Where the executed interpreter finds what was left for it: the highest number there is, above what
/// a launcher has open.
fn handover_number() -> Result<i32, Errno> {
    getrlimit(Resource::RLIMIT_NOFILE).map(|(soft, _)| soft.min(MOST_DESCRIPTORS) as i32 - 1)
}

/// Open files that a launcher may have, where the host allows: a dozen control group files for each of
/// at most 2048 seats, and a little beside them.
const MOST_DESCRIPTORS: u64 = 32 << 10;

pub fn allow_descriptors() -> Result<(), StepError> {
    step("allow_descriptors", || {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
        setrlimit(Resource::RLIMIT_NOFILE, soft.max(hard.min(MOST_DESCRIPTORS)), hard)
    })
}

/// Becomes the interpreter, whose script imports this crate's library and goes on in
/// [`serve_in_interpreter`]. Returns only on failure.
pub fn execute_interpreter(
    control: &UnixStream,
    warm: &WarmSetup,
    slots: &Slots<'_>,
    fail_step: Option<&(String, i32)>,
) -> Result<(), StepError> {
    let handover = Handover {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        control: control.as_raw_fd(),
        seccomp: slots.seccomp.clone(),
        groups: slots.groups.iter().map(SlotGroup::fds).collect(),
        cgroup: slots.cgroup.clone(),
        privileged: slots.privileged,
        fail_step: fail_step.cloned(),
    };
    neutral_streams()?;
    let content = postcard::to_stdvec(&handover).map_err(|_| Errno::EINVAL);
    let content = step("hand_over", || content)?;
    let file = io_step("hand_over", || sys::sealed_file(&content))?;
    step("hand_over", || sys::dup_onto(file.as_raw_fd(), handover_number()?))?;
    // What this process has open it will have open then.
    io_step("hand_over", || {
        let open = fs::read_dir("/proc/self/fd")?.flatten();
        let numbers: Vec<i32> = open.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        // The listing's own descriptor is among them, and closed by now.
        numbers.into_iter().filter(|number| *number > 2).for_each(|number| {
            let _ = sys::dup_onto(number, number);
        });
        Ok(())
    })?;
    let strings =
        |list: &[String]| list.iter().map(|text| CString::new(text.as_str())).collect::<Result<Vec<_>, _>>();
    let (argv, env) = step("name_interpreter", || match (strings(&warm.argv), strings(&warm.env)) {
        (Ok(argv), Ok(env)) if !argv.is_empty() => Ok((argv, env)),
        _ => Err(Errno::EINVAL),
    })?;
    step("start_interpreter", || Err(sys::exec(&argv[0], &argv, &env)))
}

/// In the interpreter, called by its script when everything is loaded. Returns when the service is
/// gone, or in case of failure, having told it.
pub fn serve_in_interpreter(run: &Callback) {
    let Ok((control, handover)) = take_over() else { return };
    let Handover { seccomp, privileged, groups, cgroup, fail_step, .. } = handover;
    if let Some((name, errno)) = fail_step {
        step::inject_failure(name, errno);
    }
    let groups = groups.into_iter().map(SlotGroup::adopt).collect();
    let slots = Slots { seccomp, groups, cgroup, privileged, run: Some(run) };
    let served = step("bound_thread_stacks", || sys::python::bound_thread_stacks(THREAD_STACK_BYTES))
        .and_then(|()| step("name_process", || sys::set_name(c"proofbox-launch")))
        .and_then(|()| slots.serve(&control));
    if let Err(error) = served {
        let _ = write_message(&mut { &control }, &Reply::Fault(error.into()));
    }
}

fn take_over() -> io::Result<(UnixStream, Handover)> {
    let mut content = Vec::new();
    fs::File::from(sys::adopt_fd(handover_number()?)).read_to_end(&mut content)?;
    let handover: Handover = postcard::from_bytes(&content).map_err(io::Error::other)?;
    let control = UnixStream::from(sys::adopt_fd(handover.control));
    if handover.version != env!("CARGO_PKG_VERSION") {
        let fault = FaultReport { step: "match_versions".to_owned(), errno: libc::EPROTO };
        write_message(&mut { &control }, &Reply::Fault(fault))?;
        return Err(io::Error::from(io::ErrorKind::InvalidData));
    }
    Ok((control, handover))
}

/// Standard streams of the kinds that runs have (a file, two pipes), which is what the interpreter
/// finds at its start and keeps in mind. Nothing is ever read or written through these.
fn neutral_streams() -> Result<(), StepError> {
    let stdin = io_step("neutral_streams", || sys::sealed_file(b""))?;
    let (read, write) = step("neutral_streams", || pipe2(OFlag::O_CLOEXEC))?;
    step("neutral_streams", || {
        sys::dup_onto(stdin.as_raw_fd(), 0)?;
        sys::dup_onto(write.as_raw_fd(), 1)?;
        sys::dup_onto(write.as_raw_fd(), 2)?;
        // Kept open, so that a message of the interpreter's is not the end of it.
        std::mem::forget(read);
        Ok(())
    })
}
