//! The native runner as the service holds it: a tier found, launchers started, cells opened.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use super::{
    cell_run::{CellRun, Seat},
    launcher_process::Starting,
    slot_pool::SlotPool,
    start_error::{Refusal, StartError},
};
use crate::{
    admission::Slot,
    limits::Limits,
    sandbox::{
        job::{Fault, Job},
        native::messages::launcher_setup::{ImageSetup, LauncherSetup, WarmSetup},
        tier::{CgroupKind, Tier},
    },
};

/// How the sandbox is set up.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    pub slots: usize,
    /// Tiers to try, in this order.
    pub tiers: Vec<Tier>,
    /// Where cells' directories are made in tiers without mounts; `None`: where the host has room.
    pub scratch_dir: Option<PathBuf>,
    /// The proofbox program, re-executed for launchers.
    pub program: PathBuf,
    /// Whether control groups may be used where they can be.
    pub use_cgroups: bool,
    /// A launcher that keeps an interpreter loaded is replaced after this many cells.
    pub renew_after_cells: u32,
    /// A set-up step made to fail with an errno; for tests of what happens then.
    pub fail_step: Option<(String, i32)>,
}

/// What one launcher is to be.
#[derive(Debug, Clone)]
pub struct LauncherConfig {
    /// By which name jobs find it.
    pub name: String,
    pub image: ImageSetup,
    /// The interpreter to keep loaded, if any.
    pub warm: Option<WarmSetup>,
    /// Whether it is started when it is first needed. The tier is proved by those that are not.
    pub at_first_use: bool,
}

/// The native runner: launchers, and the cells that they make.
#[derive(Debug)]
pub struct Sandbox {
    tier: Tier,
    slots: usize,
    /// Tiers that were tried before and refused.
    refusals: Vec<Refusal>,
    /// By the name of the launcher.
    pools: HashMap<String, Arc<SlotPool>>,
}

impl Sandbox {
    /// Starts the launchers in the first tier that this host gives. Blocks; called at start.
    ///
    /// `launchers`: those of a tier.
    pub fn start(
        config: &SandboxConfig,
        launchers: impl Fn(Tier) -> Vec<LauncherConfig>,
    ) -> Result<Sandbox, StartError> {
        let mut refusals = Vec::new();
        for tier in &config.tiers {
            match Sandbox::start_tier(config, *tier, launchers(*tier)) {
                Ok(pools) => return Ok(Sandbox { tier: *tier, slots: config.slots, refusals, pools }),
                Err(source) => refusals.push(Refusal { tier: *tier, source: Box::new(source) }),
            }
        }
        Err(StartError::NoTier { refusals })
    }

    fn start_tier(
        config: &SandboxConfig,
        tier: Tier,
        wanted: Vec<LauncherConfig>,
    ) -> Result<HashMap<String, Arc<SlotPool>>, StartError> {
        let mut pools = HashMap::new();
        for LauncherConfig { name, image, warm, at_first_use } in wanted {
            let setup = LauncherSetup {
                tier,
                scratch_dir: config.scratch_dir.as_ref().map(|path| path.to_string_lossy().into_owned()),
                image,
                warm,
                slots: config.slots as u32,
                use_cgroups: config.use_cgroups,
                fail_step: config.fail_step.clone(),
            };
            let renew_after_cells = config.renew_after_cells;
            let starting = Starting { name: name.clone(), program: config.program.clone(), setup };
            let pool = SlotPool::new(starting, renew_after_cells, at_first_use)?;
            pools.insert(name, Arc::new(pool));
        }
        Ok(pools)
    }

    /// A native runner that is not there, since this host refused every tier or none was wanted. Its tier is
    /// [`Tier::Wasm`], and every cell asked of it is a fault.
    pub fn absent(refusals: Vec<Refusal>) -> Sandbox {
        Sandbox { tier: Tier::Wasm, slots: 0, refusals, pools: HashMap::new() }
    }

    /// The isolation that every cell has.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// The tiers that this host could not give, and why.
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// The control groups that cells have: of every launcher, or none.
    pub fn cgroup(&self) -> Option<CgroupKind> {
        let mut kinds = self.started().map(|pool| pool.cgroup());
        let first = kinds.next()??;
        kinds.all(|kind| kind == Some(first)).then_some(first)
    }

    /// CPU time used by everything in all slots since the launchers started: slot processes, cells
    /// and runs, also those that have ended. `None` without control groups.
    pub fn cpu_time(&self) -> Option<Duration> {
        let mut times = self.started().map(|pool| pool.cpu_time());
        times.try_fold(Duration::ZERO, |sum, time| Some(sum + time?))
    }

    /// Launchers, without those that nobody has needed yet.
    fn started(&self) -> impl Iterator<Item = &Arc<SlotPool>> {
        self.pools.values().filter(|pool| pool.is_started())
    }

    /// Process ids of the guards, for tests that kill them.
    pub fn guard_pids(&self) -> Vec<u32> {
        self.pools.values().filter_map(|pool| pool.guard_pid()).collect()
    }

    /// Makes a cell in the slot that the caller holds and starts the job in it.
    ///
    /// The slot is kept until the cell is gone, however that comes about.
    pub async fn open(
        &self,
        launcher: &str,
        place: Slot,
        limits: Limits,
        job: Job,
    ) -> Result<CellRun, Fault> {
        let seat = Seat { number: place.index(), place: Arc::new(place) };
        CellRun::open(self.pool(launcher)?, seat, limits, job, None).await
    }

    /// By the name of a launcher, its slot processes.
    pub(super) fn pool(&self, launcher: &str) -> Result<&Arc<SlotPool>, Fault> {
        let pool = self.pools.get(launcher);
        pool.ok_or_else(|| Fault::new("find_launcher", format!("no launcher is called {launcher}")))
    }

    /// The seat for a cell that is linked to the one in slot `slot`.
    pub(super) fn companion_seat(&self, slot: usize) -> usize {
        self.slots + slot
    }
}
