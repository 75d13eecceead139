//! `sandbox-images/*/image.toml`: what a language's cells see of the host and how it is run.

use std::{collections::BTreeMap, fs, io, path::Path};

use serde::Deserialize;

use super::LanguageError;
use crate::sandbox::{ImageSetup, policy::Additions};

/// An image manifest. Unknown fields are refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    pub name: String,
    /// The language's name, then other names accepted for it.
    pub languages: Vec<String>,
    pub driver: Driver,
    pub interpreter: String,
    /// File name of a solution given as text.
    pub entry: String,
    pub host: Host,
    pub cell: CellTree,
    /// What the runtime needs of the kernel beyond the shipped policy.
    #[serde(default)]
    pub seccomp: Additions,
    /// Interpreters kept loaded, where the runtime allows it.
    #[serde(default)]
    pub warm: Vec<WarmImage>,
}

/// One loaded interpreter.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmImage {
    pub name: String,
    /// Used for solutions whose text holds this word; without one, for all others.
    pub mentioned: Option<String>,
    /// Modules loaded before any solution exists; those not installed are left out.
    pub modules: Vec<String>,
}

/// How solutions of a language are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    Python,
}

/// What the host must have.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    pub debian_packages: Vec<String>,
}

/// What a cell sees.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellTree {
    /// Host paths bound read-only at the same place; all must exist.
    pub bind: Vec<String>,
    /// The same, where the host has them.
    #[serde(default)]
    pub bind_if_present: Vec<String>,
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    #[error("cannot read image {path}: {source}")]
    Read { path: String, source: io::Error },
    #[error("image {path}: {source}")]
    Syntax { path: String, source: toml::de::Error },
    #[error("image {path}: {problem}")]
    Invalid { path: String, problem: String },
}

const SHIPPED_PYTHON: &str = include_str!("../../sandbox-images/python/image.toml");

impl Image {
    /// The Python image built into this program.
    pub fn shipped_python() -> Image {
        Image::parse("python (built in)", SHIPPED_PYTHON).expect("checked by a test")
    }

    /// Every `*/image.toml` below a directory, by name.
    pub fn load_all(directory: &Path) -> Result<Vec<Image>, ImageError> {
        let read = |path: &Path, source| ImageError::Read { path: path.display().to_string(), source };
        let mut images = Vec::new();
        for entry in fs::read_dir(directory).map_err(|source| read(directory, source))? {
            let manifest = entry.map_err(|source| read(directory, source))?.path().join("image.toml");
            // Those of the Wasm runner have manifests of another kind.
            let is_wasm = manifest
                .parent()
                .and_then(Path::file_name)
                .is_some_and(|name| name.to_string_lossy().starts_with("wasm-"));
            if is_wasm || !manifest.exists() {
                continue;
            }
            let text = fs::read_to_string(&manifest).map_err(|source| read(&manifest, source))?;
            images.push(Image::parse(&manifest.display().to_string(), &text)?);
        }
        if images.is_empty() {
            let source = io::Error::new(io::ErrorKind::NotFound, "no */image.toml in it");
            return Err(read(directory, source));
        }
        images.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(images)
    }

    fn parse(path: &str, text: &str) -> Result<Image, ImageError> {
        let image: Image =
            toml::from_str(text).map_err(|source| ImageError::Syntax { path: path.to_owned(), source })?;
        let invalid =
            |problem: &str| ImageError::Invalid { path: path.to_owned(), problem: problem.to_owned() };
        if image.languages.is_empty() {
            return Err(invalid("languages is empty"));
        }
        let paths = image.cell.bind.iter().chain(&image.cell.bind_if_present).chain(image.cell.files.keys());
        if paths.clone().any(|path| !path.starts_with('/') || path.contains("..")) {
            return Err(invalid("paths in the cell must be absolute and without '..'"));
        }
        if image.entry.contains('/') || image.entry.is_empty() {
            return Err(invalid("entry must be a file name"));
        }
        Ok(image)
    }

    /// The tree without what the language's runtime adds.
    pub fn setup(&self) -> Result<ImageSetup, LanguageError> {
        let mut setup =
            ImageSetup { binds: Vec::new(), links: Vec::new(), files: Vec::new(), seccomp: Vec::new() };
        for path in &self.cell.bind {
            if !self.add_path(&mut setup, path) {
                return Err(LanguageError::MissingPath { image: self.name.clone(), path: path.clone() });
            }
        }
        for path in &self.cell.bind_if_present {
            self.add_path(&mut setup, path);
        }
        for (path, content) in &self.cell.files {
            setup.files.push((path.clone(), content.clone().into_bytes().into()));
        }
        Ok(setup)
    }

    /// Adds a host path; `false` if the host does not have it. Links stay links: what they point to
    /// is in the cell only if it is named too.
    fn add_path(&self, setup: &mut ImageSetup, path: &str) -> bool {
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_symlink() => match fs::read_link(path) {
                Ok(target) => {
                    setup.links.push((path.to_owned(), target.to_string_lossy().into_owned()));
                    true
                }
                Err(_) => false,
            },
            Ok(_) => {
                setup.binds.push((path.to_owned(), path.to_owned()));
                true
            }
            Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_image_is_valid() {
        let image = Image::shipped_python();
        assert_eq!(image.languages[0], "python");
        assert_eq!(image.driver, Driver::Python);
    }

    #[test]
    fn manifests_are_checked() {
        let with = |from: &str, to: &str| Image::parse("test", &SHIPPED_PYTHON.replace(from, to));
        assert!(matches!(with("entry = \"main.py\"", "entry = \"a/b.py\""), Err(ImageError::Invalid { .. })));
        assert!(matches!(with("\"/usr/lib\", ", "\"../lib\", "), Err(ImageError::Invalid { .. })));
        assert!(matches!(with("[host]", "surprise = 1\n[host]"), Err(ImageError::Syntax { .. })));
    }
}
