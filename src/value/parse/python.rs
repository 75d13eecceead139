//! Python literals: what `ast.literal_eval` reads.

use super::{
    Cursor, LongDigits, ParseError, Parsed,
    constructor::{self, Arguments},
    dict_of, is_hashable, number, push_code_point, set_items_of,
};
#[cfg(doc)]
use crate::value::Typed;
use crate::value::Value;

/// Reads a Python literal: numbers (complex ones too, and the names `nan` and `inf`), strings and
/// bytes with every prefix but `f`, adjacent strings joined, `None`, `True`, `False`, tuples,
/// lists, dicts with any hashable key, sets. Beside literals, calls that make plain data or a [`Typed`], read
/// as data and never called: `float('inf')`, `frozenset({1})`, `Decimal('1')`, `datetime.date(2024, 2, 29)`,
/// `deque([1])`, `Counter({'a': 1})`, `np.array([1])`, `ListNode(1, ListNode(2))`; and a member of an Enum,
/// `Colour.RED`. No comments, `\N{...}` names or code. What `repr` writes of a complex number is that number, as for Python's own `complex`: `(-0+infj)`.
pub fn parse_python(text: &str) -> Result<Value, ParseError> {
    let mut python = Python(Cursor::new(text), LongDigits::default());
    python.blanks();
    let first = python.sum()?;
    python.blanks();
    let value = if python.0.peek() == Some(b',') {
        let mut items = vec![first];
        python.more_items(&mut items, None)?;
        Value::Tuple(items)
    } else {
        first
    };
    if python.0.at < text.len() { python.0.error("text after the value") } else { Ok(value) }
}

struct Python<'a>(Cursor<'a>, LongDigits);

