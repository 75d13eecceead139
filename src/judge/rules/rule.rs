//! The named rules: what of an answer counts, as four independent choices.

use std::fmt;

/// What of an answer counts. Made by the constants and [`Rule::with`], so that a rule always makes
/// sense.
///
/// For the outputs of programs each name means, with the source of the rule:
///
/// | name | matches | source |
/// |---|---|---|
/// | `exact` | byte for byte | `cmp` |
/// | `lines` | blanks at line ends and empty lines at the end do not count | testlib `lcmp`, `diff -Z` |
/// | `tokens` | words between white space, in order | testlib `wcmp`, Codeforces' default |
/// | `float` | as `tokens`; numbers within a tolerance, absolute or relative to the expected one; two integers as words; NaN is NaN, infinity is infinity | testlib `rcmp`, Kattis `float_tolerance` |
/// | `kattis:0.1` | as `float_ignore_case`, but integers are numbers like any other (105 for 100 is within a tenth), and infinity is a word | Kattis `float_tolerance`, `float_relative_tolerance` |
/// | `data-set` | as `float:1e-6:1e-9`, and an expected integer is met by no other number, however written | [`Rule::DATA_SET`] |
/// | `unordered_lines`, `unordered_tokens` | the same lines or words as often, in any order | "print in any order" |
/// | `lines_ignore_case`, `tokens_ignore_case`, `unordered_..._ignore_case`, `float_ignore_case` | the same; ASCII letters match in either case | testlib `yesno`/`nyesno`, Kattis' default |
///
/// Pair by pair this stands in `README.md` beside this file, which a test holds to what the code does.
///
/// ```
/// use proofbox::judge::{Rule, compare_output};
/// let matches = |rule, got: &str, expected: &str| compare_output(rule, got.as_bytes(), expected.as_bytes()).is_match();
/// assert!(!matches(Rule::EXACT, "1 2", "1 2\n"));
/// assert!(matches(Rule::LINES, "1 2  \n\n", "1 2\n") && !matches(Rule::LINES, "1\n2\n", "1 2\n"));
/// assert!(matches(Rule::TOKENS, "1\n2\n", "1 2\n") && !matches(Rule::TOKENS, "2 1", "1 2"));
/// assert!(matches(Rule::float(1e-6, 0.0), "0.3333333333", "0.333333") && !matches(Rule::float(5.0, 5.0), "7", "8"));
/// assert!(matches(Rule::UNORDERED_TOKENS, "2 1 1", "1 2 1") && !matches(Rule::UNORDERED_TOKENS, "1 2 2", "1 2 1"));
/// assert!(matches(Rule::UNORDERED_LINES, "b c\na\n", "a\nb c\n") && !matches(Rule::UNORDERED_LINES, "c b\na\n", "a\nb c\n"));
/// assert!(matches(Rule::TOKENS_IGNORE_CASE, "Yes", "YES") && !matches(Rule::TOKENS, "Yes", "YES"));
/// assert!(matches(Rule::LINES_IGNORE_CASE, "a B \n", "A b") && !matches(Rule::LINES_IGNORE_CASE, "a  b", "a b"));
/// for (name, got, expected, is_match) in [
///     ("unordered_lines_ignore_case", "B c\na\n", "A\nb C\n", true),
///     ("unordered_lines_ignore_case", "c b\na\n", "A\nb c\n", false),
///     ("unordered_tokens_ignore_case", "No yes", "YES no", true),
///     ("unordered_tokens_ignore_case", "yes yes", "YES no", false),
///     ("float:1e-3", "0.3333", "0.3334", true),
///     ("float:1e-3:0", "1000.9", "1000.1", false),
///     ("float_ignore_case:1e-3", "x 0.3333", "X 0.3334", true),
///     ("float:1e-3", "nan inf", "NaN Infinity", true),
///     ("float:1e-3", "1e999", "inf", false),
/// ] {
///     let compare: proofbox::judge::Compare = name.parse().unwrap();
///     let comparison = compare.output(got.as_bytes(), &[expected.as_bytes().to_vec()]);
///     assert_eq!(comparison.is_match(), is_match, "{name}: {got:?} for {expected:?}");
/// }
/// ```
///
/// For the results of functions see [`super::result::compare_value`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    pub(in crate::judge) unit: Unit,
    pub(in crate::judge) order: Order,
    pub(in crate::judge) letters: Letters,
    pub(in crate::judge) tolerance: Option<Tolerance>,
    pub(in crate::judge) whole: Whole,
}

