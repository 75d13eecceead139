//! What a decision about a limit says: what was used, and what the limit is.

use super::decision::{Cause, Decision, Verdict};
use crate::{
    limits::{Limits, show_bytes},
    sandbox::{End, LimitHit, Outcome},
};

impl Decision {
    /// The decision with what was used and what the limit is, where a limit is what it is about.
    pub fn with_limits(self, outcome: &Outcome, limits: &Limits) -> Decision {
        let of_limit = match self.verdict {
            Verdict::TimeLimit if self.cause == Some(Cause::WallTime) => {
                format!("the limit is {} ms of wall time", limits.wall_ms)
            }
            Verdict::TimeLimit if outcome.usage.fuel.is_some() => {
                format!("the limit is {} million units of fuel", limits.cpu_ms)
            }
            Verdict::TimeLimit => format!("the limit is {} ms", limits.cpu_ms),
            Verdict::MemoryLimit => memory_words(outcome.usage.memory_bytes, limits.memory_bytes),
            Verdict::OutputLimit if outcome.limit == Some(LimitHit::Output) => output_words(outcome, limits),
            Verdict::OutputLimit if outcome.end == (End::Signaled { signal: libc::SIGXFSZ }) => {
                format!("the limit is {}", show_bytes(limits.file_bytes))
            }
            Verdict::OutputLimit => format!("the limit is {}", show_bytes(limits.output_bytes)),
            _ => return self,
        };
        let message = self.message.map_or(of_limit.clone(), |message| format!("{message}; {of_limit}"));
        Decision { message: Some(message), ..self }
    }
}

fn memory_words(used: u64, limit: u64) -> String {
    let shown = show_bytes(limit);
    match used {
        0 => format!("the limit is {shown}"),
        // What was asked for and not given was never used.
        _ if used <= limit => format!("used {} and asked for more; the limit is {shown}", show_bytes(used)),
        _ if used - limit < limit / 100 => format!("used {used} bytes; the limit is {limit} ({shown})"),
        _ => format!("used {}; the limit is {shown}", show_bytes(used)),
    }
}

fn output_words(outcome: &Outcome, limits: &Limits) -> String {
    let is_full = |captured: &[u8]| captured.len() as u64 >= limits.output_bytes;
    let limit = show_bytes(limits.output_bytes);
    match (is_full(&outcome.stdout), is_full(&outcome.stderr)) {
        (true, _) => format!("printed more than {limit}, which is the limit"),
        (false, true) => format!("printed more than {limit} to standard error, which is the limit"),
        (false, false) => {
            format!("wrote more into files than may be; the limit is {}", show_bytes(limits.file_bytes))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Usage;

    #[test]
    fn what_was_used_and_what_the_limit_is() {
        let limits = Limits { memory_bytes: 64 << 20, output_bytes: 4, ..Limits::default() };
        let message = |verdict, cause, limit, memory_bytes, stdout: &[u8], stderr: &[u8]| {
            let outcome = Outcome {
                usage: Usage { memory_bytes, ..Usage::default() },
                stdout: stdout.to_vec(),
                stderr: stderr.to_vec(),
                ..Outcome::silent(End::Exited { code: 1 }, limit)
            };
            let decision = Decision { cause, ..Decision::new(verdict, "said".to_owned()) };
            decision.with_limits(&outcome, &limits).message.unwrap()
        };
        let memory = |used| message(Verdict::MemoryLimit, None, Some(LimitHit::Memory), used, b"", b"");
        assert_eq!(memory(0), "said; the limit is 64 MiB");
        assert_eq!(memory(60 << 20), "said; used 60 MiB and asked for more; the limit is 64 MiB");
        assert_eq!(memory((64 << 20) + 4_096), "said; used 67112960 bytes; the limit is 67108864 (64 MiB)");
        assert_eq!(memory(80 << 20), "said; used 80 MiB; the limit is 64 MiB");
        let output =
            |stdout, stderr| message(Verdict::OutputLimit, None, Some(LimitHit::Output), 0, stdout, stderr);
        assert_eq!(output(b"1234", b""), "said; printed more than 4 bytes, which is the limit");
        assert_eq!(
            output(b"", b"1234"),
            "said; printed more than 4 bytes to standard error, which is the limit"
        );
        assert_eq!(output(b"", b""), "said; wrote more into files than may be; the limit is 64 MiB");
        let time = |cause, limit| message(Verdict::TimeLimit, cause, Some(limit), 0, b"", b"");
        assert_eq!(time(None, LimitHit::Cpu), "said; the limit is 4000 ms");
        assert_eq!(time(Some(Cause::WallTime), LimitHit::Wall), "said; the limit is 14000 ms of wall time");
        assert_eq!(message(Verdict::WrongAnswer, None, None, 0, b"", b""), "said");
    }
}
