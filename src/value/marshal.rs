//! Values as the bytes that cross a cell's wall: CPython's `marshal` format, version 2.
//!
//! `marshal` because it is built into every CPython (importing `json` costs 3 ms of CPU per run)
//! and carries integers of any size, tuples, sets, bytes, exact floats, NaN and lone surrogates.
//! Version 2 because it has no back references: every value is written out where it stands. A value of a
//! type that is not built in is a tuple of an ellipsis, the type's name and a text, and a member's value.

use num_bigint::{BigInt, BigUint, Sign};

use super::{MAX_DEPTH, Typed, TypedKind, Value, is_surrogate_utf8};

/// Values in one message. A value takes at least one byte there and 32 in memory.
const MAX_VALUES: usize = 4_000_000;

/// Values in one message of types that are not built in: comparing them costs more.
const MAX_TYPED: usize = 20_000;

/// A value too large for the format: a string or container of 2 GiB or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a value is too large to be passed on")]
pub struct TooLarge;

/// Bytes that are no value in this format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {at_byte}")]
pub struct DecodeError {
    pub problem: &'static str,
    pub at_byte: usize,
}

/// Encodes a call for the driver: the tuple of function name, tuple of arguments, dict of keyword
/// arguments.
pub fn encode_call(name: &str, args: &[Value], kwargs: &[(String, Value)]) -> Result<Vec<u8>, TooLarge> {
    let mut out = vec![b'('];
    write_len(&mut out, 3)?;
    write_bytes(&mut out, b'u', name.as_bytes())?;
    write_items(&mut out, b'(', args)?;
    out.push(b'{');
    for (name, value) in kwargs {
        write_bytes(&mut out, b'u', name.as_bytes())?;
        write(&mut out, value)?;
    }
    out.push(b'0');
    Ok(out)
}

/// Encodes one value.
pub fn encode(value: &Value) -> Result<Vec<u8>, TooLarge> {
    let mut out = Vec::new();
    write(&mut out, value)?;
    Ok(out)
}

fn write(out: &mut Vec<u8>, value: &Value) -> Result<(), TooLarge> {
    match value {
        Value::None => out.push(b'N'),
        Value::Bool(bool) => out.push(if *bool { b'T' } else { b'F' }),
        Value::Int(int) => match i32::try_from(*int) {
            Ok(small) => {
                out.push(b'i');
                out.extend(small.to_le_bytes());
            }
            Err(_) => write_long(out, &BigInt::from(*int))?,
        },
        Value::BigInt(int) => write_long(out, int)?,
        Value::Float(float) => {
            out.push(b'g');
            out.extend(float.to_le_bytes());
        }
        Value::Complex(real, imaginary) => {
            out.push(b'y');
            out.extend(real.to_le_bytes());
            out.extend(imaginary.to_le_bytes());
        }
        Value::Str(text) => write_bytes(out, b'u', text)?,
        Value::Bytes(bytes) => write_bytes(out, b's', bytes)?,
        Value::List(items) => write_items(out, b'[', items)?,
        Value::Tuple(items) => write_items(out, b'(', items)?,
        Value::Set(items) => write_items(out, b'<', items)?,
        Value::FrozenSet(items) => write_items(out, b'>', items)?,
        Value::Dict(pairs) => {
            out.push(b'{');
            for (key, value) in pairs {
                write(out, key)?;
                write(out, value)?;
            }
            out.push(b'0');
        }
        Value::Typed(typed) => {
            out.push(b'(');
            write_len(out, 3 + usize::from(typed.member_value().is_some()))?;
            out.push(b'.');
            write_bytes(out, b'u', typed.kind().name().as_bytes())?;
            write_bytes(out, b'u', typed.text().as_bytes())?;
            typed.member_value().map_or(Ok(()), |value| write(out, value))?;
        }
        Value::Made { plain, .. } => write(out, plain)?,
    }
    Ok(())
}

fn write_len(out: &mut Vec<u8>, len: usize) -> Result<(), TooLarge> {
    let len = i32::try_from(len).map_err(|_| TooLarge)?;
    out.extend(len.to_le_bytes());
    Ok(())
}

fn write_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) -> Result<(), TooLarge> {
    out.push(tag);
    write_len(out, bytes.len())?;
    out.extend(bytes);
    Ok(())
}

fn write_items(out: &mut Vec<u8>, tag: u8, items: &[Value]) -> Result<(), TooLarge> {
    out.push(tag);
    write_len(out, items.len())?;
    items.iter().try_for_each(|item| write(out, item))
}

/// A sign with the number of digits, then digits of 15 bits, lowest first.
fn write_long(out: &mut Vec<u8>, int: &BigInt) -> Result<(), TooLarge> {
    let mut digits: Vec<u16> = Vec::new();
    let (mut pending, mut pending_bits) = (0u64, 0);
    for word in int.magnitude().iter_u32_digits() {
        pending |= u64::from(word) << pending_bits;
        pending_bits += 32;
        while pending_bits >= 15 {
            digits.push((pending & 0x7fff) as u16);
            pending >>= 15;
            pending_bits -= 15;
        }
    }
    digits.push(pending as u16);
    while digits.last() == Some(&0) {
        digits.pop();
    }
    let count = i32::try_from(digits.len()).map_err(|_| TooLarge)?;
    let count = if int.sign() == Sign::Minus { -count } else { count };
    out.push(b'l');
    out.extend(count.to_le_bytes());
    digits.iter().for_each(|digit| out.extend(digit.to_le_bytes()));
    Ok(())
}

