//! Numbers as Python and numpy have them.

/// Python's `float(text)` of a text without white space at its ends.
pub fn python_float(text: &[u8]) -> Option<f64> {
    plain_float(text).or_else(|| any_float(text))
}

/// Powers of ten that are exact.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Most numbers: few digits, so that digits and power of ten are exact and one operation rounds once.
fn plain_float(text: &[u8]) -> Option<f64> {
    if let [digit @ b'0'..=b'9'] = text {
        return Some(f64::from(digit - b'0'));
    }
    let (is_negative, unsigned) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    // Nineteen digits fit; with point and exponent there are at most these.
    if unsigned.len() > 20 {
        return None;
    }
    let (mut digits, mut count, mut behind_point) = (0_u64, 0, None);
    let mut rest = unsigned;
    while let [byte, tail @ ..] = rest {
        match byte {
            b'0'..=b'9' if count < 19 => {
                digits = digits * 10 + u64::from(byte - b'0');
                count += 1;
            }
            b'.' if behind_point.is_none() => behind_point = Some(count),
            _ => break,
        }
        rest = tail;
    }
    let exponent = match rest {
        [] => 0,
        [b'e' | b'E', digits @ ..] => small_exponent(digits)?,
        _ => return None,
    };
    if count == 0 || digits > 1 << 53 {
        return None;
    }
    let power = exponent - behind_point.map_or(0, |before| count - before);
    let size = POWERS.get(power.unsigned_abs() as usize)?;
    let number = if power < 0 { digits as f64 / size } else { digits as f64 * size };
    Some(if is_negative { -number } else { number })
}

/// An exponent of one or two digits.
fn small_exponent(text: &[u8]) -> Option<i32> {
    let (sign, digits) = match text {
        [b'-', digits @ ..] => (-1, digits),
        [b'+', digits @ ..] => (1, digits),
        digits => (1, digits),
    };
    let is_small = matches!(digits.len(), 1 | 2) && digits.iter().all(u8::is_ascii_digit);
    is_small.then(|| sign * digits.iter().fold(0, |number, digit| number * 10 + i32::from(digit - b'0')))
}

fn any_float(text: &[u8]) -> Option<f64> {
    let first = *text.first()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.' | b'i' | b'I' | b'n' | b'N')) {
        return None;
    }
    if !text.contains(&b'_') {
        return parsed(text);
    }
    // Between digits only.
    let is_digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    let mut kept = [0; 64];
    let mut kept_more = Vec::new();
    let without = match kept.get_mut(..text.len()) {
        Some(kept) => kept,
        None => {
            kept_more.resize(text.len(), 0);
            &mut kept_more[..]
        }
    };
    let mut length = 0;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'_' if at == 0 || !is_digit(at - 1) || !is_digit(at + 1) => return None,
            b'_' => {}
            byte => {
                without[length] = *byte;
                length += 1;
            }
        }
    }
    parsed(&without[..length])
}

fn parsed(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Python's `round(number, 3)`, which is right for the number's exact value. Zero has one sign, for both are equal.
pub fn rounded(number: f64) -> f64 {
    // From here on floats are further apart than thousandths: none other is as near. Neither to what is no number.
    const NEXT_ABOVE_THOUSANDTHS: f64 = (1_u64 << 43) as f64;
    if number.is_nan() {
        return f64::NAN;
    }
    if number.abs() >= NEXT_ABOVE_THOUSANDTHS {
        return number;
    }
    if (number as i64) as f64 == number {
        return number + 0.0;
    }
    let product = number * 1000.0;
    // Above 2^52 a float has no places, so that the sum is rounded to the nearest whole number; ties to the even one.
    const PLACELESS: f64 = 1.5 * (1_u64 << 52) as f64;
    let mut thousandths = match product.abs() < (1_u64 << 51) as f64 {
        true => (product + PLACELESS) - PLACELESS,
        false => product.round_ties_even(),
    };
    let over = product - thousandths;
    // What the product lost decides where it seems to be halfway, or to be whole above 2^52, where it cannot be halfway.
    if over.abs() == 0.5 || product.abs() >= (1_u64 << 52) as f64 {
        let lost = number.mul_add(1000.0, -product);
        thousandths = match lost {
            _ if over == 0.0 => thousandths + halfway_to_even(thousandths, lost),
            0.0 => thousandths,
            _ if lost > 0.0 => product.ceil(),
            _ => product.floor(),
        };
    }
    // Both are exact, so that the quotient is the float next to the decimal number.
    thousandths / 1000.0 + 0.0
}

/// What to add to a whole number for the even one where `lost` says that the number is halfway.
fn halfway_to_even(whole: f64, lost: f64) -> f64 {
    if lost.abs() == 0.5 && whole % 2.0 != 0.0 { lost * 2.0 } else { 0.0 }
}

/// `np.isclose`, by default.
pub fn is_close(number: f64, expected: f64) -> bool {
    number == expected || (expected.is_finite() && (number - expected).abs() <= 1e-8 + 1e-5 * expected.abs())
}

/// A decimal number in one form for each: sign, digits without zeros at either end, in two parts, and the
/// power of ten behind the last digit.
#[derive(Debug)]
pub struct Decimal<'a> {
    is_negative: bool,
    digits: [&'a [u8]; 2],
    power: i64,
}

impl PartialEq for Decimal<'_> {
    fn eq(&self, other: &Decimal<'_>) -> bool {
        self.is_negative == other.is_negative
            && self.power == other.power
            && self.digits.iter().copied().flatten().eq(other.digits.iter().copied().flatten())
    }
}

