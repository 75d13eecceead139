//! Values in about as many bytes as their JSON text has: a [`Value`] takes twenty times as many.
//!
//! What waits for its turn is held so, and what is large is compared so, item by item.
//!
//! A value is a tag and what belongs to it. Small integers and short strings are a tag by themselves. Behind
//! a container's tag stand three bytes: the length and the number of its items, or, where one of them
//! needs more room, the place of both in a table beside the bytes. So a container is stepped over without being
//! read, and can be written before its length is known.

use std::{fmt, sync::Arc};

use num_bigint::BigInt;

use super::{Typed, TypedKind, Value, repr};

const NONE: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
/// A number of seven bits a byte follows, with its sign in the lowest bit.
const INT: u8 = 3;
/// A length and so many bytes follow, as of `STRING` and `BYTES`.
const BIG_INT: u8 = 4;
const FLOAT: u8 = 5;
const COMPLEX: u8 = 6;
const STRING: u8 = 7;
const BYTES: u8 = 8;
/// And the number of a [`Kind`].
const SHORT_CONTAINER: u8 = 0x10;
const LONG_CONTAINER: u8 = 0x18;
/// And the length of the text that the float is written as.
const FLOAT_TEXT: u8 = 0x20;
/// And the length of the string.
const SHORT_STRING: u8 = 0x40;
/// And the integer.
const SMALL_INT: u8 = 0x80;

/// Longest text of a float that is shorter than the float.
const MOST_FLOAT_TEXT: usize = 7;
const HEADER_BYTES: usize = 4;
/// From here on length and number of a container's items stand in the table.
const LONG: usize = 1 << 12;

/// A value in its packed form. Clones share it.
#[derive(Clone, PartialEq)]
pub struct Packed(Arc<Written>);

#[derive(PartialEq, Default)]
struct Written {
    bytes: Vec<u8>,
    long: Vec<Extent>,
    has_typed: bool,
}

/// Length of a container's items, bytes, and their number; of a dict that of its pairs.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Extent {
    bytes: usize,
    count: usize,
}

/// What holds other values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    List,
    Tuple,
    Set,
    FrozenSet,
    /// Keys and values by turns.
    Dict,
    /// Its type's number, its text and perhaps a member's value.
    Typed,
}

impl Kind {
    const ALL: [Kind; 6] = [Kind::List, Kind::Tuple, Kind::Set, Kind::FrozenSet, Kind::Dict, Kind::Typed];
}

impl Packed {
    pub fn new(value: &Value) -> Packed {
        let mut packer = Packer::default();
        packer.value(value);
        packer.finish()
    }

    pub fn root(&self) -> Node<'_> {
        Node { bytes: &self.0.bytes, long: &self.0.long }
    }

    /// The value alone.
    pub fn nodes(&self) -> Nodes<'_> {
        Nodes { bytes: &self.0.bytes, long: &self.0.long }
    }

    pub fn value(&self) -> Value {
        self.root().value()
    }

    /// The room that it takes.
    pub fn len_bytes(&self) -> usize {
        self.0.bytes.len()
    }

    /// Whether there is a [`Value::Typed`] in it.
    pub fn has_typed(&self) -> bool {
        self.0.has_typed
    }

    /// All that makes it this value and no other.
    pub fn identity(&self) -> [Vec<u8>; 2] {
        let table = self.0.long.iter().flat_map(|extent| [extent.bytes, extent.count]);
        [self.0.bytes.clone(), table.flat_map(usize::to_le_bytes).collect()]
    }
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.root().repr(200))
    }
}

/// Writes a value, part by part.
#[derive(Default)]
pub struct Packer(Written);

/// A container that has been begun, and what there was before it.
#[derive(Clone, Copy)]
pub struct Begun {
    at: usize,
    long: usize,
}

impl Packer {
    pub fn finish(mut self) -> Packed {
        self.0.bytes.shrink_to_fit();
        self.0.long.shrink_to_fit();
        Packed(Arc::new(self.0))
    }

