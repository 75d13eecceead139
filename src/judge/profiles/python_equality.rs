//! `==` as Python has it on plain data.

use num_bigint::BigInt;

use crate::value::{Value, equality_key, whole_number};

/// Whether Python's `==` calls two values equal: `1 == 1.0 == True`, a list is no tuple, a set
/// equals a frozen one, NaN equals nothing.
pub fn python_equal(left: &Value, right: &Value) -> bool {
    use Value::{Bytes, Dict, FrozenSet, List, None, Set, Str, Tuple};
    match (left, right) {
        (None, None) => true,
        (Str(left), Str(right)) | (Bytes(left), Bytes(right)) => left == right,
        (List(left), List(right)) | (Tuple(left), Tuple(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| python_equal(left, right))
        }
        // Keys and items of sets are equal exactly if their keys are: hashable values hold no list.
        (Set(left) | FrozenSet(left), Set(right) | FrozenSet(right)) => {
            sorted_keys(left) == sorted_keys(right)
        }
        (Dict(left), Dict(right)) => {
            let by_key: std::collections::HashMap<_, _> =
                left.iter().map(|(key, value)| (equality_key(key), value)).collect();
            left.len() == right.len()
                && right.iter().all(|(key, value)| {
                    by_key.get(&equality_key(key)).is_some_and(|found| python_equal(found, value))
                })
        }
        (Value::Made { plain, .. }, other) | (other, Value::Made { plain, .. }) => python_equal(plain, other),
        (Value::Typed(typed), _) | (_, Value::Typed(typed)) => {
            typed.text() != "NaN" && equality_key(left) == equality_key(right)
        }
        _ => match (number(left), number(right)) {
            (Some(left), Some(right)) => left == right,
            _ => false,
        },
    }
}

fn sorted_keys(items: &[Value]) -> Vec<Vec<u8>> {
    let mut keys: Vec<_> = items.iter().map(equality_key).collect();
    keys.sort_unstable();
    keys
}

/// A number by its value. Not NaN, which is equal to nothing.
#[derive(PartialEq)]
enum Number {
    Whole(BigInt),
    /// A fraction or an infinity.
    Float(f64),
    Complex(f64, f64),
}

fn number(value: &Value) -> Option<Number> {
    Some(match value {
        Value::Bool(bool) => Number::Whole(BigInt::from(u8::from(*bool))),
        Value::Int(int) => Number::Whole(BigInt::from(*int)),
        Value::BigInt(int) => Number::Whole(int.clone()),
        Value::Float(float) if float.is_nan() => return None,
        Value::Float(float) => whole_number(*float).map_or(Number::Float(*float), Number::Whole),
        Value::Complex(real, imaginary) if *imaginary == 0.0 => return number(&Value::Float(*real)),
        Value::Complex(real, imaginary) if real.is_nan() || imaginary.is_nan() => return None,
        Value::Complex(real, imaginary) => Number::Complex(*real, *imaginary),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::parse_python;

    #[test]
    fn is_what_python_says() {
        for (left, right, equal) in [
            ("1", "1.0", true),
            ("True", "1", true),
            ("0.1", "0.1", true),
            ("0.30000000000000004", "0.3", false),
            ("(1, 2)", "[1, 2]", false),
            ("[(1, 2)]", "[(1.0, 2)]", true),
            ("{1: [2]}", "{1.0: [2]}", true),
            ("{1: 2}", "{'1': 2}", false),
            ("{1, 2}", "{2, 1}", true),
            ("{1, 2}", "[1, 2]", false),
            ("nan", "nan", false),
            ("9007199254740993", "9007199254740992.0", false),
            ("1+0j", "1", true),
            ("1+2j", "1+2j", true),
            ("'a'", "b'a'", false),
            ("None", "False", false),
            ("Decimal('1.0')", "1", true),
            ("Decimal('0.1')", "0.1", false),
            ("Decimal('0.25')", "Fraction(1, 4)", true),
            ("Fraction(1, 2)", "0.5", true),
            ("Decimal('NaN')", "Decimal('NaN')", false),
            ("datetime.date(2024, 2, 29)", "datetime.date(2024, 2, 29)", true),
            ("datetime.date(2024, 2, 29)", "'2024-02-29'", false),
            ("Colour.RED", "'RED'", false),
        ] {
            let [left, right] = [left, right].map(|text| parse_python(text).unwrap());
            assert_eq!(python_equal(&left, &right), equal, "{left:?} {right:?}");
            assert_eq!(python_equal(&right, &left), equal, "{right:?} {left:?}");
        }
    }
}
