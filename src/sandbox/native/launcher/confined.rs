//! Cells without namespaces, for containers that refuse them: the tiers `slot` and `restricted`.
//!
//! Theory of operation. The processes are those of [`super::role`], in the same order: guard,
//! launcher, slot, cell init, run. In place of namespaces each of ours takes charge of what is below
//! it ([`crate::sandbox::native::walls::subreaper`]), the run is under Landlock rules that know the image and one scratch
//! directory ([`crate::sandbox::native::walls::landlock`], [`crate::sandbox::native::walls::scratch`]), and init watches what it uses
//! ([`crate::sandbox::native::walls::usage`]). In `slot`, whose service is root, cells of a slot have a user id of their
//! own, by which the kernel counts their processes. In `restricted` they share the service's id,
//! and init is asked before each fork ([`crate::sandbox::native::walls::call_gate`]).
//!
//! Who dies with whom: as in the launcher, by parent-death signals from the launcher down; the
//! guard lives until the launcher is gone. A launcher whose guard is gone, or one of whose slots
//! was killed, ends everything below it and itself.

use std::{
    fs::{self, Permissions},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{fs::PermissionsExt, net::UnixStream},
    },
    path::PathBuf,
};

use nix::{
    errno::Errno,
    fcntl::OFlag,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sched::CloneFlags,
    sys::{
        signal::{SigSet, SigmaskHow, Signal, sigprocmask},
        signalfd::{SfdFlags, SignalFd},
        stat::{Mode, umask},
        wait::waitpid,
    },
    unistd::{Gid, Pid, Uid, chown, geteuid, getppid, pipe2, setsid},
};

use super::{rehearsal::rehearse_confined, slot_loop};
use crate::sandbox::{
    Tier,
    native::{
        cell::{
            init::{self, CellSetup},
            run::{self, Supervisor},
        },
        messages::{
            protocol::{FaultReport, LauncherSetup, Reply, WireLimits, read_unforked, write_message},
            step::{StepError, io_step, step},
        },
        walls::{
            call_gate::Asks,
            landlock::{self, RunRules},
            locks::OwnFiles,
            processes,
            rootfs::{SCRATCH_DIR, SOURCE_DIR},
            scratch::{self, CellDirectory, SCRATCH, SOURCES, ServiceDirectory, WORK},
            subreaper::{Charge, take_charge},
        },
    },
    sys,
};

/// User ids of slots, where the whole range is mapped: above those of the launcher's namespaces.
const ID_BASE: u32 = 0x6f71_0000;
/// The same in a container that has only 2^16 ids: above those that distributions give out, below
/// `nobody`.
const SMALL_ID_BASE: u32 = 63_000;
/// Slots are at most 1024, and there are two seats for each.
const MOST_IDS: u32 = 2048;
/// The image's own files, below the guard's directory.
const IMAGE: &str = "image";

/// What every slot of a launcher knows.
pub struct Surroundings<'a> {
    pub setup: &'a LauncherSetup,
    abi: u32,
    directory: PathBuf,
    /// First of the slots' user ids; none in `restricted`.
    pub id_base: Option<u32>,
}

/// One cell, from the inside of its init.
#[derive(Debug)]
pub struct ConfinedCell {
    charge: Charge,
    rules: RunRules,
    pub directory: CellDirectory,
    /// What init must be asked for.
    pub asks: Asks,
    image_directory: PathBuf,
    image_files: Vec<String>,
}

impl ConfinedCell {
    /// Kills everything below this process.
    pub fn kill_run(&self) -> Result<(), StepError> {
        self.charge.kill_descendants()
    }

    pub fn work_directory(&self) -> PathBuf {
        self.directory.path().join(WORK)
    }

    /// Where something stands that an image or a job names by its path in a cell.
    pub fn resolve(&self, text: &str) -> String {
        let cell = self.directory.path();
        for (name, place) in [(SOURCE_DIR, cell.join(SOURCES)), (SCRATCH_DIR, cell.join(SCRATCH))] {
            if let Some(rest) = text.strip_prefix(name)
                && (rest.is_empty() || rest.starts_with('/'))
            {
                return format!("{}{rest}", place.display());
            }
        }
        match self.image_files.iter().any(|file| file == text) {
            true => format!("{}{text}", self.image_directory.display()),
            false => text.to_owned(),
        }
    }

    /// The same for `NAME=value`.
    pub fn resolve_variable(&self, text: &str) -> String {
        match text.split_once('=') {
            Some((name, value)) => format!("{name}={}", self.resolve(value)),
            None => text.to_owned(),
        }
    }

