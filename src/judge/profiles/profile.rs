//! How a known data set's own judge decides: as it is meant, and as it was released.
//!
//! A profile by its plain name is the right rule for that set. With `:bug-compatible` it decides as
//! the released code does on the same outcome, faults included, so that the rows on which the two
//! differ can be seen. What a released judge does with the solution before it runs it (wrapping it
//! in a function, mocking standard input, patching modules, looking the function up by its exact
//! name, sharing one `Solution()` between tests) is not reproduced, nor are its time limits: it is
//! given the outcomes of runs under this submission's own limits, and results as plain data.
//!
//! | profile | meant | released code, and what `:bug-compatible` takes over |
//! |---|---|---|
//! | `openthoughts` | tokens, numbers within 1e-6 | open-thoughts `code/judge.py`: time-outs, exceptions, missing functions and syntax errors are codes that count as true, and end the row; exit codes are ignored; sets of characters are compared with sets of tokens; inner trailing blanks count |
//! | `apps` | tokens, numbers within numpy's `allclose` | hendrycks/apps `eval/testing_util.py`: lines compared as sets of tokens, and all lines as a set of those; `SystemExit` ignored; call results by `==`, or to the first item of what is expected |
//! | `taco` | as `apps` | FlagOpen/TACO `metrics/testing_util.py`: as `openthoughts`, but time-outs, exceptions and exit codes fail |
//! | `livecodebench` | lines, stripped at both ends; the numbers of a line equal as decimals | LiveCodeBench `testing_util.py`: `SystemExit` ignored; a nested tuple is no list; floats by `==` |
//! | `open-r1` | lines, stripped at both ends | huggingface/open-r1 `rewards.py`: `zip` over the lines ends with the shorter side, so that one right line, or none where the first expected line is empty, passes |
//! | `sandboxfusion` | lines, stripped at both ends; numbers within 1e-5, relative | bytedance/SandboxFusion `check_stdio_test_case`: lines lower-cased, integers within the tolerance too |
//! | `humaneval` | results as data, floats within EvalPlus' 1e-6 | openai/human-eval asserts: Python's `==`, without what a way through JSON forces |
//! | `kattis` | tokens in either case; with a tolerance it is the rule `kattis:TOLERANCE` | problemtools' default validator; no fault known, so no `:bug-compatible` |
//!
//! What each accepts, by example. Of a released judge the run is given too: here one that ended well.
//!
//! ```
//! use proofbox::judge::{Compare, Ending, Judged};
//! let meant = |name: &str, printed: &str, expected: &str| {
//!     let compare: Compare = name.parse().unwrap();
//!     compare.output(printed.as_bytes(), &[expected.as_bytes().to_vec()]).is_match()
//! };
//! let released = |name: &str, printed: &str, expected: &str| {
//!     let Ok(Compare::Profile(profile)) = format!("{name}:bug-compatible").parse() else { panic!("{name}") };
//!     let expected = [expected.as_bytes().to_vec()];
//!     profile.judge_program(Ending::Well, printed.as_bytes(), &expected) == Judged::Passed
//! };
//! // name, printed, expected, right as meant, right as released
//! for (name, printed, expected, as_meant, as_released) in [
//!     ("openthoughts", "1\n2\n", "1 2", true, false), // line breaks count
//!     ("openthoughts", "21", "1 2", false, true), // characters of a token as a set
//!     ("openthoughts", "1 2\n3 4\n", "1 2 \n3 4 \n", true, false), // blanks at line ends count
//!     ("openthoughts", "0.3333333333", "0.333333", true, false), // its number rule never applies
//!     ("apps", "0.33333", "0.333332", true, true),
//!     ("apps", "2 1\n", "1 2\n", false, true), // a line's words as a set
//!     ("apps", "b\na\na\n", "a\nb\n", false, true), // and the lines as one
//!     ("apps", "1\n2\n", "1 2\n", true, false), // lines are told apart
//!     ("taco", "0.33333", "0.333332", true, false), // text, not lines: numbers are never compared
//!     ("taco", "3 3 2 1", "1\n2\n3", false, true),
//!     ("livecodebench", " 1.50 2\n", "1.5 2", true, true),
//!     ("livecodebench", "1\n2", "1 2", false, false),
//!     ("open-r1", " 1 \n2\n", "1\n2", true, true),
//!     ("open-r1", "1\n", "1\n2\n3", false, true), // zip ends with the shorter side
//!     ("sandboxfusion", "1.000001", "1.0", true, true),
//!     ("sandboxfusion", "yes", "YES", false, true), // lower-cased
//!     ("sandboxfusion", "10000001", "10000000", false, true), // integers within 1e-5, too
//!     ("humaneval", "1 2 \n", "1 2", true, false), // its released code compares no output: no word
//! ] {
//!     assert_eq!(meant(name, printed, expected), as_meant, "{name} as meant: {printed:?} for {expected:?}");
//!     assert_eq!(released(name, printed, expected), as_released, "{name} as released: {printed:?} for {expected:?}");
//! }
//! assert!(meant("kattis", "yes 1\n2", "YES  1 2") && !meant("kattis", "1.0", "1"));
//!
//! // Results of functions: released code uses Python's `==` on what came back.
//! use proofbox::value::parse_python;
//! let meant = |name: &str, got: &str, expected: &str| {
//!     let compare: Compare = name.parse().unwrap();
//!     compare.value(&parse_python(got).unwrap(), &[parse_python(expected).unwrap()]).is_match()
//! };
//! let released = |name: &str, got: &str, expected: &str| {
//!     let Ok(Compare::Profile(profile)) = format!("{name}:bug-compatible").parse() else { panic!("{name}") };
//!     let (got, expected) = (parse_python(got).unwrap(), [parse_python(expected).unwrap()]);
//!     profile.judge_function(Ending::Well, Some(&got), &expected) == Judged::Passed
//! };
//! for (name, got, expected, as_meant, as_released) in [
//!     ("openthoughts", "3", "[3, 4]", false, true), // the first item is taken for the whole
//!     ("apps", "0.30000000000000004", "0.3", true, false),
//!     ("taco", "(1, 2)", "[1, 2]", true, true), // a tuple is a list, at the top
//!     ("livecodebench", "([1], (2,))", "[[1], [2]]", true, false), // and only there
//!     ("humaneval", "(1, 2)", "[1, 2]", true, false),
//!     ("humaneval", "0.3000000001", "0.3", true, false),
//! ] {
//!     assert_eq!(meant(name, got, expected), as_meant, "{name} as meant: {got} for {expected}");
//!     assert_eq!(released(name, got, expected), as_released, "{name} as released: {got} for {expected}");
//! }
//! ```

