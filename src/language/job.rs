//! What is asked of a language, whatever the language.

use crate::{
    limits::Limits,
    sandbox::{Collect, Job, Run},
    submission::{CodeTests, Prelude, Solution},
};

/// How a job's runs begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Forked from an interpreter kept loaded, where there is one. String hashes are random, and those of that
    /// interpreter.
    Usual,
    /// Forked from a second such interpreter, which has other string hashes; where none is kept loaded, as
    /// [`Start::Fresh`].
    Again,
    /// By executing the interpreter: every run draws its own seed for string hashes.
    Fresh,
}

/// Runs of one program, whatever they are for.
#[derive(Debug)]
pub struct ProgramJob<'a> {
    pub solution: &'a Solution,
    /// Code of tests that is carried out with it, or calls it.
    pub tests: Option<&'a CodeTests>,
    /// Behind the program's own name.
    pub arguments: &'a [String],
    pub prelude: Prelude,
    /// As [`crate::submission::Submission::seed`].
    pub seed: Option<u32>,
    pub start: Start,
    pub runs: Vec<Run>,
    pub collect: Vec<Collect>,
}

/// Which of a submission's tests one run of their code is to carry out.
#[derive(Debug)]
pub struct TestsOrder<'a> {
    /// Whether the solution is to run in the same process.
    pub shared: bool,
    /// In the order of the submission's tests.
    pub tests: std::ops::Range<usize>,
    /// Marks the run's records. Known to nobody else.
    pub nonce: &'a str,
}

/// A compilation, ready to be carried out.
#[derive(Debug)]
pub struct CompileTask {
    pub launcher: String,
    pub limits: Limits,
    pub job: Job,
    /// What the program that comes out depends on beside the job: compiler and version.
    pub identity: String,
}
