//! The Wasm runner of a program that was built without it (the cargo feature `wasm`): it has no image and
//! runs nothing.

use std::path::{Path, PathBuf};

use super::{Fault, Job, Outcome};
use crate::{admission::Place, limits::Limits};

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

    pub fn manifests(&self) -> &[Manifest] {
        &[]
    }

    pub fn is_built(&self, _: &Manifest, _: Metering) -> bool {
        false
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

    pub fn open(&self, _: Guests, _: Metering, _: Place, _: Limits, _: Job) -> Result<WasmCell, Fault> {
        Err(Fault { step: "open_wasm".to_owned(), detail: WasmImageError.to_string() })
    }

    pub fn open_linked(
        &self,
        _: Guests,
        _: Metering,
        _: Place,
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

/// Where images would lie.
pub fn default_directory() -> PathBuf {
    PathBuf::new()
}
