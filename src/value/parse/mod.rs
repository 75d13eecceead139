//! JSON text and Python literals, as data sets hold them, to [`Value`].
//!
//! Both parsers take linear time (long integers aside, which [`LongDigits`] bounds), allocate
//! nothing beyond what they return, bound the depth, and answer any text with a value or with an
//! error that says where.

mod constructor;
mod json;
mod number;
mod python;

use std::collections::{HashMap, HashSet};

use super::{MAX_DEPTH, Value, equality_key};

pub use json::{has_equal_names, pack_json, pack_json_into, parse_json};
pub use python::parse_python;

/// Text that is not a value: what is wrong and where. Shows nothing of the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {at_byte} of {of_bytes}")]
pub struct ParseError {
    pub problem: &'static str,
    pub at_byte: usize,
    pub of_bytes: usize,
}

type Parsed<T> = Result<T, ParseError>;

/// Digits of an integer, at most. To read one takes more time than its length: what it costs is bounded
/// before it is known whose time it is.
pub const MAX_DIGITS: usize = 100_000;
/// Integers of more digits than that ...
pub const LONG_DIGITS: usize = 1_000;
/// ... have so many digits together, at most.
pub const MAX_LONG_DIGITS: usize = 1_000_000;

/// What is left of [`MAX_LONG_DIGITS`] for the integers of a text, or of several.
#[derive(Debug)]
pub struct LongDigits(usize);

impl Default for LongDigits {
    fn default() -> LongDigits {
        LongDigits(MAX_LONG_DIGITS)
    }
}

impl LongDigits {
    /// For an integer of so many digits.
    fn take(&mut self, digits: usize) -> Result<(), &'static str> {
        if digits > MAX_DIGITS {
            return Err("an integer of more than 100000 digits");
        }
        if digits > LONG_DIGITS {
            let left = self.0.checked_sub(digits);
            self.0 = left.ok_or("integers of more than 1000 digits that have more than 1000000 together")?;
        }
        Ok(())
    }
}

/// A place in the text and the containers open there.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str) -> Cursor<'a> {
        Cursor { text, at: 0, depth: 0 }
    }

    fn error<T>(&self, problem: &'static str) -> Parsed<T> {
        self.error_at(self.at, problem)
    }

    fn error_at<T>(&self, at_byte: usize, problem: &'static str) -> Parsed<T> {
        Err(ParseError { problem, at_byte, of_bytes: self.text.len() })
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes()[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.bytes().get(self.at).copied()
    }

    /// Steps over the text if it stands here.
    fn take(&mut self, text: &str) -> bool {
        let is_here = self.rest().starts_with(text.as_bytes());
        if is_here {
            self.at += text.len();
        }
        is_here
    }

    /// Steps over bytes for which `test` holds and returns them.
    fn take_while(&mut self, test: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let len = rest.iter().position(|byte| !test(*byte)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    fn skip_blanks(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c'));
    }

    fn open(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.error("containers nested too deep");
        }
        self.at += 1;
        Ok(())
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.at += 1;
    }

    /// Reads `digits` hexadecimal digits.
    fn hex(&mut self, digits: usize) -> Parsed<u32> {
        let Some(text) = self.rest().get(..digits) else { return self.error("unfinished escape") };
        let mut code = 0;
        for &byte in text {
            let Some(digit) = char::from(byte).to_digit(16) else { return self.error("bad escape") };
            code = code << 4 | digit;
        }
        self.at += digits;
        Ok(code)
    }
}

/// Appends a code point below 0x110000; a surrogate as its three bytes.
fn push_code_point(text: &mut Vec<u8>, code: u32) {
    match char::from_u32(code) {
        Some(character) => text.extend(character.encode_utf8(&mut [0; 4]).bytes()),
        None => text.extend([
            0xe0 | (code >> 12) as u8,
            0x80 | (code >> 6 & 0x3f) as u8,
            0x80 | (code & 0x3f) as u8,
        ]),
    }
}

/// The pairs as a Python dict keeps them: of equal keys the first key's place and the last value.
fn dict_of(pairs: Vec<(Value, Value)>) -> Value {
    let mut places = HashMap::with_capacity(pairs.len());
    let mut kept: Vec<(Value, Value)> = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        match places.entry(equality_key(&key)) {
            std::collections::hash_map::Entry::Occupied(place) => {
                let place: usize = *place.get();
                kept[place].1 = value;
            }
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push((key, value));
            }
        }
    }
    Value::Dict(kept)
}

fn is_hashable(value: &Value) -> bool {
    match value {
        Value::List(_) | Value::Set(_) | Value::Dict(_) | Value::Made { .. } => false,
        Value::Tuple(items) => items.iter().all(is_hashable),
        _ => true,
    }
}

/// The items without those equal to an earlier one.
fn set_items_of(items: Vec<Value>) -> Vec<Value> {
    let mut seen = HashSet::with_capacity(items.len());
    items.into_iter().filter(|item| seen.insert(equality_key(item))).collect()
}

#[cfg(test)]
mod tests;
