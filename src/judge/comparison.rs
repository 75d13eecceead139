//! What a comparison came to.

/// The outcome of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    Match,
    /// `explanation` is one bounded line for a person, safe to print on a terminal.
    Mismatch {
        explanation: String,
    },
}

impl Comparison {
    pub fn is_match(&self) -> bool {
        matches!(self, Comparison::Match)
    }

    pub fn mismatch(explanation: String) -> Comparison {
        Comparison::Mismatch { explanation }
    }
}

/// Compares with each of several accepted answers; explains the difference to the first.
pub fn compare_with_any<T>(accepted: &[T], compare: impl Fn(&T) -> Comparison) -> Comparison {
    let Some((first, others)) = accepted.split_first() else {
        return Comparison::mismatch("no answer is accepted".to_owned());
    };
    let Comparison::Mismatch { mut explanation } = compare(first) else { return Comparison::Match };
    if others.iter().any(|other| compare(other).is_match()) {
        return Comparison::Match;
    }
    if !others.is_empty() {
        explanation.push_str(&format!(" (nor is it any of {} other accepted answers)", others.len()));
    }
    Comparison::mismatch(explanation)
}
