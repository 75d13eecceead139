//! A submission: a solution, its tests, how outputs are compared, and limits.
//!
//! A [`Submission`] is built once at an edge (the wire or a data-set row) and is always valid
//! after that; inner code never checks it again.

mod checker_protocol;
mod solution;

use std::{ops::Deref, sync::Arc};

pub use self::{
    checker_protocol::CheckerProtocol,
    solution::{Solution, SourceFile},
};
use crate::{
    judge::Compare,
    limits::Limits,
    value::{Packed, Value},
};

/// One solution with its tests.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The caller's own name for it, echoed in the report.
    pub id: Option<Id>,
    /// A language name that [`crate::language::Languages`] may or may not know.
    pub language: String,
    pub solution: Solution,
    pub tests: Tests,
    /// Files that replace standard input and output of program tests.
    pub io: ProgramIo,
    pub compare: Compare,
    /// A program that decides in place of `compare`; program tests only.
    pub judge: Option<JudgeProgram>,
    /// A program that makes expected outputs for tests that have none.
    pub reference: Option<Reference>,
    /// Further rules that judge the same runs; their verdicts are in [`crate::report::Report::also`].
    /// Tests go on until every rule has decided.
    pub also: Vec<Compare>,
    pub limits: Limits,
    pub stop: Stop,
    pub repeat: Repeat,
    /// Most slots that the tests may take at once, at least 1. Further slots are taken only while no other submission
    /// waits.
    pub parallel: u32,
    pub runtime: Runtime,
    /// Whether the limit of a run is counted work in place of time. Clocks and random numbers are then fixed, so that
    /// the verdict is the same on any machine and under any load. In WebAssembly only.
    pub deterministic: bool,
    /// Seed of the interpreter's string hashes and its modules' random generators; `None`: seeds differ between
    /// submissions and runs.
    pub seed: Option<u32>,
    pub prelude: Prelude,
    pub show_output: ShowOutput,
}

/// The caller's own name for a submission, echoed as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Id {
    Text(String),
    /// A whole number of any size, as JSON writes it.
    Number(String),
}

impl Deref for Id {
    type Target = str;

    fn deref(&self) -> &str {
        let (Id::Text(text) | Id::Number(text)) = self;
        text
    }
}

impl From<String> for Id {
    fn from(text: String) -> Id {
        Id::Text(text)
    }
}

/// A program that a submission brings beside its solution, such as a checker. Its cells are as confined as
/// a solution's.
#[derive(Debug, Clone)]
pub struct Program {
    /// As [`Submission::language`].
    pub language: String,
    pub solution: Solution,
}

/// Default limits of one run of a [`Program`]. They are generous: a checker that hits one decides nothing.
pub const PROGRAM_LIMITS: Limits = Limits {
    cpu_ms: 10_000,
    wall_ms: 32_000,
    memory_bytes: 1 << 30,
    output_bytes: 16 << 20,
    processes: 64,
    file_bytes: 256 << 20,
};

/// A solution that is taken for right.
#[derive(Debug, Clone)]
pub struct Reference {
    pub program: Program,
    /// Limits of each run of the reference.
    pub limits: Limits,
}

/// A program that decides about a solution's output, in place of a rule.
#[derive(Debug, Clone)]
pub enum JudgeProgram {
    /// Runs after the solution, on its output.
    Checker { program: Program, protocol: CheckerProtocol, limits: Limits },
    /// Runs beside the solution: each one's standard output is the other's standard input.
    Interactor { program: Program, protocol: CheckerProtocol, limits: Limits },
}

/// Names of the files, in the working directory, that a program test uses in place of standard input
/// and standard output; relative paths without `..`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProgramIo {
    /// File that holds the test's input; standard input is then empty.
    pub input_file: Option<String>,
    /// File that is judged in place of standard output.
    pub output_file: Option<String>,
}

