//! Laws that the rules keep, over outputs and values drawn from small alphabets by a fixed
//! generator: small, so that equal and nearly equal ones are drawn often.

use std::slice;

use super::{profiles::python_equality, *};
use crate::{
    random::Random,
    value::{Typed, TypedKind, Value},
};

struct Draws(Random);

impl Draws {
    fn below(&mut self, bound: usize) -> usize {
        self.0.below(bound)
    }

    fn output(&mut self) -> Vec<u8> {
        const PARTS: [&[u8]; 16] = [
            b"1",
            b"1.0",
            b"0.9999999",
            b"2",
            b"a",
            b"A",
            b" ",
            b" ",
            b"\n",
            b"\n",
            b"\t",
            b"\r\n",
            b"-0",
            b"nan",
            b"\xff",
            b"12",
        ];
        let parts = self.below(7);
        (0..parts).flat_map(|_| PARTS[self.below(PARTS.len())]).copied().collect()
    }

    /// Something like `output`, with the same words in another layout, order or case.
    fn changed(&mut self, output: &[u8]) -> Vec<u8> {
        let mut changed = output.to_vec();
        match self.below(5) {
            0 => changed.extend(b" \n"),
            1 => changed.make_ascii_uppercase(),
            2 => changed.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b' '),
            3 => {
                let mut lines: Vec<_> = output.split(|byte| *byte == b'\n').collect();
                lines.reverse();
                changed = lines.join(&b'\n');
            }
            _ => changed = self.output(),
        }
        changed
    }

    fn value(&mut self, depth: usize) -> Value {
        let kinds = if depth == 0 { 8 } else { 12 };
        let items =
            |draws: &mut Draws| (0..draws.below(4)).map(|_| draws.value(depth - 1)).collect::<Vec<_>>();
        match self.below(kinds) {
            0 => Value::None,
            1 => Value::Bool(self.below(2) == 0),
            2 => Value::Int(self.below(3) as i64 - 1),
            3 => Value::Float([0.0, -0.0, 1.0, 0.5, 0.5 + 1e-12, f64::NAN][self.below(6)]),
            4 => Value::str(["1", "a", "A", ""][self.below(4)]),
            5 => Value::Complex(1.0, self.below(2) as f64),
            6 => Value::Bytes(b"a".to_vec()),
            7 => self.typed(),
            8 => Value::List(items(self)),
            9 => Value::Tuple(items(self)),
            10 => Value::Dict(vec![(Value::Int(self.below(2) as i64), self.value(depth - 1))]),
            _ => Value::Set(vec![Value::Int(self.below(2) as i64)]),
        }
    }
}

impl Draws {
    fn typed(&mut self) -> Value {
        const TEXTS: [(TypedKind, &str); 9] = [
            (TypedKind::Decimal, "1"),
            (TypedKind::Decimal, "0.50"),
            (TypedKind::Decimal, "0.1"),
            (TypedKind::Decimal, "NaN"),
            (TypedKind::Fraction, "1/2"),
            (TypedKind::Fraction, "1/3"),
            (TypedKind::Date, "2024-02-29"),
            (TypedKind::DateTime, "2024-02-29T00:00:00"),
            (TypedKind::Member, "A.a"),
        ];
        let (kind, text) = TEXTS[self.below(TEXTS.len())];
        Value::Typed(Typed::new(kind, text).unwrap())
    }
}

const DRAWS: usize = 20_000;

fn outputs() -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    let mut draws = Draws(Random(0x9e37_79b9_7f4a_7c15));
    std::iter::repeat_with(move || {
        let output = draws.output();
        let other = draws.changed(&output);
        (output, other)
    })
    .take(DRAWS)
}

fn values() -> impl Iterator<Item = (Value, Value)> {
    let mut draws = Draws(Random(0x2545_f491_4f6c_dd1d));
    std::iter::repeat_with(move || (draws.value(2), draws.value(2))).take(4 * DRAWS)
}

/// Every rule by name, and some that have none.
fn rules() -> Vec<Rule> {
    let any_case = Rule::UNORDERED_LINES.with(Order::Ignored, Letters::AnyCase, None).unwrap();
    let named = Rule::NAMED.iter().map(|(_, rule)| *rule);
    named.chain([Rule::float(0.0, 0.0), Rule::DATA_SET, Rule::float(1e-3, 1e-3), any_case]).collect()
}

fn matches(rule: Rule, actual: &[u8], expected: &[u8]) -> bool {
    compare_output(rule, actual, expected).is_match()
}

fn values_match(rule: Rule, actual: &Value, expected: &Value) -> bool {
    compare_value(rule, actual, expected).is_match()
}

#[test]
fn rules_are_reflexive_and_symmetric_where_no_relative_tolerance_is() {
    for (left, right) in outputs() {
        for rule in rules() {
            assert!(matches(rule, &left, &left), "{rule} {left:?}");
            if rule.tolerance.is_none_or(|tolerance| tolerance.rel == 0.0) {
                assert_eq!(
                    matches(rule, &left, &right),
                    matches(rule, &right, &left),
                    "{rule} {left:?} {right:?}"
                );
            }
        }
    }
    for (left, _) in values() {
        for rule in rules() {
            assert!(values_match(rule, &left, &left), "{rule} {left:?}");
        }
        assert!(values_match(Rule::EXACT, &left, &left));
    }
}

