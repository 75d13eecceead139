//! The processes that make cells: guard, launcher, slot.
//!
//! Theory of operation. The service re-executes its own binary in the `__launcher` role, once per
//! image. That process is the **guard**: it stays outside every namespace, makes the control
//! groups, starts the launcher, and when the launcher is gone removes the groups. The **launcher**
//! is pid 1 of its own pid namespace with an empty network and the image as its root; it forks one
//! **slot** process per slot when asked. A slot forks one cell at a time (see `cell.rs`).
//! None of them ever reads a submission.
//!
//! Who dies with whom: the service's end closes the control socket, so the launcher exits, and the
//! kernel kills everything in its pid namespace, cells included; the guard outlives it only to
//! clean up. A slot's death kills its cell (parent-death signal). A cell's death ends nothing else.
//!
//! As real root the launcher enters a user namespace whose ids are mapped to a range that owns
//! nothing on the host, each slot's cells get an id of their own from it, and the guard alone
//! keeps root. As an ordinary user there is one id; cells are kept apart by their user and pid
//! namespaces.

use std::{
    ffi::CString,
    fs, io,
    io::{Read, Write},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::{fs::MetadataExt, net::UnixStream},
    },
    process::ExitCode,
};

use nix::{
    errno::Errno,
    fcntl::OFlag,
    sched::{CloneFlags, unshare},
    sys::{
        resource::{Resource, getrlimit, setrlimit},
        wait::waitpid,
    },
    unistd::{Pid, getegid, geteuid, pipe2, sethostname, setsid},
};

use super::{confined, rehearsal::rehearse_cell, slot_loop};
use crate::sandbox::{
    Tier,
    native::{
        cell::{
            become_program::OUTBOX_FD,
            init::{self, CellSetup},
        },
        messages::{
            protocol::{
                CgroupInfo, FaultReport, Handover, LauncherSetup, Reply, WarmSetup, read_message,
                write_message,
            },
            step::{self, StepError, io_step, step},
        },
        walls::{
            cgroup::{Groups, OomKill, SlotGroup},
            rootfs,
        },
    },
    sys::{self, SockFilter, python::Callback},
};

/// The descriptor on which the role finds its control socket: standard input, so that starting it
/// needs no code between fork and exec.
const CONTROL_FD: i32 = 0;
/// First host user id of the range that a root-started launcher maps its ids to. Above what
/// distributions hand out to people (up to 2^16) and to container tools (from 10^5 up, in
/// ranges), and below the 2^31 that some tools read as negative.
const HOST_ID_BASE: u32 = 0x6f70_0000;
const HOST_ID_COUNT: u32 = 65_536;
/// The user id that a solution sees.
pub const CELL_ID: u32 = 1000;

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
        Tier::Namespaces => guard(&control, &setup),
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

/// Address space kept free below the main thread's stack, so that a warm run's stack can grow as far
/// as its memory limit. The kernel lays it out when a program is executed, by the stack limit.
const STACK_SPACE_BYTES: u64 = 64 << 30;
/// Stack of threads that do not choose one.
const THREAD_STACK_BYTES: usize = 8 << 20;

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

const PROGRAM: &str = "/proc/self/exe";

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