    /// The parts of a [`Value::Made`] are written in its place.
    pub fn value(&mut self, value: &Value) {
        match value {
            Value::None => self.0.bytes.push(NONE),
            Value::Bool(bool) => self.0.bytes.push(if *bool { TRUE } else { FALSE }),
            Value::Int(int) => self.int(*int),
            Value::BigInt(int) => self.long_bytes(BIG_INT, &int.to_signed_bytes_le()),
            Value::Float(float) => {
                self.0.bytes.push(FLOAT);
                self.0.bytes.extend(float.to_le_bytes());
            }
            Value::Complex(real, imaginary) => {
                self.0.bytes.push(COMPLEX);
                self.0.bytes.extend([real, imaginary].iter().flat_map(|part| part.to_le_bytes()));
            }
            Value::Str(text) => self.string(text),
            Value::Bytes(bytes) => self.long_bytes(BYTES, bytes),
            Value::List(items) => self.items(Kind::List, items),
            Value::Tuple(items) => self.items(Kind::Tuple, items),
            Value::Set(items) => self.items(Kind::Set, items),
            Value::FrozenSet(items) => self.items(Kind::FrozenSet, items),
            Value::Dict(pairs) => {
                let begun = self.begin();
                for (key, value) in pairs {
                    self.value(key);
                    self.value(value);
                }
                self.end(begun, Kind::Dict, pairs.len());
            }
            Value::Typed(typed) => self.typed(typed),
            Value::Made { plain, .. } => self.value(plain),
        }
    }

    fn items(&mut self, kind: Kind, items: &[Value]) {
        let begun = self.begin();
        items.iter().for_each(|item| self.value(item));
        self.end(begun, kind, items.len());
    }

    fn typed(&mut self, typed: &Typed) {
        self.0.has_typed = true;
        let begun = self.begin();
        self.string(typed.kind().name().as_bytes());
        self.string(typed.text().as_bytes());
        typed.member_value().into_iter().for_each(|value| self.value(value));
        self.end(begun, Kind::Typed, 2 + usize::from(typed.member_value().is_some()));
    }

    pub fn int(&mut self, int: i64) {
        match int {
            0..=0x7f => self.0.bytes.push(SMALL_INT | int as u8),
            _ => {
                self.0.bytes.push(INT);
                self.number(((int << 1) ^ (int >> 63)) as u64);
            }
        }
    }

    pub fn string(&mut self, text: &[u8]) {
        match text.len() {
            length @ 0..0x40 => {
                self.0.bytes.push(SHORT_STRING | length as u8);
                self.0.bytes.extend(text);
            }
            _ => self.long_bytes(STRING, text),
        }
    }

    /// A float that is written so.
    pub fn float(&mut self, float: f64, text: &str) {
        match text.len() {
            length @ 0..=MOST_FLOAT_TEXT => {
                self.0.bytes.push(FLOAT_TEXT | length as u8);
                self.0.bytes.extend(text.as_bytes());
            }
            _ => self.value(&Value::Float(float)),
        }
    }

    fn long_bytes(&mut self, tag: u8, bytes: &[u8]) {
        self.0.bytes.push(tag);
        self.number(bytes.len() as u64);
        self.0.bytes.extend(bytes);
    }

    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.bytes.push(number as u8);
    }

    /// Begins a container: what is written until its end is in it.
    pub fn begin(&mut self) -> Begun {
        let begun = Begun { at: self.0.bytes.len(), long: self.0.long.len() };
        self.0.bytes.extend([0; HEADER_BYTES]);
        begun
    }

    pub fn end(&mut self, begun: Begun, kind: Kind, count: usize) {
        let bytes = self.0.bytes.len() - begun.at - HEADER_BYTES;
        let (tag, number) = if bytes < LONG && count < LONG {
            (SHORT_CONTAINER, bytes | count << 12)
        } else {
            // Each is of 4 KiB at least, so that their number needs no more than three bytes.
            self.0.long.push(Extent { bytes, count });
            (LONG_CONTAINER, self.0.long.len() - 1)
        };
        let [low, middle, high, ..] = (number as u32).to_le_bytes();
        self.0.bytes[begun.at..begun.at + HEADER_BYTES].copy_from_slice(&[
            tag | kind as u8,
            low,
            middle,
            high,
        ]);
    }

    /// The container as far as it is written, not yet ended.
    pub fn inside(&self, begun: Begun) -> Nodes<'_> {
        Nodes { bytes: &self.0.bytes[begun.at + HEADER_BYTES..], long: &self.0.long }
    }

    /// Takes back what was written since a container was begun, and that container.
    pub fn undo(&mut self, begun: Begun) {
        self.0.bytes.truncate(begun.at);
        self.0.long.truncate(begun.long);
    }
}

