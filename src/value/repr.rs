//! Values and bytes as a person reads them: as Python prints them, bounded, nothing that a
//! terminal would obey.

use std::fmt::Write;

use super::Value;

/// The value as Python's `repr` prints it, cut with `...` after about `max_bytes` bytes.
/// Characters that a terminal might obey are escaped, so the text is safe to show.
pub fn repr(value: &Value, max_bytes: usize) -> String {
    let mut out = Bounded { text: String::new(), max_bytes };
    out.value(value);
    if out.is_full() {
        let mut end = out.text.floor_char_boundary(max_bytes);
        // Not inside an escape such as \x1b: a cut escape reads as something else.
        if let Some(escape) = out.text[..end].rfind('\\').filter(|at| end - at < 10) {
            end = escape;
        }
        out.text.truncate(end);
        out.text.push_str("...");
    }
    out.text
}

/// Bytes on one line: printable text as it is, the rest escaped, cut with `...` after about
/// `max_bytes` bytes.
pub fn escape_bytes(bytes: &[u8], max_bytes: usize) -> String {
    let mut out = Bounded { text: String::new(), max_bytes };
    let shown = &bytes[..bytes.len().min(max_bytes)];
    for chunk in shown.utf8_chunks() {
        chunk.valid().chars().for_each(|character| out.character(character));
        // A character that the cut itself went through is no invalid byte.
        let is_cut = shown.len() < bytes.len() && std::ptr::eq(end_of(chunk.invalid()), end_of(shown));
        if !is_cut {
            chunk.invalid().iter().for_each(|byte| out.hex(*byte));
        }
    }
    if shown.len() < bytes.len() {
        out.text.push_str("...");
    }
    out.text
}

fn end_of(bytes: &[u8]) -> *const u8 {
    bytes.as_ptr_range().end
}

struct Bounded {
    text: String,
    max_bytes: usize,
}

impl Bounded {
    fn is_full(&self) -> bool {
        self.text.len() > self.max_bytes
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn hex(&mut self, byte: u8) {
        write!(self.text, "\\x{byte:02x}").expect("a String takes all text");
    }

    fn value(&mut self, value: &Value) {
        match value {
            _ if self.is_full() => {}
            Value::None => self.push("None"),
            Value::Bool(true) => self.push("True"),
            Value::Bool(false) => self.push("False"),
            Value::Int(int) => self.push(&int.to_string()),
            // Decimal digits cost quadratic time, and a reader wants none of them.
            Value::BigInt(int) if int.bits() > 4_096 => {
                let digits = int.bits() as f64 * std::f64::consts::LOG10_2;
                self.push(&format!("<int of about {digits:.0} digits>"));
            }
            Value::BigInt(int) => self.push(&int.to_string()),
            Value::Float(float) => self.push(&float_repr(*float)),
            Value::Complex(real, imaginary) => {
                let [real, imaginary] = [real, imaginary].map(|part| float_repr(*part));
                let [shown_real, shown_imaginary] =
                    [&real, &imaginary].map(|part| part.strip_suffix(".0").unwrap_or(part));
                let sign = if imaginary.starts_with('-') { "" } else { "+" };
                self.push(&match real.as_str() {
                    "0.0" => format!("{shown_imaginary}j"),
                    _ => format!("({shown_real}{sign}{shown_imaginary}j)"),
                });
            }
            Value::Str(text) => self.string(text),
            Value::Bytes(bytes) => self.bytes(bytes),
            Value::List(items) => self.items("[", items, "]"),
            Value::Tuple(items) if items.len() == 1 => self.items("(", items, ",)"),
            Value::Tuple(items) => self.items("(", items, ")"),
            Value::Set(items) if items.is_empty() => self.push("set()"),
            Value::Set(items) => self.items("{", items, "}"),
            Value::FrozenSet(items) if items.is_empty() => self.push("frozenset()"),
            Value::FrozenSet(items) => self.items("frozenset({", items, "})"),
            Value::Dict(pairs) => self.dict(pairs),
            Value::Typed(typed) => self.push(&typed.repr()),
            Value::Made { constructor: "range", plain } => self.value(plain),
            Value::Made { constructor, plain } => {
                self.push(match *constructor {
                    // By names that take the items.
                    "ListNode" => "list_node",
                    "TreeNode" => "tree_node",
                    other => other,
                });
                self.push("(");
                self.value(plain);
                self.push(")");
            }
        }
    }

    fn items(&mut self, open: &str, items: &[Value], close: &str) {
        self.push(open);
        for (index, item) in items.iter().enumerate() {
            if self.is_full() {
                return;
            }
            if index > 0 {
                self.push(", ");
            }
            self.value(item);
        }
        self.push(close);
    }

    fn dict(&mut self, pairs: &[(Value, Value)]) {
        self.push("{");
        for (index, (key, value)) in pairs.iter().enumerate() {
            if self.is_full() {
                return;
            }
            if index > 0 {
                self.push(", ");
            }
            self.value(key);
            self.push(": ");
            self.value(value);
        }
        self.push("}");
    }

    fn string(&mut self, text: &[u8]) {
        let quote = quote_for(text);
        self.text.push(quote);
        let mut rest = &text[..text.len().min(self.max_bytes + 4)];
        while !rest.is_empty() && !self.is_full() {
            let Some(chunk) = rest.utf8_chunks().next() else { break };
            for character in chunk.valid().chars() {
                if character == quote {
                    self.text.push('\\');
                }
                self.character(character);
            }
            rest = &rest[chunk.valid().len()..];
            match rest {
                [0xed, second @ 0xa0..=0xbf, third, tail @ ..] => {
                    let unit = 0xd000 | u32::from(second & 0x3f) << 6 | u32::from(third & 0x3f);
                    write!(self.text, "\\u{unit:04x}").expect("a String takes all text");
                    rest = tail;
                }
                [byte, tail @ ..] => {
                    self.hex(*byte);
                    rest = tail;
                }
                [] => {}
            }
        }
        self.text.push(quote);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let quote = quote_for(bytes);
        self.text.push('b');
        self.text.push(quote);
        for &byte in &bytes[..bytes.len().min(self.max_bytes)] {
            match byte {
                b' '..=b'~' if byte != b'\\' && char::from(byte) != quote => self.text.push(char::from(byte)),
                b'\\' | b'\n' | b'\r' | b'\t' | b'\'' | b'"' => self.ascii_escape(byte),
                _ => self.hex(byte),
            }
        }
        self.text.push(quote);
    }

    fn ascii_escape(&mut self, byte: u8) {
        self.text.push('\\');
        self.text.push(match byte {
            b'\n' => 'n',
            b'\r' => 'r',
            b'\t' => 't',
            other => char::from(other),
        });
    }

    fn character(&mut self, character: char) {
        match character {
            '\\' | '\n' | '\r' | '\t' => self.ascii_escape(character as u8),
            _ if is_printable(character) => self.text.push(character),
            '\0'..='\u{ff}' => self.hex(character as u8),
            '\u{100}'..='\u{ffff}' => write!(self.text, "\\u{:04x}", character as u32).expect("a String"),
            _ => write!(self.text, "\\U{:08x}", character as u32).expect("a String takes all text"),
        }
    }
}

fn quote_for(text: &[u8]) -> char {
    if text.contains(&b'\'') && !text.contains(&b'"') { '"' } else { '\'' }
}

/// Whether Python would print the character as it is: no control, no direction mark, no space
/// but the ASCII one.
fn is_printable(character: char) -> bool {
    let is_invisible = matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}'
        | '\u{e0000}'..='\u{10ffff}');
    character == ' ' || !(character.is_control() || character.is_whitespace() || is_invisible)
}

