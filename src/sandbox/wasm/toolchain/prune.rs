//! Toolchains of earlier manifests, which nothing would use any more.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    super::{
        image::WasmImageError,
        prune::{OldImage, Pruning, REMOVING, is_digest, set_aside},
    },
    Toolchain, is_ours,
};

impl Toolchain {
    /// Removes what was built of this toolchain's other manifests, or lists it. Whoever calls holds the lock.
    ///
    /// # Errors
    /// Where the directory cannot be read or written to.
    pub fn prune(&self, cache: &Path, pruning: Pruning) -> Result<Vec<OldImage>, WasmImageError> {
        let failed = |path: &Path, source| WasmImageError::Io {
            image: self.name.clone(),
            path: path.to_owned(),
            source,
        };
        let current = self.place(cache);
        let mut found = Vec::new();
        for entry in fs::read_dir(cache).map_err(|source| failed(cache, source))? {
            let path = entry.map_err(|source| failed(cache, source))?.path();
            if !self.is_named_after(&path) || path == current {
                continue;
            }
            // Only what is in every file as it was recorded, and holds nothing else, was written by this program. What
            // a killed removal left is not; it has another name.
            let about = fs::symlink_metadata(&path).map_err(|source| failed(&path, source))?;
            let is_left_over = name_of(&path).starts_with(REMOVING) && is_ours(&about);
            let checked = if is_left_over { Ok(()) } else { self.check(cache, path.clone()).map(drop) };
            found.push(match checked {
                Ok(()) => remove(&path, pruning).map_err(|source| failed(&path, source))?,
                Err(why) => OldImage { path, bytes: 0, left: Some(why.to_string()) },
            });
        }
        Ok(found)
    }

    fn is_named_after(&self, path: &Path) -> bool {
        let name = name_of(path);
        let name = name.strip_prefix(REMOVING).unwrap_or(name);
        let digest = name.strip_prefix(&self.name).and_then(|rest| rest.strip_prefix('-'));
        digest.is_some_and(is_digest)
    }
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn remove(path: &Path, pruning: Pruning) -> io::Result<OldImage> {
    let bytes = bytes_in(path)?;
    if pruning == Pruning::Remove {
        fs::remove_dir_all(set_aside(path)?)?;
    }
    Ok(OldImage { path: path.to_owned(), bytes, left: None })
}

fn bytes_in(directory: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    let mut directories: Vec<PathBuf> = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let about = entry.metadata()?;
            match about.is_dir() {
                true => directories.push(entry.path()),
                false => bytes += about.len(),
            }
        }
    }
    Ok(bytes)
}
