//! Roles.

use std::{
    env,
    io::{self, IsTerminal},
    process::ExitCode,
};

use anyhow::Context;
use clap::Parser;
use proofbox::command::{CommandLine, dispatch, told};
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

fn main() -> ExitCode {
    // First, before any thread exists: the one forks, the other confines itself.
    match env::args_os().nth(1) {
        Some(role) if role == "__launcher" => return proofbox::sandbox::launcher_main(),
        #[cfg(feature = "wasm")]
        Some(role) if role == "__compiler" => return proofbox::sandbox::wasm::compiler_main(),
        _ => {}
    }
    let command_line = CommandLine::parse();
    let error_code = command_line.error_code();
    carry_out(command_line).unwrap_or_else(|error| {
        told::note(format_args!("proofbox: {error:#}"));
        ExitCode::from(error_code)
    })
}

fn carry_out(command_line: CommandLine) -> anyhow::Result<ExitCode> {
    log_to_stderr(command_line.default_log())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(dispatch(command_line))
}

/// Standard output is for what was asked for.
#[expect(clippy::disallowed_methods, reason = "the log comes before the settings are read")]
fn log_to_stderr(default_level: &str) -> anyhow::Result<()> {
    let filter = match env::var("PROOFBOX_LOG") {
        Ok(wanted) => wanted.parse::<Targets>().context("PROOFBOX_LOG")?,
        Err(_) => default_level.parse()?,
    };
    let lines = fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        // It would say so on standard error, and panic over that.
        .log_internal_errors(false);
    tracing_subscriber::registry().with(filter).with(lines).init();
    Ok(())
}
