//! proofbox decides whether programs are right.
//!
//! It takes a candidate solution and its tests, runs the solution in an isolated cell with CPU,
//! memory, output and process limits, compares what came out with what was expected, and returns
//! a verdict that can be trusted even when the code is hostile.
//!
//! # The map, in the order a request travels
//!
//! | step | module | what it holds |
//! |---|---|---|
//! | roles | `main.rs`, [`command`] | `serve`, `verify`, `filter`, `run`, `doctor`, `bench`, `soak`, hidden `__launcher`, `__compiler` |
//! | settings | [`config`] | flags, environment, file; validated once |
//! | bytes in | [`wire`], [`dataset`], [`spelling`] | JSON submissions; data-set rows; words that may have been meant |
//! | the question | [`submission`], [`limits`], [`value`] | always valid once built |
//! | **the path** | [`verify`] | submission -> admission -> cell -> outcomes -> judge -> report |
//! | a place to run | [`admission`] | slots and the bounded wait for one |
//! | what is made once | [`compile`], [`cache`] | compiled programs, by their content |
//! | what can run | [`language`] | what `sandbox-images/*/image.toml` says |
//! | our own Python | [`scripts`] | which files each script in a cell is made of |
//! | the cell | [`sandbox`] | the only code that touches the kernel |
//! | images for it | `images` | Wasm images and toolchains, built and removed: `proofbox image` |
//! | the answer | [`judge`], [`verdict`], [`report`] | pure comparison, classification, wording |
//! | faces | [`http`], [`filter`] | two callers of the same `verify` |
//! | watching | [`metrics`] | every metric with its help text |
//!
//! # What always holds
//!
//! 1. Expected outputs never enter a cell; comparison happens outside, on plain data.
//! 2. A fault of ours is `undecided` with a cause, never a wrong verdict.
//! 3. Every cell has every guarantee, or none is offered: fail closed.
//! 4. Time limits are CPU time of the whole process tree; wall time is a backstop.
//! 5. Nothing survives a submission: no process, file, mount, cgroup or descriptor.
//! 6. Everything is bounded, with the unit in the bound's name.
//! 7. Nothing is lost: a killed `filter` resumes without losing or repeating a row.

pub mod admission;
pub mod cache;
pub mod command;
pub mod compile;
pub mod config;
pub mod dataset;
pub mod filter;
pub mod http;
#[cfg(feature = "wasm")]
pub mod images;
pub mod judge;
pub mod language;
pub mod limits;
pub mod metrics;
#[cfg(test)]
#[path = "tests/support/random.rs"]
mod random;
pub mod report;
pub mod sandbox;
pub mod scripts;
pub mod spelling;
pub mod submission;
pub mod value;
pub mod verdict;
pub mod verify;
pub mod wire;
