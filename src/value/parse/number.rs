//! Decimal integers of any size.

use num_bigint::BigInt;

use crate::value::Value;

/// Digits that the schoolbook method reads; longer numbers are split.
const SCHOOLBOOK_DIGITS: usize = 2_000;

/// The value of decimal digits (`0` to `9`, at least one).
pub fn integer(digits: &[u8], is_negative: bool) -> Value {
    if digits.len() <= 18 {
        let magnitude = digits.iter().fold(0, |sum: i64, digit| sum * 10 + i64::from(digit - b'0'));
        return Value::Int(if is_negative { -magnitude } else { magnitude });
    }
    let magnitude = big(digits);
    Value::from_bigint(if is_negative { -magnitude } else { magnitude })
}

/// Splits in halves, so that the cost is that of multiplication and not quadratic.
fn big(digits: &[u8]) -> BigInt {
    if digits.len() <= SCHOOLBOOK_DIGITS {
        return BigInt::parse_bytes(digits, 10).expect("only decimal digits come here");
    }
    let low_len = digits.len() / 2;
    let (high, low) = digits.split_at(digits.len() - low_len);
    let shift = u32::try_from(low_len).expect("a text of digits is smaller than 4 GiB");
    big(high) * BigInt::from(10).pow(shift) + big(low)
}
