//! A file that appears under its name whole, or not at all.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use super::error::FilterError;

/// A file being written under a temporary name in its final directory. If it is dropped before [`Target::finish`] and
/// [`Finished::publish`], the file is removed.
pub struct Target {
    writer: BufWriter<File>,
    partial: Partial,
}

/// A complete and durable file that does not have its name yet.
pub struct Finished {
    partial: Partial,
}

struct Partial {
    path: PathBuf,
    destination: PathBuf,
    published: bool,
}

impl Target {
    /// Begins `destination`. A temporary file that a killed process left is replaced.
    pub fn create(destination: &Path) -> Result<Target, FilterError> {
        let mut name = std::ffi::OsString::from(".");
        name.push(destination.file_name().unwrap_or_default());
        name.push(".proofbox-partial");
        let path = destination.with_file_name(name);
        // The file is created, never opened, so that a link under this name is not followed.
        let file = match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => File::create_new(&path),
        };
        let file = file.map_err(|error| FilterError::io(&path, "cannot create", &error))?;
        Ok(Target::onto(file, path, destination))
    }

    fn onto(file: File, path: PathBuf, destination: &Path) -> Target {
        let partial = Partial { path, destination: destination.to_owned(), published: false };
        Target { writer: BufWriter::with_capacity(1 << 20, file), partial }
    }

    /// A target on a device that is always full.
    #[cfg(test)]
    pub fn on_full_device(destination: &Path) -> Target {
        let file = File::options().write(true).open("/dev/full").expect("/dev/full");
        Target::onto(file, destination.with_extension("nowhere"), destination)
    }

    pub fn destination(&self) -> &Path {
        &self.partial.destination
    }

    /// Flushes the file and makes it durable.
    pub fn finish(self) -> Result<Finished, FilterError> {
        let Target { writer, partial } = self;
        let written = match writer.into_inner() {
            Ok(file) => file.sync_all(),
            Err(error) => Err(error.into_error()),
        };
        written.map_err(|error| FilterError::io(&partial.destination, "cannot write", &error))?;
        Ok(Finished { partial })
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Finished {
    /// Gives the file its name and replaces a file that has it.
    pub fn publish(mut self) -> Result<(), FilterError> {
        let Partial { path, destination, published } = &mut self.partial;
        let directory = match destination.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        fs::rename(path, &destination)
            .and_then(|()| {
                *published = true;
                File::open(directory)?.sync_all()
            })
            .map_err(|error| FilterError::io(destination, "cannot give the output its name", &error))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.published {
            let _ = fs::remove_file(&self.path);
        }
    }
}
