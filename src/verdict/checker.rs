//! Checker programs: how each kind is called, and what its end means. Pure.
//!
//! | protocol | called as | says |
//! |---|---|---|
//! | `testlib` | `checker input output answer` | exit code 0 right, with nothing on standard output; 1 wrong, 2 wrong form, 4 too much and 8 too little output, 7 partly right, 3 the test's or checker's own fault; message on standard error |
//! | `kattis` | `validator input answer feedback_dir < output` | exit code 42 right, 43 wrong; message in `feedback_dir/judgemessage.txt` |
//! | `open-r1` | `checker input answer output` | one number on standard output and nothing else: 1 right, 0 wrong, between them partly right; exit code 0 |
//!
//! Anything else is a failure of the checker, and a failure of the checker is no word on the solution. "Right" must
//! be said in the protocol's own way: what a program of another protocol does is such a failure too, and the message
//! names that protocol.

use std::sync::Arc;

use super::driver_record::DriverRecord;
use crate::{
    sandbox::{Collect, Collected, End, LimitHit, Outcome, Run},
    submission::CheckerProtocol,
};

/// What a checker says of one output.
#[derive(Debug, Clone, PartialEq)]
pub enum Ruling {
    Right {
        message: Option<String>,
    },
    Wrong {
        message: Option<String>,
    },
    /// `score`: as the checker gives it, 0 to 1 where its protocol says so; `None` where it is told in a
    /// way of the checker's own.
    Partial {
        score: Option<f64>,
        message: Option<String>,
    },
    /// The checker failed. Says nothing about the output.
    Failed {
        message: String,
    },
}

impl Ruling {
    /// A word for metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Ruling::Right { .. } => "right",
            Ruling::Wrong { .. } => "wrong",
            Ruling::Partial { .. } => "partial",
            Ruling::Failed { .. } => "failed",
        }
    }
}

/// Where the files of a check stand in the checker's working directory.
const INPUT: &str = "input.txt";
const OUTPUT: &str = "output.txt";
const ANSWER: &str = "answer.txt";
const FEEDBACK: &str = "feedback/";
const JUDGE_MESSAGE: &str = "feedback/judgemessage.txt";

/// Most bytes of a checker's message that are kept.
const MESSAGE_BYTES: usize = 300;
/// Most bytes of `judgemessage.txt` that are read.
const FEEDBACK_BYTES: u64 = 1 << 16;

