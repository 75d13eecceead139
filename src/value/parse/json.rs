//! JSON as Python's `json` module writes and reads it.

use std::hash::{BuildHasher, RandomState};

use super::{Cursor, LongDigits, ParseError, Parsed, dict_of, number, push_code_point};
use crate::value::{
    Value,
    packed::{Begun, Kind, Node, Packed, Packer},
};

/// Reads JSON text: RFC 8259 and beside it `NaN`, `Infinity`, `-Infinity`, integers of any size that
/// [`LongDigits`] allows (exact), lone surrogate escapes (kept) and control characters within strings. Objects
/// become dicts with string keys in order; of equal keys the last value counts.
pub fn parse_json(text: &str) -> Result<Value, ParseError> {
    pack_json(text, &mut LongDigits::default()).map(|packed| packed.value())
}

/// The same without the room that a [`Value`] takes.
pub fn pack_json(text: &str, long_digits: &mut LongDigits) -> Result<Packed, ParseError> {
    let mut packer = Packer::default();
    pack_json_into(&mut packer, text, long_digits)?;
    Ok(packer.finish())
}

/// The same as one of several values.
pub fn pack_json_into(
    packer: &mut Packer,
    text: &str,
    long_digits: &mut LongDigits,
) -> Result<(), ParseError> {
    let mut json = Json { text: Cursor::new(text), packer, string: Vec::new(), long_digits };
    json.text.take("\u{feff}");
    json.value()?;
    json.text.skip_blanks();
    if json.text.at < text.len() { json.text.error("text after the value") } else { Ok(()) }
}

/// Whether two of a dict's keys, all strings, are the same, of a dict that has been begun and has so many pairs.
pub fn has_equal_names(packer: &Packer, begun: Begun, count: usize) -> bool {
    let names = || packer.inside(begun).step_by(2).filter_map(Node::text);
    if count <= FEW_NAMES {
        return names().enumerate().any(|(at, name)| names().take(at).any(|before| before == name));
    }
    // By hashes alone, so that a large object takes little room beside itself.
    let hasher = RandomState::new();
    let mut hashes: Vec<u64> = names().map(|name| hasher.hash_one(name)).collect();
    hashes.sort_unstable();
    let Some(twice) = hashes.windows(2).find(|pair| pair[0] == pair[1]) else { return false };
    let same: Vec<&[u8]> = names().filter(|name| hasher.hash_one(name) == twice[0]).collect();
    same[1..].contains(&same[0]) || has_equal_names_by_sorting(names().collect())
}

