//! White space as C and as Python have it, and the words and lines between it. Words are found 64 bytes at a time.

use std::{borrow::Cow, marker::PhantomData, ops::Range};

use crate::value::escape_bytes;

/// Bytes of an excerpt.
pub const EXCERPT_BYTES: usize = 60;

/// What counts as white space.
pub trait Blanks: Clone {
    /// A bit per byte of the part of `text` that begins at `at`: 1 where it is white space, and beyond the end.
    fn blanks(text: &[u8], at: usize) -> u64;
}

/// C's `isspace`, which testlib and most judges go by. Text need not be UTF-8.
#[derive(Debug, Clone)]
pub struct AsciiBlanks;

/// Python's `str.isspace`, of text in UTF-8. What is none of it is never white space.
#[derive(Debug, Clone)]
pub struct PythonBlanks;

impl Blanks for AsciiBlanks {
    fn blanks(text: &[u8], at: usize) -> u64 {
        bits(&part(text, at), |byte| byte == b' ' || byte.wrapping_sub(b'\t') <= b'\r' - b'\t')
    }
}

impl Blanks for PythonBlanks {
    fn blanks(text: &[u8], at: usize) -> u64 {
        let part = part(text, at);
        let ascii = bits(&part, is_ascii_blank);
        if part.is_ascii() { ascii } else { ascii | wide_blanks(text, at) }
    }
}

/// White space of one byte by Python's word.
pub fn is_ascii_blank(byte: u8) -> bool {
    byte.wrapping_sub(0x1c) <= b' ' - 0x1c || byte.wrapping_sub(b'\t') <= b'\r' - b'\t'
}

/// 64 bytes; blanks behind the end.
fn part(text: &[u8], at: usize) -> [u8; 64] {
    let rest = &text[at..];
    if let Some(part) = rest.first_chunk::<64>() {
        return *part;
    }
    let mut part = [b' '; 64];
    part[..rest.len()].copy_from_slice(rest);
    part
}

/// A bit per byte.
fn bits(part: &[u8; 64], is_set: impl Fn(u8) -> bool) -> u64 {
    let bytes = part.map(|byte| u8::from(is_set(byte)));
    let (eights, _) = bytes.as_chunks::<8>();
    // The product has each byte's lowest bit side by side in its uppermost byte.
    let eight = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes).wrapping_mul(0x0102_0408_1020_4080) >> 56;
    eights.iter().rev().fold(0, |bits, bytes| bits << 8 | eight(bytes))
}

/// The white space of several bytes.
fn wide_blanks(text: &[u8], at: usize) -> u64 {
    let mut bits = 0;
    // It may begin in the part before.
    for start in at.saturating_sub(2)..text.len().min(at + 64) {
        for byte in start..start + wide_blank(&text[start..]) {
            if (at..at + 64).contains(&byte) {
                bits |= 1 << (byte - at);
            }
        }
    }
    bits
}

/// How many bytes the white space has that the text begins with, where it is of several.
pub fn wide_blank(text: &[u8]) -> usize {
    match text {
        [0xc2, 0x85 | 0xa0, ..] => 2,
        [0xe1, 0x9a, 0x80, ..]
        | [0xe2, 0x80, 0x80..=0x8a | 0xa8 | 0xa9 | 0xaf, ..]
        | [0xe2, 0x81, 0x9f, ..]
        | [0xe3, 0x80, 0x80, ..] => 3,
        _ => 0,
    }
}

/// Python's `str.strip`.
pub fn strip(text: &[u8]) -> &[u8] {
    let is_solid = |byte: &u8| !is_ascii_blank(*byte);
    let mut rest = text;
    loop {
        rest = &rest[rest.iter().position(is_solid).unwrap_or(rest.len())..];
        match wide_blank(rest) {
            0 => break,
            length => rest = &rest[length..],
        }
    }
    loop {
        rest = &rest[..rest.iter().rposition(is_solid).map_or(0, |last| last + 1)];
        let starts = [2, 3].map(|length| rest.len().checked_sub(length));
        match starts.into_iter().flatten().find(|start| wide_blank(&rest[*start..]) == rest.len() - start) {
            Some(start) if start < rest.len() => rest = &rest[..start],
            _ => break,
        }
    }
    rest
}

/// A text with `\n` for `\r\n` and for `\r`, as Python's text mode reads it.
pub fn universal_newlines(text: &[u8]) -> Cow<'_, [u8]> {
    let mut last = 0;
    kept(text, |byte, _| {
        let is_kept = byte != b'\n' || last != b'\r';
        last = byte;
        (if byte == b'\r' { b'\n' } else { byte }, is_kept)
    })
}

/// A text with `\n` for `\r\n`.
pub fn line_feeds(text: &[u8]) -> Cow<'_, [u8]> {
    kept(text, |byte, next| (byte, byte != b'\r' || next != b'\n'))
}

/// What each byte becomes, given the next one, and whether it is kept, in texts that have a `\r`.
fn kept(text: &[u8], mut change: impl FnMut(u8, u8) -> (u8, bool)) -> Cow<'_, [u8]> {
    if !text.contains(&b'\r') {
        return Cow::Borrowed(text);
    }
    let mut changed = vec![0; text.len()];
    let mut length = 0;
    for (at, byte) in text.iter().enumerate() {
        let (byte, is_kept) = change(*byte, text.get(at + 1).copied().unwrap_or_default());
        changed[length] = byte;
        length += usize::from(is_kept);
    }
    changed.truncate(length);
    Cow::Owned(changed)
}

