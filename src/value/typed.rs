//! Values of types that are neither built in nor containers: exact numbers, moments, members of an Enum.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::LazyLock,
};

use num_bigint::{BigInt, BigUint, Sign};

use super::Value;

/// A value of a type of Python's library, or a member of an Enum, by its canonical text.
#[derive(Debug, Clone, PartialEq)]
pub struct Typed {
    kind: TypedKind,
    text: String,
    /// Of a member that was returned, what stands behind its name.
    member_value: Option<Box<Value>>,
}

/// The types, and the text of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypedKind {
    /// `decimal.Decimal`: `1.10`, `-Infinity`, `NaN`.
    Decimal,
    /// `fractions.Fraction`: `1/3`, `2`.
    Fraction,
    /// `datetime.date`: `2024-02-29`.
    Date,
    /// `datetime.datetime`: `2024-02-29T01:02:03.000004+00:00`.
    DateTime,
    /// `datetime.time`: `01:02:03`.
    Time,
    /// `datetime.timedelta`: whole microseconds.
    TimeDelta,
    /// A member of an Enum whose members are no built-in values themselves: `Colour.RED`.
    Member,
}

/// Digits, zeros that an exponent stands for among them, with which a number is still compared with those of other
/// types; longer ones that are not whole (see [`LongWhole`]) are equal to the same text only. What it costs is the
/// square of it, for a text that a solution may have chosen.
const MAX_DIGITS: i64 = 400;
/// Digits of an integer that is read at all.
const MAX_INTEGER_DIGITS: usize = 20_000;

impl TypedKind {
    const ALL: [(TypedKind, &'static str); 7] = [
        (TypedKind::Decimal, "Decimal"),
        (TypedKind::Fraction, "Fraction"),
        (TypedKind::Date, "date"),
        (TypedKind::DateTime, "datetime"),
        (TypedKind::Time, "time"),
        (TypedKind::TimeDelta, "timedelta"),
        (TypedKind::Member, "Enum"),
    ];

    /// The type's name in Python.
    pub fn name(self) -> &'static str {
        TypedKind::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// The type of that name.
    pub fn from_name(name: &str) -> Option<TypedKind> {
        TypedKind::ALL.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }
}

impl Typed {
    /// `None` where the text is not one of such a value.
    pub fn new(kind: TypedKind, text: &str) -> Option<Typed> {
        let (kind, text) = match kind {
            TypedKind::Decimal => (kind, decimal_text(text)?),
            TypedKind::Fraction => (kind, fraction_text(text)?),
            TypedKind::Date => (kind, is_date(text).then(|| text.to_owned())?),
            TypedKind::Time => (kind, time_text(text)?),
            TypedKind::DateTime => {
                let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00:00"));
                (kind, is_date(date).then_some(format!("{date}T{}", time_text(time)?))?)
            }
            // Python's longest one has 21 digits.
            TypedKind::TimeDelta if text.len() > 30 => return None,
            TypedKind::TimeDelta => (kind, whole(text)?.to_string()),
            TypedKind::Member => {
                let is_name = text.split('.').count() >= 2 && text.len() <= 200;
                (kind, (is_name && !text.chars().any(char::is_control)).then(|| text.to_owned())?)
            }
        };
        Some(Typed { kind, text, member_value: None })
    }

    /// One whose text is canonical, since it comes from such a value.
    pub(super) fn as_written(kind: TypedKind, text: &str, member_value: Option<Value>) -> Typed {
        Typed { kind, text: text.to_owned(), member_value: member_value.map(Box::new) }
    }

    /// A member of an Enum, `Colour.RED`, with its value.
    pub fn member(text: &str, value: Value) -> Option<Typed> {
        let member = Typed::new(TypedKind::Member, text)?;
        Some(Typed { member_value: Some(Box::new(value)), ..member })
    }

    /// The value of a member that was returned.
    pub fn member_value(&self) -> Option<&Value> {
        self.member_value.as_deref()
    }

    /// What stands for it where JSON has to do: a number rounded to a float unless it is whole, seconds, a date's
    /// ISO text, a member's value.
    pub fn rounded(&self) -> Value {
        match self.kind {
            TypedKind::Decimal | TypedKind::Fraction => {
                self.plain_equal().unwrap_or_else(|| Value::Float(self.as_float().unwrap_or(f64::NAN)))
            }
            TypedKind::TimeDelta => Value::Float(self.text.parse::<f64>().unwrap_or(f64::NAN) / 1e6),
            TypedKind::Date | TypedKind::DateTime | TypedKind::Time => Value::str(&self.text),
            TypedKind::Member => self.member_value().map_or_else(|| Value::str(&self.text), Value::rounded),
        }
    }

