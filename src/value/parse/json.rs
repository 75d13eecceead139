//! JSON as Python's `json` module writes and reads it.

use super::{Cursor, ParseError, Parsed, dict_of, number, push_code_point};
use crate::value::Value;

/// Reads JSON text: RFC 8259 and beside it `NaN`, `Infinity`, `-Infinity`, integers of any size
/// (exact), lone surrogate escapes (kept) and control characters within strings. Objects become
/// dicts with string keys in order; of equal keys the last value counts.
pub fn parse_json(text: &str) -> Result<Value, ParseError> {
    let mut json = Json(Cursor::new(text));
    json.0.take("\u{feff}");
    let value = json.value()?;
    json.0.skip_blanks();
    if json.0.at < text.len() { json.0.error("text after the value") } else { Ok(value) }
}

struct Json<'a>(Cursor<'a>);

impl Json<'_> {
    fn value(&mut self) -> Parsed<Value> {
        self.0.skip_blanks();
        let words = [
            ("null", Value::None),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("NaN", Value::Float(f64::NAN)),
            ("Infinity", Value::Float(f64::INFINITY)),
            ("-Infinity", Value::Float(f64::NEG_INFINITY)),
        ];
        match self.0.peek() {
            Some(b'"') => Ok(Value::Str(self.string()?)),
            Some(b'[') => self.array(),
            Some(b'{') => self.object(),
            Some(b'0'..=b'9') => self.number(),
            Some(b'-') if self.0.rest().get(1) != Some(&b'I') => self.number(),
            None => self.0.error("the text ends where a value is due"),
            Some(_) => match words.into_iter().find(|(word, _)| self.0.take(word)) {
                Some((_, value)) => Ok(value),
                None => self.0.error("no JSON value"),
            },
        }
    }

    fn array(&mut self) -> Parsed<Value> {
        self.0.open()?;
        let mut items = Vec::new();
        self.0.skip_blanks();
        while self.0.peek() != Some(b']') {
            items.push(self.value()?);
            self.separator(b']')?;
        }
        self.0.close(Value::List(items))
    }

    fn object(&mut self) -> Parsed<Value> {
        self.0.open()?;
        let mut pairs = Vec::new();
        self.0.skip_blanks();
        while self.0.peek() != Some(b'}') {
            if self.0.peek() != Some(b'"') {
                return self.0.error("no quoted name");
            }
            let name = Value::Str(self.string()?);
            self.0.skip_blanks();
            if !self.0.take(":") {
                return self.0.error("no colon after a name");
            }
            pairs.push((name, self.value()?));
            self.separator(b'}')?;
        }
        self.0.close(dict_of(pairs))
    }

    /// Steps over a comma with an item after it, or stays before the closing bracket.
    fn separator(&mut self, closing: u8) -> Parsed<()> {
        self.0.skip_blanks();
        if self.0.peek() == Some(closing) {
            return Ok(());
        }
        if !self.0.take(",") {
            return self.0.error("neither a comma nor the end of the container");
        }
        self.0.skip_blanks();
        if self.0.peek() == Some(closing) { self.0.error("a comma without an item after it") } else { Ok(()) }
    }

    fn number(&mut self) -> Parsed<Value> {
        let start = self.0.at;
        let is_negative = self.0.take("-");
        let digits = self.0.take_while(|byte| byte.is_ascii_digit());
        if digits.is_empty() || (digits.len() > 1 && digits[0] == b'0') {
            return self.0.error_at(start, "no JSON number");
        }
        let is_whole = !self.fraction()? & !self.exponent()?;
        if is_whole {
            return Ok(number::integer(digits, is_negative));
        }
        match self.0.text[start..self.0.at].parse() {
            Ok(float) => Ok(Value::Float(float)),
            Err(_) => self.0.error_at(start, "no JSON number"),
        }
    }

    fn fraction(&mut self) -> Parsed<bool> {
        let is_here = self.0.take(".");
        if is_here && self.0.take_while(|byte| byte.is_ascii_digit()).is_empty() {
            return self.0.error("no digit after the decimal point");
        }
        Ok(is_here)
    }

    fn exponent(&mut self) -> Parsed<bool> {
        let is_here = self.0.take("e") || self.0.take("E");
        if is_here {
            let _signed = self.0.take("-") || self.0.take("+");
            if self.0.take_while(|byte| byte.is_ascii_digit()).is_empty() {
                return self.0.error("no digit in the exponent");
            }
        }
        Ok(is_here)
    }

    fn string(&mut self) -> Parsed<Vec<u8>> {
        let start = self.0.at;
        self.0.at += 1;
        let mut text = Vec::new();
        loop {
            text.extend(self.0.take_while(|byte| byte != b'"' && byte != b'\\'));
            if self.0.take("\"") {
                return Ok(text);
            }
            if !self.0.take("\\") {
                return self.0.error_at(start, "a string without an end");
            }
            self.escape(&mut text)?;
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Parsed<()> {
        let Some(letter) = self.0.peek() else { return self.0.error("unfinished escape") };
        let plain = match letter {
            b'"' | b'\\' | b'/' => letter,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                self.0.at += 1;
                let code = self.utf16()?;
                push_code_point(text, code);
                return Ok(());
            }
            _ => return self.0.error("unknown escape"),
        };
        self.0.at += 1;
        text.push(plain);
        Ok(())
    }

    /// Four digits, or twice four for a surrogate pair; a lone surrogate stays what it is.
    fn utf16(&mut self) -> Parsed<u32> {
        let first = self.0.hex(4)?;
        let after_first = self.0.at;
        if (0xd800..0xdc00).contains(&first) && self.0.take("\\u") {
            if let Ok(second @ 0xdc00..0xe000) = self.0.hex(4) {
                return Ok(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00));
            }
            self.0.at = after_first;
        }
        Ok(first)
    }
}
