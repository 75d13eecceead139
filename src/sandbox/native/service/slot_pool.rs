//! The service's hold on one image's launcher: lends its slot processes, and replaces it.
//!
//! A launcher that is gone is replaced when it is missed. One that keeps an interpreter loaded is also
//! replaced after a number of cells, in the background: runs that are forked from one interpreter
//! share its string hashes, and no solution is to depend on one seed for long.

use std::{
    io,
    os::unix::net::UnixStream as StdUnixStream,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{net::UnixStream, runtime::Handle, task::spawn_blocking};

use super::{
    launcher_process::{LauncherProcess, Starting},
    start_error::StartError,
};
use crate::sandbox::{job::Fault, native::messages::launcher_setup::CgroupInfo, tier::CgroupKind};

/// One image's launcher and its slot processes.
#[derive(Debug)]
pub struct SlotPool {
    starting: Starting,
    renew_after_cells: u32,
    current: Mutex<Arc<Generation>>,
    /// By seat: a slot process that is not lent out.
    idle: Vec<Mutex<Option<LentSlot>>>,
    /// CPU time of the launchers that are gone.
    past_cpu: Arc<Mutex<Duration>>,
    /// Launchers that have been replaced and still have cells.
    retired: Mutex<Vec<Weak<Generation>>>,
}

/// One launcher of several that follow each other.
#[derive(Debug)]
struct Generation {
    /// `None` before the first use, where that starts it, and while it is dropped.
    running: Mutex<Option<LauncherProcess>>,
    cgroup: Option<CgroupInfo>,
    cells: AtomicU32,
    retired: AtomicBool,
    past_cpu: Arc<Mutex<Duration>>,
}

/// A slot process, and the launcher that it is a fork of, which stays while it is lent.
#[derive(Debug)]
pub struct LentSlot {
    pub socket: UnixStream,
    generation: Arc<Generation>,
}

impl LentSlot {
    /// Why the socket was lost, if the launcher has said so before its own end.
    pub async fn last_words(&self) -> Option<Fault> {
        let generation = Arc::clone(&self.generation);
        let words = move || lock(&generation.running).as_mut()?.last_words();
        spawn_blocking(words).await.ok().flatten()
    }
}

impl SlotPool {
    /// Starts the launcher, unless that is left to its first use. Blocks until it is ready.
    pub fn new(
        starting: Starting,
        renew_after_cells: u32,
        at_first_use: bool,
    ) -> Result<SlotPool, StartError> {
        let past_cpu = Arc::default();
        let generation = match at_first_use {
            true => Generation::none_yet(&past_cpu),
            false => Generation::new(LauncherProcess::start(&starting)?, &past_cpu),
        };
        Ok(SlotPool {
            current: Mutex::new(Arc::new(generation)),
            idle: (0..starting.setup.seats()).map(|_| Mutex::new(None)).collect(),
            retired: Mutex::new(Vec::new()),
            starting,
            renew_after_cells,
            past_cpu,
        })
    }

    /// The slot process of a seat, for one cell.
    pub async fn lend(self: &Arc<Self>, seat: usize) -> Result<LentSlot, Fault> {
        let idle = lock(&self.idle[seat]).take();
        let slot = match idle {
            Some(slot) if self.is_current(&slot.generation) => slot,
            _ => self.connect(seat).await?,
        };
        let cells = slot.generation.cells.fetch_add(1, Ordering::Relaxed) + 1;
        if self.starting.setup.warm.is_some() && cells.is_multiple_of(self.renew_after_cells) {
            let (pool, old) = (Arc::clone(self), Arc::clone(&slot.generation));
            spawn_blocking(move || pool.renew(&old));
        }
        Ok(slot)
    }

    /// A slot process whose cell is gone.
    pub fn take_back(&self, seat: usize, slot: LentSlot) {
        // The current launcher may change right after; then the next to look drops it.
        if self.is_current(&slot.generation) {
            *lock(&self.idle[seat]) = Some(slot);
        }
    }

    /// `false` where that is left to the first use, and there has been none.
    pub fn is_started(&self) -> bool {
        lock(&self.current().running).is_some()
    }

    /// The launcher's control groups.
    pub fn cgroup(&self) -> Option<CgroupKind> {
        Some(self.current().cgroup.as_ref()?.kind)
    }

    /// CPU time used by everything in its slots, and those of launchers before it. `None` without
    /// control groups.
    pub fn cpu_time(&self) -> Option<Duration> {
        let retired: Vec<_> = lock(&self.retired).iter().filter_map(Weak::upgrade).collect();
        let mut sum = *lock(&self.past_cpu);
        for generation in retired.iter().chain([&self.current()]) {
            sum += generation.cgroup.as_ref()?.cpu_time().ok()?;
        }
        Some(sum)
    }

    pub fn guard_pid(&self) -> Option<u32> {
        Some(lock(&self.current().running).as_ref()?.guard_pid())
    }

    fn current(&self) -> Arc<Generation> {
        Arc::clone(&lock(&self.current))
    }

    fn is_current(&self, generation: &Arc<Generation>) -> bool {
        Arc::ptr_eq(generation, &lock(&self.current))
    }

    /// A new slot process; a launcher that is gone is replaced first.
    async fn connect(self: &Arc<Self>, seat: usize) -> Result<LentSlot, Fault> {
        let pool = Arc::clone(self);
        let connected = spawn_blocking(move || pool.connect_blocking(seat)).await;
        let (socket, generation) = connected.map_err(|error| Fault::new("connect_slot", error))??;
        let socket = UnixStream::from_std(socket).map_err(|error| Fault::new("connect_slot", error))?;
        Ok(LentSlot { socket, generation })
    }

    fn connect_blocking(&self, seat: usize) -> Result<(StdUnixStream, Arc<Generation>), Fault> {
        let failed = |error: io::Error| Fault::new("connect_slot", error);
        let (ours, theirs) = StdUnixStream::pair().map_err(failed)?;
        ours.set_nonblocking(true).map_err(failed)?;
        // Held until a dead launcher is replaced: all that miss it want the same one.
        let mut current = lock(&self.current);
        let is_sent = lock(&current.running)
            .as_mut()
            .is_some_and(|running| running.is_alive() && running.send_slot(seat, &theirs).is_ok());
        if !is_sent {
            if lock(&current.running).is_some() {
                tracing::warn!(launcher = %self.starting.name, "the launcher is gone; starting another");
            }
            let fresh = LauncherProcess::start(&self.starting);
            let mut fresh = fresh.map_err(|error| Fault::new("start_launcher", error))?;
            if let Err(error) = fresh.send_slot(seat, &theirs) {
                return Err(fresh.last_words().unwrap_or_else(|| failed(error)));
            }
            *current = Arc::new(Generation::new(fresh, &self.past_cpu));
        }
        Ok((ours, Arc::clone(&current)))
    }

    /// Puts another launcher in the place of `old`, which ends when its last cell is gone. Blocks.
    fn renew(&self, old: &Arc<Generation>) {
        let fresh = match LauncherProcess::start(&self.starting) {
            Ok(running) => Arc::new(Generation::new(running, &self.past_cpu)),
            Err(error) => {
                tracing::warn!(launcher = %self.starting.name, %error, "the launcher could not be renewed and stays");
                return;
            }
        };
        {
            let mut current = lock(&self.current);
            if !Arc::ptr_eq(&current, old) {
                return; // It was missed, and replaced, in the meantime.
            }
            *current = fresh;
        }
        old.retired.store(true, Ordering::Relaxed);
        let mut retired = lock(&self.retired);
        retired.retain(|generation| generation.strong_count() > 0);
        retired.push(Arc::downgrade(old));
        drop(retired);
        for idle in &self.idle {
            lock(idle).take_if(|slot| !self.is_current(&slot.generation));
        }
        tracing::debug!(launcher = %self.starting.name, "the launcher has been renewed");
    }
}

impl Generation {
    /// Before the first launcher.
    fn none_yet(past_cpu: &Arc<Mutex<Duration>>) -> Generation {
        Generation {
            cgroup: None,
            running: Mutex::new(None),
            cells: AtomicU32::new(0),
            retired: AtomicBool::new(false),
            past_cpu: Arc::clone(past_cpu),
        }
    }

    fn new(running: LauncherProcess, past_cpu: &Arc<Mutex<Duration>>) -> Generation {
        Generation {
            cgroup: running.cgroup.clone(),
            running: Mutex::new(Some(running)),
            cells: AtomicU32::new(0),
            retired: AtomicBool::new(false),
            past_cpu: Arc::clone(past_cpu),
        }
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        if let Some(Ok(cpu)) = self.cgroup.as_ref().map(CgroupInfo::cpu_time) {
            *lock(&self.past_cpu) += cpu;
        }
        let running = lock(&self.running).take();
        // Letting go of it waits for its end. At the service's end that is wanted; where it was
        // replaced, whoever drops the last cell must not wait.
        match Handle::try_current() {
            Ok(runtime) if *self.retired.get_mut() => drop(runtime.spawn_blocking(move || drop(running))),
            _ => drop(running),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic happens while one of these is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