/// What is compared with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Bytes,
    /// Without blanks at their ends; empty lines at the end of the output do not count.
    Lines,
    /// Runs of bytes between ASCII white space.
    Tokens,
}

/// Whether units must come in the expected order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    #[default]
    Counts,
    /// As a multiset: each unit as often as expected.
    Ignored,
}

/// Whether `A` is `a`. ASCII letters only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Letters {
    #[default]
    CaseCounts,
    AnyCase,
}

/// What the tolerance means where the expected number is an integer and the answer is written as a
/// decimal (`5.0` for `5`). Two integers are compared as words, but where they are numbers like others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Whole {
    /// The same as for other numbers.
    #[default]
    Tolerated,
    /// Only the absolute part counts, and from 2^53 on, where floats have gaps, only the very number.
    Exact,
    /// An integer is a number like any other, for two integers too, and no number is infinite.
    LikeOthers,
}

/// How far a number may be off: by `abs`, or by `rel` times the expected number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    pub abs: f64,
    pub rel: f64,
}

impl Tolerance {
    /// Largest tolerance that makes sense: a number off by more is another number.
    pub const MAX: f64 = 1e9;

    /// Whether a finite number is close enough to an expected finite one.
    pub fn covers(self, actual: f64, expected: f64) -> bool {
        let difference = (actual - expected).abs();
        difference <= self.abs || difference <= self.rel * expected.abs()
    }
}

/// Choices that do not go together, or a name that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("exact is byte for byte and takes no other choice")]
    ExactIsExact,
    #[error("only tokens have a tolerance")]
    ToleranceOfLines,
    #[error(
        "a tolerance and any order do not go together: closeness is not transitive, so pairs are ambiguous"
    )]
    ToleranceWithoutOrder,
    #[error("kattis with choices is about a tolerance; without one, give the plain name")]
    KattisWithoutTolerance,
    #[error("a tolerance is a number from 0 to 1e9, not {0}")]
    ToleranceOutOfBounds(String),
    #[error("{name:?} is not a rule{meant}; the rules are {known}")]
    UnknownName {
        name: String,
        /// The rule that may have been meant, in words.
        meant: String,
        known: String,
    },
}

impl Rule {
    pub const EXACT: Rule = Rule::plain(Unit::Bytes);
    pub const LINES: Rule = Rule::plain(Unit::Lines);
    pub const TOKENS: Rule = Rule::plain(Unit::Tokens);
    pub const LINES_IGNORE_CASE: Rule = Rule { letters: Letters::AnyCase, ..Rule::LINES };
    pub const TOKENS_IGNORE_CASE: Rule = Rule { letters: Letters::AnyCase, ..Rule::TOKENS };
    pub const UNORDERED_LINES: Rule = Rule { order: Order::Ignored, ..Rule::LINES };
    pub const UNORDERED_TOKENS: Rule = Rule { order: Order::Ignored, ..Rule::TOKENS };

    /// Tokens, with decimal numbers equal within 1e-6.
    ///
    /// * Not `lines`: where lines break and how blanks run is part of few problems, and data sets
    ///   were collected from judges that ignore it; a reference output with one item per line
    ///   would reject right answers that print them side by side.
    /// * With a tolerance: a problem whose answer is a decimal number accepts any answer close
    ///   enough (1e-6 is what most ask for), and the stored output is only one of them. Byte
    ///   equality rejects nearly every other right answer.
    /// * Integers stay words, so most rows are compared as strictly as by `tokens`, also where the
    ///   answer is a decimal: a count of 10^18 that was computed with floats (`1e+18`, or `/` for `//`)
    ///   is off by some units, which a relative tolerance would forgive.
    /// * The relative tolerance is smaller than the absolute one; no right answer seen needed more.
    /// * Case counts: `Yes` for `YES` is wrong by most problems' words.
    ///
    /// ```
    /// use proofbox::judge::{Rule, compare_output};
    /// let matches = |got: &str, expected: &str| {
    ///     compare_output(Rule::DATA_SET, got.as_bytes(), expected.as_bytes()).is_match()
    /// };
    /// assert!(matches("0.3333333333", "0.333333") && matches("5.0", "5") && matches("1\n2", "1 2"));
    /// assert!(!matches("1e+18", "1000000000000000007") && matches("1e+18", "1000000000000000000"));
    /// assert!(!matches("yes", "YES") && !matches("10000001.0", "10000000"));
    /// ```
    pub const DATA_SET: Rule = Rule { whole: Whole::Exact, ..Rule::float(1e-6, 1e-9) };

