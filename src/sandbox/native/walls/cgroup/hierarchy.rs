//! Where groups can be made: the hierarchies of this host, and what it takes to use them.
//!
//! Theory of operation, version 2. Groups are made below the group that proofbox was started in.
//! A group other than the root that passes controllers on to children must hold no process, so
//! where proofbox's own is such a group, the service moves into a leaf of it, and moves back when
//! the last groups are removed. Where others' processes are in it too, the nearest ancestor that
//! passes the controllers on already will do, if it is writable: it is never reconfigured.
//!
//! Guards of several launchers and of several services may share a parent. Whoever changes what
//! is directly below one holds a lock on it (a *turn*); whoever owns groups there holds a lock on
//! them for as long as any of its processes lives, so that what is unlocked is left over from a
//! crash, in whichever pid namespace its maker lived.

use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::unistd::{AccessFlags, Uid, access, geteuid};

/// Names of groups begin with it; the maker's process id follows.
pub const PREFIX: &str = "proofbox-";
/// Where the service itself goes when a version 2 parent must hold no process.
const SERVICE_LEAF: &str = "proofbox-service";
const V1_CONTROLLERS: [&str; 3] = ["memory", "pids", "cpuacct"];
/// What a version 2 group must pass on. CPU time is accounted without the cpu controller.
const V2_CONTROLLERS: [&str; 2] = ["memory", "pids"];
/// How long to wait for another proofbox that is making or removing groups.
const TURN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the last processes of a group may take to be gone.
const EMPTY_TIMEOUT: Duration = Duration::from_secs(2);
const RETRY: Duration = Duration::from_millis(2);
/// Rounds of moving processes out of a group while they fork.
const MOVE_ROUNDS: usize = 16;

/// Directories below which groups can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parents {
    /// One directory; the group that proofbox was started in, or an ancestor of it.
    V2 { directory: PathBuf, own: bool },
    /// Of memory, pids and cpuacct, in this order.
    V1 { directories: Vec<PathBuf> },
}

impl Parents {
    /// Every place worth trying, best first. Changes nothing.
    pub fn candidates() -> io::Result<Vec<Parents>> {
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let mounts = fs::read_to_string("/proc/self/mounts")?;
        let mut candidates = v2_candidates(&own, &mounts);
        candidates.extend(v1_parents(&own, &mounts).map(|directories| Parents::V1 { directories }));
        Ok(candidates)
    }

    pub fn directories(&self) -> Vec<PathBuf> {
        match self {
            Parents::V2 { directory, .. } => vec![directory.clone()],
            Parents::V1 { directories } => directories.clone(),
        }
    }

    /// Waits for a turn at every directory. Dropping the result ends it.
    ///
    /// # Errors
    /// `TimedOut` if somebody else does not end theirs.
    pub fn take_turn(&self) -> io::Result<Vec<File>> {
        let deadline = Instant::now() + TURN_TIMEOUT;
        self.directories().iter().map(|directory| lock_by(&File::open(directory)?, deadline)).collect()
    }

    /// Lets children have the controllers. Undone by [`Parents::give_back`]. Needs a turn.
    pub fn enable(&self) -> io::Result<()> {
        match self {
            Parents::V2 { directory, own: true } if !passes_on(directory) => enable_v2(directory),
            _ => Ok(()),
        }
    }

    /// Moves the service back from its leaf if nobody else's groups need the parent empty.
    /// Needs a turn.
    pub fn give_back(&self) {
        let Parents::V2 { directory, own: true } = self else { return };
        let leaf = directory.join(SERVICE_LEAF);
        if !leaf.is_dir() || groups_below(directory).next().is_some() {
            return;
        }
        // Where it is refused, groups of somebody else have come to rely on it.
        if fs::write(directory.join("cgroup.subtree_control"), "-memory -pids").is_ok() {
            let _ = move_all(&leaf, directory);
            let _ = remove_directory(&leaf);
        }
    }

