//! What the engine decides, in real cells: the whole path, every kind of submission, programs that cheat.
#![expect(
    clippy::disallowed_methods,
    reason = "tests start programs, and are told what to try by the environment"
)]

mod cases;
mod cheats;
mod code_tests;
mod conversations;
mod environment;
mod hashes;
mod labelled;
mod link;
mod path;
mod series;
#[path = "../support/mod.rs"]
mod support;
