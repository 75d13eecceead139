//! What happens when the ground gives way: steps of ours that fail, processes of ours that are killed.

mod support;

#[path = "hostile/faults.rs"]
mod faults;
#[path = "hostile/kills.rs"]
mod kills;

/// Held by each test here: they count processes of this one.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A right program whose answer depends on its input.
fn good(number: u64) -> proofbox::submission::Submission {
    support::program("print(int(input()) ** 2)", &[(&number.to_string(), &(number * number).to_string())])
}

/// The program under test: the one built for it, or the copy that an ordinary user was given.
fn program_path() -> std::path::PathBuf {
    std::env::var_os("TEST_PROGRAM").map_or_else(|| support::PROGRAM.into(), Into::into)
}
