//! Comparison of printed bytes. One pass without allocation where order counts; a sort where it
//! does not.

use std::ops::Range;

use super::{
    rule::{Letters, Order, Rule, Unit, Whole},
    unordered::{self, Difference},
};
use crate::judge::{
    comparison::{Comparison, compare_with_any},
    numbers::decimal,
    text::{AsciiBlanks, EXCERPT_BYTES, Tokens, Words, excerpt, trim_end},
};

/// Bytes of an excerpt that come before the first difference, where it is not near their beginning.
const BEFORE_DIFFERENCE_BYTES: usize = 16;

/// Compares captured output with expected output. Both are bytes: NUL and invalid UTF-8 count as
/// what they are. `\r\n` and `\n` are told apart by [`Rule::EXACT`] only.
pub fn compare_output(rule: Rule, actual: &[u8], expected: &[u8]) -> Comparison {
    if actual == expected {
        return Comparison::Match;
    }
    let are_equal = |actual: &[u8], expected: &[u8]| {
        (rule.letters == Letters::AnyCase && actual.eq_ignore_ascii_case(expected))
            || (rule.tolerance.is_some() && numbers_are_equal(rule, actual, expected))
    };
    match (rule.unit, rule.order) {
        (Unit::Bytes, _) => exact(actual, expected),
        (Unit::Lines, Order::Counts) => lines(actual, expected, are_equal),
        (Unit::Tokens, Order::Counts) => tokens(actual, expected, are_equal),
        (unit, Order::Ignored) if rule.letters == Letters::AnyCase => {
            in_any_order(unit, &actual.to_ascii_lowercase(), &expected.to_ascii_lowercase())
        }
        (unit, Order::Ignored) => in_any_order(unit, actual, expected),
    }
}

/// Compares with each accepted output; explains the difference to the first.
pub fn compare_output_with_any(rule: Rule, actual: &[u8], accepted: &[Vec<u8>]) -> Comparison {
    compare_with_any(accepted, |expected| compare_output(rule, actual, expected))
}

/// Whether two outputs hold the same units, each as often, in any order.
fn in_any_order(unit: Unit, actual: &[u8], expected: &[u8]) -> Comparison {
    let word = if unit == Unit::Lines { "line" } else { "token" };
    let found = match unit {
        Unit::Lines => {
            let lines = |bytes| split_lines(bytes).map(trim_end);
            unordered::difference(lines(actual), lines(expected))
        }
        Unit::Tokens | Unit::Bytes => unordered::difference(Tokens(actual), Tokens(expected)),
    };
    match found {
        None => Comparison::Match,
        Some(Difference::Extra(unit)) => {
            Comparison::mismatch(format!("the {word} {} is not expected, or not as often", excerpt(&unit)))
        }
        Some(Difference::Missing(unit)) => Comparison::mismatch(format!(
            "the expected {word} {} is missing, or not there as often",
            excerpt(&unit)
        )),
    }
}

fn exact(actual: &[u8], expected: &[u8]) -> Comparison {
    let same = actual.iter().zip(expected).take_while(|(left, right)| left == right).count();
    let line = line_number(&actual[..same]);
    let part = |bytes: &[u8]| match &bytes[same..] {
        [] => "the end of the output".to_owned(),
        rest => excerpt(rest),
    };
    Comparison::mismatch(format!(
        "byte {} (line {line}): expected {}, got {}",
        same + 1,
        part(expected),
        part(actual)
    ))
}

/// Lines, without the empty ones at the end. No output at all is one empty line.
fn split_lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    trim_end(bytes).split(|byte| *byte == b'\n')
}

/// `are_equal` is asked about lines whose bytes differ.
fn lines(actual: &[u8], expected: &[u8], are_equal: impl Fn(&[u8], &[u8]) -> bool) -> Comparison {
    let (mut actual_lines, mut expected_lines) = (split_lines(actual), split_lines(expected));
    for number in 1.. {
        match (actual_lines.next(), expected_lines.next()) {
            (None, None) => break,
            (Some(left), Some(right))
                if trim_end(left) == trim_end(right) || are_equal(trim_end(left), trim_end(right)) => {}
            (Some(actual), Some(expected)) => {
                let (place, expected, actual) = excerpts(trim_end(expected), trim_end(actual));
                return Comparison::mismatch(format!(
                    "line {number}{place}: expected {expected}, got {actual}"
                ));
            }
            (actual, expected) => {
                let [expected, actual] = [expected, actual].map(|line| match line {
                    None => "no such line".to_owned(),
                    Some(line) => excerpt(trim_end(line)),
                });
                return Comparison::mismatch(format!("line {number}: expected {expected}, got {actual}"));
            }
        }
    }
    Comparison::Match
}