fn has_equal_names_by_sorting(mut names: Vec<&[u8]>) -> bool {
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

/// Objects of so few names are searched for equal ones pair by pair.
const FEW_NAMES: usize = 16;

struct Json<'a, 'b> {
    text: Cursor<'a>,
    packer: &'b mut Packer,
    /// The string read last.
    string: Vec<u8>,
    long_digits: &'b mut LongDigits,
}

impl Json<'_, '_> {
    fn value(&mut self) -> Parsed<()> {
        self.text.skip_blanks();
        let words = [
            ("null", Value::None),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("NaN", Value::Float(f64::NAN)),
            ("Infinity", Value::Float(f64::INFINITY)),
            ("-Infinity", Value::Float(f64::NEG_INFINITY)),
        ];
        match self.text.peek() {
            Some(b'"') => self.string(),
            Some(b'[') => self.array(),
            Some(b'{') => self.object(),
            Some(b'0'..=b'9') => self.number(),
            Some(b'-') if self.text.rest().get(1) != Some(&b'I') => self.number(),
            None => self.text.error("the text ends where a value is due"),
            Some(_) => match words.into_iter().find(|(word, _)| self.text.take(word)) {
                Some((_, value)) => {
                    self.packer.value(&value);
                    Ok(())
                }
                None => self.text.error("no JSON value"),
            },
        }
    }

    fn array(&mut self) -> Parsed<()> {
        self.text.open()?;
        let (begun, mut count) = (self.packer.begin(), 0);
        self.text.skip_blanks();
        while self.text.peek() != Some(b']') {
            self.value()?;
            count += 1;
            self.separator(b']')?;
        }
        self.packer.end(begun, Kind::List, count);
        self.text.close();
        Ok(())
    }

    fn object(&mut self) -> Parsed<()> {
        self.text.open()?;
        let (begun, mut count) = (self.packer.begin(), 0);
        self.text.skip_blanks();
        while self.text.peek() != Some(b'}') {
            if self.text.peek() != Some(b'"') {
                return self.text.error("no quoted name");
            }
            self.string()?;
            self.text.skip_blanks();
            if !self.text.take(":") {
                return self.text.error("no colon after a name");
            }
            self.value()?;
            count += 1;
            self.separator(b'}')?;
        }
        match has_equal_names(self.packer, begun, count) {
            false => self.packer.end(begun, Kind::Dict, count),
            true => self.last_of_equal_names(begun),
        }
        self.text.close();
        Ok(())
    }

    /// Writes an object anew in which names may be equal.
    fn last_of_equal_names(&mut self, begun: Begun) {
        let mut nodes = self.packer.inside(begun);
        let mut pairs = Vec::new();
        while let (Some(name), Some(value)) = (nodes.next(), nodes.next()) {
            pairs.push((name.value(), value.value()));
        }
        self.packer.undo(begun);
        self.packer.value(&dict_of(pairs));
    }

    /// Steps over a comma with an item after it, or stays before the closing bracket.
    fn separator(&mut self, closing: u8) -> Parsed<()> {
        self.text.skip_blanks();
        if self.text.peek() == Some(closing) {
            return Ok(());
        }
        if !self.text.take(",") {
            return self.text.error("neither a comma nor the end of the container");
        }
        self.text.skip_blanks();
        if self.text.peek() == Some(closing) {
            self.text.error("a comma without an item after it")
        } else {
            Ok(())
        }
    }

    fn number(&mut self) -> Parsed<()> {
        let start = self.text.at;
        let is_negative = self.text.take("-");
        let digits = self.text.take_while(|byte| byte.is_ascii_digit());
        if digits.is_empty() || (digits.len() > 1 && digits[0] == b'0') {
            return self.text.error_at(start, "no JSON number");
        }
        let is_whole = !self.fraction()? & !self.exponent()?;
        if is_whole {
            return match self.long_digits.take(digits.len()) {
                Ok(()) => {
                    self.packer.value(&number::integer(digits, is_negative));
                    Ok(())
                }
                Err(problem) => self.text.error_at(start, problem),
            };
        }
        let text = &self.text.text[start..self.text.at];
        match text.parse() {
            Ok(float) => {
                self.packer.float(float, text);
                Ok(())
            }
            Err(_) => self.text.error_at(start, "no JSON number"),
        }
    }

    fn fraction(&mut self) -> Parsed<bool> {
        let is_here = self.text.take(".");
        if is_here && self.text.take_while(|byte| byte.is_ascii_digit()).is_empty() {
            return self.text.error("no digit after the decimal point");
        }
        Ok(is_here)
    }

    fn exponent(&mut self) -> Parsed<bool> {
        let is_here = self.text.take("e") || self.text.take("E");
        if is_here {
            let _signed = self.text.take("-") || self.text.take("+");
            if self.text.take_while(|byte| byte.is_ascii_digit()).is_empty() {
                return self.text.error("no digit in the exponent");
            }
        }
        Ok(is_here)
    }

    fn string(&mut self) -> Parsed<()> {
        let start = self.text.at;
        self.text.at += 1;
        let plain = self.text.take_while(|byte| byte != b'"' && byte != b'\\');
        if self.text.take("\"") {
            self.packer.string(plain);
            return Ok(());
        }
        let mut text = std::mem::take(&mut self.string);
        text.clear();
        text.extend(plain);
        while !self.text.take("\"") {
            if !self.text.take("\\") {
                return self.text.error_at(start, "a string without an end");
            }
            self.escape(&mut text)?;
            text.extend(self.text.take_while(|byte| byte != b'"' && byte != b'\\'));
        }
        self.packer.string(&text);
        self.string = text;
        Ok(())
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Parsed<()> {
        let Some(letter) = self.text.peek() else { return self.text.error("unfinished escape") };
        let plain = match letter {
            b'"' | b'\\' | b'/' => letter,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                self.text.at += 1;
                let code = self.utf16()?;
                push_code_point(text, code);
                return Ok(());
            }
            _ => return self.text.error("unknown escape"),
        };
        self.text.at += 1;
        text.push(plain);
        Ok(())
    }

    /// Four digits, or twice four for a surrogate pair; a lone surrogate stays what it is.
    fn utf16(&mut self) -> Parsed<u32> {
        let first = self.text.hex(4)?;
        let after_first = self.text.at;
        if (0xd800..0xdc00).contains(&first) && self.text.take("\\u") {
            if let Ok(second @ 0xdc00..0xe000) = self.text.hex(4) {
                return Ok(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00));
            }
            self.text.at = after_first;
        }
        Ok(first)
    }
}
