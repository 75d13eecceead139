//! Counts what a service and its processes hold on the host. Comparing a count before and after shows what was left.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    os::unix::fs::MetadataExt,
    path::Path,
};

/// First and last host user id that cells of a service started as root can have.
const CELL_IDS: std::ops::Range<u32> = 0x6f70_0000..0x6f71_0000;
/// Sources of the mounts that launchers and cells make.
const MOUNT_SOURCES: [&str; 3] = ["root", "scratch", "box"];

/// One count of everything that could be left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traces {
    /// Descendants of the process looked at: guards, launchers, slots, cells.
    pub processes: usize,
    /// Control group directories made for those guards.
    pub groups: usize,
    /// Mounts of ours in the process's own mount namespace: none are expected there, ever.
    pub mounts: usize,
    /// Descriptors of the process itself.
    pub descriptors: usize,
    /// Files below the host's temporary and shared-memory directories that are ours or a cell's.
    pub files: usize,
    /// Resident memory of the process itself, bytes.
    pub resident_bytes: u64,
    /// Resident memory of its descendants, bytes; pages shared by several count once for each.
    pub descendants_resident_bytes: u64,
}

impl Traces {
    /// Looks at process `root` and everything below it. `guards` are the guards that have lived so
    /// far, whose groups are searched for.
    pub fn of(root: u32, guards: &BTreeSet<u32>) -> Traces {
        let below = descendants(root);
        Traces {
            processes: below.len(),
            groups: groups_of(guards),
            mounts: own_mounts(root),
            descriptors: fs::read_dir(format!("/proc/{root}/fd")).map_or(0, Iterator::count),
            files: leftover_files(),
            resident_bytes: resident_bytes(root),
            descendants_resident_bytes: below.iter().map(|pid| resident_bytes(*pid)).sum(),
        }
    }

    /// Describes everything that has grown since `before`. Memory may grow by `memory_slack` bytes.
    pub fn growth_since(&self, before: &Traces, memory_slack: u64) -> Vec<String> {
        let mut growth = Vec::new();
        let mut compare = |name: &str, before: usize, after: usize| {
            if after > before {
                growth.push(format!("{name}: {before} before, {after} after"));
            }
        };
        compare("processes", before.processes, self.processes);
        compare("control groups", before.groups, self.groups);
        compare("mounts", before.mounts, self.mounts);
        compare("descriptors", before.descriptors, self.descriptors);
        compare("files", before.files, self.files);
        let mib = |bytes: u64| (bytes >> 20) as usize;
        let slack = mib(memory_slack);
        compare("MiB resident", mib(before.resident_bytes) + slack, mib(self.resident_bytes));
        compare(
            "MiB resident below",
            mib(before.descendants_resident_bytes) + slack,
            mib(self.descendants_resident_bytes),
        );
        growth
    }
}

impl fmt::Display for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} processes, {} control groups, {} mounts, {} descriptors, {} files, {:.1} MiB resident, {:.1} MiB below",
            self.processes,
            self.groups,
            self.mounts,
            self.descriptors,
            self.files,
            self.resident_bytes as f64 / f64::from(1 << 20),
            self.descendants_resident_bytes as f64 / f64::from(1 << 20),
        )
    }
}

/// Every living process below `root`, at any depth. One that has ended and is not reaped yet counts.
pub fn descendants(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if let Some(parent) = parent_of(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut next = vec![root];
    while let Some(pid) = next.pop() {
        for child in children.remove(&pid).unwrap_or_default() {
            found.push(child);
            next.push(child);
        }
    }
    found
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn resident_bytes(pid: u32) -> u64 {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|field| field.parse().ok()).unwrap_or(0);
    pages * 4096
}

/// Group directories that the guards made, in every hierarchy.
fn groups_of(guards: &BTreeSet<u32>) -> usize {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let paths: BTreeSet<&str> = own.lines().filter_map(|line| line.splitn(3, ':').nth(2)).collect();
    let points: BTreeSet<&str> = mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let (point, kind) = (fields.next()?, fields.next()?);
            kind.starts_with("cgroup").then_some(point)
        })
        .collect();
    let mut found = BTreeSet::new();
    for point in points {
        for path in &paths {
            for guard in guards {
                let directory =
                    Path::new(point).join(path.trim_start_matches('/')).join(format!("proofbox-{guard}"));
                if directory.is_dir() {
                    found.insert(directory);
                }
            }
        }
    }
    found.len()
}

fn own_mounts(root: u32) -> usize {
    let mounts = fs::read_to_string(format!("/proc/{root}/mounts")).unwrap_or_default();
    mounts.lines().filter(|line| MOUNT_SOURCES.contains(&line.split(' ').next().unwrap_or(""))).count()
}

fn leftover_files() -> usize {
    let ours = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let of_a_cell = entry.metadata().is_ok_and(|metadata| CELL_IDS.contains(&metadata.uid()));
        of_a_cell || name.starts_with("proofbox-hostile") || name.starts_with(".proofbox")
    };
    let directories = [std::env::temp_dir(), "/dev/shm".into(), "/var/tmp".into(), "/run".into()];
    let directories: BTreeSet<_> = directories.into_iter().collect();
    directories
        .iter()
        .flat_map(|path| fs::read_dir(path).into_iter().flatten().flatten())
        .filter(ours)
        .count()
}
