//! The file tree that all cells of one launcher share, read-only, and what each cell mounts over it.
//!
//! Built once per launcher in its own mount namespace, so that a cell pays only for copying a
//! dozen mounts and for three of its own.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    mount::{MntFlags, MsFlags, mount, umount2},
    unistd::{chdir, pivot_root},
};

use crate::sandbox::{
    native::messages::{
        launcher_setup::ImageSetup,
        step::{StepError, io_step, step},
    },
    sys,
};

/// Where solutions' sources stand in a cell; read-only for them.
pub const SOURCE_DIR: &str = "/box";
/// The only writable place in a cell: a private tmpfs.
pub const SCRATCH_DIR: &str = "/tmp";
/// Working directory of every run.
pub const WORK_DIR: &str = "/tmp/work";
/// POSIX shared memory and semaphores; `/dev/shm` points here.
pub const SHM_DIR: &str = "/tmp/shm";

const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];
const READ_ONLY: u64 = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID;

/// Builds the tree in this process's mount namespace and makes it the root.
///
/// The calling process must be alone in its mount namespace and pid 1 of its pid namespace.
pub fn enter(image: &ImageSetup) -> Result<(), StepError> {
    step("make_mounts_private", || {
        mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
    })?;
    let stage = staging_directory()?;
    step("mount_root", || {
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        mount(Some("root"), &stage, Some("tmpfs"), flags, Some("size=16m,nr_inodes=4096,mode=755"))
    })?;
    for directory in ["proc", "dev", "tmp", "box"] {
        io_step("make_directories", || fs::create_dir_all(stage.join(directory)))?;
    }
    for (source, target) in &image.binds {
        bind_read_only(&stage, source, target)?;
    }
    for (path, content) in &image.files {
        io_step("write_image_files", || write_file(&inside(&stage, path), content))?;
    }
    for (path, target) in &image.links {
        io_step("link_image_files", || make_link(&inside(&stage, path), target))?;
    }
    devices(&stage)?;
    step("mount_launcher_proc", || mount_proc(&stage.join("proc"), MsFlags::empty()))?;
    step("pivot_root", || {
        chdir(&stage)?;
        pivot_root(".", ".")?;
        umount2(".", MntFlags::MNT_DETACH)?;
        chdir("/")
    })?;
    step("seal_root", || set_mount_attributes(Path::new("/"), READ_ONLY | libc::MOUNT_ATTR_NODEV, false))
}

/// A cell's own /proc, over the launcher's. Read-only: what a process could write there of itself is how likely the kernel
/// is to choose it when memory runs out.
pub fn mount_cell_proc() -> Result<(), StepError> {
    step("mount_proc", || mount_proc(Path::new("/proc"), MsFlags::MS_RDONLY))
}

/// What a cell adds to the shared tree beside /proc: scratch space and sources.
pub fn furnish_cell(
    scratch_bytes: u64,
    sources: &[(String, &serde_bytes::Bytes)],
) -> Result<Scratch, StepError> {
    let scratch = Scratch::mount(scratch_bytes)?;
    let source_bytes: usize = sources.iter().map(|(_, content)| content.len() + 8192).sum();
    let options = format!("size={},nr_inodes=1024,mode=755", source_bytes + 65_536);
    step("mount_sources", || {
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        mount(Some("box"), SOURCE_DIR, Some("tmpfs"), flags, Some(options.as_str()))
    })?;
    for (path, content) in sources {
        io_step("write_sources", || write_file(&inside(Path::new(SOURCE_DIR), path), content))?;
    }
    step("seal_sources", || {
        set_mount_attributes(Path::new(SOURCE_DIR), READ_ONLY | libc::MOUNT_ATTR_NODEV, false)
    })?;
    Ok(scratch)
}

/// A cell's scratch space, and how its directories looked when it was fresh.
pub struct Scratch {
    bytes: u64,
    fresh: [Look; 3],
}

/// What a run can change about a directory without leaving anything in it.
#[derive(PartialEq, Eq)]
struct Look {
    inode: u64,
    mode: u32,
    modified: (i64, i64),
    accessed: (i64, i64),
}

const SCRATCH_DIRS: [&str; 3] = [SCRATCH_DIR, WORK_DIR, SHM_DIR];

