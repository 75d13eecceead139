//! One judge's word on a whole submission, gathered test by test.

use super::decision::{Cause, Decision, Verdict};
use crate::judge::Compare;

/// Gathers one judge's decisions in the order of the tests. A judge looks no further than the first
/// test that fails, or than the first whose code counts as true.
#[derive(Debug, Clone)]
pub struct Tally {
    compare: Compare,
    word: Option<JudgedBy>,
}

/// What another judge says of the same outcomes.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedBy {
    pub compare: Compare,
    pub verdict: Verdict,
    pub cause: Option<Cause>,
    /// 0-based index of the test that decided; `None` where all passed.
    pub test: Option<usize>,
    /// Where a run that did not pass counted as passed: what it came to in truth.
    pub counted: Option<Verdict>,
    /// One bounded line for a person.
    pub message: Option<String>,
}

impl Tally {
    pub fn new(compare: Compare) -> Tally {
        Tally { compare, word: None }
    }

    /// Whether further tests cannot change the word.
    pub fn is_settled(&self) -> bool {
        self.word.is_some()
    }

    pub fn compare(&self) -> Compare {
        self.compare
    }

    /// Adds the decision on the next test.
    pub fn add(&mut self, test: usize, decision: &Decision) {
        let settles = decision.verdict != Verdict::Accepted || decision.counted.is_some();
        if self.word.is_none() && settles {
            self.word = Some(JudgedBy {
                compare: self.compare,
                verdict: decision.verdict,
                cause: decision.cause,
                test: Some(test),
                counted: decision.counted,
                message: decision.message.clone(),
            });
        }
    }

    /// The word after the last test.
    pub fn finish(self) -> JudgedBy {
        let Tally { compare, word } = self;
        let accepted = JudgedBy {
            compare,
            verdict: Verdict::Accepted,
            cause: None,
            test: None,
            counted: None,
            message: None,
        };
        word.unwrap_or(accepted)
    }
}
