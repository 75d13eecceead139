//! The processes of a run, seen through /proc: what they use where no control group says it.

use std::{
    collections::HashMap,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::unistd::Pid;

use crate::sandbox::sys;

/// Unit of times in `/proc/PID/stat`: the same on every architecture.
const CLOCK_TICKS_PER_SECOND: u64 = 100;

/// Every living descendant of a process.
pub fn descendants(of: Pid) -> Vec<Pid> {
    let mut found = Vec::new();
    let mut unseen = vec![of];
    while let Some(pid) = unseen.pop() {
        let before = unseen.len();
        for thread in threads(pid) {
            let children = fs::read_to_string(thread.join("children")).unwrap_or_default();
            unseen
                .extend(children.split_whitespace().filter_map(|word| word.parse().ok()).map(Pid::from_raw));
        }
        found.extend_from_slice(&unseen[before..]);
    }
    found
}

/// Every process of this pid namespace but its number 1.
pub fn others_in_namespace() -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers.filter(|pid| *pid > 1).map(Pid::from_raw).collect()
}

/// Whether this kernel tells of children; not all are built to.
pub fn is_told() -> bool {
    Path::new("/proc/thread-self/children").exists()
}

fn threads(pid: Pid) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// The process that a thread is of.
pub fn process_of(thread: Pid) -> Option<Pid> {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    let number = status.lines().find_map(|line| line.strip_prefix("Tgid:"))?;
    number.trim().parse().ok().map(Pid::from_raw)
}

/// Threads of all these processes together: what a limit of processes counts.
pub fn count_threads(processes: &[Pid]) -> u64 {
    processes.iter().map(|pid| threads(*pid).count() as u64).sum()
}

/// Private memory, resident.
pub fn private_bytes(processes: &[Pid]) -> u64 {
    processes.iter().map(|pid| process_private_bytes(*pid)).sum()
}

fn process_private_bytes(pid: Pid) -> u64 {
    match statm(&Path::new("/proc").join(pid.to_string())) {
        // The first thread has ended; the others' memory shows under their own ids.
        Some(0) => threads(pid).filter_map(|thread| statm(&thread)).max().unwrap_or(0),
        bytes => bytes.unwrap_or(0),
    }
}

fn statm(directory: &Path) -> Option<u64> {
    let statm = fs::read_to_string(directory.join("statm")).ok()?;
    let mut fields = statm.split(' ').skip(1);
    let resident: u64 = fields.next()?.parse().ok()?;
    let shared: u64 = fields.next()?.parse().ok()?;
    Some(resident.saturating_sub(shared) * 4096)
}

/// The same with shared pages divided among those who share them: exact, and dear to ask for.
pub fn proportional_bytes(processes: &[Pid]) -> u64 {
    let of = |pid: &Pid| {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss_Anon:"))?;
        line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kib| kib * 1024)
    };
    // One that will not say counts in full.
    processes.iter().map(|pid| of(pid).unwrap_or_else(|| process_private_bytes(*pid))).sum()
}

/// A file's device and inode.
pub type FileId = (u64, u64);

/// Memory in files without a name, but for those that the processes were given. `most_file_bytes`: what one
/// may have at most, assumed for a file that nothing but a mapping keeps. `None` where a process cannot be looked at.
pub fn nameless_bytes(processes: &[Pid], given: &[FileId], most_file_bytes: u64) -> Option<u64> {
    // Sharers count once.
    let mut files: HashMap<FileId, u64> = HashMap::new();
    for pid in processes {
        for thread in threads(*pid) {
            let is_seen = opened_files(&thread.join("fd"), &mut files).is_some();
            // A process's threads share descriptors; only the first is asked unless it has ended.
            if statm(&thread).is_some_and(|bytes| bytes > 0) {
                if !is_seen {
                    return None;
                }
                break;
            }
        }
    }
    for pid in processes {
        let task = threads(*pid).find(|thread| statm(thread).is_some_and(|bytes| bytes > 0));
        let Some(task) = task else { continue };
        for (file, bytes) in mapped_nameless(&task, most_file_bytes) {
            files.entry(file).or_insert(bytes);
        }
    }
    Some(files.iter().filter(|(file, _)| !given.contains(file)).map(|(_, bytes)| bytes).sum())
}

