//! A decision: a verdict, why, and what a run's end alone says.

use std::{borrow::Cow, fmt};

use super::driver_record::{DriverRecord, InvalidRecord};
use crate::{
    judge::{Comparison, Ending, Judged},
    sandbox::{End, LimitHit, Outcome},
    value::{Packed, Value, equality_key},
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
    /// Accepted in some runs of the same tests and not in others; the verdict is that of the first
    /// run that was not accepted.
    NotDeterministic,
}

impl Cause {
    pub const ALL: [Cause; 10] = [
        Cause::Overloaded,
        Cause::SandboxFault,
        Cause::BadTests,
        Cause::Unsupported,
        Cause::Cancelled,
        Cause::WallTime,
        Cause::NoCode,
        Cause::FunctionNotFound,
        Cause::UnsupportedResult,
        Cause::NotDeterministic,
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
            Cause::NotDeterministic => "not_deterministic",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What one run's outcome means.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub verdict: Verdict,
    pub cause: Option<Cause>,
    /// One bounded line for a person.
    pub message: Option<String>,
    /// What the function returned, as Python prints it, bounded.
    pub result: Option<String>,
    /// What the run came to in truth, where a released judge counts it as passed all the same and
    /// looks at no further test.
    pub counted: Option<Verdict>,
    /// What a checker gave for an output that is partly right.
    pub score: Option<f64>,
}

/// Most bytes of a message that comes from inside the cell.
const MESSAGE_BYTES: usize = 300;

impl Decision {
    pub(super) fn new(verdict: Verdict, message: impl Into<Option<String>>) -> Decision {
        Decision { verdict, cause: None, message: message.into(), result: None, counted: None, score: None }
    }

    pub(super) fn because(mut self, cause: Cause) -> Decision {
        self.cause = Some(cause);
        self
    }

    /// What a released judge makes of the run for which this decision is what ought to be.
    pub(super) fn released(self, judged: Judged) -> Decision {
        let accepted = |decision: Decision| Decision { verdict: Verdict::Accepted, cause: None, ..decision };
        match judged {
            Judged::NoWord => self,
            Judged::Passed => Decision { message: None, ..accepted(self) },
            Judged::CountsAsTrue => Decision { counted: Some(self.verdict), ..accepted(self) },
            Judged::Failed if self.verdict == Verdict::Accepted => Decision {
                verdict: Verdict::WrongAnswer,
                message: Some("the released judge does not take this answer for right".to_owned()),
                ..self
            },
            Judged::Failed => self,
        }
    }

    pub(super) fn compared(comparison: Comparison) -> Decision {
        match comparison {
            Comparison::Match => Decision::new(Verdict::Accepted, None),
            Comparison::Mismatch { explanation } => Decision::new(Verdict::WrongAnswer, explanation),
        }
    }
}

/// A run's outcome with what its driver said, read once for any number of judges.
#[derive(Debug)]
pub struct Ran<'a> {
    pub outcome: &'a Outcome,
    pub(super) record: Result<Option<DriverRecord>, InvalidRecord>,
    /// As in [`DriverRecord::parse_noting`].
    pub(super) made_plain: Option<String>,
}

impl<'a> Ran<'a> {
    pub fn new(outcome: &'a Outcome) -> Ran<'a> {
        let mut made_plain = None;
        let record = DriverRecord::parse_noting(&outcome.result, &mut made_plain);
        Ran { outcome, record, made_plain }
    }

    /// What the function returned, exactly; `None` where it did not, or left traces of another end.
    pub fn returned(&self) -> Option<Cow<'_, Value>> {
        match self.returned_record()? {
            DriverRecord::Ok(value) | DriverRecord::Exact { typed: value, .. } => Some(Cow::Borrowed(value)),
            DriverRecord::Large(large) => Some(Cow::Owned(large.node().value())),
            _ => None,
        }
    }

    /// The same in little room.
    pub fn returned_packed(&self) -> Option<Packed> {
        match self.returned_record()? {
            DriverRecord::Large(large) => Some(large.node().to_packed()),
            _ => self.returned().map(|value| Packed::new(&value)),
        }
    }

    pub(super) fn returned_record(&self) -> Option<&DriverRecord> {
        match (&self.record, self.outcome.end, self.outcome.limit) {
            (Ok(record), End::Exited { code: 0 }, None) => record.as_ref(),
            _ => None,
        }
    }

