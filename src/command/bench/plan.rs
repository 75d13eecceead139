//! What is to be measured: parts, kinds of engine, and how long.

use std::time::Instant;

use clap::ValueEnum;
use serde::Serialize;

/// Submissions of W1 in a round of the default length.
pub(super) const FULL_ROUND: usize = 40;

/// A part of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// A trivial program, one test
    W1,
    /// One program, fifty tests
    W2,
    /// A function call, ten tests
    W3,
    /// A program that imports numpy
    W4,
    /// Mixed labelled submissions through HTTP
    W5,
    /// A program that computes
    W6,
    /// A trivial program with a set, one test
    W7,
    /// A function, tests that hold code
    W8,
    /// Comparison of outputs by every rule
    Compare,
    /// Trivial solutions in WebAssembly: Python, JavaScript, an uploaded module
    Wasm,
    /// Memory of idle and busy slots
    Memory,
    /// Throughput with one slot up to one per core
    Scaling,
    /// Latency against load
    Curve,
}

impl Part {
    pub(super) fn name(self) -> &'static str {
        match self {
            Part::W1 => "W1",
            Part::W2 => "W2",
            Part::W3 => "W3",
            Part::W4 => "W4",
            Part::W5 => "W5",
            Part::W6 => "W6",
            Part::W7 => "W7",
            Part::W8 => "W8",
            Part::Compare => "compare",
            Part::Wasm => "wasm",
            Part::Memory => "memory",
            Part::Scaling => "scaling",
            Part::Curve => "curve",
        }
    }
}

/// A kind of engine. Both give every guarantee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Variant {
    /// Runs are forked from a loaded interpreter
    Warm,
    /// Every run executes the interpreter
    Exec,
}

impl Variant {
    pub(super) fn name(self) -> &'static str {
        match self {
            Variant::Warm => "warm",
            Variant::Exec => "exec",
        }
    }
}

/// How much is done.
#[derive(Debug, Clone, Serialize)]
pub struct Budget {
    pub(super) rounds: usize,
    /// Submissions of W1 in a round.
    pub(super) submissions: usize,
    pub(super) quick: bool,
    #[serde(skip)]
    pub(super) until: Option<Instant>,
}

impl Budget {
    /// The share of a full round's submissions, at least one.
    pub(super) fn submissions(&self, in_full_round: usize) -> usize {
        (in_full_round * self.submissions).div_ceil(FULL_ROUND)
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }
}
