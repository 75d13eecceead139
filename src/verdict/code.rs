//! Tests that hold code: what two processes' ends and the tests' records mean together.

use std::time::Duration;

use super::{
    decision::{Cause, Decision, Ran, Verdict, bounded, decide_end, decide_limit},
    driver_record::DriverRecord,
    tests_record::{Tag, TestsRecord},
};
use crate::sandbox::{End, LimitHit, Outcome};

/// One run of the solution and of the tests' code, each in its own cell.
#[derive(Debug)]
pub struct Conversation {
    pub solution: Outcome,
    pub tests: Outcome,
    /// Whether both were one process: `tests` is then its outcome, too.
    pub is_shared: bool,
    /// What an exception's text means that the runner does not have, if anything. The text may be forged:
    /// it makes one failure into another and never a success.
    pub missing: fn(&[u8]) -> Option<String>,
}

impl Conversation {
    /// Of tests that shared the solution's process.
    pub fn shared(outcome: Outcome, missing: fn(&[u8]) -> Option<String>) -> Conversation {
        Conversation { solution: outcome.clone(), tests: outcome, is_shared: true, missing }
    }
}

/// What a conversation comes to.
#[derive(Debug)]
pub enum Word {
    /// About the tests from the first on that the run was asked to carry out; at least one.
    Decided(Vec<CodeDecision>),
    /// The tests need the solution in their own process; the text says why.
    Shared(String),
}

/// The decision on one test.
#[derive(Debug, Clone)]
pub struct CodeDecision {
    pub decision: Decision,
    pub wall: Duration,
    /// Whether the end of a process decided, and not the test.
    pub by_end: bool,
}

/// Decides on `asked` tests, which `may_share` the solution's process. A test is accepted only if a record with the run's nonce says so.
pub fn decide_code(conversation: &Conversation, nonce: &str, asked: usize, may_share: bool) -> Word {
    let records = TestsRecord::parse_all(&conversation.tests.result, nonce);
    let mut decided = Vec::new();
    // In one process the solution is compiled first.
    let mut stage = if conversation.is_shared { Blame::Answered } else { Blame::OfTests };
    for record in &records {
        match (record.test, record.tag) {
            (None, Tag::Shared) if may_share => return Word::Shared(bounded(&record.text)),
            (None, Tag::Done) => {}
            (Some(test), Tag::Met) if test == decided.len() => stage = Blame::Answered,
            (_, Tag::Met) => stage = Blame::OfTests,
            // About all of them.
            (None, _) => return Word::Decided(vec![decide_record(record, conversation, stage); asked]),
            (Some(index), _) if index == decided.len() && index < asked => {
                decided.push(decide_record(record, conversation, stage));
                stage = Blame::OfTests;
            }
            (Some(_), _) => break,
        }
    }
    let stopped = decided.last().is_some_and(|last| last.decision.verdict != Verdict::Accepted);
    if decided.is_empty() || (decided.len() < asked && !stopped) {
        // The tests' process did not come to this test's end, and could not say why.
        let decision = decide_lost(conversation, stage);
        decided.push(CodeDecision { decision, wall: conversation.tests.usage.wall, by_end: true });
    }
    if let Some(over) = over_the_time_limit(conversation, &decided) {
        let wall = decided[over].wall;
        decided.truncate(over);
        decided.push(CodeDecision { decision: decide_gone(&conversation.solution), wall, by_end: true });
    }
    Word::Decided(decided)
}

/// Whose doing it is what happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blame {
    /// The tests are read, or nothing has been asked of the solution in the test that is not decided yet.
    OfTests,
    /// The solution is being loaded, or has answered: what comes of that is its own.
    Answered,
}

/// The accepted test that used more CPU time than one may, of a solution that came to its end before it could be
/// stopped for that. A test's time is told by its part of the wall time; what is stopped is stopped before it has
/// used a ninth more than it may, so that less than eight ninths of it are within the limit.
fn over_the_time_limit(conversation: &Conversation, decided: &[CodeDecision]) -> Option<usize> {
    if conversation.solution.limit != Some(LimitHit::Cpu) {
        return None;
    }
    let whole: Duration = decided.iter().map(|one| one.wall).sum();
    let is_over = |one: &CodeDecision| {
        one.decision.verdict == Verdict::Accepted && (decided.len() == 1 || one.wall * 9 >= whole * 8)
    };
    decided.iter().position(is_over)
}

