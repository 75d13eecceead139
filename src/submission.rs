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
    /// Further judges of the same outcomes; their words stand in [`crate::report::Report::also`].
    /// Tests go on until each of them has decided.
    pub also: Vec<Compare>,
    pub limits: Limits,
    pub stop: Stop,
    pub repeat: Repeat,
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

    /// Whether the source mentions a source of randomness or the clock. By words alone: it may be
    /// in a comment, which costs runs, and it may be hidden, which is not looked for.
    pub fn may_be_random(&self) -> bool {
        let is_word_byte = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        self.files.iter().any(|file| {
            let text = &file.content;
            let words = text.split(|byte| !is_word_byte(byte));
            words.into_iter().any(|word| RANDOM_WORDS.iter().any(|random| random.as_bytes() == word))
                || CLOCK_CALLS.iter().any(|call| text.windows(call.len()).any(|window| window == *call))
        })
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

/// How often the tests are run. Every run must be accepted: a solution that passes only sometimes is
/// flagged ([`crate::verdict::Cause::NotDeterministic`]), not averaged. Only an accepted run is
/// followed by others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repeat {
    #[default]
    Once,
    /// This often.
    Times(u32),
    /// This often where the source mentions a source of randomness; see [`Solution::may_be_random`].
    TimesIfRandom(u32),
}

impl Repeat {
    /// Most runs that can be asked for.
    pub const MAX: u32 = 100;

    /// How often this solution is run if every run is accepted; at least 1.
    pub fn runs(self, solution: &Solution) -> u32 {
        match self {
            Repeat::Once => 1,
            Repeat::Times(runs) => runs.max(1),
            Repeat::TimesIfRandom(runs) if solution.may_be_random() => runs.max(1),
            Repeat::TimesIfRandom(_) => 1,
        }
    }
}

/// Names by which programs come to random numbers or to the time, which does for them as a seed.
/// Python's, whole words: the only language so far. Not `time` and `choice` alone: modules are
/// imported without use, and variables have such names.
const RANDOM_WORDS: [&str; 18] = [
    "random",
    "randint",
    "randrange",
    "shuffle",
    "getrandbits",
    "urandom",
    "getrandom",
    "secrets",
    "uuid",
    "uuid1",
    "uuid4",
    "time_ns",
    "perf_counter",
    "perf_counter_ns",
    "monotonic",
    "process_time",
    "now",
    "utcnow",
];

/// Names that are calls of the clock only behind a dot: `time.time()`.
const CLOCK_CALLS: [&[u8]; 2] = [b"time.time(", b"time.clock("];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_of_randomness_are_seen() {
        for (source, random) in [
            ("import random\nprint(random.random())", true),
            ("from random import *\nx = randint(1, 2)", true),
            ("seed(time.time())", true),
            ("import time\nt = 1", false),
            ("randomised = operand = 3", false),
            ("choice = sample[0]", false),
        ] {
            let solution = Solution::single("main.py", source);
            assert_eq!(solution.may_be_random(), random, "{source}");
            assert_eq!(Repeat::TimesIfRandom(5).runs(&solution), if random { 5 } else { 1 });
        }
    }
}
