//! Printed output against expected output, by every rule and every judge.
//!
//! An input is the rule's name on a line, what was printed, a line `--`, what was expected. A name that
//! is none stands for the rule that its length chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proofbox::judge::{Compare, Comparison, Ending, Profile, Rule};

const ENDINGS: [Ending; 4] = [Ending::Well, Ending::Raised, Ending::Left, Ending::TimedOut];

fuzz_target!(|data: &[u8]| {
    let Some((compare, actual, expected)) = split(data) else { return };
    let matches = |compare: Compare, actual: &[u8], expected: &[u8]| {
        let comparison = compare.output(actual, &[expected.to_vec()]);
        if let Comparison::Mismatch { explanation } = &comparison {
            assert!(explanation.len() < 700, "{explanation}");
            assert!(!explanation.chars().any(char::is_control), "{explanation:?}");
        }
        comparison.is_match()
    };
    assert!(matches(compare, actual, actual), "{compare} is not reflexive");
    let is_match = matches(compare, actual, expected);
    if is_symmetric(compare) {
        assert_eq!(is_match, matches(compare, expected, actual), "{compare} is not symmetric");
    }
    if let (true, Compare::Rule(rule)) = (matches(Compare::LINES, actual, expected), compare) {
        assert!(rule == Rule::EXACT || is_match, "lines match, {compare} does not");
    }
    // Beside another accepted output, it is accepted still.
    assert!(!is_match || compare.output(actual, &[b"other".to_vec(), expected.to_vec()]).is_match());
    if let Compare::Profile(profile) = compare {
        for ending in ENDINGS {
            profile.judge_program(ending, actual, &[expected.to_vec()]);
        }
    }
});

fn split(data: &[u8]) -> Option<(Compare, &[u8], &[u8])> {
    let line = data.iter().position(|byte| *byte == b'\n')?;
    let (name, rest) = (&data[..line], &data[line + 1..]);
    let cut = rest.windows(4).position(|window| window == b"\n--\n")?;
    let named = std::str::from_utf8(name).ok().and_then(|name| name.parse().ok());
    let compare = named.unwrap_or_else(|| {
        let rules = Rule::NAMED.iter().map(|(_, rule)| Compare::Rule(*rule));
        let all: Vec<Compare> = rules.chain(Profile::all().map(Compare::Profile)).collect();
        all[name.len() % all.len()]
    });
    Some((compare, &rest[..cut], &rest[cut + 4..]))
}

/// A relative tolerance is one of the expected number's.
fn is_symmetric(compare: Compare) -> bool {
    match compare {
        Compare::Rule(rule) => {
            rule != Rule::DATA_SET && Rule::NAMED.iter().any(|(_, named)| *named == rule)
        }
        Compare::Profile(profile) => {
            ["livecodebench", "open-r1", "humaneval", "kattis"].contains(&profile.to_string().as_str())
        }
    }
}
