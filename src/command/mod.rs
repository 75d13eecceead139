//! The command line: one file per role, each from its validated arguments to its exit code.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | done; for `run`: accepted; for `verify`: every submission was decided |
//! | 1 | `run`: not accepted |
//! | 2 | it could not be done: wrong usage, unreadable input, a host that cannot isolate |
//! | 3 | undecided; for `verify`: at least one submission was not decided |
//! | 130, 143 | interrupted by SIGINT or SIGTERM |

pub mod lines;
pub mod run;
pub mod run_table;
pub mod serve;
pub mod verify;

use std::{io, process::ExitCode, sync::Arc};

use anyhow::Context;
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::{config::EngineConfig, verify::Engine};

/// Decides whether programs are right: runs untrusted solutions against tests in isolated cells.
#[derive(Debug, Parser)]
#[command(name = "proofbox", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 done or accepted, 1 not accepted (run), 2 could not be done, \
                        3 undecided.\nPROOFBOX_LOG=debug shows more of what happens.")]
pub struct CommandLine {
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Serve verification over HTTP
    Serve(serve::ServeCommand),
    /// Verify a JSONL file of submissions: reports out, in order, one a line
    Verify(verify::VerifyCommand),
    /// Verify one solution and show each test
    Run(run::RunCommand),
}

impl CommandLine {
    /// The least level that is logged where `PROOFBOX_LOG` does not say.
    pub fn default_log(&self) -> &'static str {
        match self.role {
            Role::Serve(_) => "info",
            Role::Verify(_) | Role::Run(_) => "warn",
        }
    }
}

/// Carries out what the command line asks.
///
/// # Errors
/// What could not be done, for the user; the exit code is then [`COULD_NOT`].
pub async fn dispatch(command_line: CommandLine) -> anyhow::Result<ExitCode> {
    match command_line.role {
        Role::Serve(command) => serve::serve(command).await,
        Role::Verify(command) => verify::verify(command).await,
        Role::Run(command) => run::run(command).await,
    }
}

/// The exit code of what could not be done.
pub const COULD_NOT: u8 = 2;
const NOT_ACCEPTED: u8 = 1;
const UNDECIDED: u8 = 3;

fn start_engine(config: &EngineConfig) -> anyhow::Result<Arc<Engine>> {
    let engine = Engine::start(config).context("code cannot be run safely on this host")?;
    Ok(Arc::new(engine))
}

/// Completes at the first SIGINT or SIGTERM, with its exit code. Handlers are in place on return.
fn interrupted() -> io::Result<impl Future<Output = u8>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => 130,
            _ = terminate.recv() => 143,
        }
    })
}
