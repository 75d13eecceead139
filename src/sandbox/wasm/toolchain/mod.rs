//! Toolchains: compilers that make WebAssembly of solutions.
//!
//! A compiler is a native program at work on hostile sources. It runs where solutions run natively, in a
//! cell, which sees the built toolchain and nothing else of the host; what it makes runs in WebAssembly as an
//! uploaded module does. A built toolchain is trusted as a built image is: only if it is of our own user, nobody
//! else may write to it, and it consists of the files that were recorded when it was built.

mod build;
mod jobs;
mod prune;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

pub use self::{
    build::build,
    jobs::{Compiled, Kind},
};
use super::image::{DIGEST_LETTERS, Package, WasmImageError, sha256_hex, sha256_of};
use crate::sandbox::SOURCE_DIR;

/// A toolchain's manifest. Unknown fields are refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Toolchain {
    pub name: String,
    #[serde(rename = "driver")]
    _driver: ToolchainDriver,
    /// The package's version.
    pub version: String,
    package: Package,
    toolchain: Settings,
    #[serde(rename = "language")]
    languages: Vec<CompiledLanguage>,
    /// The manifest's own text, of which the identity is made.
    #[serde(skip)]
    text: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ToolchainDriver {
    Compiled,
}

/// See the shipped manifest for what each is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    program: String,
    sources: Vec<String>,
    headers: Vec<(String, String)>,
    builtin: Vec<String>,
    flags: Vec<String>,
    solution_flags: Vec<String>,
    check_flags: Vec<String>,
    link_flags: Vec<String>,
    stack_bytes: u64,
    cpu_ms: u64,
    memory_bytes: u64,
    program_bytes: u64,
}

/// A language that a toolchain compiles.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct CompiledLanguage {
    /// The language's name, then other names accepted for it.
    names: Vec<String>,
    /// File name of a solution given as text.
    entry: String,
    /// Endings of the files that are given to the compiler.
    endings: Vec<String>,
    flags: Vec<String>,
    default_dialect: String,
    /// Name of the language, flags.
    dialects: BTreeMap<String, Vec<String>>,
    /// Flags of the dialects for which the header of all headers is compiled beforehand.
    precompiled: Vec<String>,
}

const SHIPPED: [&str; 1] = [include_str!("../../../../sandbox-images/wasm-c/image.toml")];
/// The files of ours in a built toolchain.
const EVERYTHING: &str = include_str!("../../../../sandbox-images/wasm-c/stdc++.h");
const TAGS: &str = include_str!("../../../../sandbox-images/wasm-c/tags.s");
const LACKING: &str = include_str!("../../../../sandbox-images/wasm-c/lacking.c");
const WIDTHS: &str = include_str!("../../../../sandbox-images/wasm-c/widths.c");

/// Changes whenever the same sources would be built differently.
const BUILD_FORMAT: u32 = 1;
/// The list of a built toolchain's files with their digests.
const RECORD: &str = "record.toml";

/// The list of files that are not checked.
const UNCHECKED: &str = "unchecked.txt";

/// A built toolchain's files.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    /// Where it was built: headers compiled beforehand hold its path, and are of no use elsewhere.
    place: String,
    /// Relative path -> SHA-256.
    digests: BTreeMap<String, String>,
}

impl Toolchain {
    /// The toolchains built into this program.
    pub fn shipped() -> Vec<Toolchain> {
        let parse = |text: &&str| Toolchain::parse("built in", text).expect("checked by a test");
        SHIPPED.iter().map(parse).collect()
    }

    /// Whether a Wasm image's manifest is that of a toolchain.
    pub fn is_one(manifest: &str) -> bool {
        #[derive(Deserialize)]
        struct Kind {
            driver: String,
        }
        toml::from_str::<Kind>(manifest).is_ok_and(|kind| kind.driver == "compiled")
    }

