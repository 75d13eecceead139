//! Wasm images: what their manifests say, and where built ones lie.
//!
//! A built image is native code, which is executed as it is found. So only what this program wrote is
//! ever loaded: from a directory of our own user that nobody else may write to, under a name that
//! holds everything it was made from, each file with the digest that was recorded when it was written.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    engine::{Metering, WasmEngine},
    javascript,
    toolchain::Toolchain,
};
use crate::language::python::scripts;

/// A Wasm image's manifest. Unknown fields are refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub name: String,
    /// The language's name, then other names accepted for it.
    pub languages: Vec<String>,
    pub driver: Driver,
    /// The runtime's version.
    pub version: String,
    /// File name of a solution given as text.
    pub entry: String,
    pub package: Package,
    pub guest: GuestFiles,
    pub snapshot: Option<SnapshotSettings>,
    /// The manifest's own text, of which the image's identity is made.
    #[serde(skip)]
    text: String,
}

/// How solutions of a Wasm image are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    Python,
    Javascript,
}

/// What is fetched.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    pub registry: Registry,
    pub name: String,
    pub version: String,
    /// The file's name in the registry.
    pub file: String,
    /// SHA-256 of that file, hexadecimal.
    pub sha256: String,
}

impl Package {
    pub fn check(&self, image: &str) -> Result<(), WasmImageError> {
        let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        match self.sha256.len() == 64 && self.sha256.bytes().all(is_digit) {
            true => Ok(()),
            false => Err(WasmImageError::Invalid {
                image: image.to_owned(),
                problem: "package.sha256 must be 64 hexadecimal digits, in lower case".to_owned(),
            }),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registry {
    PyPi,
}

/// What of the package is used.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestFiles {
    /// The module's place in the package.
    pub module: String,
    /// Place in a run's file tree -> place in the package.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

/// What is done before the snapshot is made.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotSettings {
    /// Modules that every run finds loaded.
    pub modules: Vec<String>,
}

/// A Wasm image that cannot be used. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum WasmImageError {
    #[error("image {image}: {problem}")]
    Invalid { image: String, problem: String },
    #[error("image {image} is not built for this program and this CPU\nremedy: proofbox image build {image}{}", flag(.metering))]
    Missing { image: String, metering: Metering },
    #[error("image {image} is not built\nremedy: proofbox image build {image}")]
    MissingToolchain { image: String },
    #[error("image {image}: {path}: {problem}\nremedy: remove {path} and run proofbox image build {image}")]
    Untrusted { image: String, path: PathBuf, problem: String },
    #[error("image {image}: {path}: {source}")]
    Io { image: String, path: PathBuf, source: io::Error },
    /// The registry could not be asked.
    #[error(
        "image {image}: fetch the package: {detail}\nremedy: connect to the network, name a mirror (PIP_INDEX_URL), or give the package's file by --from DIR"
    )]
    Unreachable { image: String, detail: String },
    #[error("image {image}: {step}: {detail}")]
    Build { image: String, step: &'static str, detail: String },
    #[error("there is no Wasm image {name}; there is {known}")]
    Unknown { name: String, known: String },
}

fn flag(metering: &Metering) -> &'static str {
    match metering {
        Metering::Clock => "",
        Metering::Fuel => " --deterministic",
    }
}

const SHIPPED: [&str; 2] = [
    include_str!("../../../sandbox-images/wasm-python/image.toml"),
    include_str!("../../../sandbox-images/wasm-javascript/image.toml"),
];
/// The script that furnishes the interpreter.
pub const PYTHON_SETUP: &str = include_str!("../../../sandbox-images/wasm-python/setup.py");

/// How much of its digest an image's name holds.
pub const DIGEST_LETTERS: usize = 24;

/// Changes whenever images of the same sources would be built differently.
const BUILD_FORMAT: u32 = 1;
/// The list of an image's files with their digests.
pub const RECORD: &str = "record.toml";

impl Manifest {
    /// The images built into this program.
    pub fn shipped() -> Vec<Manifest> {
        let parse = |text: &&str| Manifest::parse("built in", text).expect("checked by a test");
        SHIPPED.iter().map(parse).collect()
    }

    /// Every `wasm-*/image.toml` below a directory, by name.
    pub fn load_all(directory: &Path) -> Result<Vec<Manifest>, WasmImageError> {
        let failed = |path: &Path, source| WasmImageError::Io {
            image: "wasm-*".to_owned(),
            path: path.to_owned(),
            source,
        };
        let mut manifests = Vec::new();
        for entry in fs::read_dir(directory).map_err(|source| failed(directory, source))? {
            let entry = entry.map_err(|source| failed(directory, source))?;
            let path = entry.path().join("image.toml");
            if !entry.file_name().to_string_lossy().starts_with("wasm-") || !path.exists() {
                continue;
            }
            let text = fs::read_to_string(&path).map_err(|source| failed(&path, source))?;
            if Toolchain::is_one(&text) {
                continue;
            }
            manifests.push(Manifest::parse(&path.display().to_string(), &text)?);
        }
        manifests.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(manifests)
    }

