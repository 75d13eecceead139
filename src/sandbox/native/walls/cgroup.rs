//! Control groups, version 2 or 1, or none: one group per slot.
//!
//! The guard makes the groups with the privileges that proofbox was started with, opens the few
//! control files that a slot needs, and removes the groups when the launcher is gone, also when
//! the service was killed. A slot process joins its group once; cells and runs inherit it, so
//! nothing is moved between groups while requests are served.

mod hierarchy;

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::{fd::AsRawFd, unix::fs::FileExt},
    path::{Path, PathBuf},
    time::Duration,
};

pub use self::hierarchy::survey;
use self::hierarchy::{PREFIX, Parents, lock_group, remove_group};
use crate::sandbox::{
    native::messages::launcher_setup::{CgroupInfo, SlotGroupFds},
    sys,
    tier::CgroupKind,
};

/// Page cache that earlier runs left in a group is looked at only where it could matter.
const CACHE_IGNORED_BELOW: u64 = 4 << 20;
/// How often the kernel is asked to bring a group below a limit that it is above by page cache.
const LIMIT_ATTEMPTS: usize = 5;

/// The groups of one launcher: a base directory per hierarchy, a child per slot.
#[derive(Debug)]
pub struct Groups {
    parents: Parents,
    /// Base directories made so far, one per hierarchy, each with the lock that says it is in use.
    bases: Vec<(PathBuf, File)>,
    slots: u32,
}

/// Control files of one slot's group, opened by the guard.
#[derive(Debug)]
pub struct SlotGroup {
    /// Writing `0` moves the writer into the group.
    join: Vec<File>,
    memory_limit: File,
    memory_usage: File,
    memory_stat: File,
    /// Absent before Linux 5.19 in version 2.
    memory_peak: Option<File>,
    oom_events: File,
    /// Version 1 counts them in a file of their own.
    limit_hits: Option<File>,
    pids_limit: File,
    cpu_usage: File,
    kind: CgroupKind,
}

/// Counters of a group's memory troubles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OomCount {
    /// Processes of the group that the kernel killed, whoever's memory ran out.
    kills: u64,
    /// How often the group's own limit stood in the way.
    limit_hits: u64,
}

/// Why the kernel killed something for want of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OomKill {
    /// The group was at its own limit.
    OwnLimit,
    /// A group above this one, or the host, was at its end. Says nothing about the run.
    Elsewhere,
}

impl OomCount {
    /// What was killed between an earlier count and this one.
    pub fn since(self, before: OomCount) -> Option<OomKill> {
        if self.kills == before.kills {
            return None;
        }
        Some(match self.limit_hits > before.limit_hits {
            true => OomKill::OwnLimit,
            false => OomKill::Elsewhere,
        })
    }
}

/// Where a measurement of peak memory began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeakMark {
    /// The kernel counts from here.
    Reset,
    /// The kernel cannot start anew (version 2 before Linux 6.12): its peak so far, bytes.
    SoFar(u64),
    /// The kernel keeps no peak.
    Unknown,
}

impl Groups {
    /// Makes groups for `slots` slots. `Ok(None)` where no hierarchy is writable.
    ///
    /// # Errors
    /// `TimedOut` if another proofbox holds up everybody's turn at a hierarchy that could be used.
    pub fn create(slots: u32) -> io::Result<Option<Groups>> {
        for parents in Parents::candidates()? {
            match Groups::create_below(parents, slots) {
                Ok(groups) => return Ok(Some(groups)),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(error),
                // Not writable, or others' processes are in the way: the next may do.
                Err(_) => {}
            }
        }
        Ok(None)
    }

    /// What the service is told.
    pub fn info(&self) -> CgroupInfo {
        let cpu_file = match self.kind() {
            CgroupKind::V2 => self.bases[0].0.join("cpu.stat"),
            CgroupKind::V1 => self.bases[2].0.join("cpuacct.usage"),
        };
        CgroupInfo { kind: self.kind(), cpu_file: cpu_file.to_string_lossy().into_owned() }
    }

    fn create_below(parents: Parents, slots: u32) -> io::Result<Groups> {
        let turn = parents.take_turn()?;
        parents.sweep();
        parents.enable()?;
        let mut groups = Groups { parents, bases: Vec::new(), slots };
        match groups.make_directories() {
            Ok(()) => Ok(groups),
            Err(error) => {
                groups.remove_in_turn();
                drop(turn);
                Err(error)
            }
        }
    }

    pub fn kind(&self) -> CgroupKind {
        match self.parents {
            Parents::V2 { .. } => CgroupKind::V2,
            Parents::V1 { .. } => CgroupKind::V1,
        }
    }