impl Python<'_> {
    fn close(&mut self, value: Value) -> Parsed<Value> {
        self.0.close();
        Ok(value)
    }

    fn blanks(&mut self) {
        self.0.skip_blanks();
        while self.0.take("\\\n") || self.0.take("\\\r\n") {
            self.0.skip_blanks();
        }
    }

    /// A value, or a real part and an imaginary part such as `1-2j`.
    fn sum(&mut self) -> Parsed<Value> {
        let start = self.0.at;
        let left = self.value()?;
        let real = match left {
            // As `repr` writes a real part of -0.0.
            Value::Int(0) if self.0.bytes()[start] == b'-' => -0.0,
            Value::Int(int) => int as f64,
            Value::Float(float) => float,
            other => return Ok(other),
        };
        self.blanks();
        let sign = match self.0.peek() {
            Some(b'+') => 1.0,
            Some(b'-') => -1.0,
            _ => return Ok(left),
        };
        self.0.at += 1;
        self.blanks();
        match self.value()? {
            Value::Complex(0.0, imaginary) => Ok(Value::Complex(real, sign * imaginary)),
            _ => self.0.error_at(start, "a sum that is no complex number"),
        }
    }

    fn value(&mut self) -> Parsed<Value> {
        match self.0.peek() {
            Some(b'[') => self.list(),
            Some(b'(') => self.tuple(),
            Some(b'{') => self.braces(),
            Some(b'0'..=b'9' | b'.') => self.number(false),
            Some(b'-') => self.signed(true),
            Some(b'+') => self.signed(false),
            Some(b'"' | b'\'') => self.strings(),
            Some(b'a'..=b'z' | b'A'..=b'Z' | b'_') => self.word(),
            None => self.0.error("the text ends where a value is due"),
            Some(_) => self.0.error("no Python literal"),
        }
    }

    fn signed(&mut self, is_negative: bool) -> Parsed<Value> {
        self.0.at += 1;
        self.blanks();
        match self.0.peek() {
            Some(b'0'..=b'9' | b'.') => self.number(is_negative),
            Some(b'i' | b'n' | b'm' | b'f') => match self.word()? {
                Value::Float(float) => Ok(Value::Float(if is_negative { -float } else { float })),
                Value::Complex(real, imaginary) => {
                    Ok(Value::Complex(real, if is_negative { -imaginary } else { imaginary }))
                }
                _ => self.0.error("a sign before what is no number"),
            },
            _ => self.0.error("a sign before what is no number"),
        }
    }

    fn word(&mut self) -> Parsed<Value> {
        let start = self.0.at;
        let word = self.0.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if matches!(self.0.peek(), Some(b'"' | b'\'')) {
            self.0.at = start;
            return self.strings();
        }
        if !matches!(self.0.peek(), Some(b'.' | b'(')) {
            return match word {
                b"None" => Ok(Value::None),
                b"True" => Ok(Value::Bool(true)),
                b"False" => Ok(Value::Bool(false)),
                b"nan" => Ok(Value::Float(f64::NAN)),
                b"inf" => Ok(Value::Float(f64::INFINITY)),
                b"nanj" => Ok(Value::Complex(0.0, f64::NAN)),
                b"infj" => Ok(Value::Complex(0.0, f64::INFINITY)),
                _ => self.0.error_at(start, "a name that is no literal"),
            };
        }
        self.0.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
        let name = &self.0.text[start..self.0.at];
        let value = if self.0.peek() == Some(b'(') {
            constructor::made(name, self.arguments(name)?)
        } else {
            constructor::named(name)
        };
        value.map_or_else(|| self.0.error_at(start, "a name that is no literal"), Ok)
    }

    /// What stands in a call's parentheses: values, then values with a name.
    fn arguments(&mut self, name: &str) -> Parsed<Arguments> {
        self.0.open()?;
        let mut arguments = Arguments { values: Vec::new(), named: Vec::new() };
        self.blanks();
        if constructor::bare(name) == "defaultdict" {
            self.factory();
        }
        while self.0.peek() != Some(b')') {
            let start = self.0.at;
            let argument = self.0.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            self.blanks();
            let is_named = !argument.is_empty() && self.0.take("=");
            if is_named {
                self.blanks();
                let argument = String::from_utf8_lossy(argument).into_owned();
                // Of an array's type nothing is needed.
                let value = if argument == "dtype" { self.type_name()? } else { self.sum()? };
                arguments.named.push((argument, value));
            } else {
                self.0.at = start;
                arguments.values.push(self.sum()?);
            }
            self.blanks();
            if !self.0.take(",") && self.0.peek() != Some(b')') {
                return self.0.error("neither a comma nor the end of the arguments");
            }
            self.blanks();
        }
        self.close(Value::None)?;
        Ok(arguments)
    }

    /// Steps over what a `defaultdict` makes missing values with: `list`, `<class 'list'>`, `None`.
    fn factory(&mut self) {
        if self.0.take("<class '") {
            self.0.take_while(|byte| byte != b'\'');
            self.0.take("'>");
        } else {
            const TYPES: [&str; 9] = ["int", "float", "str", "list", "dict", "set", "tuple", "bool", "None"];
            let rest = &self.0.text[self.0.at..];
            let is_type = TYPES
                .iter()
                .find(|name| rest.strip_prefix(**name).is_some_and(|rest| !rest.starts_with('(')));
            self.0.at += is_type.map_or(0, |name| name.len());
        }
        self.blanks();
        self.0.take(",");
        self.blanks();
    }

    /// `int64`, `np.float32`, `'int'`.
    fn type_name(&mut self) -> Parsed<Value> {
        match self.0.peek() {
            Some(b'"' | b'\'') => self.strings(),
            _ => {
                self.0.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
                Ok(Value::None)
            }
        }
    }

    fn list(&mut self) -> Parsed<Value> {
        self.0.open()?;
        let mut items = Vec::new();
        self.items(&mut items, b']')?;
        self.close(Value::List(items))
    }

    fn tuple(&mut self) -> Parsed<Value> {
        self.0.open()?;
        self.blanks();
        let mut items = Vec::new();
        if self.0.peek() == Some(b')') {
            return self.close(Value::Tuple(items));
        }
        items.push(self.sum()?);
        self.blanks();
        if self.0.peek() == Some(b')') {
            let only = items.remove(0);
            return self.close(only);
        }
        self.more_items(&mut items, Some(b')'))?;
        self.close(Value::Tuple(items))
    }

    /// Items up to the closing bracket, which is left in place.
    fn items(&mut self, items: &mut Vec<Value>, closing: u8) -> Parsed<()> {
        self.blanks();
        if self.0.peek() == Some(closing) {
            return Ok(());
        }
        items.push(self.sum()?);
        self.more_items(items, Some(closing))
    }

    /// `, item, item` and perhaps a comma, up to the closing bracket or the end of the text.
    fn more_items(&mut self, items: &mut Vec<Value>, closing: Option<u8>) -> Parsed<()> {
        loop {
            self.blanks();
            if self.0.peek() == closing {
                return Ok(());
            }
            if !self.0.take(",") {
                return self.0.error("neither a comma nor the end of the container");
            }
            self.blanks();
            if self.0.peek() == closing {
                return Ok(());
            }
            items.push(self.sum()?);
        }
    }

    fn braces(&mut self) -> Parsed<Value> {
        self.0.open()?;
        self.blanks();
        if self.0.peek() == Some(b'}') {
            return self.close(Value::Dict(Vec::new()));
        }
        let first = self.hashable()?;
        self.blanks();
        if self.0.peek() != Some(b':') {
            let mut items = vec![first];
            self.more_items(&mut items, Some(b'}'))?;
            if !items.iter().all(is_hashable) {
                return self.0.error("an item of a set that cannot be hashed");
            }
            return self.close(Value::Set(set_items_of(items)));
        }
        let mut pairs = Vec::new();
        let mut key = first;
        loop {
            self.blanks();
            if !self.0.take(":") {
                return self.0.error("no colon after a key");
            }
            self.blanks();
            pairs.push((key, self.sum()?));
            self.blanks();
            let has_comma = self.0.take(",");
            self.blanks();
            if self.0.peek() == Some(b'}') {
                return self.close(dict_of(pairs));
            }
            if !has_comma {
                return self.0.error("neither a comma nor the end of the container");
            }
            key = self.hashable()?;
        }
    }

    fn hashable(&mut self) -> Parsed<Value> {
        let start = self.0.at;
        let value = self.sum()?;
        if is_hashable(&value) { Ok(value) } else { self.0.error_at(start, "a key that cannot be hashed") }
    }

    fn number(&mut self, is_negative: bool) -> Parsed<Value> {
        let start = self.0.at;
        if let [b'0', b'x' | b'X' | b'o' | b'O' | b'b' | b'B', ..] = self.0.rest() {
            return self.radix_number(is_negative);
        }
        let whole = self.digits()?;
        let has_point = self.0.take(".");
        let has_fraction = has_point && !self.digits()?.is_empty();
        if whole.is_empty() && !has_fraction {
            return self.0.error_at(start, "no Python number");
        }
        let has_exponent = self.0.take("e") || self.0.take("E");
        if has_exponent {
            let _signed = self.0.take("-") || self.0.take("+");
            if self.digits()?.is_empty() {
                return self.0.error("no digit in the exponent");
            }
        }
        let is_imaginary = matches!(self.0.peek(), Some(b'j' | b'J'));
        if !(has_point || has_exponent || is_imaginary) {
            if whole.len() > 1 && whole[0] == b'0' && whole.iter().any(|digit| *digit != b'0') {
                return self.0.error_at(start, "an integer with leading zeros");
            }
            self.allow(start, whole.len())?;
            return Ok(number::integer(&whole, is_negative));
        }
        let text = self.0.text[start..self.0.at].replace('_', "");
        let Ok(magnitude) = text.parse::<f64>() else {
            return self.0.error_at(start, "no Python number");
        };
        let float = if is_negative { -magnitude } else { magnitude };
        self.0.at += usize::from(is_imaginary);
        Ok(if is_imaginary { Value::Complex(0.0, float) } else { Value::Float(float) })
    }

    fn allow(&mut self, start: usize, digits: usize) -> Parsed<()> {
        self.1.take(digits).or_else(|problem| self.0.error_at(start, problem))
    }

    /// Decimal digits, single underscores between them left out.
    fn digits(&mut self) -> Parsed<Vec<u8>> {
        let raw = self.0.take_while(|byte| byte.is_ascii_digit() || byte == b'_');
        let is_odd = raw.starts_with(b"_") || raw.ends_with(b"_") || raw.windows(2).any(|two| two == b"__");
        if is_odd {
            return self.0.error("a misplaced underscore");
        }
        Ok(raw.iter().copied().filter(|byte| *byte != b'_').collect())
    }

    fn radix_number(&mut self, is_negative: bool) -> Parsed<Value> {
        let start = self.0.at;
        let radix = match self.0.rest()[1] {
            b'x' | b'X' => 16,
            b'o' | b'O' => 8,
            _ => 2,
        };
        self.0.at += 2;
        let digits = self.0.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let digits: Vec<u8> = digits.iter().copied().filter(|byte| *byte != b'_').collect();
        self.allow(start, digits.len())?;
        match num_bigint::BigInt::parse_bytes(&digits, radix) {
            Some(magnitude) => Ok(Value::from_bigint(if is_negative { -magnitude } else { magnitude })),
            None => self.0.error_at(start, "no Python number"),
        }
    }

    /// One string or several side by side, all text or all bytes.
    fn strings(&mut self) -> Parsed<Value> {
        let start = self.0.at;
        let mut joined = Vec::new();
        let mut is_bytes = None;
        loop {
            let prefix = self.0.take_while(|byte| byte.is_ascii_alphabetic()).to_ascii_lowercase();
            let this_is_bytes = match prefix.as_slice() {
                b"" | b"r" | b"u" => false,
                b"b" | b"rb" | b"br" => true,
                _ => return self.0.error_at(start, "a string prefix that is no literal's"),
            };
            if is_bytes.is_some_and(|before| before != this_is_bytes) {
                return self.0.error("text joined with bytes");
            }
            is_bytes = Some(this_is_bytes);
            self.string(&mut joined, prefix.contains(&b'r'), this_is_bytes)?;
            self.blanks();
            if !self.is_string_next() {
                break;
            }
        }
        Ok(if is_bytes == Some(true) { Value::Bytes(joined) } else { Value::Str(joined) })
    }

    fn is_string_next(&self) -> bool {
        let rest = self.0.rest();
        let letters = rest.iter().take(2).take_while(|byte| byte.is_ascii_alphabetic()).count();
        matches!(rest.get(letters), Some(b'"' | b'\''))
    }

    fn string(&mut self, text: &mut Vec<u8>, is_raw: bool, is_bytes: bool) -> Parsed<()> {
        let start = self.0.at;
        let quote = if self.0.take("\"\"\"") {
            "\"\"\""
        } else if self.0.take("'''") {
            "'''"
        } else if self.0.take("\"") {
            "\""
        } else {
            self.0.at += 1;
            "'"
        };
        let quote_byte = quote.as_bytes()[0];
        loop {
            let plain = self.0.take_while(|byte| byte != quote_byte && byte != b'\\' && byte != b'\n');
            if is_bytes && !plain.is_ascii() {
                return self.0.error_at(start, "bytes written with letters beyond ASCII");
            }
            text.extend(plain);
            if self.0.take(quote) {
                return Ok(());
            }
            match self.0.peek() {
                None => return self.0.error_at(start, "a string without an end"),
                Some(b'\n') if quote.len() == 1 => return self.0.error_at(start, "a string without an end"),
                Some(b'\\') => self.escape(text, is_raw, is_bytes)?,
                Some(byte) => {
                    text.push(byte);
                    self.0.at += 1;
                }
            }
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>, is_raw: bool, is_bytes: bool) -> Parsed<()> {
        self.0.at += 1;
        let Some(letter) = self.0.peek() else { return self.0.error("unfinished escape") };
        if is_raw {
            // Whatever follows is itself, even a quote; both characters stay.
            text.push(b'\\');
            if letter.is_ascii() {
                text.push(letter);
                self.0.at += 1;
            }
            return Ok(());
        }
        let plain = match letter {
            b'\n' => None,
            b'\\' | b'\'' | b'"' => Some(letter),
            b'a' => Some(7),
            b'b' => Some(8),
            b'f' => Some(12),
            b'n' => Some(b'\n'),
            b'r' => Some(b'\r'),
            b't' => Some(b'\t'),
            b'v' => Some(11),
            b'0'..=b'7' => return self.octal(text, is_bytes),
            b'x' => return self.hex_escape(text, 2, is_bytes),
            b'u' if !is_bytes => return self.hex_escape(text, 4, false),
            b'U' if !is_bytes => return self.hex_escape(text, 8, false),
            b'N' if !is_bytes => return self.0.error("a character by name"),
            _ => {
                text.push(b'\\');
                return Ok(());
            }
        };
        text.extend(plain);
        self.0.at += 1;
        Ok(())
    }

    fn octal(&mut self, text: &mut Vec<u8>, is_bytes: bool) -> Parsed<()> {
        let mut code = 0;
        for _ in 0..3 {
            let Some(digit @ b'0'..=b'7') = self.0.peek() else { break };
            code = code << 3 | u32::from(digit - b'0');
            self.0.at += 1;
        }
        if is_bytes {
            text.push(code as u8)
        } else {
            push_code_point(text, code)
        }
        Ok(())
    }

    fn hex_escape(&mut self, text: &mut Vec<u8>, digits: usize, is_bytes: bool) -> Parsed<()> {
        self.0.at += 1;
        let code = self.0.hex(digits)?;
        if code > 0x10_ffff {
            return self.0.error("a code point beyond Unicode");
        }
        if is_bytes {
            text.push(code as u8)
        } else {
            push_code_point(text, code)
        }
        Ok(())
    }
}
