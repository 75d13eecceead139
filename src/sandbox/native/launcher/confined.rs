//! Guard, launcher and slots without namespaces, for containers that refuse them: the tiers `slot` and
//! `restricted`. What holds their cells in is [`crate::sandbox::native::walls::confined`].
//!
//! Who dies with whom: by parent-death signals from the launcher down; the guard lives until the
//! launcher is gone. A launcher whose guard is gone, or one of whose slots was killed, ends everything
//! below it and itself.

use std::{
    fs::{self, Permissions},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{fs::PermissionsExt, net::UnixStream},
    },
};

use nix::{
    errno::Errno,
    fcntl::OFlag,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sched::CloneFlags,
    sys::{
        signalfd::SignalFd,
        stat::{Mode, umask},
        wait::waitpid,
    },
    unistd::{Gid, Pid, Uid, chown, geteuid, pipe2, setsid},
};

use super::{rehearsal::rehearse_confined, slot_loop};
use crate::sandbox::{
    native::{
        cell::{context::watch_children, init_confined},
        messages::{
            frames::write_message,
            launcher_setup::LauncherSetup,
            slot_messages::{Reply, WireLimits},
            step::{FaultReport, StepError, io_step, step},
        },
        walls::{
            confined::Surroundings,
            landlock, processes,
            scratch::{self, ServiceDirectory},
            subreaper::take_charge,
        },
    },
    sys,
    tier::Tier,
};

/// User ids of slots, where the whole range is mapped: above those of the launcher's namespaces.
const ID_BASE: u32 = 0x6f71_0000;
/// The same in a container that has only 2^16 ids: above those that distributions give out, below
/// `nobody`.
const SMALL_ID_BASE: u32 = 63_000;
/// Slots are at most 1024, and there are two seats for each.
const MOST_IDS: u32 = 2048;

/// The guard of a launcher without namespaces.
pub fn guard(control: &UnixStream, setup: &LauncherSetup) -> Result<(), StepError> {
    // Runs would have root's id, or could not be given another.
    let fits = geteuid().is_root() == (setup.tier == Tier::Slot);
    step("fit_tier_to_user", || if fits { Ok(()) } else { Err(Errno::EPERM) })?;
    let abi = landlock::require()?;
    step("find_children_lists", || if processes::is_told() { Ok(()) } else { Err(Errno::ENOSYS) })?;
    let id_base = match setup.tier {
        Tier::Slot => Some(io_step("find_slot_ids", find_id_base)?),
        _ => None,
    };
    step("name_process", || sys::set_name(c"proofbox-guard"))?;
    let _ = setsid();
    umask(Mode::from_bits_truncate(0o022));
    let charge = take_charge(abi)?;
    let directory = ServiceDirectory::create(setup.scratch_dir.as_deref(), setup.slots)?;
    let surroundings = Surroundings { setup, abi, directory: directory.path().to_owned(), id_base };
    let outcome = guarded_launcher(control, &surroundings);
    let ended = charge.end_descendants();
    directory.remove();
    outcome.and(ended)
}

fn guarded_launcher(control: &UnixStream, surroundings: &Surroundings<'_>) -> Result<(), StepError> {
    furnish(surroundings)?;
    // Its end tells the launcher that the guard is gone.
    let (guard_lives, held_by_guard) = step("make_guard_pipe", || pipe2(OFlag::O_CLOEXEC))?;
    let Some(launcher) = step("fork_launcher", || sys::clone_process(CloneFlags::empty()))? else {
        drop(held_by_guard);
        let code = match launch(control, &guard_lives, surroundings) {
            Ok(()) => 0,
            Err(error) => {
                let _ = write_message(&mut { control }, &Reply::Fault(error.into()));
                1
            }
        };
        sys::exit_now(code);
    };
    drop(guard_lives);
    let ended = step("wait_for_launcher", || waitpid(launcher, None));
    drop(held_by_guard);
    ended.map(drop)
}

/// The image's own files, and a directory per slot that belongs to the slot's id.
fn furnish(surroundings: &Surroundings<'_>) -> Result<(), StepError> {
    let image = surroundings.image_directory();
    io_step("make_image_directory", || fs::create_dir(&image))?;
    for (path, content) in &surroundings.setup.image.files {
        io_step("write_image_files", || {
            let path = image.join(path.trim_start_matches('/'));
            fs::create_dir_all(path.parent().unwrap_or(&image))?;
            fs::write(&path, content)?;
            fs::set_permissions(&path, Permissions::from_mode(0o444))
        })?;
    }
    for slot in 0..surroundings.setup.seats() {
        let path = surroundings.slot_directory(slot);
        io_step("make_slot_directory", || {
            fs::create_dir(&path)?;
            fs::set_permissions(&path, Permissions::from_mode(0o700))
        })?;
        if let Some(id) = surroundings.slot_id(slot) {
            step("give_slot_directory", || chown(&path, Some(Uid::from_raw(id)), Some(Gid::from_raw(id))))?;
        }
    }
    Ok(())
}