    fn make_directories(&mut self) -> io::Result<()> {
        let name = format!("{PREFIX}{}", std::process::id());
        for parent in self.parents.directories() {
            let base = parent.join(&name);
            // One that is there already is another's, who has this process id in his pid namespace.
            fs::create_dir(&base)?;
            let lock = match lock_group(&base) {
                Ok(lock) => lock,
                Err(error) => {
                    remove_group(&base);
                    return Err(error);
                }
            };
            self.bases.push((base.clone(), lock));
            if self.kind() == CgroupKind::V2 {
                fs::write(base.join("cgroup.subtree_control"), "+memory +pids")?;
            }
            for slot in 0..self.slots {
                fs::create_dir(base.join(slot_name(slot)))?;
            }
        }
        // A group whose files cannot be opened or set is no group.
        (0..self.slots).try_for_each(|slot| self.open_slot(slot).map(drop))
    }

    /// Opens the control files of a slot.
    pub fn open_slot(&self, slot: u32) -> io::Result<SlotGroup> {
        let directories: Vec<PathBuf> =
            self.bases.iter().map(|(base, _)| base.join(slot_name(slot))).collect();
        let join = directories
            .iter()
            .map(|directory| OpenOptions::new().write(true).open(directory.join("cgroup.procs")))
            .collect::<io::Result<_>>()?;
        match &directories[..] {
            [group] => open_v2(group, join),
            [memory, pids, cpuacct] => open_v1(memory, pids, cpuacct, join),
            _ => Err(io::Error::other("a group has one directory in version 2 and three in version 1")),
        }
    }

    /// Removes the groups, waiting a little for their last processes to be gone.
    pub fn remove(self) {
        // Without a turn what is ours can still go, but what is shared stays as it is.
        match self.parents.take_turn() {
            Ok(_turn) => self.remove_in_turn(),
            Err(_) => self.bases.iter().for_each(|(base, _)| remove_group(base)),
        }
    }

    fn remove_in_turn(&self) {
        self.bases.iter().for_each(|(base, _)| remove_group(base));
        self.parents.give_back();
    }
}

fn open_v2(group: &Path, join: Vec<File>) -> io::Result<SlotGroup> {
    forbid_swap(&group.join("memory.swap.max"))?;
    let peak = group.join("memory.peak");
    Ok(SlotGroup {
        join,
        memory_limit: writable(&group.join("memory.max"))?,
        memory_usage: File::open(group.join("memory.current"))?,
        memory_stat: File::open(group.join("memory.stat"))?,
        memory_peak: writable(&peak).or_else(|_| File::open(&peak)).ok(),
        oom_events: File::open(group.join("memory.events"))?,
        limit_hits: None,
        pids_limit: writable(&group.join("pids.max"))?,
        cpu_usage: File::open(group.join("cpu.stat"))?,
        kind: CgroupKind::V2,
    })
}

fn open_v1(memory: &Path, pids: &Path, cpuacct: &Path, join: Vec<File>) -> io::Result<SlotGroup> {
    forbid_swap(&memory.join("memory.swappiness"))?;
    Ok(SlotGroup {
        join,
        memory_limit: writable(&memory.join("memory.limit_in_bytes"))?,
        memory_usage: File::open(memory.join("memory.usage_in_bytes"))?,
        memory_stat: File::open(memory.join("memory.stat"))?,
        memory_peak: Some(writable(&memory.join("memory.max_usage_in_bytes"))?),
        oom_events: File::open(memory.join("memory.oom_control"))?,
        limit_hits: Some(File::open(memory.join("memory.failcnt"))?),
        pids_limit: writable(&pids.join("pids.max"))?,
        cpu_usage: File::open(cpuacct.join("cpuacct.usage"))?,
        kind: CgroupKind::V1,
    })
}

