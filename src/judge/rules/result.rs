//! Comparison of what a function returned with what was expected, as data.

use std::{cmp::Ordering, collections::HashMap};

use num_bigint::{BigInt, Sign};

use super::rule::{Letters, Order, Rule, Tolerance, Unit, Whole};
use crate::{
    judge::comparison::{Comparison, compare_with_any},
    value::{Value, equality_key, identity_key, parse_json, repr, whole_number},
};

/// Bytes of each side that an explanation shows.
const EXCERPT_BYTES: usize = 80;
/// Bytes of them that come before the first difference, where it is not near their beginning.
const BEFORE_DIFFERENCE_BYTES: usize = 20;
/// Bytes of each side that are looked at for it.
pub(super) const COMPARED_BYTES: usize = 64 << 10;
/// Largest integer that is looked at for it, some 150,000 digits.
const MAX_COMPARED_BITS: u64 = 500_000;

/// Two fractional floats are equal if they differ by less than this, or by this part of the
/// expected one.
const LAST_BITS: Tolerance = Tolerance { abs: 1e-9, rel: 1e-9 };

/// Compares a result with an expected value.
///
/// `tokens`, the default, is Python's `==` on data (`1 == 1.0 == True`), with what a way through
/// JSON forces:
///
/// * A tuple equals a list of equal items, at any depth: JSON has no tuples.
/// * A dict's string key in the expected value also stands for the int, float, bool or `None` key
///   that JSON would have written so (`{"1": 2}` for `{1: 2}`).
/// * A set equals the list (or tuple) that JSON has in its place: the same items, in ascending order
///   where they have one. In any order it would let a solution off that was asked for an order. A
///   returned list does not equal an expected set.
/// * NaN equals NaN.
/// * A `Decimal` or `Fraction` equals the number that it exactly is, of whatever type; a moment (`date`,
///   `datetime`, `time`, `timedelta`) or a member of an Enum the same one only. Where plain data is expected
///   in their place, see [`crate::verdict::driver_record::DriverRecord::Exact`].
/// * Two floats are equal within 1e-9, absolute or relative: a sum in another order differs in
///   its last bits. Whole numbers below 2^53, ints and keys and items of sets are exact.
///
/// The other rules:
///
/// | rule | for values |
/// |---|---|
/// | `exact` | the same types and bits at every depth: `True`, `1` and `1.0` differ, and so do `(1,)` and `[1]`, `{1}` and `frozenset({1})`, `0.0` and `-0.0`. NaN is NaN. The order of a dict's keys does not count: a JSON object has none |
/// | `float` | where a float is expected, anywhere inside, numbers within the tolerance (never less than 1e-9); where an int is expected, that number exactly |
/// | `kattis` | as `float`, in either case, and an expected int has the tolerance too |
/// | `unordered_tokens` | two lists (or tuples) at the top as multisets: the same items as often in any order, each equal as data, floats to the last bit; a set there equals a list of its items in any order. Lists inside keep their order; other values as `tokens` |
/// | `..._ignore_case` | ASCII letters of texts, anywhere inside, match in either case |
/// | `lines` | says nothing about values: the wire refuses it for function tests, a data set's function rows fall back to `tokens` |
///
/// Under `exact` what is no plain data does not match either, though it would be read as such: a numpy integer, a
/// member of an `IntEnum`, a view, a named tuple (see [`crate::verdict::driver_record::DriverRecord::parse_noting`]).
///
/// Pair by pair this stands in `README.md` beside this file, which a test holds to what the code does.
///
/// ```
/// use proofbox::{judge::{Rule, compare_value}, value::parse_python};
/// let matches = |rule, got, expected| {
///     compare_value(rule, &parse_python(got).unwrap(), &parse_python(expected).unwrap()).is_match()
/// };
/// assert!(matches(Rule::TOKENS, "(1, 2.0)", "[1, 2]") && !matches(Rule::EXACT, "(1, 2.0)", "[1, 2]"));
/// assert!(matches(Rule::float(0.01, 0.0), "[0.301]", "[0.3]") && !matches(Rule::float(0.01, 0.0), "2.999", "3"));
/// assert!(matches(Rule::UNORDERED_TOKENS, "[[3], [1, 2]]", "[[1, 2], [3]]"));
/// assert!(!matches(Rule::UNORDERED_TOKENS, "[[2, 1], [3]]", "[[1, 2], [3]]"));
/// assert!(matches(Rule::TOKENS_IGNORE_CASE, "'Yes'", "'YES'"));
/// assert!(matches(Rule::TOKENS, "{2, 1}", "[1, 2]") && !matches(Rule::TOKENS, "{2, 1}", "[2, 1]"));
/// assert!(matches(Rule::TOKENS, "Fraction(1, 2)", "Decimal('0.50')") && !matches(Rule::TOKENS, "0.1", "Decimal('0.1')"));
/// ```
pub fn compare_value(rule: Rule, actual: &Value, expected: &Value) -> Comparison {
    if rule.letters == Letters::AnyCase {
        let cased = Rule { letters: Letters::CaseCounts, ..rule };
        return compare_value(cased, &lower_cased(actual), &lower_cased(expected));
    }
    match (rule.unit, rule.order, actual, expected) {
        (Unit::Bytes, ..) if identity_key(actual) == identity_key(expected) => return Comparison::Match,
        (
            Unit::Tokens,
            Order::Ignored,
            Value::List(left) | Value::Tuple(left) | Value::Set(left) | Value::FrozenSet(left),
            Value::List(right) | Value::Tuple(right),
        ) if left.len() == right.len() => {
            return match sorted_keys(left) == sorted_keys(right) {
                true => Comparison::Match,
                false => {
                    let odd = odd_items(left, right);
                    let words = expected_got(actual, expected);
                    Comparison::mismatch(format!("result, in any order: {words}{odd}"))
                }
            };
        }
        _ => {}
    }
    let mut path = Vec::new();
    let difference = find_difference(rule, actual, expected, &mut path);
    told(rule, difference, &path, || expected_got(actual, expected))
}