/// The words of a text, or where they are.
#[derive(Debug, Clone)]
pub struct Words<'a, B> {
    text: &'a [u8],
    /// Where the part that `edges` is of begins.
    part: usize,
    /// A bit where a word begins and one behind its end.
    edges: u64,
    /// 1 if the part ends within a word.
    open: u64,
    next_part: usize,
    blanks: PhantomData<B>,
}

impl<'a, B: Blanks> Words<'a, B> {
    pub fn new(text: &'a [u8]) -> Words<'a, B> {
        Words { text, part: 0, edges: 0, open: 0, next_part: 0, blanks: PhantomData }
    }

    /// Where the next word is.
    #[inline]
    pub fn next_range(&mut self) -> Option<Range<usize>> {
        let start = self.edge()?;
        Some(start..self.edge().unwrap_or(self.text.len()))
    }

    #[inline]
    fn edge(&mut self) -> Option<usize> {
        while self.edges == 0 {
            if self.next_part >= self.text.len() {
                return None;
            }
            let solid = !B::blanks(self.text, self.next_part);
            self.edges = solid ^ (solid << 1 | self.open);
            self.open = solid >> 63;
            self.part = self.next_part;
            self.next_part += 64;
        }
        let bit = self.edges.trailing_zeros();
        self.edges &= self.edges - 1;
        Some(self.part + bit as usize)
    }
}

impl<'a, B: Blanks> Iterator for Words<'a, B> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let range = self.next_range()?;
        Some(&self.text[range])
    }
}

/// Words of a line, which mostly is short, between ASCII white space.
#[derive(Clone)]
pub struct Tokens<'a>(pub &'a [u8]);

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let start = self.0.iter().position(|byte| !is_space(*byte))?;
        let token = &self.0[start..];
        let len = token.iter().position(|byte| is_space(*byte)).unwrap_or(token.len());
        self.0 = &token[len..];
        Some(&token[..len])
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

pub fn trim_end(bytes: &[u8]) -> &[u8] {
    let len = bytes.iter().rposition(|byte| !is_space(*byte)).map_or(0, |last| last + 1);
    &bytes[..len]
}

/// Bytes of what a program printed, for a person: bounded, with nothing that a terminal would carry out.
pub fn excerpt(bytes: &[u8]) -> String {
    format!("\"{}\"", escape_bytes(bytes, EXCERPT_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_what_python_says() {
        for character in '\0'..=char::MAX {
            let is_blank = character.is_whitespace() || ('\x1c'..='\x1f').contains(&character);
            let mut bytes = [0; 4];
            let bytes = character.encode_utf8(&mut bytes).as_bytes();
            let found = Words::<PythonBlanks>::new(bytes).next().is_none();
            assert_eq!(found, is_blank, "{character:?}");
            if let [byte] = bytes {
                assert_eq!(is_ascii_blank(*byte), is_blank);
                let is_c_blank = matches!(byte, b' ' | b'\t'..=b'\r');
                assert_eq!(Words::<AsciiBlanks>::new(bytes).next().is_none(), is_c_blank);
            } else {
                assert_eq!(wide_blank(bytes) == bytes.len(), is_blank, "{character:?}");
                assert_eq!(wide_blank(bytes) > 0, is_blank);
            }
        }
    }

    /// Beside the standard library's own splitting, with words and blanks across the parts of 64 bytes.
    #[test]
    fn words_are_found_wherever_they_are() {
        for before in 0..70 {
            for (blank, length) in
                [(" ", 1), ("\u{3000}", 2), ("\u{85}", 64), ("\n\u{2009} ", 65), ("\t\t", 127)]
            {
                let text =
                    format!("{}{}{blank}y{blank}{blank}{}", "x".repeat(before), blank, "é".repeat(length));
                let found: Vec<&[u8]> = Words::<PythonBlanks>::new(text.as_bytes()).collect();
                let expected: Vec<&[u8]> = text.split_whitespace().map(str::as_bytes).collect();
                assert_eq!(found, expected, "{text:?}");
            }
        }
    }

    #[test]
    fn both_ends_are_stripped() {
        let pieces = ["", "a", " ", "\n", "\u{a0}", "\u{3000}", "\x1c", "é", "\u{85}", "\u{2029}", "本"];
        for first in pieces {
            for second in pieces {
                for third in pieces {
                    let text = [first, second, third, first].concat();
                    let is_blank = |character: char| character.is_whitespace() || character == '\x1c';
                    assert_eq!(strip(text.as_bytes()), text.trim_matches(is_blank).as_bytes(), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn line_ends_become_line_feeds() {
        for (text, universal, feeds) in [
            ("a\r\nb\rc\n", "a\nb\nc\n", "a\nb\rc\n"),
            ("\r\r\n\n\r", "\n\n\n\n", "\r\n\n\r"),
            ("\n\r\n", "\n\n", "\n\n"),
            ("a\n", "a\n", "a\n"),
        ] {
            assert_eq!(universal_newlines(text.as_bytes()), universal.as_bytes(), "{text:?}");
            assert_eq!(line_feeds(text.as_bytes()), feeds.as_bytes(), "{text:?}");
        }
    }
}