/// Regular files without a name that descriptors are open on. `None` where a process keeps them from being looked at.
fn opened_files(descriptors: &Path, files: &mut HashMap<FileId, u64>) -> Option<()> {
    let entries = fs::read_dir(descriptors);
    if entries.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
        return None;
    }
    for entry in entries.into_iter().flatten().flatten() {
        if let Ok(file) = fs::metadata(entry.path())
            && file.is_file()
            && file.nlink() == 0
        {
            files.insert((file.dev(), file.ino()), file.blocks() * 512);
        }
    }
    Some(())
}

/// Mapped files without a name. Shared anonymous memory is one, of the mapping's own size.
fn mapped_nameless(process: &Path, most_file_bytes: u64) -> Vec<(FileId, u64)> {
    let maps = fs::read_to_string(process.join("maps")).unwrap_or_default();
    maps.lines().filter_map(|line| nameless_mapping(line, most_file_bytes)).collect()
}

/// `7f00-7f10 rw-s 00000000 00:01 1234   /dev/zero (deleted)`
fn nameless_mapping(line: &str, most_file_bytes: u64) -> Option<(FileId, u64)> {
    let line = line.strip_suffix(" (deleted)")?;
    let mut fields = line.split_ascii_whitespace();
    let (from, to) = fields.next()?.split_once('-')?;
    let (major, minor) = fields.nth(2)?.split_once(':')?;
    let inode: u64 = fields.next()?.parse().ok()?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    let device = libc::makedev(number(major)? as u32, number(minor)? as u32);
    let size = number(to)?.saturating_sub(number(from)?);
    let bytes = if fields.next()? == "/dev/zero" { size } else { most_file_bytes };
    Some(((device, inode), bytes))
}

/// CPU time of processes as last seen alive. What a process used stays counted when it vanishes, also
/// where nobody was told of its end (a parent that ignores its children).
#[derive(Debug, Default)]
pub struct CpuSamples {
    last: HashMap<Pid, Duration>,
    /// Of ids that were seen again with less, and so belong to another process now.
    earlier: Duration,
}

impl CpuSamples {
    pub fn take(&mut self, processes: &[Pid]) {
        for pid in processes {
            let Ok(now) = sys::process_cpu_time(*pid) else { continue };
            let last = self.last.entry(*pid).or_default();
            if now < *last {
                self.earlier += *last;
            }
            *last = now;
        }
    }

    pub fn sum(&self) -> Duration {
        self.earlier + self.last.values().sum::<Duration>()
    }
}

/// CPU time of living processes, and of the children that they have waited for.
pub fn living_cpu(processes: &[Pid]) -> Duration {
    let waited_for = |pid: &Pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything; cutime and cstime are fields 16 and 17.
        let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(13);
        let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
        Some(Duration::from_millis(ticks * 1000 / CLOCK_TICKS_PER_SECOND))
    };
    let own = processes.iter().filter_map(|pid| sys::process_cpu_time(*pid).ok()).sum::<Duration>();
    own + processes.iter().filter_map(waited_for).sum::<Duration>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_line_of_maps() {
        let line = "7f0000000000-7f0000100000 rw-s 00000000 00:01 1234    /dev/zero (deleted)";
        assert_eq!(nameless_mapping(line, 7), Some(((libc::makedev(0, 1), 1234), 1 << 20)));
        let line = "7f0000000000-7f0000100000 rw-s 00000000 00:1a 99   /dev/shm/a file (deleted)";
        assert_eq!(nameless_mapping(line, 7), Some(((libc::makedev(0, 26), 99), 7)));
        assert_eq!(nameless_mapping("7f00-7f10 r--p 00000000 00:01 1 /usr/lib/x.so", 7), None);
        assert_eq!(nameless_mapping("7f00-7f10 rw-p 00000000 00:00 0", 7), None);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a child to be seen")]
    fn sees_children_and_what_they_hold() {
        let mut child = std::process::Command::new("sleep").arg("30").spawn().unwrap();
        let found = descendants(Pid::this());
        let child_pid = Pid::from_raw(child.id() as i32);
        let (threads, private) = (count_threads(&[child_pid]), private_bytes(&[child_pid]));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found.contains(&child_pid), "{found:?}");
        assert_eq!(threads, 1);
        assert!(private < 64 << 20);
        assert!(is_told());
    }
}
