//! The chains of attempts that the released judges of APPS, TACO and OpenThoughts make on what a program printed. The
//! tests' model has them attempt by attempt, as the judges do; here what cannot succeed where another attempt failed is
//! left out.

use std::ops::Range;

use super::{
    field::Secret,
    floats::{is_close, python_float, rounded},
    sets::{Key, Set, Sets, Table},
    white_space::{LineWords, Placed, PythonBlanks, Words, is_ascii_blank, line_feeds, strip},
};

/// The chain of TACO and OpenThoughts. What was printed is a text there, not a list of lines, so that of the attempts
/// only these can ever succeed: equality without blanks at both ends; the characters of the text, each as a number,
/// beside the expected lines; the set of every token's set of characters beside the set of every line's set of
/// tokens, where those of single characters are such sets, too; the same with numbers rounded to three
/// places, where those of characters are digits.
pub fn chain_on_text(printed: &[u8], expected: &[u8]) -> bool {
    strip(printed) == strip(expected)
        || digits_are_lines(printed, expected)
        || match sets_of_characters(printed, expected) {
            Some(is_same) => is_same,
            // Where every token is a single character, those that are numbers are digits already.
            None => sets_of_digits(printed, expected),
        }
}

/// Whether what was printed is digits, and as many as there are lines, each close to the number on its line.
fn digits_are_lines(printed: &[u8], expected: &[u8]) -> bool {
    let mut digits = printed.iter();
    let mut lines = expected.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    loop {
        match (digits.next(), lines.next()) {
            (None, None) => return true,
            (Some(digit @ b'0'..=b'9'), Some(line)) => match python_float(strip(line)) {
                Some(number) if is_close(f64::from(digit - b'0'), number) => {}
                _ => return false,
            },
            _ => return false,
        }
    }
}

/// Whether the tokens' sets of characters are the lines' sets of tokens; `None` if a token there has several
/// characters.
fn sets_of_characters(printed: &[u8], expected: &[u8]) -> Option<bool> {
    if printed.is_ascii() && expected.is_ascii() {
        return sets_of_ascii(printed, expected);
    }
    let mut lines = LineWords::new(expected);
    let (mut sets, mut set) = (Sets::with_room_for(count_lines(expected), secrets()), Set::new());
    for Placed { range, begins_line } in lines.by_ref() {
        if begins_line && !set.is_empty() {
            set.finish();
            sets.insert(&set);
            set.clear();
        }
        let mut characters = characters(&expected[range]);
        characters.next().into_iter().for_each(|character| set.insert(character));
        if characters.next().is_some() {
            return None;
        }
    }
    set.finish();
    if !set.is_empty() {
        sets.insert(&set);
    }
    // A blank line is an empty set, and no token is.
    let is_same = !lines.has_blank_line
        && Words::<PythonBlanks>::new(printed).all(|token| {
            set.clear();
            characters(token).for_each(|character| set.insert(character));
            set.finish();
            sets.meet(&set)
        })
        && sets.all_met();
    Some(is_same)
}

fn count_lines(text: &[u8]) -> usize {
    1 + text.iter().filter(|byte| **byte == b'\n').count()
}

/// Known to nobody.
fn secrets() -> [Secret; 2] {
    [Secret::new(), Secret::new()]
}

/// Each character as a key.
fn characters(token: &[u8]) -> impl Iterator<Item = Key> {
    let text = std::str::from_utf8(token).unwrap_or_default();
    text.chars().map(|character| Key::Short(u64::from(u32::from(character)) + 1))
}

/// The same where all characters are of ASCII: a set is 128 bits.
fn sets_of_ascii(printed: &[u8], expected: &[u8]) -> Option<bool> {
    let mut lines = LineWords::new(expected);
    let (mut sets, mut set) = (Table::with_room_for(count_lines(expected)), 0);
    for Placed { range, begins_line } in lines.by_ref() {
        if begins_line && set != 0 {
            sets.insert(set);
            set = 0;
        }
        let [byte] = expected[range] else { return None };
        set |= bit(byte);
    }
    if set != 0 {
        sets.insert(set);
    }
    let is_same = !lines.has_blank_line
        && Words::<PythonBlanks>::new(printed)
            .all(|token| sets.meet(token.iter().fold(0, |set, byte| set | bit(*byte))))
        && sets.all_met();
    Some(is_same)
}

/// The set of one character of ASCII. Looked up: faster than to shift by up to 127.
#[inline]
fn bit(byte: u8) -> u128 {
    const BITS: [u128; 128] = {
        let mut bits = [0; 128];
        let mut at = 0;
        while at < 128 {
            bits[at] = 1 << at;
            at += 1;
        }
        bits
    };
    BITS[usize::from(byte & 0x7f)]
}