use std::fmt;

use super::{chains, python_equality::python_equal, released};
use crate::{
    judge::{
        comparison::{Comparison, compare_with_any},
        rules::{output::compare_output_with_any, result::compare_value_with_any, rule::Rule},
        text::universal_newlines,
    },
    value::Value,
};

/// A known judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judge {
    OpenThoughts,
    Apps,
    Taco,
    LiveCodeBench,
    OpenR1,
    SandboxFusion,
    HumanEval,
    Kattis,
}

/// As it is meant, or as its code does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fidelity {
    Meant,
    BugCompatible,
}

/// A judge, and in which sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    judge: Judge,
    fidelity: Fidelity,
}

impl Judge {
    const ALL: [(Judge, &'static str); 8] = [
        (Judge::OpenThoughts, "openthoughts"),
        (Judge::Apps, "apps"),
        (Judge::Taco, "taco"),
        (Judge::LiveCodeBench, "livecodebench"),
        (Judge::OpenR1, "open-r1"),
        (Judge::SandboxFusion, "sandboxfusion"),
        (Judge::HumanEval, "humaneval"),
        (Judge::Kattis, "kattis"),
    ];
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Judge::ALL.iter().find(|(judge, _)| *judge == self.judge).map_or("", |(_, name)| name);
        let suffix = if self.fidelity == Fidelity::BugCompatible { ":bug-compatible" } else { "" };
        f.pad(&format!("{name}{suffix}"))
    }
}

