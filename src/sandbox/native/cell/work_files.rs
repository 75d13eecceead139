//! Files by name in a run's working directory: written before it starts, read back when everything
//! of it has ended.
//!
//! What a run leaves under a name is hostile: a link to somewhere else, a pipe that nobody writes to,
//! a file of a terabyte of holes. So a name is looked up below the working directory that the run
//! started in and nowhere else, no link is followed, only regular files are read, and of those no
//! more than was asked for.

use std::{
    fs::File,
    io::Write,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::MetadataExt,
    },
    path::Path,
};

use nix::{
    errno::Errno,
    fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2},
    sys::stat::{Mode, mkdirat},
};

use crate::sandbox::{
    job::{Collect, Collected},
    native::messages::step::{StepError, io_step, step},
    sys::unforked::Unforked,
};

/// The working directory of a run, held open since before it started.
pub struct WorkDirectory {
    directory: OwnedFd,
}

impl WorkDirectory {
    /// Opens a fresh working directory: nothing of the run has been started yet.
    pub fn open(path: &Path) -> Result<WorkDirectory, StepError> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let directory = step("open_work_directory", || open(path, flags, Mode::empty()))?;
        Ok(WorkDirectory { directory })
    }

    /// Writes files, and makes the directories that they and the collected ones stand in.
    pub fn put(&self, files: &[(String, &serde_bytes::Bytes)], collect: &[Collect]) -> Result<(), StepError> {
        let names = files.iter().map(|(path, _)| path).chain(collect.iter().map(|collect| &collect.path));
        for path in names {
            for (end, _) in path.match_indices('/') {
                step("make_named_directory", || {
                    match mkdirat(&self.directory, &path[..end], Mode::from_bits_truncate(0o755)) {
                        Err(Errno::EEXIST) => Ok(()),
                        made => made,
                    }
                })?;
            }
        }
        for (path, content) in files {
            io_step("write_named_file", || {
                let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
                let mode = Mode::from_bits_truncate(0o644);
                File::from(self.look_up(path, flags, mode)?).write_all(content)
            })?;
        }
        Ok(())
    }

    /// Reads files back, in the order asked for. Nothing of the run may be alive.
    pub fn take(&self, collect: &[Collect]) -> Result<Vec<Collected<Unforked>>, StepError> {
        collect.iter().map(|collect| self.take_one(collect)).collect()
    }

    fn take_one(&self, collect: &Collect) -> Result<Collected<Unforked>, StepError> {
        // Opening a pipe without a writer for reading returns at once when it must not block.
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let file = match self.look_up(&collect.path, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(Collected::Missing),
            // Of a symbolic link; of a socket.
            Err(Errno::ELOOP | Errno::ENXIO) => return Ok(Collected::NotAFile),
            Err(Errno::EACCES | Errno::EPERM) => return Ok(Collected::Unreadable),
            // Out of the directory: a mount of its own cannot be made, so only by `..`.
            Err(Errno::EXDEV) => return Ok(Collected::Missing),
            Err(errno) => return Err(StepError { step: "open_named_file", errno }),
        };
        let metadata = io_step("inspect_named_file", || file.metadata())?;
        if metadata.mode() & libc::S_IFMT != libc::S_IFREG {
            return Ok(Collected::NotAFile);
        }
        if metadata.size() > collect.most_bytes {
            return Ok(Collected::TooLarge);
        }
        // No larger than it was: nothing of the run is alive.
        let mut content = step("read_named_file", || Unforked::with_capacity(metadata.size() as usize))?;
        step("read_named_file", || {
            while content.append_from(file.as_fd())? > 0 {}
            Ok(())
        })?;
        Ok(Collected::Content(content))
    }

    /// Opens what stands under a path below the directory, following no link on the way.
    fn look_up(&self, path: &str, flags: OFlag, mode: Mode) -> Result<OwnedFd, Errno> {
        let resolve = ResolveFlag::RESOLVE_BENEATH
            | ResolveFlag::RESOLVE_NO_SYMLINKS
            | ResolveFlag::RESOLVE_NO_MAGICLINKS
            | ResolveFlag::RESOLVE_NO_XDEV;
        let how =
            OpenHow::new().flags(flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).mode(mode).resolve(resolve);
        openat2(self.directory.as_fd(), path, how)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt, symlink},
    };

    use nix::unistd::mkfifo;

    use super::*;

    fn collect(path: &str, most_bytes: u64) -> Collect {
        Collect { path: path.to_owned(), most_bytes }
    }

    /// Content copied, so that it can be compared.
    fn taken(work: &WorkDirectory, collect: &[Collect]) -> Vec<Collected> {
        let copied = |collected: Collected<Unforked>| match collected {
            Collected::Content(content) => Collected::Content(content.to_vec()),
            Collected::Missing => Collected::Missing,
            Collected::NotAFile => Collected::NotAFile,
            Collected::Unreadable => Collected::Unreadable,
            Collected::TooLarge => Collected::TooLarge,
        };
        work.take(collect).unwrap().into_iter().map(copied).collect()
    }

    #[test]
    fn writes_and_reads_back_and_makes_directories() {
        let home = tempfile::TempDir::new().unwrap();
        let work = WorkDirectory::open(home.path()).unwrap();
        let files = [("in/input.txt".to_owned(), serde_bytes::Bytes::new(b"1 2\n"))];
        work.put(&files, &[collect("out/deep/output.txt", 9)]).unwrap();
        assert_eq!(fs::read(home.path().join("in/input.txt")).unwrap(), b"1 2\n");
        fs::write(home.path().join("out/deep/output.txt"), "3\n").unwrap();
        let asked =
            [collect("out/deep/output.txt", 9), collect("out/deep/output.txt", 1), collect("none", 9)];
        assert_eq!(
            taken(&work, &asked),
            [Collected::Content(b"3\n".to_vec()), Collected::TooLarge, Collected::Missing]
        );
    }

    /// Each would read something else, or for ever, if it were simply opened and read.
    #[test]
    fn nothing_but_a_regular_file_of_the_directory_is_read() {
        let outside = tempfile::NamedTempFile::new().unwrap();
        fs::write(outside.path(), "secret").unwrap();
        let home = tempfile::TempDir::new().unwrap();
        let work = WorkDirectory::open(home.path()).unwrap();
        let at = |name: &str| home.path().join(name);
        symlink(outside.path(), at("link")).unwrap();
        symlink(outside.path().parent().unwrap(), at("linked_directory")).unwrap();
        fs::create_dir(at("directory")).unwrap();
        mkfifo(&at("pipe"), Mode::S_IRWXU).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        let holes = fs::File::create(at("holes")).unwrap();
        holes.set_len(1 << 40).unwrap();
        let name = outside.path().file_name().unwrap().to_str().unwrap();
        for (path, found) in [
            ("link", Collected::NotAFile),
            (&*format!("linked_directory/{name}"), Collected::NotAFile),
            ("directory", Collected::NotAFile),
            ("pipe", Collected::NotAFile),
            ("socket", Collected::NotAFile),
            ("holes", Collected::TooLarge),
            ("pipe/inside", Collected::Missing),
        ] {
            assert_eq!(taken(&work, &[collect(path, 1 << 20)]), [found], "{path}");
        }
        fs::write(at("closed"), "x").unwrap();
        fs::set_permissions(at("closed"), fs::Permissions::from_mode(0o000)).unwrap();
        let seen = taken(&work, &[collect("closed", 9)]);
        let may_read_all = nix::unistd::geteuid().is_root();
        let expected = if may_read_all { Collected::Content(b"x".to_vec()) } else { Collected::Unreadable };
        assert_eq!(seen, [expected]);
    }
}
