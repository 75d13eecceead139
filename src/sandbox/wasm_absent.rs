//! The Wasm runner of a program that was built without it (the cargo feature `wasm`): it has no image and
//! runs nothing.

use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use super::{Fault, Job, LauncherConfig, Outcome, Tier, native::walls::seccomp::policy::PolicyError};
use crate::{admission::Slot, limits::Limits, submission::Solution};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metering {
    Clock,
    Fuel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    Python,
    Javascript,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pruning {
    Remove,
    List,
}

/// Of which there is none.
#[derive(Debug, Clone)]
pub struct OldImage {
    pub path: PathBuf,
    pub bytes: u64,
    pub left: Option<String>,
}

/// Of which there is none.
#[derive(Debug, Clone)]
pub struct Manifest {
    pub name: String,
    pub languages: Vec<String>,
    pub driver: Driver,
    pub version: String,
    pub entry: String,
}

#[derive(Debug, Clone)]
pub enum Guests {
    Image(String),
    Upload,
    Program { stack_bytes: u64 },
}

/// Of which there is none.
#[derive(Debug, Clone)]
pub struct Toolchain {
    pub name: String,
    pub version: String,
    none: Infallible,
}

/// A toolchain that was checked.
#[derive(Debug, Clone)]
pub enum Opened {}

impl Opened {
    pub fn without_place(&self, _: &[u8]) -> Vec<u8> {
        match *self {}
    }
}

impl Toolchain {
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }

    pub fn stack_bytes(&self) -> u64 {
        match self.none {}
    }

    pub fn find(&self, _: &str) -> Option<Compiled<'_>> {
        match self.none {}
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Plain,
    Checked,
}

/// A language of a toolchain, of which there is none.
#[derive(Debug, Clone, Copy)]
pub struct Compiled<'a> {
    toolchain: &'a Toolchain,
}

impl<'a> Compiled<'a> {
    pub fn name(&self) -> &'a str {
        match self.toolchain.none {}
    }

    pub fn toolchain(&self) -> &'a Toolchain {
        self.toolchain
    }

    pub fn launcher(&self) -> String {
        match self.toolchain.none {}
    }

    pub fn files(&self, _: &Solution) -> Vec<(String, Arc<[u8]>)> {
        match self.toolchain.none {}
    }

    pub fn sources(&self, _: &[(String, Arc<[u8]>)]) -> Vec<(String, Arc<[u8]>)> {
        match self.toolchain.none {}
    }

    pub fn identity(&self, _: &str, _: Kind) -> String {
        match self.toolchain.none {}
    }

    pub fn compile_job(
        &self,
        opened: &Opened,
        _: (&str, Kind),
        _: &[(String, Arc<[u8]>)],
        _: &(String, Arc<[u8]>),
    ) -> Job {
        match *opened {}
    }

    pub fn link_job(&self, opened: &Opened, _: Vec<Arc<[u8]>>) -> Job {
        match *opened {}
    }

    pub fn limits(&self, _: u64) -> Limits {
        match self.toolchain.none {}
    }
}

#[derive(Debug, thiserror::Error)]
#[error("this proofbox was built without the Wasm runner")]
pub struct WasmImageError;

pub const MAX_MODULE_BYTES: usize = 0;

#[derive(Debug, Clone)]
pub struct WasmSandbox;

impl WasmSandbox {
    pub fn new(_: Option<&Path>, _: PathBuf) -> Result<WasmSandbox, WasmImageError> {
        Ok(WasmSandbox)
    }

    pub fn with_program(
        _: Option<&Path>,
        _: PathBuf,
        _: PathBuf,
        _: Option<(String, i32)>,
    ) -> Result<WasmSandbox, WasmImageError> {
        Ok(WasmSandbox)
    }

    pub fn manifests(&self) -> &[Manifest] {
        &[]
    }

    pub fn is_built(&self, _: &Manifest, _: Metering) -> bool {
        false
    }

    pub fn toolchains(&self) -> &[Toolchain] {
        &[]
    }

    pub fn has_toolchain(&self, toolchain: &Toolchain) -> bool {
        match toolchain.none {}
    }

    pub fn closed_directory(&self, toolchain: &Toolchain, _: bool) -> Option<PathBuf> {
        match toolchain.none {}
    }

    pub fn open_toolchain(&self, toolchain: &Toolchain) -> Result<Opened, Fault> {
        match toolchain.none {}
    }

    pub fn launchers(&self, _: Tier) -> Result<Vec<LauncherConfig>, PolicyError> {
        Ok(Vec::new())
    }

    pub fn has_an_image(&self) -> bool {
        false
    }

    /// Whether solutions may be modules themselves.
    pub fn takes_modules(&self) -> bool {
        false
    }

    pub fn build(
        &self,
        _: &str,
        _: &[Metering],
        _: Option<&Path>,
        _: &dyn Fn(&str),
    ) -> Result<Vec<PathBuf>, WasmImageError> {
        Err(WasmImageError)
    }

    pub fn prune(&self, _: Pruning) -> Result<Vec<OldImage>, WasmImageError> {
        Err(WasmImageError)
    }

    pub async fn open(&self, _: Guests, _: Metering, _: Slot, _: Limits, _: Job) -> Result<WasmCell, Fault> {
        Err(Fault { step: "open_wasm".to_owned(), detail: WasmImageError.to_string() })
    }

    pub async fn open_linked(
        &self,
        _: Guests,
        _: Metering,
        _: Slot,
        _: (Limits, Job),
        _: (Limits, Job),
    ) -> Result<(WasmCell, WasmCell), Fault> {
        Err(Fault { step: "open_wasm".to_owned(), detail: WasmImageError.to_string() })
    }
}

/// What a run failed for want of.
pub fn missing(_: &[u8]) -> Option<String> {
    None
}

/// A cell that never is.
#[derive(Debug)]
pub enum WasmCell {}

impl WasmCell {
    pub async fn next(&mut self) -> Result<Option<Outcome>, Fault> {
        match *self {}
    }
}

/// A role that this program does not have.
pub fn compiler_main() -> ExitCode {
    ExitCode::FAILURE
}

/// Where images would lie.
pub fn default_directory() -> PathBuf {
    PathBuf::new()
}
