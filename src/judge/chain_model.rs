//! The chains of released judges attempt by attempt, as the judges make them, in plain collections; what
//! [`super::chains`] decides on random outputs is what they decide.

use std::collections::BTreeSet;

use super::chains;

fn is_blank(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

fn strip(text: &str) -> &str {
    text.trim_matches(is_blank)
}

fn words(text: &str) -> Vec<&str> {
    text.split(is_blank).filter(|word| !word.is_empty()).collect()
}

fn float(text: &str) -> Option<f64> {
    let characters: Vec<char> = strip(text).chars().collect();
    let is_digit = |at: Option<usize>| at.and_then(|at| characters.get(at)).is_some_and(char::is_ascii_digit);
    let underscores = characters.iter().enumerate().filter(|(_, character)| **character == '_');
    let is_well_placed =
        underscores.into_iter().all(|(at, _)| is_digit(at.checked_sub(1)) && is_digit(Some(at + 1)));
    let text: String = characters.iter().filter(|character| **character != '_').collect();
    text.parse().ok().filter(|_| is_well_placed)
}

fn all_close(left: &[f64], right: &[f64]) -> bool {
    let is_close = |left: f64, right: f64| {
        left == right || (right.is_finite() && (left - right).abs() <= 1e-8 + 1e-5 * right.abs())
    };
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| is_close(*left, *right))
}

/// As text, so that every float that Python's `round(number, 3)` makes has one.
fn rounded(text: &str) -> Option<String> {
    let rounded = format!("{:.3}", float(text)?);
    Some(if rounded == "-0.000" { "0.000".to_owned() } else { rounded })
}

fn expected_lines(expected: &str) -> Vec<&str> {
    expected.split('\n').filter(|line| !line.is_empty()).map(strip).collect()
}

type SetOfSets<T> = BTreeSet<BTreeSet<T>>;

/// `None` where an item cannot be made.
fn sets<T: Ord>(lines: &[Vec<&str>], item: impl Fn(&str) -> Option<T>) -> Option<SetOfSets<T>> {
    lines.iter().map(|line| line.iter().map(|part| item(part)).collect()).collect()
}

fn chain_on_text(printed: &str, expected: &str) -> bool {
    let lines = expected_lines(expected);
    let characters: Vec<String> = printed.chars().map(String::from).collect();
    let numbers = |texts: &[&str]| texts.iter().map(|text| float(text)).collect::<Option<Vec<f64>>>();
    let of_lines: Vec<Vec<&str>> = lines.iter().map(|line| words(line)).collect();
    let of_tokens: Vec<Vec<&str>> = words(printed)
        .iter()
        .map(|token| {
            let ends = token.char_indices().map(|(at, character)| &token[at..at + character.len_utf8()]);
            ends.collect()
        })
        .collect();
    let characters: Vec<&str> = characters.iter().map(String::as_str).collect();
    let plain = |text: &str| Some(text.to_owned());
    let rounded_sets = [&of_tokens, &of_lines].map(|lines| sets(lines, rounded));
    strip(printed) == strip(expected)
        || matches!((numbers(&characters), numbers(&lines)), (Some(left), Some(right)) if all_close(&left, &right))
        || sets(&of_tokens, plain) == sets(&of_lines, plain)
        || (rounded_sets[0].is_some() && rounded_sets[0] == rounded_sets[1])
}

fn chain_on_lines(printed: &str, expected: &str) -> bool {
    let lines: Vec<&str> = printed.lines().collect();
    let stripped: Vec<&str> = lines.iter().map(|line| strip(line)).collect();
    let wanted = expected_lines(expected);
    let filled: Vec<&str> = lines.iter().copied().filter(|line| !line.is_empty()).collect();
    let numbers = |texts: &[&str]| texts.iter().map(|text| float(text)).collect::<Option<Vec<f64>>>();
    let printed_words: Vec<Vec<&str>> =
        filled.iter().map(|line| words(line)).filter(|words| !words.is_empty()).collect();
    let wanted_words: Vec<Vec<&str>> = wanted.iter().map(|line| words(line)).collect();
    let plain = |text: &str| Some(text.to_owned());
    let rounded_sets = [&printed_words, &wanted_words].map(|lines| sets(lines, rounded));
    strip(&lines.join("\n")) == strip(expected)
        || strip(&stripped.join("\n")) == strip(expected)
        || lines == wanted
        || filled == wanted
        || matches!((numbers(&filled), numbers(&wanted)), (Some(left), Some(right)) if all_close(&left, &right))
        || sets(&printed_words, plain) == sets(&wanted_words, plain)
        || (rounded_sets[0].is_some() && rounded_sets[0] == rounded_sets[1])
}

