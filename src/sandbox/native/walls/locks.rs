//! Locks on files: real on a cell's own, and nothing but an answer on those that it shares.
//!
//! Theory of operation. A lock belongs to a file's inode, and the image's inodes and the devices are those of
//! other cells and of the host: a lock on one of them would be seen there, and could hold up somebody. So a lock is
//! let pass only on a file of the cell's own. On a shared one it "succeeds" and is not taken, as if the cell were
//! alone with it; to be told of others' locks is refused.
//!
//! Which file a descriptor is of, the kernel asks once more when the call has been let pass. Nothing can
//! change it in between if the caller is its process's only thread: it waits for the answer, and no process shares
//! descriptors with another (`seccomp.toml`). Where there are more threads, this process takes `flock`'s lock for them, by
//! its own copy of the descriptor. A lock of `fcntl`'s is a process's and cannot be taken for it; it excludes other processes
//! only, so it is granted without being taken as long as there are none. Anything else is refused, not promised.

use std::{
    fs::{self, File, TryLockError},
    os::fd::AsRawFd,
    path::PathBuf,
};

use libc::{F_GETLK, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_SETLK, F_SETLKW};
use nix::{errno::Errno, unistd::Pid};

use super::processes;
use crate::sandbox::sys::{self, notify::HeldCall};

/// What `fcntl` must be asked for.
pub const COMMANDS: [i32; 6] = [F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW];
/// What callers know how to do without, as where a file system has no locks.
pub const REFUSED: Errno = Errno::ENOSYS;

/// The directories below which every file is the cell's own.
#[derive(Debug)]
pub struct OwnFiles(pub [PathBuf; 2]);

impl OwnFiles {
    /// `link`: what /proc says of an open file. One that has lost its name still tells its place.
    fn hold(&self, link: &std::path::Path) -> bool {
        self.0.iter().any(|directory| link.starts_with(directory))
    }
}

/// What init says to a call.
#[derive(Debug)]
pub enum CallAnswer {
    /// It goes on as if nobody had been asked.
    Pass,
    /// It does nothing and returns 0.
    Done,
    Refuse(Errno),
    /// Nothing yet.
    Later(Waiting),
}

/// What is said to `flock`, or to `fcntl` with one of [`COMMANDS`].
pub fn answer(asked: &HeldCall, own_files: &OwnFiles) -> CallAnswer {
    let command = asked.args[1] as i32;
    let is_flock = asked.number == libc::SYS_flock;
    if threads(asked.caller) != Some(1) {
        return match command {
            operation if is_flock => Waiting::for_file(asked, operation, own_files),
            F_SETLK | F_SETLKW if is_only_process() => CallAnswer::Done,
            _ => CallAnswer::Refuse(REFUSED),
        };
    }
    match fs::read_link(format!("/proc/{}/fd/{}", asked.caller, asked.args[0] as i32)) {
        Ok(link) if own_files.hold(&link) => CallAnswer::Pass,
        _ if !is_flock && [F_GETLK, F_OFD_GETLK].contains(&command) => CallAnswer::Refuse(Errno::EINVAL),
        Ok(_) => CallAnswer::Done,
        Err(_) => CallAnswer::Refuse(Errno::EBADF),
    }
}

/// A call of `flock` that this process carries out: such a lock belongs to an open file, whoever takes it.
#[derive(Debug)]
pub struct Waiting {
    pub asked: HeldCall,
    file: File,
    operation: i32,
}

impl Waiting {
    fn for_file(asked: &HeldCall, operation: i32, own_files: &OwnFiles) -> CallAnswer {
        let copied = processes::process_of(asked.caller)
            .ok_or(Errno::ESRCH)
            .and_then(|process| sys::copy_descriptor(process, asked.args[0] as i32));
        let file = match copied {
            Ok(file) => File::from(file),
            Err(Errno::EBADF) => return CallAnswer::Refuse(Errno::EBADF),
            // Not every container lets it be copied.
            Err(_) => return CallAnswer::Refuse(REFUSED),
        };
        match fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())) {
            Ok(link) if own_files.hold(&link) => Waiting { asked: *asked, file, operation }.carry_out(),
            _ => CallAnswer::Done,
        }
    }

    /// The answer, or to wait on.
    pub fn carry_out(self) -> CallAnswer {
        let done = match self.operation & !libc::LOCK_NB {
            libc::LOCK_UN => self.file.unlock().map_err(TryLockError::Error),
            libc::LOCK_SH => self.file.try_lock_shared(),
            libc::LOCK_EX => self.file.try_lock(),
            _ => return CallAnswer::Refuse(Errno::EINVAL),
        };
        match done {
            Ok(()) => CallAnswer::Done,
            Err(TryLockError::WouldBlock) if self.operation & libc::LOCK_NB == 0 => CallAnswer::Later(self),
            Err(TryLockError::WouldBlock) => CallAnswer::Refuse(Errno::EWOULDBLOCK),
            Err(TryLockError::Error(error)) => {
                CallAnswer::Refuse(error.raw_os_error().map_or(REFUSED, Errno::from_raw))
            }
        }
    }
}

/// Threads of the process that this thread is of.
fn threads(thread: Pid) -> Option<usize> {
    fs::read_dir(format!("/proc/{thread}/task")).ok().map(Iterator::count)
}

fn is_only_process() -> bool {
    processes::descendants(Pid::this()).len() == 1
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn own_files_are_those_below_the_directories() {
        let own = OwnFiles(["/tmp".into(), "/box".into()]);
        for (link, is_own) in [
            ("/tmp/work/x", true),
            ("/tmp/work/x (deleted)", true),
            ("/box/main.py", true),
            ("/tmpfile", false),
            ("/usr/lib/os-release", false),
            ("/dev/null", false),
            ("pipe:[5]", false),
            ("/memfd:/tmp/x (deleted)", false),
        ] {
            assert_eq!(own.hold(Path::new(link)), is_own, "{link}");
        }
    }
}
