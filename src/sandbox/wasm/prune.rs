//! Images that no build of this program for this CPU would use any more: those of earlier manifests, engines and
//! processors. Each is some hundred megabytes.
//!
//! Only what this program wrote is removed: directories of our own user, named after a known image, a way of
//! metering and a digest, that hold a record and the files it names, and nothing else.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{
    WasmSandbox,
    engine::Metering,
    image::{self, CODE, DIGEST_LETTERS, Manifest, RECORD, Record, WasmImageError},
};

/// Whether old images are removed or only listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pruning {
    Remove,
    List,
}

/// An old image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldImage {
    pub path: PathBuf,
    /// What its files take, bytes.
    pub bytes: u64,
    /// Why it was left where it is: there is something of somebody else's in it.
    pub left: Option<String>,
}

/// The prefix of an image that is being removed: no run finds half of one.
pub const REMOVING: &str = ".removing-";

impl WasmSandbox {
    /// Removes the images that are not this program's for this CPU, and toolchains likewise, or lists them; those of manifests that are not
    /// among the known ones are left alone. Waits for builds to end. A server that runs another version of this program
    /// needs its images built again.
    ///
    /// # Errors
    /// Where the directory cannot be read or written to.
    pub fn prune(&self, pruning: Pruning) -> Result<Vec<OldImage>, WasmImageError> {
        let cache = &self.inner.cache;
        let mut found = Vec::new();
        if !cache.directory().exists() {
            return Ok(found);
        }
        for manifest in self.manifests() {
            let failed = |path: &Path, source| WasmImageError::Io {
                image: manifest.name.clone(),
                path: path.to_owned(),
                source,
            };
            let mut current = Vec::new();
            for metering in [Metering::Clock, Metering::Fuel] {
                let engine = self.inner.engine(metering).map_err(|fault| WasmImageError::Build {
                    image: manifest.name.clone(),
                    step: "start the engine",
                    detail: fault.detail,
                })?;
                current.push(cache.place(manifest, &engine));
            }
            let _lock = cache.lock(manifest).map_err(|source| failed(cache.directory(), source))?;
            let entries =
                fs::read_dir(cache.directory()).map_err(|source| failed(cache.directory(), source))?;
            for entry in entries {
                let path = entry.map_err(|source| failed(cache.directory(), source))?.path();
                if is_named_after(manifest, &path) && !current.contains(&path) {
                    found.push(remove(&path, pruning).map_err(|source| failed(&path, source))?);
                }
            }
        }
        for toolchain in self.toolchains() {
            let _lock =
                image::lock(cache.directory(), &toolchain.name).map_err(|source| WasmImageError::Io {
                    image: toolchain.name.clone(),
                    path: cache.directory().to_owned(),
                    source,
                })?;
            found.extend(toolchain.prune(cache.directory(), pruning)?);
        }
        found.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(found)
    }
}

/// Whether a name is one that an image of the manifest has.
fn is_named_after(manifest: &Manifest, path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = name.strip_prefix(REMOVING).unwrap_or(name);
    let Some(rest) = name.strip_prefix(&manifest.name).and_then(|rest| rest.strip_prefix('-')) else {
        return false;
    };
    [Metering::Clock, Metering::Fuel].into_iter().any(|metering| {
        let digest = rest.strip_prefix(metering.as_str()).and_then(|rest| rest.strip_prefix('-'));
        digest.is_some_and(is_digest)
    })
}

/// Whether it is the end of an image's name.
pub fn is_digest(text: &str) -> bool {
    text.len() == DIGEST_LETTERS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Gives an image the name of one that is being removed, unless it has it.
pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with(REMOVING) {
        return Ok(path.to_owned());
    }
    let aside = path.with_file_name(format!("{REMOVING}{name}"));
    fs::rename(path, &aside)?;
    Ok(aside)
}

fn remove(path: &Path, pruning: Pruning) -> io::Result<OldImage> {
    let (bytes, files) = match of_this_program(path)? {
        Ok(image) => image,
        Err(why) => return Ok(OldImage { path: path.to_owned(), bytes: 0, left: Some(why.to_owned()) }),
    };
    if pruning == Pruning::Remove {
        let aside = set_aside(path)?;
        // The record last: what a killed removal leaves is known by it.
        for file in &files {
            fs::remove_file(aside.join(file))?;
        }
        fs::remove_file(aside.join(RECORD))?;
        fs::remove_dir(&aside)?;
    }
    Ok(OldImage { path: path.to_owned(), bytes, left: None })
}

/// How many bytes an image takes, and its files but for the record; or why it is not one that this program wrote.
fn of_this_program(path: &Path) -> io::Result<Result<(u64, Vec<String>), &'static str>> {
    let about = fs::symlink_metadata(path)?;
    if !about.is_dir() || about.uid() != nix::unistd::geteuid().as_raw() {
        return Ok(Err("not a directory of this user"));
    }
    let record = match fs::read_to_string(path.join(RECORD)) {
        Ok(text) => toml::from_str::<Record>(&text).ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let Some(record) = record else { return Ok(Err("without a record of this program's")) };
    let (mut bytes, mut files) = (0, Vec::new());
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let about = entry.metadata()?;
        let Ok(name) = entry.file_name().into_string() else {
            return Ok(Err("a file in it is not in its record"));
        };
        // A record written by others may name what it likes: of names, only those that this program gives count.
        let is_ours =
            name == CODE || name.strip_prefix("file-").is_some_and(|number| number.parse::<u32>().is_ok());
        if !about.is_file() || (name != RECORD && !(is_ours && record.has(&name))) {
            return Ok(Err("a file in it is not in its record"));
        }
        bytes += about.len();
        if name != RECORD {
            files.push(name);
        }
    }
    Ok(Ok((bytes, files)))
}