/// What outputs are drawn from. Small, so that equal sets are drawn often; `#` stands for a long piece.
const ALPHABETS: [&[&str]; 5] = [
    &["1", "2", "3", "1.0", "2.0004", "1.0005", "0.9996", "3e0", "1_0", "10", "-0", " ", " ", "\n", "\n"],
    &[
        "a", "b", "ab", "ba", "é", "中", "1", " ", " ", "\n", "\n", "\u{3000}", "\u{a0}", "\u{85}", "\r\n",
        "\r", "\t", "\x1c",
    ],
    &["abcdefgh", "abcdefgi", "abcdefg", "a", "b", " ", "\n", "\n", "  ", "\n\n", "\n \n", "#"],
    &[
        "1", "2", "12", "21", "3", " ", "\n", "1.0001", "2.9999", "0.0004", "nan", "NaN", "inf", "-inf",
        "1e999", "x",
    ],
    &[
        "0.0625",
        "4398046511104.0625",
        "0.1875",
        "1.0005",
        "2.675",
        "1.001",
        "1.000",
        " ",
        "\n",
        "4503599627370497.5",
    ],
];

#[test]
fn chains_decide_as_the_judges_do() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound as u64) as usize
    };
    let long = "y".repeat(70);
    let mut passed = [0; 2];
    const DRAWS: usize = 12_000;
    for draw in 0..DRAWS {
        let alphabet = ALPHABETS[draw % ALPHABETS.len()];
        let longest = [3, 6, 12, 60][below(4)];
        let size = 1 + below(longest);
        let mut parts: Vec<&str> = (0..size).map(|_| alphabet[below(alphabet.len())]).collect();
        let expected = parts.concat();
        let lines = || expected.split('\n');
        let mut printed = match below(8) {
            0 => lines().rev().collect::<Vec<_>>().join("\n"),
            1 => lines()
                .map(|line| line.split(' ').rev().collect::<Vec<_>>().join(" "))
                .collect::<Vec<_>>()
                .join("\n"),
            2 => expected.replace(' ', ""),
            3 => lines().flat_map(|line| [line, line]).collect::<Vec<_>>().join("\n"),
            4 => expected.replace(' ', "  ").replace('\n', "\r\n"),
            5 => (0..size).map(|_| alphabet[below(alphabet.len())]).collect(),
            _ => {
                parts[below(size)] = alphabet[below(alphabet.len())];
                parts.concat()
            }
        };
        if below(2) == 0 {
            printed.push('\n');
        }
        let [printed, expected] = [printed, expected].map(|text| text.replace('#', &long));
        let (left, right) = (printed.as_bytes(), expected.as_bytes());
        let by_text = chain_on_text(&printed, &expected);
        assert_eq!(chains::chain_on_text(left, right), by_text, "text: {printed:?} for {expected:?}");
        let by_lines = chain_on_lines(&printed, &expected);
        assert_eq!(chains::chain_on_lines(left, right), by_lines, "lines: {printed:?} for {expected:?}");
        passed[0] += usize::from(by_text);
        passed[1] += usize::from(by_lines);
    }
    assert!(passed.iter().all(|count| (DRAWS / 10..DRAWS * 9 / 10).contains(count)), "{passed:?}");
}

/// Sets of many words, and lines of many: what is kept aside for a while is not forgotten.
#[test]
fn large_sets_are_compared_whole() {
    let word = |number: usize| format!("{:x}", number.wrapping_mul(0x9e37_79b1) % 0xffff_ffff);
    for count in [15, 16, 17, 31, 32, 33, 64, 4_095, 4_096, 4_097, 20_000] {
        for separator in [" ", "\n"] {
            let words: Vec<String> = (0..count).map(word).collect();
            let reversed: Vec<String> = words.iter().rev().cloned().collect();
            let join = |words: &[String]| words.join(separator).into_bytes();
            let check = |printed: &[String], expected: &[String], is_same: bool| {
                assert_eq!(
                    chains::chain_on_lines(&join(printed), &join(expected)),
                    is_same,
                    "{count} {separator:?}"
                );
            };
            check(&reversed, &words, true);
            check(&[&reversed[..], &words[..]].concat(), &words, true);
            check(&reversed[1..], &words, false);
            check(&reversed, &words[1..], false);
            for at in [0, count / 2, count - 1] {
                let mut changed = reversed.clone();
                changed[at] = word(count);
                check(&changed, &words, false);
                check(&words, &changed, false);
            }
        }
    }
}
