//! What keeps a cell apart from everything else, by the kind of cell. The one place that asks for the
//! kind: another tier is another variant here, and a file of its own.

use std::path::PathBuf;

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{
    confined::ConfinedCell,
    locks::OwnFiles,
    processes,
    rootfs::{SCRATCH_DIR, SOURCE_DIR, WORK_DIR},
    scratch::CellDirectory,
};
use crate::sandbox::{
    native::messages::step::{StepError, step},
    sys,
};

/// What a cell is enclosed by.
#[derive(Debug)]
pub enum Enclosure<'a> {
    Namespaces,
    Confined(ConfinedCell<'a>),
}

impl Enclosure<'_> {
    /// Where a run starts.
    pub fn work_directory(&self) -> PathBuf {
        match self {
            Enclosure::Namespaces => WORK_DIR.into(),
            Enclosure::Confined(cell) => cell.work_directory(),
        }
    }

    /// Files that a run may lock for real.
    pub fn own_files(&self) -> OwnFiles {
        OwnFiles(match self {
            Enclosure::Namespaces => [SCRATCH_DIR.into(), SOURCE_DIR.into()],
            Enclosure::Confined(cell) => cell.own_directories(),
        })
    }

    /// Where something stands that an image or a job names by its path in a cell.
    pub fn resolve(&self, text: &str) -> String {
        match self {
            Enclosure::Namespaces => text.to_owned(),
            Enclosure::Confined(cell) => cell.resolve(text),
        }
    }

    /// The scratch space, where no mount bounds its size.
    pub fn unbounded_scratch(&self) -> Option<&CellDirectory> {
        match self {
            Enclosure::Namespaces => None,
            Enclosure::Confined(cell) => Some(&cell.directory),
        }
    }

    /// The living processes of the run.
    pub fn living(&self) -> Vec<Pid> {
        match self {
            Enclosure::Namespaces => processes::others_in_namespace(),
            // The others in sight are strangers, whose load is not the run's.
            Enclosure::Confined(_) => processes::descendants(Pid::this()),
        }
    }

    /// Kills everything in the cell but this process.
    pub fn kill_run(&self) -> Result<(), StepError> {
        match self {
            Enclosure::Namespaces => match kill(Pid::from_raw(-1), Signal::SIGKILL) {
                Ok(()) | Err(Errno::ESRCH) => Ok(()),
                Err(errno) => Err(StepError { step: "kill_run", errno }),
            },
            Enclosure::Confined(cell) => cell.kill_run(),
        }
    }

    /// Whether a run must ask before it forks. Its user id is others' too, then, and a count of that
    /// id's processes would mean nothing.
    pub fn gates_forks(&self) -> bool {
        match self {
            Enclosure::Namespaces => false,
            Enclosure::Confined(cell) => cell.surroundings.gates_forks(),
        }
    }

    /// In a run's process: gives up what executing a program could use. Before the system-call filter.
    pub fn drop_privileges(&self) -> Result<(), StepError> {
        step("no_new_privileges", || sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1))?;
        match self {
            Enclosure::Namespaces => step("drop_capabilities", sys::drop_capabilities),
            Enclosure::Confined(cell) => cell.drop_privileges(),
        }
    }

    /// In a run's process: refuses the calls that the enclosure leaves open. Before the policy.
    pub fn narrow_calls(&self) -> Result<(), StepError> {
        match self {
            Enclosure::Namespaces => Ok(()),
            Enclosure::Confined(cell) => cell.surroundings.narrow_calls(),
        }
    }
}
