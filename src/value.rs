//! Typed values: what function tests pass in, what comes back, what was expected.

pub mod parse;

use num_bigint::BigInt;

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
    /// Pairs in insertion order.
    Dict(Vec<(Value, Value)>),
}