/// Decodes bytes that hold exactly one value. The bytes may come from hostile code: depth and
/// number of values are bounded, and no memory is set aside on the word of a length field.
pub fn decode(bytes: &[u8]) -> Result<Value, DecodeError> {
    let mut reader = Reader { bytes, at: 0, values: 0, typed: 0, depth: 0 };
    let value = reader.value()?;
    if reader.at < bytes.len() { reader.error("bytes after the value") } else { Ok(value) }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    values: usize,
    typed: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn error<T>(&self, problem: &'static str) -> Result<T, DecodeError> {
        Err(DecodeError { problem, at_byte: self.at })
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let Some(taken) = self.bytes[self.at..].get(..len) else { return self.error("cut short") };
        self.at += len;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        Ok(self.take(N)?.try_into().expect("`take` returns as many bytes as asked for"))
    }

    fn float(&mut self) -> Result<f64, DecodeError> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    fn len(&mut self) -> Result<usize, DecodeError> {
        let len = i32::from_le_bytes(self.array()?);
        usize::try_from(len).or_else(|_| self.error("a negative length"))
    }

    fn value(&mut self) -> Result<Value, DecodeError> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return self.error("too many values");
        }
        let [tag] = self.array()?;
        match tag {
            b'(' if self.bytes.get(self.at + 4) == Some(&b'.') => self.typed().map(Value::Typed),
            b'(' => self.items().map(Value::Tuple),
            b'[' => self.items().map(Value::List),
            b'<' => self.items().map(Value::Set),
            b'>' => self.items().map(Value::FrozenSet),
            b'{' => self.pairs().map(Value::Dict),
            _ => self.scalar(tag),
        }
    }

    /// `(..., type, text)`, `(..., "Enum", name, value)`: no plain data begins with an ellipsis.
    fn typed(&mut self) -> Result<Typed, DecodeError> {
        self.typed += 1;
        if self.typed > MAX_TYPED {
            return self.error("too many values of types that are not built in");
        }
        let (length, [_ellipsis]) = (self.len()?, self.array()?);
        let mut text = || match self.value()? {
            Value::Str(text) => {
                String::from_utf8(text).or_else(|_| self.error("a type's text with a lone surrogate"))
            }
            _ => self.error("a type without its text"),
        };
        let (name, text) = (text()?, text()?);
        let kind = TypedKind::from_name(&name);
        let typed = match (kind, length) {
            (Some(TypedKind::Member), 4) => {
                self.open()?;
                let value = self.value()?;
                self.depth -= 1;
                Typed::member(&text, value)
            }
            (Some(kind), 3) => Typed::new(kind, &text),
            _ => None,
        };
        typed.map_or_else(|| self.error("no value of a known type"), Ok)
    }

    fn scalar(&mut self, tag: u8) -> Result<Value, DecodeError> {
        Ok(match tag {
            b'N' => Value::None,
            b'T' => Value::Bool(true),
            b'F' => Value::Bool(false),
            b'i' => Value::Int(i64::from(i32::from_le_bytes(self.array()?))),
            b'l' => self.long()?,
            b'g' => Value::Float(self.float()?),
            b'y' => Value::Complex(self.float()?, self.float()?),
            b'u' | b't' => Value::Str(self.text()?),
            b's' => {
                let len = self.len()?;
                Value::Bytes(self.take(len)?.to_vec())
            }
            _ => return self.error("no plain data"),
        })
    }

    fn text(&mut self) -> Result<Vec<u8>, DecodeError> {
        let len = self.len()?;
        let text = self.take(len)?;
        if is_surrogate_utf8(text) { Ok(text.to_vec()) } else { self.error("a string that is not UTF-8") }
    }

    fn long(&mut self) -> Result<Value, DecodeError> {
        let count = i32::from_le_bytes(self.array()?);
        let digits = self.take(count.unsigned_abs() as usize * 2)?;
        let mut words = Vec::with_capacity(digits.len() / 4 + 1);
        let (mut pending, mut pending_bits) = (0u64, 0);
        for digit in digits.chunks_exact(2) {
            let digit = u16::from_le_bytes([digit[0], digit[1]]);
            if digit > 0x7fff {
                return self.error("an integer with a bad digit");
            }
            pending |= u64::from(digit) << pending_bits;
            pending_bits += 15;
            if pending_bits >= 32 {
                words.push(pending as u32);
                pending >>= 32;
                pending_bits -= 32;
            }
        }
        words.push(pending as u32);
        let magnitude = BigInt::from(BigUint::new(words));
        Ok(Value::from_bigint(if count < 0 { -magnitude } else { magnitude }))
    }

    fn open(&mut self) -> Result<(), DecodeError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH + 1 { self.error("containers nested too deep") } else { Ok(()) }
    }

    fn items(&mut self) -> Result<Vec<Value>, DecodeError> {
        self.open()?;
        let len = self.len()?;
        if len > self.bytes.len() - self.at {
            return self.error("a length beyond the end");
        }
        // Grows as items really come: a length alone buys no memory.
        let mut items = Vec::with_capacity(len.min(1_024));
        for _ in 0..len {
            items.push(self.value()?);
        }
        self.depth -= 1;
        Ok(items)
    }

    fn pairs(&mut self) -> Result<Vec<(Value, Value)>, DecodeError> {
        self.open()?;
        let mut pairs = Vec::new();
        while self.bytes.get(self.at) != Some(&b'0') {
            let key = self.value()?;
            pairs.push((key, self.value()?));
        }
        self.at += 1;
        self.depth -= 1;
        Ok(pairs)
    }
}

#[cfg(test)]
mod tests;
