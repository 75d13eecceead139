//! The chains of attempts that the judges of APPS, TACO and OpenThoughts make on what was printed, one after the
//! other as they make them, in plain collections. A diagnosis of those judges: nothing here is what ought to be
//! done, and nothing is made fast.

use std::{collections::HashMap, hash::Hash};

use crate::judge::{
    numbers::{is_close, python_float, rounded},
    text::{PythonBlanks, Words, line_feeds, strip},
};

/// The chain of TACO and OpenThoughts. What was printed is a text there, not a list of lines: where the judge goes
/// through its lines it meets characters, and where it goes through their words the characters of words.
pub fn chain_on_text(printed: &[u8], expected: &[u8]) -> bool {
    if strip(printed) == strip(expected) {
        return true;
    }
    let (Ok(printed), Ok(expected)) = (std::str::from_utf8(printed), std::str::from_utf8(expected)) else {
        return false;
    };
    let lines = || expected_lines(expected.as_bytes());
    let characters = || printed.char_indices().map(|(at, one)| &printed.as_bytes()[at..at + one.len_utf8()]);
    let characters_of_words = || {
        words(printed.as_bytes()).map(|word| {
            let word = std::str::from_utf8(word).unwrap_or_default();
            word.char_indices().map(|(at, one)| &word.as_bytes()[at..at + one.len_utf8()])
        })
    };
    are_close(characters(), lines())
        || are_same_sets(characters_of_words(), lines().map(words), Some)
        || are_same_sets(characters_of_words(), lines().map(words), rounded_number)
}

/// The chain of APPS, which has what was printed as a list of lines.
pub fn chain_on_lines(printed: &[u8], expected: &[u8]) -> bool {
    let printed = line_feeds(printed);
    let wanted: Vec<&[u8]> = expected_lines(expected).collect();
    let lines: Vec<&[u8]> = match &printed[..] {
        [] => Vec::new(),
        text => text.strip_suffix(b"\n").unwrap_or(text).split(|byte| *byte == b'\n').collect(),
    };
    let stripped: Vec<&[u8]> = lines.iter().copied().map(strip).collect();
    let filled: Vec<&[u8]> = lines.iter().copied().filter(|line| !line.is_empty()).collect();
    let words_of_lines =
        || filled.iter().map(|line| words(line)).filter(|line| line.clone().next().is_some());
    strip(&printed) == strip(expected)
        || strip(&stripped.join(&b'\n')) == strip(expected)
        || lines == wanted
        || filled == wanted
        || are_close(filled.iter().copied(), wanted.iter().copied())
        || are_same_sets(words_of_lines(), wanted.iter().copied().map(words), Some)
        || are_same_sets(words_of_lines(), wanted.iter().copied().map(words), rounded_number)
}

/// Lines that are not empty, without blanks at their ends.
fn expected_lines(expected: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    expected.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(strip)
}

fn words(text: &[u8]) -> Words<'_, PythonBlanks> {
    Words::new(text)
}

/// As many numbers on both sides, each close to the other.
fn are_close<'a>(
    mut printed: impl Iterator<Item = &'a [u8]>,
    mut expected: impl Iterator<Item = &'a [u8]>,
) -> bool {
    loop {
        match (printed.next(), expected.next()) {
            (None, None) => return true,
            (Some(left), Some(right)) => match (python_float(strip(left)), python_float(strip(right))) {
                (Some(left), Some(right)) if is_close(left, right) => {}
                _ => return false,
            },
            _ => return false,
        }
    }
}

/// A number rounded to three places, by its bits: those of different numbers differ, and `nan` is itself.
fn rounded_number(word: &[u8]) -> Option<u64> {
    let rounded = rounded(python_float(word)?);
    Some(if rounded == 0.0 { 0 } else { rounded.to_bits() })
}

/// Whether the set of every line's set of items is the same on both sides; `false` if there is a part that makes no
/// item. Only what is expected is kept, so that memory does not grow with what was printed.
fn are_same_sets<'a, T: Ord + Hash>(
    printed: impl Iterator<Item = impl Iterator<Item = &'a [u8]>>,
    expected: impl Iterator<Item = impl Iterator<Item = &'a [u8]>>,
    item: impl Fn(&'a [u8]) -> Option<T>,
) -> bool {
    let set = |parts: &mut dyn Iterator<Item = &'a [u8]>| {
        let mut items = parts.map(&item).collect::<Option<Vec<T>>>()?;
        items.sort_unstable();
        items.dedup();
        Some(items)
    };
    let expected =
        expected.map(|mut parts| Some((set(&mut parts)?, false))).collect::<Option<HashMap<_, _>>>();
    let Some(mut expected) = expected else { return false };
    for mut parts in printed {
        let Some(is_met) = set(&mut parts).and_then(|set| expected.get_mut(&set)) else { return false };
        *is_met = true;
    }
    expected.into_values().all(|is_met| is_met)
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

    #[test]
    fn what_is_not_utf_8_is_compared_whole() {
        assert!(chain_on_text(b"\xff\n", b"\xff") && !chain_on_text(b"\xff\n", b"\xfe"));
        assert!(chain_on_lines(b"a \xff\n", b"\xff a") && !chain_on_lines(b"\xff\n", b"\xfe"));
    }

    #[test]
    fn every_set_must_be_met_and_no_other() {
        let lines = |numbers: &[usize]| -> Vec<u8> {
            numbers.iter().flat_map(|number| format!("w{number} x\n").into_bytes()).collect()
        };
        let numbers: Vec<usize> = (0..5_000).collect();
        let reversed: Vec<usize> = numbers.iter().rev().copied().collect();
        assert!(chain_on_lines(&lines(&reversed), &lines(&numbers)));
        assert!(!chain_on_lines(&lines(&reversed[1..]), &lines(&numbers)));
        assert!(!chain_on_lines(&lines(&reversed), &lines(&numbers[1..])));
    }
}