/// The comparison that a search for the first difference makes. `both`: both sides in words, where they differ in
/// nothing but their types.
pub(super) fn told(
    rule: Rule,
    difference: Option<String>,
    path: &[String],
    both: impl FnOnce() -> String,
) -> Comparison {
    match difference {
        None if rule.unit == Unit::Bytes => {
            Comparison::mismatch(format!("result, equal but for its types: {}", both()))
        }
        None => Comparison::Match,
        Some(difference) => {
            let path: String = path.iter().take(12).map(String::as_str).collect();
            Comparison::mismatch(format!("result{path}: {difference}"))
        }
    }
}

/// The value with the ASCII letters of its texts in lower case.
pub(super) fn lower_cased(value: &Value) -> Value {
    let all = |items: &[Value]| items.iter().map(lower_cased).collect();
    match value {
        Value::Str(text) => Value::Str(text.to_ascii_lowercase()),
        Value::List(items) => Value::List(all(items)),
        Value::Tuple(items) => Value::Tuple(all(items)),
        Value::Set(items) => Value::Set(all(items)),
        Value::FrozenSet(items) => Value::FrozenSet(all(items)),
        Value::Dict(pairs) => {
            Value::Dict(pairs.iter().map(|(key, value)| (lower_cased(key), lower_cased(value))).collect())
        }
        other => other.clone(),
    }
}

/// Compares with each accepted value; explains the difference to the first.
pub fn compare_value_with_any(rule: Rule, actual: &Value, accepted: &[Value]) -> Comparison {
    compare_with_any(accepted, |expected| compare_value(rule, actual, expected))
}

/// The first difference in words, and the way to it in `path`; `None` if there is none.
pub(super) fn find_difference(
    rule: Rule,
    actual: &Value,
    expected: &Value,
    path: &mut Vec<String>,
) -> Option<String> {
    use Value::{Dict, FrozenSet, List, Set, Tuple};
    match (actual, expected) {
        (List(left) | Tuple(left), List(right) | Tuple(right)) => {
            if left.len() != right.len() {
                return Some(format!("expected {} items, got {}", right.len(), left.len()));
            }
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                if let Some(difference) = find_difference(rule, left, right, path) {
                    path.insert(0, format!("[{index}]"));
                    return Some(difference);
                }
            }
            None
        }
        (Set(left) | FrozenSet(left), Set(right) | FrozenSet(right)) => (sorted_keys(left)
            != sorted_keys(right))
        .then(|| expected_got(actual, expected) + &odd_items(left, right)),
        (Set(left) | FrozenSet(left), List(right) | Tuple(right)) => {
            let is_canonical =
                right.windows(2).all(|pair| compare_items(&pair[0], &pair[1]).is_none_or(Ordering::is_lt));
            (!is_canonical || sorted_keys(left) != sorted_keys(right)).then(|| expected_got(actual, expected))
        }
        (Dict(left), Dict(right)) => dict_difference(rule, left, right, path),
        _ => (!scalars_are_equal(rule, actual, expected)).then(|| expected_got(actual, expected)),
    }
}

