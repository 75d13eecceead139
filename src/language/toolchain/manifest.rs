//! What a toolchain is: its manifest, its languages, the commands of its compiler, where it lies when it is built.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::sandbox::{
    SOURCE_DIR,
    wasm::{
        cache_directory::{DIGEST_LETTERS, RECORD, sha256_hex},
        image::{Package, WasmImageError},
    },
};

/// A toolchain's manifest. Unknown fields are refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Toolchain {
    pub name: String,
    #[serde(rename = "driver")]
    _driver: ToolchainDriver,
    /// The package's version.
    pub version: String,
    pub package: Package,
    #[serde(rename = "toolchain")]
    pub settings: Settings,
    #[serde(rename = "language")]
    pub languages: Vec<CompiledLanguage>,
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
pub struct Settings {
    pub program: String,
    pub sources: Vec<String>,
    pub headers: Vec<(String, String)>,
    pub builtin: Vec<String>,
    pub flags: Vec<String>,
    pub solution_flags: Vec<String>,
    pub check_flags: Vec<String>,
    pub link_flags: Vec<String>,
    pub stack_bytes: u64,
    pub cpu_ms: u64,
    pub memory_bytes: u64,
    pub program_bytes: u64,
}

/// Which program is wanted of a solution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramKind {
    Plain,
    /// One that ends, and says so, where a type that natively has 64 bits has too few here.
    Checked,
}

/// A language that a toolchain compiles.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompiledLanguage {
    /// The language's name, then other names accepted for it.
    pub names: Vec<String>,
    /// File name of a solution given as text.
    pub entry: String,
    /// Endings of the files that are given to the compiler.
    pub endings: Vec<String>,
    pub flags: Vec<String>,
    pub default_dialect: String,
    /// Name of the language, flags.
    pub dialects: BTreeMap<String, Vec<String>>,
    /// Flags of the dialects for which the header of all headers is compiled beforehand.
    pub precompiled: Vec<String>,
}

const SHIPPED: [&str; 1] = [include_str!("../../../sandbox-images/wasm-c/image.toml")];
/// The files of ours in a built toolchain.
pub const EVERYTHING: &str = include_str!("../../../sandbox-images/wasm-c/stdc++.h");
pub const TAGS: &str = include_str!("../../../sandbox-images/wasm-c/tags.s");
pub const LACKING: &str = include_str!("../../../sandbox-images/wasm-c/lacking.c");
pub const WIDTHS: &str = include_str!("../../../sandbox-images/wasm-c/widths.c");

/// Changes whenever the same sources would be built differently.
const BUILD_FORMAT: u32 = 1;

/// The list of files that are not checked.
pub const UNCHECKED: &str = "unchecked.txt";

impl Toolchain {
    /// The toolchains built into this program.
    pub fn shipped() -> Vec<Toolchain> {
        let parse = |text: &&str| Toolchain::parse("built in", text).expect("checked by a test");
        SHIPPED.iter().map(parse).collect()
    }

    /// Whether a Wasm image's manifest is that of a toolchain.
    pub fn is_one(manifest: &str) -> bool {
        #[derive(Deserialize)]
        struct OnlyDriver {
            driver: String,
        }
        toml::from_str::<OnlyDriver>(manifest).is_ok_and(|it| it.driver == "compiled")
    }

    pub fn parse(image: &str, text: &str) -> Result<Toolchain, WasmImageError> {
        let invalid =
            |problem: &str| WasmImageError::Invalid { image: image.to_owned(), problem: problem.to_owned() };
        let toolchain: Toolchain = toml::from_str(text).map_err(|error| invalid(&error.to_string()))?;
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+'))
        };
        if !is_name(&toolchain.name) || !toolchain.settings.headers.iter().all(|(name, _)| is_name(name)) {
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

    /// The part of a program's memory that its stack is kept in, which is not counted as the program's.
    pub fn stack_bytes(&self) -> u64 {
        self.settings.stack_bytes
    }

    /// Its languages' names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.languages.iter().map(|language| &language.names[0][..])
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
    pub fn compiler(&self, place: &Path) -> Vec<String> {
        let at = |name: &str| place.join(name).display().to_string();
        let mut command = vec![at("zig"), "clang".to_owned()];
        command.extend(self.settings.flags.iter().cloned());
        let directories = self.settings.headers.iter().map(|(name, _)| name.as_str());
        for name in std::iter::once("own").chain(directories) {
            command.extend(["-isystem".to_owned(), at(&format!("include/{name}"))]);
        }
        command
    }

    /// What follows for a solution in a language.
    pub fn solution_flags(
        &self,
        place: &Path,
        language: &CompiledLanguage,
        kind: ProgramKind,
    ) -> Vec<String> {
        let settings = &self.settings;
        let mut flags = [&settings.solution_flags[..], &language.flags].concat();
        if kind == ProgramKind::Checked {
            flags.extend(settings.check_flags.iter().cloned());
            flags.push(format!("-fsanitize-ignorelist={}", place.join(UNCHECKED).display()));
        }
        flags
    }
}

/// What the file of a dialect's compiled header is called.
pub fn precompiled_name(dialect: &str, kind: ProgramKind) -> String {
    let letters = dialect.chars().filter(char::is_ascii_alphanumeric);
    let kind = if kind == ProgramKind::Checked { "-checked" } else { "" };
    format!("{}{kind}.pch", letters.collect::<String>())
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
