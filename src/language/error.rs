//! Why a language cannot be had.

use super::manifest::ImageError;
use crate::sandbox::native::walls::seccomp::policy::PolicyError;

/// A language is not available on this host.
#[derive(Debug, thiserror::Error)]
pub enum LanguageError {
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error(
        "{interpreter}: {problem}\nremedy: install {packages}, or name another interpreter with --python"
    )]
    Interpreter { interpreter: String, problem: String, packages: String },
    #[error("{compiler}: {problem}\nremedy: install {packages}")]
    Compiler { compiler: String, problem: String, packages: String },
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[cfg(feature = "wasm")]
    #[error(transparent)]
    Wasm(#[from] crate::sandbox::wasm::WasmImageError),
}
