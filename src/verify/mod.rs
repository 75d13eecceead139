//! THE PATH of a request, top to bottom: submission -> runner -> slot -> cells -> outcomes -> judge -> report.
//! HTTP, the filter and the command line are callers of [`Engine::verify`]. Solutions of both runners, native and in
//! WebAssembly, go through the same steps; where the runners differ, `runner` answers.
//!
//! | step | file |
//! |---|---|
//! | the steps, in order | `path` |
//! | native or in WebAssembly, or why not | `choose_runner` |
//! | programs compiled, expected outputs made, tests turned into runs | `prepare`; `compile_programs`, `compile_for_wasm`, `reference` |
//! | into a slot | `slot_access` |
//! | runs that the judge decides about, in as few cells as possible | `cells` |
//! | runs that a checker program decides about | `checker_tests` |
//! | runs that converse with an interactor | `interactive_tests` |
//! | runs that converse with the code of tests | `code_tests` |
//! | failures in WebAssembly that native types may not have | `wasm_widths` |
//! | the sum of what every judge says | `verdicts` |
//!
//! Below all of them: `work` (a prepared submission, one trial of it), `runner` (the one boundary to the sandbox) and
//! `engine` (what is held for the whole process).

mod cells;
mod checker_tests;
mod choose_runner;
mod code_tests;
#[cfg(feature = "wasm")]
mod compile_for_wasm;
mod compile_programs;
mod engine;
mod interactive_tests;
mod path;
mod prepare;
mod reference;
mod runner;
mod slot_access;
mod verdicts;
#[cfg(feature = "wasm")]
mod wasm_widths;
mod work;

pub use self::engine::{Engine, EngineError};