    pub fn parse(image: &str, text: &str) -> Result<Toolchain, WasmImageError> {
        let invalid =
            |problem: &str| WasmImageError::Invalid { image: image.to_owned(), problem: problem.to_owned() };
        let toolchain: Toolchain = toml::from_str(text).map_err(|error| invalid(&error.to_string()))?;
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+'))
        };
        if !is_name(&toolchain.name) || !toolchain.settings().headers.iter().all(|(name, _)| is_name(name)) {
            return Err(invalid("names are letters, digits, '-' and '+'"));
        }
        toolchain.package.check(image)?;
        let is_sound = |language: &CompiledLanguage| {
            !language.names.is_empty()
                && language.dialects.contains_key(&language.default_dialect)
                && !language.entry.contains('/')
        };
        if toolchain.languages.is_empty() || !toolchain.languages.iter().all(is_sound) {
            return Err(invalid(
                "a language needs names, a file name and a default dialect among its dialects",
            ));
        }
        Ok(Toolchain { text: text.to_owned(), ..toolchain })
    }

    fn settings(&self) -> &Settings {
        &self.toolchain
    }

    /// The part of a program's memory that its stack is kept in, which is not counted as the program's.
    pub fn stack_bytes(&self) -> u64 {
        self.toolchain.stack_bytes
    }

    /// Its languages' names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.languages.iter().map(|language| &language.names[0][..])
    }

    /// Finds a language by one of its names, in any letter case.
    pub fn find(&self, name: &str) -> Option<Compiled<'_>> {
        let knows = |language: &&CompiledLanguage| {
            language.names.iter().any(|known| known.eq_ignore_ascii_case(name))
        };
        self.languages.iter().find(knows).map(|language| Compiled { toolchain: self, language })
    }

    /// Where it lies, built by this program, below the cache directory. It is the same on every CPU.
    pub fn place(&self, cache: &Path) -> PathBuf {
        let format = BUILD_FORMAT.to_le_bytes();
        let texts = [self.text.as_str(), EVERYTHING, TAGS, LACKING, WIDTHS];
        let parts: Vec<&[u8]> =
            std::iter::once(&format[..]).chain(texts.iter().map(|text| text.as_bytes())).collect();
        let digest = sha256_hex(parts.into_iter().map(sha256_hex).collect::<String>().as_bytes());
        cache.join(format!("{}-{}", self.name, &digest[..DIGEST_LETTERS]))
    }

    /// Whether it is built; nothing of it is read.
    pub fn is_built(&self, cache: &Path) -> bool {
        self.place(cache).join(RECORD).exists()
    }

    /// The directory that keeps it from cells, if there is one. `other_user`: whether they are another user's than
    /// ours, and have no file tree of their own.
    pub fn closed_directory(&self, cache: &Path, other_user: bool) -> Option<PathBuf> {
        let is_closed = |path: &&Path| {
            // There every cell has something of its own.
            let is_taken = ["/tmp", SOURCE_DIR, "/proc", "/dev"].iter().any(|own| Path::new(own) == *path);
            let about = fs::metadata(path);
            is_taken || other_user && about.is_ok_and(|about| about.permissions().mode() & 0o001 == 0)
        };
        self.place(cache).ancestors().find(is_closed).map(Path::to_owned)
    }

    /// The compiler's command up to the language's own flags.
    fn compiler(&self, place: &Path) -> Vec<String> {
        let at = |name: &str| place.join(name).display().to_string();
        let mut command = vec![at("zig"), "clang".to_owned()];
        command.extend(self.settings().flags.iter().cloned());
        let directories = self.settings().headers.iter().map(|(name, _)| name.as_str());
        for name in std::iter::once("own").chain(directories) {
            command.extend(["-isystem".to_owned(), at(&format!("include/{name}"))]);
        }
        command
    }

    /// What follows for a solution in a language.
    fn solution_flags(&self, place: &Path, language: &CompiledLanguage, kind: Kind) -> Vec<String> {
        let settings = self.settings();
        let mut flags = [&settings.solution_flags[..], &language.flags].concat();
        if kind == Kind::Checked {
            flags.extend(settings.check_flags.iter().cloned());
            flags.push(format!("-fsanitize-ignorelist={}", place.join(UNCHECKED).display()));
        }
        flags
    }

    /// Checks a toolchain that was built at a place: every file must be as recorded, and there must be no other.
    fn check(&self, cache: &Path, place: PathBuf) -> Result<Opened, WasmImageError> {
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
            return Err(WasmImageError::MissingToolchain { image: self.name.clone() });
        }
        let text = fs::read_to_string(&record).map_err(|source| failed(&record, source))?;
        let record: Record = toml::from_str(&text).map_err(|error| untrusted(&record, &error.to_string()))?;
        let about = fs::symlink_metadata(cache).map_err(|source| failed(cache, source))?;
        if !is_ours(&about) {
            return Err(untrusted(cache, ALONE));
        }
        let mut found = BTreeSet::new();
        let mut directories = vec![place.clone()];
        while let Some(directory) = directories.pop() {
            let about = fs::symlink_metadata(&directory).map_err(|source| failed(&directory, source))?;
            if !is_ours(&about) {
                return Err(untrusted(&directory, ALONE));
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
        Ok(Opened { may_precompile: Path::new(&record.place) == place, place })
    }
}

