//! Why an image cannot be built or removed. The text says what to do.

use crate::sandbox::wasm::WasmImageError;

#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error(transparent)]
    Image(#[from] WasmImageError),
    /// The registry could not be asked.
    #[error(
        "image {image}: fetch the package: {detail}\nremedy: connect to the network, name a mirror (PIP_INDEX_URL), or give the package's file by --from DIR"
    )]
    Unreachable { image: String, detail: String },
    #[error("image {image}: {step}: {detail}")]
    Step { image: String, step: &'static str, detail: String },
    #[error("there is no Wasm image {name}; there is {known}")]
    Unknown { name: String, known: String },
}

impl BuildError {
    /// A step of a build that failed.
    pub fn step(image: &str, step: &'static str, error: &dyn std::fmt::Display) -> BuildError {
        BuildError::Step { image: image.to_owned(), step, detail: format!("{error:#}") }
    }
}