/// The number that a token is in Python's decimal notation, without names and underscores.
pub fn decimal(token: &[u8]) -> Option<Decimal<'_>> {
    let (is_negative, rest) = match token {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (mantissa, exponent) = match rest.iter().position(|byte| byte.eq_ignore_ascii_case(&b'e')) {
        Some(at) => (&rest[..at], std::str::from_utf8(&rest[at + 1..]).ok()?.parse::<i32>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = match mantissa.iter().position(|byte| *byte == b'.') {
        Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
        None => (mantissa, &[][..]),
    };
    let all_digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let zeros = |digits: &mut dyn Iterator<Item = &u8>| digits.take_while(|digit| **digit == b'0').count();
    let before = zeros(&mut whole.iter().chain(fraction));
    if before == whole.len() + fraction.len() {
        return Some(Decimal { is_negative: false, digits: [&[], &[]], power: 0 });
    }
    let behind = zeros(&mut fraction.iter().rev().chain(whole.iter().rev()));
    let power = i64::from(exponent) - fraction.len() as i64 + behind as i64;
    let digits = [
        &whole[before.min(whole.len())..whole.len() - behind.saturating_sub(fraction.len())],
        &fraction[before.saturating_sub(whole.len())..fraction.len() - behind.min(fraction.len())],
    ];
    Some(Decimal { is_negative, digits, power })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn numbers_are_read_as_python_reads_them() {
        for (text, number) in [
            ("1", Some(1.0)),
            ("-0", Some(0.0)),
            ("+.5", Some(0.5)),
            ("5.", Some(5.0)),
            (".", None),
            ("", None),
            ("-", None),
            ("1e5", Some(1e5)),
            ("1e", None),
            ("e5", None),
            ("1e+22", Some(1e22)),
            ("1_000.5_0", Some(1000.5)),
            ("-1_0", Some(-10.0)),
            (".5_0", Some(0.5)),
            ("1e1_0", Some(1e10)),
            ("1_.5", None),
            ("_1", None),
            ("1__0", None),
            ("1_", None),
            ("1_e5", None),
            ("1.2.3", None),
            ("9007199254740993", Some(9_007_199_254_740_992.0)),
            ("12345678901234567890123", Some(12_345_678_901_234_567_890_123.0)),
            ("1e999", Some(f64::INFINITY)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("0x10", None),
            ("1e5x", None),
            ("\u{663}", None),
        ] {
            assert_eq!(python_float(text.as_bytes()), number, "{text}");
        }
        assert!(python_float(b"NaN").is_some_and(f64::is_nan));
    }

    /// Beside the standard library's own parser.
    #[test]
    fn the_short_way_reads_the_same() {
        let mut draws = Random(1);
        let mut short = 0;
        for _ in 0..50_000 {
            let length = draws.next() % 12;
            let alphabet = b"0123456789012345678901234567890123456789.eE+-";
            let text: Vec<u8> =
                (0..length).map(|_| alphabet[(draws.next() % alphabet.len() as u64) as usize]).collect();
            let plain = plain_float(&text);
            let right = std::str::from_utf8(&text).unwrap().parse::<f64>().ok();
            if let Some(number) = plain {
                assert_eq!(Some(number.to_bits()), right.map(f64::to_bits), "{text:?}");
                short += 1;
            }
            assert_eq!(python_float(&text).map(f64::to_bits), right.map(f64::to_bits), "{text:?}");
        }
        assert!(short > 15_000, "{short}");
    }

    /// Beside text with three places, read again.
    #[test]
    fn rounding_is_right() {
        let by_text = |number: f64| format!("{number:.3}").parse::<f64>().unwrap() + 0.0;
        let mut draws = Random(7);
        let check = |number: f64| {
            for number in [number, -number, number.next_up(), number.next_down()] {
                let (found, right) = (rounded(number), by_text(number));
                assert_eq!(found.to_bits(), right.to_bits(), "{number:e}: {found:e} {right:e}");
            }
        };
        for number in
            [0.0, 0.0004, 0.0005, 0.0625, 0.5, 2.675, 1e300, f64::INFINITY, f64::MIN_POSITIVE, 4.5e12]
        {
            check(number);
        }
        for _ in 0..15_000 {
            let draw = draws.next();
            let size = 1_u64 << (draws.next() % 54);
            check((draw % size) as f64 + (draws.next() % 10_000) as f64 / 10_000.0);
            check((draw % size) as f64 + (draws.next() % 16) as f64 / 16.0);
            check((draw % size) as f64 / 2000.0);
            check((draw % 1_000_000) as f64 / 10_f64.powi((draws.next() % 12) as i32));
            check(f64::from_bits(draw >> 1 & 0x7fe7_ffff_ffff_ffff));
        }
    }
}