/// Whether the tokens' sets of digits are the lines' sets of numbers rounded to three places.
fn sets_of_digits(printed: &[u8], expected: &[u8]) -> bool {
    // Sets of ten digits, by number.
    let (mut of_tokens, mut of_lines) = ([false; 1 << 10], [false; 1 << 10]);
    for token in Words::<PythonBlanks>::new(printed) {
        let set = token
            .iter()
            .try_fold(0, |set, byte| byte.is_ascii_digit().then(|| set | 1_usize << (byte - b'0')));
        let Some(set) = set else { return false };
        of_tokens[set] = true;
    }
    let mut lines = LineWords::new(expected);
    let mut set = 0;
    for Placed { range, begins_line } in lines.by_ref() {
        if begins_line && set != 0 {
            of_lines[set] = true;
            set = 0;
        }
        let Some(digit) = rounded_digit(&expected[range]) else { return false };
        set |= 1 << digit;
    }
    of_lines[set] |= set != 0;
    !lines.has_blank_line && of_tokens == of_lines
}

/// The digit that a token is as a number rounded to three places.
fn rounded_digit(token: &[u8]) -> Option<usize> {
    let number = rounded(python_float(token)?);
    (0..10).find(|digit| *digit as f64 == number)
}

/// The chain of APPS, which has what was printed as a list of lines: equality without blanks at both ends, or at both
/// ends of each line, too; the same lists of lines, empty ones left out or not; one number on each line, each
/// close to the other; the set of every line's set of words; and the same with numbers, rounded to three places.
pub fn chain_on_lines(printed: &[u8], expected: &[u8]) -> bool {
    let printed = line_feeds(printed);
    let mut read = NumbersRead::default();
    if strip(&printed) == strip(expected) || one_number_each(&printed, expected, &mut read) {
        return true;
    }
    // Where no expected line is of blanks, equal lists of lines have equal sets, and so have lines that are equal
    // without blanks. Such a line would be an empty set, which what was printed never has.
    match sets_of_numbers(&printed, expected, &read) {
        // Numbers' words are the same only if they are.
        Sameness::Same => true,
        Sameness::Different => false,
        Sameness::BlankLine => lists_are_the_same(&printed, expected),
        Sameness::NoKey => match sets_of_words(&printed, expected) {
            Sameness::Same => true,
            Sameness::Different | Sameness::NoKey => false,
            Sameness::BlankLine => lists_are_the_same(&printed, expected),
        },
    }
}

/// Both sides' first words as numbers.
#[derive(Debug, Default)]
struct NumbersRead {
    printed: Vec<f64>,
    expected: Vec<f64>,
}

