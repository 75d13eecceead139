//! A returned value against an expected one, by every rule and every judge.
//!
//! An input is the rule's name on a line, a Python literal, a line `--`, another. A name that is none
//! stands for the rule that its length chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofbox::{
    judge::{Compare, Comparison, Ending, Profile, Rule},
    value::{Value, parse_python},
};

fuzz_target!(|data: &str| {
    let Some((name, rest)) = data.split_once('\n') else { return };
    let Some((actual, expected)) = rest.split_once("\n--\n") else { return };
    let (Ok(actual), Ok(expected)) = (parse_python(actual), parse_python(expected)) else { return };
    let compare = name.parse().unwrap_or_else(|_| {
        let rules = Rule::NAMED.iter().map(|(_, rule)| Compare::Rule(*rule));
        let all: Vec<Compare> = rules.chain(Profile::all().map(Compare::Profile)).collect();
        all[name.len() % all.len()]
    });
    let matches = |compare: Compare, actual: &Value, expected: &Value| {
        let comparison = compare.value(actual, std::slice::from_ref(expected));
        if let Comparison::Mismatch { explanation } = &comparison {
            assert!(explanation.len() < 2_000, "{explanation}");
            assert!(!explanation.chars().any(char::is_control), "{explanation:?}");
        }
        comparison.is_match()
    };
    assert!(matches(compare, &actual, &actual), "{compare} is not reflexive");
    assert!(matches(compare, &expected, &expected), "{compare} is not reflexive");
    let is_match = matches(compare, &actual, &expected);
    if matches(Compare::EXACT, &actual, &expected) {
        assert!(matches(Compare::EXACT, &expected, &actual), "exact is not symmetric");
        assert!(is_match, "exact matches, {compare} does not");
    }
    if let Compare::Profile(profile) = compare {
        profile.judge_function(Ending::Well, Some(&actual), &[expected]);
    }
});