    const fn plain(unit: Unit) -> Rule {
        Rule {
            unit,
            order: Order::Counts,
            letters: Letters::CaseCounts,
            tolerance: None,
            whole: Whole::Tolerated,
        }
    }

    /// Tokens whose numbers may be off by `abs`, or by `rel` times the expected number.
    pub const fn float(abs: f64, rel: f64) -> Rule {
        Rule { tolerance: Some(Tolerance { abs, rel }), ..Rule::TOKENS }
    }

    /// This rule with other choices of order, letters and tolerance.
    ///
    /// # Errors
    /// Where the choices do not go together.
    pub fn with(
        self,
        order: Order,
        letters: Letters,
        tolerance: Option<Tolerance>,
    ) -> Result<Rule, RuleError> {
        let rule = Rule { unit: self.unit, order, letters, tolerance, whole: Whole::Tolerated };
        let has_choice = order == Order::Ignored || letters == Letters::AnyCase || tolerance.is_some();
        if let Some(Tolerance { abs, rel }) = tolerance
            && let Some(wrong) = [abs, rel].into_iter().find(|part| !(0.0..=Tolerance::MAX).contains(part))
        {
            return Err(RuleError::ToleranceOutOfBounds(wrong.to_string()));
        }
        match (self.unit, order, tolerance) {
            (Unit::Bytes, ..) if has_choice => Err(RuleError::ExactIsExact),
            (Unit::Lines, _, Some(_)) => Err(RuleError::ToleranceOfLines),
            (_, Order::Ignored, Some(_)) => Err(RuleError::ToleranceWithoutOrder),
            _ => Ok(rule),
        }
    }

    /// This rule as Kattis' validators have it: letters in either case, and integers within the tolerance too.
    ///
    /// # Errors
    /// Where the rule has no tolerance.
    pub fn as_kattis(self) -> Result<Rule, RuleError> {
        match self.tolerance {
            None => Err(RuleError::KattisWithoutTolerance),
            Some(_) => Ok(Rule { letters: Letters::AnyCase, whole: Whole::LikeOthers, ..self }),
        }
    }

    /// Whether the rule can be asked for where results are values: lines are a matter of printed
    /// text only.
    pub fn fits_values(self) -> bool {
        self.unit != Unit::Lines
    }

    /// Rules that have a name of their own.
    pub const NAMED: [(&'static str, Rule); 10] = [
        ("exact", Rule::EXACT),
        ("lines", Rule::LINES),
        ("tokens", Rule::TOKENS),
        ("data-set", Rule::DATA_SET),
        ("lines_ignore_case", Rule::LINES_IGNORE_CASE),
        ("tokens_ignore_case", Rule::TOKENS_IGNORE_CASE),
        ("unordered_lines", Rule::UNORDERED_LINES),
        ("unordered_tokens", Rule::UNORDERED_TOKENS),
        ("unordered_lines_ignore_case", Rule { letters: Letters::AnyCase, ..Rule::UNORDERED_LINES }),
        ("unordered_tokens_ignore_case", Rule { letters: Letters::AnyCase, ..Rule::UNORDERED_TOKENS }),
    ];
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, _)) = Rule::NAMED.iter().find(|(_, rule)| rule == self) {
            return f.write_str(name);
        }
        match (self.whole, self.letters) {
            (Whole::LikeOthers, _) => f.write_str("kattis")?,
            (_, Letters::AnyCase) => f.write_str("float_ignore_case")?,
            (_, Letters::CaseCounts) => f.write_str("float")?,
        }
        match self.tolerance {
            Some(Tolerance { abs, rel }) if abs == rel => write!(f, ":{abs:e}"),
            Some(Tolerance { abs, rel }) => write!(f, ":{abs:e}:{rel:e}"),
            None => Ok(()),
        }
    }
}
