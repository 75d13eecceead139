use super::*;
use crate::{judge::Whole, value::parse_python};

/// Values that are equal in one sense and not in another, or nearly.
const TEXTS: [&str; 62] = [
    "1",
    "1.0",
    "True",
    "1+0j",
    "Decimal('1')",
    "Decimal('1.0')",
    "Fraction(1, 3)",
    "'a'",
    "'A'",
    "b'a'",
    "None",
    "nan",
    "inf",
    "0.1",
    "0.1000001",
    "100000000000000000000",
    "1e20",
    "-100000000000000000000",
    "[]",
    "()",
    "{}",
    "set()",
    "frozenset()",
    "[1]",
    "(1.0,)",
    "[1, 2]",
    "[2, 1]",
    "(1, 2)",
    "(1, 2.0000001)",
    "{1, 2}",
    "{2.0, 1}",
    "frozenset({1, 2})",
    "[1, 2, 2]",
    "[2, 1, 2]",
    "[1, 1, 2]",
    "{'a': 1}",
    "{'A': 1}",
    "{'a': 1.0000001}",
    "{'a': 1, 'b': [2]}",
    "{'b': [2], 'a': 1}",
    "{'b': (2.0,), 'a': True}",
    "{'a': 1, 'b': [3]}",
    "{1: 2, None: 3}",
    "{'null': 3, '1': 2}",
    "{'1': 2, 'null': 3}",
    "{1: 2, '1': 2}",
    "{'1': 2, 2: 2}",
    "{1.5: [1]}",
    "{'1.5': (1,)}",
    "{(1, 2): 3}",
    "[[1, (2,)], {'k': {3}}]",
    "([1, [2]], {'k': [3]})",
    "[{2, 1}, 'x']",
    "[[1, 2], 'x']",
    "[[2, 1], 'x']",
    "[0.1, 'Yes']",
    "[0.1000001, 'YES']",
    "[Decimal('0.5'), 2]",
    "[0.5, 2.0]",
    "['0.5', 2]",
    "[datetime.date(2024, 2, 29)]",
    "['2024-02-29']",
];

const RULES: [Rule; 7] = [
    Rule::EXACT,
    Rule::TOKENS,
    Rule::TOKENS_IGNORE_CASE,
    Rule::UNORDERED_TOKENS,
    Rule::float(1e-6, 1e-6),
    Rule::DATA_SET,
    Rule { whole: Whole::LikeOthers, ..Rule::float(0.3, 0.3) },
];

/// Every value with every other, in every form, by every rule, item by item and as a whole.
#[test]
fn item_by_item_is_as_a_whole() {
    let values = TEXTS.map(|text| parse_python(text).unwrap());
    let values = values.map(|value| (Packed::new(&value), value));
    let (mut matches, mut compared) = (0, 0);
    for (actual, value) in &values {
        let forms: &[Form] = match actual.has_typed() {
            false => &[Form::AsItIs],
            true => &[Form::AsItIs, Form::Rounded, Form::Written],
        };
        for form in forms.iter().copied() {
            let formed = form.of(value.clone());
            for (packed, expected) in &values {
                for rule in RULES {
                    let whole = compare_value(rule, &formed, expected);
                    let found = compare_by(rule, form, actual.root(), packed.root(), 0);
                    assert_eq!(
                        found.is_match(),
                        whole.is_match(),
                        "{rule} {form:?} {actual:?} {packed:?}: {found:?} {whole:?}"
                    );
                    // In either case letters are shown as they are, and each form as what it was made of. Which of
                    // a set's items are missing is told of small ones alone.
                    if rule.letters == Letters::CaseCounts && !actual.has_typed() {
                        let [short, long] = [&found, &whole].map(|comparison| match comparison {
                            Comparison::Match => "",
                            Comparison::Mismatch { explanation } => explanation,
                        });
                        assert!(long.starts_with(short), "{long}: {short}");
                    }
                    matches += usize::from(found.is_match());
                    compared += 1;
                }
            }
        }
    }
    assert!(matches > compared / 50 && matches < compared / 4, "{matches} of {compared}");
}

#[test]
fn equal_values_of_different_length_are_equal() {
    for (left, right, is_equal) in [
        ("[1, (2.0,)]", "(True, [2])", true),
        ("{1: {2, 3}, 'a': ()}", "{'a': [], 1.0: frozenset({3, 2})}", true),
        ("[{1, 2}]", "[[1, 2]]", false),
        ("[[1, 2], [3]]", "[[1], [2, 3]]", false),
        ("{'a': 'b'}", "{'b': 'a'}", false),
        ("Decimal('2.0')", "2", true),
    ] {
        let [left, right] = [left, right].map(|text| Packed::new(&parse_python(text).unwrap()));
        assert_eq!(are_equal(&left, &right), is_equal, "{left:?} {right:?}");
        assert!(are_equal(&left, &left));
    }
}

/// What is as long as whole outputs are: the first difference is found wherever it is.
#[test]
fn long_values_are_compared_to_their_end() {
    let list = |last: i64| Value::List((0..30_000).map(Value::Int).chain([Value::Int(last)]).collect());
    let dict = |from: i64, last: i64| {
        let pair = |key: i64| (Value::str(&key.to_string()), Value::Int(if key == 0 { last } else { key }));
        Value::Dict((0..20_000).map(|key| pair((key + from) % 20_000)).collect())
    };
    let int_keys = Value::Dict((0..20_000).map(|key| (Value::Int(key), Value::Int(key))).collect());
    let digits = "7".repeat(9_000);
    let long_key = Value::Dict(vec![(parse_python(&digits).unwrap(), list(1))]);
    let long_name = Value::Dict(vec![(Value::str(&digits), list(1))]);
    for (actual, expected, word) in [
        (list(5), list(5), None),
        (list(5), list(6), Some("result[30000]: expected 6, got 5")),
        (Value::Tuple(vec![list(5)]), Value::List(vec![list(5)]), None),
        (dict(0, 0), dict(0, 0), None),
        (dict(7_000, 0), dict(0, 0), None),
        (dict(7_000, 1), dict(0, 0), Some("result['0']: expected 0, got 1")),
        (int_keys.clone(), dict(3, 0), None),
        (int_keys, dict(0, 9), Some("result['0']: expected 9, got 0")),
        (long_key.clone(), long_name.clone(), None),
        (long_name, long_key, Some("result: expected the key <int of about 9000 digits>")),
        (Value::Str(vec![b'x'; 40_000]), Value::Str(vec![b'x'; 40_000]), None),
        (list(5), Value::str("x"), Some("result: expected 'x', got [0, 1,")),
    ] {
        let comparison = compare_packed(
            Rule::TOKENS,
            Form::AsItIs,
            Packed::new(&actual).root(),
            Packed::new(&expected).root(),
        );
        match (comparison, word) {
            (Comparison::Match, None) => {}
            (Comparison::Mismatch { explanation }, Some(word)) => {
                assert!(explanation.starts_with(word), "{explanation}");
                assert!(explanation.len() < 250);
            }
            (comparison, _) => panic!("{word:?}: {comparison:?}"),
        }
    }
}