fn decide_record(record: &TestsRecord, conversation: &Conversation, stage: Blame) -> CodeDecision {
    let text = bounded(&record.text);
    if let Some(decision) = decide_lacking(record.tag, &text, conversation) {
        return CodeDecision { decision, wall: record.wall, by_end: false };
    }
    let has_waited = text == "idle" && conversation.solution.limit == Some(LimitHit::Wall);
    let decision = match record.tag {
        Tag::Passed => Decision::new(Verdict::Accepted, None),
        Tag::Failed => Decision::new(Verdict::WrongAnswer, text),
        Tag::Raised if text.starts_with("MemoryError") => {
            Decision::new(Verdict::MemoryLimit, "the solution could not allocate memory".to_owned())
        }
        Tag::Raised => runtime_error(format!("the solution raised {text}")),
        Tag::Tripped => runtime_error(text),
        Tag::Missing => runtime_error(text).because(Cause::FunctionNotFound),
        Tag::Garbled => {
            runtime_error(format!("the solution's process said something that is no answer ({text})"))
        }
        Tag::Unsupported => unsupported(text),
        Tag::Broken => bad_tests(text),
        Tag::Over if stage == Blame::Answered => {
            Decision::new(Verdict::TimeLimit, "the test went on beyond the wall limit".to_owned())
                .because(Cause::WallTime)
        }
        Tag::Over => bad_tests("the tests' own code went on beyond the wall limit".to_owned()),
        // Its wall time goes on while the tests compute.
        Tag::Gone if has_waited && stage == Blame::OfTests => {
            bad_tests("the tests' own code kept the solution waiting beyond the wall limit".to_owned())
        }
        Tag::Gone => decide_gone(&conversation.solution),
        Tag::Shared => unsupported(format!(
            "the tests need the solution in their own process, which is not allowed: {text}"
        )),
        Tag::Met | Tag::Done => bad_tests("the tests' records are out of order".to_owned()),
    };
    CodeDecision { decision, wall: record.wall, by_end: record.tag == Tag::Gone }
}

/// Where the text of an exception says that the runner lacks something.
fn decide_lacking(tag: Tag, text: &str, conversation: &Conversation) -> Option<Decision> {
    if !matches!(tag, Tag::Raised | Tag::Tripped | Tag::Broken) {
        return None;
    }
    let raised = text.strip_prefix("the tests raised ").unwrap_or(text);
    let lacks = (conversation.missing)(raised.as_bytes())?;
    Some(unsupported(format!("the runner does not have what is needed: {lacks}")))
}

fn runtime_error(text: String) -> Decision {
    Decision::new(Verdict::RuntimeError, text)
}

fn unsupported(text: String) -> Decision {
    Decision::new(Verdict::Undecided, text).because(Cause::Unsupported)
}

fn bad_tests(text: String) -> Decision {
    Decision::new(Verdict::Undecided, text).because(Cause::BadTests)
}

/// The solution's process ended while a test needed it.
fn decide_gone(solution: &Outcome) -> Decision {
    if let Some(decision) = decide_limit(solution) {
        return decision;
    }
    if let Ok(Some(DriverRecord::Syntax(text))) = &Ran::new(solution).record {
        return Decision::new(Verdict::CompileError, bounded(text));
    }
    let left = || runtime_error("the solution ended before the test had".to_owned());
    decide_end(solution).unwrap_or_else(left)
}

/// The tests' process ended without a word on the test: it was not waiting for the solution, whose end it
/// would have told. Once the solution has answered, what the test does with the answer is its doing: else an
/// endless or a huge answer would be a way not to be judged.
fn decide_lost(conversation: &Conversation, stage: Blame) -> Decision {
    let Conversation { solution, tests, is_shared, .. } = conversation;
    let has_met = stage == Blame::Answered;
    if *is_shared && has_met {
        return decide_gone(solution);
    }
    match tests.limit {
        // What the solution returned counts as the solution's memory.
        Some(LimitHit::Memory) => Decision::new(
            Verdict::MemoryLimit,
            "the tests' process ran out of memory with what the solution returned".to_owned(),
        ),
        Some(LimitHit::Cpu | LimitHit::Wall) if has_met => {
            let used = tests.usage.cpu.as_millis();
            let message = format!("the test used {used} ms of CPU time with what the solution returned");
            Decision::new(Verdict::TimeLimit, message)
        }
        Some(LimitHit::Cpu) => {
            bad_tests(format!("the tests' own code used {} ms of CPU time", tests.usage.cpu.as_millis()))
        }
        Some(LimitHit::Wall) => bad_tests("the tests' own code did not end".to_owned()),
        Some(LimitHit::Output) => bad_tests("the tests' own code printed too much".to_owned()),
        None if has_met && matches!(tests.end, End::Signaled { .. }) => {
            runtime_error("the test crashed on what the solution returned".to_owned())
        }
        None => bad_tests("the tests ended before they were through".to_owned()),
    }
}

#[cfg(test)]
mod tests;