    /// The same by its exact text, as `str` has it: `1.10`, `1/3`, `2024-02-29 01:02:03`, `1 day, 0:00:02`. Of a
    /// member its value again: its name would be a second answer.
    pub fn written(&self) -> Value {
        match self.kind {
            TypedKind::DateTime => Value::str(&self.text.replacen('T', " ", 1)),
            TypedKind::TimeDelta => Value::str(&delta_text(&self.text)),
            TypedKind::Member => self.member_value().map_or_else(|| Value::str(&self.text), Value::written),
            _ => Value::str(&self.text),
        }
    }

    pub fn kind(&self) -> TypedKind {
        self.kind
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// As Python prints it; of dates a constructor that takes their text.
    pub fn repr(&self) -> String {
        let Typed { kind, text, .. } = self;
        match kind {
            TypedKind::Decimal => format!("Decimal('{text}')"),
            TypedKind::Fraction => {
                format!(
                    "Fraction({})",
                    text.split_once('/')
                        .map_or(format!("{text}, 1"), |(over, under)| format!("{over}, {under}"))
                )
            }
            TypedKind::Date | TypedKind::DateTime | TypedKind::Time => {
                format!("datetime.{}.fromisoformat('{text}')", kind.name())
            }
            TypedKind::TimeDelta => format!("datetime.timedelta(microseconds={text})"),
            TypedKind::Member => text.clone(),
        }
    }

    /// The number nearest to it; `None` where it is no number.
    pub fn as_float(&self) -> Option<f64> {
        match self.kind {
            TypedKind::Decimal => self.text.parse().ok(),
            TypedKind::Fraction => {
                let (over, under) = self.text.split_once('/').unwrap_or((&self.text, "1"));
                Some(over.parse::<f64>().ok()? / under.parse::<f64>().ok()?)
            }
            _ => None,
        }
    }

    /// The plain value that Python calls equal to it, if there is one of the kinds that it has.
    pub(super) fn plain_equal(&self) -> Option<Value> {
        if !matches!(self.kind, TypedKind::Decimal | TypedKind::Fraction) {
            return None;
        }
        // With any exponent.
        if self.kind == TypedKind::Decimal
            && decimal_parts(&self.text).is_some_and(|(digits, _)| matches!(&*digits, "0" | "-0"))
        {
            return Some(Value::Int(0));
        }
        if let Some(float) = self.as_float().filter(|_| self.text.ends_with(['y', 'N'])) {
            return Some(Value::Float(float));
        }
        let (over, under) = self.ratio()?;
        if under == BigInt::from(1) {
            return Some(Value::from_bigint(over));
        }
        let float = self.as_float().filter(|float| float.is_finite())?;
        // Exactly that float: its mantissa over a power of two.
        let (mantissa, shift) = mantissa_and_shift(float);
        (BigInt::from(mantissa) * &under == (over << shift)).then_some(Value::Float(float))
    }

    /// A whole number of more than [`MAX_DIGITS`] digits.
    pub(super) fn long_whole(&self) -> Option<LongWhole> {
        let (digits, power) = match self.kind {
            TypedKind::Fraction => {
                let over = self.text.strip_suffix("/1").unwrap_or(&self.text);
                (!over.contains('/')).then(|| (over.to_owned(), 0))?
            }
            TypedKind::Decimal => decimal_parts(&self.text)?,
            _ => return None,
        };
        let unsigned = digits.strip_prefix('-').unwrap_or(&digits);
        let significant = unsigned.trim_end_matches('0');
        let zeros = power + (unsigned.len() - significant.len()) as i64;
        let is_long = !significant.is_empty() && unsigned.len() as i64 + power > MAX_DIGITS;
        (is_long && zeros >= 0)
            .then(|| LongWhole::of_decimal(significant, zeros as u64, digits.len() > unsigned.len()))
    }

    /// Numerator and denominator in lowest terms; `None` where it is no finite number, or too long a one.
    pub(super) fn ratio(&self) -> Option<(BigInt, BigInt)> {
        let (over, under) = match self.kind {
            TypedKind::Fraction if self.text.len() as i64 > 2 * MAX_DIGITS => return None,
            TypedKind::Fraction => {
                let (over, under) = self.text.split_once('/').unwrap_or((&self.text, "1"));
                (whole(over)?, whole(under)?)
            }
            TypedKind::Decimal => {
                let (digits, power) = decimal_parts(&self.text)?;
                if power.abs() + digits.len() as i64 > MAX_DIGITS {
                    return None;
                }
                let scale = BigInt::from(10).pow(power.unsigned_abs() as u32);
                if power < 0 { (whole(&digits)?, scale) } else { (whole(&digits)? * scale, BigInt::from(1)) }
            }
            _ => return None,
        };
        Some(lowest_terms(over, under))
    }
}

/// A whole number that is too long to be written out each time it is compared, by its sign and its remainder of a
/// number that this process has drawn. Two that differ have the same remainder by chance only: nobody outside knows
/// what it is of, so that no wrong number can be made to have the right one's.
#[derive(Debug, PartialEq)]
pub(super) struct LongWhole {
    is_negative: bool,
    remainder: BigUint,
}

/// 512 bits, the first and the last of them set.
static MODULUS: LazyLock<BigUint> = LazyLock::new(|| {
    // The standard library's hash keys are the kernel's random bytes.
    let mut bytes = [(); 8].map(|()| RandomState::new().build_hasher().finish().to_le_bytes()).concat();
    bytes[0] |= 1;
    bytes[63] |= 0x80;
    BigUint::from_bytes_le(&bytes)
});
/// The least that is long.
static LEAST_LONG: LazyLock<BigUint> = LazyLock::new(|| BigUint::from(10_u8).pow(MAX_DIGITS as u32));

impl LongWhole {
    /// `None` for one that is not long.
    pub(super) fn of(int: &BigInt) -> Option<LongWhole> {
        let is_long = int.magnitude() >= &*LEAST_LONG;
        is_long.then(|| LongWhole {
            is_negative: int.sign() == Sign::Minus,
            remainder: int.magnitude() % &*MODULUS,
        })
    }

