//! What the Wasm runner offers, for those who list it.

/// A language of the Wasm runner.
#[derive(Debug, Clone, Copy)]
pub struct WasmOffer<'a> {
    pub language: &'a str,
    /// Of the runtime or compiler; of modules, the interface that they have.
    pub version: &'a str,
    /// The image to build for it; modules of the caller's own need none.
    pub image: Option<&'a str>,
    pub is_built: bool,
    /// Whether it needs native cells, in which it is compiled.
    pub is_compiled: bool,
}
