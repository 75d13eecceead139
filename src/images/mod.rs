//! What `proofbox image` does: Wasm images and toolchains, built and removed. What is built is run by
//! [`crate::sandbox::wasm`], and compiles by [`crate::language::toolchain`].
//!
//! | file | what |
//! |---|---|
//! | `fetch`, `archive` | packages from their registry; what is in them |
//! | `wasm_image`, `snapshot` | an image: furnished, a snapshot made, compiled, written |
//! | `toolchain` | a toolchain: unpacked, its libraries made, its headers compiled |
//! | `prune` | old ones, removed |

mod archive;
mod error;
mod fetch;
mod prune;
mod snapshot;
mod toolchain;
mod wasm_image;

use std::path::{Path, PathBuf};

use crate::{
    language::wasm::WasmLanguages,
    sandbox::wasm::{Metering, engine::WasmEngine},
};

pub use self::{
    error::BuildError,
    prune::{OldImage, Pruning, prune},
};

/// Builds an image, for each of the ways of metering, or a toolchain, unless it is there; where it lies. Blocks,
/// for minutes.
///
/// `from`: a directory that holds the package's file, instead of the registry.
pub fn build(
    languages: &WasmLanguages,
    name: &str,
    meterings: &[Metering],
    from: Option<&Path>,
    progress: &dyn Fn(&str),
) -> Result<Vec<PathBuf>, BuildError> {
    let (sandbox, toolchains) = (languages.sandbox(), languages.toolchains());
    if let Some(toolchain) = toolchains.all().iter().find(|toolchain| toolchain.name == name) {
        return Ok(vec![toolchain::build(toolchain, toolchains.cache(), from, progress)?]);
    }
    let Some(manifest) = sandbox.manifests().iter().find(|manifest| manifest.name == name) else {
        let known = languages.images().collect::<Vec<_>>().join(", ");
        return Err(BuildError::Unknown { name: name.to_owned(), known });
    };
    let engines: Result<Vec<_>, _> = meterings.iter().copied().map(WasmEngine::for_building).collect();
    let engines = engines.map_err(|error| BuildError::step(name, "start the engine", &error))?;
    wasm_image::build(manifest, sandbox.cache(), &engines, from, progress)
}
