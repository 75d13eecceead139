//! One byte string per class of equal values.

use num_bigint::BigInt;

use super::{Typed, Value, typed::LongWhole, whole_number};

/// A byte string that two values share exactly if they are equal as data: by Python's `==`, and
/// besides that a tuple equals a list of the same items and NaN equals NaN. Exact numbers are equal to the
/// ints and floats that they exactly are. Linear in the value's
/// size, except that the items of sets are sorted.
pub fn equality_key(value: &Value) -> Vec<u8> {
    let mut key = Vec::new();
    write_equality_key(&mut key, value);
    key
}

/// A byte string that two values share exactly if they are the same to the type and the bit, at any
/// depth. NaN is NaN; the order of sets and of a dict's keys does not count.
pub fn identity_key(value: &Value) -> Vec<u8> {
    let mut key = Vec::new();
    write_identity_key(&mut key, value);
    key
}

/// Appends the [`identity_key`].
pub fn write_identity_key(key: &mut Vec<u8>, value: &Value) {
    let items_in_order = |key: &mut Vec<u8>, tag: u8, items: &[Value]| {
        key.push(tag);
        key.extend((items.len() as u64).to_le_bytes());
        items.iter().for_each(|item| write_identity_key(key, item));
    };
    let float = |key: &mut Vec<u8>, float: f64| {
        key.push(b'f');
        key.extend(if float.is_nan() { f64::NAN.to_bits() } else { float.to_bits() }.to_le_bytes());
    };
    match value {
        Value::Bool(bool) => key.extend([b'B', u8::from(*bool)]),
        Value::Float(number) => float(key, *number),
        Value::Complex(real, imaginary) => {
            key.push(b'c');
            float(key, *real);
            float(key, *imaginary);
        }
        Value::List(items) => items_in_order(key, b'[', items),
        Value::Tuple(items) => items_in_order(key, b'(', items),
        Value::Set(items) => write_sorted(key, b'<', items.iter().map(identity_key).collect()),
        Value::FrozenSet(items) => write_sorted(key, b'>', items.iter().map(identity_key).collect()),
        Value::Dict(pairs) => {
            let pair = |(name, value): &(Value, Value)| {
                let mut pair = identity_key(name);
                write_identity_key(&mut pair, value);
                pair
            };
            write_sorted(key, b'{', pairs.iter().map(pair).collect());
        }
        // `Decimal('1.10')` is another one than `Decimal('1.1')`.
        Value::Typed(typed) => write_typed(key, typed),
        Value::Made { plain, .. } => write_identity_key(key, plain),
        Value::None | Value::Int(_) | Value::BigInt(_) | Value::Str(_) | Value::Bytes(_) => {
            write_equality_key(key, value)
        }
    }
}