impl CheckerProtocol {
    /// The checker's arguments; the same for every test.
    pub fn arguments(self) -> Vec<String> {
        let words: &[&str] = match self {
            CheckerProtocol::Testlib => &[INPUT, OUTPUT, ANSWER],
            CheckerProtocol::Kattis => &[INPUT, ANSWER, FEEDBACK],
            CheckerProtocol::OpenR1 => &[INPUT, ANSWER, OUTPUT],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// One check: a run of the checker that finds the test's input, the answer and the output.
    pub fn run(self, input: Arc<[u8]>, answer: Arc<[u8]>, output: Arc<[u8]>) -> Run {
        let file = |name: &str, content| (name.to_owned(), content);
        match self {
            CheckerProtocol::Testlib | CheckerProtocol::OpenR1 => Run {
                files: vec![file(INPUT, input), file(OUTPUT, output), file(ANSWER, answer)],
                ..Run::default()
            },
            CheckerProtocol::Kattis => {
                Run { stdin: output, files: vec![file(INPUT, input), file(ANSWER, answer)], ..Run::default() }
            }
        }
    }

    /// One conversation: what an interactor finds beside the solution at its standard streams. Its
    /// arguments are those of a checker; a testlib interactor may write to its second, which nobody
    /// reads.
    pub fn conversation(self, input: Arc<[u8]>, answer: Arc<[u8]>) -> Run {
        Run { files: vec![(INPUT.to_owned(), input), (ANSWER.to_owned(), answer)], ..Run::default() }
    }

    /// What is read back after a check.
    pub fn collect(self) -> Vec<Collect> {
        match self {
            CheckerProtocol::Kattis => {
                vec![Collect { path: JUDGE_MESSAGE.to_owned(), most_bytes: FEEDBACK_BYTES }]
            }
            CheckerProtocol::Testlib | CheckerProtocol::OpenR1 => Vec::new(),
        }
    }

    /// What the end of a check means.
    pub fn ruling(self, outcome: &Outcome) -> Ruling {
        if let Some(limit) = outcome.limit {
            return Ruling::Failed { message: over(limit).to_owned() };
        }
        let code = match outcome.end {
            End::Exited { code } => code,
            End::Signaled { signal } => {
                return Ruling::Failed { message: format!("the checker was killed by signal {signal}") };
            }
        };
        // Python ends with exit code 1 after an exception, as it does when it is told to.
        match DriverRecord::parse(&outcome.result) {
            Ok(Some(DriverRecord::Syntax(text))) => {
                return Ruling::Failed {
                    message: said("the checker does not compile", bounded(text.as_bytes())),
                };
            }
            Ok(Some(DriverRecord::Raised(text))) => {
                return Ruling::Failed { message: said("the checker raised", bounded(text.as_bytes())) };
            }
            _ => {}
        }
        match self {
            CheckerProtocol::Testlib => testlib(code, outcome),
            CheckerProtocol::Kattis => kattis(code, outcome),
            CheckerProtocol::OpenR1 => open_r1(code, outcome),
        }
    }
}

/// Exit codes of testlib's verdicts. 2 is `_pe`, 4 `_dirt`, 8 `_unexpected_eof`: the output's fault, as
/// 1 is. 7 is `_points`. What `_pc(n)` ends with differs between testlib's builds and may be any
/// of these, so a code that is none of them says nothing; our own header ends with 7.
///
/// Every program that ends without an accident ends with 0, so that 0 counts only where nothing was said in
/// another way.
fn testlib(code: i32, outcome: &Outcome) -> Ruling {
    let message = first_line(&outcome.stderr).or_else(|| first_line(&outcome.stdout));
    match code {
        0 => match printed(outcome) {
            None => Ruling::Right { message },
            Some(printed) => Ruling::Failed {
                message: format!(
                    "the checker printed {printed} and ended with exit code 0; the protocol testlib answers by exit \
                     code alone, with messages on standard error{}",
                    remedy(CheckerProtocol::Testlib, code, outcome)
                ),
            },
        },
        1 | 2 | 4 | 8 => Ruling::Wrong { message },
        7 => Ruling::Partial { score: message.as_deref().and_then(points), message },
        3 => Ruling::Failed { message: said("the checker says that the test is at fault", message) },
        code => failed("the checker", CheckerProtocol::Testlib, code, outcome, message),
    }
}

/// The number that `quitp` puts in front of its message, after the word `points`.
fn points(message: &str) -> Option<f64> {
    let mut words = message.split_ascii_whitespace();
    let first = words.next()?;
    let number = if first == "points" { words.next()? } else { first };
    number.parse().ok().filter(|score: &f64| score.is_finite())
}

fn kattis(code: i32, outcome: &Outcome) -> Ruling {
    let feedback = match outcome.files.first() {
        Some(Collected::Content(content)) => first_line(content),
        _ => None,
    };
    let message = feedback.or_else(|| first_line(&outcome.stderr));
    match code {
        42 => Ruling::Right { message },
        43 => Ruling::Wrong { message },
        code => failed("the validator", CheckerProtocol::Kattis, code, outcome, message),
    }
}

fn open_r1(code: i32, outcome: &Outcome) -> Ruling {
    if code != 0 {
        return failed("the checker", CheckerProtocol::OpenR1, code, outcome, last_line(&outcome.stderr));
    }
    match only_number(&outcome.stdout) {
        Some(1.0) => Ruling::Right { message: None },
        Some(0.0) => Ruling::Wrong { message: first_line(&outcome.stderr) },
        Some(score) => Ruling::Partial { score: Some(score), message: first_line(&outcome.stderr) },
        None => {
            let what = match printed(outcome) {
                None => "the checker printed nothing".to_owned(),
                Some(printed) => format!("the checker printed {printed}, not one number from 0 to 1"),
            };
            let message = format!("{what}{}", remedy(CheckerProtocol::OpenR1, code, outcome));
            Ruling::Failed { message }
        }
    }
}

/// The number from 0 to 1 that is all of a text.
fn only_number(text: &[u8]) -> Option<f64> {
    let word = std::str::from_utf8(text.trim_ascii()).ok()?;
    word.parse().ok().filter(|number| (0.0..=1.0).contains(number))
}

/// The beginning of what a checker printed, but for blanks.
fn printed(outcome: &Outcome) -> Option<String> {
    const EXCERPT_BYTES: usize = 40;
    let text = outcome.stdout.trim_ascii();
    (!text.is_empty()).then(|| format!("\"{}\"", crate::value::escape_bytes(text, EXCERPT_BYTES)))
}

/// An exit code that the protocol does not know.
fn failed(
    who: &str,
    protocol: CheckerProtocol,
    code: i32,
    outcome: &Outcome,
    message: Option<String>,
) -> Ruling {
    let expected = match protocol {
        CheckerProtocol::Testlib => "",
        CheckerProtocol::Kattis => ", not 42 or 43",
        CheckerProtocol::OpenR1 => ", not 0",
    };
    let what = format!("{who} ended with exit code {code}{expected}{}", remedy(protocol, code, outcome));
    Ruling::Failed { message: said(&what, message) }
}

/// What to change where a program's end is another protocol's word.
fn remedy(protocol: CheckerProtocol, code: i32, outcome: &Outcome) -> String {
    let other = match code {
        42 | 43 => CheckerProtocol::Kattis,
        0 if only_number(&outcome.stdout).is_some() => CheckerProtocol::OpenR1,
        0 if printed(outcome).is_some() => return String::new(),
        0 | 1 | 2 | 4 | 7 | 8 => CheckerProtocol::Testlib,
        _ => return String::new(),
    };
    if other == protocol {
        return String::new();
    }
    format!("; that is how the protocol {other} answers: give \"protocol\": \"{other}\" if it is meant")
}

fn over(limit: LimitHit) -> &'static str {
    match limit {
        LimitHit::Cpu => "the checker used too much CPU time",
        LimitHit::Wall => "the checker did not end in time",
        LimitHit::Memory => "the checker used too much memory",
        LimitHit::Output => "the checker printed too much",
    }
}

fn said(what: &str, message: Option<String>) -> String {
    message.map_or_else(|| what.to_owned(), |message| format!("{what}: {message}"))
}

fn first_line(text: &[u8]) -> Option<String> {
    bounded(text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).find(|line| !line.is_empty())?)
}

