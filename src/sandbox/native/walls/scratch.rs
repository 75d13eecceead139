//! Directories of cells that have no mount namespace.
//!
//! One directory per guard, in a place that the host offers, holds the image's own files and one
//! directory per slot. A guard holds a lock on its directory, as long as any of its processes lives,
//! so a later start can tell what was left behind and remove it. Below a slot's directory names are
//! chosen by runs: everything there is reached by descriptors and never through a symbolic link.

use std::{
    collections::hash_map::RandomState,
    ffi::{CStr, CString},
    fs::{self, File, Permissions},
    hash::{BuildHasher, Hasher},
    io,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use nix::{
    dir::Dir,
    errno::Errno,
    fcntl::{AtFlags, Flock, FlockArg, OFlag, RenameFlags, openat, renameat2},
    sys::{
        stat::{FileStat, Mode, SFlag, fstatat, mkdirat},
        statfs::{TMPFS_MAGIC, fstatfs},
        statvfs::statvfs,
    },
    unistd::{UnlinkatFlags, geteuid, unlinkat},
};

use crate::sandbox::native::messages::step::{StepError, io_step, step};

/// Where directories may be made if nothing else is configured; memory first.
const PLACES: [&str; 4] = ["/dev/shm", "/run", "/tmp", "/var/tmp"];
const PREFIX: &str = "proofbox-cells-";
/// A place must have this much free for every slot, or runs would starve each other.
const LEAST_FREE_PER_SLOT: u64 = 32 << 20;
/// Files, directories and links that a run may have in its scratch space.
pub const MOST_ENTRIES: u64 = 16_384;
/// Directories nested deeper than this count as too many entries.
const MOST_DEPTH: usize = 64;

/// The directory of one guard.
#[derive(Debug)]
pub struct ServiceDirectory {
    path: PathBuf,
    _lock: Flock<File>,
}

impl ServiceDirectory {
    /// Removes what earlier guards left and makes a new directory, in `wanted` or where it fits.
    pub fn create(wanted: Option<&str>, slots: u32) -> Result<ServiceDirectory, StepError> {
        let places: Vec<&Path> = match wanted {
            Some(place) => vec![Path::new(place)],
            None => PLACES.iter().map(Path::new).collect(),
        };
        let mut refusal = StepError { step: "find_scratch_place", errno: Errno::ENOENT };
        for place in places {
            sweep(place);
            match ServiceDirectory::create_in(place, slots) {
                Ok(directory) => return Ok(directory),
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    fn create_in(place: &Path, slots: u32) -> Result<ServiceDirectory, StepError> {
        let free = step("find_scratch_place", || {
            let space = statvfs(place)?;
            Ok(space.blocks_available() * space.fragment_size())
        })?;
        if free < LEAST_FREE_PER_SLOT * u64::from(slots) {
            return Err(StepError { step: "find_scratch_place", errno: Errno::ENOSPC });
        }
        let random = RandomState::new().build_hasher().finish();
        let path = place.join(format!("{PREFIX}{}-{random:016x}", std::process::id()));
        io_step("make_scratch_place", || {
            fs::create_dir(&path)?;
            // Cells of other ids pass through it; nobody but us lists it.
            fs::set_permissions(&path, Permissions::from_mode(0o711))
        })?;
        let lock = io_step("lock_scratch_place", || lock(&path))?;
        Ok(ServiceDirectory { path, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the directory with everything in it.
    pub fn remove(self) {
        remove_tree(&self.path);
    }
}

fn open_directory(path: &Path) -> io::Result<File> {
    let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    fs::OpenOptions::new().read(true).custom_flags(flags).open(path)
}

fn lock(path: &Path) -> io::Result<Flock<File>> {
    Flock::lock(open_directory(path)?, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| errno.into())
}

/// Removes directories of guards that are gone: ours, and with nobody holding the lock.
fn sweep(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX))
            && fs::symlink_metadata(&path)
                .is_ok_and(|found| found.is_dir() && found.uid() == geteuid().as_raw());
        if is_ours && lock(&path).is_ok() {
            remove_tree(&path);
        }
    }
}

/// Removes a directory and what is below it. What cannot be removed stays for the next sweep.
pub fn remove_tree(path: &Path) {
    let emptied =
        open_directory(path).and_then(|directory| empty(directory.as_fd()).map_err(io::Error::from));
    if emptied.is_err() || fs::remove_dir(path).is_err() {
        tracing::debug!(path = %path.display(), "a scratch directory is not removed");
    }
}

/// Removes everything in a directory, however deep: subdirectories are moved to the top first, so
/// depth costs neither descriptors nor stack. Nothing may be running that uses it.
pub fn empty(top: BorrowedFd<'_>) -> Result<(), Errno> {
    let mut serial = 0u64;
    loop {
        let names = names_in(top)?;
        if names.is_empty() {
            return Ok(());
        }
        for name in names {
            if !is_directory(top, &name)? {
                unlinkat(top, name.as_c_str(), UnlinkatFlags::NoRemoveDir)?;
                continue;
            }
            let directory = open_child(top, &name)?;
            for child in names_in(directory.as_fd())? {
                match is_directory(directory.as_fd(), &child)? {
                    true => lift(directory.as_fd(), &child, top, &mut serial)?,
                    false => unlinkat(&directory, child.as_c_str(), UnlinkatFlags::NoRemoveDir)?,
                }
            }
            unlinkat(top, name.as_c_str(), UnlinkatFlags::RemoveDir)?;
        }
    }
}

/// Moves a directory up to `top`, under a name that is free there.
fn lift(from: BorrowedFd<'_>, name: &CStr, top: BorrowedFd<'_>, serial: &mut u64) -> Result<(), Errno> {
    // Its entry `..` is written to.
    drop(open_child(from, name)?);
    loop {
        *serial += 1;
        let free = format!("lifted-{serial}");
        match renameat2(from, name, top, free.as_str(), RenameFlags::RENAME_NOREPLACE) {
            Err(Errno::EEXIST) => {}
            done => return done,
        }
    }
}

/// Opens a directory for listing, whatever its mode is.
fn open_child(parent: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    let base = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let found = openat(parent, name, base | OFlag::O_PATH, Mode::empty())?;
    // By descriptor: nobody can put another file in its place.
    let itself = format!("/proc/self/fd/{}", found.as_raw_fd());
    if fs::metadata(&itself).is_ok_and(|metadata| metadata.mode() & 0o700 != 0o700) {
        fs::set_permissions(&itself, Permissions::from_mode(0o700)).map_err(|error| errno_of(&error))?;
    }
    openat(&found, c".", base | OFlag::O_RDONLY, Mode::empty())
}

fn errno_of(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))
}

fn names_in(directory: BorrowedFd<'_>) -> Result<Vec<CString>, Errno> {
    let again =
        openat(directory, c".", OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    let mut names = Vec::new();
    for entry in Dir::from_fd(again)?.iter() {
        let name = entry?.file_name().to_owned();
        if name.as_c_str() != c"." && name.as_c_str() != c".." {
            names.push(name);
        }
    }
    Ok(names)
}

fn status(parent: BorrowedFd<'_>, name: &CStr) -> Result<FileStat, Errno> {
    fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW)
}

fn kind_of(status: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT
}

fn is_directory(parent: BorrowedFd<'_>, name: &CStr) -> Result<bool, Errno> {
    Ok(kind_of(&status(parent, name)?) == SFlag::S_IFDIR)
}

/// What a directory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScratchUsage {
    pub bytes: u64,
    pub entries: u64,
}

/// Measures a directory while a run is changing it. A directory that cannot be looked into, or too
/// deep to be, counts as full: nothing may be hidden.
pub fn usage(top: BorrowedFd<'_>) -> ScratchUsage {
    const HIDDEN: ScratchUsage = ScratchUsage { bytes: u64::MAX, entries: u64::MAX };
    let mut sum = ScratchUsage::default();
    let mut open: Vec<(Option<OwnedFd>, Vec<CString>)> = Vec::new();
    match names_in(top) {
        Ok(names) => open.push((None, names)),
        Err(_) => return HIDDEN,
    }
    while let Some((directory, names)) = open.last_mut() {
        let Some(name) = names.pop() else {
            open.pop();
            continue;
        };
        let directory = directory.as_ref().map_or(top, |directory| directory.as_fd());
        // Gone since it was listed.
        let Ok(found) = status(directory, &name) else { continue };
        sum.entries += 1;
        if sum.entries > MOST_ENTRIES {
            return sum;
        }
        sum.bytes = sum.bytes.saturating_add(found.st_blocks as u64 * 512);
        if kind_of(&found) != SFlag::S_IFDIR {
            continue;
        }
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let below = match openat(directory, name.as_c_str(), flags, Mode::empty()) {
            Ok(below) => below,
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => continue,
            Err(_) => return HIDDEN,
        };
        match names_in(below.as_fd()) {
            Ok(names) if open.len() < MOST_DEPTH => open.push((Some(below), names)),
            _ => return HIDDEN,
        }
    }
    sum
}

/// The directories of one cell, below its slot's: made for it, emptied between its runs.
#[derive(Debug)]
pub struct CellDirectory {
    path: PathBuf,
    scratch: OwnedFd,
    is_in_memory: bool,
}

/// Sources, scratch space and working directory, below a cell's directory.
pub const SOURCES: &str = "box";
pub const SCRATCH: &str = "tmp";
pub const WORK: &str = "tmp/work";

impl CellDirectory {
    /// Makes the directories and writes the sources. What an earlier cell of the slot left (its
    /// processes killed before they had cleaned up) goes first.
    pub fn create(
        slot: &Path,
        sources: &[(String, &serde_bytes::Bytes)],
    ) -> Result<CellDirectory, StepError> {
        io_step("sweep_slot", || Ok(empty(open_directory(slot)?.as_fd())?))?;
        let scratch = io_step("make_cell_directories", || {
            for name in [SOURCES, SCRATCH, WORK] {
                fs::create_dir(slot.join(name))?;
            }
            Ok(OwnedFd::from(open_directory(&slot.join(SCRATCH))?))
        })?;
        for (path, content) in sources {
            io_step("write_sources", || {
                let path = slot.join(SOURCES).join(path.trim_start_matches('/'));
                fs::create_dir_all(path.parent().unwrap_or(&path))?;
                fs::write(&path, content)?;
                fs::set_permissions(&path, Permissions::from_mode(0o444))
            })?;
        }
        let is_in_memory =
            step("inspect_scratch", || Ok(fstatfs(&scratch)?.filesystem_type() == TMPFS_MAGIC))?;
        Ok(CellDirectory { path: slot.to_owned(), scratch, is_in_memory })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether what is written there takes memory.
    pub fn is_in_memory(&self) -> bool {
        self.is_in_memory
    }

    pub fn usage(&self) -> ScratchUsage {
        usage(self.scratch.as_fd())
    }

    /// Makes the scratch space as new. Nothing of the cell may be running.
    pub fn renew(&self) -> Result<(), StepError> {
        step("empty_scratch", || empty(self.scratch.as_fd()))?;
        step("make_scratch_directories", || mkdirat(&self.scratch, "work", Mode::S_IRWXU))
    }
}

/// Empties a slot's directory: its cell is gone.
pub fn empty_slot(slot: &Path) -> Result<(), StepError> {
    io_step("empty_slot", || Ok(empty(open_directory(slot)?.as_fd())?))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn empties_deep_trees_and_never_follows_links() {
        let home = tempfile::TempDir::new().unwrap();
        let outside = home.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "x").unwrap();
        let top = home.path().join("top");
        fs::create_dir(&top).unwrap();
        symlink(&outside, top.join("link")).unwrap();
        let mut deep = top.clone();
        for _ in 0..300 {
            deep.push("lifted-1");
            fs::create_dir(&deep).unwrap();
        }
        symlink("/", deep.join("root")).unwrap();
        fs::create_dir(top.join("closed")).unwrap();
        fs::write(top.join("closed/file"), "x").unwrap();
        fs::set_permissions(top.join("closed"), Permissions::from_mode(0o000)).unwrap();
        empty(open_directory(&top).unwrap().as_fd()).unwrap();
        assert_eq!(fs::read_dir(&top).unwrap().count(), 0);
        assert!(outside.join("kept").exists());
    }

    #[test]
    fn measures_what_is_there_and_takes_depth_for_fullness() {
        let home = tempfile::TempDir::new().unwrap();
        fs::create_dir(home.path().join("a")).unwrap();
        fs::write(home.path().join("a/file"), vec![b'x'; 100_000]).unwrap();
        symlink("/", home.path().join("root")).unwrap();
        let found = usage(open_directory(home.path()).unwrap().as_fd());
        assert_eq!(found.entries, 3);
        assert!((100_000..300_000).contains(&found.bytes), "{found:?}");
        fs::create_dir_all(home.path().join("d/".repeat(MOST_DEPTH + 1))).unwrap();
        assert_eq!(usage(open_directory(home.path()).unwrap().as_fd()).entries, u64::MAX);
    }

    #[test]
    fn leftovers_are_swept_and_living_ones_are_not() {
        let place = tempfile::TempDir::new().unwrap();
        let wanted = place.path().to_str();
        let living = ServiceDirectory::create(wanted, 1).unwrap();
        let left = place.path().join(format!("{PREFIX}1-0"));
        fs::create_dir_all(left.join("slot-0/tmp/work")).unwrap();
        let other = ServiceDirectory::create(wanted, 1).unwrap();
        assert!(living.path().exists() && other.path().exists() && !left.exists());
        other.remove();
        living.remove();
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }
}
