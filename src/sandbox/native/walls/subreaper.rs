//! Ending everything below a process, without a pid namespace.
//!
//! Theory of operation. The guard, the launcher, each slot and each cell's init are sub-reapers,
//! each at the top of a Landlock domain of its own ([`super::landlock::enclose`]). Whatever a run
//! does (a new session, a double fork, a parent that exits), its descendants stay below its init,
//! and no process can leave a domain. So `kill(-1)` by a process of ours reaches its descendants
//! and only those; the kernel does it in one sweep that no fork escapes, and `ECHILD` afterwards
//! says that nothing is left. When one of our processes dies, what was below it becomes the next
//! one's, which does the same: init's slot, the slot's launcher, the launcher's guard; and the
//! launcher, when the guard is gone.

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::landlock;
use crate::sandbox::{
    native::messages::step::{StepError, step},
    sys,
};

/// This process inherits its descendants' orphans, and `kill(-1)` from it reaches only them.
#[derive(Debug)]
pub struct Charge(());

/// Makes this process the one that can end everything below it. While it still has the ids by which
/// it could signal its parent, so that the proof of its enclosure means something.
pub fn take_charge(abi: u32) -> Result<Charge, StepError> {
    step("no_new_privileges", || sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1))?;
    step("become_subreaper", || sys::prctl(libc::PR_SET_CHILD_SUBREAPER, 1))?;
    landlock::enclose(abi)?;
    Ok(Charge(()))
}

impl Charge {
    /// Sends SIGKILL to every descendant.
    pub fn kill_descendants(&self) -> Result<(), StepError> {
        match kill(Pid::from_raw(-1), Signal::SIGKILL) {
            Ok(()) | Err(Errno::ESRCH | Errno::EPERM) => Ok(()),
            Err(errno) => Err(StepError { step: "kill_run", errno }),
        }
    }

    /// Kills and reaps until no descendant is left.
    pub fn end_descendants(&self) -> Result<(), StepError> {
        loop {
            self.kill_descendants()?;
            match sys::reap_any(true) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(Errno::ECHILD) => return Ok(()),
                Err(errno) => return Err(StepError { step: "reap_run", errno }),
            }
        }
    }
}