    fn parse(image: &str, text: &str) -> Result<Manifest, WasmImageError> {
        let invalid =
            |problem: String| WasmImageError::Invalid { image: image.to_owned(), problem: problem.clone() };
        let manifest: Manifest = toml::from_str(text).map_err(|error| invalid(error.to_string()))?;
        let named =
            |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !named(&manifest.name) || manifest.languages.is_empty() {
            return Err(invalid(
                "name and languages must not be empty; a name is letters, digits and '-'".to_owned(),
            ));
        }
        manifest.package.check(image)?;
        if manifest.guest.files.keys().any(|path| !path.starts_with('/') || path.contains("..")) {
            return Err(invalid("places of guest.files must be absolute and without '..'".to_owned()));
        }
        Ok(Manifest { text: text.to_owned(), ..manifest })
    }

    /// Where the image built by this program for this CPU lies, below the cache directory.
    fn directory(&self, cache: &Path, engine: &WasmEngine) -> PathBuf {
        let format = BUILD_FORMAT.to_le_bytes();
        let fingerprint = engine.fingerprint().to_le_bytes();
        let texts: Vec<String> = match self.driver {
            Driver::Python => {
                let scripts = scripts::RUN.iter().map(|script| script.source());
                scripts.chain([PYTHON_SETUP.to_owned()]).collect()
            }
            Driver::Javascript => javascript::SETUP.map(str::to_owned).to_vec(),
        };
        let texts = texts.iter().map(String::as_bytes);
        let identity = [&format[..], self.text.as_bytes()].into_iter().chain(texts).chain([&fingerprint[..]]);
        let digest = sha256_hex(identity.map(sha256_hex).collect::<String>().as_bytes());
        cache.join(format!("{}-{}-{}", self.name, engine.metering().as_str(), &digest[..DIGEST_LETTERS]))
    }
}

/// What is in a built image's directory.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Memory that the module begins with, bytes.
    base_bytes: u64,
    /// File -> SHA-256.
    digests: BTreeMap<String, String>,
    /// Place in a run's tree -> file.
    files: BTreeMap<String, String>,
}

impl Record {
    /// Whether a file is of the image.
    pub fn has(&self, file: &str) -> bool {
        self.digests.contains_key(file)
    }
}

/// A built image, read and checked.
pub struct Built {
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

pub const CODE: &str = "module.cwasm";

/// The directory of built images.
#[derive(Debug, Clone)]
pub struct Cache {
    directory: PathBuf,
}

impl Cache {
    pub fn new(directory: PathBuf) -> Cache {
        Cache { directory }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether the image is built; nothing of it is read.
    pub fn has(&self, manifest: &Manifest, engine: &WasmEngine) -> bool {
        manifest.directory(&self.directory, engine).join(RECORD).exists()
    }

    /// Where an image lies or would lie.
    pub fn place(&self, manifest: &Manifest, engine: &WasmEngine) -> PathBuf {
        manifest.directory(&self.directory, engine)
    }

    /// Opens a built image, whose every file must be as recorded.
    pub fn open(&self, manifest: &Manifest, engine: &WasmEngine) -> Result<Built, WasmImageError> {
        let directory = manifest.directory(&self.directory, engine);
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
            let ours = about.uid() == nix::unistd::geteuid().as_raw();
            if !ours || !about.is_dir() || about.permissions().mode() & 0o022 != 0 {
                return Err(untrusted(path, "is not a directory that this user alone can write to"));
            }
        }
        let path = directory.join(RECORD);
        let text = fs::read_to_string(&path).map_err(|source| failed(&path, source))?;
        let record: Record = toml::from_str(&text).map_err(|error| untrusted(&path, &error.to_string()))?;
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
        Ok(Built { code, base_bytes: record.base_bytes, files })
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
        let place = manifest.directory(&self.directory, engine);
        let new = tempfile::Builder::new().prefix(".new-").tempdir_in(&self.directory).map_err(failed)?;
        let mut record = Record {
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

/// Holds everybody else off who would build an image of this name below this directory, which is made.
pub fn lock(directory: &Path, name: &str) -> io::Result<nix::fcntl::Flock<fs::File>> {
    make_directory(directory)?;
    let file =
        fs::OpenOptions::new().create(true).append(true).open(directory.join(format!("{name}.lock")))?;
    nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockExclusive)
        .map_err(|(_, errno)| io::Error::from(errno))
}

fn make_directory(directory: &Path) -> io::Result<()> {
    if !directory.exists() {
        fs::create_dir_all(directory)?;
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

pub fn sha256_hex(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}

pub fn sha256_of(file: &mut fs::File) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        match io::Read::read(file, &mut piece)? {
            0 => break,
            length => hasher.update(&piece[..length]),
        }
    }
    io::Seek::rewind(file)?;
    Ok(hex(&hasher.finalize()))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_manifests_are_valid_and_others_are_checked() {
        let manifests = Manifest::shipped();
        assert_eq!(manifests[0].languages[0], "python");
        for (from, to) in [
            ("sha256 = \"", "sha256 = \"x"),
            ("name = \"wasm-python\"", "name = \"../python\""),
            ("[package]", "surprise = 1\n[package]"),
        ] {
            let text = SHIPPED[0].replacen(from, to, 1);
            assert!(matches!(Manifest::parse("test", &text), Err(WasmImageError::Invalid { .. })), "{from}");
        }
    }
}
