//! Control groups, version 2 or 1, or none: one group per slot.
//!
//! The guard makes the groups with the privileges that proofbox was started with, opens the few
//! control files that a slot needs, and removes the groups when the launcher is gone, also when
//! the service was killed. A slot process joins its group once; cells and runs inherit it, so
//! nothing is moved between groups while requests are served.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::protocol::{CgroupInfo, CgroupKind};

/// The groups of one launcher: a base directory per hierarchy, a child per slot.
#[derive(Debug)]
pub struct Groups {
    kind: CgroupKind,
    /// Base directories, one per hierarchy.
    bases: Vec<PathBuf>,
    slots: u32,
}

/// Control files of one slot's group, opened by the guard.
#[derive(Debug)]
pub struct SlotGroup {
    /// Writing `0` moves the writer into the group.
    join: Vec<File>,
    memory_limit: File,
    memory_usage: File,
    memory_peak: Option<File>,
    oom_events: File,
    pids_limit: File,
    cpu_usage: File,
    kind: CgroupKind,
}

const V1_CONTROLLERS: [&str; 3] = ["memory", "pids", "cpuacct"];
const PREFIX: &str = "proofbox-";
/// Where the service itself goes when a version 2 parent must hold no process.
const SERVICE_LEAF: &str = "proofbox-service";

impl Groups {
    /// Makes groups for `slots` slots. `Ok(None)` where no hierarchy is writable.
    pub fn create(slots: u32) -> io::Result<Option<Groups>> {
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let name = format!("{PREFIX}{}", std::process::id());
        let candidates = [
            v2_parent(&own).map(|parent| (CgroupKind::V2, vec![parent])),
            v1_parents(&own).map(|parents| (CgroupKind::V1, parents)),
        ];
        for (kind, parents) in candidates.into_iter().flatten() {
            for parent in &parents {
                sweep(parent);
            }
            let bases = parents.iter().map(|parent| parent.join(&name)).collect();
            let groups = Groups { kind, bases, slots };
            match groups.make_directories() {
                Ok(()) => return Ok(Some(groups)),
                Err(_) => groups.remove(),
            }
        }
        Ok(None)
    }

    /// What the service is told.
    pub fn info(&self) -> CgroupInfo {
        let cpu_file = match self.kind {
            CgroupKind::V2 => self.bases[0].join("cpu.stat"),
            CgroupKind::V1 => self.bases[2].join("cpuacct.usage"),
        };
        CgroupInfo { kind: self.kind, cpu_file: cpu_file.to_string_lossy().into_owned() }
    }

    fn make_directories(&self) -> io::Result<()> {
        for base in &self.bases {
            fs::create_dir(base)?;
            if self.kind == CgroupKind::V2 {
                fs::write(base.join("cgroup.subtree_control"), "+memory +pids +cpu")?;
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
        let directories: Vec<PathBuf> = self.bases.iter().map(|base| base.join(slot_name(slot))).collect();
        let writable = |path: PathBuf| OpenOptions::new().read(true).write(true).open(path);
        let join = directories
            .iter()
            .map(|directory| OpenOptions::new().write(true).open(directory.join("cgroup.procs")))
            .collect::<io::Result<_>>()?;
        match self.kind {
            CgroupKind::V2 => {
                let group = &directories[0];
                // Absent where the kernel has no swap accounting; then there is no swap to bound.
                let _ = fs::write(group.join("memory.swap.max"), "0");
                Ok(SlotGroup {
                    join,
                    memory_limit: writable(group.join("memory.max"))?,
                    memory_usage: File::open(group.join("memory.current"))?,
                    memory_peak: writable(group.join("memory.peak")).ok(),
                    oom_events: File::open(group.join("memory.events"))?,
                    pids_limit: writable(group.join("pids.max"))?,
                    cpu_usage: File::open(group.join("cpu.stat"))?,
                    kind: self.kind,
                })
            }
            CgroupKind::V1 => {
                let [memory, pids, cpuacct] = &directories[..] else {
                    return Err(io::Error::other("a version 1 group has three directories"));
                };
                let _ = fs::write(memory.join("memory.swappiness"), "0");
                Ok(SlotGroup {
                    join,
                    memory_limit: writable(memory.join("memory.limit_in_bytes"))?,
                    memory_usage: File::open(memory.join("memory.usage_in_bytes"))?,
                    memory_peak: Some(writable(memory.join("memory.max_usage_in_bytes"))?),
                    oom_events: File::open(memory.join("memory.oom_control"))?,
                    pids_limit: writable(pids.join("pids.max"))?,
                    cpu_usage: File::open(cpuacct.join("cpuacct.usage"))?,
                    kind: self.kind,
                })
            }
        }
    }

    /// Removes the groups, waiting a little for their last processes to be gone.
    pub fn remove(&self) {
        for base in &self.bases {
            let directories = (0..self.slots).map(|slot| base.join(slot_name(slot))).chain([base.clone()]);
            for directory in directories {
                for _ in 0..200 {
                    match fs::remove_dir(&directory) {
                        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                            std::thread::sleep(Duration::from_millis(5));
                        }
                        _ => break,
                    }
                }
            }
        }
    }
}

impl SlotGroup {
    /// Moves the calling process into the group.
    pub fn join(&self) -> io::Result<()> {
        self.join.iter().try_for_each(|procs| procs.write_all_at(b"0", 0))
    }

