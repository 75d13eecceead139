use super::*;
use crate::value::{Value, marshal};

fn outcome(end: End, limit: Option<LimitHit>, result: Vec<u8>) -> Outcome {
    Outcome { result, ..Outcome::silent(end, limit) }
}

fn ended_well() -> Outcome {
    outcome(End::Exited { code: 0 }, None, Vec::new())
}

fn records(of: &[(i64, &str, &str)]) -> Vec<u8> {
    let frame = |(index, tag, text): &(i64, &str, &str)| {
        let parts =
            vec![Value::str("n"), Value::Int(*index), Value::str(tag), Value::str(text), Value::Int(1)];
        let record = marshal::encode(&Value::Tuple(parts)).unwrap();
        [&(record.len() as u32).to_le_bytes()[..], &record].concat()
    };
    of.iter().flat_map(frame).collect()
}

fn verdicts(solution: Outcome, tests: Outcome, asked: usize) -> Vec<(Verdict, Option<Cause>)> {
    match decide_code(
        &Conversation { solution, tests, is_shared: false, missing: |_| None },
        "n",
        asked,
        true,
    ) {
        Word::Decided(all) => all.iter().map(|one| (one.decision.verdict, one.decision.cause)).collect(),
        Word::Shared(_) => Vec::new(),
    }
}

#[test]
fn each_record_has_its_verdict() {
    for (tag, verdict, cause) in [
        ("passed", Verdict::Accepted, None),
        ("failed", Verdict::WrongAnswer, None),
        ("raised", Verdict::RuntimeError, None),
        ("missing", Verdict::RuntimeError, Some(Cause::FunctionNotFound)),
        ("tripped", Verdict::RuntimeError, None),
        ("garbled", Verdict::RuntimeError, None),
        ("broken", Verdict::Undecided, Some(Cause::BadTests)),
        ("unsupported", Verdict::Undecided, Some(Cause::Unsupported)),
        ("gone", Verdict::RuntimeError, None),
    ] {
        let tests = outcome(End::Exited { code: 0 }, None, records(&[(0, tag, "why"), (-1, "done", "")]));
        assert_eq!(verdicts(ended_well(), tests, 1), [(verdict, cause)], "{tag}");
    }
}

#[test]
fn silence_is_never_a_pass() {
    let lost = (Verdict::Undecided, Some(Cause::BadTests));
    assert_eq!(verdicts(ended_well(), ended_well(), 2), [lost]);
    let only_done = outcome(End::Exited { code: 0 }, None, records(&[(-1, "done", "")]));
    assert_eq!(verdicts(ended_well(), only_done, 1), [lost]);
    let first_only = outcome(End::Exited { code: 0 }, None, records(&[(0, "passed", "")]));
    assert_eq!(verdicts(ended_well(), first_only, 2), [(Verdict::Accepted, None), lost]);
    let out_of_order = outcome(End::Exited { code: 0 }, None, records(&[(1, "passed", "")]));
    assert_eq!(verdicts(ended_well(), out_of_order, 2), [lost]);
    // A record of the solution's own says nothing.
    let forged = outcome(End::Exited { code: 0 }, None, records(&[(0, "passed", "")]));
    assert_eq!(verdicts(forged, ended_well(), 1), [lost]);
}

/// It came to its end before the kernel could stop it, and had used more than it may.
#[test]
fn what_ended_over_the_time_limit_has_not_passed() {
    let over = || outcome(End::Exited { code: 0 }, Some(LimitHit::Cpu), Vec::new());
    let passed = |of: &[(i64, &str, &str)]| outcome(End::Exited { code: 0 }, None, records(of));
    let one = passed(&[(0, "passed", ""), (-1, "done", "")]);
    assert_eq!(verdicts(over(), one, 1), [(Verdict::TimeLimit, None)]);
    // Of several none has used it all: each has the same part of the wall time.
    let two = passed(&[(0, "passed", ""), (1, "passed", ""), (-1, "done", "")]);
    assert_eq!(verdicts(over(), two, 2), [(Verdict::Accepted, None); 2]);
}

#[test]
fn limits_count_for_whom_they_hold() {
    let killed = |limit| outcome(End::Signaled { signal: 9 }, Some(limit), Vec::new());
    let heard = || outcome(End::Exited { code: 0 }, None, records(&[(0, "gone", "")]));
    assert_eq!(verdicts(killed(LimitHit::Cpu), heard(), 3), [(Verdict::TimeLimit, None)]);
    assert_eq!(verdicts(killed(LimitHit::Memory), heard(), 3), [(Verdict::MemoryLimit, None)]);
    let bad = (Verdict::Undecided, Some(Cause::BadTests));
    assert_eq!(verdicts(ended_well(), killed(LimitHit::Cpu), 1), [bad]);
    assert_eq!(verdicts(ended_well(), killed(LimitHit::Memory), 1), [(Verdict::MemoryLimit, None)]);
    let met = |limit| outcome(End::Signaled { signal: 9 }, limit, records(&[(0, "met", "")]));
    assert_eq!(verdicts(ended_well(), met(Some(LimitHit::Cpu)), 1), [(Verdict::TimeLimit, None)]);
    assert_eq!(verdicts(ended_well(), met(Some(LimitHit::Output)), 1), [bad]);
    assert_eq!(verdicts(ended_well(), met(None), 1), [(Verdict::RuntimeError, None)]);
    // About the whole: the solution could not be loaded.
    let tests = outcome(End::Exited { code: 0 }, None, records(&[(-1, "raised", "ValueError: x")]));
    assert_eq!(verdicts(ended_well(), tests, 2), [(Verdict::RuntimeError, None); 2]);
}
