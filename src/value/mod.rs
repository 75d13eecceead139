//! Typed values: what function tests pass in, what comes back, what was expected.
//!
//! | file | what it holds |
//! |---|---|
//! | `parse` | JSON text and Python literals, as data sets hold them, to [`Value`] |
//! | `packed` | [`Packed`]: a value in little room |
//! | `marshal` | values to and from the bytes that cross a cell's wall |
//! | `repr` | [`Value`] as Python prints it, bounded, for a person |
//! | `typed` | [`Typed`]: exact numbers, moments and members of an Enum, which are no plain data |
//! | `key` | one byte string per class of equal values, for dicts and sets |

mod key;
pub mod marshal;
pub mod packed;
mod parse;
mod repr;
mod typed;

use num_bigint::BigInt;

pub use key::{equality_key, identity_key, write_equality_key, write_identity_key};
pub use marshal::Call;
pub use packed::Packed;
pub use parse::{
    LONG_DIGITS, LongDigits, MAX_DIGITS, MAX_LONG_DIGITS, ParseError, has_equal_names, pack_json,
    pack_json_into, parse_json, parse_python,
};
pub use repr::{escape_bytes, repr};
pub use typed::{Typed, TypedKind};

/// Containers may nest this deep, wherever a value comes from. Real tests nest below ten; the
/// bound keeps every recursive walk over a value within a small thread stack.
pub const MAX_DEPTH: usize = 200;

/// A Python value as plain data.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    None,
    Bool(bool),
    Int(i64),
    /// An integer outside the range of `i64`; [`Value::from_bigint`] keeps this exclusive.
    BigInt(BigInt),
    Float(f64),
    Complex(f64, f64),
    /// UTF-8, except that lone surrogates are encoded as three bytes each, as Python's
    /// `surrogatepass` does.
    Str(Vec<u8>),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Tuple(Vec<Value>),
    Set(Vec<Value>),
    FrozenSet(Vec<Value>),
    /// Pairs in insertion order; no two keys are equal by Python's `==`.
    Dict(Vec<(Value, Value)>),
    /// Of a type that is not built in.
    Typed(Typed),
    /// What was written as a call of a container that is not built in, such as `deque([1])`: its content
    /// as data. An expected value is that content ([`Value::into_data`]); an argument it cannot be.
    Made {
        constructor: &'static str,
        plain: Box<Value>,
    },
}

impl Value {
    /// The integer as [`Value::Int`] where it fits, else as [`Value::BigInt`].
    pub fn from_bigint(integer: BigInt) -> Value {
        match i64::try_from(&integer) {
            Ok(small) => Value::Int(small),
            Err(_) => Value::BigInt(integer),
        }
    }

    /// A string value.
    pub fn str(text: &str) -> Value {
        Value::Str(text.as_bytes().to_vec())
    }

    /// The value with the content of every [`Value::Made`] in its place.
    pub fn into_data(self) -> Value {
        match self {
            Value::Made { plain, .. } => plain.into_data(),
            other => other.map_inside(&Value::into_data),
        }
    }

    /// The value with [`Typed::rounded`] for each that is typed.
    pub fn rounded(&self) -> Value {
        match self {
            Value::Typed(typed) => typed.rounded(),
            other => other.clone().map_inside(&|value| value.rounded()),
        }
    }

    /// The value with [`Typed::written`] for each that is typed.
    pub fn written(&self) -> Value {
        match self {
            Value::Typed(typed) => typed.written(),
            other => other.clone().map_inside(&|value| value.written()),
        }
    }

    /// A container with other items; what is no container stays.
    fn map_inside(self, change: &impl Fn(Value) -> Value) -> Value {
        let all = |items: Vec<Value>| items.into_iter().map(change).collect();
        match self {
            Value::List(items) => Value::List(all(items)),
            Value::Tuple(items) => Value::Tuple(all(items)),
            Value::Set(items) => Value::Set(all(items)),
            Value::FrozenSet(items) => Value::FrozenSet(all(items)),
            Value::Dict(pairs) => {
                Value::Dict(pairs.into_iter().map(|(key, value)| (change(key), change(value))).collect())
            }
            other => other,
        }
    }

    /// The first value inside that is no plain data, by the name of its type.
    pub fn first_typed(&self) -> Option<&'static str> {
        match self {
            Value::Typed(typed) => Some(typed.kind().name()),
            Value::Made { constructor, .. } => Some(constructor),
            Value::List(items) | Value::Tuple(items) | Value::Set(items) | Value::FrozenSet(items) => {
                items.iter().find_map(Value::first_typed)
            }
            Value::Dict(pairs) => {
                pairs.iter().find_map(|(key, value)| key.first_typed().or_else(|| value.first_typed()))
            }
            _ => None,
        }
    }

    /// The name of the Python type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::None => "NoneType",
            Value::Bool(_) => "bool",
            Value::Int(_) | Value::BigInt(_) => "int",
            Value::Float(_) => "float",
            Value::Complex(..) => "complex",
            Value::Str(_) => "str",
            Value::Bytes(_) => "bytes",
            Value::List(_) => "list",
            Value::Tuple(_) => "tuple",
            Value::Set(_) => "set",
            Value::FrozenSet(_) => "frozenset",
            Value::Dict(_) => "dict",
            Value::Typed(typed) => typed.kind().name(),
            Value::Made { constructor, .. } => constructor,
        }
    }
}

/// The whole number that a float is, exactly; `None` for fractions, infinities and NaN.
pub fn whole_number(float: f64) -> Option<BigInt> {
    if !float.is_finite() || float.fract() != 0.0 {
        return None;
    }
    let bits = float.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32 - 1_075;
    let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
    if float == 0.0 {
        return Some(BigInt::ZERO);
    }
    // A whole number's mantissa has at least `-exponent` trailing zero bits.
    let magnitude =
        if exponent >= 0 { BigInt::from(mantissa) << exponent } else { BigInt::from(mantissa >> -exponent) };
    Some(if float < 0.0 { -magnitude } else { magnitude })
}

/// Whether the bytes are UTF-8 in which lone surrogates may stand as three bytes each.
pub fn is_surrogate_utf8(mut bytes: &[u8]) -> bool {
    loop {
        let Err(error) = std::str::from_utf8(bytes) else { return true };
        match &bytes[error.valid_up_to()..] {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, rest @ ..] => bytes = rest,
            _ => return false,
        }
    }
}
