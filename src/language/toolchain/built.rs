//! Built toolchains, and which of them are trusted.
//!
//! A built toolchain is trusted as a built image is: only if it is of our own user, nobody else may write to it,
//! and it consists of the files that were recorded when it was built.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::manifest::Toolchain;
use crate::sandbox::wasm::{
    cache_directory::{NOT_OURS_ALONE, RECORD, is_ours_alone, sha256_of},
    image::WasmImageError,
};

/// A built toolchain's files.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolchainRecord {
    /// Where it was built: headers compiled beforehand hold its path, and are of no use elsewhere.
    pub place: String,
    /// Relative path -> SHA-256.
    pub digests: BTreeMap<String, String>,
}

impl Toolchain {
    /// Checks a toolchain that was built at a place: every file must be as recorded, and there must be no other.
    pub fn check(&self, cache: &Path, place: PathBuf) -> Result<OpenedToolchain, WasmImageError> {
        let untrusted = |path: &Path, problem: &str| WasmImageError::Untrusted {
            image: self.name.clone(),
            path: path.to_owned(),
            problem: problem.to_owned(),
        };
        let failed = |path: &Path, source| WasmImageError::Io {
            image: self.name.clone(),
            path: path.to_owned(),
            source,
        };
        let record = place.join(RECORD);
        if !record.exists() {
            return Err(WasmImageError::NotBuilt { image: self.name.clone() });
        }
        let text = fs::read_to_string(&record).map_err(|source| failed(&record, source))?;
        let record: ToolchainRecord =
            toml::from_str(&text).map_err(|error| untrusted(&record, &error.to_string()))?;
        let about = fs::symlink_metadata(cache).map_err(|source| failed(cache, source))?;
        if !is_ours_alone(&about) {
            return Err(untrusted(cache, NOT_OURS_ALONE));
        }
        let mut found = BTreeSet::new();
        let mut directories = vec![place.clone()];
        while let Some(directory) = directories.pop() {
            let about = fs::symlink_metadata(&directory).map_err(|source| failed(&directory, source))?;
            if !is_ours_alone(&about) {
                return Err(untrusted(&directory, NOT_OURS_ALONE));
            }
            for entry in fs::read_dir(&directory).map_err(|source| failed(&directory, source))? {
                let path = entry.map_err(|source| failed(&directory, source))?.path();
                let about = fs::symlink_metadata(&path).map_err(|source| failed(&path, source))?;
                match about.is_dir() {
                    true => directories.push(path),
                    false => drop(found.insert(path)),
                }
            }
        }
        found.remove(&place.join(RECORD));
        for path in &found {
            let name = path.strip_prefix(&place).unwrap_or(path).display().to_string();
            let mut file = fs::File::open(path).map_err(|source| failed(path, source))?;
            let digest = sha256_of(&mut file).map_err(|source| failed(path, source))?;
            if record.digests.get(&name) != Some(&digest) {
                return Err(untrusted(path, "is not what this program wrote"));
            }
        }
        if found.len() != record.digests.len() {
            return Err(untrusted(&place, "lacks files that were in it"));
        }
        Ok(OpenedToolchain { may_precompile: Path::new(&record.place) == place, place })
    }
}

/// A built toolchain that was found to be as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedToolchain {
    pub place: PathBuf,
    /// Whether headers that were compiled beforehand can be used.
    pub may_precompile: bool,
}

/// Toolchains with where they lie; each is checked once.
#[derive(Debug)]
pub struct Toolchains {
    all: Vec<Toolchain>,
    cache: PathBuf,
    opened: Mutex<BTreeMap<String, OpenedToolchain>>,
}

impl Toolchains {
    pub fn new(all: Vec<Toolchain>, cache: PathBuf) -> Toolchains {
        Toolchains { all, cache, opened: Mutex::default() }
    }

    pub fn all(&self) -> &[Toolchain] {
        &self.all
    }

    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// A built toolchain, checked at its first use: reads all of it, a few hundred MB.
    pub fn open(&self, toolchain: &Toolchain) -> Result<OpenedToolchain, WasmImageError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = opened.get(&toolchain.name) {
            return Ok(known.clone());
        }
        let found = toolchain.check(&self.cache, toolchain.place(&self.cache))?;
        opened.insert(toolchain.name.clone(), found.clone());
        Ok(found)
    }
}