    /// A hash of the answer that equal answers share, in every process but for whole numbers of more than 400
    /// digits: of the printed words, or of the returned value as data. `None` for an answer that many a wrong solution gives: nothing, one of a few
    /// words such as `NO`, the numbers from -1 to 1.
    pub fn answer_hash(&self) -> Option<u64> {
        if self.is_common_answer() {
            return None;
        }
        // FNV-1a: fixed for ever, and only compared with others of the same tests.
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let mut feed = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        match self.returned_record() {
            Some(DriverRecord::Ok(value) | DriverRecord::Exact { value, .. }) => {
                equality_key(value).into_iter().for_each(&mut feed);
            }
            // Two that are equal by their values alone, and not by their types, are told apart.
            Some(DriverRecord::Large(large)) => large.node().bytes().iter().copied().for_each(&mut feed),
            _ => {
                let words =
                    self.outcome.stdout.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
                words.for_each(|word| word.iter().copied().chain([b' ']).for_each(&mut feed));
            }
        }
        Some(hash)
    }

    pub(super) fn is_large(&self) -> bool {
        matches!(self.record, Ok(Some(DriverRecord::Large(_))))
    }

    pub(super) fn is_common_answer(&self) -> bool {
        if self.is_large() {
            return false;
        }
        const COMMON: [&[u8]; 12] = [
            b"yes",
            b"no",
            b"true",
            b"false",
            b"0",
            b"1",
            b"-1",
            b"none",
            b"null",
            b"possible",
            b"impossible",
            b"error",
        ];
        let is_common = |word: &[u8]| COMMON.contains(&word.to_ascii_lowercase().as_slice());
        match self.returned().as_deref() {
            Some(Value::None | Value::Bool(_) | Value::Int(-1..=1)) => true,
            Some(Value::Str(text)) => text.is_empty() || is_common(text),
            Some(Value::List(items) | Value::Tuple(items)) => items.is_empty(),
            Some(_) => false,
            None => {
                let mut words =
                    self.outcome.stdout.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
                match (words.next(), words.next()) {
                    (None, _) => true,
                    (Some(word), None) => is_common(word),
                    _ => false,
                }
            }
        }
    }

    /// How the run ended, in the words of released judges.
    pub(super) fn ending(&self) -> Ending {
        match (self.outcome.limit, &self.record) {
            (Some(LimitHit::Cpu | LimitHit::Wall), _) => Ending::TimedOut,
            (Some(LimitHit::Memory | LimitHit::Output), _) => Ending::OtherLimit,
            (None, Ok(Some(DriverRecord::Syntax(_)))) => Ending::NotCompiled,
            (None, Ok(Some(DriverRecord::Missing(_)))) => Ending::FunctionNotFound,
            (None, Ok(Some(DriverRecord::Unsupported(_)))) => Ending::UnknownResult,
            (None, Ok(Some(DriverRecord::Raised(text)))) if text.starts_with("MemoryError") => {
                Ending::OtherLimit
            }
            (None, Ok(Some(DriverRecord::Raised(text)))) if text.starts_with("SystemExit") => Ending::Left,
            (None, Ok(Some(DriverRecord::Raised(_)))) => Ending::Raised,
            (None, _) => match self.outcome.end {
                End::Exited { code: 0 } => Ending::Well,
                End::Exited { .. } if said_memory_error(&self.outcome.stderr) => Ending::OtherLimit,
                // Which of the two it was shows in the text alone; a forger fools a judge that is
                // known to be faulty.
                End::Exited { .. } => {
                    match contains(&self.outcome.stderr, b"Traceback (most recent call last)") {
                        true => Ending::Raised,
                        false => Ending::Left,
                    }
                }
                End::Signaled { signal: libc::SIGXCPU } => Ending::TimedOut,
                End::Signaled { signal: libc::SIGXFSZ } => Ending::OtherLimit,
                End::Signaled { .. } => Ending::Killed,
            },
        }
    }
}

pub(super) fn contains(text: &[u8], words: &[u8]) -> bool {
    text.windows(words.len()).any(|window| window == words)
}

pub(super) fn decide_limit(outcome: &Outcome) -> Option<Decision> {
    let usage = &outcome.usage;
    if let Some(lacks) = &outcome.lacks {
        let message = format!("the runner does not have what the solution needs: {lacks}");
        return Some(Decision::new(Verdict::Undecided, message).because(Cause::Unsupported));
    }
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
pub(super) fn decide_end(outcome: &Outcome) -> Option<Decision> {
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
pub(super) fn said_memory_error(stderr: &[u8]) -> bool {
    last_line(stderr).starts_with("MemoryError")
}

pub(super) fn last_line(text: &[u8]) -> String {
    let end = text.trim_ascii_end();
    let start = end.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    String::from_utf8_lossy(&end[start..]).into_owned()
}

/// One line, bounded, with nothing in it that a terminal would act on.
pub(super) fn bounded(text: &str) -> String {
    crate::value::escape_bytes(text.as_bytes(), MESSAGE_BYTES)
}
