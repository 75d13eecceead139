//! The comparisons of released judges as their code does them on what a run printed or returned,
//! faults and all. Sources stand in [`super::profile`]; nothing here is what ought to be done.

use std::borrow::Cow;

use super::python_equality::python_equal;
use crate::{
    judge::{
        comparison::Comparison,
        numbers::{decimal, python_float},
        text::{Tokens, excerpt, strip, universal_newlines},
    },
    value::Value,
};

/// open-r1: `zip` over both sides' lines, which ends with the shorter side. What is not UTF-8 is decoded with replacement
/// characters there, which changes neither white space nor lines.
pub fn zipped_lines(printed: &[u8], expected: &[u8]) -> bool {
    let printed = universal_newlines(printed);
    let lines = |text| <[u8]>::split(text, |byte| *byte == b'\n').map(strip);
    lines(strip(&printed))
        .zip(lines(expected))
        .all(|(left, right)| left == right || is_same_decoded(left, right))
}

/// Whether different bytes are the same text with replacement characters.
fn is_same_decoded(left: &[u8], right: &[u8]) -> bool {
    let has_none = |text: &str| !text.contains(char::REPLACEMENT_CHARACTER);
    match (std::str::from_utf8(left), std::str::from_utf8(right)) {
        (Ok(_), Ok(_)) => false,
        (Ok(text), Err(_)) | (Err(_), Ok(text)) if has_none(text) => false,
        _ => String::from_utf8_lossy(left) == String::from_utf8_lossy(right),
    }
}

/// SandboxFusion: lines stripped and lower-cased; else both lines one number each.
pub fn lower_cased_lines(printed: &[u8], expected: &[u8]) -> bool {
    let printed = universal_newlines(printed);
    let (printed, expected) = (strip(&printed), strip(expected));
    let line_ends = |text: &[u8]| text.iter().filter(|byte| **byte == b'\n').count();
    if line_ends(printed) != line_ends(expected) {
        return false;
    }
    let lines = |text| <[u8]>::split(text, |byte| *byte == b'\n').map(strip);
    lines(printed).zip(lines(expected)).all(|(left, right)| {
        left == right
            || left.eq_ignore_ascii_case(right)
            || (!(left.is_ascii() && right.is_ascii()) && is_same_lower_cased(left, right))
            || matches!((python_float(left), python_float(right)), (Some(left), Some(right))
                if (left - right).abs() / right.abs().max(1e-10) < 1e-5)
    })
}

/// Whether two lines are the same by Python's `str.lower`.
fn is_same_lower_cased(left: &[u8], right: &[u8]) -> bool {
    let [left, right] = [left, right].map(String::from_utf8_lossy);
    // The only capital that becomes one letter or another by what is around it.
    const SIGMA: char = '\u{3a3}';
    if left.contains(SIGMA) || right.contains(SIGMA) {
        return left.to_lowercase() == right.to_lowercase();
    }
    // Letter by letter, then, from where they differ.
    let mut same = left.bytes().zip(right.bytes()).take_while(|(left, right)| left == right).count();
    while !left.is_char_boundary(same) {
        same -= 1;
    }
    let [left, right] = [&left[same..], &right[same..]].map(|rest| rest.chars().flat_map(char::to_lowercase));
    left.eq(right)
}

/// Both outputs without blanks at their ends, as many lines, and each line, without blanks at its
/// ends, the same or equal by `are_equal`.
pub fn compare_stripped_lines(
    actual: &[u8],
    expected: &[u8],
    are_equal: &dyn Fn(&[u8], &[u8]) -> bool,
) -> Comparison {
    let (mut actual, mut expected) = (
        actual.trim_ascii().split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii),
        expected.trim_ascii().split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii),
    );
    for number in 1.. {
        match (actual.next(), expected.next()) {
            (None, None) => break,
            (Some(left), Some(right)) if left == right || are_equal(left, right) => {}
            (left, right) => {
                let [left, right] = [left, right].map(|line| line.map_or("no such line".to_owned(), excerpt));
                return Comparison::mismatch(format!("line {number}: expected {right}, got {left}"));
            }
        }
    }
    Comparison::Match
}

/// LiveCodeBench: every token of both lines is a decimal number, and they are equal one by one.
pub fn decimals_are_equal(actual: &[u8], expected: &[u8]) -> bool {
    let (mut actual, mut expected) = (Tokens(actual), Tokens(expected));
    loop {
        match (actual.next(), expected.next()) {
            (None, None) => return true,
            (Some(left), Some(right)) if is_decimal_of(left, right) => {}
            _ => return false,
        }
    }
}

fn is_decimal_of(left: &[u8], right: &[u8]) -> bool {
    if left == right {
        return left.iter().all(u8::is_ascii_digit) || decimal(left).is_some();
    }
    matches!((decimal(left), decimal(right)), (Some(left), Some(right)) if left == right)
}