    /// Removes what killed proofboxes left. Needs a turn.
    pub fn sweep(&self) {
        for directory in self.directories() {
            for group in groups_below(&directory) {
                if let Some(_ours_now) = lock_leftover(&group) {
                    remove_group(&group);
                }
            }
            // Refused while anybody lives in it.
            let _ = fs::remove_dir(directory.join(SERVICE_LEAF));
        }
    }
}

/// Marks a new group as owned, for as long as this process or a child that inherits the
/// descriptor lives.
pub fn lock_group(group: &Path) -> io::Result<File> {
    // Not the directory itself: children inherit the descriptor.
    let file = File::open(group.join("cgroup.procs"))?;
    lock_by(&file, Instant::now())
}

/// Removes a group and its children, waiting a little for their last processes to be gone.
pub fn remove_group(group: &Path) {
    let children = fs::read_dir(group).into_iter().flatten().flatten();
    for child in children.filter(|child| child.file_type().is_ok_and(|kind| kind.is_dir())) {
        let _ = remove_directory(&child.path());
    }
    let _ = remove_directory(group);
}

fn remove_directory(directory: &Path) -> io::Result<()> {
    let deadline = Instant::now() + EMPTY_TIMEOUT;
    loop {
        match fs::remove_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy && Instant::now() < deadline => {
                std::thread::sleep(RETRY);
            }
            outcome => return outcome,
        }
    }
}

/// A second descriptor of the file, holding its lock.
fn lock_by(file: &File, deadline: Instant) -> io::Result<File> {
    loop {
        match file.try_lock() {
            Ok(()) => return file.try_clone(),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                return Err(io::Error::from(io::ErrorKind::TimedOut));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(RETRY),
        }
    }
}

/// The lock of a group that nobody owns any more. Waits only for an owner that is known to be dying.
fn lock_leftover(group: &Path) -> Option<File> {
    let maker = group.file_name()?.to_str()?.strip_prefix(PREFIX)?;
    let command = fs::read(Path::new("/proc").join(maker).join("cmdline"));
    let patience = match command {
        // Its guard lives, in this pid namespace.
        Ok(command) if command.split(|byte| *byte == 0).nth(1) == Some(b"__launcher") => return None,
        // Somebody else has the id by now, or it is being reaped.
        Ok(_) => Duration::ZERO,
        Err(_) => EMPTY_TIMEOUT,
    };
    let file = File::open(group.join("cgroup.procs")).ok()?;
    lock_by(&file, Instant::now() + patience).ok()
}

/// Groups that guards have made directly below a directory.
fn groups_below(directory: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(directory).into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name();
        let maker = name.to_str()?.strip_prefix(PREFIX)?;
        maker.parse::<u32>().is_ok().then(|| entry.path())
    })
}

/// This process's own group, then ancestors that pass the controllers on already.
fn v2_candidates(own: &str, mounts: &str) -> Vec<Parents> {
    let Some(path) = own.lines().find_map(|line| line.strip_prefix("0::/")) else { return Vec::new() };
    let Some(root) = mount_point(mounts, "cgroup2", None) else { return Vec::new() };
    // Another launcher of this service may have moved us to the leaf already.
    let path = match path.strip_suffix(SERVICE_LEAF) {
        Some(parent) => parent.trim_end_matches('/'),
        None => path,
    };
    // Joining nothing would append a slash.
    let own = if path.is_empty() { root.clone() } else { root.join(path) };
    own.ancestors()
        .take_while(|directory| directory.starts_with(&root))
        .filter(|directory| offers(directory) && (*directory == own || passes_on(directory)))
        .map(|directory| Parents::V2 { directory: directory.to_owned(), own: directory == own })
        .collect()
}

fn v1_parents(own: &str, mounts: &str) -> Option<Vec<PathBuf>> {
    V1_CONTROLLERS
        .iter()
        .map(|controller| {
            let path = own.lines().find_map(|line| {
                let (_, rest) = line.split_once(':')?;
                let (controllers, path) = rest.split_once(':')?;
                controllers.split(',').any(|name| name == *controller).then_some(path)
            })?;
            let root = mount_point(mounts, "cgroup", Some(controller))?;
            let parent = root.join(path.trim_start_matches('/'));
            parent.is_dir().then_some(parent)
        })
        .collect()
}