    /// Of decimal digits with so many zeros behind them.
    fn of_decimal(digits: &str, zeros: u64, is_negative: bool) -> LongWhole {
        const AT_ONCE: usize = 18;
        let ten = BigUint::from(10_u8);
        let remainder = digits.as_bytes().chunks(AT_ONCE).fold(BigUint::ZERO, |remainder, chunk| {
            let number = chunk.iter().fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0'));
            (remainder * 10_u64.pow(chunk.len() as u32) + number) % &*MODULUS
        });
        let scale = ten.modpow(&BigUint::from(zeros), &MODULUS);
        LongWhole { is_negative, remainder: remainder * scale % &*MODULUS }
    }

    /// Appends to a key.
    pub(super) fn write(&self, key: &mut Vec<u8>) {
        let remainder = self.remainder.to_bytes_le();
        key.extend([b'W', u8::from(self.is_negative), remainder.len() as u8]);
        key.extend(remainder);
    }
}

fn whole(text: &str) -> Option<BigInt> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_whole = !digits.is_empty()
        && digits.len() <= MAX_INTEGER_DIGITS
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_whole { text.parse().ok() } else { None }
}

fn lowest_terms(over: BigInt, under: BigInt) -> (BigInt, BigInt) {
    let (mut left, mut right) = (over.magnitude().clone(), under.magnitude().clone());
    while right != num_bigint::BigUint::ZERO {
        (left, right) = (right.clone(), left % right);
    }
    let divisor =
        BigInt::from_biguint(if under.sign() == Sign::Minus { Sign::Minus } else { Sign::Plus }, left);
    (over / &divisor, under / &divisor)
}

/// A finite fractional float as `mantissa / 2^shift`.
fn mantissa_and_shift(float: f64) -> (i64, u32) {
    let bits = float.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let fraction = (bits & ((1 << 52) - 1)) as i64;
    let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 52 };
    let shift = 1_075 - exponent.max(1);
    // What has a fraction is below 2^53.
    (if float < 0.0 { -mantissa } else { mantissa }, shift.max(0) as u32)
}

