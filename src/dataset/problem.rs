//! Which problem a row answers: rows with the same tests, and the same checker, answer the same one.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::{
    judge::{Compare, Form},
    submission::Tests,
    value::{Packed, equality_key},
};

/// A problem, known by its tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The first half of the SHA-256 of the tests' text and the checker, hexadecimal.
    pub key: String,
    /// Pairs of tests (0-based) with the same input and no output that both accept.
    pub contradictions: Vec<(u32, u32)>,
}

/// Contradictions that are kept of one problem.
const MAX_CONTRADICTIONS: usize = 20;

impl Problem {
    /// `compare` says when two expected answers are the same. Where a checker decides, answers of the same input
    /// may differ and contradict nothing.
    pub fn of(text: &str, tests: &Tests, compare: Compare, checker: Option<&str>) -> Problem {
        let mut digest = Sha256::new_with_prefix(text.as_bytes());
        if let Some(checker) = checker {
            digest.update([0xff]);
            digest.update(checker.as_bytes());
        }
        let key = digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let contradictions = if checker.is_some() { Vec::new() } else { contradictions(tests, compare) };
        Problem { key, contradictions }
    }
}

fn contradictions(tests: &Tests, compare: Compare) -> Vec<(u32, u32)> {
    match tests {
        Tests::Program(tests) => disagreements(
            tests,
            |test| test.stdin.trim_ascii_end().to_vec(),
            |one, other| {
                one.accepted_stdout
                    .iter()
                    .any(|answer| compare.output(answer, &other.accepted_stdout).is_match())
            },
        ),
        Tests::Function { tests, .. } => disagreements(
            tests,
            |test| {
                let mut input = equality_key(&test.args.value());
                input.extend(equality_key(&test.kwargs.value()));
                input
            },
            |one, other| {
                let agrees =
                    |answer: &Packed| compare.packed(Form::AsItIs, answer.root(), &other.accepted).is_match();
                one.accepted.iter().any(agrees)
            },
        ),
        // A code test holds what it expects in its code, which cannot be compared here.
        Tests::Code(_) => Vec::new(),
    }
}

/// Pairs of the first test with an input and a later test with that input, where neither accepts an answer of the other.
fn disagreements<T>(
    tests: &[T],
    input: impl Fn(&T) -> Vec<u8>,
    agrees: impl Fn(&T, &T) -> bool,
) -> Vec<(u32, u32)> {
    let mut first: HashMap<Vec<u8>, (u32, &T)> = HashMap::new();
    let pairs = (0..).zip(tests).filter_map(|(index, test)| {
        let (at, known) = *first.entry(input(test)).or_insert((index, test));
        (at != index && !agrees(known, test) && !agrees(test, known)).then_some((at, index))
    });
    pairs.take(MAX_CONTRADICTIONS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::test_cases::parse_tests;

    #[test]
    fn tests_that_contradict_each_other_are_found() {
        for (text, expected) in [
            (r#"{"inputs": ["1\n", "2\n", "1"], "outputs": ["a", "b", "c"]}"#, vec![(0, 2)]),
            (r#"{"inputs": ["1\n", "1\n"], "outputs": ["a b\n", "a  b"]}"#, vec![]),
            (r#"{"inputs": [[1, [2]], [1, [2.0]]], "outputs": [3, 4], "fn_name": "f"}"#, vec![(0, 1)]),
            (r#"{"inputs": ["1\n", "1\n"], "outputs": ["0.333333333", "0.3333333334"]}"#, vec![]),
            (r#"{"inputs": [[1], [1]], "outputs": [[3], [3]], "fn_name": "f"}"#, vec![]),
        ] {
            let tests = parse_tests(text).unwrap();
            assert_eq!(
                Problem::of(text, &tests, Compare::DATA_SET_DEFAULT, None).contradictions,
                expected,
                "{text}"
            );
            assert!(
                Problem::of(text, &tests, Compare::DATA_SET_DEFAULT, Some("print(1)"))
                    .contradictions
                    .is_empty()
            );
        }
    }
}
