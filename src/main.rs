//! Roles.

use std::process::ExitCode;

use clap::Parser;
use proofbox::command::doctor;

#[derive(Debug, Parser)]
#[command(name = "proofbox", version, about)]
enum Role {
    Doctor(doctor::DoctorArgs),
}

fn main() -> anyhow::Result<ExitCode> {
    // First, before any thread exists: this role forks.
    if std::env::args_os().nth(1).is_some_and(|role| role == "__launcher") {
        return Ok(proofbox::sandbox::launcher_main());
    }
    let role = Role::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match role {
        Role::Doctor(args) => runtime.block_on(doctor::run(args)),
    }
}
