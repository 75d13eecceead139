//! Values as the bytes that cross a cell's wall: CPython's `marshal` format, version 2.
//!
//! `marshal` because it is built into every CPython (importing `json` costs 3 ms of CPU per run)
//! and carries integers of any size, tuples, sets, bytes, exact floats, NaN and lone surrogates.
//! Version 2 because it has no back references: every value is written out where it stands. A value of a
//! type that is not built in is a tuple of an ellipsis, the type's name and a text, and a member's value.

use std::sync::Arc;

use num_bigint::{BigInt, BigUint, Sign};

use super::{
    MAX_DEPTH, Typed, TypedKind, Value, is_surrogate_utf8,
    packed::{Begun, Kind, Node, Nodes, Packed, Packer},
};

/// Values in one message. A value takes at least one byte there.
pub const MAX_VALUES: usize = 4_000_000;

/// Values in one message of types that are not built in: comparing them costs more.
pub const MAX_TYPED: usize = 200_000;

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

/// A call for the driver: the tuple of function name, tuple of arguments, dict of keyword arguments.
#[derive(Debug, Clone)]
pub struct Call(CallForm);

#[derive(Debug, Clone)]
enum CallForm {
    Encoded(Arc<[u8]>),
    /// To be encoded when it is needed, piece by piece: that takes more room than all of the value.
    Packed {
        name: String,
        args: Packed,
        kwargs: Packed,
        length: usize,
    },
}

/// Calls of no more bytes are encoded at once.
const SOON_ENCODED_BYTES: usize = 64 << 10;

impl From<Vec<u8>> for Call {
    fn from(encoded: Vec<u8>) -> Call {
        Call(CallForm::Encoded(encoded.into()))
    }
}

impl Call {
    /// `args`: a tuple or a list; `kwargs`: a dict whose keys are strings.
    pub fn new(name: &str, args: &Packed, kwargs: &Packed) -> Result<Call, TooLarge> {
        let length = 5 + 5 + name.len() + length(args.root())? + length(kwargs.root())?;
        i32::try_from(name.len()).map_err(|_| TooLarge)?;
        let (args, kwargs) = (args.clone(), kwargs.clone());
        let call = Call(CallForm::Packed { name: name.to_owned(), args, kwargs, length });
        Ok(if length <= SOON_ENCODED_BYTES { Call(CallForm::Encoded(call.encoded())) } else { call })
    }

    /// How long it is when it is encoded, bytes.
    pub fn length(&self) -> usize {
        match &self.0 {
            CallForm::Encoded(encoded) => encoded.len(),
            CallForm::Packed { length, .. } => *length,
        }
    }

    pub fn encoded(&self) -> Arc<[u8]> {
        match &self.0 {
            CallForm::Encoded(encoded) => Arc::clone(encoded),
            CallForm::Packed { length, .. } => {
                let mut encoded = Vec::with_capacity(*length);
                self.chunks().for_each(|chunk| encoded.extend(chunk));
                encoded.into()
            }
        }
    }

    /// As it is encoded, piece by piece.
    pub fn chunks(&self) -> impl Iterator<Item = Vec<u8>> + Send + '_ {
        match &self.0 {
            CallForm::Encoded(encoded) => Chunks { first: encoded.to_vec(), open: Vec::new() },
            CallForm::Packed { name, args, kwargs, .. } => {
                let mut first = Vec::new();
                write_head(&mut first, Kind::Tuple, 3);
                write_bytes(&mut first, b'u', name.as_bytes());
                let args = args.root();
                write_head(&mut first, Kind::Tuple, args.container().map_or(0, |(_, count)| count));
                Chunks { first, open: vec![(kwargs.nodes(), false), (args.items(), false)] }
            }
        }
    }

    /// All that makes it this call and no other.
    pub fn identity(&self) -> Vec<Vec<u8>> {
        match &self.0 {
            CallForm::Encoded(encoded) => vec![encoded.to_vec()],
            CallForm::Packed { name, args, kwargs, .. } => {
                let name = [name.as_bytes().to_vec()];
                name.into_iter().chain(args.identity()).chain(kwargs.identity()).collect()
            }
        }
    }
}

/// Encodes one value.
pub fn encode(value: &Value) -> Result<Vec<u8>, TooLarge> {
    let packed = Packed::new(value);
    let mut out = Vec::with_capacity(length(packed.root())?);
    Chunks { first: Vec::new(), open: vec![(packed.nodes(), false)] }.for_each(|chunk| out.extend(chunk));
    Ok(out)
}

