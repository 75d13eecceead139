//! An output file that appears under its name when it is complete, or not at all. If this process is killed, nothing of
//! it stays.
//!
//! The file has no name while it is written, if the file system supports that. Otherwise, and for the moment in which it
//! replaces another file, it has a temporary name that begins with `PREFIX`, and is locked. The next process removes
//! temporary files that nobody has locked any more.

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
    /// The temporary name, if the file system needs one.
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
        // A file without a name gets one by this path.
        fs::symlink_metadata(path_of(&file))?;
        Ok(OutputFile { file: lock(file)?, name: None, destination: destination.to_owned() })
    }

    fn named(destination: &Path) -> io::Result<OutputFile> {
        loop {
            let name = unfinished_name(directory_of(destination));
            let file = OpenOptions::new().write(true).create_new(true).open(&name)?;
            // Another process may have removed the file between its creation and its lock.
            match lock(file) {
                Ok(file) if file.metadata()?.nlink() > 0 => {
                    return Ok(OutputFile { file, name: Some(name), destination: destination.to_owned() });
                }
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
    }

    /// Makes the file durable, gives it its name, and replaces a file that has it.
    pub fn publish(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        let directory = directory_of(&self.destination);
        if self.name.is_none() {
            // Linking works only if no file has the name. Otherwise a temporary name is needed for the renaming.
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

/// Locks the file, so that no other process removes it. On a file system without locks nobody removes temporary files.
fn lock(file: File) -> io::Result<File> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(io::Error::from(io::ErrorKind::WouldBlock)),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// Removes temporary files that killed processes left: files that nobody has locked.
fn sweep(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if is_ours && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let opened =
                OpenOptions::new().write(true).custom_flags(nix::libc::O_NOFOLLOW).open(entry.path());
            // The lock is held until the file is removed.
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
        // The state after a process was killed: the file exists and is not locked.
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