/// The shortest text that reads back as the same float, in Python's notation.
fn float_repr(float: f64) -> String {
    if float.is_nan() {
        return "nan".to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{float:e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("`{:e}` writes an exponent");
    let exponent: i32 = exponent.parse().expect("`{:e}` writes a whole exponent");
    if (-4..16).contains(&exponent) {
        return format!("{float:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_python_does() {
        let check = |value: Value, text: &str| assert_eq!(repr(&value, 200), text);
        check(Value::Float(1e16), "1e+16");
        check(Value::Float(1e15), "1000000000000000.0");
        check(Value::Float(0.0001), "0.0001");
        check(Value::Float(1.5e-5), "1.5e-05");
        check(Value::Float(-0.0), "-0.0");
        check(Value::Float(f64::NEG_INFINITY), "-inf");
        check(Value::str("it's"), "\"it's\"");
        check(Value::str("it's \"x\""), "'it\\'s \"x\"'");
        check(Value::str("a\n\x1b[2J\u{202e}é"), "'a\\n\\x1b[2J\\u202eé'");
        check(Value::Str(b"\xed\xa0\xbd".to_vec()), "'\\ud83d'");
        check(Value::Bytes(b"\x00a'\xff".to_vec()), "b\"\\x00a'\\xff\"");
        check(Value::Tuple(vec![Value::Int(1)]), "(1,)");
        check(Value::Set(vec![]), "set()");
        check(Value::Complex(1.0, -2.0), "(1-2j)");
        check(Value::Dict(vec![(Value::Int(1), Value::List(vec![Value::None]))]), "{1: [None]}");
    }

    #[test]
    fn is_bounded() {
        let long = repr(&Value::List(vec![Value::Int(7); 1_000_000]), 50);
        assert!(long.len() < 60 && long.ends_with("..."), "{long}");
        let long = repr(&Value::Str(vec![0x1b; 1_000]), 50);
        assert!(long.len() < 60 && long.ends_with("\\x1b..."), "{long}");
        assert_eq!(escape_bytes("aé\u{1b}\r\n\0".as_bytes(), 99), "aé\\x1b\\r\\n\\x00");
        assert_eq!(escape_bytes(b"\xff\xfeabc", 4), "\\xff\\xfeab...");
        assert_eq!(escape_bytes("aé".as_bytes(), 2), "a...");
    }
}