const ALONE: &str = "is not a directory that this user alone can write to";

fn is_ours(about: &fs::Metadata) -> bool {
    let ours = about.uid() == nix::unistd::geteuid().as_raw();
    ours && about.is_dir() && about.permissions().mode() & 0o022 == 0
}

/// A built toolchain that was found to be as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    place: PathBuf,
    /// Whether headers that were compiled beforehand can be used.
    may_precompile: bool,
}

/// Toolchains with where they lie; each is checked once.
#[derive(Debug)]
pub struct Toolchains {
    all: Vec<Toolchain>,
    cache: PathBuf,
    opened: Mutex<BTreeMap<String, Opened>>,
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

    /// Every `wasm-*/image.toml` below a directory that is a toolchain's, by name.
    pub fn load_all(directory: &Path) -> Result<Vec<Toolchain>, WasmImageError> {
        let failed = |source: io::Error| WasmImageError::Io {
            image: "wasm-*".to_owned(),
            path: directory.to_owned(),
            source,
        };
        let mut toolchains = Vec::new();
        for entry in fs::read_dir(directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path().join("image.toml");
            if !entry.file_name().to_string_lossy().starts_with("wasm-") || !path.exists() {
                continue;
            }
            let text = fs::read_to_string(&path).map_err(failed)?;
            if Toolchain::is_one(&text) {
                toolchains.push(Toolchain::parse(&path.display().to_string(), &text)?);
            }
        }
        toolchains.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(toolchains)
    }

    /// A built toolchain, checked at its first use: reads all of it, a few hundred MB.
    pub fn open(&self, toolchain: &Toolchain) -> Result<Opened, WasmImageError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = opened.get(&toolchain.name) {
            return Ok(known.clone());
        }
        let found = toolchain.check(&self.cache, toolchain.place(&self.cache))?;
        opened.insert(toolchain.name.clone(), found.clone());
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_can_come_to_what_lies_below_a_directory_of_its_own() {
        let toolchain = Toolchain::shipped().remove(0);
        let closed = |cache: &str| toolchain.closed_directory(Path::new(cache), false);
        assert_eq!(closed("/tmp/cache/wasm"), Some("/tmp".into()));
        assert_eq!(closed("/box"), Some("/box".into()));
        assert_eq!(closed("/var/tmp/wasm"), None);
    }

    #[test]
    fn the_shipped_manifest_is_valid_and_others_are_checked() {
        let toolchain = Toolchain::shipped().remove(0);
        assert!(toolchain.find("C").is_some() && toolchain.find("C++20").is_some());
        assert!(Toolchain::is_one(SHIPPED[0]));
        for (from, to) in [
            ("sha256 = \"", "sha256 = \"x"),
            ("name = \"wasm-c\"", "name = \"../c\""),
            ("[\"c++\", ", "[\"../c++\", "),
            ("[package]", "surprise = 1\n[package]"),
            ("default_dialect = \"c17\"", "default_dialect = \"d\""),
        ] {
            let text = SHIPPED[0].replacen(from, to, 1);
            assert!(matches!(Toolchain::parse("test", &text), Err(WasmImageError::Invalid { .. })), "{from}");
        }
    }

    #[test]
    fn its_place_depends_on_the_manifest() {
        let (shipped, cache) = (Toolchain::shipped().remove(0), Path::new("/cache"));
        let other = Toolchain::parse("test", &SHIPPED[0].replace("\"-O2\"", "\"-O1\"")).unwrap();
        assert_ne!(shipped.place(cache), other.place(cache));
    }
}