/// The order that Python has two items in; `None` where it has none, or none that a set's list keeps to.
pub(super) fn compare_items(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Str(left), Value::Str(right)) | (Value::Bytes(left), Value::Bytes(right)) => {
            Some(left.cmp(right))
        }
        (Value::List(left) | Value::Tuple(left), Value::List(right) | Value::Tuple(right)) => {
            let different = left.iter().zip(right).map(|(left, right)| compare_items(left, right));
            let first = different.into_iter().find(|order| *order != Some(Ordering::Equal));
            first.unwrap_or_else(|| Some(left.len().cmp(&right.len())))
        }
        (Value::Float(left), Value::Float(right)) => left.partial_cmp(right),
        (Value::Float(left), right) => left.partial_cmp(&as_float(right)?),
        (left, Value::Float(right)) => as_float(left)?.partial_cmp(right),
        (left, right) => Some(integer(left)?.cmp(&integer(right)?)),
    }
}

/// Nearly the integer; near enough to say which of two different numbers is the larger one.
fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(int) => Some(*int as f64),
        other => integer_as_float(&integer(other)?),
    }
}

/// Its highest digits are enough: what is beyond every float is infinite.
fn integer_as_float(integer: &BigInt) -> Option<f64> {
    const BEYOND_FLOATS: u64 = 1_025;
    match integer.bits() {
        0..=BEYOND_FLOATS => integer.to_string().parse().ok(),
        _ if integer.sign() == Sign::Minus => Some(f64::NEG_INFINITY),
        _ => Some(f64::INFINITY),
    }
}

fn expected_got(actual: &Value, expected: &Value) -> String {
    let [wanted, got] = [expected, actual].map(|value| match value {
        // As text, where that is made in no time.
        Value::BigInt(integer) if integer.bits() <= MAX_COMPARED_BITS => integer.to_string(),
        value => repr(value, COMPARED_BYTES),
    });
    words_of_difference((got, actual.type_name()), (wanted, expected.type_name()))
}

/// Each side's text, of at most [`COMPARED_BYTES`], with the name of its type.
pub(super) fn words_of_difference(
    (got, actual_type): (String, &str),
    (wanted, expected_type): (String, &str),
) -> String {
    let same = wanted.bytes().zip(got.bytes()).take_while(|(left, right)| left == right).count();
    let is_near = wanted == got || same + BEFORE_DIFFERENCE_BYTES < EXCERPT_BYTES;
    let from = if is_near { 0 } else { wanted.floor_char_boundary(same - BEFORE_DIFFERENCE_BYTES) };
    let part = |text: &str| {
        let end = text.floor_char_boundary((from + EXCERPT_BYTES).min(text.len()));
        let [before, after] = [from > 0, end < text.len()].map(|is_cut| if is_cut { "..." } else { "" });
        format!("{before}{}{after}", &text[from..end])
    };
    let mut words = match is_near {
        true => format!("expected {}, got {}", part(&wanted), part(&got)),
        false => {
            let first = wanted[..wanted.floor_char_boundary(same)].chars().count() + 1;
            format!("expected {}, got {} (different from character {first} on)", part(&wanted), part(&got))
        }
    };
    if actual_type != expected_type {
        words.push_str(&format!(" ({actual_type} for {expected_type})"));
    }
    words
}

/// An item that one of two collections has more often, where excerpts of the whole would not show it.
fn odd_items(actual: &[Value], expected: &[Value]) -> String {
    let mut surplus: HashMap<Vec<u8>, isize> = HashMap::new();
    expected.iter().for_each(|item| *surplus.entry(equality_key(item)).or_default() += 1);
    actual.iter().for_each(|item| *surplus.entry(equality_key(item)).or_default() -= 1);
    let odd = |items: &[Value], is_odd: fn(isize) -> bool| {
        let odd = items.iter().find(|item| surplus.get(&equality_key(item)).copied().is_some_and(is_odd));
        odd.map(|item| repr(item, EXCERPT_BYTES))
    };
    let missing =
        odd(expected, |more| more > 0).map(|item| format!("; {item} is missing, or not there as often"));
    let extra = odd(actual, |more| more < 0).map(|item| format!("; {item} is not expected, or not as often"));
    format!("{}{}", missing.unwrap_or_default(), extra.unwrap_or_default())
}

