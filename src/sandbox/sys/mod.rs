//! System calls that no safe library wraps. The only module that may contain `unsafe`.
//!
//! Invariant for the process-making calls: they are made only in launcher, slot and cell-init
//! processes, which are single-threaded from `main` on (the launcher role is dispatched before
//! any thread exists), so a child may allocate and use the whole standard library.
#![expect(unsafe_code, reason = "the kernel's interface, and the interpreter's")]

pub mod landlock;
pub mod notify;
pub mod python;
pub mod unforked;
#[cfg(feature = "wasm")]
pub mod wasm;

use std::{
    ffi::{CStr, CString},
    io,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
    sync::OnceLock,
    time::Duration,
};

use nix::{errno::Errno, sched::CloneFlags, unistd::Pid};

/// `clone3` without a stack: like `fork`, with namespaces.
///
/// Returns `None` in the child.
pub fn clone_process(namespaces: CloneFlags) -> Result<Option<Pid>, Errno> {
    if namespaces.is_empty() {
        return fork_process();
    }
    // Layout of the kernel's `struct clone_args`, version 0 (64 bytes).
    #[repr(C)]
    #[derive(Default)]
    struct CloneArgs {
        flags: u64,
        pidfd: u64,
        child_tid: u64,
        parent_tid: u64,
        exit_signal: u64,
        stack: u64,
        stack_size: u64,
        tls: u64,
    }
    let args = CloneArgs {
        flags: namespaces.bits() as u32 as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..CloneArgs::default()
    };
    // SAFETY: `args` outlives the call and its size is passed with it; no CLONE_VM, so the child
    // runs on its own copy of this stack; the caller is single-threaded (module invariant).
    let pid = unsafe { libc::syscall(libc::SYS_clone3, &args, size_of::<CloneArgs>()) };
    match Errno::result(pid)? {
        0 => Ok(None),
        pid => Ok(Some(Pid::from_raw(pid as i32))),
    }
}

/// The same without namespaces, by `clone`: containers answer `clone3` as if it did not exist, since
/// a filter cannot see its flags.
fn fork_process() -> Result<Option<Pid>, Errno> {
    // SAFETY: no CLONE_VM, so the child runs on its own copy of this stack; all pointers are null;
    // the caller is single-threaded (module invariant).
    let pid = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD as libc::c_ulong, 0, 0, 0, 0) };
    match Errno::result(pid)? {
        0 => Ok(None),
        pid => Ok(Some(Pid::from_raw(pid as i32))),
    }
}

/// Takes ownership of a descriptor that was inherited by number.
pub fn adopt_fd(fd: RawFd) -> OwnedFd {
    // SAFETY: called once per number, for descriptors that the parent process left open for this
    // role and that nothing else in this process owns.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Duplicates `from` onto the number `to`, without close-on-exec.
pub fn dup_onto(from: RawFd, to: RawFd) -> Result<(), Errno> {
    if from == to {
        // SAFETY: F_SETFD takes an integer.
        return Errno::result(unsafe { libc::fcntl(to, libc::F_SETFD, 0) }).map(drop);
    }
    // SAFETY: only numbers are passed; the caller has reserved `to`.
    Errno::result(unsafe { libc::dup2(from, to) }).map(drop)
}

/// Duplicates to the lowest free number at or above `least`, close-on-exec.
pub fn dup_above(fd: RawFd, least: RawFd) -> Result<OwnedFd, Errno> {
    // SAFETY: only numbers are passed; the new descriptor is owned by the result.
    let fd = Errno::result(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, least) })?;
    Ok(adopt_fd(fd))
}

