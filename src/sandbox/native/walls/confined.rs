//! A cell without namespaces, and what a launcher keeps for its cells: the tiers `slot` and `restricted`.
//!
//! Theory of operation. In place of namespaces each process of ours takes charge of what is below it
//! ([`super::subreaper`]). A run is under Landlock rules that know the image and one scratch directory
//! ([`super::landlock`], [`super::scratch`]), and the cell's init watches what it uses ([`super::usage`]).
//! In `slot`, whose service is root, the cells of a slot have a user id of their own, by which the
//! kernel counts their processes. In `restricted` they share the service's id, and init is asked before
//! each fork ([`super::call_gate`]).

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    landlock::RunRules,
    rootfs::{SCRATCH_DIR, SOURCE_DIR},
    scratch::{CellDirectory, SCRATCH, SOURCES, WORK},
    subreaper::{Charge, take_charge},
};
use crate::sandbox::{
    native::messages::{
        launcher_setup::LauncherSetup,
        step::{StepError, io_step, step},
    },
    sys,
};

/// The image's own files, below the guard's directory.
const IMAGE: &str = "image";

/// What every slot of a launcher knows.
#[derive(Debug)]
pub struct Surroundings<'a> {
    pub setup: &'a LauncherSetup,
    /// Landlock's version.
    pub abi: u32,
    /// The guard's.
    pub directory: PathBuf,
    /// First of the slots' user ids; none in `restricted`.
    pub id_base: Option<u32>,
}

impl Surroundings<'_> {
    pub fn image_directory(&self) -> PathBuf {
        self.directory.join(IMAGE)
    }

    pub fn slot_directory(&self, slot: u32) -> PathBuf {
        self.directory.join(format!("slot-{slot}"))
    }

    pub fn slot_id(&self, slot: u32) -> Option<u32> {
        self.id_base.map(|base| base + slot)
    }

    /// What a run may read: the image's parts of the host, and its own files. A part that stands
    /// elsewhere in a cell than on the host cannot be given without mounts, and is not: only
    /// interpreters kept loaded have such parts, and here there are none.
    fn readable(&self) -> Vec<PathBuf> {
        let same = self.setup.image.binds.iter().filter(|(host, cell)| host == cell);
        same.map(|(path, _)| PathBuf::from(path)).chain([self.image_directory()]).collect()
    }

    /// The rules of a run that also reads `sources` and has `scratch` to itself.
    pub fn run_rules(&self, sources: Option<PathBuf>, scratch: &Path) -> Result<RunRules, StepError> {
        let readable: Vec<PathBuf> = self.readable().into_iter().chain(sources).collect();
        RunRules::new(&readable, scratch)
    }

    /// In a cell's init: takes charge, becomes the slot's id where it has one, and cannot be looked into.
    pub fn become_init(&self, slot: u32) -> Result<Charge, StepError> {
        // The kernel prefers runs over the service's other processes when memory runs out; they inherit this.
        io_step("offer_to_oom_killer", || fs::write("/proc/self/oom_score_adj", "1000"))?;
        // While it still could signal its parent but for the enclosure.
        let charge = take_charge(self.abi)?;
        if let Some(id) = self.slot_id(slot) {
            step("drop_bounding_set", sys::drop_bounding_set)?;
            step("leave_groups", sys::leave_groups)?;
            step("become_slot_id", || sys::become_id(id, id))?;
        }
        // After the id change, which clears it.
        step("die_with_slot", || sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as u64))?;
        step("hide_memory", || sys::prctl(libc::PR_SET_DUMPABLE, 0))?;
        Ok(charge)
    }
}

/// One cell, from the inside of its init.
#[derive(Debug)]
pub struct ConfinedCell<'a> {
    pub surroundings: &'a Surroundings<'a>,
    charge: Charge,
    rules: RunRules,
    pub directory: CellDirectory,
}

impl<'a> ConfinedCell<'a> {
    /// Makes the directories of a cell in a slot, with the job's sources.
    pub fn new(
        surroundings: &'a Surroundings<'a>,
        slot: u32,
        charge: Charge,
        sources: &[(String, &serde_bytes::Bytes)],
    ) -> Result<ConfinedCell<'a>, StepError> {
        let directory = CellDirectory::create(&surroundings.slot_directory(slot), sources)?;
        let path = directory.path();
        let rules = surroundings.run_rules(Some(path.join(SOURCES)), &path.join(SCRATCH))?;
        Ok(ConfinedCell { surroundings, charge, rules, directory })
    }

    /// Kills everything below this process.
    pub fn kill_run(&self) -> Result<(), StepError> {
        self.charge.kill_descendants()
    }

    pub fn work_directory(&self) -> PathBuf {
        self.directory.path().join(WORK)
    }

    /// The directories below which every file is the cell's own.
    pub fn own_directories(&self) -> [PathBuf; 2] {
        [SCRATCH, SOURCES].map(|name| self.directory.path().join(name))
    }

    /// Where something stands that an image or a job names by its path in a cell.
    pub fn resolve(&self, text: &str) -> String {
        let cell = self.directory.path();
        for (name, place) in [(SOURCE_DIR, cell.join(SOURCES)), (SCRATCH_DIR, cell.join(SCRATCH))] {
            if let Some(rest) = text.strip_prefix(name)
                && (rest.is_empty() || rest.starts_with('/'))
            {
                return format!("{}{rest}", place.display());
            }
        }
        let mut image_files = self.surroundings.setup.image.files.iter();
        if image_files.any(|(path, _)| path == text) {
            return format!("{}{text}", self.surroundings.image_directory().display());
        }
        text.to_owned()
    }

    /// In a run's process: gives up everything but what the rules allow. Before the system-call filter.
    pub fn confine_run(&self) -> Result<(), StepError> {
        step("die_with_init", || sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as u64))?;
        self.rules.restrict()
    }
}
