//! What keeps a cell apart from everything else, by the kind of cell. The one place that asks for the
//! kind: another tier is another variant here, and a file of its own.

use std::path::PathBuf;

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{
    call_gate::Asks,
    confined::ConfinedCell,
    locks::OwnFiles,
    processes,
    rootfs::{SCRATCH_DIR, SOURCE_DIR, WORK_DIR},
    scratch::CellDirectory,
};
use crate::sandbox::{
    native::messages::{
        set_up::ToInit,
        step::{StepError, step},
    },
    sys,
    tier::Tier,
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

    /// What a run must ask for.
    pub fn asks(&self) -> Asks {
        Asks::of(match self {
            Enclosure::Namespaces => Tier::Namespaces,
            Enclosure::Confined(cell) => cell.surroundings.setup.tier,
        })
    }

    /// In a run's process: moves its end of the set-up pair to where the filter lets it be used.
    pub fn place(&self, to_init: &mut ToInit) -> Result<(), StepError> {
        match self {
            Enclosure::Namespaces => Ok(()),
            Enclosure::Confined(_) => step("place_descriptors", || to_init.place()),
        }
    }

    /// In a run's process: gives up what executing a program could use. Before the system-call filter.
    pub fn drop_privileges(&self) -> Result<(), StepError> {
        step("no_new_privileges", || sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1))?;
        if let Enclosure::Confined(cell) = self {
            cell.confine_run()?;
        }
        // The bounding set bounds what executing a program gives, which with no new privileges is nothing. To
        // empty it takes a call for each capability.
        step("drop_capabilities", sys::drop_held_capabilities)
    }
}