fn last_line(text: &[u8]) -> Option<String> {
    bounded(text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).rfind(|line| !line.is_empty())?)
}

/// One line, bounded, with nothing in it that a terminal would act on.
fn bounded(line: &[u8]) -> Option<String> {
    Some(crate::value::escape_bytes(line, MESSAGE_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(code: i32, stdout: &str, stderr: &str) -> Outcome {
        let [stdout, stderr] = [stdout, stderr].map(|text| text.as_bytes().to_vec());
        Outcome { stdout, stderr, ..Outcome::silent(End::Exited { code }, None) }
    }

    #[test]
    fn exit_codes_mean_what_each_protocol_says() {
        use CheckerProtocol::{Kattis, OpenR1, Testlib};
        for (protocol, code, stdout, expected) in [
            (Testlib, 0, "", "right"),
            (Testlib, 1, "", "wrong"),
            (Testlib, 2, "", "wrong"),
            (Testlib, 3, "", "failed"),
            (Testlib, 4, "", "wrong"),
            (Testlib, 7, "", "partial"),
            (Testlib, 42, "", "failed"),
            (Testlib, 127, "", "failed"),
            (Testlib, 6, "", "failed"),
            (Testlib, 255, "", "failed"),
            (Kattis, 42, "", "right"),
            (Kattis, 43, "", "wrong"),
            (Kattis, 0, "", "failed"),
            (Kattis, 1, "", "failed"),
            (OpenR1, 0, "1\n", "right"),
            (OpenR1, 0, "1.0", "right"),
            (OpenR1, 0, "0\n", "wrong"),
            (OpenR1, 0, "0.5\n", "partial"),
            (OpenR1, 0, "", "failed"),
            (OpenR1, 0, "yes", "failed"),
            (OpenR1, 0, "nan", "failed"),
            (OpenR1, 0, "2", "failed"),
            (OpenR1, 0, "ok 1", "failed"),
            (OpenR1, 0, "0\n1\n", "failed"),
            (OpenR1, 1, "1\n", "failed"),
        ] {
            assert_eq!(
                protocol.ruling(&ended(code, stdout, "")).as_str(),
                expected,
                "{protocol} {code} {stdout}"
            );
        }
    }

    /// What programs of each protocol do for a right and for a wrong output, and some that are of none.
    #[test]
    fn no_protocol_takes_the_word_of_another_for_right() {
        let of = |protocol| match protocol {
            CheckerProtocol::Testlib => [ended(0, "", "ok 3 numbers"), ended(1, "", "wrong answer")],
            CheckerProtocol::Kattis => [ended(42, "", ""), ended(43, "", "")],
            CheckerProtocol::OpenR1 => [ended(0, "1\n", ""), ended(0, "0\n", "")],
        };
        for asked in CheckerProtocol::ALL {
            for other in CheckerProtocol::ALL.into_iter().filter(|other| *other != asked) {
                for (at, outcome) in of(other).iter().enumerate() {
                    match asked.ruling(outcome) {
                        Ruling::Failed { message } => assert!(
                            message.contains(&format!("\"protocol\": \"{other}\"")),
                            "{asked} {other}: {message}"
                        ),
                        ruling => panic!("{asked} takes {other}'s word {at}: {ruling:?}"),
                    }
                }
            }
            for words in [
                "True",
                "False",
                "YES",
                "NO",
                "OK",
                "AC",
                "WA",
                "{\"score\": 0}",
                "2",
                "-1",
                "100",
                "0 1",
                "nan",
            ] {
                let ruling = asked.ruling(&ended(0, words, ""));
                assert_eq!(ruling.as_str(), "failed", "{asked}: {words}");
            }
            // Blanks are no word.
            let right = if asked == CheckerProtocol::Testlib { "right" } else { "failed" };
            assert_eq!(asked.ruling(&ended(0, " \n", "")).as_str(), right);
        }
    }

    #[test]
    fn a_checker_that_hits_a_limit_or_crashes_says_nothing() {
        for protocol in CheckerProtocol::ALL {
            let (code, stdout) = match protocol {
                CheckerProtocol::Testlib => (0, ""),
                CheckerProtocol::Kattis => (42, ""),
                CheckerProtocol::OpenR1 => (0, "1"),
            };
            assert_eq!(protocol.ruling(&ended(code, stdout, "")).as_str(), "right");
            for limit in [LimitHit::Cpu, LimitHit::Wall, LimitHit::Memory, LimitHit::Output] {
                let outcome = Outcome { limit: Some(limit), ..ended(code, stdout, "") };
                assert_eq!(protocol.ruling(&outcome).as_str(), "failed");
            }
            let outcome = Outcome { end: End::Signaled { signal: 11 }, ..ended(code, stdout, "") };
            assert_eq!(protocol.ruling(&outcome).as_str(), "failed");
        }
    }

    #[test]
    fn messages_and_scores_are_taken() {
        let ruling = CheckerProtocol::Testlib.ruling(&ended(7, "", "points 0.25 nearly\n"));
        assert_eq!(
            ruling,
            Ruling::Partial { score: Some(0.25), message: Some("points 0.25 nearly".to_owned()) }
        );
        let feedback = Collected::Content(b"\nline 3 differs\x1b[31m\nmore".to_vec());
        let ruling = CheckerProtocol::Kattis.ruling(&Outcome { files: vec![feedback], ..ended(43, "", "") });
        let Ruling::Wrong { message: Some(message) } = ruling else { panic!("{ruling:?}") };
        assert!(message.starts_with("line 3 differs") && !message.contains('\x1b'), "{message}");
    }
}