/// The first user id of a range of [`MOST_IDS`] that is mapped here. Where there are many, one that no other
/// service is likely to use: processes of one user id count against each other's limit.
fn find_id_base() -> std::io::Result<u32> {
    let maps = [fs::read_to_string("/proc/self/uid_map")?, fs::read_to_string("/proc/self/gid_map")?];
    let is_mapped = |base: u32, map: &String| {
        map.lines().any(|line| {
            let mut fields = line.split_ascii_whitespace().map(|word| word.parse::<u64>().unwrap_or(0));
            let (first, _, count) = (fields.next(), fields.next(), fields.next());
            let (first, count, base) = (first.unwrap_or(0), count.unwrap_or(0), u64::from(base));
            first <= base && base + u64::from(MOST_IDS) <= first + count
        })
    };
    let own = ID_BASE + MOST_IDS * (std::process::id() % 4096);
    [own, ID_BASE, SMALL_ID_BASE]
        .into_iter()
        .find(|base| maps.iter().all(|map| is_mapped(*base, map)))
        .ok_or_else(|| Errno::EINVAL.into())
}

/// The launcher: shows that cells can be made, then forks slots until the service or the guard is gone.
fn launch(
    control: &UnixStream,
    guard_lives: &OwnedFd,
    surroundings: &Surroundings<'_>,
) -> Result<(), StepError> {
    step("name_process", || sys::set_name(c"proofbox-launch"))?;
    step("new_session", setsid)?;
    let charge = take_charge(surroundings.abi)?;
    rehearse_confined(surroundings)?;
    let children = watch_children()?;
    io_step("say_ready", || write_message(&mut { control }, &Reply::Ready { cgroup: None }))?;
    loop {
        let mut fds = [
            PollFd::new(control.as_fd(), PollFlags::POLLIN),
            PollFd::new(guard_lives.as_fd(), PollFlags::POLLIN),
            PollFd::new(children.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(StepError { step: "watch_launcher", errno }),
        }
        let [service, guard, child] = fds.map(|fd| fd.revents().is_some_and(|events| !events.is_empty()));
        if guard {
            charge.end_descendants()?;
            scratch::remove_tree(&surroundings.directory);
            return Ok(());
        }
        if child && !all_slots_ended_well(&children)? {
            // What the slot had in its charge is below this process now.
            return charge.end_descendants();
        }
        if service {
            let Some((index, mut socket)) = io_step("receive_slot", || slot_loop::receive(control))? else {
                return charge.end_descendants();
            };
            if slot_loop::fork(&mut socket) {
                serve_slot(socket, index, surroundings);
            }
        }
    }
}

/// Reaps. `false` if a child did not end by itself.
fn all_slots_ended_well(children: &SignalFd) -> Result<bool, StepError> {
    while let Ok(Some(_)) = children.read_signal() {}
    let mut well = true;
    loop {
        match sys::reap_any(false) {
            Ok(Some(reaped)) => well &= reaped.status == 0,
            Ok(None) | Err(Errno::ECHILD) => return Ok(well),
            Err(errno) => return Err(StepError { step: "reap_slot", errno }),
        }
    }
}

/// The slot process: one cell after another, until its socket closes.
fn serve_slot(mut socket: UnixStream, index: u32, surroundings: &Surroundings<'_>) -> ! {
    if let Err(error) = serve_cells(&mut socket, index, surroundings) {
        let _ = write_message(&mut socket, &Reply::Fault(error.into()));
        // Something may be left: the launcher makes sure that it is not.
        sys::exit_now(1);
    }
    sys::exit_now(0)
}

fn serve_cells(
    socket: &mut UnixStream,
    index: u32,
    surroundings: &Surroundings<'_>,
) -> Result<(), StepError> {
    slot_loop::begin()?;
    let charge = take_charge(surroundings.abi)?;
    slot_loop::serve(socket, |socket, limits| {
        let status = one_cell(socket, index, surroundings, limits);
        charge.end_descendants()?;
        scratch::empty_slot(&surroundings.slot_directory(index))?;
        Ok(match status {
            Ok(status) => Reply::Closed { status, oom_kill: false },
            Err(error) => Reply::Fault(FaultReport::from(error)),
        })
    })
}

/// Makes a cell and waits until its init is gone: its raw wait status.
fn one_cell(
    socket: &UnixStream,
    index: u32,
    surroundings: &Surroundings<'_>,
    limits: WireLimits,
) -> Result<i32, StepError> {
    let slot = Pid::this();
    match step("clone_cell", || sys::clone_process(CloneFlags::empty()))? {
        Some(init) => slot_loop::wait_for(init),
        None => init_confined::main(socket, slot, index, surroundings, limits),
    }
}