impl Scratch {
    /// A fresh, empty scratch space over whatever was there.
    fn mount(bytes: u64) -> Result<Scratch, StepError> {
        let options = format!("size={bytes},nr_inodes=16384,mode=1777");
        step("mount_scratch", || {
            // Times of access would change by our own looking.
            let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOATIME;
            mount(Some("scratch"), SCRATCH_DIR, Some("tmpfs"), flags, Some(options.as_str()))
        })?;
        for directory in [WORK_DIR, SHM_DIR] {
            io_step("make_scratch_directories", || fs::create_dir(directory))?;
        }
        Ok(Scratch { bytes, fresh: io_step("inspect_scratch", looks)? })
    }

    /// Replaces the scratch space if a run left anything in it, or anything changed about it. A run
    /// may have removed, locked or replaced the directories: that too means "used". `true`: it was unused.
    pub fn renew_if_used(&mut self) -> Result<bool, StepError> {
        let unused = io_step("inspect_scratch", || {
            let top = fs::read_dir(SCRATCH_DIR)?.take(3).count();
            Ok(looks()? == self.fresh && top == 2 && is_empty(WORK_DIR)? && is_empty(SHM_DIR)?)
        });
        if matches!(unused, Ok(true)) {
            return Ok(true);
        }
        step("unmount_scratch", || umount2(SCRATCH_DIR, MntFlags::MNT_DETACH))?;
        *self = Scratch::mount(self.bytes)?;
        Ok(false)
    }
}

/// Anything put into a directory, or taken out of it, changes when it was modified.
fn looks() -> io::Result<[Look; 3]> {
    let mut looks = Vec::with_capacity(SCRATCH_DIRS.len());
    for directory in SCRATCH_DIRS {
        // Not through a link that a run may have put there.
        let seen = fs::symlink_metadata(directory)?;
        looks.push(Look {
            inode: seen.ino(),
            mode: seen.mode(),
            modified: (seen.mtime(), seen.mtime_nsec()),
            accessed: (seen.atime(), seen.atime_nsec()),
        });
    }
    looks.try_into().map_err(|_| io::Error::other("one look for each directory"))
}

/// What a run made in the very tick of the kernel's clock in which the directory was made does not
/// show in its times.
fn is_empty(directory: &str) -> io::Result<bool> {
    Ok(fs::read_dir(directory)?.next().is_none())
}

fn staging_directory() -> Result<PathBuf, StepError> {
    step("find_staging_directory", || {
        ["/mnt", "/media", "/srv", "/tmp"]
            .into_iter()
            .map(PathBuf::from)
            .find(|path| path.is_dir())
            .ok_or(Errno::ENOENT)
    })
}

/// The path below `root` of an absolute or relative path in the cell.
fn inside(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

fn write_file(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, content)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o444))
}

fn make_link(path: &Path, target: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    symlink(target, path)
}

fn bind_read_only(stage: &Path, source: &str, target: &str) -> Result<(), StepError> {
    let target = inside(stage, target);
    io_step("make_bind_target", || {
        if fs::metadata(source)?.is_dir() {
            return fs::create_dir_all(&target);
        }
        write_file(&target, b"")
    })?;
    step("bind_image", || {
        let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
        mount(Some(source), &target, None::<&str>, flags, None::<&str>)
    })?;
    step("seal_image", || set_mount_attributes(&target, READ_ONLY | libc::MOUNT_ATTR_NODEV, true))
}

fn devices(stage: &Path) -> Result<(), StepError> {
    let dev = stage.join("dev");
    for name in DEVICES {
        let target = dev.join(name);
        let source = Path::new("/dev").join(name);
        io_step("make_devices", || fs::write(&target, b""))?;
        step("bind_devices", || mount(Some(&source), &target, None::<&str>, MsFlags::MS_BIND, None::<&str>))?;
        step("seal_devices", || set_mount_attributes(&target, READ_ONLY | libc::MOUNT_ATTR_NOEXEC, false))?;
    }
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("shm", SHM_DIR),
    ] {
        io_step("link_devices", || symlink(target, dev.join(name)))?;
    }
    Ok(())
}

/// `subset=pid` leaves out everything of /proc that tells of the host.
fn mount_proc(target: &Path, more: MsFlags) -> Result<(), Errno> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC | more;
    mount(Some("proc"), target, Some("proc"), flags, Some("subset=pid,hidepid=invisible"))
}

fn set_mount_attributes(target: &Path, attributes: u64, recursive: bool) -> Result<(), Errno> {
    sys::mount_setattr(target, attributes, recursive)
}
