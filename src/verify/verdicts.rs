//! From outcomes to the report: every judge's word on each test, and the sum of them.

use crate::{
    report::{Isolation, Report, ShownRoom, TestReport},
    sandbox::{End, Outcome, Tier},
    submission::{ShowOutput, Stop, Submission, Tests},
    verdict::{
        self, Decision, Ran, Verdict,
        code::{CodeDecision, Conversation},
        tally::Tally,
    },
};

/// Most bytes of captured output that a report shows, per stream.
const SHOWN_BYTES: usize = 16_384;

/// The words on the tests so far: the submission's own rule, and the further judges it names.
pub struct Judging {
    /// One entry for each test judged so far.
    pub tests: Vec<TestReport>,
    /// For tests that hold code: where it ran.
    pub isolation: Option<Isolation>,
    own: Tally,
    also: Vec<Tally>,
    /// What is left for output that is shown.
    room: ShownRoom,
}

impl Judging {
    pub fn by_all(submission: &Submission) -> Judging {
        let also = submission.also.iter().copied().map(Tally::new).collect();
        Judging { also, ..Judging::by_one(submission) }
    }

    pub fn by_one(submission: &Submission) -> Judging {
        Judging {
            tests: Vec::new(),
            isolation: None,
            own: Tally::new(submission.compare),
            also: Vec::new(),
            room: ShownRoom::default(),
        }
    }

    /// Every judge's decision on the next test; none of them needs a run of its own. `false`: nothing was
    /// decided, since the run shared a process and somebody would not accept it.
    pub fn add(&mut self, submission: &Submission, outcome: &Outcome) -> bool {
        let (ran, index) = (Ran::new(outcome), self.tests.len());
        let decide = |compare| {
            let decision = match &submission.tests {
                Tests::Program(tests) => verdict::decide_program(&ran, &tests[index], compare),
                Tests::Function { tests, .. } => verdict::decide_function(&ran, &tests[index], compare),
                Tests::Code(_) => unreachable!("tests that hold code are decided by `add_code`"),
            };
            decision.with_limits(outcome, &submission.limits)
        };
        let accepted = |decision: &Decision| decision.verdict == Verdict::Accepted;
        let decision = decide(submission.compare);
        let open = |tally: &Tally| (!tally.is_settled()).then(|| decide(tally.compare()));
        let also: Vec<_> = self.also.iter().map(open).collect();
        if outcome.in_series && !(accepted(&decision) && also.iter().flatten().all(accepted)) {
            return false;
        }
        for (tally, decision) in self.also.iter_mut().zip(&also) {
            if let Some(decision) = decision {
                tally.add(index, decision);
            }
        }
        self.own.add(index, &decision);
        self.tests.push(test_report(decision, &ran, submission, &mut self.room));
        true
    }

    /// The decision on the next test that holds code. `share`: its part of the run's CPU time.
    pub fn add_code(
        &mut self,
        submission: &Submission,
        decided: CodeDecision,
        conversation: &Conversation,
        share: f64,
    ) {
        let CodeDecision { decision, wall, by_end } = decided;
        let decision = decision.with_limits(&conversation.solution, &submission.limits);
        let index = self.tests.len();
        for tally in self.also.iter_mut().filter(|tally| !tally.is_settled()) {
            tally.add(index, &decision);
        }
        self.own.add(index, &decision);
        let report = test_report(decision, &Ran::new(&conversation.solution), submission, &mut self.room);
        // How the solution's process ended says something of the test in which it did.
        let (exit_code, signal) = if by_end { (report.exit_code, report.signal) } else { (None, None) };
        let wall_ms = wall.as_secs_f64() * 1000.0;
        let (cpu_ms, answer_hash) = (report.cpu_ms * share, None);
        self.tests.push(TestReport { exit_code, signal, cpu_ms, wall_ms, answer_hash, ..report });
    }

    /// The same where somebody else has decided in place of the submission's rule.
    pub fn add_decided(&mut self, submission: &Submission, outcome: &Outcome, decision: Decision) {
        let (ran, index) = (Ran::new(outcome), self.tests.len());
        let decision = decision.with_limits(outcome, &submission.limits);
        if let Tests::Program(tests) = &submission.tests {
            for tally in self.also.iter_mut().filter(|tally| !tally.is_settled()) {
                tally.add(index, &verdict::decide_program(&ran, &tests[index], tally.compare()));
            }
        }
        self.own.add(index, &decision);
        self.tests.push(test_report(decision, &ran, submission, &mut self.room));
    }

    /// The tests are carried out anew, in another way: nothing is decided.
    pub fn begin_again(&mut self, isolation: Isolation) {
        self.tests.clear();
        self.room = ShownRoom::default();
        self.isolation = Some(isolation);
        self.own = Tally::new(self.own.compare());
        self.also = self.also.iter().map(|tally| Tally::new(tally.compare())).collect();
    }

    pub fn stops(&self, submission: &Submission) -> bool {
        submission.stop == Stop::FirstFailure
            && self.own.is_settled()
            && self.also.iter().all(Tally::is_settled)
    }

    /// The submission's verdict is that of its first test that failed.
    pub fn summarise(self, submission: &Submission, tier: Tier) -> Report {
        let total = self.tests.len();
        let own = self.own.finish();
        let reason = own.test.map(|index| {
            let message = own.message.map_or(String::new(), |message| format!(": {message}"));
            match own.counted {
                None => format!("test {index}{message}"),
                Some(verdict) => format!("test {index} is {verdict} and counts as passed{message}"),
            }
        });
        Report {
            id: submission.id.clone(),
            verdict: own.verdict,
            cause: own.cause,
            reason,
            tier: Some(tier.as_str()),
            isolation_of_tests: self.isolation,
            total,
            tests: self.tests,
            also: self.also.into_iter().map(Tally::finish).collect(),
            compile: None,
        }
    }
}

/// One test's entry in the report.
fn test_report(decision: Decision, ran: &Ran, submission: &Submission, room: &mut ShownRoom) -> TestReport {
    let outcome = ran.outcome;
    let shown = match submission.show_output {
        ShowOutput::Never => false,
        ShowOutput::OnFailure => decision.verdict != Verdict::Accepted,
        ShowOutput::Always => true,
    };
    let (exit_code, signal) = match outcome.end {
        End::Exited { code } => (Some(code), None),
        End::Signaled { signal } => (None, Some(signal)),
    };
    TestReport {
        verdict: decision.verdict,
        cause: decision.cause,
        cpu_ms: outcome.usage.cpu.as_secs_f64() * 1000.0,
        wall_ms: outcome.usage.wall.as_secs_f64() * 1000.0,
        memory_bytes: outcome.usage.memory_bytes,
        fuel: outcome.usage.fuel,
        exit_code,
        signal,
        message: decision.message,
        score: decision.score,
        stdout: shown.then(|| excerpt(&outcome.stdout, room)),
        stderr: shown.then(|| excerpt(&outcome.stderr, room)),
        result: decision.result.filter(|_| shown).map(|result| room.take(&result, usize::MAX).into_owned()),
        // Where a program decides, that solutions agree on what it refuses says nothing of the tests.
        answer_hash: match decision.verdict {
            Verdict::WrongAnswer if submission.judge.is_none() => ran.answer_hash(),
            _ => None,
        },
    }
}

/// The first bytes as text, as far as there is room.
fn excerpt(bytes: &[u8], room: &mut ShownRoom) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN_BYTES)]);
    room.take(&text, usize::MAX).into_owned()
}