/// How a run ended, as far as released judges tell runs apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Exit code 0; a function returned.
    Well,
    /// An exception was not caught.
    Raised,
    /// The program left by another exit code, without an exception; a function left by
    /// `SystemExit`.
    Left,
    /// A signal, or the end of the process before the function returned.
    Killed,
    TimedOut,
    NotCompiled,
    FunctionNotFound,
    /// A result that is no plain data.
    UnknownResult,
    /// A limit that released judges do not have (memory, output): they say nothing about such a run.
    OtherLimit,
}

/// What a released judge makes of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    Passed,
    Failed,
    /// Not passed, by a code that counts as true; the judge looks at no further test.
    CountsAsTrue,
    /// It has no word on such a run: what was meant holds.
    NoWord,
}

/// `np.allclose` by default: an absolute tolerance of 1e-8 and a relative one of 1e-5.
const ALLCLOSE: Rule = Rule::float(1e-8, 1e-5);

impl Profile {
    /// `None` where a judge is asked for with faults of which none is known.
    pub fn new(judge: Judge, fidelity: Fidelity) -> Option<Profile> {
        let is_known = judge != Judge::Kattis || fidelity == Fidelity::Meant;
        is_known.then_some(Profile { judge, fidelity })
    }

    /// Every profile there is.
    pub fn all() -> impl Iterator<Item = Profile> {
        Judge::ALL.into_iter().flat_map(|(judge, _)| {
            [Fidelity::Meant, Fidelity::BugCompatible]
                .into_iter()
                .filter_map(move |fidelity| Profile::new(judge, fidelity))
        })
    }

    /// Whether the profile's released code is asked.
    pub fn is_bug_compatible(self) -> bool {
        self.fidelity == Fidelity::BugCompatible
    }

    /// Compares printed output as the judge means it.
    pub fn compare_output(self, actual: &[u8], accepted: &[Vec<u8>]) -> Comparison {
        let lines = |are_equal: &dyn Fn(&[u8], &[u8]) -> bool| {
            compare_with_any(accepted, |expected| {
                released::compare_stripped_lines(actual, expected, are_equal)
            })
        };
        let by_rule = |rule| compare_output_with_any(rule, actual, accepted);
        match self.judge {
            Judge::OpenThoughts => by_rule(Rule::DATA_SET),
            Judge::Apps | Judge::Taco => by_rule(ALLCLOSE),
            Judge::HumanEval => by_rule(Rule::LINES),
            Judge::Kattis => by_rule(Rule::TOKENS_IGNORE_CASE),
            Judge::LiveCodeBench => lines(&released::decimals_are_equal),
            Judge::OpenR1 => lines(&|_, _| false),
            Judge::SandboxFusion => lines(&|actual, expected| {
                crate::judge::rules::output::compare_output(Rule::float(0.0, 1e-5), actual, expected)
                    .is_match()
            }),
        }
    }

    /// Compares a returned value as the judge means it.
    pub fn compare_value(self, actual: &Value, accepted: &[Value]) -> Comparison {
        compare_value_with_any(self.value_rule(), actual, accepted)
    }

    /// By which rule values are compared as the judge means it.
    pub fn value_rule(self) -> Rule {
        match self.judge {
            Judge::OpenThoughts => Rule::DATA_SET,
            Judge::HumanEval => Rule::float(1e-6, 1e-7),
            Judge::Kattis => Rule::TOKENS_IGNORE_CASE,
            Judge::Apps | Judge::Taco | Judge::LiveCodeBench | Judge::OpenR1 | Judge::SandboxFusion => {
                Rule::TOKENS
            }
        }
    }