/// The machine's monotonic clock, microseconds.
pub fn monotonic_us() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` outlives the call; this clock exists on every Linux.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1000
}

/// CPU time used by a whole process, all its threads, living or ended.
pub fn process_cpu_time(pid: Pid) -> Result<Duration, Errno> {
    // The kernel's encoding of a process CPU clock: inverted pid, then CPUCLOCK_SCHED (2).
    let clock = (!(pid.as_raw() as libc::clockid_t) << 3) | 2;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for writing for the duration of the call.
    Errno::result(unsafe { libc::clock_gettime(clock, &mut time) })?;
    Ok(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}

/// CPU time used by the calling thread.
#[cfg(feature = "wasm")]
pub fn thread_cpu_time() -> Result<Duration, Errno> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for writing for the duration of the call.
    Errno::result(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) })?;
    Ok(Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}

/// A child that ended, and what it and the descendants it waited for used.
pub struct Reaped {
    pub pid: Pid,
    /// Raw wait status.
    pub status: i32,
    pub cpu: Duration,
    pub max_rss_bytes: u64,
}

/// Reaps one ended child of any kind without blocking; `Ok(None)` if all still run.
/// `Err(ECHILD)` if there is none.
pub fn reap_any(block: bool) -> Result<Option<Reaped>, Errno> {
    reap(-1, libc::__WALL | if block { 0 } else { libc::WNOHANG })
}

/// Waits for one child, and reaps it.
#[cfg(feature = "wasm")]
pub fn reap_one(child: Pid) -> Result<Reaped, Errno> {
    loop {
        match reap(child.as_raw(), 0) {
            Ok(Some(reaped)) => return Ok(reaped),
            Ok(None) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
}

fn reap(which: libc::pid_t, options: i32) -> Result<Option<Reaped>, Errno> {
    let mut status = 0;
    // SAFETY: an all-zero rusage is a valid value, and both pointers outlive the call.
    let (pid, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        (libc::wait4(which, &mut status, options, &mut usage), usage)
    };
    match Errno::result(pid)? {
        0 => Ok(None),
        pid => Ok(Some(Reaped {
            pid: Pid::from_raw(pid),
            status,
            cpu: timeval(usage.ru_utime) + timeval(usage.ru_stime),
            max_rss_bytes: usage.ru_maxrss as u64 * 1024,
        })),
    }
}

fn timeval(time: libc::timeval) -> Duration {
    Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
}

/// Gives up what executing a program could give back. Needs a capability itself; where
/// `no_new_privs` is set nothing can be given back anyway.
pub fn drop_bounding_set() -> Result<(), Errno> {
    for capability in 0..64 {
        // SAFETY: PR_CAPBSET_DROP takes an integer.
        let dropped = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
        match Errno::result(dropped) {
            Ok(_) => {}
            // Past the last capability this kernel knows.
            Err(Errno::EINVAL) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Gives up the capabilities that this process has or hands on.
pub fn drop_held_capabilities() -> Result<(), Errno> {
    // SAFETY: integers only.
    Errno::result(unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) })?;
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    let header = Header { version: 0x2008_0522, pid: 0 };
    let empty = [0u32; 6];
    // SAFETY: version 3 of the interface reads two 12-byte sets, all zero here.
    Errno::result(unsafe { libc::syscall(libc::SYS_capset, &header, empty.as_ptr()) }).map(drop)
}

/// `prctl` with one integer argument.
pub fn prctl(option: i32, argument: u64) -> Result<(), Errno> {
    // SAFETY: used with options whose arguments are integers.
    Errno::result(unsafe { libc::prctl(option, argument, 0u64, 0u64, 0u64) }).map(drop)
}

/// Changes only the user and group ids of this process: no libc bookkeeping for threads.
pub fn become_id(uid: u32, gid: u32) -> Result<(), Errno> {
    // SAFETY: integers only; the caller is single-threaded (module invariant).
    Errno::result(unsafe { libc::syscall(libc::SYS_setresgid, gid, gid, gid) })?;
    // SAFETY: as above.
    Errno::result(unsafe { libc::syscall(libc::SYS_setresuid, uid, uid, uid) }).map(drop)
}

/// Belongs to no group but its own; needs a capability.
pub fn leave_groups() -> Result<(), Errno> {
    // SAFETY: an empty list; the pointer is not read.
    Errno::result(unsafe { libc::syscall(libc::SYS_setgroups, 0usize, std::ptr::null::<libc::gid_t>()) })
        .map(drop)
}

/// Sets both the soft and the hard limit.
pub fn set_rlimit(resource: u32, soft: u64, hard: u64) -> Result<(), Errno> {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: `limit` outlives the call; an unknown resource is refused by the kernel.
    Errno::result(unsafe { libc::setrlimit(resource as _, &limit) }).map(drop)
}

/// The most that this process may set a limit to.
pub fn hard_rlimit(resource: u32) -> Result<u64, Errno> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` outlives the call and is written by it; an unknown resource is refused by the kernel.
    Errno::result(unsafe { libc::getrlimit(resource as _, &mut limit) }).map(|_| limit.rlim_max)
}

