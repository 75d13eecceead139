//! Landlock: which files a process may open and whom it may signal, where there are no namespaces.
//!
//! Rules name what is allowed; everything else of what they handle is refused. A process puts
//! itself under a set of rules for good and all its descendants with it, so the processes under
//! one set are a *domain*: they can signal and trace each other and those in domains below, and
//! nobody else. Landlock says nothing about metadata (`stat`, `readlink`), `chmod`, `utime` and
//! UDP: what of that matters is refused by seccomp.

use std::{
    fs::{File, OpenOptions},
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::OpenOptionsExt,
    },
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    sys::signal::kill,
    unistd::{Pid, getppid},
};

use crate::sandbox::{
    native::messages::step::{StepError, io_step, step},
    sys::{landlock as calls, landlock::RulesetAttributes},
};

/// First version with scopes for signals and abstract sockets (Linux 6.12).
pub const LEAST_ABI: u32 = 6;

// Access rights, from the kernel's `landlock.h`.
const EXECUTE: u64 = 1;
const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ_DIR: u64 = 1 << 3;
const REMOVE_DIR: u64 = 1 << 4;
const REMOVE_FILE: u64 = 1 << 5;
const MAKE_DIR: u64 = 1 << 7;
const MAKE_REG: u64 = 1 << 8;
const MAKE_FIFO: u64 = 1 << 10;
const MAKE_SYM: u64 = 1 << 12;
const REFER: u64 = 1 << 13;
const TRUNCATE: u64 = 1 << 14;
/// Every right of ABI 6: all that is not granted below is refused.
const EVERY_FILE_ACCESS: u64 = (1 << 16) - 1;
const EVERY_TCP_ACCESS: u64 = 0b11;
const SCOPE_ABSTRACT_SOCKETS: u64 = 1;
const SCOPE_SIGNALS: u64 = 1 << 1;

const READ_TREE: u64 = READ_FILE | READ_DIR | EXECUTE;
/// No device files and no sockets: neither can be of use.
const SCRATCH: u64 = READ_TREE
    | WRITE_FILE
    | TRUNCATE
    | REMOVE_DIR
    | REMOVE_FILE
    | MAKE_DIR
    | MAKE_REG
    | MAKE_FIFO
    | MAKE_SYM
    | REFER;
/// A file cannot be listed, and rules for one must not say so.
const OF_A_FILE: u64 = EXECUTE | READ_FILE | WRITE_FILE | TRUNCATE;

const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// From ABI 7 on: refusals under these rules are no news for the audit log.
const QUIET_SINCE_ABI: u32 = 7;
const LOG_SAME_EXEC_OFF: u32 = 1;

/// The version, if it has all that cells without namespaces need.
pub fn require() -> Result<u32, StepError> {
    let abi = step("find_landlock", calls::abi)?;
    match abi >= LEAST_ABI {
        true => Ok(abi),
        false => Err(StepError { step: "find_landlock_scopes", errno: Errno::EOPNOTSUPP }),
    }
}

/// Makes this process the top of a domain of its own: it and all that it starts can signal nobody
/// outside, so that `kill(-1)` from here ends its descendants and nothing else.
pub fn enclose(abi: u32) -> Result<(), StepError> {
    let attributes = RulesetAttributes { scoped: SCOPE_SIGNALS, ..RulesetAttributes::default() };
    let rules = step("make_enclosure", || calls::create_ruleset(&attributes))?;
    let flags = if abi >= QUIET_SINCE_ABI { LOG_SAME_EXEC_OFF } else { 0 };
    step("enclose", || calls::restrict_self(rules.as_fd(), flags))?;
    prove_enclosed()
}

/// Fails unless this process is refused a signal to its parent, which is outside and which, by its
/// ids, it could signal. A `kill(-1)` without this would end everything that the user runs.
pub fn prove_enclosed() -> Result<(), StepError> {
    step("prove_enclosure", || match kill(getppid(), None) {
        Err(Errno::EPERM) => Ok(()),
        // The parent is gone: whoever is it now is outside too.
        Err(Errno::ESRCH) if kill(Pid::from_raw(1), None) == Err(Errno::EPERM) => Ok(()),
        _ => Err(Errno::ENOTRECOVERABLE),
    })
}

/// The rules of a run: the image to read, the scratch directory to use, nobody to signal.
#[derive(Debug)]
pub struct RunRules {
    rules: OwnedFd,
}

impl RunRules {
    /// Rules by which `readable` can be read and executed and `scratch` used. What is in
    /// `readable` and does not exist cannot be read either way.
    pub fn new(readable: &[PathBuf], scratch: &Path) -> Result<RunRules, StepError> {
        let attributes = RulesetAttributes {
            handled_access_fs: EVERY_FILE_ACCESS,
            handled_access_net: EVERY_TCP_ACCESS,
            scoped: SCOPE_SIGNALS | SCOPE_ABSTRACT_SOCKETS,
        };
        let rules = step("make_run_rules", || calls::create_ruleset(&attributes))?;
        let rules = RunRules { rules };
        for path in readable {
            rules.allow(path, READ_TREE)?;
        }
        for device in DEVICES {
            rules.allow(Path::new(device), READ_FILE | WRITE_FILE)?;
        }
        rules.allow(scratch, SCRATCH)?;
        Ok(rules)
    }

    fn allow(&self, path: &Path, access: u64) -> Result<(), StepError> {
        let place = io_step("open_granted_path", || open_path(path))?;
        let is_directory = io_step("open_granted_path", || Ok(place.metadata()?.is_dir()))?;
        let access = if is_directory { access } else { access & OF_A_FILE };
        step("grant_path", || calls::allow_beneath(self.rules.as_fd(), place.as_fd(), access))
    }

    /// Puts this process under the rules. `no_new_privs` must be set.
    pub fn restrict(&self) -> Result<(), StepError> {
        step("restrict_by_landlock", || calls::restrict_self(self.rules.as_fd(), 0))
    }
}

/// Opens a place without asking for access to it.
fn open_path(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_CLOEXEC).open(path)
}
