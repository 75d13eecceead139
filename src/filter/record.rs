//! The decision on one row: a record of the journal and a line of the verdict table.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    dataset::{problem::Problem, row::Decision},
    judge::Compare,
    report::{Report, TestReport},
    verdict::{Cause, Verdict, tally::JudgedBy},
};

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Keep,
    Drop,
    /// Kept without being verified: not code.
    PassThrough,
}

impl Action {
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Keep => "keep",
            Action::Drop => "drop",
            Action::PassThrough => "pass_through",
        }
    }

    /// Whether the row is written to the output.
    pub fn keeps(self) -> bool {
        self != Action::Drop
    }
}

/// Characters of a reason; it is one line for a person, not a log.
const MAX_REASON_CHARS: usize = 300;

/// The decision on one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowRecord {
    /// 0-based index in the input.
    pub row: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    pub action: Action,
    /// Everything from here on is `None` for rows that are not code.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "verdict_word",
        deserialize_with = "verdict_of_word"
    )]
    pub verdict: Option<Verdict>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "cause_word",
        deserialize_with = "cause_of_word"
    )]
    pub cause: Option<Cause>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_failing_test: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ms: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Verdicts of the further judges, in the order in which they were named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<OtherWord>,
    /// Data for an audit of the tests, if one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<RowAudit>,
}

/// Another judge's verdict on a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OtherWord {
    #[serde(serialize_with = "verdict_word", deserialize_with = "verdict_of_word")]
    pub verdict: Option<Verdict>,
    /// The true verdict of a run that this judge counts as passed.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "verdict_word",
        deserialize_with = "verdict_of_word"
    )]
    pub counted: Option<Verdict>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Which row a record is for, and what the summary groups it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowKey {
    pub row: u64,
    pub domain: Option<String>,
    pub source: Option<String>,
}

impl RowRecord {
    /// A row that is not code.
    pub fn not_code(key: RowKey, action: Action) -> RowRecord {
        RowRecord {
            row: key.row,
            domain: key.domain,
            source: key.source,
            action,
            verdict: None,
            cause: None,
            passed: None,
            total: None,
            first_failing_test: None,
            cpu_ms: None,
            reason: None,
            also: Vec::new(),
            audit: None,
        }
    }

    /// A row that was decided without a run.
    pub fn decided(key: RowKey, decision: Decision, also: &[Compare]) -> RowRecord {
        RowRecord {
            also: also.iter().map(|_| OtherWord::same(decision.verdict)).collect(),
            verdict: Some(decision.verdict),
            cause: Some(decision.cause),
            passed: Some(0),
            total: decision.total.map(|total| total as u64),
            cpu_ms: Some(0.0),
            reason: Some(one_line(&decision.reason)),
            ..RowRecord::not_code(key, Action::Drop)
        }
    }

    /// A row that was verified. `note` says which code block was taken; `also` are the further
    /// judges that were asked.
    pub fn verified(key: RowKey, report: &Report, note: Option<String>, also: &[Compare]) -> RowRecord {
        let accepted = report.verdict == Verdict::Accepted;
        let reasons: Vec<String> = report.reason.iter().cloned().chain(note).collect();
        RowRecord {
            verdict: Some(report.verdict),
            cause: report.cause,
            passed: Some(report.passed() as u64),
            total: Some(report.total as u64),
            first_failing_test: report.first_failing_test().map(|at| at as u64),
            cpu_ms: Some((report.cpu_ms() * 1000.0).round() / 1000.0),
            reason: (!reasons.is_empty()).then(|| one_line(&reasons.join("; "))),
            also: match report.also.is_empty() {
                // Nothing ran.
                true => also.iter().map(|_| OtherWord::same(report.verdict)).collect(),
                false => report.also.iter().map(OtherWord::of).collect(),
            },
            ..RowRecord::not_code(key, if accepted { Action::Keep } else { Action::Drop })
        }
    }

    /// How another judge's verdict differs from this row's, if only one of the two would keep the row. `None` if both
    /// keep it or neither does.
    pub fn difference(&self, other: &OtherWord) -> Option<String> {
        let (own, others) = (self.verdict?, other.verdict?);
        let is_kept = |verdict| verdict == Verdict::Accepted;
        match (is_kept(own), is_kept(others), other.counted) {
            (false, true, Some(counted)) => Some(format!("{counted} counts as passed")),
            (false, true, None) if self.cause == Some(Cause::NotDeterministic) => {
                Some("judged by one run".to_owned())
            }
            (false, true, None) if own == Verdict::WrongAnswer => Some("wrong answer let through".to_owned()),
            (false, true, None) => Some(format!("{own} ignored")),
            (true, false, _) => Some("right answer refused".to_owned()),
            _ => None,
        }
    }