/// Absent where the kernel has no swap accounting; then there is no swap to bound.
fn forbid_swap(file: &Path) -> io::Result<()> {
    match fs::write(file, "0") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

fn writable(file: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(file)
}

impl SlotGroup {
    /// Its descriptors, for the other side of an exec.
    pub fn fds(&self) -> SlotGroupFds {
        SlotGroupFds {
            join: self.join.iter().map(AsRawFd::as_raw_fd).collect(),
            memory_limit: self.memory_limit.as_raw_fd(),
            memory_usage: self.memory_usage.as_raw_fd(),
            memory_stat: self.memory_stat.as_raw_fd(),
            memory_peak: self.memory_peak.as_ref().map(AsRawFd::as_raw_fd),
            oom_events: self.oom_events.as_raw_fd(),
            limit_hits: self.limit_hits.as_ref().map(AsRawFd::as_raw_fd),
            pids_limit: self.pids_limit.as_raw_fd(),
            cpu_usage: self.cpu_usage.as_raw_fd(),
            kind: self.kind,
        }
    }

    /// The group whose descriptors were left open by [`SlotGroup::fds`]'s caller.
    pub fn adopt(fds: SlotGroupFds) -> SlotGroup {
        let file = |fd: i32| File::from(sys::adopt_fd(fd));
        SlotGroup {
            join: fds.join.into_iter().map(file).collect(),
            memory_limit: file(fds.memory_limit),
            memory_usage: file(fds.memory_usage),
            memory_stat: file(fds.memory_stat),
            memory_peak: fds.memory_peak.map(file),
            oom_events: file(fds.oom_events),
            limit_hits: fds.limit_hits.map(file),
            pids_limit: file(fds.pids_limit),
            cpu_usage: file(fds.cpu_usage),
            kind: fds.kind,
        }
    }

    /// Moves the calling process into the group.
    pub fn join(&self) -> io::Result<()> {
        self.join.iter().try_for_each(|procs| procs.write_all_at(b"0", 0))
    }

    /// Bounds memory to what is in use now plus `bytes`, so that neither our own processes nor
    /// the inputs already loaded count against the run. Page cache that earlier runs left does not
    /// widen the bound: the kernel drops it when the room is needed. Returns what is in use now.
    pub fn limit_memory(&self, bytes: u64) -> io::Result<u64> {
        let usage = self.memory_usage()?;
        let cache = if usage > CACHE_IGNORED_BELOW { self.page_cache()? } else { 0 };
        let limit = (usage.saturating_sub(cache) + bytes).to_string();
        for _ in 1..LIMIT_ATTEMPTS {
            match self.memory_limit.write_all_at(limit.as_bytes(), 0) {
                // Version 1, above the limit by cache that could not be dropped at once.
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {}
                outcome => return outcome.map(|()| usage),
            }
        }
        self.memory_limit.write_all_at(limit.as_bytes(), 0)?;
        Ok(usage)
    }

    /// File pages that can be dropped; tmpfs and shared memory are not among them.
    fn page_cache(&self) -> io::Result<u64> {
        Ok(read_number(&self.memory_stat, Some("inactive_file "))?
            + read_number(&self.memory_stat, Some("active_file "))?)
    }

    pub fn limit_processes(&self, processes: u64) -> io::Result<()> {
        self.pids_limit.write_all_at(processes.to_string().as_bytes(), 0)
    }

    pub fn memory_usage(&self) -> io::Result<u64> {
        read_number(&self.memory_usage, None)
    }

    /// Starts a peak measurement, as well as this kernel can.
    pub fn mark_peak(&self) -> PeakMark {
        let Some(peak) = &self.memory_peak else { return PeakMark::Unknown };
        if peak.write_all_at(b"0", 0).is_ok() {
            return PeakMark::Reset;
        }
        read_number(peak, None).map_or(PeakMark::Unknown, PeakMark::SoFar)
    }

    /// Highest use since the mark, bytes. `None` if the kernel cannot tell: it has no peak, or an
    /// earlier one that was not passed.
    pub fn peak_since(&self, mark: PeakMark) -> io::Result<Option<u64>> {
        let Some(file) = &self.memory_peak else { return Ok(None) };
        let peak = read_number(file, None)?;
        Ok(match mark {
            PeakMark::Reset => Some(peak),
            PeakMark::SoFar(before) => (peak > before).then_some(peak),
            PeakMark::Unknown => None,
        })
    }

    /// What the kernel did so far for want of memory.
    pub fn oom_count(&self) -> io::Result<OomCount> {
        let kills = read_number(&self.oom_events, Some("oom_kill "))?;
        let limit_hits = match &self.limit_hits {
            Some(failures) => read_number(failures, None)?,
            None => read_number(&self.oom_events, Some("oom "))?,
        };
        Ok(OomCount { kills, limit_hits })
    }

    /// CPU time used in the group since it was made.
    pub fn cpu_time(&self) -> io::Result<Duration> {
        read_cpu_time(&self.cpu_usage, self.kind)
    }
}

impl CgroupInfo {
    /// CPU time used in all slots of the launcher since it started.
    pub fn cpu_time(&self) -> io::Result<Duration> {
        read_cpu_time(&File::open(&self.cpu_file)?, self.kind)
    }
}

fn read_cpu_time(file: &File, kind: CgroupKind) -> io::Result<Duration> {
    Ok(match kind {
        CgroupKind::V2 => Duration::from_micros(read_number(file, Some("usage_usec "))?),
        CgroupKind::V1 => Duration::from_nanos(read_number(file, None)?),
    })
}

fn slot_name(slot: u32) -> String {
    format!("slot-{slot}")
}

/// Reads the number at the start of a control file, or behind `key` at the start of a line.
fn read_number(file: &File, key: Option<&str>) -> io::Result<u64> {
    let mut buffer = [0; 8192];
    let length = file.read_at(&mut buffer, 0)?;
    let text = std::str::from_utf8(&buffer[..length]).map_err(io::Error::other)?;
    let number = match key {
        None => text.trim(),
        Some(key) => text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("").trim(),
    };
    number.parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "no number in a control file"))
}