/// `are_equal` is asked about tokens whose bytes differ.
fn tokens(actual: &[u8], expected: &[u8], are_equal: impl Fn(&[u8], &[u8]) -> bool) -> Comparison {
    let (mut actual_tokens, mut expected_tokens) = (words(actual), words(expected));
    for number in 1.. {
        let (actual_range, expected_range) = (actual_tokens.next_range(), expected_tokens.next_range());
        match (actual_range, expected_range) {
            (None, None) => break,
            (Some(left), Some(right))
                if actual[left.clone()] == expected[right.clone()]
                    || are_equal(&actual[left.clone()], &expected[right.clone()]) => {}
            (actual_range, expected_range) => {
                let shown = |whole: &[u8], range: &Option<Range<usize>>| match range {
                    None => "the end of the output".to_owned(),
                    Some(range) => excerpt(&whole[range.clone()]),
                };
                let (place, wanted, got) = match (&expected_range, &actual_range) {
                    (Some(right), Some(left)) => excerpts(&expected[right.clone()], &actual[left.clone()]),
                    _ => (String::new(), shown(expected, &expected_range), shown(actual, &actual_range)),
                };
                // The line in the expected output; past its end, the line in the actual one.
                let line = match (expected_range, actual_range) {
                    (Some(range), _) => line_number(&expected[..range.start]),
                    (None, range) => line_number(&actual[..range.map_or(0, |range| range.start)]),
                };
                return Comparison::mismatch(format!(
                    "token {number} (line {line}){place}: expected {wanted}, got {got}"
                ));
            }
        }
    }
    Comparison::Match
}

/// Runs of bytes between ASCII white space, of a whole output.
fn words(output: &[u8]) -> Words<'_, AsciiBlanks> {
    Words::new(output)
}

fn line_number(before: &[u8]) -> usize {
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// Where two units differ, if their excerpts would not show it, and both: what is expected first.
fn excerpts(expected: &[u8], actual: &[u8]) -> (String, String, String) {
    let same = expected.iter().zip(actual).take_while(|(left, right)| left == right).count();
    if same + BEFORE_DIFFERENCE_BYTES < EXCERPT_BYTES {
        return (String::new(), excerpt(expected), excerpt(actual));
    }
    // Not from the middle of a character on.
    let is_inside = |at: &usize| expected[*at] & 0xc0 == 0x80;
    let from = same - BEFORE_DIFFERENCE_BYTES;
    let from = (from..same).find(|at| !is_inside(at)).unwrap_or(same);
    let place = format!(", byte {} of {} and {}", same + 1, expected.len(), actual.len());
    let shown = |bytes: &[u8]| format!("...{}", excerpt(&bytes[from..]));
    (place, shown(expected), shown(actual))
}

/// Whether two tokens, whose bytes differ, are numbers and equal within the absolute tolerance or the tolerance
/// relative to the expected number. Two integers never are, but by Kattis' rule: written without a point, they are
/// words. One with zeros before it is nothing but a word: `0011` may be a row of bits or a number in a book.
fn numbers_are_equal(rule: Rule, actual: &[u8], expected: &[u8]) -> bool {
    let Some(tolerance) = rule.tolerance else { return false };
    let (actual_kind, expected_kind) = (Integer::of(actual), Integer::of(expected));
    let are_words = match (actual_kind, expected_kind) {
        (Integer::Padded, _) | (_, Integer::Padded) | (Integer::Plain, Integer::Plain) => true,
        (Integer::Other, _) | (_, Integer::Other) => false,
    };
    if are_words && rule.whole != Whole::LikeOthers {
        return false;
    }
    let (Some(actual_number), Some(number)) = (number(actual), number(expected)) else { return false };
    if rule.whole == Whole::LikeOthers && !(actual_number.is_finite() && number.is_finite()) {
        return false;
    }
    if actual_number.is_nan() || number.is_nan() {
        return actual_number.is_nan() && number.is_nan();
    }
    if actual_number.is_infinite() || number.is_infinite() {
        return actual_number == number;
    }
    if rule.whole == Whole::Exact && expected_kind == Integer::Plain {
        const EXACT_BELOW: f64 = (1u64 << 53) as f64;
        return match number.abs() < EXACT_BELOW {
            true => (actual_number - number).abs() <= tolerance.abs,
            false => decimal(actual) == decimal(expected),
        };
    }
    tolerance.covers(actual_number, number)
}

/// What a token is as an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Integer {
    /// Digits, perhaps behind a sign.
    Plain,
    /// The same with zeros before it, also where an exponent follows.
    Padded,
    Other,
}

