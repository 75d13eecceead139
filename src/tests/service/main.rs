//! The faces as a user meets them: the service over HTTP, and the commands.
#![expect(
    clippy::disallowed_methods,
    reason = "tests start programs, and are told what to try by the environment"
)]

mod bench;
mod commands;
mod filter;
mod http;
mod http_client;
mod http_programs;
mod http_runs;
#[cfg(feature = "wasm")]
mod http_wasm;
mod program;
mod serve_memory;
#[path = "../support/mod.rs"]
mod support;
