//! Guard and launcher where namespaces can be had.
//!
//! Theory of operation. The guard makes the control groups and removes them when the launcher is gone.
//! The launcher is pid 1 of its own pid namespace, with an empty network and the image as its root; its
//! end is the end of everything in that namespace.
//!
//! As real root the launcher enters a user namespace whose ids are mapped to a range that owns
//! nothing on the host, each slot's cells get an id of their own from it, and the guard alone
//! keeps root. As an ordinary user there is one id; cells are kept apart by their user and pid
//! namespaces.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
};

use nix::{
    errno::Errno,
    sched::{CloneFlags, unshare},
    sys::wait::waitpid,
    unistd::{Pid, getegid, geteuid, sethostname, setsid},
};

use super::{slots::Slots, warm};
use crate::sandbox::{
    native::{
        messages::{
            frames::write_message,
            launcher_setup::LauncherSetup,
            slot_messages::Reply,
            step::{StepError, io_step, step},
        },
        walls::{cgroup::Groups, namespaces, rootfs},
    },
    sys,
};

/// First host user id of the range that a root-started launcher maps its ids to. Above what
/// distributions hand out to people (up to 2^16) and to container tools (from 10^5 up, in
/// ranges), and below the 2^31 that some tools read as negative.
const HOST_ID_BASE: u32 = 0x6f70_0000;
const HOST_ID_COUNT: u32 = 65_536;

/// Makes the groups, starts the launcher, waits for its end, cleans up.
pub fn guard(control: &UnixStream, setup: &LauncherSetup) -> Result<(), StepError> {
    // The guard's life is the launcher's, not the terminal's: Ctrl-C reaches the service, which
    // closes the control socket when it has drained.
    let _ = setsid();
    step("name_process", || sys::set_name(c"proofbox-guard"))?;
    let groups = match setup.use_cgroups {
        true => io_step("make_cgroups", || Groups::create(setup.seats()))?,
        false => None,
    };
    let outcome = guarded_launcher(control, setup, groups.as_ref());
    if let Some(groups) = groups {
        groups.remove();
    }
    outcome
}

fn guarded_launcher(
    control: &UnixStream,
    setup: &LauncherSetup,
    groups: Option<&Groups>,
) -> Result<(), StepError> {
    let slot_groups = match groups {
        Some(groups) => io_step("open_cgroups", || {
            (0..setup.seats()).map(|slot| groups.open_slot(slot)).collect::<io::Result<Vec<_>>>()
        })?,
        None => Vec::new(),
    };
    let privileged = geteuid().is_root();
    // The launcher waits on this pair for its ids to be mapped: `m` asks, `y` answers.
    let (mut ours, theirs) = io_step("make_map_pair", UnixStream::pair)?;
    let launcher = step("clone_launcher", || sys::clone_process(namespaces::of_launcher(privileged)))?;
    let Some(launcher) = launcher else {
        drop(ours);
        let slots = Slots {
            seccomp: setup.image.seccomp.clone(),
            groups: slot_groups,
            cgroup: groups.map(Groups::info),
            privileged,
            run: None,
        };
        let code = match launch(control, theirs, setup, slots) {
            Ok(()) => 0,
            // The guard closed the pair without an answer, and says why.
            Err(StepError { step: "ask_for_maps", errno: Errno::EIO }) => 1,
            Err(error) => {
                let _ = write_message(&mut { control }, &Reply::Fault(error.into()));
                1
            }
        };
        sys::exit_now(code);
    };
    drop((theirs, slot_groups));
    let mapped = map_launcher_ids(&mut ours, launcher, privileged);
    drop(ours);
    // The launcher's end closes the last copy of its socket; keep none here.
    let ended = step("wait_for_launcher", || waitpid(launcher, None));
    mapped.and(ended.map(drop))
}

/// Waits until the launcher asks, then writes its id maps.
fn map_launcher_ids(pair: &mut UnixStream, launcher: Pid, privileged: bool) -> Result<(), StepError> {
    let mut asked = [0];
    if pair.read_exact(&mut asked).is_err() {
        return Ok(()); // It ended before it came so far, and has said why.
    }
    let (uid, gid, count) = match privileged {
        true => (HOST_ID_BASE, HOST_ID_BASE, HOST_ID_COUNT),
        false => (geteuid().as_raw(), getegid().as_raw(), 1),
    };
    namespaces::write_id_maps(launcher, (0, uid), (0, gid), count)?;
    io_step("answer_launcher", || pair.write_all(b"y"))
}

/// The launcher: furnishes its namespaces, drops to an id that owns nothing, serves slot requests.
fn launch(
    control: &UnixStream,
    pair: UnixStream,
    setup: &LauncherSetup,
    slots: Slots<'_>,
) -> Result<(), StepError> {
    step("die_with_guard", || sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as u64))?;
    step("name_process", || sys::set_name(c"proofbox-launch"))?;
    step("new_session", setsid)?;
    if !slots.privileged {
        ask_for_maps(&pair)?;
    }
    step("set_hostname", || sethostname("cell"))?;
    rootfs::enter(&setup.image)?;
    if slots.privileged {
        step("unshare_user", || unshare(CloneFlags::CLONE_NEWUSER))?;
        ask_for_maps(&pair)?;
        step("become_nobody", || sys::become_id(0, 0))?;
        // Changing ids clears it.
        step("die_with_guard", || sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as u64))?;
    }
    drop(pair);
    // Having changed ids, this process is not dumpable, and neither are its children: their /proc
    // files would belong to real root and their id maps could not be written. Nothing in a cell
    // can see this process, and it holds no secret.
    step("be_dumpable", || sys::prctl(libc::PR_SET_DUMPABLE, 1))?;
    step("no_new_privileges", || sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1))?;
    // The Rust runtime handles SIGSEGV and SIGBUS to tell of stack overflows; a warm run is to meet
    // the kernel's own dispositions, and what the interpreter makes of them.
    sys::reset_signals();
    match &setup.warm {
        None => slots.serve(control),
        Some(warm) => warm::execute_interpreter(control, warm, &slots, setup.fail_step.as_ref()),
    }
}

fn ask_for_maps(mut pair: &UnixStream) -> Result<(), StepError> {
    io_step("ask_for_maps", || {
        pair.write_all(b"m")?;
        pair.read_exact(&mut [0])
    })
}
