//! Lines of a JSONL file, read on a thread of its own: bounded in length, and few at a time.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use tokio::sync::mpsc;

/// Lines that are read ahead of their use.
const READ_AHEAD_LINES: usize = 4;

/// One line that is not blank.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// 1-based, blank lines counted.
    pub number: u64,
    /// Without its line end; `None` if it was longer than allowed.
    pub text: Option<Vec<u8>>,
}

/// Opens `path`, or standard input for `-`, and sends its lines until the end, the first error, or
/// the receiver's end.
///
/// # Errors
/// When the file cannot be opened.
pub fn read_lines(path: &Path, max_line_bytes: usize) -> io::Result<mpsc::Receiver<io::Result<Line>>> {
    let (sender, lines) = mpsc::channel(READ_AHEAD_LINES);
    if path == Path::new("-") {
        std::thread::spawn(move || send_lines(io::stdin().lock(), max_line_bytes, &sender));
    } else {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        std::thread::spawn(move || send_lines(BufReader::with_capacity(1 << 18, file), max_line_bytes, &sender));
    }
    Ok(lines)
}

fn send_lines(mut input: impl BufRead, max_line_bytes: usize, sender: &mpsc::Sender<io::Result<Line>>) {
    for number in 1.. {
        let line = match next_line(&mut input, max_line_bytes) {
            Ok(None) => return,
            Ok(Some(NextLine::Text(text))) if text.trim_ascii().is_empty() => continue,
            Ok(Some(NextLine::Text(text))) => Ok(Line { number, text: Some(text) }),
            Ok(Some(NextLine::TooLong)) => Ok(Line { number, text: None }),
            Err(error) => Err(error),
        };
        let is_last = line.is_err();
        if sender.blocking_send(line).is_err() || is_last {
            return;
        }
    }
}

enum NextLine {
    Text(Vec<u8>),
    TooLong,
}

/// The next line; the rest of one that is too long is skipped without being kept.
fn next_line(input: &mut impl BufRead, max_line_bytes: usize) -> io::Result<Option<NextLine>> {
    let mut line = Vec::new();
    let mut too_long = false;
    let mut anything = false;
    loop {
        let chunk = match input.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if chunk.is_empty() {
            break;
        }
        anything = true;
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        too_long |= line.len() + part.len() > max_line_bytes;
        if too_long {
            line = Vec::new();
        } else {
            line.extend_from_slice(part);
        }
        let used = end.map_or(chunk.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            break;
        }
    }
    Ok(match (anything, too_long) {
        (false, _) => None,
        (true, true) => Some(NextLine::TooLong),
        (true, false) => Some(NextLine::Text(line)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8], max_line_bytes: usize) -> Vec<Line> {
        let (sender, mut lines) = mpsc::channel(100);
        // A small buffer, so that lines span several reads.
        send_lines(BufReader::with_capacity(3, text), max_line_bytes, &sender);
        drop(sender);
        std::iter::from_fn(|| lines.blocking_recv()).map(Result::unwrap).collect()
    }

    fn line(number: u64, text: &str) -> Line {
        Line { number, text: Some(text.as_bytes().to_vec()) }
    }

    #[test]
    fn blank_lines_count_and_are_skipped() {
        assert_eq!(lines(b"a\n\n \r\nbcdefgh\nlast", 100), [line(1, "a"), line(4, "bcdefgh"), line(5, "last")]);
        assert_eq!(lines(b"", 100), []);
        assert_eq!(lines(b"a\n", 100), [line(1, "a")]);
    }

    #[test]
    fn a_line_that_is_too_long_does_not_spoil_the_next() {
        let long = Line { number: 2, text: None };
        assert_eq!(lines(b"abcde\nabcdef\nabc", 5), [line(1, "abcde"), long, line(3, "abc")]);
    }
}