/// Digits with their sign, and the power of ten behind them.
fn decimal_parts(text: &str) -> Option<(String, i64)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (sign, unsigned) = match mantissa.strip_prefix('-') {
        Some(unsigned) => ("-", unsigned),
        None => ("", mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (before, behind) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = format!("{before}{behind}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    let significant = if significant.is_empty() { "0" } else { significant };
    Some((format!("{sign}{significant}"), i64::from(exponent) - behind.len() as i64))
}

/// What `str(Decimal(text))` is for a text that it takes: the same digits, kept; written one way.
fn decimal_text(text: &str) -> Option<String> {
    let text = text.trim();
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => ("-", unsigned),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    match unsigned.to_ascii_lowercase().as_str() {
        "nan" | "snan" => return Some("NaN".to_owned()),
        "inf" | "infinity" => return Some(format!("{sign}Infinity")),
        _ => {}
    }
    let (digits, power) = decimal_parts(text)?;
    let digits = digits.trim_start_matches('-');
    // As the standard of decimal arithmetic writes it.
    let adjusted = power + digits.len() as i64 - 1;
    Some(match power {
        0 => format!("{sign}{digits}"),
        ..0 if adjusted >= -6 => {
            let padded = format!("{digits:0>width$}", width = power.unsigned_abs() as usize + 1);
            let (before, behind) = padded.split_at(padded.len() - power.unsigned_abs() as usize);
            format!("{sign}{before}.{behind}")
        }
        _ => {
            let (first, rest) = digits.split_at(1);
            let point = if rest.is_empty() { "" } else { "." };
            format!("{sign}{first}{point}{rest}E{adjusted:+}")
        }
    })
}

fn fraction_text(text: &str) -> Option<String> {
    let (over, under) = match text.split_once('/') {
        Some((over, under)) => (whole(over.trim())?, whole(under.trim())?),
        None => Typed { kind: TypedKind::Decimal, text: decimal_text(text)?, member_value: None }.ratio()?,
    };
    if under == BigInt::ZERO {
        return None;
    }
    // Python writes them in lowest terms.
    if text.len() as i64 > 2 * MAX_DIGITS {
        return Some(text.to_owned());
    }
    let (over, under) = lowest_terms(over, under);
    Some(if under == BigInt::from(1) { over.to_string() } else { format!("{over}/{under}") })
}

/// Python's `str` of a timedelta of so many microseconds.
fn delta_text(micros: &str) -> String {
    const DAY: i128 = 86_400_000_000;
    let micros: i128 = micros.parse().unwrap_or(0);
    let (days, rest) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    let (seconds, micros) = (rest / 1_000_000, rest % 1_000_000);
    let days = match days {
        0 => String::new(),
        1 | -1 => format!("{days} day, "),
        _ => format!("{days} days, "),
    };
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    format!("{days}{}:{:02}:{:02}{fraction}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

fn is_date(text: &str) -> bool {
    let Some((year, rest)) = text.split_once('-') else { return false };
    let Some((month, day)) = rest.split_once('-') else { return false };
    let Some([year, month, day]) = numbers([(year, 4), (month, 2), (day, 2)]) else { return false };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    year >= 1 && (1..=days).contains(&day)
}

/// Texts of exactly so many digits as numbers.
fn numbers<const N: usize>(parts: [(&str, usize); N]) -> Option<[u32; N]> {
    let is_number = |(text, width): &(&str, usize)| {
        text.len() == *width && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    parts.iter().all(is_number).then(|| parts.map(|(text, _)| text.parse().unwrap_or(0)))
}

/// `01:02:03`, `01:02:03.000004`, each perhaps with an offset such as `+01:00`.
fn time_text(text: &str) -> Option<String> {
    let (clock, offset) = match text.rfind(['+', '-']) {
        Some(at) => (&text[..at], Some(&text[at..])),
        None => (text, None),
    };
    let (clock, micros) =
        clock.split_once('.').map_or((clock, None), |(clock, micros)| (clock, Some(micros)));
    let clock = if clock.len() == 5 { format!("{clock}:00") } else { clock.to_owned() };
    let is_clock = |text: &str| {
        let parts: Vec<&str> = text.split(':').collect();
        let Ok([hours, minutes, seconds]) = <[&str; 3]>::try_from(parts) else { return false };
        numbers([(hours, 2), (minutes, 2), (seconds, 2)])
            .is_some_and(|[hours, minutes, seconds]| hours < 24 && minutes < 60 && seconds < 60)
    };
    let are_micros = micros.is_none_or(|micros| numbers([(micros, 6)]).is_some());
    let is_offset =
        offset.is_none_or(|offset| offset.len() == 6 && is_clock(&format!("{}:00", &offset[1..])));
    (is_clock(&clock) && are_micros && is_offset).then(|| {
        let micros =
            micros.filter(|micros| *micros != "000000").map_or(String::new(), |micros| format!(".{micros}"));
        format!("{clock}{micros}{}", offset.unwrap_or(""))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_written_one_way() {
        for (kind, text, canonical) in [
            (TypedKind::Decimal, "1.10", Some("1.10")),
            (TypedKind::Decimal, "+007", Some("7")),
            (TypedKind::Decimal, "1e3", Some("1E+3")),
            (TypedKind::Decimal, ".5", Some("0.5")),
            (TypedKind::Decimal, "0.0000001", Some("1E-7")),
            (TypedKind::Decimal, "123E-2", Some("1.23")),
            (TypedKind::Decimal, "-0.00", Some("-0.00")),
            (TypedKind::Decimal, "-inf", Some("-Infinity")),
            (TypedKind::Decimal, "1,5", None),
            (TypedKind::Decimal, "", None),
            (TypedKind::Fraction, "4/6", Some("2/3")),
            (TypedKind::Fraction, "-4/-2", Some("2")),
            (TypedKind::Fraction, "3/-6", Some("-1/2")),
            (TypedKind::Fraction, "0.125", Some("1/8")),
            (TypedKind::Fraction, "1/0", None),
            (TypedKind::Date, "2024-02-29", Some("2024-02-29")),
            (TypedKind::Date, "2023-02-29", None),
            (TypedKind::Date, "2023-2-9", None),
            (TypedKind::DateTime, "2024-02-29 01:02", Some("2024-02-29T01:02:00")),
            (TypedKind::DateTime, "2024-02-29T01:02:03.000000+01:00", Some("2024-02-29T01:02:03+01:00")),
            (TypedKind::Time, "24:00:00", None),
            (TypedKind::TimeDelta, "-5", Some("-5")),
            (TypedKind::Member, "Colour.RED", Some("Colour.RED")),
            (TypedKind::Member, "RED", None),
        ] {
            assert_eq!(Typed::new(kind, text).as_ref().map(Typed::text), canonical, "{kind:?} {text}");
        }
    }

    /// Also those that differ by what a fixed modulus would not see.
    #[test]
    fn long_whole_numbers_are_equal_to_themselves_alone() {
        let ten = BigInt::from(10);
        let int: BigInt = ten.pow(600) + 12_345;
        let key = |value: &Value| crate::value::equality_key(value);
        let typed = |kind, int: &BigInt| Value::Typed(Typed::new(kind, &int.to_string()).unwrap());
        let right = key(&Value::from_bigint(int.clone()));
        assert_eq!(key(&typed(TypedKind::Decimal, &int)), right);
        for bits in [61, 127, 521, 607] {
            let other: BigInt = &int + ((BigInt::from(1) << bits) - 1_u8) * 3 * ten.pow(80);
            assert_ne!(key(&Value::from_bigint(other.clone())), right, "{bits}");
            assert_ne!(key(&typed(TypedKind::Decimal, &other)), right, "{bits}");
        }
        assert_ne!(key(&Value::from_bigint(-int)), right);
    }

    #[test]
    fn numbers_have_the_plain_value_that_python_calls_equal() {
        let plain = |kind, text| Typed::new(kind, text).unwrap().plain_equal();
        assert_eq!(plain(TypedKind::Decimal, "1E+3"), Some(Value::Int(1_000)));
        assert_eq!(plain(TypedKind::Decimal, "-0.0"), Some(Value::Int(0)));
        assert_eq!(plain(TypedKind::Decimal, "0.5"), Some(Value::Float(0.5)));
        assert_eq!(plain(TypedKind::Decimal, "0.1"), None);
        assert_eq!(plain(TypedKind::Fraction, "-1/4"), Some(Value::Float(-0.25)));
        assert_eq!(plain(TypedKind::Fraction, "1/3"), None);
        assert_eq!(plain(TypedKind::Decimal, "1E+999999999"), None);
        assert_eq!(plain(TypedKind::Decimal, "-0E+999999999"), Some(Value::Int(0)));
        assert_eq!(plain(TypedKind::Decimal, "-Infinity"), Some(Value::Float(f64::NEG_INFINITY)));
        assert_eq!(plain(TypedKind::Date, "2024-02-29"), None);
    }
}