impl Integer {
    fn of(token: &[u8]) -> Integer {
        let digits = token.strip_prefix(b"-").or_else(|| token.strip_prefix(b"+")).unwrap_or(token);
        let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        match (&digits[..length], &digits[length..]) {
            ([b'0', _, ..], [] | [b'e' | b'E', ..]) => Integer::Padded,
            ([_, ..], []) => Integer::Plain,
            _ => Integer::Other,
        }
    }
}

/// The number that a token is in decimal or exponent notation, or NaN or infinity by name.
fn number(token: &[u8]) -> Option<f64> {
    let unsigned = token.strip_prefix(b"-").or_else(|| token.strip_prefix(b"+")).unwrap_or(token);
    let starts_as_number = matches!(unsigned.first()?, b'0'..=b'9' | b'.' | b'n' | b'N' | b'i' | b'I');
    if !starts_as_number {
        return None;
    }
    let number: f64 = std::str::from_utf8(token).ok()?.parse().ok()?;
    // Digits that overflow to infinity are no infinity, and close to nothing.
    let is_named = unsigned[0].is_ascii_alphabetic();
    (number.is_finite() || is_named).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOAT: Rule = Rule::float(1e-6, 1e-6);

    #[track_caller]
    fn check(rule: Rule, actual: &[u8], expected: &[u8], is_match: bool) {
        let comparison = compare_output(rule, actual, expected);
        assert_eq!(comparison.is_match(), is_match, "{rule:?}: {comparison:?}");
    }

    #[track_caller]
    fn explains(rule: Rule, actual: &[u8], expected: &[u8], explanation: &str) {
        let explanation = explanation.to_owned();
        assert_eq!(compare_output(rule, actual, expected), Comparison::Mismatch { explanation });
    }

    #[test]
    fn long_words_and_lines_say_where_they_differ() {
        let digits = |last: &str| format!("{}{last}{}\n", "7".repeat(4_000), "3".repeat(999)).into_bytes();
        let sevens = "7".repeat(16);
        let threes = "3".repeat(43);
        explains(
            Rule::TOKENS,
            &digits("1"),
            &digits("2"),
            &format!(
                "token 1 (line 1), byte 4001 of 5000 and 5000: expected ...\"{sevens}2{threes}...\", got ...\"{sevens}1{threes}...\""
            ),
        );
        let accents = |last: &str| format!("{}{last}", "\u{e9}".repeat(50)).into_bytes();
        let shown = "\u{e9}".repeat(8);
        explains(
            Rule::LINES,
            &accents("a"),
            &accents(""),
            &format!("line 1, byte 101 of 100 and 101: expected ...\"{shown}\", got ...\"{shown}a\""),
        );
    }

    #[test]
    fn white_space_counts_as_the_rule_says() {
        let cases: [(&[u8], &[u8], [bool; 3]); 9] = [
            (b"1 2\n", b"1 2\n", [true, true, true]),
            (b"1 2", b"1 2\n", [false, true, true]),
            (b"1 2\r\n3\r\n", b"1 2\n3\n", [false, true, true]),
            (b"1 2 \n3\t\n\n \n", b"1 2\n3", [false, true, true]),
            (b"1  2\n", b"1 2\n", [false, false, true]),
            (b"1\n2\n", b"1 2\n", [false, false, true]),
            (b"\n1 2\n", b"1 2\n", [false, false, true]),
            (b"12\n", b"1 2\n", [false, false, false]),
            (b" \n", b"", [false, true, true]),
        ];
        for (actual, expected, matches) in cases {
            for (rule, is_match) in [Rule::EXACT, Rule::LINES, Rule::TOKENS].into_iter().zip(matches) {
                check(rule, actual, expected, is_match);
                check(rule, expected, actual, is_match);
            }
        }
    }

    #[test]
    fn order_number_and_bytes_of_tokens_count() {
        for rule in [Rule::LINES, Rule::TOKENS, FLOAT] {
            check(rule, b"2 1\n", b"1 2\n", false);
            check(rule, b"1\n", b"1\n2\n", false);
            check(rule, b"1\n2\n3\n", b"1\n2\n", false);
            check(rule, b"", b"1\n", false);
            check(rule, b"Yes\n", b"YES\n", false);
            check(rule, b"a\0b\xff\n", b"a\0b\xff", true);
            check(rule, b"a\0b\n", b"ab", false);
            check(rule, b"\xff\n", b"\xfe", false);
        }
    }

    #[test]
    fn floats_are_equal_within_the_tolerance() {
        let cases: [(&[u8], &[u8], bool); 21] = [
            (b"0.3333333333", b"0.333333333", true),
            (b"0.33333", b"0.333333333", false),
            (b"1e3", b"1000.0", true),
            (b"1000000.5", b"1000000.0", true),
            (b"1000002.5", b"1000000.0", false),
            (b"1", b"1.0000001", true),
            (b"10000001", b"10000000", false),
            (b"7.0", b"007", false),
            (b"-1", b"1", false),
            (b"123456789012345678901234567890", b"123456789012345678901234567891", false),
            (b"NaN", b"nan", true),
            (b"nan", b"0.0", false),
            (b"0.0", b"nan", false),
            (b"inf", b"Infinity", true),
            (b"-inf", b"inf", false),
            (b"inf", b"1e308", false),
            (b"1e999", b"inf", false),
            (b"1e999", b"2e999", false),
            (b"0x10", b"16.0", false),
            (b"1_0", b"10.0", false),
            (b"1.0a", b"1.0b", false),
        ];
        for (actual, expected, is_match) in cases {
            check(FLOAT, actual, expected, is_match);
        }
        check(Rule::DATA_SET, b"10000001.0", b"10000000", false);
        check(Rule::DATA_SET, b"44.62614012", b"44.626140", true);
        check(Rule::DATA_SET, b"12345678912.0", b"12345678913", false);
        check(Rule::DATA_SET, b"1e+18", b"1000000000000000007", false);
        check(Rule::DATA_SET, b"1.000000000000000007e18", b"1000000000000000007", true);
        check(Rule::DATA_SET, b"1e999", b"1000000000000000007", false);
        check(FLOAT, b"1e+18", b"1000000000000000007", true);
        check(Rule::TOKENS, b"1.0", b"1", false);
    }

    #[test]
    fn differences_are_explained_on_one_safe_line() {
        explains(Rule::LINES, b"1\n2\n", b"1\n3\n", r#"line 2: expected "3", got "2""#);
        explains(Rule::LINES, b"1\n", b"1\n\n3\n", r#"line 2: expected "", got no such line"#);
        explains(Rule::TOKENS, b"1 2", b"1\n3", r#"token 2 (line 2): expected "3", got "2""#);
        explains(
            Rule::TOKENS,
            b"1\n2",
            b"1\n",
            r#"token 2 (line 2): expected the end of the output, got "2""#,
        );
        explains(Rule::EXACT, b"1\n", b"1", r#"byte 2 (line 1): expected the end of the output, got "\n""#);
        explains(FLOAT, b"\x1b[2J", b"1", r#"token 1 (line 1): expected "1", got "\x1b[2J""#);
        let Comparison::Mismatch { explanation } = compare_output(FLOAT, &[b'x'; 1 << 20], &[b'y'; 1 << 20])
        else {
            panic!("they differ")
        };
        assert!(explanation.len() < 250, "{explanation}");
    }

    #[test]
    fn any_order_is_explained_by_one_unit() {
        explains(
            Rule::UNORDERED_TOKENS,
            b"1 2 2",
            b"2 1 1",
            r#"the expected token "1" is missing, or not there as often"#,
        );
        explains(
            Rule::UNORDERED_LINES,
            b"a longer line\nb",
            b"b",
            r#"the line "a longer line" is not expected, or not as often"#,
        );
        check(Rule::UNORDERED_TOKENS, b"1234567 12345678 1", b"12345678\n1\n1234567", true);
        check(Rule::UNORDERED_TOKENS, b"a\0", b"a", false);
        check(Rule::UNORDERED_TOKENS, b"", b"\n", true);
    }

    #[test]
    fn any_accepted_output_will_do() {
        let accepted = [b"1".to_vec(), b"2".to_vec()];
        assert!(compare_output_with_any(FLOAT, b"2\n", &accepted).is_match());
        assert!(!compare_output_with_any(FLOAT, b"3\n", &accepted).is_match());
        assert!(!compare_output_with_any(FLOAT, b"", &[]).is_match());
    }
}