impl Submission {
    /// A submission with defaults for everything but language, solution and tests.
    pub fn new(language: impl Into<String>, solution: Solution, tests: Tests) -> Submission {
        Submission {
            id: None,
            language: language.into(),
            solution,
            tests,
            io: ProgramIo::default(),
            compare: Compare::TOKENS,
            judge: None,
            reference: None,
            also: Vec::new(),
            limits: Limits::default(),
            stop: Stop::default(),
            repeat: Repeat::default(),
            parallel: 1,
            runtime: Runtime::Auto,
            deterministic: false,
            seed: None,
            prelude: Prelude::default(),
            show_output: ShowOutput::default(),
        }
    }
}

/// The tests of a submission; never empty once validated.
#[derive(Debug, Clone)]
pub enum Tests {
    /// Each test is a run of the program: bytes in, bytes out.
    Program(Vec<ProgramTest>),
    /// Each test is a call of one function in a fresh process.
    Function { target: FunctionTarget, tests: Vec<FunctionTest> },
    /// Each test is code that calls the solution, which runs in another cell.
    Code(CodeTests),
}

impl Tests {
    pub fn len(&self) -> usize {
        match self {
            Tests::Program(tests) => tests.len(),
            Tests::Function { tests, .. } => tests.len(),
            Tests::Code(code) => code.tests.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The word used in metrics: `program`, `function` or `code`.
    pub fn kind(&self) -> &'static str {
        match self {
            Tests::Program(_) => "program",
            Tests::Function { .. } => "function",
            Tests::Code(_) => "code",
        }
    }
}

#[derive(Debug, Clone)]
pub struct ProgramTest {
    /// Shared with the run, which needs no copy.
    pub stdin: Arc<[u8]>,
    /// Accepted outputs: matching any one of them passes. Under a rule there is at least one. For a checker there is
    /// at most one, its answer. Empty if a reference makes the output.
    pub accepted_stdout: Vec<Vec<u8>>,
    /// Further files that the program finds in its working directory: relative path, content.
    pub files: Vec<(String, Vec<u8>)>,
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
    /// A tuple.
    pub args: Packed,
    /// A dict whose keys are strings.
    pub kwargs: Packed,
    /// Accepted results: matching any one of them passes. Empty only if a reference makes the result.
    pub accepted: Vec<Packed>,
}

impl FunctionTest {
    pub fn new(args: Vec<Value>, kwargs: Vec<(String, Value)>, accepted: &[Value]) -> FunctionTest {
        let kwargs = kwargs.into_iter().map(|(name, value)| (Value::str(&name), value)).collect();
        FunctionTest {
            args: Packed::new(&Value::Tuple(args)),
            kwargs: Packed::new(&Value::Dict(kwargs)),
            accepted: accepted.iter().map(Packed::new).collect(),
        }
    }

    /// Positional arguments, those by name, and accepted results.
    #[cfg(test)]
    pub fn values(&self) -> (Vec<Value>, Vec<(String, Value)>, Vec<Value>) {
        let (Value::List(args) | Value::Tuple(args)) = self.args.value() else { panic!("no list") };
        let Value::Dict(pairs) = self.kwargs.value() else { panic!("no dict") };
        let named = pairs.into_iter().map(|(name, value)| match name {
            Value::Str(name) => (String::from_utf8(name).unwrap(), value),
            other => panic!("{other:?} is no name"),
        });
        (args, named.collect(), self.accepted.iter().map(Packed::value).collect())
    }
}

/// Which runner carries a submission out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Runtime {
    /// The native runner if this host gives its guarantees, else WebAssembly.
    #[default]
    Auto,
    /// Processes that the kernel isolates.
    Native,
    /// WebAssembly, in the service's own process.
    Wasm,
}