/// How many bytes a value takes when it is encoded, if it is not too large.
fn length(node: Node<'_>) -> Result<usize, TooLarge> {
    let fits = |length: usize| i32::try_from(length).map(|_| length).map_err(|_| TooLarge);
    if let Some((kind, count)) = node.container() {
        let inside = node.items().map(length).sum::<Result<usize, TooLarge>>()?;
        return Ok(match kind {
            Kind::Dict => inside + 2,
            Kind::Typed => inside + 6,
            _ => {
                fits(count)?;
                inside + 5
            }
        });
    }
    if let Some(text) = node.text() {
        return Ok(5 + fits(text.len())?);
    }
    Ok(match node.value() {
        Value::Int(int) if i32::try_from(int).is_ok() => 5,
        Value::Int(int) => 5 + 2 * fits(long_digits(&BigInt::from(int)).len())?,
        Value::BigInt(int) => 5 + 2 * fits(long_digits(&int).len())?,
        Value::Float(_) => 9,
        Value::Complex(..) => 17,
        Value::Bytes(bytes) => 5 + fits(bytes.len())?,
        _ => 1,
    })
}

/// A value whose [`length`] is known, encoded piece by piece.
struct Chunks<'a> {
    first: Vec<u8>,
    /// What is open, outermost first, and whether a tag ends it.
    open: Vec<(Nodes<'a>, bool)>,
}

/// Pieces are about so long, unless a string is longer.
const CHUNK_BYTES: usize = 64 << 10;

impl Iterator for Chunks<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut chunk = std::mem::take(&mut self.first);
        while chunk.len() < CHUNK_BYTES
            && let Some((nodes, has_end)) = self.open.last_mut()
        {
            let Some(node) = nodes.next() else {
                if *has_end {
                    chunk.push(b'0');
                }
                self.open.pop();
                continue;
            };
            match node.container() {
                Some((kind, count)) => {
                    write_head(&mut chunk, kind, count);
                    self.open.push((node.items(), kind == Kind::Dict));
                }
                None => write_scalar(&mut chunk, node),
            }
        }
        (!chunk.is_empty()).then_some(chunk)
    }
}

/// What stands before a container's items.
fn write_head(out: &mut Vec<u8>, kind: Kind, count: usize) {
    out.push(match kind {
        Kind::List => b'[',
        Kind::Tuple | Kind::Typed => b'(',
        Kind::Set => b'<',
        Kind::FrozenSet => b'>',
        Kind::Dict => b'{',
    });
    match kind {
        Kind::Dict => {}
        Kind::Typed => {
            write_length(out, count + 1);
            out.push(b'.');
        }
        _ => write_length(out, count),
    }
}

fn write_scalar(out: &mut Vec<u8>, node: Node<'_>) {
    if let Some(text) = node.text() {
        return write_bytes(out, b'u', text);
    }
    match node.value() {
        Value::Bool(bool) => out.push(if bool { b'T' } else { b'F' }),
        Value::Int(int) => match i32::try_from(int) {
            Ok(small) => {
                out.push(b'i');
                out.extend(small.to_le_bytes());
            }
            Err(_) => write_long(out, &BigInt::from(int)),
        },
        Value::BigInt(int) => write_long(out, &int),
        Value::Float(float) => {
            out.push(b'g');
            out.extend(float.to_le_bytes());
        }
        Value::Complex(real, imaginary) => {
            out.push(b'y');
            out.extend(real.to_le_bytes());
            out.extend(imaginary.to_le_bytes());
        }
        Value::Bytes(bytes) => write_bytes(out, b's', &bytes),
        _ => out.push(b'N'),
    }
}

/// Of what [`length`] has let pass.
fn write_length(out: &mut Vec<u8>, length: usize) {
    out.extend((length as i32).to_le_bytes());
}

fn write_bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    write_length(out, bytes.len());
    out.extend(bytes);
}

/// A sign with the number of digits, then the digits.
fn write_long(out: &mut Vec<u8>, int: &BigInt) {
    let digits = long_digits(int);
    let count = digits.len() as i32;
    out.push(b'l');
    out.extend(if int.sign() == Sign::Minus { -count } else { count }.to_le_bytes());
    digits.iter().for_each(|digit| out.extend(digit.to_le_bytes()));
}

/// Digits of 15 bits, lowest first.
fn long_digits(int: &BigInt) -> Vec<u16> {
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
    digits
}

