//! Native code that a process of ours wrote.

use std::fs::File;

use wasmtime::{Engine, Module};

/// Maps compiled code from an open file and makes it executable.
///
/// The caller knows who wrote it, and that nobody can change it any more. Either an earlier process of this program, if
/// the caller has checked the file's content against the digest that was recorded then, through this very descriptor,
/// and that no other user may write to the file's directory. Or a compiler that the caller started, confined and saw
/// end well, which alone had the file, and the file is sealed.
pub fn load_checked(engine: &Engine, code: File) -> wasmtime::Result<Module> {
    // SAFETY: the content is what `Engine::precompile_module` of this program gave (the contract
    // above); whether it is of this version, these settings and this CPU wasmtime checks itself. The
    // file is never modified: it is sealed, or was written under another name and renamed.
    unsafe { Module::deserialize_open_file(engine, code) }
}