    /// Bounds memory to what is in use now plus `bytes`, so that neither our own processes nor
    /// the inputs already loaded count against the run. Returns what is in use now.
    ///
    /// No more than `most_of_ours` counts as in use: the rest is file pages that earlier runs made the
    /// kernel cache on this group's account. It gives them up for a run's own memory, so a run that
    /// were allowed them could use that much more than its limit.
    pub fn limit_memory(&self, bytes: u64, most_of_ours: u64) -> io::Result<u64> {
        let base = self.memory_usage()?;
        let limit = base.min(most_of_ours) + bytes;
        self.memory_limit.write_all_at(limit.to_string().as_bytes(), 0)?;
        Ok(base)
    }

    pub fn limit_processes(&self, processes: u64) -> io::Result<()> {
        self.pids_limit.write_all_at(processes.to_string().as_bytes(), 0)
    }

    pub fn memory_usage(&self) -> io::Result<u64> {
        read_number(&self.memory_usage, None)
    }

    /// Starts a new peak measurement; `false` where this kernel cannot.
    pub fn reset_peak(&self) -> bool {
        self.memory_peak.as_ref().is_some_and(|peak| peak.write_all_at(b"0", 0).is_ok())
    }

    /// Highest use since the last reset, bytes.
    pub fn peak(&self) -> io::Result<u64> {
        match &self.memory_peak {
            Some(peak) => read_number(peak, None),
            None => Ok(0),
        }
    }

    /// How many processes the kernel has killed in this group for want of memory.
    pub fn oom_kills(&self) -> io::Result<u64> {
        read_number(&self.oom_events, Some("oom_kill "))
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
    let mut buffer = [0; 1024];
    let length = file.read_at(&mut buffer, 0)?;
    let text = std::str::from_utf8(&buffer[..length]).map_err(io::Error::other)?;
    let number = match key {
        None => text.trim(),
        Some(key) => text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("").trim(),
    };
    number.parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "no number in a control file"))
}

/// The version 2 directory below which groups can be made, if memory and pids are offered there.
fn v2_parent(own: &str) -> Option<PathBuf> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    // Another launcher of this service may have moved us to the leaf already.
    let path = path.strip_suffix(&format!("/{SERVICE_LEAF}")).unwrap_or(path);
    let parent = mount_point("cgroup2", None)?.join(path.trim_start_matches('/'));
    let offered = fs::read_to_string(parent.join("cgroup.controllers")).ok()?;
    if !["memory", "pids"].iter().all(|name| offered.split_whitespace().any(|word| word == *name)) {
        return None;
    }
    enable_v2_controllers(&parent).ok()?;
    Some(parent)
}

/// Lets children of `parent` have controllers. Outside the root group that needs `parent` to hold
/// no process, so ours move to a leaf of their own first; other people's are never moved.
fn enable_v2_controllers(parent: &Path) -> io::Result<()> {
    let control = parent.join("cgroup.subtree_control");
    let wanted = "+memory +pids +cpu";
    if fs::write(&control, wanted).is_ok() {
        return Ok(());
    }
    let leaf = parent.join(SERVICE_LEAF);
    match fs::create_dir(&leaf) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    for own in [std::process::id(), std::os::unix::process::parent_id()] {
        fs::write(leaf.join("cgroup.procs"), own.to_string())?;
    }
    fs::write(&control, wanted)
}

fn v1_parents(own: &str) -> Option<Vec<PathBuf>> {
    V1_CONTROLLERS
        .iter()
        .map(|controller| {
            let path = own.lines().find_map(|line| {
                let (_, rest) = line.split_once(':')?;
                let (controllers, path) = rest.split_once(':')?;
                controllers.split(',').any(|name| name == *controller).then_some(path)
            })?;
            let parent = mount_point("cgroup", Some(controller))?.join(path.trim_start_matches('/'));
            parent.is_dir().then_some(parent)
        })
        .collect()
}

/// Where a control group hierarchy is mounted.
fn mount_point(fs_type: &str, controller: Option<&str>) -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (point, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
        let wanted = controller.is_none_or(|name| options.split(',').any(|option| option == name));
        (kind == fs_type && wanted).then(|| PathBuf::from(point))
    })
}

/// Removes groups that an earlier, killed proofbox left below `parent`: those whose maker is gone.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        if pid.parse::<u32>().is_err() || Path::new("/proc").join(pid).exists() {
            continue;
        }
        for child in fs::read_dir(entry.path()).into_iter().flatten().flatten() {
            let _ = fs::remove_dir(child.path());
        }
        let _ = fs::remove_dir(entry.path());
    }
}

/// What control groups could be used here, in words, without making any.
pub fn survey() -> String {
    let Ok(own) = fs::read_to_string("/proc/self/cgroup") else {
        return "none: /proc/self/cgroup cannot be read".to_owned();
    };
    let writable = |path: &Path| nix::unistd::access(path, nix::unistd::AccessFlags::W_OK).is_ok();
    if let Some(parents) = v1_parents(&own)
        && parents.iter().all(|parent| writable(parent))
    {
        return "version 1 (memory, pids, cpuacct writable)".to_owned();
    }
    match mount_point("cgroup2", None) {
        Some(point) => {
            format!("version 2 at {} without writable memory and pids controllers", point.display())
        }
        None => "none writable".to_owned(),
    }
}