    /// What the released code makes of a program's run.
    ///
    /// ```
    /// use proofbox::judge::{Compare, Ending, Judged};
    /// let Ok(Compare::Profile(released)) = "openthoughts:bug-compatible".parse() else { panic!() };
    /// let word = |ending, printed: &str| released.judge_program(ending, printed.as_bytes(), &[b"1 2".to_vec()]);
    /// assert_eq!(word(Ending::Well, "1 2\n"), Judged::Passed);
    /// assert_eq!(word(Ending::Well, "21\n"), Judged::Passed); // characters as a set
    /// assert_eq!(word(Ending::Raised, "1 2\n"), Judged::Passed); // the exit code is ignored
    /// assert_eq!(word(Ending::TimedOut, ""), Judged::CountsAsTrue);
    /// assert_eq!(word(Ending::Well, "3\n"), Judged::Failed);
    /// ```
    pub fn judge_program(self, ending: Ending, stdout: &[u8], accepted: &[Vec<u8>]) -> Judged {
        use Ending::{Killed, Left, NotCompiled, OtherLimit, Raised, TimedOut, Well};
        let passed = |is_passed: bool| if is_passed { Judged::Passed } else { Judged::Failed };
        let any = |compare: fn(&[u8], &[u8]) -> bool| {
            passed(accepted.iter().any(|expected| compare_decoded(stdout, expected, compare)))
        };
        match (self.judge, ending) {
            (_, OtherLimit) | (Judge::HumanEval | Judge::Kattis, _) => Judged::NoWord,
            (Judge::OpenThoughts, TimedOut | NotCompiled) => Judged::CountsAsTrue,
            // Output that does not decode is an exception there, which is such a code.
            (Judge::OpenThoughts, _) if std::str::from_utf8(stdout).is_err() => Judged::CountsAsTrue,
            (Judge::OpenThoughts, _) | (Judge::Taco, Well) => {
                any(|printed, expected| chains::chain_on_text(&universal_newlines(printed), expected))
            }
            (Judge::Apps, Well | Left) => any(chains::chain_on_lines),
            (Judge::LiveCodeBench, Well | Left) => passed(accepted.iter().any(|expected| {
                released::compare_stripped_lines(stdout, expected, &released::decimals_are_equal).is_match()
            })),
            (Judge::OpenR1, Well) => {
                passed(accepted.iter().any(|expected| released::zipped_lines(stdout, expected)))
            }
            (Judge::SandboxFusion, Well) => any(released::lower_cased_lines),
            (_, Raised | Left | Killed | TimedOut | NotCompiled) => Judged::Failed,
            (_, Ending::FunctionNotFound | Ending::UnknownResult) => Judged::NoWord,
        }
    }

    /// What the released code makes of a call. `result` is there where the call ended well. Of the
    /// accepted values the first is the one as the data set holds it; the others are what it may mean
    /// where data sets wrap values in lists of one, which APPS and its kin unwrap by themselves.
    pub fn judge_function(self, ending: Ending, result: Option<&Value>, accepted: &[Value]) -> Judged {
        use Ending::{FunctionNotFound, Killed, NotCompiled, OtherLimit, Raised, TimedOut, UnknownResult};
        let (compare, accepted): (fn(&Value, &Value) -> bool, _) = match self.judge {
            Judge::OpenThoughts | Judge::Apps | Judge::Taco => {
                (released::chain_on_values, &accepted[..accepted.len().min(1)])
            }
            Judge::LiveCodeBench => (released::top_tuple_is_a_list, accepted),
            Judge::HumanEval => (python_equal, accepted),
            // Their tests are programs' outputs.
            Judge::OpenR1 | Judge::SandboxFusion | Judge::Kattis => return Judged::NoWord,
        };
        match (self.judge, ending, result) {
            (_, OtherLimit, _) => Judged::NoWord,
            (_, Ending::Well, Some(result)) if accepted.iter().any(|expected| compare(result, expected)) => {
                Judged::Passed
            }
            (_, Ending::Well, Some(_)) | (_, UnknownResult, _) => Judged::Failed,
            (Judge::OpenThoughts, TimedOut | NotCompiled | FunctionNotFound | Raised, _) => {
                Judged::CountsAsTrue
            }
            // `SystemExit` and the like take that judge's own worker down.
            (Judge::OpenThoughts, Ending::Left | Killed | Ending::Well, _) => Judged::NoWord,
            _ => Judged::Failed,
        }
    }
}

