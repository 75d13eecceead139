//! Words that are not known, and those that may have been meant.

/// Longest word that is looked at; a longer one is no slip of the pen.
const MAX_WORD_CHARS: usize = 40;

/// " (did you mean X?)" where one of the known words is close to the word, else nothing. For a complaint, behind
/// the word.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match closest(word, known) {
        Some(meant) => format!(" (did you mean {meant:?}?)"),
        None => String::new(),
    }
}

/// The known word that is closest to the word, if one may have been meant.
fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |word: &str| -> Vec<char> {
        let letters = word.chars().filter(|letter| letter.is_alphanumeric() || *letter == '+');
        letters.flat_map(char::to_lowercase).take(MAX_WORD_CHARS + 1).collect()
    };
    let given = plain(word);
    if given.is_empty() || given.len() > MAX_WORD_CHARS {
        return None;
    }
    let near = known.into_iter().filter_map(|known| {
        let other = plain(known);
        let slips = slips(&given, &other);
        // One slip in three letters; a word with its end or its beginning left out, or with more behind it, counts, too.
        let is_part = (given.len() >= 3 && (other.starts_with(&given) || other.ends_with(&given)))
            || (other.len() >= 3 && given.starts_with(&other));
        (slips * 3 <= given.len().max(other.len()) || is_part).then_some((slips, known))
    });
    near.min_by_key(|(slips, _)| *slips).map(|(_, known)| known)
}

/// Letters to insert, leave out, change or swap with their neighbour, to make one word of the other.
fn slips(from: &[char], to: &[char]) -> usize {
    let mut rows: [Vec<usize>; 3] = [vec![0; to.len() + 1], (0..=to.len()).collect(), vec![0; to.len() + 1]];
    for (row, left) in from.iter().enumerate() {
        rows[2][0] = row + 1;
        for (column, right) in to.iter().enumerate() {
            let mut least = rows[1][column] + usize::from(left != right);
            least = least.min(rows[1][column + 1] + 1).min(rows[2][column] + 1);
            let swapped = row > 0 && column > 0 && *left == to[column - 1] && from[row - 1] == *right;
            if swapped {
                least = least.min(rows[0][column - 1] + 1);
            }
            rows[2][column + 1] = least;
        }
        rows.rotate_left(1);
    }
    rows[1][to.len()]
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn slips_of_the_pen_are_seen_and_other_words_are_not() {
        let known =
            ["source", "tests", "language", "expected_stdout", "limits", "first_failure", "cpp", "python"];
        for (word, meant) in [
            ("sourc", "source"),
            ("soruce", "source"),
            ("test", "tests"),
            ("langauge", "language"),
            ("expected_output", "expected_stdout"),
            ("expectedStdout", "expected_stdout"),
            ("stdout", "expected_stdout"),
            ("first-failure", "first_failure"),
            ("Pyhton", "python"),
            ("ccp", "cpp"),
            ("python3.11", "python"),
        ] {
            assert_eq!(did_you_mean(word, known), format!(" (did you mean {meant:?}?)"), "{word}");
        }
        for word in ["", "colour", "klingon", "x", "日本", &"source".repeat(1_000)] {
            assert_eq!(did_you_mean(word, known), "", "{word}");
        }
    }
}