    /// In a run's process: gives up everything but what the rules allow. Before the system-call filter.
    pub fn confine_run(&self) -> Result<(), StepError> {
        step("die_with_init", || sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as u64))?;
        self.rules.restrict()
    }
}

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
    let image = surroundings.directory.join(IMAGE);
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

impl Surroundings<'_> {
    pub fn slot_directory(&self, slot: u32) -> PathBuf {
        self.directory.join(format!("slot-{slot}"))
    }

    fn slot_id(&self, slot: u32) -> Option<u32> {
        self.id_base.map(|base| base + slot)
    }

    /// What a run may read: the image's parts of the host, and its own files. A part that stands
    /// elsewhere in a cell than on the host cannot be given without mounts, and is not: only
    /// interpreters kept loaded have such parts, and here there are none.
    pub fn readable(&self) -> Vec<PathBuf> {
        let same = self.setup.image.binds.iter().filter(|(host, cell)| host == cell);
        same.map(|(path, _)| PathBuf::from(path)).chain([self.directory.join(IMAGE)]).collect()
    }
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

/// A descriptor that is readable when a child has ended.
fn watch_children() -> Result<SignalFd, StepError> {
    step("watch_children", || {
        let mut mask = SigSet::empty();
        mask.add(Signal::SIGCHLD);
        sigprocmask(SigmaskHow::SIG_SETMASK, Some(&mask), None)?;
        SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
    })
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
    let Some(init) = step("clone_cell", || sys::clone_process(CloneFlags::empty()))? else {
        let code = match init(socket, slot, index, surroundings, limits) {
            Ok(()) => 0,
            Err(error) => {
                let _ = write_message(&mut { socket }, &Reply::Fault(FaultReport::from(error)));
                1
            }
        };
        sys::exit_now(code);
    };
    slot_loop::wait_for(init)
}

/// The cell's init: as in [`crate::sandbox::native::cell::init`], with what this tier has.
fn init(
    mut socket: &UnixStream,
    slot: Pid,
    index: u32,
    surroundings: &Surroundings<'_>,
    limits: WireLimits,
) -> Result<(), StepError> {
    step("name_process", || sys::set_name(c"proofbox-cell"))?;
    step("new_session", setsid)?;
    let charge = become_init(surroundings, index)?;
    if getppid() != slot {
        return Ok(()); // It died before it could be died with.
    }
    let message = io_step("read_job", || read_unforked(&mut socket))?;
    let Some(job) = init::wanted_job(&message)? else { return Ok(()) };
    let link = init::receive_link(socket, &job)?;
    let directory = CellDirectory::create(&surroundings.slot_directory(index), &job.sources)?;
    let mut readable = surroundings.readable();
    readable.push(directory.path().join(SOURCES));
    let rules = RunRules::new(&readable, &directory.path().join(SCRATCH))?;
    let image = &surroundings.setup.image;
    let confined = ConfinedCell {
        charge,
        rules,
        directory,
        asks: Asks::of(surroundings.setup.tier),
        image_directory: surroundings.directory.join(IMAGE),
        image_files: image.files.iter().map(|(path, _)| path.clone()).collect(),
    };
    let children = watch_children()?;
    let setup =
        CellSetup { seccomp: image.seccomp.clone(), group: None, run: None, confined: Some(confined) };
    let program = run::program_file(&job)?;
    let directory = setup.confined.as_ref().map(|confined| &confined.directory);
    let own_files = OwnFiles([SCRATCH, SOURCES].map(|name| surroundings.slot_directory(index).join(name)));
    let handlers = step("set_handlers_aside", sys::set_handlers_aside)?;
    let supervisor =
        Supervisor { socket, children: &children, setup: &setup, limits, program, own_files, handlers };
    init::run_all(&supervisor, &job, link, || {
        // Nobody asks here whether it was used.
        directory.map_or(Ok(()), CellDirectory::renew).map(|()| false)
    })
}

/// Takes charge, becomes the slot's id where it has one, and cannot be looked into.
pub fn become_init(surroundings: &Surroundings<'_>, index: u32) -> Result<Charge, StepError> {
    // The kernel prefers runs over the service's other processes when memory runs out; they inherit this.
    io_step("offer_to_oom_killer", || fs::write("/proc/self/oom_score_adj", "1000"))?;
    // While it still could signal its parent but for the enclosure.
    let charge = take_charge(surroundings.abi)?;
    if let Some(id) = surroundings.slot_id(index) {
        step("drop_bounding_set", sys::drop_bounding_set)?;
        step("leave_groups", sys::leave_groups)?;
        step("become_slot_id", || sys::become_id(id, id))?;
    }
    // After the id change, which clears it.
    step("die_with_slot", || sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as u64))?;
    step("hide_memory", || sys::prctl(libc::PR_SET_DUMPABLE, 0))?;
    Ok(charge)
}
