//! Native code that an earlier process of ours wrote.

use std::fs::File;

use wasmtime::{Engine, Module};

/// Maps compiled code from an open file and makes it executable.
///
/// The caller has checked the file's content against the digest that this program recorded when it
/// wrote it, through this very descriptor, and that no other user may write to the file's directory.
pub fn load_checked(engine: &Engine, code: File) -> wasmtime::Result<Module> {
    // SAFETY: the content is what `Engine::precompile_module` of this program gave (the contract
    // above); whether it is of this version, these settings and this CPU wasmtime checks itself. The
    // file is never modified: it is written under another name and renamed.
    unsafe { Module::deserialize_open_file(engine, code) }
}
