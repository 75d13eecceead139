//! A solution's source files, and what can be told of them by looking.

/// The source files of a solution. At least one; `entry` names one of them.
#[derive(Debug, Clone)]
pub struct Solution {
    pub files: Vec<SourceFile>,
    /// Index into `files` of the file that is run.
    pub entry: usize,
}

/// One source file: a relative path without `..` and its bytes.
#[derive(Debug, Clone)]
pub struct SourceFile {
    pub path: String,
    pub content: Vec<u8>,
}

impl Solution {
    /// A solution of one file.
    pub fn single(path: &str, content: impl Into<Vec<u8>>) -> Solution {
        Solution { files: vec![SourceFile { path: path.to_owned(), content: content.into() }], entry: 0 }
    }

    /// Whether the source uses random numbers or the clock. Only words are looked at. A word in a comment counts, which
    /// costs further runs; a use that is hidden is not found.
    pub fn may_be_random(&self) -> bool {
        self.files.iter().any(|file| words_with_rest(&file.content).any(|(word, rest)| is_random(word, rest)))
    }

    /// Whether a Python source makes a set, whose order depends on hashes, or asks for a hash. Only words and braces
    /// are looked at, as in [`Solution::may_be_random`].
    pub fn may_show_hashes(&self) -> bool {
        self.files.iter().any(|file| may_show_hashes(&file.content))
    }
}

/// Whether a Python source makes a set, or asks for a hash, by its words and braces.
fn may_show_hashes(source: &[u8]) -> bool {
    const WORDS: [&[u8]; 3] = [b"set", b"frozenset", b"hash"];
    // Views of dictionaries make sets by operators.
    let combines = |rest: &[u8]| matches!(rest.trim_ascii_start().first(), Some(b'&' | b'|' | b'^' | b'-'));
    let is_shown = |(word, rest): (&[u8], &[u8])| match word {
        b"keys" | b"items" => rest.strip_prefix(b"()").is_some_and(combines),
        word => WORDS.contains(&word),
    };
    let mut looked_at = 0;
    let mut braces = source.iter().enumerate().filter(|(_, byte)| **byte == b'{');
    words_with_rest(source).any(is_shown) || braces.any(|(at, _)| is_set_display(source, at, &mut looked_at))
}

/// Longest display in braces that is examined, bytes; a longer one counts as a set.
const LONGEST_DISPLAY: usize = 2_000;

/// Most bytes of displays that are examined in one source; a source with more counts as one that makes a set.
const MOST_LOOKED_AT: usize = 1 << 20;

/// Whether the brace at `at` opens a set: it stands where an expression does, and there is no colon at its own depth,
/// as a dict would have.
fn is_set_display(source: &[u8], at: usize, looked_at: &mut usize) -> bool {
    const MARKS: &[u8] = b"=(,[{:|&^-*";
    let before = source[..at].trim_ascii_end();
    let follows_word = [b"in".as_slice(), b"return", b"yield", b"and", b"or", b"not", b"if", b"else"]
        .iter()
        .any(|word| before.ends_with(word));
    if !follows_word && !before.last().is_some_and(|mark| MARKS.contains(mark)) {
        return false;
    }
    // The quote that opened the string literal around the current byte.
    let mut quotes = None;
    let mut depth = 0;
    let mut is_empty = true;
    for byte in source[at + 1..].iter().take(LONGEST_DISPLAY) {
        *looked_at += 1;
        match byte {
            _ if *looked_at > MOST_LOOKED_AT => return true,
            b'\n' => quotes = None,
            byte if quotes == Some(*byte) => quotes = None,
            _ if quotes.is_some() => {}
            b'\'' | b'"' => quotes = Some(*byte),
            b'(' | b'[' | b'{' => depth += 1,
            b'}' if depth == 0 => return !is_empty,
            b')' | b']' | b'}' => depth -= 1,
            b':' if depth == 0 => return false,
            _ => {}
        }
        is_empty &= byte.is_ascii_whitespace();
    }
    source.len() - at > LONGEST_DISPLAY
}

/// Python functions that give random numbers, or the time, which may serve as a seed. `choice` and `sample` are left
/// out: they are common names of variables.
const RANDOM_FUNCTIONS: [&[u8]; 15] = [
    b"randint",
    b"randrange",
    b"shuffle",
    b"getrandbits",
    b"urandom",
    b"getrandom",
    b"uuid1",
    b"uuid4",
    b"time_ns",
    b"perf_counter",
    b"perf_counter_ns",
    b"monotonic",
    b"process_time",
    b"now",
    b"utcnow",
];

/// Modules of such functions. One in five answers imports `random` in a list of modules and never uses it, so a name
/// counts only together with what follows it.
const RANDOM_MODULES: [&[u8]; 3] = [b"random", b"secrets", b"uuid"];

fn is_random(word: &[u8], rest: &[u8]) -> bool {
    // What follows must be on the line of the word.
    let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let rest = &rest[blanks..];
    let goes_on = |with: &[&[u8]]| with.iter().any(|text| rest.starts_with(text));
    match word {
        b"time" => goes_on(&[b".time(", b".clock("]),
        module if RANDOM_MODULES.contains(&module) => goes_on(&[b".", b"(", b"as ", b"import ", b"'", b"\""]),
        function => RANDOM_FUNCTIONS.contains(&function),
    }
}

/// The words of a text, each with the text after it.
fn words_with_rest(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let is_word_byte = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.iter().position(is_word_byte)?;
        let end =
            rest[start..].iter().position(|byte| !is_word_byte(byte)).map_or(rest.len(), |len| start + len);
        let word = &rest[start..end];
        rest = &rest[end..];
        Some((word, rest))
    })
}