/// Compares text, which output is decoded to with a replacement character for what is not UTF-8. No line, word or
/// character that holds one is equal to any that holds none, in each comparison that looks at all of what was printed.
fn compare_decoded(stdout: &[u8], expected: &[u8], compare: fn(&[u8], &[u8]) -> bool) -> bool {
    match (std::str::from_utf8(stdout), std::str::from_utf8(expected)) {
        (Ok(_), Ok(_)) => compare(stdout, expected),
        (Err(_), Ok(expected)) if !expected.contains(char::REPLACEMENT_CHARACTER) => false,
        _ => {
            compare(String::from_utf8_lossy(stdout).as_bytes(), String::from_utf8_lossy(expected).as_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDINGS: [Ending; 9] = [
        Ending::Well,
        Ending::Raised,
        Ending::Left,
        Ending::Killed,
        Ending::TimedOut,
        Ending::NotCompiled,
        Ending::FunctionNotFound,
        Ending::UnknownResult,
        Ending::OtherLimit,
    ];

    /// A letter per ending: passed, failed, counts as true, no word.
    fn letters(judge: impl Fn(Ending) -> Judged) -> String {
        let letter = |ending| match judge(ending) {
            Judged::Passed => 'p',
            Judged::Failed => 'f',
            Judged::CountsAsTrue => 't',
            Judged::NoWord => '-',
        };
        ENDINGS.into_iter().map(letter).collect()
    }

    #[test]
    fn each_released_judge_has_its_own_idea_of_an_ending() {
        for (judge, program, function) in [
            (Judge::OpenThoughts, "pppptt", "pt--tttf-"),
            (Judge::Apps, "pfpfff", "pffffffF-"),
            (Judge::Taco, "pfffff", "pffffffF-"),
            (Judge::LiveCodeBench, "pfpfff", "pffffffF-"),
            (Judge::OpenR1, "pfffff", "---------"),
            (Judge::SandboxFusion, "pfffff", "---------"),
            (Judge::HumanEval, "------", "pffffffF-"),
        ] {
            let profile = Profile::new(judge, Fidelity::BugCompatible).unwrap();
            // With the right output, and the right result where there is one.
            let programs = letters(|ending| profile.judge_program(ending, b"1\n", &[b"1".to_vec()]));
            assert_eq!(&programs[..6], program, "{profile}");
            let result = |ending| (ending == Ending::Well).then_some(&Value::Int(1));
            let functions =
                letters(|ending| profile.judge_function(ending, result(ending), &[Value::Int(1)]));
            assert_eq!(functions, function.to_lowercase(), "{profile}");
        }
        assert!(Profile::new(Judge::Kattis, Fidelity::BugCompatible).is_none());
    }

    #[test]
    fn what_is_meant_has_none_of_the_faults() {
        let meant = |judge| Profile::new(judge, Fidelity::Meant).unwrap();
        let matches = |judge, printed: &str, expected: &str| {
            meant(judge).compare_output(printed.as_bytes(), &[expected.as_bytes().to_vec()]).is_match()
        };
        for judge in [Judge::OpenThoughts, Judge::Apps, Judge::Taco, Judge::LiveCodeBench] {
            assert!(!matches(judge, "21", "1 2") && !matches(judge, "2\n1\n", "1\n2\n"), "{judge:?}");
            assert!(matches(judge, "1 2\n3 4\n", "1 2 \n3 4 \n"), "{judge:?}");
        }
        assert!(!matches(Judge::OpenR1, "1\n", "1\n2\n"));
        assert!(
            !matches(Judge::SandboxFusion, "yes", "YES") && matches(Judge::SandboxFusion, "1.000001", "1.0")
        );
        assert!(!matches(Judge::SandboxFusion, "10000001", "10000000"));
        assert!(matches(Judge::Kattis, "yes", "YES"));
        assert!(
            matches(Judge::LiveCodeBench, " 1.0 2 \n", "1 2.00")
                && !matches(Judge::LiveCodeBench, "1\n2", "1 2")
        );
    }
}