/// Makes the groups, starts the launcher, waits for its end, cleans up.
fn guard(control: &UnixStream, setup: &LauncherSetup) -> Result<(), StepError> {
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
    let mut namespaces = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS;
    if !privileged {
        namespaces |= CloneFlags::CLONE_NEWUSER;
    }
    // The launcher waits on this pair for its ids to be mapped: `m` asks, `y` answers.
    let (mut ours, theirs) = io_step("make_map_pair", UnixStream::pair)?;
    let launcher = step("clone_launcher", || sys::clone_process(namespaces))?;
    let Some(launcher) = launcher else {
        drop(ours);
        let info = groups.map(Groups::info);
        let code = match launch(control, theirs, setup, slot_groups, info, privileged) {
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
    write_id_maps(launcher, (0, uid), (0, gid), count)?;
    io_step("answer_launcher", || pair.write_all(b"y"))
}

/// Maps ids of the process's user namespace: (inside, outside) and how many.
fn write_id_maps(process: Pid, uid: (u32, u32), gid: (u32, u32), count: u32) -> Result<(), StepError> {
    let file = |name: &str| format!("/proc/{process}/{name}");
    io_step("deny_setgroups", || fs::write(file("setgroups"), "deny"))?;
    io_step("map_uids", || fs::write(file("uid_map"), format!("{} {} {count}", uid.0, uid.1)))?;
    io_step("map_gids", || fs::write(file("gid_map"), format!("{} {} {count}", gid.0, gid.1)))
}

/// The launcher: furnishes its namespaces, drops to an id that owns nothing, serves slot requests.
fn launch(
    control: &UnixStream,
    pair: UnixStream,
    setup: &LauncherSetup,
    groups: Vec<SlotGroup>,
    cgroup: Option<CgroupInfo>,
    privileged: bool,
) -> Result<(), StepError> {
    step("die_with_guard", || sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as u64))?;
    step("name_process", || sys::set_name(c"proofbox-launch"))?;
    step("new_session", setsid)?;
    if !privileged {
        ask_for_maps(&pair)?;
    }
    step("set_hostname", || sethostname("cell"))?;
    rootfs::enter(&setup.image)?;
    if privileged {
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
    let seccomp = setup.image.seccomp.clone();
    let Some(warm) = &setup.warm else {
        ignore_children()?;
        return serve(control, Slots { seccomp, groups, privileged, run: None }, cgroup);
    };
    let handover = Handover {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        control: control.as_raw_fd(),
        seccomp,
        groups: groups.iter().map(SlotGroup::fds).collect(),
        cgroup,
        privileged,
        fail_step: setup.fail_step.clone(),
    };
    execute_interpreter(warm, &handover)
}

/// Where the executed interpreter finds what was left for it: the highest number there is, above what
/// a launcher has open.
fn handover_number() -> Result<i32, Errno> {
    getrlimit(Resource::RLIMIT_NOFILE).map(|(soft, _)| soft.min(MOST_DESCRIPTORS) as i32 - 1)
}

/// Open files that a launcher may have, where the host allows: a dozen control group files for each of
/// at most 2048 seats, and a little beside them.
const MOST_DESCRIPTORS: u64 = 32 << 10;

fn allow_descriptors() -> Result<(), StepError> {
    step("allow_descriptors", || {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
        setrlimit(Resource::RLIMIT_NOFILE, soft.max(hard.min(MOST_DESCRIPTORS)), hard)
    })
}

/// Becomes the interpreter, whose script imports this crate's library and goes on in
/// [`serve_in_interpreter`]. Returns only on failure.
fn execute_interpreter(warm: &WarmSetup, handover: &Handover) -> Result<(), StepError> {
    neutral_streams()?;
    let content = postcard::to_stdvec(handover).map_err(|_| Errno::EINVAL);
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
    let served = ignore_children()
        .and_then(|()| step("bound_thread_stacks", || sys::python::bound_thread_stacks(THREAD_STACK_BYTES)))
        .and_then(|()| step("name_process", || sys::set_name(c"proofbox-launch")))
        .and_then(|()| {
            let groups = groups.into_iter().map(SlotGroup::adopt).collect();
            serve(&control, Slots { seccomp, groups, privileged, run: Some(run) }, cgroup)
        });
    if let Err(error) = served {
        let _ = write_message(&mut { &control }, &Reply::Fault(error.into()));
    }
}

/// Ended slots and orphans need no attention; the kernel reaps them. Not before an interpreter was started, which
/// would tell programs what it found then.
fn ignore_children() -> Result<(), StepError> {
    step("ignore_children", || sys::ignore_children(true))
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

/// From here on the launcher only forks: a cell to see that it can be made, then what is asked for.
fn serve(control: &UnixStream, mut slots: Slots<'_>, cgroup: Option<CgroupInfo>) -> Result<(), StepError> {
    let (mut ours, mut theirs) = io_step("make_rehearsal_pair", UnixStream::pair)?;
    if slot_loop::fork(&mut theirs) {
        drop(ours);
        slots.be_one(theirs, 0);
    }
    drop(theirs);
    rehearse_cell(&mut ours)?;
    drop(ours);
    io_step("say_ready", || write_message(&mut { control }, &Reply::Ready { cgroup }))?;
    slots.serve(control)
}

fn ask_for_maps(mut pair: &UnixStream) -> Result<(), StepError> {
    io_step("ask_for_maps", || {
        pair.write_all(b"m")?;
        pair.read_exact(&mut [0])
    })
}

/// What slot processes are made of.
struct Slots<'a> {
    seccomp: Vec<SockFilter>,
    /// By slot index; none where there are no control groups.
    groups: Vec<SlotGroup>,
    privileged: bool,
    run: Option<&'a Callback>,
}

impl Slots<'_> {
    /// Forks a slot process for every (index, socket) that arrives, until the service is gone.
    fn serve(&mut self, control: &UnixStream) -> Result<(), StepError> {
        loop {
            let Some((index, mut socket)) = io_step("receive_slot", || slot_loop::receive(control))? else {
                return Ok(());
            };
            if slot_loop::fork(&mut socket) {
                self.be_one(socket, index);
            }
        }
    }

    /// In the forked process: keeps only its own slot's group.
    fn be_one(&mut self, mut socket: UnixStream, index: u32) -> ! {
        let mut groups = std::mem::take(&mut self.groups);
        let group = ((index as usize) < groups.len()).then(|| groups.swap_remove(index as usize));
        drop(groups);
        let inside_id = if self.privileged { 1 + index } else { 0 };
        let seccomp = std::mem::take(&mut self.seccomp);
        let cell = CellSetup { seccomp, group, run: self.run, confined: None };
        if let Err(error) = serve_cells(&mut socket, &cell, inside_id) {
            let _ = write_message(&mut socket, &Reply::Fault(error.into()));
        }
        sys::exit_now(0)
    }
}

/// The slot process's work.
fn serve_cells(socket: &mut UnixStream, setup: &CellSetup<'_>, inside_id: u32) -> Result<(), StepError> {
    slot_loop::begin()?;
    if let Some(group) = &setup.group {
        io_step("join_cgroup", || group.join())?;
    }
    // Everything but the standard streams, this socket and the group's files is the launcher's.
    slot_loop::serve(socket, |socket, limits| {
        // The service gives this slot process up when it reads of a fault.
        Ok(one_cell(socket, setup, inside_id, limits)
            .unwrap_or_else(|error| Reply::Fault(FaultReport::from(error))))
    })
}

/// Makes a cell, maps its id, waits until it is gone.
fn one_cell(
    socket: &UnixStream,
    setup: &CellSetup<'_>,
    inside_id: u32,
    limits: crate::sandbox::native::messages::protocol::WireLimits,
) -> Result<Reply, StepError> {
    let oom_before = match &setup.group {
        Some(group) => {
            io_step("limit_processes", || group.limit_processes(limits.processes + 2))?;
            Some(io_step("read_oom_events", || group.oom_count())?)
        }
        None => None,
    };
    let (mut ours, theirs) = io_step("make_map_pair", UnixStream::pair)?;
    let namespaces = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    let Some(init) = step("clone_cell", || sys::clone_process(namespaces))? else {
        drop(ours);
        init::init_main(socket, theirs, setup, limits);
    };
    drop(theirs);
    let mapped = write_id_maps(init, (CELL_ID, inside_id), (CELL_ID, inside_id), 1)
        .and_then(|()| io_step("answer_cell", || ours.write_all(b"y")));
    drop(ours);
    let status = slot_loop::wait_for(init)?;
    mapped?;
    let oom_kill = match (&setup.group, oom_before) {
        (Some(group), Some(before)) => {
            io_step("read_oom_events", || group.oom_count())?.since(before) == Some(OomKill::OwnLimit)
        }
        _ => false,
    };
    Ok(Reply::Closed { status, oom_kill })
}
