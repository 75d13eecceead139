//! A launcher at work, as the service holds it: its guard, and the socket by which both are told.

use std::{
    io::{self, IoSlice},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

use super::start_error::StartError;
use crate::sandbox::{
    job::Fault,
    native::messages::{
        frames::{read_message, write_message},
        launcher_setup::{CgroupInfo, LauncherSetup},
        slot_messages::Reply,
        step::FAIL_STEP,
    },
};

/// How long a launcher may take to come up.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a process that has closed its end is listened to.
pub const LAST_WORDS: Duration = Duration::from_millis(200);

/// What it takes to start a launcher.
#[derive(Debug)]
pub struct Starting {
    /// By which name jobs find it.
    pub name: String,
    /// The proofbox program.
    pub program: PathBuf,
    pub setup: LauncherSetup,
}

#[derive(Debug)]
pub struct LauncherProcess {
    control: UnixStream,
    guard: Child,
    pub cgroup: Option<CgroupInfo>,
    /// What ended it, once it has said so: several slots may ask.
    said: Option<Fault>,
}

impl LauncherProcess {
    /// Starts the guard and waits until the launcher behind it is ready.
    #[expect(clippy::disallowed_methods, reason = "the launcher is this program")]
    pub fn start(starting: &Starting) -> Result<LauncherProcess, StartError> {
        let Starting { name, program, setup } = starting;
        let failed = |source| StartError::Spawn { launcher: name.to_owned(), source };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let fail_step = setup.fail_step.as_ref().map(|(step, errno)| (FAIL_STEP, format!("{step}={errno}")));
        let guard = Command::new(program)
            .arg("__launcher")
            .env_clear()
            .envs(fail_step)
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .spawn()
            .map_err(failed)?;
        // From here on whatever goes wrong, letting go of it ends and reaps the guard.
        let mut running = LauncherProcess { control: ours, guard, cgroup: None, said: None };
        let control = &mut running.control;
        control.set_read_timeout(Some(START_TIMEOUT)).map_err(failed)?;
        // One that fails in its first steps says why and is gone before it reads.
        let sent = write_message(control, setup);
        match read_message(control).map_err(|error| failed(sent.err().unwrap_or(error)))? {
            Reply::Ready { cgroup } => {
                running.cgroup = cgroup;
                Ok(running)
            }
            Reply::Fault(report) => {
                Err(StartError::Refused { launcher: name.to_owned(), fault: report.into() })
            }
            _ => Err(failed(io::Error::from(io::ErrorKind::InvalidData))),
        }
    }

    pub fn guard_pid(&self) -> u32 {
        self.guard.id()
    }

    pub fn is_alive(&mut self) -> bool {
        matches!(self.guard.try_wait(), Ok(None))
    }

    /// Has the launcher start a slot process that listens to `socket`.
    pub fn send_slot(&self, slot: usize, socket: &UnixStream) -> io::Result<()> {
        let index = (slot as u32).to_le_bytes();
        let fds = [socket.as_raw_fd()];
        let rights = [ControlMessage::ScmRights(&fds)];
        sendmsg::<()>(
            self.control.as_raw_fd(),
            &[IoSlice::new(&index)],
            &rights,
            MsgFlags::MSG_NOSIGNAL,
            None,
        )?;
        Ok(())
    }

    /// What the launcher or its guard said before it ended, if it did. Blocks for [`LAST_WORDS`] where
    /// there is nothing to hear.
    pub fn last_words(&mut self) -> Option<Fault> {
        if self.said.is_none() && self.control.set_read_timeout(Some(LAST_WORDS)).is_ok() {
            self.said = match read_message(&mut self.control) {
                Ok(Reply::Fault(report)) => Some(report.into()),
                _ => None,
            };
        }
        self.said.clone()
    }
}

/// Tells the launcher to go and waits until the guard has cleaned up, whoever lets go of it and why.
impl Drop for LauncherProcess {
    fn drop(&mut self) {
        let _ = self.control.shutdown(std::net::Shutdown::Both);
        for _ in 0..1000 {
            if !matches!(self.guard.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        tracing::error!("a launcher did not end when asked; killing it");
        let _ = self.guard.kill();
        let _ = self.guard.wait();
    }
}