/// One value of those that are packed together.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    bytes: &'a [u8],
    long: &'a [Extent],
}

/// Values one after the other.
#[derive(Clone)]
pub struct Nodes<'a> {
    bytes: &'a [u8],
    long: &'a [Extent],
}

impl<'a> Iterator for Nodes<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        let (head, body) = extent(self.bytes, self.long)?;
        let (bytes, rest) = self.bytes.split_at(head + body);
        self.bytes = rest;
        Some(Node { bytes, long: self.long })
    }
}

impl Nodes<'_> {
    /// Where the next one is among a container's items; see [`Node::items_from`].
    pub fn place_in(&self, container: Node<'_>) -> u32 {
        // No message, and no body, has more than 4 GiB.
        (container.content().len() - self.bytes.len()) as u32
    }
}

/// Bytes before the content of the first value, and of it; `None` if there is no value.
fn extent(bytes: &[u8], long: &[Extent]) -> Option<(usize, usize)> {
    Some(match *bytes.first()? {
        NONE | FALSE | TRUE | SMALL_INT.. => (1, 0),
        INT => (1, bytes[1..].iter().take_while(|byte| **byte >= 0x80).count() + 1),
        FLOAT => (1, 8),
        COMPLEX => (1, 16),
        tag @ FLOAT_TEXT..SHORT_STRING => (1, usize::from(tag - FLOAT_TEXT)),
        tag @ SHORT_STRING..SMALL_INT => (1, usize::from(tag - SHORT_STRING)),
        SHORT_CONTAINER..FLOAT_TEXT => (HEADER_BYTES, container_extent(bytes, long).bytes),
        // With a length.
        _ => {
            let (length, rest) = number(&bytes[1..]);
            (bytes.len() - rest.len(), length as usize)
        }
    })
}

fn container_extent(bytes: &[u8], long: &[Extent]) -> Extent {
    let number = u32::from_le_bytes([bytes[1], bytes[2], bytes[3], 0]) as usize;
    match bytes[0] < LONG_CONTAINER {
        true => Extent { bytes: number % LONG, count: number / LONG },
        false => long[number],
    }
}

fn number(bytes: &[u8]) -> (u64, &[u8]) {
    let length = bytes.iter().take_while(|byte| **byte >= 0x80).count() + 1;
    let (digits, rest) = bytes.split_at(length);
    (digits.iter().rev().fold(0, |number, digit| number << 7 | u64::from(digit & 0x7f)), rest)
}

impl<'a> Node<'a> {
    /// The room that it takes.
    pub fn len_bytes(self) -> usize {
        self.bytes.len()
    }