/// The chain of APPS, TACO and OpenThoughts on results: `==`, or `==` to the first item of what is
/// expected; a tuple is a list at the top, and so are the items of a list that begins with one.
pub fn chain_on_values(result: &Value, expected: &Value) -> bool {
    let expected = with_int_keys(expected);
    let result = tuple_as_list(result);
    let first = match expected.as_ref() {
        Value::List(items) => items.first(),
        _ => None,
    };
    if python_equal(&result, &expected) || first.is_some_and(|first| python_equal(&result, first)) {
        return true;
    }
    let (Value::List(items), Some(first)) = (result.as_ref(), first) else { return false };
    if !matches!(items.first(), Some(Value::Tuple(_))) {
        return false;
    }
    let lists: Option<Vec<Value>> = items
        .iter()
        .map(|item| match item {
            Value::Tuple(parts) | Value::List(parts) => Some(Value::List(parts.clone())),
            _ => None,
        })
        .collect();
    lists.is_some_and(|lists| python_equal(&Value::List(lists), first))
}

/// LiveCodeBench: `==`, and a tuple is a list at the top.
pub fn top_tuple_is_a_list(result: &Value, expected: &Value) -> bool {
    python_equal(&tuple_as_list(result), expected)
}

fn tuple_as_list(value: &Value) -> Cow<'_, Value> {
    match value {
        Value::Tuple(items) => Cow::Owned(Value::List(items.clone())),
        other => Cow::Borrowed(other),
    }
}

/// What those judges make of a dict that went through JSON: where every key spells an int, a list
/// of the dict with ints. Of a list that begins with such a dict the rest is lost.
fn with_int_keys(expected: &Value) -> Cow<'_, Value> {
    let dict = match expected {
        Value::Dict(pairs) => pairs,
        Value::List(items) => match items.first() {
            Some(Value::Dict(pairs)) => pairs,
            _ => return Cow::Borrowed(expected),
        },
        _ => return Cow::Borrowed(expected),
    };
    let turned: Option<Vec<(Value, Value)>> = dict
        .iter()
        .map(|(key, value)| {
            let Value::Str(text) = key else { return None };
            let int = std::str::from_utf8(text).ok()?.trim().parse::<num_bigint::BigInt>().ok()?;
            Some((Value::from_bigint(int), value.clone()))
        })
        .collect();
    match turned {
        Some(pairs) => Cow::Owned(Value::List(vec![Value::Dict(pairs)])),
        None => Cow::Borrowed(expected),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::parse_python;

    #[test]
    fn other_released_comparisons() {
        assert!(zipped_lines(b"1\n", b"1\n2\n3"));
        assert!(zipped_lines(b"1\n2\n3\n", b"1"));
        assert!(!zipped_lines(b"2\n", b"1\n2"));
        assert!(!zipped_lines(b"", b"1"));
        assert!(lower_cased_lines(b"yes\n", b"YES"));
        assert!(lower_cased_lines(b"10000001", b"10000000"));
        assert!(!lower_cased_lines(b"1\n2", b"1 2"));
        let lower_cased = |left: &str, right: &str| lower_cased_lines(left.as_bytes(), right.as_bytes());
        assert!(lower_cased("éÀ", "ÉÀ") && lower_cased("aİ", "ai\u{307}") && !lower_cased("éa", "éb"));
        assert!(lower_cased("ΑΣ", "ας") && !lower_cased("ΑΣ", "ασ"));
        assert!(zipped_lines(b"a\xff", "a\u{fffd}".as_bytes()) && !zipped_lines(b"a\xff", b"a"));
        assert!(zipped_lines(b"a\xff", b"a\xfe") && !zipped_lines(b"a\xff", b"b\xff"));
        assert!(decimals_are_equal(b"1.50 2e1", b"1.5 20"));
        assert!(!decimals_are_equal(b"50000000000000000", b"50000000000000001"));
        assert!(!decimals_are_equal(b"a", b"a"));
        assert!(decimals_are_equal(b"-0", b"0.00"));
    }

    #[test]
    fn value_chain_takes_the_first_item_for_the_whole() {
        for (result, expected, passes) in [
            ("3", "3", true),
            ("3", "[3, 4]", true),
            ("(1, 2)", "[1, 2]", true),
            ("[(1, 2)]", "[[1, 2]]", false),
            ("[(1, 2)]", "[[[1, 2]]]", true),
            ("{1: 2}", "{'1': 2}", true),
            ("[{1: 2}]", "{'1': 2}", true),
            ("{1: 2}", "[{'1': 2}]", true),
            ("0.30000000000000004", "0.3", false),
            ("True", "1", true),
        ] {
            let [result_value, expected_value] = [result, expected].map(|text| parse_python(text).unwrap());
            assert_eq!(chain_on_values(&result_value, &expected_value), passes, "{result} {expected}");
        }
        let [nested, list] = ["([1], (2,))", "[[1], [2]]"].map(|text| parse_python(text).unwrap());
        assert!(!top_tuple_is_a_list(&nested, &list));
    }
}
