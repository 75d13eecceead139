//! A data set row -> a submission, or a decision that needs no run.

use super::{
    answer::{self, Wanted},
    problem::Problem,
    reader::RawRow,
    test_cases::{self, TestsError},
};
use crate::{
    judge::Compare,
    limits::Limits,
    submission::{
        CheckerProtocol, JudgeProgram, PROGRAM_LIMITS, Prelude, Program, ProgramIo, Repeat, ShowOutput,
        Solution, Stop, Submission, Tests,
    },
    verdict::{Cause, Verdict},
};

/// How rows become submissions.
#[derive(Debug, Clone)]
pub struct RowRules {
    /// Domains whose rows are code. Not looked at where no domain is read.
    pub code_domains: Vec<String>,
    pub every_row_is_code: bool,
    pub compare: Compare,
    /// Further rules that judge the same runs.
    pub also: Vec<Compare>,
    pub limits: Limits,
    pub stop: Stop,
    pub repeat: Repeat,
    pub audit: Audit,
}

/// Whether rows are grouped by problem, for an audit of the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Audit {
    #[default]
    No,
    ByProblem,
}

/// What is to be done with a row.
#[derive(Debug, Clone)]
pub enum RowWork {
    /// Not code: nothing to verify.
    NotCode,
    /// Decided without a run.
    Decided(Decision),
    /// To be run.
    Verify {
        submission: Box<Submission>,
        /// Which code block was taken, where there was a choice.
        note: Option<String>,
        /// The problem that the row answers, where the rows are audited.
        problem: Option<Problem>,
    },
}

/// A verdict that needs no run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub verdict: Verdict,
    pub cause: Cause,
    /// Number of tests, where they could be read.
    pub total: Option<usize>,
    pub reason: String,
}

impl RowRules {
    /// Decides what a row needs.
    ///
    /// An answer without code is `compile_error` whatever the tests are; an answer with code whose
    /// tests cannot be understood is `undecided`.
    pub fn work(&self, row: RawRow) -> RowWork {
        if !self.is_code(row.domain.as_deref()) {
            return RowWork::NotCode;
        }
        if let Some(column) = &row.not_unicode {
            let reason = format!("field `{column}` is not Unicode text (a lone surrogate)");
            return decided(Verdict::Undecided, Cause::BadTests, None, reason);
        }
        let tests = match &row.tests {
            None => Err(TestsError::Bad("test_cases is null".to_owned())),
            Some(text) => test_cases::parse_tests(text),
        };
        let total = tests.as_ref().ok().map(Tests::len);
        let problem = match (self.audit, &tests) {
            (Audit::ByProblem, Ok(tests)) => Some(Problem::of(
                row.tests.as_deref().unwrap_or(""),
                tests,
                self.compare,
                row.checker.as_deref(),
            )),
            _ => None,
        };
        let extracted = match answer::extract(row.answer.as_deref().unwrap_or(""), wanted(&tests)) {
            Ok(extracted) => extracted,
            Err(no_code) => {
                return decided(Verdict::CompileError, Cause::NoCode, total, no_code.to_string());
            }
        };
        let note = extracted.note();
        match tests {
            Err(TestsError::Bad(reason)) => decided(Verdict::Undecided, Cause::BadTests, None, reason),
            Err(TestsError::Unsupported(what)) => {
                decided(Verdict::Undecided, Cause::Unsupported, None, format!("not supported: {what}"))
            }
            Ok(tests) => {
                let judge = match (row.checker.filter(|source| !source.trim().is_empty()), &tests) {
                    (None, _) => None,
                    (Some(source), Tests::Program(_)) => Some(checker(source)),
                    (Some(_), _) => {
                        let reason = "not supported: a checker beside a function's tests".to_owned();
                        return decided(Verdict::Undecided, Cause::Unsupported, total, reason);
                    }
                };
                let submission = self.submission(row.index, extracted.code, tests);
                let submission = Box::new(Submission { judge, ..submission });
                RowWork::Verify { submission, note, problem }
            }
        }
    }

    /// Whether rows of this domain are code.
    pub fn is_code(&self, domain: Option<&str>) -> bool {
        self.every_row_is_code
            || domain.is_some_and(|domain| self.code_domains.iter().any(|code| code == domain))
    }

    fn submission(&self, index: u64, code: String, tests: Tests) -> Submission {
        Submission {
            id: Some(format!("row {index}").into()),
            compare: self.compare,
            io: ProgramIo::default(),
            judge: None,
            reference: None,
            also: self.also.clone(),
            limits: self.limits,
            stop: self.stop,
            repeat: self.repeat,
            // The data sets' own judges accepted the answers with these names in scope.
            prelude: Prelude::Contest,
            show_output: ShowOutput::Never,
            ..Submission::new("python", Solution::single("main.py", code), tests)
        }
    }
}

/// A checker as in open-r1/codeforces: a Python program whose arguments name the files of input, answer and output.
fn checker(source: String) -> JudgeProgram {
    let solution = Solution::single("checker.py", source);
    JudgeProgram::Checker {
        program: Program { language: "python".to_owned(), solution },
        protocol: CheckerProtocol::OpenR1,
        limits: PROGRAM_LIMITS,
    }
}

fn decided(verdict: Verdict, cause: Cause, total: Option<usize>, reason: String) -> RowWork {
    RowWork::Decided(Decision { verdict, cause, total, reason })
}

fn wanted(tests: &Result<Tests, TestsError>) -> Wanted<'_> {
    match tests {
        Ok(Tests::Function { target, .. }) => Wanted::Function(&target.name),
        Ok(Tests::Program(tests)) => {
            Wanted::Program { reads_input: tests.iter().any(|test| !test.stdin.trim_ascii().is_empty()) }
        }
        // No data set that is read here has tests of code so far.
        Ok(Tests::Code(_)) | Err(_) => Wanted::Unknown,
    }
}
