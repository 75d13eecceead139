//! Named set-up steps, so that a failure says where, and a test can make any of them fail.

use std::{io, sync::OnceLock};

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use crate::sandbox::job::Fault;

/// A set-up step that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{step}: {errno}")]
pub struct StepError {
    pub step: &'static str,
    pub errno: Errno,
}

/// A step of ours that failed, as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultReport {
    pub step: String,
    pub errno: i32,
}

impl From<StepError> for FaultReport {
    fn from(error: StepError) -> Self {
        FaultReport { step: error.step.to_owned(), errno: error.errno as i32 }
    }
}

impl From<FaultReport> for Fault {
    fn from(report: FaultReport) -> Fault {
        Fault::new(&report.step, io::Error::from_raw_os_error(report.errno))
    }
}

impl StepError {
    /// What a process of ours reported that has run nothing untrusted: the name is one of ours.
    pub fn told_by(report: FaultReport) -> StepError {
        StepError { step: report.step.leak(), errno: Errno::from_raw(report.errno) }
    }
}

static INJECTED: OnceLock<(String, i32)> = OnceLock::new();

/// In the environment of a launcher in a test: `STEP=ERRNO`, the step that fails and how.
pub const FAIL_STEP: &str = "PROOFBOX_FAIL_STEP";

/// Makes the step that the environment names fail, in this process and its children. A launcher's
/// first steps come before anything is read.
#[expect(clippy::disallowed_methods, reason = "tests make a step fail before a launcher has read anything")]
pub fn inject_from_environment() {
    let wanted = std::env::var(FAIL_STEP).unwrap_or_default();
    if let Some((step, errno)) = wanted.split_once('=')
        && let Ok(errno) = errno.parse()
    {
        inject_failure(step.to_owned(), errno);
    }
}

/// Makes the step of that name fail with that errno, in this process and its children.
pub fn inject_failure(step: String, errno: i32) {
    let _ = INJECTED.set((step, errno));
}

/// Runs one named step.
pub fn step<T>(name: &'static str, action: impl FnOnce() -> Result<T, Errno>) -> Result<T, StepError> {
    if let Some((injected, errno)) = INJECTED.get()
        && injected == name
    {
        return Err(StepError { step: name, errno: Errno::from_raw(*errno) });
    }
    action().map_err(|errno| StepError { step: name, errno })
}

/// Runs one named step that uses the standard library.
pub fn io_step<T>(name: &'static str, action: impl FnOnce() -> io::Result<T>) -> Result<T, StepError> {
    step(name, || action().map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))))
}
