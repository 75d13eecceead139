//! What an outcome means. Pure: no clock, no kernel, no I/O.

use std::fmt;

/// The answer for a test or for a whole submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    Accepted,
    WrongAnswer,
    TimeLimit,
    MemoryLimit,
    OutputLimit,
    RuntimeError,
    CompileError,
    /// A test that was not run because an earlier one failed.
    Skipped,
    /// No verdict could be reached; [`Cause`] says why. Never a statement about the solution.
    Undecided,
}

impl Verdict {
    pub const ALL: [Verdict; 9] = [
        Verdict::Accepted,
        Verdict::WrongAnswer,
        Verdict::TimeLimit,
        Verdict::MemoryLimit,
        Verdict::OutputLimit,
        Verdict::RuntimeError,
        Verdict::CompileError,
        Verdict::Skipped,
        Verdict::Undecided,
    ];

    /// The word on the wire, in verdict tables and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Accepted => "accepted",
            Verdict::WrongAnswer => "wrong_answer",
            Verdict::TimeLimit => "time_limit",
            Verdict::MemoryLimit => "memory_limit",
            Verdict::OutputLimit => "output_limit",
            Verdict::RuntimeError => "runtime_error",
            Verdict::CompileError => "compile_error",
            Verdict::Skipped => "skipped",
            Verdict::Undecided => "undecided",
        }
    }

    pub fn from_word(word: &str) -> Option<Verdict> {
        Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == word)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a verdict is what it is, where the verdict alone does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// `undecided`: no slot came free within the bounded wait.
    Overloaded,
    /// `undecided`: our own machinery failed.
    SandboxFault,
    /// `undecided`: no tests, or tests that cannot be understood.
    BadTests,
    /// `undecided`: a language or feature this installation does not offer.
    Unsupported,
    /// `undecided`: the caller went away or the service is stopping.
    Cancelled,
    /// `time_limit`: the wall backstop, not the CPU limit (a sleeper, a blocked read).
    WallTime,
    /// `compile_error`: the answer holds no code.
    NoCode,
    /// `runtime_error`: the function that the tests call is not there, or is ambiguous.
    FunctionNotFound,
    /// `wrong_answer`: the result is of a type that cannot cross the cell's wall as data.
    UnsupportedResult,
}

impl Cause {
    pub const ALL: [Cause; 9] = [
        Cause::Overloaded,
        Cause::SandboxFault,
        Cause::BadTests,
        Cause::Unsupported,
        Cause::Cancelled,
        Cause::WallTime,
        Cause::NoCode,
        Cause::FunctionNotFound,
        Cause::UnsupportedResult,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Overloaded => "overloaded",
            Cause::SandboxFault => "sandbox_fault",
            Cause::BadTests => "bad_tests",
            Cause::Unsupported => "unsupported",
            Cause::Cancelled => "cancelled",
            Cause::WallTime => "wall_time",
            Cause::NoCode => "no_code",
            Cause::FunctionNotFound => "function_not_found",
            Cause::UnsupportedResult => "unsupported_result",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
