//! `proofbox image` in a build without the Wasm runner (the cargo feature `wasm`): there is none.

use std::process::ExitCode;

use clap::Args;

use crate::language::wasm::WasmLanguages;

/// Build, list and prune Wasm images, which this proofbox was built without.
#[derive(Debug, Args)]
pub struct ImageCommand {
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    _action: Vec<String>,
}

const ABSENT: &str = "this proofbox was built without the Wasm runner; it is in the default build: cargo \
                      build --release";

pub async fn image(_: ImageCommand) -> anyhow::Result<ExitCode> {
    anyhow::bail!(ABSENT)
}

/// What `doctor` shows of images.
pub fn list(_: &WasmLanguages) -> String {
    format!("  {ABSENT}\n")
}