/// Appends the [`equality_key`].
pub fn write_equality_key(key: &mut Vec<u8>, value: &Value) {
    match value {
        Value::None => key.push(b'N'),
        Value::Bool(bool) => write_small(key, i64::from(*bool)),
        Value::Int(int) => write_small(key, *int),
        Value::BigInt(int) => write_big(key, int),
        Value::Float(float) => write_float(key, *float),
        Value::Complex(real, imaginary) if *imaginary == 0.0 => write_float(key, *real),
        Value::Complex(real, imaginary) => {
            key.push(b'c');
            write_float(key, *real);
            write_float(key, *imaginary);
        }
        Value::Str(text) => write_bytes(key, b's', text),
        Value::Bytes(bytes) => write_bytes(key, b'b', bytes),
        Value::List(items) | Value::Tuple(items) => {
            key.push(b'[');
            key.extend((items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| write_equality_key(key, item));
        }
        Value::Set(items) | Value::FrozenSet(items) => {
            write_sorted(key, b'<', items.iter().map(equality_key).collect());
        }
        Value::Dict(pairs) => {
            let pair = |(name, value): &(Value, Value)| {
                let mut pair = equality_key(name);
                write_equality_key(&mut pair, value);
                pair
            };
            write_sorted(key, b'{', pairs.iter().map(pair).collect());
        }
        Value::Made { plain, .. } => write_equality_key(key, plain),
        Value::Typed(typed) => match (typed.long_whole(), typed.plain_equal(), typed.ratio()) {
            (Some(long), ..) => long.write(key),
            (None, Some(plain), _) => write_equality_key(key, &plain),
            (None, None, Some((over, under))) => {
                write_bytes(key, b'r', &over.to_signed_bytes_le());
                write_bytes(key, b'/', &under.to_signed_bytes_le());
            }
            (None, None, None) => write_typed(key, typed),
        },
    }
}

fn write_typed(key: &mut Vec<u8>, typed: &Typed) {
    write_bytes(key, b't', typed.kind().name().as_bytes());
    write_bytes(key, b':', typed.text().as_bytes());
}

fn write_small(key: &mut Vec<u8>, int: i64) {
    key.push(b'i');
    key.extend(int.to_le_bytes());
}

fn write_big(key: &mut Vec<u8>, int: &BigInt) {
    match i64::try_from(int) {
        Ok(small) => write_small(key, small),
        Err(_) => match LongWhole::of(int) {
            Some(long) => long.write(key),
            None => write_bytes(key, b'I', &int.to_signed_bytes_le()),
        },
    }
}

fn write_float(key: &mut Vec<u8>, float: f64) {
    if float.is_nan() {
        key.push(b'n');
    } else if let Some(whole) = whole_number(float) {
        write_big(key, &whole);
    } else {
        key.push(b'f');
        key.extend(float.to_bits().to_le_bytes());
    }
}

fn write_bytes(key: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    key.push(tag);
    key.extend((bytes.len() as u64).to_le_bytes());
    key.extend(bytes);
}

fn write_sorted(key: &mut Vec<u8>, tag: u8, mut parts: Vec<Vec<u8>>) {
    parts.sort_unstable();
    key.push(tag);
    key.extend((parts.len() as u64).to_le_bytes());
    parts.iter().for_each(|part| key.extend(part));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(left: Value, right: Value, equal: bool) {
        assert_eq!(equality_key(&left) == equality_key(&right), equal, "{left:?} {right:?}");
    }

    #[test]
    fn numbers_are_equal_by_value() {
        check(Value::Int(1), Value::Float(1.0), true);
        check(Value::Bool(true), Value::Int(1), true);
        check(Value::Float(-0.0), Value::Int(0), true);
        check(Value::Float(f64::NAN), Value::Float(-f64::NAN), true);
        check(Value::Float(1e300), Value::BigInt(whole_number(1e300).unwrap()), true);
        check(Value::Int((1 << 53) + 1), Value::Float(9007199254740992.0), false);
        check(Value::Complex(2.0, 0.0), Value::Int(2), true);
        check(Value::Float(0.1), Value::Float(0.2), false);
        assert_eq!(whole_number(-6.0), Some(BigInt::from(-6)));
        assert_eq!(whole_number(6.5), None);
        assert_eq!(whole_number(2f64.powi(70)), Some(BigInt::from(1) << 70));
        assert_eq!(whole_number(f64::INFINITY), None);
    }

    #[test]
    fn containers_are_equal_by_items() {
        let one_two = || vec![Value::Int(1), Value::Int(2)];
        let two_one = || vec![Value::Int(2), Value::Int(1)];
        check(Value::Tuple(one_two()), Value::List(one_two()), true);
        check(Value::List(one_two()), Value::List(two_one()), false);
        check(Value::Set(one_two()), Value::FrozenSet(two_one()), true);
        check(Value::Set(one_two()), Value::List(one_two()), false);
        check(Value::str("a"), Value::Bytes(b"a".to_vec()), false);
        let nested = |parts: [usize; 2]| {
            Value::List(parts.iter().map(|n| Value::List(vec![Value::None; *n])).collect())
        };
        check(nested([1, 2]), nested([2, 1]), false);
    }
}
