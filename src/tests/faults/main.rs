//! What happens when the ground gives way: steps of ours that fail, processes of ours that are killed or
//! hostile to compile for, a machine that is busy with other things.
#![expect(
    clippy::disallowed_methods,
    reason = "tests start programs, and are told what to try by the environment"
)]

mod failing_steps;
mod kills;
mod overload;
#[path = "../support/mod.rs"]
mod support;
#[cfg(feature = "wasm")]
mod wasm_compiler;

/// Held by each test here: they count processes of this one, or keep the whole machine busy.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A right program whose answer depends on its input.
fn good(number: u64) -> proofbox::submission::Submission {
    support::program("print(int(input()) ** 2)", &[(&number.to_string(), &(number * number).to_string())])
}