/// Installs a seccomp filter program for the calling thread. `no_new_privs` must be set.
pub fn install_seccomp(program: &[SockFilter]) -> Result<(), Errno> {
    let program =
        libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr() as *mut libc::sock_filter };
    // SAFETY: `SockFilter` has the layout of `sock_filter`; the kernel copies the program.
    Errno::result(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &program) })
        .map(drop)
}

/// One BPF instruction, as the kernel lays it out.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SockFilter {
    pub code: u16,
    pub jt: u8,
    pub jf: u8,
    pub k: u32,
}

/// Replaces the program of this process. Returns only on failure.
pub fn exec(path: &CStr, args: &[CString], env: &[CString]) -> Errno {
    let (args, env) = (pointers(args), pointers(env));
    // SAFETY: both arrays are null-terminated and their strings live until the call returns.
    unsafe { libc::execve(path.as_ptr(), args.as_ptr(), env.as_ptr()) };
    Errno::last()
}

/// The same with an open file, wherever it is: it need not have a name.
pub fn exec_file(file: BorrowedFd<'_>, args: &[CString], env: &[CString]) -> Errno {
    let (args, env) = (pointers(args), pointers(env));
    // SAFETY: as in `exec`; the path is an empty C string, and the file stays open until the call returns.
    unsafe {
        libc::execveat(
            file.as_raw_fd(),
            c"".as_ptr(),
            args.as_ptr().cast(),
            env.as_ptr().cast(),
            libc::AT_EMPTY_PATH,
        )
    };
    Errno::last()
}

/// Null-terminated; valid as long as the strings are.
fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([std::ptr::null()]).collect()
}

/// Ends this process at once: no destructors, no handlers.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: does not return.
    unsafe { libc::_exit(code) }
}

/// An anonymous file holding `content`, its offset at the start and its content sealed.
pub fn sealed_file(content: &[u8]) -> io::Result<OwnedFd> {
    let fd = memory_file()?;
    let mut written = 0;
    while written < content.len() {
        written += nix::sys::uio::pwrite(&fd, &content[written..], written as i64)?;
    }
    seal(&fd)?;
    Ok(fd)
}

/// An empty anonymous file, which can be sealed.
pub fn memory_file() -> io::Result<OwnedFd> {
    // SAFETY: the name is a valid C string; the descriptor is owned by the result.
    let fd = Errno::result(unsafe {
        libc::memfd_create(c"input".as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING)
    })?;
    Ok(adopt_fd(fd))
}

/// Keeps everybody from changing such a file, for good.
pub fn seal(fd: &OwnedFd) -> io::Result<()> {
    let seals = libc::F_SEAL_WRITE | libc::F_SEAL_GROW | libc::F_SEAL_SHRINK | libc::F_SEAL_SEAL;
    // SAFETY: F_ADD_SEALS takes an integer.
    Errno::result(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_ADD_SEALS, seals) })?;
    Ok(())
}

/// Default disposition for every signal and an empty mask, as a freshly started program expects.
pub fn reset_signals() {
    for signal in 1..=libc::SIGRTMAX() {
        // SAFETY: SIG_DFL is valid for every signal; SIGKILL and SIGSTOP refuse, harmlessly.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    // The alternate stack belonged to handlers that are gone.
    let none = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
    // SAFETY: disabling reads only the flags.
    unsafe { libc::sigaltstack(&none, std::ptr::null_mut()) };
    unblock_signals();
}

/// Handlers that a process had, while it has none.
#[derive(Debug)]
pub struct Handlers(Vec<(i32, libc::sigaction)>);

/// The signals that this process has handlers for. Asked for once, by a slot process, whose cells inherit the answer:
/// there are as many calls as signals.
pub fn handled_signals() -> &'static [i32] {
    static HANDLED: OnceLock<Vec<i32>> = OnceLock::new();
    HANDLED.get_or_init(|| {
        let is_handled = |signal: &i32| {
            // SAFETY: an all-zero structure is a valid one, which the kernel overwrites.
            unsafe {
                let mut found: libc::sigaction = std::mem::zeroed();
                // The C library keeps a few numbers to itself.
                libc::sigaction(*signal, std::ptr::null(), &mut found) == 0
                    && ![libc::SIG_DFL, libc::SIG_IGN].contains(&found.sa_sigaction)
            }
        };
        (1..=libc::SIGRTMAX()).filter(is_handled).collect()
    })
}

