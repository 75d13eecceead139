//! Built images, and which of them are trusted.
//!
//! A built image is native code, which is executed as it is found. So only what this program wrote is
//! ever loaded: from a directory of our own user that nobody else may write to, under a name that
//! holds everything it was made from, each file with the digest that was recorded when it was written.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    cache_directory::{NOT_OURS_ALONE, RECORD, is_ours_alone, lock, make_directory, sha256_hex, sha256_of},
    engine::WasmEngine,
    image::{Manifest, WasmImageError},
};

/// The file of native code in a built image's directory.
pub const CODE: &str = "module.cwasm";

/// What is in a built image's directory.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageRecord {
    /// Memory that the module begins with, bytes.
    base_bytes: u64,
    /// File -> SHA-256.
    digests: BTreeMap<String, String>,
    /// Place in a run's tree -> file.
    files: BTreeMap<String, String>,
}

impl ImageRecord {
    /// Whether a file is of the image.
    pub fn has(&self, file: &str) -> bool {
        self.digests.contains_key(file)
    }
}

/// A built image, read and checked.
pub struct BuiltImage {
    /// Native code, in a file whose content has been checked.
    pub code: fs::File,
    pub base_bytes: u64,
    pub files: Vec<(String, Arc<[u8]>)>,
}

/// What building gave, to be written.
pub struct ToWrite<'a> {
    pub code: Vec<u8>,
    pub base_bytes: u64,
    pub files: &'a BTreeMap<String, Vec<u8>>,
}

/// The directory of built images.
#[derive(Debug, Clone)]
pub struct ImageCache {
    directory: PathBuf,
}

impl ImageCache {
    pub fn new(directory: PathBuf) -> ImageCache {
        ImageCache { directory }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether the image is built; nothing of it is read.
    pub fn has(&self, manifest: &Manifest, engine: &WasmEngine) -> bool {
        manifest.place(&self.directory, engine).join(RECORD).exists()
    }

    /// Where an image lies or would lie.
    pub fn place(&self, manifest: &Manifest, engine: &WasmEngine) -> PathBuf {
        manifest.place(&self.directory, engine)
    }

    /// Opens a built image, whose every file must be as recorded.
    pub fn open(&self, manifest: &Manifest, engine: &WasmEngine) -> Result<BuiltImage, WasmImageError> {
        let directory = manifest.place(&self.directory, engine);
        if !directory.join(RECORD).exists() {
            let (image, metering) = (manifest.name.clone(), engine.metering());
            return Err(WasmImageError::Missing { image, metering });
        }
        let untrusted = |path: &Path, problem: &str| WasmImageError::Untrusted {
            image: manifest.name.clone(),
            path: path.to_owned(),
            problem: problem.to_owned(),
        };
        let failed = |path: &Path, source| WasmImageError::Io {
            image: manifest.name.clone(),
            path: path.to_owned(),
            source,
        };
        for path in [&self.directory, &directory] {
            let about = fs::symlink_metadata(path).map_err(|source| failed(path, source))?;
            if !is_ours_alone(&about) {
                return Err(untrusted(path, NOT_OURS_ALONE));
            }
        }
        let path = directory.join(RECORD);
        let text = fs::read_to_string(&path).map_err(|source| failed(&path, source))?;
        let record: ImageRecord =
            toml::from_str(&text).map_err(|error| untrusted(&path, &error.to_string()))?;
        let check = |name: &str, content: &[u8]| match record.digests.get(name) {
            Some(digest) if *digest == sha256_hex(content) => Ok(()),
            _ => Err(untrusted(&directory.join(name), "is not what this program wrote")),
        };
        let path = directory.join(CODE);
        let mut code = fs::File::open(&path).map_err(|source| failed(&path, source))?;
        let digest = sha256_of(&mut code).map_err(|source| failed(&path, source))?;
        if record.digests.get(CODE) != Some(&digest) {
            return Err(untrusted(&path, "is not what this program wrote"));
        }
        let mut files = Vec::new();
        for (place, name) in &record.files {
            let path = directory.join(name);
            let content = fs::read(&path).map_err(|source| failed(&path, source))?;
            check(name, &content)?;
            files.push((place.clone(), Arc::from(content)));
        }
        Ok(BuiltImage { code, base_bytes: record.base_bytes, files })
    }

    /// Puts a built image in its place, whole or not at all.
    pub fn write(
        &self,
        manifest: &Manifest,
        engine: &WasmEngine,
        image: &ToWrite<'_>,
    ) -> Result<PathBuf, WasmImageError> {
        let failed = |source| WasmImageError::Io {
            image: manifest.name.clone(),
            path: self.directory.clone(),
            source,
        };
        make_directory(&self.directory).map_err(failed)?;
        let place = manifest.place(&self.directory, engine);
        let new = tempfile::Builder::new().prefix(".new-").tempdir_in(&self.directory).map_err(failed)?;
        let mut record = ImageRecord {
            base_bytes: image.base_bytes,
            digests: BTreeMap::from([(CODE.to_owned(), sha256_hex(&image.code))]),
            files: BTreeMap::new(),
        };
        fs::write(new.path().join(CODE), &image.code).map_err(failed)?;
        for (number, (path, content)) in image.files.iter().enumerate() {
            let name = format!("file-{number}");
            fs::write(new.path().join(&name), content).map_err(failed)?;
            record.digests.insert(name.clone(), sha256_hex(content));
            record.files.insert(path.clone(), name);
        }
        let text = toml::to_string(&record).map_err(|error| failed(io::Error::other(error)))?;
        fs::write(new.path().join(RECORD), text).map_err(failed)?;
        let path = new.keep();
        if place.exists() {
            fs::remove_dir_all(&place).map_err(failed)?;
        }
        fs::rename(&path, &place).map_err(failed)?;
        Ok(place)
    }

    /// Holds everybody else off who would build this image.
    pub fn lock(&self, manifest: &Manifest) -> io::Result<nix::fcntl::Flock<fs::File>> {
        lock(&self.directory, &manifest.name)
    }
}