#[test]
fn a_stricter_rule_implies_a_laxer_one() {
    let implied = [
        (Rule::EXACT, Rule::LINES),
        (Rule::LINES, Rule::TOKENS),
        (Rule::TOKENS, Rule::UNORDERED_TOKENS),
        (Rule::LINES, Rule::UNORDERED_LINES),
        (Rule::UNORDERED_LINES, Rule::UNORDERED_TOKENS),
        (Rule::TOKENS, Rule::TOKENS_IGNORE_CASE),
        (Rule::LINES, Rule::LINES_IGNORE_CASE),
        (Rule::LINES_IGNORE_CASE, Rule::TOKENS_IGNORE_CASE),
        (Rule::TOKENS, Rule::float(0.0, 0.0)),
        (Rule::float(0.0, 0.0), Rule::DATA_SET),
        (Rule::DATA_SET, Rule::float(1e-3, 1e-3)),
    ];
    let mut held = [0; 11];
    for (actual, expected) in outputs() {
        for ((strict, lax), held) in implied.iter().zip(&mut held) {
            if matches(*strict, &actual, &expected) {
                assert!(matches(*lax, &actual, &expected), "{strict} {lax} {actual:?} {expected:?}");
                *held += 1;
            }
        }
    }
    assert!(held.iter().all(|count| *count > 500), "drawn too seldom: {held:?}");
}

#[test]
fn the_same_holds_for_values() {
    let implied = [
        (Rule::EXACT, Rule::TOKENS),
        (Rule::TOKENS, Rule::TOKENS_IGNORE_CASE),
        (Rule::TOKENS, Rule::DATA_SET),
        (Rule::DATA_SET, Rule::float(1e-3, 1e-3)),
    ];
    let mut held = [0; 4];
    for (actual, expected) in values() {
        for ((strict, lax), held) in implied.iter().zip(&mut held) {
            if values_match(*strict, &actual, &expected) {
                assert!(values_match(*lax, &actual, &expected), "{strict} {lax} {actual:?} {expected:?}");
                *held += 1;
            }
        }
        if python_equality::python_equal(&actual, &expected) {
            assert!(values_match(Rule::TOKENS, &actual, &expected), "{actual:?} {expected:?}");
        }
    }
    assert!(held.iter().all(|count| *count > 500), "drawn too seldom: {held:?}");
}

fn released(name: &str) -> Profile {
    match format!("{name}:bug-compatible").parse() {
        Ok(Compare::Profile(profile)) => profile,
        other => panic!("{name}: {other:?}"),
    }
}

/// Where a released judge's comparison is a chain of attempts that begins with equality but for blanks
/// at both ends, it lets everything through that is equal so.
#[test]
fn released_judges_let_equal_outputs_through() {
    for name in ["openthoughts", "apps", "taco", "livecodebench", "sandboxfusion"] {
        for (output, _) in outputs().filter(|(output, _)| output.is_ascii()) {
            for printed in [output.clone(), [&output[..], b"\n"].concat()] {
                // Text mode turns \r\n into \n there on one side only.
                if !printed.contains(&b'\r') {
                    let judged =
                        released(name).judge_program(Ending::Well, &printed, slice::from_ref(&output));
                    assert_eq!(judged, Judged::Passed, "{name} {printed:?}");
                }
            }
        }
    }
}

/// Supersets that the documents promise: TACO's chain is OpenThoughts'; APPS' sets of lines let any
/// order through.
#[test]
fn released_judges_are_as_lax_as_documented() {
    for (printed, expected) in outputs() {
        let judge =
            |name: &str, ending| released(name).judge_program(ending, &printed, slice::from_ref(&expected));
        if judge("taco", Ending::Well) == Judged::Passed {
            assert_ne!(judge("openthoughts", Ending::Raised), Judged::Failed);
        }
        let is_plain = printed.is_ascii() && !printed.contains(&b'\r') && !expected.contains(&b'\r');
        if is_plain && matches(Rule::UNORDERED_LINES, &printed, &expected) {
            assert_eq!(judge("apps", Ending::Well), Judged::Passed, "{printed:?} {expected:?}");
        }
        assert_eq!(judge("openthoughts", Ending::TimedOut), Judged::CountsAsTrue);
        assert_eq!(judge("taco", Ending::TimedOut), Judged::Failed);
    }
}

#[test]
fn names_read_back_as_the_rule() {
    for rule in rules() {
        assert_eq!(rule.to_string().parse(), Ok(Compare::Rule(rule)), "{rule}");
    }
    assert_eq!(Profile::all().count(), 15);
    for profile in Profile::all() {
        assert_eq!(profile.to_string().parse(), Ok(Compare::Profile(profile)));
    }
}