/// Whether each line is one number, without lines of blanks, and each is close to that on the other side.
fn one_number_each(printed: &[u8], expected: &[u8], read: &mut NumbersRead) -> bool {
    let (mut left, mut right) = (LineWords::new(printed), LineWords::new(expected));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return !left.has_blank_line && !right.has_blank_line,
            (Some(one), Some(other)) if one.begins_line && other.begins_line => {
                let number = python_float(&printed[one.range]);
                let wanted = python_float(&expected[other.range]);
                let (Some(number), Some(wanted)) = (number, wanted) else { return false };
                read.printed.push(number);
                read.expected.push(wanted);
                if !is_close(number, wanted) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// With an expected line of blanks: whether the lines are the same without blanks at their ends, or, without empty ones
/// there and blanks at their ends there, the same list.
fn lists_are_the_same(printed: &[u8], expected: &[u8]) -> bool {
    let lines = || printed.strip_suffix(b"\n").unwrap_or(printed).split(|byte| *byte == b'\n');
    let expected_lines = || expected.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(strip);
    let stripped: Vec<&[u8]> = lines().map(strip).collect();
    strip(&stripped.join(&b'\n')) == strip(expected)
        || (printed.is_empty() && expected_lines().next().is_none())
        || (!printed.is_empty() && lines().eq(expected_lines()))
}

/// How two sets of sets compare.
enum Sameness {
    Same,
    Different,
    /// An expected word has no key.
    NoKey,
    /// An expected line is of blanks.
    BlankLine,
}

/// The lines' sets of numbers, rounded to three places.
fn sets_of_numbers(printed: &[u8], expected: &[u8], read: &NumbersRead) -> Sameness {
    // What is no number mostly shows in the first word or in the last.
    if last_word(expected).is_some_and(|word| python_float(word).is_none()) {
        return Sameness::NoKey;
    }
    let (mut printed_read, mut expected_read) = (read.printed.iter(), read.expected.iter());
    same_sets(
        expected,
        |range| number_key(expected_read.next(), &expected[range]),
        printed,
        |range| number_key(printed_read.next(), &printed[range]),
        secrets(),
    )
}

/// A number's key, rounded to three places, and read by now or not.
#[inline]
fn number_key(read: Option<&f64>, word: &[u8]) -> Option<Key> {
    const MOST_DIGITS: usize = 12;
    if read.is_none() && word.len() <= MOST_DIGITS && word.iter().all(u8::is_ascii_digit) {
        let whole = word.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
        return Some(Key::Short(whole + 1));
    }
    let rounded = rounded(read.copied().or_else(|| python_float(word))?);
    // Whole numbers are themselves; the bits of all others make larger numbers, of which none has all bits set.
    let whole = rounded as u64;
    let is_small = whole < 10_u64.pow(MOST_DIGITS as u32) && whole as f64 == rounded;
    Some(Key::Short(if is_small { whole + 1 } else { rounded.to_bits() + 1 }))
}

/// The last word, if it is short and there is a plain blank before it.
fn last_word(text: &[u8]) -> Option<&[u8]> {
    let text = strip(text);
    let end = &text[text.len().saturating_sub(64)..];
    let blank = end.iter().rposition(|byte| is_ascii_blank(*byte))?;
    Words::<PythonBlanks>::new(&end[blank..]).last()
}

/// The lines' sets of words.
fn sets_of_words(printed: &[u8], expected: &[u8]) -> Sameness {
    let secrets = secrets();
    same_sets(
        expected,
        |range| Some(word_key(expected, range, &secrets)),
        printed,
        |range| Some(word_key(printed, range, &secrets)),
        secrets,
    )
}

/// A short word and its length; one of one byte by that alone.
#[inline]
fn word_key(text: &[u8], range: Range<usize>, secrets: &[Secret; 2]) -> Key {
    let length = range.len();
    if length == 1 {
        return Key::Short(u64::from(text[range.start]) + 1);
    }
    if length > 7 {
        return Key::long(&text[range], secrets);
    }
    let bytes = match text[range.start..].first_chunk::<8>() {
        Some(eight) => u64::from_le_bytes(*eight) & ((1 << (8 * length)) - 1),
        None => text[range].iter().rev().fold(0, |bytes, byte| bytes << 8 | u64::from(*byte)),
    };
    Key::Short((length as u64) << 56 | bytes)
}

/// Compares the sets of the lines' sets of words by their keys.
fn same_sets(
    expected: &[u8],
    expected_key: impl FnMut(Range<usize>) -> Option<Key>,
    printed: &[u8],
    printed_key: impl FnMut(Range<usize>) -> Option<Key>,
    secrets: [Secret; 2],
) -> Sameness {
    let (mut sets, mut set) = (Sets::with_room_for(count_lines(expected), secrets), Set::new());
    let mut lines = LineWords::new(expected);
    let insert = |set: &Set| {
        sets.insert(set);
        true
    };
    if !each_line(&mut lines, expected_key, &mut set, insert) {
        return Sameness::NoKey;
    }
    if lines.has_blank_line {
        return Sameness::BlankLine;
    }
    let mut lines = LineWords::new(printed);
    match each_line(&mut lines, printed_key, &mut set, |set| sets.meet(set)) && sets.all_met() {
        true => Sameness::Same,
        false => Sameness::Different,
    }
}

/// Takes the set of the keys of each line's words, until there is none or `take` will have no more: `false`.
fn each_line(
    lines: &mut LineWords<'_>,
    mut key: impl FnMut(Range<usize>) -> Option<Key>,
    set: &mut Set,
    mut take: impl FnMut(&Set) -> bool,
) -> bool {
    set.clear();
    for Placed { range, begins_line } in lines {
        if begins_line && !set.is_empty() {
            set.finish();
            if !take(set) {
                return false;
            }
            set.clear();
        }
        match key(range) {
            Some(key) => set.insert(key),
            None => return false,
        }
    }
    set.finish();
    set.is_empty() || take(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cases that the released code was run on.
    #[test]
    fn text_chain_has_the_faults_that_were_seen() {
        for (printed, expected, passes) in [
            ("1 2\n", "1 2", true),
            ("12\n", "1 2", true),
            ("21\n", "1 2", true),
            ("3 3 2 1\n", "1\n2\n3", true),
            ("0.3333333333333333\n", "0.3333333", false),
            ("1 2\n3 4\n", "1 2 \n3 4 \n", false),
            ("Yes\n", "YES", false),
            ("13\n", "1 2", false),
            ("12", "1\n2", true),
            ("12\n", "1.0 2.0001", true),
            ("", "", true),
            ("\n", "", true),
        ] {
            assert_eq!(
                chain_on_text(printed.as_bytes(), expected.as_bytes()),
                passes,
                "{printed:?} {expected:?}"
            );
        }
    }

    #[test]
    fn line_chain_compares_sets() {
        for (printed, expected, passes) in [
            ("2 1\n", "1 2\n", true),
            ("b\na\na\n", "a\nb", true),
            ("1.0001 2\n", "2 1", true),
            ("12\n", "1 2\n", false),
            ("1 2\n3 4\n", "1 2 \n3 4 \n", true),
            ("0.33333333\n", "0.333333334", true),
            ("1 2 4\n", "1 2 3\n", false),
        ] {
            assert_eq!(
                chain_on_lines(printed.as_bytes(), expected.as_bytes()),
                passes,
                "{printed:?} {expected:?}"
            );
        }
    }
}