    /// Whether the row has no verdict because proofbox failed. Tests that cannot be understood, or are of a kind that is
    /// not offered, are the data set's.
    pub fn is_our_fault(&self) -> bool {
        let not_ours = [Some(Cause::BadTests), Some(Cause::Unsupported)];
        self.verdict == Some(Verdict::Undecided) && !not_ours.contains(&self.cause)
    }
}

impl OtherWord {
    fn same(verdict: Verdict) -> OtherWord {
        OtherWord { verdict: Some(verdict), counted: None, test: None, message: None }
    }

    fn of(judged: &JudgedBy) -> OtherWord {
        OtherWord {
            verdict: Some(judged.verdict),
            counted: judged.counted,
            test: judged.test.map(|test| test as u64),
            message: judged.message.as_deref().map(one_line),
        }
    }
}

fn one_line(text: &str) -> String {
    let mut line: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_REASON_CHARS).collect();
    if text.chars().nth(MAX_REASON_CHARS).is_some() {
        line.push('…');
    }
    line
}

fn verdict_word<S: Serializer>(verdict: &Option<Verdict>, to: S) -> Result<S::Ok, S::Error> {
    verdict.map(Verdict::as_str).serialize(to)
}

fn cause_word<S: Serializer>(cause: &Option<Cause>, to: S) -> Result<S::Ok, S::Error> {
    cause.map(Cause::as_str).serialize(to)
}

fn verdict_of_word<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Verdict>, D::Error> {
    let word = String::deserialize(from)?;
    let verdict = Verdict::from_word(&word);
    verdict.map(Some).ok_or_else(|| serde::de::Error::custom(format!("unknown verdict {word}")))
}

fn cause_of_word<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Cause>, D::Error> {
    let word = String::deserialize(from)?;
    let cause = Cause::ALL.into_iter().find(|cause| cause.as_str() == word);
    cause.map(Some).ok_or_else(|| serde::de::Error::custom(format!("unknown cause {word}")))
}

/// What one row's run says about its problem's tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowAudit {
    pub problem: String,
    /// A hash of the solution's words, by which copies are recognised.
    pub code: u64,
    /// A letter per test: `a` accepted, `s` accepted and slow, `t` time limit, `w` wrong answer, `f`
    /// another failure, `-` not run.
    pub tests: String,
    /// Test and hash of the answer, for the first wrong ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<(u32, u64)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contradictions: Vec<(u32, u32)>,
}

impl RowAudit {
    /// `cpu_ms` is the limit of each test.
    pub fn of(problem: Problem, code: u64, report: &Report, cpu_ms: u64) -> RowAudit {
        let letter = |test: &TestReport| match test.verdict {
            Verdict::Accepted if test.cpu_ms >= NEAR_THE_LIMIT * cpu_ms as f64 => 's',
            Verdict::Accepted => 'a',
            Verdict::TimeLimit => 't',
            Verdict::WrongAnswer => 'w',
            Verdict::Skipped | Verdict::Undecided => '-',
            _ => 'f',
        };
        let answers = (0..).zip(&report.tests).filter_map(|(test, found)| Some((test, found.answer_hash?)));
        RowAudit {
            problem: problem.key,
            code,
            tests: report.tests.iter().map(letter).collect(),
            answers: answers.take(MAX_ANSWERS_OF_ROW).collect(),
            contradictions: problem.contradictions,
        }
    }

    /// Whether the solution passes at least half of the tests. Then its failures may be the tests' fault.
    pub(super) fn is_credible(&self) -> bool {
        let passed = self.tests.bytes().filter(|letter| matches!(letter, b'a' | b's')).count();
        passed > 0 && 2 * passed >= self.tests.len()
    }
}

/// An accepted test that took this share of the time limit counts as near the limit.
const NEAR_THE_LIMIT: f64 = 0.6;
/// Wrong answers of one row that are kept.
const MAX_ANSWERS_OF_ROW: usize = 64;
