//! The answer to a submission: its verdict and one entry per test.

use std::borrow::Cow;

use crate::{
    compile::CompileReport,
    submission::Id,
    verdict::{Cause, Verdict, tally::JudgedBy},
};

/// Where tests that hold code ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Isolation {
    /// In a cell of their own: the solution saw nothing of the tests but what they passed to it.
    Separate,
    /// In the solution's process, since these tests cannot be separated from it. A weaker protection.
    Shared { why: String },
}

impl Isolation {
    pub fn as_str(&self) -> &'static str {
        match self {
            Isolation::Separate => "separate",
            Isolation::Shared { .. } => "shared",
        }
    }
}

/// The verdict of a submission.
#[derive(Debug, Clone)]
pub struct Report {
    pub id: Option<Id>,
    pub verdict: Verdict,
    pub cause: Option<Cause>,
    /// One line for a person: which test, what was expected of it, or what went wrong.
    pub reason: Option<String>,
    /// Isolation tier that the solution ran in, such as `namespaces`; `None` if nothing ran.
    pub tier: Option<&'static str>,
    /// `None` for tests that hold no code, and where nothing ran.
    pub isolation_of_tests: Option<Isolation>,
    /// One entry per test, in the order given. Empty only when nothing could be run.
    pub tests: Vec<TestReport>,
    /// Number of tests asked for (`tests` may be empty when nothing ran).
    pub total: usize,
    /// Verdicts of the submission's further rules ([`crate::submission::Submission::also`]), in their order; empty if
    /// nothing ran.
    pub also: Vec<JudgedBy>,
    /// How the solution was compiled; `None` in languages that are not compiled.
    pub compile: Option<CompileReport>,
}

impl Report {
    /// Marks this report of a failed run as not deterministic: other runs, `accepted` of `runs`, were accepted.
    pub fn not_deterministic(mut self, accepted: u32, runs: u32) -> Report {
        let first = self.reason.map_or(String::new(), |reason| format!("; {reason}"));
        self.reason = Some(format!("accepted in {accepted} of {runs} runs{first}"));
        self.cause = Some(Cause::NotDeterministic);
        self
    }

    pub fn passed(&self) -> usize {
        self.tests.iter().filter(|test| test.verdict == Verdict::Accepted).count()
    }

    /// 0-based index of the first test that ran and was not accepted.
    pub fn first_failing_test(&self) -> Option<usize> {
        self.tests.iter().position(|test| !matches!(test.verdict, Verdict::Accepted | Verdict::Skipped))
    }

    /// CPU time of all tests that ran, milliseconds.
    pub fn cpu_ms(&self) -> f64 {
        self.tests.iter().map(|test| test.cpu_ms).sum()
    }

    /// A report without runs: the submission could not be decided.
    pub fn undecided(id: Option<Id>, cause: Cause, reason: impl Into<String>, total: usize) -> Report {
        Report {
            id,
            verdict: Verdict::Undecided,
            cause: Some(cause),
            reason: Some(reason.into()),
            tier: None,
            isolation_of_tests: None,
            tests: Vec::new(),
            total,
            also: Vec::new(),
            compile: None,
        }
    }
}

/// Room that is left for captured output and results in a report, bytes of its JSON. A character that JSON writes with
/// six bytes counts six.
#[derive(Debug)]
pub struct ShownRoom(usize);

/// A report keeps at most this much captured output to be shown. Output of later tests is left out first.
const SHOWN_BYTES_PER_REPORT: usize = 3 << 20;

impl Default for ShownRoom {
    fn default() -> ShownRoom {
        ShownRoom(SHOWN_BYTES_PER_REPORT)
    }
}

impl ShownRoom {
    pub fn new(bytes: usize) -> ShownRoom {
        ShownRoom(bytes)
    }

    /// The beginning of `text` that fits the room and `most` bytes of JSON, followed by a note of how many bytes were left
    /// out.
    pub fn take<'a>(&mut self, text: &'a str, most: usize) -> Cow<'a, str> {
        let room = self.0.min(most);
        let (mut end, mut used) = (0, 0);
        for character in text.chars() {
            let bytes = json_bytes(character);
            if used + bytes > room {
                break;
            }
            used += bytes;
            end += character.len_utf8();
        }
        self.0 -= used;
        match text.len() - end {
            0 => Cow::Borrowed(text),
            more => Cow::Owned(format!("{}[... {more} more bytes not shown]", &text[..end])),
        }
    }
}

/// Bytes that a character of a string takes in our JSON.
fn json_bytes(character: char) -> usize {
    match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        _ if is_escaped(character) => 6,
        other => other.len_utf8(),
    }
}

/// Whether a character is escaped because a terminal may act on it: controls, and marks that reorder text.
pub fn is_escaped(character: char) -> bool {
    matches!(character, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What happened in one test.
#[derive(Debug, Clone)]
pub struct TestReport {
    pub verdict: Verdict,
    pub cause: Option<Cause>,
    /// CPU time of the run's whole process tree, milliseconds.
    pub cpu_ms: f64,
    pub wall_ms: f64,
    /// Peak resident memory of the run, bytes. For a run that shared a process with earlier runs: the peak of that process
    /// so far.
    pub memory_bytes: u64,
    /// What a deterministic run carried out, in units of fuel.
    pub fuel: Option<u64>,
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
    /// One line for a person, such as the first line that differs.
    pub message: Option<String>,
    /// What a checker gave for an output that is partly right.
    pub score: Option<f64>,
    /// Captured output, bounded, shown on failure or when asked; `None` where not shown.
    pub stdout: Option<String>,
    pub stderr: Option<String>,
    /// The returned value of a function test, as Python would print it, shown as `stdout` is.
    pub result: Option<String>,
    /// For a wrong answer, a hash of the printed words, or of the result as data. Equal answers have equal hashes, also in
    /// other processes of proofbox.
    pub answer_hash: Option<u64>,
}

impl TestReport {
    pub fn skipped() -> TestReport {
        TestReport {
            verdict: Verdict::Skipped,
            cause: None,
            cpu_ms: 0.0,
            wall_ms: 0.0,
            memory_bytes: 0,
            fuel: None,
            exit_code: None,
            signal: None,
            message: None,
            score: None,
            stdout: None,
            stderr: None,
            result: None,
            answer_hash: None,
        }
    }
}
