//! Python's tokens, as far as one can tell from them what a program may do.

/// A token. Comments and white space are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// A name or keyword.
    Name(&'a str),
    /// A character of an operator or a bracket.
    Mark(u8),
    /// A string, or a number.
    Literal,
    /// A formatted string with more than plain expressions in it: braces in braces, operations on views of keys.
    Nested,
    /// The end of a line that is not within brackets.
    LineEnd,
}

/// Brackets in each other that CPython reads. What has more does not compile.
const MOST_DEPTH: usize = 200;

/// The tokens; `None` for text that is not understood: it has no end of a string, letters beyond ASCII outside of strings and
/// comments, too many brackets in each other, or an encoding of its own. Takes time in proportion to the text.
pub fn tokens(source: &str) -> Option<Vec<Token<'_>>> {
    let mut reader = Reader { source, at: 0, depth: 0, found: Vec::with_capacity(source.len() / 4) };
    if source.lines().take(2).any(declares_encoding) {
        return None;
    }
    while reader.at < source.len() {
        reader.next()?;
    }
    Some(reader.found)
}

/// Other encodings may hide names.
fn declares_encoding(line: &str) -> bool {
    let Some((_, behind)) = line.split_once("coding") else { return false };
    let name = behind.trim_start_matches([':', '=']).trim_start();
    let name = name.split(|letter: char| !(letter.is_ascii_alphanumeric() || "-_.".contains(letter))).next();
    line.trim_start().starts_with('#')
        && !matches!(
            name.map(str::to_ascii_lowercase).as_deref(),
            Some("utf-8" | "utf8" | "utf_8" | "ascii" | "")
        )
}

struct Reader<'a> {
    source: &'a str,
    at: usize,
    /// Brackets open.
    depth: usize,
    found: Vec<Token<'a>>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.source.as_bytes()[self.at..]
    }

    fn next(&mut self) -> Option<()> {
        match self.rest()[0] {
            b'#' => {
                self.at += self.rest().iter().position(|byte| *byte == b'\n').unwrap_or(self.rest().len())
            }
            b'"' | b'\'' => self.string(b"")?,
            b'\n' => {
                self.at += 1;
                if self.depth == 0 {
                    self.found.push(Token::LineEnd);
                }
            }
            b'\\' if matches!(self.rest().get(1), Some(b'\n' | b'\r')) => self.at += 2,
            b' ' | b'\t' | b'\r' | b'\x0c' => self.at += 1,
            b'0'..=b'9' => self.number(),
            byte if byte.is_ascii_alphabetic() || byte == b'_' => self.name()?,
            byte if byte.is_ascii_graphic() && self.depth <= MOST_DEPTH => self.mark(byte),
            _ => return None,
        }
        Some(())
    }

    fn mark(&mut self, byte: u8) {
        self.at += 1;
        match byte {
            b'(' | b'[' | b'{' => self.depth += 1,
            b')' | b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.found.push(Token::Mark(byte));
    }

    /// What follows a digit: no name begins in it.
    fn number(&mut self) {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
        self.at += self.rest().iter().take_while(|byte| is_part(byte)).count();
        self.found.push(Token::Literal);
    }

    fn name(&mut self) -> Option<()> {
        let rest = self.rest();
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let name = &self.source[self.at..self.at + length];
        match rest.get(length) {
            Some(b'"' | b'\'') if length <= 2 && name.bytes().all(|byte| b"rRbBuUfF".contains(&byte)) => {
                self.at += length;
                self.string(name.as_bytes())
            }
            // A letter beyond ASCII, which may stand for one of ASCII.
            Some(128..) => None,
            _ => {
                self.at += length;
                self.found.push(Token::Name(name));
                Some(())
            }
        }
    }

    /// From its first quote.
    fn string(&mut self, prefix: &[u8]) -> Option<()> {
        let rest = self.rest();
        let quote = rest[0];
        let is_long = rest.starts_with(&[quote; 3]);
        let begin = if is_long { 3 } else { 1 };
        let mut end = begin;
        loop {
            match *rest.get(end)? {
                // Also in raw strings it keeps a quote from ending them.
                b'\\' => end += 2,
                b'\n' if !is_long => return None,
                byte if byte == quote && (!is_long || rest[end..].starts_with(&[quote; 3])) => break,
                _ => end += 1,
            }
        }
        let is_formatted = prefix.iter().any(|byte| byte.eq_ignore_ascii_case(&b'f'));
        if is_formatted {
            self.formatted(&self.source[self.at + begin..self.at + end]);
        } else {
            self.found.push(Token::Literal);
        }
        self.at += end + begin;
        Some(())
    }

    /// A formatted string's names, wherever they stand in it.
    fn formatted(&mut self, content: &'a str) {
        let mut depth = 0_i32;
        let mut deepest = 0;
        for byte in content.replace("{{", "").bytes() {
            match byte {
                b'{' => depth += 1,
                b'}' => depth = (depth - 1).max(0),
                _ => {}
            }
            deepest = deepest.max(depth);
        }
        let operates = ["keys", "items"].iter().any(|name| content.contains(name))
            && content.contains(['&', '|', '^', '-']);
        if deepest > 1 || operates || !content.is_ascii() {
            self.found.push(Token::Nested);
        }
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let names = content.split(|letter| !is_part(letter)).filter(|part| !part.is_empty());
        self.found.extend(names.map(Token::Name));
        self.found.push(Token::Literal);
    }
}
