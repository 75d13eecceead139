//! The second wall: solutions in WebAssembly, in this process, without a system call of their own.
//! Modules made of them are compiled in another process.
//!
//! The boundary is the native one's: a [`Job`](super::job::Job) goes in, one [`Outcome`](super::job::Outcome) per
//! run comes out. Every cell has a thread of its own, whose CPU clock is the runs' clock. Every run has an
//! instance of its own: it begins with the image's memory, and what it wrote ends with it.
//!
//! This folder runs what is there already. Images are built by [`crate::images`].
//!
//! | file | what |
//! |---|---|
//! | `sandbox` | the runner: opens cells |
//! | `cell` | one cell's thread, and the end of it that a caller holds |
//! | `guests` | what cells run: images loaded, modules of solutions compiled, each once |
//! | `image`, `image_cache`, `cache_directory` | what an image is; built ones, and which of them are trusted |
//! | `engine` | the one configuration of wasmtime, a reason for each setting; epochs |
//! | `run`, `lacks` | one run, and what its end means |
//! | `store`, `wasi` | one run's limits and clocks; one run's world |
//! | `javascript` | how QuickJS is furnished and driven |
//! | `modules` | modules of solutions, compiled by a process of their own |

pub mod cache_directory;
pub mod cell;
pub mod engine;
pub mod guests;
pub mod image;
pub mod image_cache;
pub mod javascript;
mod lacks;
pub mod modules;
pub mod run;
pub mod sandbox;
pub mod store;
pub mod wasi;

pub use self::{
    cell::WasmCell,
    engine::Metering,
    guests::Guests,
    image::{GuestDriver, Manifest, WasmImageError},
    lacks::missing,
    modules::compiler::main as compiler_main,
    sandbox::WasmSandbox,
};