/// Decodes bytes that hold exactly one value. The bytes may come from hostile code: depth and
/// number of values are bounded, and no memory is set aside on the word of a length field.
pub fn decode(bytes: &[u8]) -> Result<Value, DecodeError> {
    Ok(decode_packed(bytes)?.value())
}

/// The same without the room that a [`Value`] takes.
pub fn decode_packed(bytes: &[u8]) -> Result<Packed, DecodeError> {
    let mut reader = Reader { bytes, at: 0, values: 0, typed: 0, depth: 0, packer: Packer::default() };
    reader.value()?;
    if reader.at < bytes.len() { reader.error("bytes after the value") } else { Ok(reader.packer.finish()) }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    values: usize,
    typed: usize,
    depth: usize,
    packer: Packer,
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

    fn value(&mut self) -> Result<(), DecodeError> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return self.error("too many values");
        }
        let [tag] = self.array()?;
        match tag {
            b'(' if self.bytes.get(self.at + 4) == Some(&b'.') => self.typed(),
            b'(' => self.items(Kind::Tuple),
            b'[' => self.items(Kind::List),
            b'<' => self.items(Kind::Set),
            b'>' => self.items(Kind::FrozenSet),
            b'{' => self.pairs(),
            b'u' | b't' => {
                let text = self.text()?;
                self.packer.string(text);
                Ok(())
            }
            b'i' => {
                let int = i32::from_le_bytes(self.array()?);
                self.packer.int(i64::from(int));
                Ok(())
            }
            _ => {
                let scalar = self.scalar(tag)?;
                self.packer.value(&scalar);
                Ok(())
            }
        }
    }

    /// `(..., type, text)`, `(..., "Enum", name, value)`: no plain data begins with an ellipsis.
    fn typed(&mut self) -> Result<(), DecodeError> {
        self.typed += 1;
        if self.typed > MAX_TYPED {
            return self.error("too many values of types that are not built in");
        }
        let (length, [_ellipsis]) = (self.len()?, self.array()?);
        let (name, text) = (self.part()?, self.part()?);
        let kind = TypedKind::from_name(&name);
        let typed = match (kind, length) {
            (Some(TypedKind::Member), 4) => {
                self.open()?;
                // It is written once its value is read.
                let begun = self.packer.begin();
                self.value()?;
                self.depth -= 1;
                let value = self.packer.inside(begun).next().map_or(Value::None, Node::value);
                self.packer.undo(begun);
                Typed::member(&text, value)
            }
            (Some(kind), 3) => Typed::new(kind, &text),
            _ => None,
        };
        match typed {
            Some(typed) => {
                self.packer.value(&Value::Typed(typed));
                Ok(())
            }
            None => self.error("no value of a known type"),
        }
    }

    /// The name of a type, or the text of one of its values.
    fn part(&mut self) -> Result<String, DecodeError> {
        self.values += 1;
        let [b'u' | b't'] = self.array()? else { return self.error("a type without its text") };
        let text = self.text()?.to_vec();
        String::from_utf8(text).or_else(|_| self.error("a type's text with a lone surrogate"))
    }

    fn scalar(&mut self, tag: u8) -> Result<Value, DecodeError> {
        Ok(match tag {
            b'N' => Value::None,
            b'T' => Value::Bool(true),
            b'F' => Value::Bool(false),
            b'l' => self.long()?,
            b'g' => Value::Float(self.float()?),
            b'y' => Value::Complex(self.float()?, self.float()?),
            b's' => {
                let len = self.len()?;
                Value::Bytes(self.take(len)?.to_vec())
            }
            _ => return self.error("no plain data"),
        })
    }

    fn text(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = self.len()?;
        let text = self.take(len)?;
        if is_surrogate_utf8(text) { Ok(text) } else { self.error("a string that is not UTF-8") }
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

    fn items(&mut self, kind: Kind) -> Result<(), DecodeError> {
        self.open()?;
        let len = self.len()?;
        if len > self.bytes.len() - self.at {
            return self.error("a length beyond the end");
        }
        let begun = self.packer.begin();
        for _ in 0..len {
            self.value()?;
        }
        self.packer.end(begun, kind, len);
        self.depth -= 1;
        Ok(())
    }

    fn pairs(&mut self) -> Result<(), DecodeError> {
        self.open()?;
        let (begun, mut count): (Begun, usize) = (self.packer.begin(), 0);
        while self.bytes.get(self.at) != Some(&b'0') {
            self.value()?;
            self.value()?;
            count += 1;
        }
        self.at += 1;
        self.packer.end(begun, Kind::Dict, count);
        self.depth -= 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
