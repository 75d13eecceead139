//! JSON Lines: raw lines, byte for byte, and the fields of a line.

use std::{
    borrow::Cow,
    collections::HashMap,
    fmt,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use serde_json::value::RawValue;

use super::error::DatasetError;
use crate::wire::json_complaint;

pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Longest line that is read, bytes.
pub const MAX_LINE_BYTES: u64 = 1 << 30;

/// Reads a JSONL file line by line. Blank lines are not rows and are passed over.
pub struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    line: Vec<u8>,
    /// 1-based number of the line in `line`.
    number: u64,
    /// Byte offset at which the line in `line` begins.
    begins: u64,
    next_begins: u64,
}

/// A line of a file, for a person.
#[derive(Debug, Clone, Copy, Default)]
pub struct LinePlace {
    /// 1-based.
    number: u64,
    /// Offset of its first byte.
    begins: u64,
}

impl fmt::Display for LinePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} (byte {})", self.number, self.begins)
    }
}

impl Lines {
    pub fn new(path: &Path, file: File) -> Lines {
        Lines {
            path: path.to_owned(),
            reader: BufReader::with_capacity(1 << 20, file),
            line: Vec::new(),
            number: 0,
            begins: 0,
            next_begins: 0,
        }
    }

    /// Moves to the next row and returns its line with its line end, byte for byte.
    pub fn advance(&mut self) -> Result<Option<&[u8]>, DatasetError> {
        loop {
            self.line.clear();
            self.begins = self.next_begins;
            self.number += 1;
            let length = (&mut self.reader)
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', &mut self.line)
                .map_err(|error| DatasetError::io(&self.path, "cannot read", &error))?;
            if length == 0 {
                return Ok(None);
            }
            if length as u64 == MAX_LINE_BYTES {
                return Err(self.error(format!("longer than {MAX_LINE_BYTES} bytes")));
            }
            self.next_begins += length as u64;
            if !self.json().trim_ascii().is_empty() {
                return Ok(Some(&self.line));
            }
        }
    }

    /// The current line with its line end, byte for byte.
    pub fn line(&self) -> &[u8] {
        &self.line
    }

    /// The current line without a byte order mark.
    pub fn json(&self) -> &[u8] {
        match self.number {
            1 => self.line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.line),
            _ => &self.line,
        }
    }

    /// The top-level fields of the current line, each as its own JSON text.
    pub fn fields(&self) -> Result<HashMap<Cow<'_, str>, &RawValue>, DatasetError> {
        let text = std::str::from_utf8(self.json()).map_err(|error| {
            self.error(format!("invalid UTF-8 at byte {} of the line", error.valid_up_to()))
        })?;
        if !text.trim_start().starts_with('{') {
            return Err(self.error("not a JSON object"));
        }
        serde_json::from_str(text)
            .map_err(|error| self.error(format!("not valid JSON: {}", without_line(&error))))
    }

    /// Where the current line stands.
    pub fn place(&self) -> LinePlace {
        LinePlace { number: self.number, begins: self.begins }
    }

    pub fn error(&self, what: impl Into<String>) -> DatasetError {
        DatasetError::at(&self.path, self.place(), what)
    }
}

/// An error without its line number: serde_json was given a single line, so only the column is useful.
fn without_line(error: &serde_json::Error) -> String {
    format!("{} at column {}", json_complaint(error), error.column())
}

/// A field as text.
#[derive(Debug, PartialEq, Eq)]
pub enum FieldText {
    Null,
    Text(String),
    /// A JSON string with a lone surrogate: no Unicode text.
    NotUnicode,
    /// Not a string: the JSON text as it stands.
    Other(String),
}

/// Reads one field's JSON text.
pub fn field_text(raw: &RawValue) -> FieldText {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'"') => serde_json::from_str(text).map_or(FieldText::NotUnicode, FieldText::Text),
        Some(b'n') => FieldText::Null,
        _ => FieldText::Other(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(content: &[u8]) -> (tempfile::NamedTempFile, Lines) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let lines = Lines::new(file.path(), File::open(file.path()).unwrap());
        (file, lines)
    }

    #[test]
    fn lines_come_byte_for_byte_and_blank_ones_are_no_rows() {
        let (_file, mut lines) = lines(b"\xef\xbb\xbf{\"a\": 1}\r\n\n  \n{ \"b\":2 }");
        assert_eq!(lines.advance().unwrap(), Some(&b"\xef\xbb\xbf{\"a\": 1}\r\n"[..]));
        assert_eq!(lines.fields().unwrap()["a"].get(), "1");
        assert_eq!(lines.advance().unwrap(), Some(&b"{ \"b\":2 }"[..]));
        assert!(lines.error("x").to_string().ends_with(": line 4 (byte 17): x"), "{}", lines.error("x"));
        assert_eq!(lines.advance().unwrap(), None);
    }

    #[test]
    fn errors_name_line_and_byte() {
        for (content, expected) in [
            (&b"{}\n{\"a\": \"\xff\"}\n"[..], "line 2 (byte 3): invalid UTF-8 at byte 7 of the line"),
            (b"{}\n[1]\n", "line 2 (byte 3): not a JSON object"),
            (
                b"{}\n{\"a\": 1\n",
                "line 2 (byte 3): not valid JSON: it ends in the middle of an object at column",
            ),
        ] {
            let (_file, mut lines) = lines(content);
            lines.advance().unwrap();
            lines.advance().unwrap();
            let error = lines.fields().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn fields_as_text() {
        let text = |json: &str| field_text(serde_json::from_str::<&RawValue>(json).unwrap());
        assert_eq!(text("null"), FieldText::Null);
        assert_eq!(text(r#""a\nb""#), FieldText::Text("a\nb".to_owned()));
        assert_eq!(text(r#""\ud800""#), FieldText::NotUnicode);
        assert_eq!(text(r#"{"inputs": []}"#), FieldText::Other(r#"{"inputs": []}"#.to_owned()));
    }
}
