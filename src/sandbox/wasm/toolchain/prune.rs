//! Toolchains that no build of this program would use any more.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{RECORD, Record, Toolchain};
use crate::sandbox::wasm::{
    image::{DIGEST_LETTERS, lock},
    prune::{OldImage, Pruning, REMOVING},
};

/// Removes the toolchain's places but the present one, or lists them. Waits for a build to end.
pub fn prune(toolchain: &Toolchain, cache: &Path, pruning: Pruning) -> io::Result<Vec<OldImage>> {
    let _lock = lock(cache, &toolchain.name)?;
    let present = toolchain.place(cache);
    let mut found = Vec::new();
    for entry in fs::read_dir(cache)? {
        let path = entry?.path();
        if path == present || !is_named_after(toolchain, &path) {
            continue;
        }
        let (bytes, left) = match bytes_of(&path)? {
            Ok(bytes) => (bytes, None),
            Err(why) => (0, Some(why.to_owned())),
        };
        if pruning == Pruning::Remove && left.is_none() {
            remove(&path)?;
        }
        found.push(OldImage { path, bytes, left });
    }
    Ok(found)
}

fn is_named_after(toolchain: &Toolchain, path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = name.strip_prefix(REMOVING).unwrap_or(name);
    let digest = name.strip_prefix(&toolchain.name).and_then(|rest| rest.strip_prefix('-'));
    digest.is_some_and(|digest| {
        digest.len() == DIGEST_LETTERS && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// No run finds half of one.
fn remove(path: &Path) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = match name.starts_with(REMOVING) {
        true => path.to_owned(),
        false => path.with_file_name(format!("{REMOVING}{name}")),
    };
    if aside != path {
        fs::rename(path, &aside)?;
    }
    // The record last: what a killed removal leaves is known by it.
    for entry in fs::read_dir(&aside)? {
        let path = entry?.path();
        match fs::symlink_metadata(&path)?.is_dir() {
            true => fs::remove_dir_all(path)?,
            false if path.ends_with(RECORD) => {}
            false => fs::remove_file(path)?,
        }
    }
    fs::remove_dir_all(aside)
}

/// How many bytes a toolchain takes, or why it is not one that this program wrote.
fn bytes_of(place: &Path) -> io::Result<Result<u64, &'static str>> {
    let about = fs::symlink_metadata(place)?;
    if !about.is_dir() || about.uid() != nix::unistd::geteuid().as_raw() {
        return Ok(Err("not a directory of this user"));
    }
    let record = match fs::read_to_string(place.join(RECORD)) {
        Ok(text) => toml::from_str::<Record>(&text).ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let Some(record) = record else { return Ok(Err("without a record of this program's")) };
    let (mut bytes, mut directories): (u64, Vec<PathBuf>) = (0, vec![place.to_owned()]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory)? {
            let path = entry?.path();
            let about = fs::symlink_metadata(&path)?;
            let name = path.strip_prefix(place).unwrap_or(&path).display().to_string();
            match (about.is_dir(), about.is_file()) {
                (true, _) => directories.push(path),
                (_, true) if name == RECORD || record.digests.contains_key(&name) => bytes += about.len(),
                _ => return Ok(Err("a file in it is not in its record")),
            }
        }
    }
    Ok(Ok(bytes))
}