    /// What is written of it.
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    fn content(self) -> &'a [u8] {
        let head = extent(self.bytes, self.long).map_or(0, |(head, _)| head);
        &self.bytes[head..]
    }

    /// What kind of container it is, and how many items, or pairs, it has.
    pub fn container(self) -> Option<(Kind, usize)> {
        match self.bytes[0] {
            tag @ SHORT_CONTAINER..FLOAT_TEXT => {
                let kind = Kind::ALL[usize::from(tag & 7)];
                Some((kind, container_extent(self.bytes, self.long).count))
            }
            _ => None,
        }
    }

    /// A container's items; what is none has none.
    pub fn items(self) -> Nodes<'a> {
        let bytes = if self.container().is_some() { self.content() } else { &[] };
        Nodes { bytes, long: self.long }
    }

    /// Those from a place on.
    pub fn items_from(self, place: u32) -> Nodes<'a> {
        Nodes { bytes: &self.content()[place as usize..], long: self.long }
    }

    /// The value by itself.
    pub fn to_packed(self) -> Packed {
        Packed(Arc::new(Written {
            bytes: self.bytes.to_vec(),
            long: self.long.to_vec(),
            has_typed: self.holds_typed(),
        }))
    }

    fn holds_typed(self) -> bool {
        self.container().is_some_and(|(kind, _)| kind == Kind::Typed || self.items().any(Node::holds_typed))
    }

    /// A string's content.
    pub fn text(self) -> Option<&'a [u8]> {
        matches!(self.bytes[0], STRING | SHORT_STRING..SMALL_INT).then(|| self.content())
    }

    pub fn value(self) -> Value {
        self.head(&mut usize::MAX.clone())
    }

    /// As Python prints it; see [`repr()`].
    pub fn repr(self, max_bytes: usize) -> String {
        // Each value takes a byte at least when it is printed.
        repr(&self.head(&mut (max_bytes + 8)), max_bytes)
    }

    /// The value with so many values inside, and bytes of strings, at most.
    fn head(self, room: &mut usize) -> Value {
        *room = room.saturating_sub(1);
        let content = self.content();
        let array = |at: usize| content[at..at + 8].try_into().expect("eight bytes");
        match self.bytes[0] {
            NONE => Value::None,
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            tag @ SMALL_INT.. => Value::Int(i64::from(tag & 0x7f)),
            INT => {
                let (number, _) = number(content);
                Value::Int((number >> 1) as i64 ^ -((number & 1) as i64))
            }
            BIG_INT => Value::BigInt(BigInt::from_signed_bytes_le(content)),
            FLOAT => Value::Float(f64::from_le_bytes(array(0))),
            FLOAT_TEXT..SHORT_STRING => {
                let text = std::str::from_utf8(content).unwrap_or_default();
                Value::Float(text.parse().unwrap_or(f64::NAN))
            }
            COMPLEX => Value::Complex(f64::from_le_bytes(array(0)), f64::from_le_bytes(array(8))),
            BYTES => Value::Bytes(content[..content.len().min(*room)].to_vec()),
            STRING | SHORT_STRING..SMALL_INT => Value::Str(content[..content.len().min(*room)].to_vec()),
            tag => self.head_of_container(Kind::ALL[usize::from(tag & 7)], room),
        }
    }

    fn head_of_container(self, kind: Kind, room: &mut usize) -> Value {
        let mut nodes = self.items();
        match kind {
            Kind::Dict => {
                let mut pairs = Vec::new();
                while *room > 0
                    && let (Some(key), Some(value)) = (nodes.next(), nodes.next())
                {
                    pairs.push((key.head(room), value.head(room)));
                }
                Value::Dict(pairs)
            }
            Kind::Typed => self.typed().map_or(Value::None, Value::Typed),
            _ => {
                let mut items = Vec::new();
                while *room > 0
                    && let Some(node) = nodes.next()
                {
                    items.push(node.head(room));
                }
                match kind {
                    Kind::Tuple => Value::Tuple(items),
                    Kind::Set => Value::Set(items),
                    Kind::FrozenSet => Value::FrozenSet(items),
                    _ => Value::List(items),
                }
            }
        }
    }

    fn typed(self) -> Option<Typed> {
        let mut parts = self.items();
        let mut text = || std::str::from_utf8(parts.next()?.text()?).ok();
        let (name, text) = (text()?, text()?);
        let member_value = parts.next().map(Node::value);
        Some(Typed::as_written(TypedKind::from_name(name)?, text, member_value))
    }

    /// The name of the Python type.
    pub fn type_name(self) -> &'static str {
        self.head(&mut 1).type_name()
    }
}

#[cfg(test)]
mod tests;