/// Tests that hold code. All of them share one run of the solution, and one run of the tests, in order, until a test
/// ends one of the two runs. Limits hold for each of the two.
#[derive(Debug, Clone, Default)]
pub struct CodeTests {
    /// Code that runs before the first test, in the tests' scope.
    pub setup: String,
    /// What `check(candidate)` is called with: an expression over the solution's names, such as `add` or
    /// `Solution().add`.
    pub entry_point: Option<String>,
    pub tests: Vec<CodeTest>,
    /// Whether the tests must not share the solution's process, even if they cannot be carried out otherwise.
    pub separate_only: bool,
}

#[derive(Debug, Clone)]
pub struct CodeTest {
    pub kind: CodeKind,
    pub code: String,
}

/// How a test's code says that the solution is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeKind {
    /// The code runs to its end.
    Assert,
    /// The code runs to its end. If it defines `check(candidate)` and does not call it, it is called.
    Check,
    /// Every test of its `unittest.TestCase` classes passes.
    Unittest,
    /// Every test in it passes that pytest would find.
    Pytest,
}

impl CodeTests {
    /// All code of the tests.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        let tests = self.tests.iter().map(|test| test.code.as_str());
        [self.setup.as_str()].into_iter().chain(self.entry_point.as_deref()).chain(tests)
    }

    /// Whether `word` occurs anywhere in the tests.
    pub fn mentions(&self, word: &str) -> bool {
        self.setup.contains(word) || self.tests.iter().any(|test| test.code.contains(word))
    }
}

impl CodeKind {
    /// The word on the wire and for the tests' driver.
    pub fn as_str(self) -> &'static str {
        match self {
            CodeKind::Assert => "assert",
            CodeKind::Check => "code",
            CodeKind::Unittest => "unittest",
            CodeKind::Pytest => "pytest",
        }
    }
}

/// When to stop running a submission's tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
#[clap(rename_all = "snake_case")]
pub enum Stop {
    /// The rest are `skipped` after the first test that is not accepted.
    #[default]
    FirstFailure,
    /// Every test is run.
    Never,
}

/// How often the tests are run. Every run must be accepted: a solution that passes only sometimes is
/// flagged ([`crate::verdict::Cause::NotDeterministic`]), not averaged. Only an accepted run is
/// followed by others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    Once,
    /// As many times as this.
    Times(u32),
    /// As many times as this if the solution may be random ([`Solution::may_be_random`]). Twice, the second time with other
    /// string hashes, if it makes a set ([`Solution::may_show_hashes`]). Otherwise once.
    TimesIfRandom(u32),
}

impl Default for Repeat {
    /// Five runs: a solution that guesses right one time in eight is then accepted one time in 30,000.
    fn default() -> Repeat {
        Repeat::TimesIfRandom(Repeat::IF_RANDOM)
    }
}

impl Repeat {
    /// Default number of runs of a solution that may be random.
    pub const IF_RANDOM: u32 = 5;
    /// Most runs that can be asked for.
    pub const MAX: u32 = 100;

    /// `runs` runs, whatever the source mentions.
    pub fn exactly(runs: u32) -> Repeat {
        if runs <= 1 { Repeat::Once } else { Repeat::Times(runs) }
    }

    /// Number of runs of `solution` if every run is accepted; at least 1.
    pub fn runs(self, solution: &Solution) -> u32 {
        match self {
            Repeat::Once => 1,
            Repeat::Times(runs) => runs.max(1),
            Repeat::TimesIfRandom(runs) if solution.may_be_random() => runs.max(1),
            Repeat::TimesIfRandom(_) => 1,
        }
    }
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

/// Most slots that one submission's tests can ask for.
pub const MAX_PARALLEL: u32 = 256;

/// Which tests' captured output the report shows.
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
            ("import math, random, sys\nimport random\nimport os\nprint(1)", false),
            ("import random as r\nr.choice([1])", true),
            ("np.random.rand()", true),
            ("__import__('random')", true),
            ("datetime.now()", true),
        ] {
            let solution = Solution::single("main.py", source);
            assert_eq!(solution.may_be_random(), random, "{source}");
            assert_eq!(Repeat::TimesIfRandom(5).runs(&solution), if random { 5 } else { 1 });
        }
    }
}