fn sorted_keys(items: &[Value]) -> Vec<Vec<u8>> {
    let mut keys: Vec<_> = items.iter().map(equality_key).collect();
    keys.sort_unstable();
    keys
}

fn dict_difference(
    rule: Rule,
    actual: &[(Value, Value)],
    expected: &[(Value, Value)],
    path: &mut Vec<String>,
) -> Option<String> {
    if actual.len() != expected.len() {
        return Some(format!("expected {} keys, got {}", expected.len(), actual.len()));
    }
    let mut by_key = HashMap::with_capacity(actual.len());
    let mut by_json_key = HashMap::new();
    for (key, value) in actual {
        by_key.insert(equality_key(key), value);
        if let Some(json_key) = json_key(key) {
            by_json_key.insert(json_key, equality_key(key));
        }
    }
    for (key, expected_value) in expected {
        // Each pair is used up, so that two expected keys never find the same one.
        let found = by_key.remove(&equality_key(key)).or_else(|| match key {
            Value::Str(text) => {
                let found = by_json_key.remove(text);
                by_key.remove(&found.or_else(|| Some(equality_key(&long_json_key(text)?)))?)
            }
            _ => None,
        });
        let Some(actual_value) = found else {
            return Some(format!("expected the key {}", repr(key, EXCERPT_BYTES)));
        };
        if let Some(difference) = find_difference(rule, actual_value, expected_value, path) {
            path.insert(0, format!("[{}]", repr(key, 20)));
            return Some(difference);
        }
    }
    None
}

/// The string that JSON has for a key that is none itself.
pub(super) fn json_key(key: &Value) -> Option<Vec<u8>> {
    match key {
        Value::None => Some(b"null".to_vec()),
        Value::Bool(bool) => Some(bool.to_string().into_bytes()),
        Value::Int(_) | Value::Float(_) => Some(repr(key, 400).into_bytes()),
        Value::BigInt(int) if int.bits() <= LONG_KEY_BITS => Some(int.to_string().into_bytes()),
        _ => None,
    }
}

/// To write longer integers takes long: of those it is the string that is read, by [`long_json_key`].
const LONG_KEY_BITS: u64 = 4_096;

/// The long integer that a dict's string key may stand for.
pub(super) fn long_json_key(text: &[u8]) -> Option<Value> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    // Shorter ones have no more bits.
    let is_long = digits.len() > LONG_KEY_BITS as usize / 4 && digits[0] != b'0';
    let text = std::str::from_utf8(text).ok()?;
    (is_long && digits.iter().all(u8::is_ascii_digit)).then(|| parse_json(text).ok())?
}

fn scalars_are_equal(rule: Rule, actual: &Value, expected: &Value) -> bool {
    match (actual, expected) {
        _ if rule.tolerance.is_some_and(|tolerance| is_close(tolerance, rule.whole, actual, expected)) => {
            true
        }
        // What is expected as an exact number is exact, unless a tolerance was asked for.
        (Value::Typed(_), _) | (_, Value::Typed(_)) => equality_key(actual) == equality_key(expected),
        (Value::Float(left), Value::Float(right)) => floats_are_equal(rule.tolerance, *left, *right),
        (Value::Complex(real, imaginary), Value::Complex(expected_real, expected_imaginary)) => {
            floats_are_equal(rule.tolerance, *real, *expected_real)
                && floats_are_equal(rule.tolerance, *imaginary, *expected_imaginary)
        }
        (Value::Complex(real, 0.0), other) => scalars_are_equal(rule, &Value::Float(*real), other),
        (other, Value::Complex(real, 0.0)) => scalars_are_equal(rule, other, &Value::Float(*real)),
        (Value::Float(float), other) | (other, Value::Float(float)) => {
            integer(other).is_some_and(|integer| whole_number(*float) == Some(integer))
        }
        (Value::Str(left), Value::Str(right)) | (Value::Bytes(left), Value::Bytes(right)) => left == right,
        (Value::Int(left), Value::Int(right)) => left == right,
        (Value::None, Value::None) => true,
        (left, right) => match (integer(left), integer(right)) {
            (Some(left), Some(right)) => left == right,
            _ => false,
        },
    }
}

