//! What an outcome means. Pure: no clock, no kernel, no I/O.

use std::fmt;

use crate::{
    judge::{
        Compare, Comparison, DriverRecord, InvalidRecord, compare_output_with_any, compare_value_with_any,
    },
    sandbox::{End, LimitHit, Outcome},
    submission::{FunctionTest, ProgramTest},
    value::repr,
};

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

/// What one run's outcome means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub verdict: Verdict,
    pub cause: Option<Cause>,
    /// One bounded line for a person.
    pub message: Option<String>,
    /// What the function returned, as Python prints it, bounded.
    pub result: Option<String>,
}

/// Most bytes of a returned value that a report shows.
const RESULT_SHOWN_BYTES: usize = 2_000;
/// Most bytes of a message that comes from inside the cell.
const MESSAGE_BYTES: usize = 300;

impl Decision {
    fn new(verdict: Verdict, message: impl Into<Option<String>>) -> Decision {
        Decision { verdict, cause: None, message: message.into(), result: None }
    }

    fn because(mut self, cause: Cause) -> Decision {
        self.cause = Some(cause);
        self
    }

    fn compared(comparison: Comparison) -> Decision {
        match comparison {
            Comparison::Match => Decision::new(Verdict::Accepted, None),
            Comparison::Mismatch { explanation } => Decision::new(Verdict::WrongAnswer, explanation),
        }
    }
}

/// A program test: the kernel's word on how it ended, then its output.
pub fn decide_program(outcome: &Outcome, test: &ProgramTest, rule: Compare) -> Decision {
    if let Some(decision) = decide_limit(outcome) {
        return decision;
    }
    // Only compile errors are reported by the driver of a program; a forged one fails the forger.
    if let Ok(Some(DriverRecord::Syntax(text))) = DriverRecord::parse(&outcome.result) {
        return Decision::new(Verdict::CompileError, bounded(&text));
    }
    decide_end(outcome)
        .unwrap_or_else(|| Decision::compared(compare_output_with_any(rule, &outcome.stdout, &test.accepted_stdout)))
}

/// A function test: limits, what the driver says, how it ended, then the returned value.
pub fn decide_function(outcome: &Outcome, test: &FunctionTest) -> Decision {
    if let Some(decision) = decide_limit(outcome) {
        return decision;
    }
    let record = DriverRecord::parse(&outcome.result);
    match record {
        Ok(Some(DriverRecord::Syntax(text))) => Decision::new(Verdict::CompileError, bounded(&text)),
        Ok(Some(DriverRecord::Missing(text))) => {
            Decision::new(Verdict::RuntimeError, bounded(&text)).because(Cause::FunctionNotFound)
        }
        Ok(Some(DriverRecord::Raised(text))) => match text.starts_with("MemoryError") {
            true => Decision::new(Verdict::MemoryLimit, "the solution could not allocate memory".to_owned()),
            false => Decision::new(Verdict::RuntimeError, bounded(&text)),
        },
        record => decide_end(outcome).unwrap_or_else(|| decide_returned(record, test)),
    }
}

fn decide_returned(record: Result<Option<DriverRecord>, InvalidRecord>, test: &FunctionTest) -> Decision {
    match record {
        Ok(Some(DriverRecord::Ok(value))) => {
            let mut decision = Decision::compared(compare_value_with_any(&value, &test.accepted));
            decision.result = Some(repr(&value, RESULT_SHOWN_BYTES));
            decision
        }
        Ok(Some(DriverRecord::Unsupported(type_name))) => {
            let message = format!("the function returned a value of type {}, which is not plain data", bounded(&type_name));
            Decision::new(Verdict::WrongAnswer, message).because(Cause::UnsupportedResult)
        }
        Ok(_) => Decision::new(
            Verdict::RuntimeError,
            "the solution ended before the function had returned".to_owned(),
        ),
        Err(error) => Decision::new(Verdict::RuntimeError, error.to_string()),
    }
}

fn decide_limit(outcome: &Outcome) -> Option<Decision> {
    let usage = &outcome.usage;
    Some(match outcome.limit? {
        LimitHit::Memory => Decision::new(Verdict::MemoryLimit, None),
        LimitHit::Output => Decision::new(Verdict::OutputLimit, None),
        LimitHit::Cpu => {
            Decision::new(Verdict::TimeLimit, format!("used {} ms of CPU time", usage.cpu.as_millis()))
        }
        LimitHit::Wall => {
            let message = format!(
                "not ended after {} ms of wall time, {} ms of CPU time",
                usage.wall.as_millis(),
                usage.cpu.as_millis()
            );
            Decision::new(Verdict::TimeLimit, message).because(Cause::WallTime)
        }
    })
}

/// `None` if the program ended well.
fn decide_end(outcome: &Outcome) -> Option<Decision> {
    match outcome.end {
        End::Exited { code: 0 } => None,
        End::Exited { code } if said_memory_error(&outcome.stderr) => Some(Decision::new(
            Verdict::MemoryLimit,
            format!("the solution could not allocate memory (exit code {code})"),
        )),
        End::Exited { code } => {
            let last = last_line(&outcome.stderr);
            let detail = if last.is_empty() { String::new() } else { format!(": {}", bounded(&last)) };
            Some(Decision::new(Verdict::RuntimeError, format!("exit code {code}{detail}")))
        }
        // The per-process backstop behind the supervisor's own CPU limit.
        End::Signaled { signal: libc::SIGXCPU } => Some(Decision::new(Verdict::TimeLimit, None)),
        End::Signaled { signal: libc::SIGXFSZ } => {
            Some(Decision::new(Verdict::OutputLimit, "a file grew over its limit".to_owned()))
        }
        End::Signaled { signal } => {
            let name = nix::sys::signal::Signal::try_from(signal)
                .map_or_else(|_| format!("signal {signal}"), |signal| signal.to_string());
            Some(Decision::new(Verdict::RuntimeError, format!("killed by {name}")))
        }
    }
}

/// A refused allocation shows as an uncaught exception. The text is the solution's own and may be
/// forged, which turns one failure into another.
fn said_memory_error(stderr: &[u8]) -> bool {
    last_line(stderr).starts_with("MemoryError")
}

fn last_line(text: &[u8]) -> String {
    let end = text.trim_ascii_end();
    let start = end.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    String::from_utf8_lossy(&end[start..]).into_owned()
}

/// One line, bounded, with nothing in it that a terminal would act on.
fn bounded(text: &str) -> String {
    crate::value::escape_bytes(text.as_bytes(), MESSAGE_BYTES)
}
