//! What a run's process and its cell's init say to each other before the process is the program.
//!
//! Theory of operation. A pair of sockets. The run sends the listener of its system-call filter, or what failed. It
//! closes its end by becoming the program, for which init waits asleep; what was sent lies there by then.
//!
//! The filter is installed last and holds for that message, too. Without namespaces it lets descriptors be sent by one
//! number only ([`NUMBER`]): one that the program can never open, since it lies beyond its limit of open files.

use std::{
    io::Write,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};

use super::{
    pass_files,
    step::{FaultReport, StepError, io_step, step},
};
use crate::sandbox::sys;

/// The only number by which `sandbox-images/seccomp-confined.toml` lets descriptors be sent.
pub const NUMBER: i32 = 512;

/// The run's end.
#[derive(Debug)]
pub struct ToInit(OwnedFd);

/// Init's end.
#[derive(Debug)]
pub struct FromRun(UnixStream);

pub fn pair() -> Result<(FromRun, ToInit), StepError> {
    let (ours, theirs) = io_step("make_set_up_pair", UnixStream::pair)?;
    Ok((FromRun(ours), ToInit(theirs.into())))
}

impl ToInit {
    /// Moves it to [`NUMBER`].
    pub fn place(&mut self) -> Result<(), Errno> {
        sys::dup_onto(self.0.as_raw_fd(), NUMBER)?;
        self.0 = sys::adopt_fd(NUMBER);
        Ok(())
    }

    /// The listener, which is closed here: who holds it answers the run's calls, and it may lie at a number that the
    /// program is left with.
    pub fn hand_over(&self, listener: OwnedFd) -> Result<(), Errno> {
        pass_files::send(self.0.as_raw_fd(), &[&listener])
    }

    /// Says what failed. Whether it is heard is not ours to know.
    pub fn tell(self, error: StepError) {
        let report = postcard::to_stdvec(&FaultReport::from(error)).unwrap_or_default();
        let _ = UnixStream::from(self.0).write_all(&report);
    }
}

impl FromRun {
    /// Waits until the run is the program, or failed to become it: the listener that it sent.
    pub fn await_program(self) -> Result<Option<OwnedFd>, StepError> {
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::empty())];
        // Nothing is asked for, so that only the end wakes.
        step("await_exec", || {
            while poll(&mut fds, PollTimeout::NONE) == Err(Errno::EINTR) {}
            Ok(())
        })?;
        let mut said = Vec::new();
        let mut listener = None;
        loop {
            let mut buffer = [0; 128];
            let (count, files) =
                step("await_exec", || pass_files::receive_into(self.0.as_raw_fd(), &mut buffer))?;
            match (count, files.into_iter().next()) {
                (0, _) => break,
                // The byte that carried it.
                (_, Some(file)) => listener = Some(file),
                (_, None) => said.extend_from_slice(&buffer[..count]),
            }
        }
        if said.is_empty() {
            return Ok(listener);
        }
        let fault: FaultReport = postcard::from_bytes(&said)
            .map_err(|_| StepError { step: "await_exec", errno: Errno::EPROTO })?;
        Err(StepError { step: known_step(&fault.step), errno: Errno::from_raw(fault.errno) })
    }
}

/// The static name of a step that came over the pair.
fn known_step(name: &str) -> &'static str {
    const RUN_STEPS: [&str; 19] = [
        "give_back_handlers",
        "find_program",
        "name_process",
        "yield_to_watch",
        "be_dumpable",
        "die_with_init",
        "restrict_by_landlock",
        "hand_over_listener",
        "close_descriptors",
        "find_interpreter",
        "run_session",
        "run_directory",
        "place_descriptors",
        "set_rlimits",
        "drop_capabilities",
        "no_new_privileges",
        "prepare_arguments",
        "install_seccomp",
        "exec",
    ];
    RUN_STEPS.into_iter().find(|known| *known == name).unwrap_or("become_program")
}
