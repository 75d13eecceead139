//! The protocols of checkers and interactors, by name.

use std::{fmt, str::FromStr};

/// How a checker is called and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckerProtocol {
    /// Programs written with Mike Mirzayanov's testlib, as Codeforces uses them.
    Testlib,
    /// Output validators of the ICPC and Kattis problem package formats.
    Kattis,
    /// The Python checkers of the data set open-r1/codeforces (`generated_checker`).
    OpenR1,
}

impl CheckerProtocol {
    pub const ALL: [CheckerProtocol; 3] =
        [CheckerProtocol::Testlib, CheckerProtocol::Kattis, CheckerProtocol::OpenR1];

    pub fn as_str(self) -> &'static str {
        match self {
            CheckerProtocol::Testlib => "testlib",
            CheckerProtocol::Kattis => "kattis",
            CheckerProtocol::OpenR1 => "open-r1",
        }
    }

    /// Whether a program of this protocol can converse with a solution.
    pub fn is_interactive(self) -> bool {
        self != CheckerProtocol::OpenR1
    }
}

impl fmt::Display for CheckerProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for CheckerProtocol {
    type Err = String;

    fn from_str(text: &str) -> Result<CheckerProtocol, String> {
        CheckerProtocol::ALL.into_iter().find(|protocol| protocol.as_str() == text).ok_or_else(|| {
            let known: Vec<&str> = CheckerProtocol::ALL.iter().map(|protocol| protocol.as_str()).collect();
            format!("{text:?} is no checker protocol; give one of {}", known.join(", "))
        })
    }
}
