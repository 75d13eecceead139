//! `sandbox-images/*/image.toml`: what a language's cells see of the host and how it is run.

use std::{collections::BTreeMap, fs, io, path::Path, sync::Arc};

use serde::Deserialize;

use crate::sandbox::{ImageSetup, native::walls::seccomp::policy::Additions};

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
    /// How solutions are compiled, where they are.
    pub compile: Option<CompileImage>,
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
    /// Used for tests of this kind that hold code, and loaded when the first of them come.
    pub for_tests: Option<String>,
    /// Modules loaded before any solution exists; those not installed are left out.
    pub modules: Vec<String>,
}

/// How solutions of a language are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    Python,
    /// A compiler makes a program of the solution, which is run by itself.
    Compiled,
}

/// How a compiler is called and what it may use.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompileImage {
    /// The compiler and its arguments; see the shipped images for the words in braces.
    pub command: Vec<String>,
    /// Endings of the files that are given to the compiler.
    pub endings: Vec<String>,
    pub default_dialect: String,
    /// Name of the language, flags.
    pub dialects: BTreeMap<String, Vec<String>>,
    /// Files beside the image that programs may include.
    #[serde(default)]
    pub headers: Vec<String>,
    /// As those of the cell's tree, for cells that compile.
    pub bind: Vec<String>,
    #[serde(default)]
    pub bind_if_present: Vec<String>,
    pub cpu_ms: u64,
    pub memory_bytes: u64,
    /// Largest program that may come out.
    pub program_bytes: u64,
    /// Contents of `headers`, by name.
    #[serde(skip)]
    pub header_files: Vec<(String, Arc<[u8]>)>,
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
    /// Host paths that are bound likewise, where the host has them.
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
    #[error("image {image}: {path} does not exist on this host")]
    MissingPath { image: String, path: String },
}

const SHIPPED_PYTHON: &str = include_str!("../../sandbox-images/python/image.toml");
const SHIPPED_CPP: &str = include_str!("../../sandbox-images/cpp/image.toml");
const SHIPPED_C: &str = include_str!("../../sandbox-images/c/image.toml");
const SHIPPED_HEADERS: [(&str, &str); 2] = [
    ("testlib.h", include_str!("../../sandbox-images/cpp/testlib.h")),
    ("testlib_streams.h", include_str!("../../sandbox-images/cpp/testlib_streams.h")),
];

impl Image {
    /// The Python image built into this program.
    pub fn shipped_python() -> Image {
        Image::parse("python (built in)", SHIPPED_PYTHON).expect("checked by a test")
    }

    /// The images of compiled languages built into this program.
    pub fn shipped_compiled() -> Vec<Image> {
        let header = |name: &str| {
            let shipped = SHIPPED_HEADERS.iter().find(|(shipped, _)| *shipped == name);
            shipped.map(|(_, content)| content.as_bytes().to_vec()).ok_or(io::ErrorKind::NotFound.into())
        };
        [("cpp (built in)", SHIPPED_CPP), ("c (built in)", SHIPPED_C)]
            .map(|(path, text)| {
                let image = Image::parse(path, text).and_then(|image| image.with_headers(path, header));
                image.expect("checked by a test")
            })
            .to_vec()
    }

    /// With the contents of the headers that it names.
    fn with_headers(
        mut self,
        path: &str,
        read: impl Fn(&str) -> io::Result<Vec<u8>>,
    ) -> Result<Image, ImageError> {
        if let Some(compile) = &mut self.compile {
            for name in &compile.headers {
                let content = read(name)
                    .map_err(|source| ImageError::Read { path: format!("{path}: {name}"), source })?;
                compile.header_files.push((name.clone(), content.into()));
            }
        }
        Ok(self)
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
            let path = manifest.display().to_string();
            let image = Image::parse(&path, &text)?;
            images.push(image.with_headers(&path, |name| fs::read(manifest.with_file_name(name)))?);
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
        match (&image.compile, image.driver) {
            (Some(compile), Driver::Compiled) => check_compile(compile).map_err(invalid)?,
            (None, Driver::Python) => {}
            _ => {
                return Err(invalid(
                    "a [compile] section goes with the driver \"compiled\", and only with it",
                ));
            }
        }
        Ok(image)
    }

    /// The tree without what the language's runtime adds.
    pub fn setup(&self) -> Result<ImageSetup, ImageError> {
        self.setup_of(&self.cell.bind, &self.cell.bind_if_present)
    }

    /// The tree of cells that compile.
    pub fn compile_setup(&self, compile: &CompileImage) -> Result<ImageSetup, ImageError> {
        let all = |cell: &[String], more: &[String]| [cell, more].concat();
        self.setup_of(
            &all(&self.cell.bind, &compile.bind),
            &all(&self.cell.bind_if_present, &compile.bind_if_present),
        )
    }

    fn setup_of(&self, bind: &[String], bind_if_present: &[String]) -> Result<ImageSetup, ImageError> {
        let mut setup =
            ImageSetup { binds: Vec::new(), links: Vec::new(), files: Vec::new(), seccomp: Vec::new() };
        for path in bind {
            if !self.add_path(&mut setup, path) {
                return Err(ImageError::MissingPath { image: self.name.clone(), path: path.clone() });
            }
        }
        for path in bind_if_present {
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

fn check_compile(compile: &CompileImage) -> Result<(), &'static str> {
    if !compile.dialects.contains_key(&compile.default_dialect) {
        return Err("default_dialect is not one of the dialects");
    }
    if compile.headers.iter().any(|name| name.contains('/') || name.is_empty()) {
        return Err("headers must be file names");
    }
    let has = |word: &str| compile.command.iter().any(|argument| argument == word);
    match compile.command.first().is_some_and(|first| first.starts_with('/')) {
        true if has("{program}") && has("{sources}") => Ok(()),
        true => Err("the command must hold {program} and {sources}"),
        false => Err("the command must begin with an absolute path"),
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
        for image in Image::shipped_compiled() {
            let compile = image.compile.unwrap();
            assert!(image.languages.contains(&compile.default_dialect));
            assert!(compile.dialects.keys().all(|name| image.languages.contains(name)));
            assert_eq!(compile.header_files.len(), compile.headers.len());
        }
    }

    #[test]
    fn manifests_are_checked() {
        let with = |from: &str, to: &str| Image::parse("test", &SHIPPED_PYTHON.replace(from, to));
        assert!(matches!(with("entry = \"main.py\"", "entry = \"a/b.py\""), Err(ImageError::Invalid { .. })));
        assert!(matches!(with("\"/usr/lib\", ", "\"../lib\", "), Err(ImageError::Invalid { .. })));
        assert!(matches!(with("[host]", "surprise = 1\n[host]"), Err(ImageError::Syntax { .. })));
        assert!(matches!(
            with("\"python\"\ninterpreter", "\"compiled\"\ninterpreter"),
            Err(ImageError::Invalid { .. })
        ));
        let with = |from: &str, to: &str| Image::parse("test", &SHIPPED_CPP.replace(from, to));
        assert!(matches!(with("\"{program}\", ", ""), Err(ImageError::Invalid { .. })));
        assert!(matches!(
            with("default_dialect = \"c++17\"", "default_dialect = \"d\""),
            Err(ImageError::Invalid { .. })
        ));
    }
}
