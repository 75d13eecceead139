//! What a compilation came to. Pure; the compiler itself runs in a cell of its own
//! (`verify/programs.rs`), and what it makes is kept by its content ([`crate::cache`]).

#[cfg(feature = "wasm")]
pub mod wasm;

use std::sync::Arc;

use crate::{
    cache::Weight,
    limits::show_bytes,
    sandbox::{Collected, End, LimitHit, Outcome},
    verdict::Verdict,
};

/// Most bytes of the compiler's messages that are kept.
const MESSAGE_BYTES: usize = 16_384;

/// A finished compilation, whether a program came of it or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Compilation {
    /// The program, or why there is none.
    pub program: Result<Arc<[u8]>, CompileFailure>,
    /// CPU time of the compiler's whole process tree, milliseconds.
    pub cpu_ms: f64,
}

/// The source does not compile, or not within the compiler's limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileFailure {
    /// `compile_error`, or the limit that the compiler went over.
    pub verdict: Verdict,
    /// The compiler's own words, bounded, lines kept, nothing in it that a terminal would act on.
    pub message: String,
}

/// The `compile` section of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct CompileReport {
    /// `accepted`, `compile_error`, the limit that the compiler went over, or, where the compiler for WebAssembly lacks
    /// what the source needs, `undecided`.
    pub verdict: Verdict,
    pub message: Option<String>,
    /// CPU time that compiling took when it was done, milliseconds.
    pub cpu_ms: f64,
    /// Whether the program was there already.
    pub cached: bool,
}

impl Compilation {
    /// Reads what a cell that compiled has to say. Its one collected file is the program.
    pub fn of(outcome: Outcome) -> Compilation {
        let cpu_ms = outcome.usage.cpu.as_secs_f64() * 1000.0;
        Compilation { program: program_of(outcome), cpu_ms }
    }

    pub fn report(&self, cached: bool) -> CompileReport {
        let (verdict, message) = match &self.program {
            Ok(_) => (Verdict::Accepted, None),
            Err(failure) => (failure.verdict, Some(failure.message.clone())),
        };
        CompileReport { verdict, message, cpu_ms: self.cpu_ms, cached }
    }
}

impl CompileFailure {
    /// The first line that tells of an error, else the first line.
    pub fn first_error(&self) -> &str {
        let mut lines = self.message.lines().filter(|line| !line.is_empty());
        let first = lines.clone().next().unwrap_or("the source does not compile");
        lines.find(|line| line.contains("error")).unwrap_or(first)
    }
}

impl Weight for Compilation {
    fn weight_bytes(&self) -> u64 {
        let held = match &self.program {
            Ok(program) => program.len(),
            Err(failure) => failure.message.len(),
        };
        held as u64 + 512
    }
}

fn program_of(outcome: Outcome) -> Result<Arc<[u8]>, CompileFailure> {
    let failed = |verdict, message: String| Err(CompileFailure { verdict, message });
    let over = |what: &str| format!("the compiler {what}");
    match outcome.limit {
        Some(LimitHit::Cpu) => {
            let used = format!("used too much CPU time, {} ms", outcome.usage.cpu.as_millis());
            return failed(Verdict::TimeLimit, over(&used));
        }
        Some(LimitHit::Wall) => return failed(Verdict::TimeLimit, over("did not end in time")),
        Some(LimitHit::Memory) => {
            let used = format!("used too much memory, {}", show_bytes(outcome.usage.memory_bytes));
            return failed(Verdict::MemoryLimit, over(&used));
        }
        Some(LimitHit::Output) => return failed(Verdict::OutputLimit, over("printed too much")),
        None => {}
    }
    let said = printable(&[outcome.stderr.as_slice(), &outcome.stdout].concat());
    match outcome.end {
        End::Exited { code: 0 } => {}
        End::Exited { code } if said.is_empty() => {
            return failed(Verdict::CompileError, over(&format!("ended with exit code {code}")));
        }
        End::Exited { .. } => return failed(Verdict::CompileError, said),
        End::Signaled { signal } => {
            return failed(Verdict::CompileError, over(&format!("was killed by signal {signal}: {said}")));
        }
    }
    match outcome.files.into_iter().next() {
        Some(Collected::Content(program)) => Ok(program.into()),
        Some(Collected::TooLarge) => failed(Verdict::OutputLimit, over("made too large a program")),
        _ => failed(Verdict::CompileError, over("made no program")),
    }
}

/// The text without what a terminal would act on, bounded.
fn printable(text: &[u8]) -> String {
    let shown = &text[..text.len().min(MESSAGE_BYTES)];
    let mut clean: String = String::from_utf8_lossy(shown)
        .chars()
        .filter(|c| matches!(c, '\n' | '\t') || !c.is_control())
        .collect();
    if shown.len() < text.len() {
        clean.push_str(&format!("\n[... {} more bytes not shown]", text.len() - shown.len()));
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Usage;

    fn ended(code: i32, stderr: &str, files: Vec<Collected>) -> Outcome {
        Outcome {
            lacks: None,
            in_series: false,
            end: End::Exited { code },
            limit: None,
            usage: Usage::default(),
            stdout: Vec::new(),
            stderr: stderr.as_bytes().to_vec(),
            result: Vec::new(),
            files,
            ended_at: std::time::Duration::ZERO,
            left_unread: false,
        }
    }

    #[test]
    fn what_a_compiler_leaves_is_read() {
        let program = vec![Collected::Content(b"\x7fELF".to_vec())];
        let made = Compilation::of(ended(0, "a warning", program.clone()));
        assert_eq!(made.program.as_deref(), Ok(&b"\x7fELF"[..]));
        // A program that is there although the compiler failed is none.
        let failed = Compilation::of(ended(1, "x\x1b[31m.cpp:1: error: no\nmore", program.clone()));
        let failure = failed.program.unwrap_err();
        assert_eq!(failure.verdict, Verdict::CompileError);
        assert_eq!(failure.first_error(), "x[31m.cpp:1: error: no");
        for (files, verdict) in [
            (vec![Collected::TooLarge], Verdict::OutputLimit),
            (vec![Collected::Missing], Verdict::CompileError),
            (vec![Collected::NotAFile], Verdict::CompileError),
        ] {
            assert_eq!(Compilation::of(ended(0, "", files)).program.unwrap_err().verdict, verdict);
        }
        let limited = Outcome { limit: Some(LimitHit::Memory), ..ended(0, "", program) };
        assert_eq!(Compilation::of(limited).program.unwrap_err().verdict, Verdict::MemoryLimit);
        let long = Compilation::of(ended(1, &"é\n".repeat(20_000), Vec::new())).program.unwrap_err();
        assert!(long.message.len() < MESSAGE_BYTES + 100);
    }
}
