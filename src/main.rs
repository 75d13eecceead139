//! Roles.

use std::process::ExitCode;

fn main() -> ExitCode {
    // First, before any thread exists: this role forks.
    if std::env::args_os().nth(1).is_some_and(|role| role == "__launcher") {
        return proofbox::sandbox::launcher_main();
    }
    ExitCode::SUCCESS
}
