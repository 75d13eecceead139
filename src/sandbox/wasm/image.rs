//! What a Wasm image is: its manifest, and the name that holds everything it is made from.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    cache_directory::{DIGEST_LETTERS, sha256_hex},
    engine::{Metering, WasmEngine},
    javascript,
};
use crate::scripts;

/// A Wasm image's manifest. Unknown fields are refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub name: String,
    /// The language's name, then other names accepted for it.
    pub languages: Vec<String>,
    pub driver: GuestDriver,
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
pub enum GuestDriver {
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
    NotBuilt { image: String },
    #[error("image {image}: {path}: {problem}\nremedy: remove {path} and run proofbox image build {image}")]
    Untrusted { image: String, path: PathBuf, problem: String },
    #[error("image {image}: {path}: {source}")]
    Io { image: String, path: PathBuf, source: io::Error },
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

/// Changes whenever images of the same sources would be built differently.
const BUILD_FORMAT: u32 = 1;

impl Manifest {
    /// The images built into this program.
    pub fn shipped() -> Vec<Manifest> {
        let parse = |text: &&str| Manifest::parse("built in", text).expect("checked by a test");
        SHIPPED.iter().map(parse).collect()
    }

    /// Reads a manifest. `image`: what it is called in errors.
    pub fn parse(image: &str, text: &str) -> Result<Manifest, WasmImageError> {
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
    pub fn place(&self, cache: &Path, engine: &WasmEngine) -> PathBuf {
        let format = BUILD_FORMAT.to_le_bytes();
        let fingerprint = engine.fingerprint().to_le_bytes();
        let texts: Vec<String> = match self.driver {
            GuestDriver::Python => {
                let scripts = scripts::RUN.iter().map(|script| script.source());
                scripts.chain([PYTHON_SETUP.to_owned()]).collect()
            }
            GuestDriver::Javascript => javascript::SETUP.map(str::to_owned).to_vec(),
        };
        let texts = texts.iter().map(String::as_bytes);
        let identity = [&format[..], self.text.as_bytes()].into_iter().chain(texts).chain([&fingerprint[..]]);
        let digest = sha256_hex(identity.map(sha256_hex).collect::<String>().as_bytes());
        cache.join(format!("{}-{}-{}", self.name, engine.metering().as_str(), &digest[..DIGEST_LETTERS]))
    }
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