/// Whether a number is within the tolerance of an expected one. An expected integer has none, but by Kattis' rule.
fn is_close(tolerance: Tolerance, whole: Whole, actual: &Value, expected: &Value) -> bool {
    if whole != Whole::LikeOthers && matches!(expected, Value::Bool(_) | Value::Int(_) | Value::BigInt(_)) {
        return false;
    }
    match (number(actual), number(expected)) {
        (Some(actual), Some(expected)) => tolerance.covers(actual, expected),
        _ => false,
    }
}

/// A finite number as a float.
fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Float(float) => Some(*float),
        Value::Typed(typed) => typed.as_float(),
        // Larger ones are no floats, and their digits are not worth writing out.
        Value::BigInt(int) if int.bits() > u64::from(f64::MAX_EXP.unsigned_abs()) => None,
        other => as_float(other),
    };
    number.filter(|number| number.is_finite())
}

fn integer(value: &Value) -> Option<BigInt> {
    match value {
        Value::Bool(bool) => Some(BigInt::from(u8::from(*bool))),
        Value::Int(int) => Some(BigInt::from(*int)),
        Value::BigInt(int) => Some(int.clone()),
        _ => None,
    }
}

fn floats_are_equal(tolerance: Option<Tolerance>, actual: f64, expected: f64) -> bool {
    const EXACT_BELOW: f64 = (1u64 << 53) as f64;
    if actual == expected || (actual.is_nan() && expected.is_nan()) {
        return true;
    }
    if !actual.is_finite() || !expected.is_finite() {
        return false;
    }
    if tolerance.is_some_and(|tolerance| tolerance.covers(actual, expected)) {
        return true;
    }
    let is_count = |float: f64| float.fract() == 0.0 && float.abs() < EXACT_BELOW;
    if is_count(actual) && is_count(expected) {
        return false;
    }
    LAST_BITS.covers(actual, expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::parse_python;

    #[track_caller]
    fn check(actual: &str, expected: &str, is_match: bool) {
        let comparison =
            compare_value(Rule::TOKENS, &parse_python(actual).unwrap(), &parse_python(expected).unwrap());
        assert_eq!(comparison.is_match(), is_match, "{actual} {expected}: {comparison:?}");
    }

    #[test]
    fn equal_as_data() {
        for (actual, expected) in [
            ("1", "1.0"),
            ("True", "1"),
            ("(1, (2, [3]))", "[1, [2, [3]]]"),
            ("{1: 2, None: 3, True: 4}", "{'1': 4, 'null': 3}"),
            ("{1.5: (1,)}", "{'1.5': [1]}"),
            ("{2, 1}", "[1, 2]"),
            ("{(3, 4), (1, 2)}", "[[1, 2], [3, 4]]"),
            ("{'b', 'a'}", "['a', 'b']"),
            ("{1, 'a'}", "['a', 1]"),
            ("{2, 1.5}", "(1.5, 2)"),
            ("{1, 2}", "{2.0, 1}"),
            ("nan", "nan"),
            ("[-inf]", "[-inf]"),
            ("0.30000000000000004", "0.3"),
            ("1e300", "1.0000000000000002e300"),
            ("100000000000000000000000", "1e23 "),
            ("1+0j", "1"),
            ("''", "''"),
            ("{}", "{}"),
        ] {
            let is_match = actual != "100000000000000000000000";
            check(actual, expected, is_match);
        }
        check("99999999999999991611392", "1e23", true);
        check("9007199254740993", "9007199254740992.0", false);
    }

    /// However long they are, and however they are written.
    #[test]
    fn whole_numbers_are_equal_by_value_at_any_length() {
        let zeros = |count: usize| format!("1{}", "0".repeat(count));
        let long = "123456789".repeat(700);
        for (actual, expected, is_match) in [
            ("Decimal('1E+399')".to_owned(), zeros(399), true),
            ("Decimal('1E+400')".to_owned(), zeros(400), true),
            ("Decimal('1E+401')".to_owned(), zeros(401), true),
            ("Decimal('1E+9000')".to_owned(), zeros(9_000), true),
            ("Decimal('1E+9000')".to_owned(), zeros(9_001), false),
            ("Decimal('-1E+9000')".to_owned(), zeros(9_000), false),
            (format!("Decimal('{long}')"), long.clone(), true),
            (format!("Decimal('{long}.000')"), long.clone(), true),
            (format!("Decimal('{long}.5')"), long.clone(), false),
            (format!("Decimal('{long}')"), format!("{long}1"), false),
            (format!("Fraction({long}, 1)"), long.clone(), true),
            (long.clone(), format!("{}8", &long[..long.len() - 1]), false),
            ("Decimal('1E+6400000')".to_owned(), "5.5".to_owned(), false),
            ("Decimal('0E+6400000')".to_owned(), "0".to_owned(), true),
            (format!("{{{long}, 0.5}}"), format!("[0.5, {long}]"), true),
            (format!("{{{long}, 0.5}}"), format!("[{long}, 0.5]"), false),
            (format!("{{{long}: 1}}"), format!("{{'{long}': 1}}"), true),
            (format!("{{-{long}: 1}}"), format!("{{'-{long}': 1}}"), true),
            (format!("{{{long}: 1}}"), "{'<int of about 6300 digits>': 1}".to_owned(), false),
        ] {
            check(&actual, &expected, is_match);
        }
    }

    #[test]
    fn different_as_data() {
        for (actual, expected) in [
            ("1", "2"),
            ("'1'", "1"),
            ("1", "'1'"),
            ("None", "0"),
            ("None", "False"),
            ("[]", "None"),
            ("'a'", "b'a'"),
            ("[1, 2]", "[2, 1]"),
            ("[1, 2]", "{1, 2}"),
            ("{1, 2}", "[1, 2, 2]"),
            ("{1, 2}", "[2, 1]"),
            ("{(1, 2), (3, 4)}", "[[3, 4], [1, 2]]"),
            ("{'b', 'a'}", "['b', 'a']"),
            ("[{1, 2}]", "[[2, 1]]"),
            ("[1]", "1"),
            ("inf", "-inf"),
            ("nan", "0.0"),
            ("inf", "1e308"),
            ("10000000001.0", "10000000000.0"),
            ("10000000001", "10000000000.0"),
            ("2.9999999999999996", "3"),
            ("{1: 2}", "{1: 3}"),
            ("{1: 2}", "{'2': 2}"),
            ("{1: 2}", "{1: 2, '1': 2}"),
            ("{'1': 2}", "{1: 2}"),
            ("0.1", "0.1000001"),
        ] {
            check(actual, expected, false);
        }
    }

    #[test]
    fn explains_the_first_difference() {
        let compare = |actual: &str, expected: &str| {
            compare_value(Rule::TOKENS, &parse_python(actual).unwrap(), &parse_python(expected).unwrap())
        };
        let mismatch = |explanation: &str| Comparison::Mismatch { explanation: explanation.to_owned() };
        assert_eq!(
            compare("[1, {'a': [1, 2]}]", "[1, {'a': [1, 3]}]"),
            mismatch("result[1]['a'][1]: expected 3, got 2")
        );
        assert_eq!(compare("'1'", "1"), mismatch("result: expected 1, got '1' (str for int)"));
        assert_eq!(compare("[1]", "[1, 2]"), mismatch("result: expected 2 items, got 1"));
        assert_eq!(compare("{1: 1}", "{2: 1}"), mismatch("result: expected the key 2"));
        assert_eq!(
            compare("{1, 2}", "{1, 3}"),
            mismatch(
                "result: expected {1, 3}, got {1, 2}; 3 is missing, or not there as often; 2 is not expected, or not as often"
            )
        );
        let digits = |last: &str| format!("{}{last}{}", "7".repeat(4_000), "3".repeat(999));
        let (sevens, threes) = ("7".repeat(20), "3".repeat(59));
        assert_eq!(
            compare(&digits("1"), &digits("2")),
            mismatch(&format!(
                "result: expected ...{sevens}2{threes}..., got ...{sevens}1{threes}... (different from character 4001 on)"
            ))
        );
        let accepted = [Value::Int(1), Value::List(vec![Value::Int(1)])];
        assert!(
            compare_value_with_any(Rule::TOKENS, &Value::List(vec![Value::Int(1)]), &accepted).is_match()
        );
        assert!(!compare_value_with_any(Rule::TOKENS, &Value::Int(2), &accepted).is_match());
    }
}