/// Where a control group hierarchy is mounted.
fn mount_point(mounts: &str, fs_type: &str, controller: Option<&str>) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (point, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
        let wanted = controller.is_none_or(|name| options.split(',').any(|option| option == name));
        (kind == fs_type && wanted).then(|| PathBuf::from(point))
    })
}

fn offers(directory: &Path) -> bool {
    lists_controllers(&directory.join("cgroup.controllers"))
}

fn passes_on(directory: &Path) -> bool {
    lists_controllers(&directory.join("cgroup.subtree_control"))
}

fn lists_controllers(file: &Path) -> bool {
    let text = fs::read_to_string(file).unwrap_or_default();
    V2_CONTROLLERS.iter().all(|name| text.split_whitespace().any(|word| word == *name))
}

fn enable_v2(directory: &Path) -> io::Result<()> {
    let control = directory.join("cgroup.subtree_control");
    let write = || fs::write(&control, "+memory +pids");
    match write() {
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {}
        outcome => return outcome,
    }
    if !all_ours(directory)? {
        return Err(io::Error::from(io::ErrorKind::ResourceBusy));
    }
    let leaf = directory.join(SERVICE_LEAF);
    match fs::create_dir(&leaf) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let enabled = move_all(directory, &leaf).and_then(|()| write());
    if enabled.is_err() {
        let _ = move_all(&leaf, directory);
        let _ = fs::remove_dir(&leaf);
    }
    enabled
}

/// Whether a group holds only this service: its guard and the process that started that. In a
/// group that was delegated to an ordinary user, every process of that user is his to move.
fn all_ours(directory: &Path) -> io::Result<bool> {
    let service = [std::process::id(), std::os::unix::process::parent_id()];
    let user = geteuid();
    let delegated = !user.is_root() && Uid::from_raw(fs::metadata(directory)?.uid()) == user;
    Ok(processes(directory)?.into_iter().all(|pid| {
        let owner = || fs::metadata(format!("/proc/{pid}")).map(|process| Uid::from_raw(process.uid()));
        // One that has ended meanwhile is in nobody's way.
        service.contains(&pid) || (delegated && owner().map_or(true, |owner| owner == user))
    }))
}

fn processes(group: &Path) -> io::Result<Vec<u32>> {
    let text = fs::read_to_string(group.join("cgroup.procs"))?;
    Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
}

/// Moves every process of one group to another, those too that are forked meanwhile.
fn move_all(from: &Path, to: &Path) -> io::Result<()> {
    let target = to.join("cgroup.procs");
    for _ in 0..MOVE_ROUNDS {
        let processes = processes(from)?;
        if processes.is_empty() {
            return Ok(());
        }
        for pid in processes {
            match fs::write(&target, pid.to_string()) {
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {} // It has ended.
                outcome => outcome?,
            }
        }
    }
    Err(io::Error::from(io::ErrorKind::ResourceBusy))
}

/// What control groups could be used here, in words, without making any.
pub fn survey() -> String {
    let candidates = match Parents::candidates() {
        Ok(candidates) => candidates,
        Err(error) => return format!("none: /proc/self/cgroup or mounts cannot be read: {error}"),
    };
    let writable = |path: &Path| access(path, AccessFlags::W_OK).is_ok();
    for candidate in &candidates {
        match candidate {
            Parents::V2 { directory, .. }
                if writable(directory) && writable(&directory.join("cgroup.procs")) =>
            {
                return format!("version 2, memory and pids, writable at {}", directory.display());
            }
            Parents::V1 { directories } if directories.iter().all(|path| writable(path)) => {
                return "version 1, memory, pids and cpuacct, writable".to_owned();
            }
            _ => {}
        }
    }
    match candidates.first() {
        Some(Parents::V2 { directory, .. }) => format!(
            "version 2, but {} is not writable; to delegate one: systemd-run --user --scope -p Delegate=yes proofbox ...",
            directory.display()
        ),
        Some(Parents::V1 { .. }) => "version 1, not writable".to_owned(),
        None => "none that offers memory and pids".to_owned(),
    }
}
