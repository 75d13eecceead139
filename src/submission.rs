//! What is asked: a solution, its tests, how to compare, what it may use.
//!
//! A [`Submission`] is built once at an edge (the wire or a data-set row) and is always valid
//! after that; inner code never checks it again.

use crate::{judge::Compare, limits::Limits, value::Value};

/// One solution with its tests.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The caller's own name for it, echoed in the report.
    pub id: Option<String>,
    /// A language name that [`crate::language::Languages`] may or may not know.
    pub language: String,
    pub solution: Solution,
    pub tests: Tests,
    pub compare: Compare,
    pub limits: Limits,
    pub stop: Stop,
    pub prelude: Prelude,
    pub show_output: ShowOutput,
}

/// The source files of a solution. At least one; `entry` names one of them.
#[derive(Debug, Clone)]
pub struct Solution {
    pub files: Vec<SourceFile>,
    /// Index into `files` of the file that is run.
    pub entry: usize,
}

/// One source file: a relative path without `..` and its bytes.
#[derive(Debug, Clone)]
pub struct SourceFile {
    pub path: String,
    pub content: Vec<u8>,
}

impl Solution {
    /// A solution of one file.
    pub fn single(path: &str, content: impl Into<Vec<u8>>) -> Solution {
        Solution { files: vec![SourceFile { path: path.to_owned(), content: content.into() }], entry: 0 }
    }
}

/// The tests of a submission; never empty once validated.
#[derive(Debug, Clone)]
pub enum Tests {
    /// Each test is a run of the program: bytes in, bytes out.
    Program(Vec<ProgramTest>),
    /// Each test is a call of one function in a fresh process.
    Function { target: FunctionTarget, tests: Vec<FunctionTest> },
}

impl Tests {
    pub fn len(&self) -> usize {
        match self {
            Tests::Program(tests) => tests.len(),
            Tests::Function { tests, .. } => tests.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The word used in metrics: `program` or `function`.
    pub fn kind(&self) -> &'static str {
        match self {
            Tests::Program(_) => "program",
            Tests::Function { .. } => "function",
        }
    }
}

#[derive(Debug, Clone)]
pub struct ProgramTest {
    pub stdin: Vec<u8>,
    /// Accepted outputs: matching any one of them passes. Never empty.
    pub accepted_stdout: Vec<Vec<u8>>,
}

/// Which function of the solution is called.
#[derive(Debug, Clone)]
pub struct FunctionTarget {
    /// The name asked for: a bare function, or a method of `class Solution` (or of the only
    /// candidate class).
    pub name: String,
}

#[derive(Debug, Clone)]
pub struct FunctionTest {
    pub args: Vec<Value>,
    pub kwargs: Vec<(String, Value)>,
    /// Accepted results: matching any one of them passes. Never empty.
    pub accepted: Vec<Value>,
}

/// When to stop running a submission's tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stop {
    /// The rest are `skipped` after the first test that is not accepted.
    #[default]
    FirstFailure,
    Never,
}

/// Names that are in scope before the solution's first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Prelude {
    #[default]
    None,
    /// The star imports that contest data sets assume (LiveCodeBench's list); see the Python
    /// image's driver for the exact names.
    Contest,
}

/// Whose captured output the report shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShowOutput {
    Never,
    #[default]
    OnFailure,
    Always,
}
