//! A file that appears under its name whole, or not at all, and of which nothing is left if this
//! process is killed.
//!
//! It has no name while it is written, where the file system can do that. Where it cannot, or for the
//! moment in which a finished file takes the place of another, it has a name that begins with
//! [`PREFIX`] and is locked; what the dead left under such names is swept by the next.

use std::{
    collections::hash_map::RandomState,
    fs::{self, File, OpenOptions, TryLockError},
    hash::{BuildHasher, Hasher},
    io::{self, Write},
    os::{
        fd::AsRawFd,
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use nix::{
    fcntl::{AT_FDCWD, AtFlags},
    unistd::linkat,
};

/// How the names of unfinished files begin.
const PREFIX: &str = ".proofbox-unfinished-";

#[derive(Debug)]
pub struct OutputFile {
    file: File,
    /// Where the file system cannot do without.
    name: Option<PathBuf>,
    destination: PathBuf,
}

impl OutputFile {
    /// Begins the file that [`OutputFile::publish`] puts in `destination`'s place.
    pub fn create(destination: &Path) -> io::Result<OutputFile> {
        let directory = directory_of(destination);
        sweep(directory);
        match OutputFile::nameless(destination) {
            Ok(file) => Ok(file),
            Err(_) => OutputFile::named(destination),
        }
    }

    fn nameless(destination: &Path) -> io::Result<OutputFile> {
        let directory = directory_of(destination);
        let file = OpenOptions::new().write(true).custom_flags(nix::libc::O_TMPFILE).open(directory)?;
        // It gets its name by way of here.
        fs::symlink_metadata(path_of(&file))?;
        Ok(OutputFile { file: lock(file)?, name: None, destination: destination.to_owned() })
    }

    fn named(destination: &Path) -> io::Result<OutputFile> {
        loop {
            let name = unfinished_name(directory_of(destination));
            let file = OpenOptions::new().write(true).create_new(true).open(&name)?;
            // Somebody else's sweep may come, or have been, between the two.
            match lock(file) {
                Ok(file) if file.metadata()?.nlink() > 0 => {
                    return Ok(OutputFile { file, name: Some(name), destination: destination.to_owned() });
                }
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
    }

    /// Makes the file durable and gives it its name, in place of whatever had it.
    pub fn publish(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        let directory = directory_of(&self.destination);
        if self.name.is_none() {
            // Over nothing it is one step; over another file a name of its own comes first.
            match link(&self.file, &self.destination) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    let name = unfinished_name(directory);
                    link(&self.file, &name)?;
                    self.name = Some(name);
                }
                linked => linked?,
            }
        }
        if let Some(name) = &self.name {
            fs::rename(name, &self.destination)?;
            self.name = None;
        }
        File::open(directory)?.sync_all()
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            let _ = fs::remove_file(name);
        }
    }
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn path_of(file: &File) -> PathBuf {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

fn link(file: &File, name: &Path) -> io::Result<()> {
    Ok(linkat(AT_FDCWD, &path_of(file), AT_FDCWD, name, AtFlags::AT_SYMLINK_FOLLOW)?)
}

fn unfinished_name(directory: &Path) -> PathBuf {
    directory.join(format!("{PREFIX}{:016x}", RandomState::new().build_hasher().finish()))
}

/// While this process lives nobody sweeps the file. Where the file system has no locks nobody sweeps.
fn lock(file: File) -> io::Result<File> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(io::Error::from(io::ErrorKind::WouldBlock)),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// Removes what processes that were killed left: nobody holds its lock.
fn sweep(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if is_ours && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let opened =
                OpenOptions::new().write(true).custom_flags(nix::libc::O_NOFOLLOW).open(entry.path());
            // Held until it is removed.
            if let Ok(file) = opened
                && file.try_lock().is_ok()
            {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Begin = fn(&Path) -> io::Result<OutputFile>;
    const WAYS: [Begin; 3] = [OutputFile::create, OutputFile::nameless, OutputFile::named];

    fn entries(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn appears_whole_or_not_at_all() {
        for begin in WAYS {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("out");
            for content in ["first", "second"] {
                let mut file = begin(&path).unwrap();
                file.write_all(content.as_bytes()).unwrap();
                assert_ne!(fs::read_to_string(&path).ok().as_deref(), Some(content));
                file.publish().unwrap();
                assert_eq!(fs::read_to_string(&path).unwrap(), content);
            }
            let mut abandoned = begin(&path).unwrap();
            abandoned.write_all(b"third").unwrap();
            drop(abandoned);
            assert_eq!(fs::read_to_string(&path).unwrap(), "second");
            assert_eq!(entries(folder.path()), ["out"]);
        }
    }

    #[test]
    fn sweeps_what_the_dead_left_and_nothing_of_the_living() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let living = OutputFile::named(&path).unwrap();
        // As a process leaves it that is killed: there, and not locked.
        let dead = unfinished_name(folder.path());
        fs::write(&dead, "half").unwrap();
        fs::write(folder.path().join(".proofbox-else"), "").unwrap();
        drop(OutputFile::create(&path).unwrap());
        let kept = living.name.as_ref().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(entries(folder.path()), [".proofbox-else".to_owned(), kept]);
        living.publish().unwrap();
        assert!(path.exists());
    }
}