/// Puts the default in the place of every handler: number 1 of a pid namespace is then reached by no signal from
/// within. What is ignored stays so.
pub fn set_handlers_aside() -> Result<Handlers, Errno> {
    let set_aside = |signal: &i32| {
        // SAFETY: an all-zero structure is a valid one: the default action with no flags and an empty mask. The other is
        // overwritten by the kernel.
        unsafe {
            let (default, mut found): (libc::sigaction, libc::sigaction) = std::mem::zeroed();
            Errno::result(libc::sigaction(*signal, &default, &mut found))?;
            Ok((*signal, found))
        }
    };
    handled_signals().iter().map(set_aside).collect::<Result<_, _>>().map(Handlers)
}

impl Handlers {
    /// Installs them again, in the process that had them or a fork of it.
    pub fn give_back(&self) -> Result<(), Errno> {
        self.0.iter().try_for_each(|(signal, handler)| {
            // SAFETY: the handler was installed in this program before, whose code a fork has at the same place.
            Errno::result(unsafe { libc::sigaction(*signal, handler, std::ptr::null_mut()) }).map(drop)
        })
    }
}

/// An empty signal mask.
pub fn unblock_signals() {
    // SAFETY: the set is initialised before it is read.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
    }
}

/// Adds attributes to a mount, or to it and everything mounted below.
pub fn mount_setattr(target: &std::path::Path, add: u64, recursive: bool) -> Result<(), Errno> {
    use std::os::unix::ffi::OsStrExt;
    let path = CString::new(target.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
    let attributes = libc::mount_attr { attr_set: add, attr_clr: 0, propagation: 0, userns_fd: 0 };
    let flags = if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: `path` and `attributes` outlive the call; the structure's size is passed with it.
    Errno::result(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            flags,
            &attributes,
            size_of::<libc::mount_attr>(),
        )
    })
    .map(drop)
}

/// Whether the kernel reaps this process's children by itself.
pub fn ignore_children(ignore: bool) -> Result<(), Errno> {
    let disposition = if ignore { libc::SIG_IGN } else { libc::SIG_DFL };
    // SAFETY: both dispositions are valid for SIGCHLD and involve no handler.
    match unsafe { libc::signal(libc::SIGCHLD, disposition) } {
        libc::SIG_ERR => Err(Errno::last()),
        _ => Ok(()),
    }
}

/// A descriptor of another process's open file.
pub fn copy_descriptor(process: Pid, number: RawFd) -> Result<OwnedFd, Errno> {
    // SAFETY: integers only; the result is a new descriptor.
    let process = adopt_fd(
        Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, process.as_raw(), 0) })? as RawFd,
    );
    // SAFETY: likewise.
    Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), number, 0) })
        .map(|fd| adopt_fd(fd as RawFd))
}

/// Closes a descriptor by number, if it is open.
pub fn close_number(fd: RawFd) {
    // SAFETY: the caller is about to exec and owns nothing at that number that it uses again.
    unsafe { libc::close(fd) };
}

/// Marks every descriptor from `first` up close-on-exec.
pub fn close_on_exec_from(first: RawFd) -> Result<(), Errno> {
    // SAFETY: only flags change.
    Errno::result(unsafe {
        libc::syscall(libc::SYS_close_range, first as u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC)
    })
    .map(drop)
}

pub fn set_nonblocking(fd: RawFd) -> Result<(), Errno> {
    // SAFETY: F_SETFL takes an integer; pipes have no other status flag of ours to keep.
    Errno::result(unsafe { libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK) }).map(drop)
}

/// Closes every descriptor from `first` up.
pub fn close_from(first: RawFd) -> Result<(), Errno> {
    // SAFETY: only numbers are passed; the caller uses no descriptor at or above `first` again.
    Errno::result(unsafe { libc::syscall(libc::SYS_close_range, first as u32, u32::MAX, 0u32) }).map(drop)
}

/// What this process is called in process lists; at most 15 bytes are kept.
pub fn set_name(name: &CStr) -> Result<(), Errno> {
    // SAFETY: the kernel copies the string, which outlives the call.
    Errno::result(unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) }).map(drop)
}

/// Raises this process's nice value, which its children inherit, by so much from where it is.
pub fn lower_priority(by: i32) -> Result<(), Errno> {
    const LOWEST: i32 = 19;
    // SAFETY: integers only. It cannot fail for this process itself.
    let now = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
    // SAFETY: integers only.
    Errno::result(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, (now + by).min(LOWEST)) }).map(drop)
}
