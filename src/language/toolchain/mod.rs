//! Toolchains: compilers that make WebAssembly of solutions.
//!
//! A compiler is a native program at work on hostile sources. It runs where solutions run natively, in a
//! cell, which sees the built toolchain and nothing else of the host. What it makes runs in WebAssembly as an
//! uploaded module does. Toolchains are built by [`crate::images`].
//!
//! | file | what |
//! |---|---|
//! | `manifest` | what a toolchain is, and the commands of its compiler |
//! | `built` | built ones, and which of them are trusted |
//! | `compile_jobs` | what compiling asks of a cell |

pub mod built;
pub mod compile_jobs;
pub mod manifest;

pub use self::{
    built::{OpenedToolchain, Toolchains},
    compile_jobs::ToolchainLanguage,
    manifest::{ProgramKind, Toolchain},
};
