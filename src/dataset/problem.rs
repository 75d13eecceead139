//! Which problem a row answers: rows with the same tests answer the same one.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::{
    submission::Tests,
    value::{Value, equality_key},
};

/// A problem, known by its tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The first half of the SHA-256 of the tests' text, hexadecimal.
    pub key: String,
    /// Pairs of tests (0-based) with the same input and no output that both accept.
    pub contradictions: Vec<(u32, u32)>,
}

/// Contradictions that are kept of one problem.
const MAX_CONTRADICTIONS: usize = 20;

impl Problem {
    pub fn of(text: &str, tests: &Tests) -> Problem {
        let digest = Sha256::digest(text.as_bytes());
        let key = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Problem { key, contradictions: contradictions(tests) }
    }
}

fn contradictions(tests: &Tests) -> Vec<(u32, u32)> {
    match tests {
        Tests::Program(tests) => disagreements(tests.iter().map(|test| {
            // Blanks decide nothing by the usual rules.
            let words = |output: &Vec<u8>| {
                output
                    .split(u8::is_ascii_whitespace)
                    .filter(|word| !word.is_empty())
                    .collect::<Vec<_>>()
                    .join(&b' ')
            };
            (test.stdin.trim_ascii_end().to_vec(), test.accepted_stdout.iter().map(words).collect())
        })),
        Tests::Function { tests, .. } => disagreements(tests.iter().map(|test| {
            let mut input = equality_key(&Value::List(test.args.clone()));
            for (name, value) in &test.kwargs {
                input.extend(name.as_bytes());
                input.extend(equality_key(value));
            }
            (input, test.accepted.iter().map(equality_key).collect())
        })),
    }
}

/// Pairs of an input's first test and a later one that share no accepted answer.
fn disagreements(tests: impl Iterator<Item = (Vec<u8>, Vec<Vec<u8>>)>) -> Vec<(u32, u32)> {
    let mut first: HashMap<Vec<u8>, (u32, Vec<Vec<u8>>)> = HashMap::new();
    let mut found = Vec::new();
    for (index, (input, accepted)) in (0..).zip(tests) {
        match first.get(&input) {
            None => {
                first.insert(input, (index, accepted));
            }
            Some((at, known)) if !accepted.iter().any(|answer| known.contains(answer)) => {
                found.push((*at, index));
            }
            Some(_) => {}
        }
        if found.len() == MAX_CONTRADICTIONS {
            break;
        }
    }
    found
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
            (r#"{"inputs": [[1], [1]], "outputs": [[3], [3]], "fn_name": "f"}"#, vec![]),
        ] {
            assert_eq!(Problem::of(text, &parse_tests(text).unwrap()).contradictions, expected, "{text}");
        }
    }
}
