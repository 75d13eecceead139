//! What can be run: the languages that the sandbox images offer, natively and in WebAssembly.
//!
//! | file | what |
//! |---|---|
//! | `native` | one native language, whatever its runtime |
//! | `languages` | all languages of this installation |
//! | `manifest` | what `sandbox-images/*/image.toml` says |
//! | `python`, `compiled` | native runtimes: found on the host, solutions made into jobs |
//! | `wasm` | languages of the Wasm runner |
//! | `toolchain` | compilers that make WebAssembly of solutions |
//! | `job`, `offer`, `error` | what is asked, what is offered, why there is none |

pub mod compiled;
pub mod error;
pub mod job;
pub mod languages;
pub mod manifest;
pub mod native;
pub mod offer;
pub mod python;
#[cfg(feature = "wasm")]
pub mod toolchain;
#[cfg(feature = "wasm")]
pub mod wasm;
#[cfg(not(feature = "wasm"))]
#[path = "wasm_absent.rs"]
pub mod wasm;

pub use self::{
    error::LanguageError,
    job::{CompileTask, ProgramJob, Start, TestsOrder},
    languages::{Languages, MissingLanguage},
    manifest::{Image, ImageError},
    native::Language,
    offer::WasmOffer,
};
