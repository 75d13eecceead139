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

use super::error::BuildError;
use crate::{
    language::{toolchain::Toolchain, wasm::WasmLanguages},
    sandbox::wasm::{
        Manifest, Metering, WasmImageError, WasmSandbox,
        cache_directory::{DIGEST_LETTERS, RECORD, is_ours_alone, lock},
        image_cache::{CODE, ImageRecord},
    },
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
const REMOVING: &str = ".removing-";

/// Removes the images that are not this program's for this CPU, and toolchains likewise, or lists them. Those of
/// manifests that are not among the known ones are left alone. Waits for builds to end. A server that runs another
/// version of this program needs its images built again.
///
/// # Errors
/// Where the directory cannot be read or written to.
pub fn prune(languages: &WasmLanguages, pruning: Pruning) -> Result<Vec<OldImage>, BuildError> {
    let (sandbox, directory) = (languages.sandbox(), languages.sandbox().cache().directory());
    let mut found = Vec::new();
    if !directory.exists() {
        return Ok(found);
    }
    for manifest in sandbox.manifests() {
        found.extend(prune_image(sandbox, manifest, pruning)?);
    }
    for toolchain in languages.toolchains().all() {
        let _lock = lock(directory, &toolchain.name).map_err(|source| WasmImageError::Io {
            image: toolchain.name.clone(),
            path: directory.to_owned(),
            source,
        })?;
        found.extend(prune_toolchain(toolchain, directory, pruning)?);
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn prune_image(
    sandbox: &WasmSandbox,
    manifest: &Manifest,
    pruning: Pruning,
) -> Result<Vec<OldImage>, BuildError> {
    let failed = |path: &Path, source| WasmImageError::Io {
        image: manifest.name.clone(),
        path: path.to_owned(),
        source,
    };
    let (cache, directory) = (sandbox.cache(), sandbox.cache().directory());
    let place = |metering| {
        let place = sandbox.place(manifest, metering);
        place.map_err(|fault| BuildError::step(&manifest.name, "start the engine", &fault.detail))
    };
    let current = [place(Metering::Clock)?, place(Metering::Fuel)?];
    let _lock = cache.lock(manifest).map_err(|source| failed(directory, source))?;
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(|source| failed(directory, source))? {
        let path = entry.map_err(|source| failed(directory, source))?.path();
        if is_named_after(manifest, &path) && !current.contains(&path) {
            found.push(remove(&path, pruning).map_err(|source| failed(&path, source))?);
        }
    }
    Ok(found)
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
fn is_digest(text: &str) -> bool {
    text.len() == DIGEST_LETTERS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Gives an image the name of one that is being removed, unless it has it.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
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
        Ok(text) => toml::from_str::<ImageRecord>(&text).ok(),
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

/// Removes what was built of this toolchain's other manifests, or lists it. Whoever calls holds the lock.
fn prune_toolchain(
    toolchain: &Toolchain,
    cache: &Path,
    pruning: Pruning,
) -> Result<Vec<OldImage>, WasmImageError> {
    let failed = |path: &Path, source| WasmImageError::Io {
        image: toolchain.name.clone(),
        path: path.to_owned(),
        source,
    };
    let current = toolchain.place(cache);
    let mut found = Vec::new();
    for entry in fs::read_dir(cache).map_err(|source| failed(cache, source))? {
        let path = entry.map_err(|source| failed(cache, source))?.path();
        if !is_toolchain_named_after(toolchain, &path) || path == current {
            continue;
        }
        // Only what is in every file as it was recorded, and holds nothing else, was written by this program. What
        // a killed removal left is not; it has another name.
        let about = fs::symlink_metadata(&path).map_err(|source| failed(&path, source))?;
        let is_left_over = name_of(&path).starts_with(REMOVING) && is_ours_alone(&about);
        let checked = if is_left_over { Ok(()) } else { toolchain.check(cache, path.clone()).map(drop) };
        found.push(match checked {
            Ok(()) => remove_toolchain(&path, pruning).map_err(|source| failed(&path, source))?,
            Err(why) => OldImage { path, bytes: 0, left: Some(why.to_string()) },
        });
    }
    Ok(found)
}

fn is_toolchain_named_after(toolchain: &Toolchain, path: &Path) -> bool {
    let name = name_of(path);
    let name = name.strip_prefix(REMOVING).unwrap_or(name);
    let digest = name.strip_prefix(&toolchain.name).and_then(|rest| rest.strip_prefix('-'));
    digest.is_some_and(is_digest)
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn remove_toolchain(path: &Path, pruning: Pruning) -> io::Result<OldImage> {
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
