//! Audit of the tests: what many solutions of one problem say about its tests.
//!
//! Rows with the same tests answer one problem. For each row the journal keeps a letter per test and hashes of wrong
//! answers ([`RowAudit`](super::record::RowAudit)). After the last row these are added up by problem ([`TestsAudit`]). Findings are suspicions for
//! a person to look at, never verdicts.
//!
//! Precision comes first. Copies of a solution count once. Solutions that share an answer which many wrong solutions give
//! (`NO`, or nothing) do not count as agreeing. A test that fails every solution is reported only if one of
//! the solutions passes at least half of the tests.
//!
//! Memory: about 250 bytes for each problem, 8 for each of its solutions and 60 for each of its tests that a solution failed, up to
//! `MAX_PROBLEMS` and `MAX_TESTS_KEPT`; problems beyond are counted and left out.

use std::{collections::BTreeMap, fmt, io::Write};

use indicatif::HumanCount;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::record::RowRecord;
use crate::{submission::Solution, verdict::Verdict};

/// Problems that are audited.
const MAX_PROBLEMS: usize = 500_000;
/// Tests, over all problems, of which counts are kept.
const MAX_TESTS_KEPT: usize = 5_000_000;
/// Different solutions of one problem that are remembered, to recognise copies.
const MAX_CODES_OF_PROBLEM: usize = 1_000;
/// Different wrong answers of one test that are counted separately.
const MAX_ANSWERS_OF_TEST: usize = 8;
/// Tests that one finding lists.
const MAX_LISTED: usize = 50;

/// A hash of a solution's words that is the same in every process.
pub fn code_hash(solution: &Solution) -> u64 {
    let mut digest = Sha256::new();
    for word in solution.files.iter().flat_map(|file| file.content.split(u8::is_ascii_whitespace)) {
        if !word.is_empty() {
            digest.update(word);
            digest.update([0]);
        }
    }
    u64::from_le_bytes(digest.finalize()[..8].try_into().expect("a digest of 32 bytes has eight"))
}

/// The sums over all rows.
#[derive(Debug, Default)]
pub struct TestsAudit {
    problems: BTreeMap<String, OfProblem>,
    tests_kept: usize,
    /// Rows whose problem was beyond the bounds.
    left_out: u64,
}

#[derive(Debug, Default)]
struct OfProblem {
    first_row: u64,
    /// Hashes of the different solutions.
    codes: Vec<u64>,
    solutions: u32,
    accepted: u32,
    /// Solutions that pass no test at all.
    hopeless: u32,
    tests_total: u32,
    contradictions: Vec<(u32, u32)>,
    /// Counts of tests that at least one solution failed, or passed near the limit.
    tests: BTreeMap<u32, OfTest>,
}

#[derive(Debug, Default)]
struct OfTest {
    failed: u32,
    /// The part of them by solutions that pass at least half of the tests.
    failed_by_credible: u32,
    slow: u32,
    timed_out: u32,
    answers: Vec<(u64, u32)>,
}

/// What is suspicious about one problem's tests; a line of the audit's file.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Finding<'a> {
    /// The first half of the SHA-256 of its tests' text.
    problem: &'a str,
    first_row: u64,
    /// Number of different solutions; copies count once.
    solutions: u32,
    accepted: u32,
    tests: u32,
    /// None of several solutions passes any test. The problem may just be hard. If the solutions agree on other answers,
    /// the tests are more likely wrong.
    nothing_passes: bool,
    /// Tests that none of several solutions passes, although one of them passes at least half of the tests.
    fail_every_solution: Vec<u32>,
    /// Pairs of tests with the same input and different expected output.
    contradict_each_other: Vec<(u32, u32)>,
    /// Tests at which every solution exceeds the time limit or comes near it. At least one solution must come near it, or
    /// pass half of the tests: otherwise the solutions may all be slow, and the limit right.
    limit_too_tight: Vec<u32>,
    /// Tests at which solutions agree on an answer other than the expected one.
    multi_answer: Vec<Agreement>,
}

/// A test at which solutions give the same answer, which is not the expected one.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Agreement {
    test: u32,
    agreeing: u32,
    accepted: u32,
    /// Number of different wrong answers, as far as they are counted.
    other_answers: u32,
}

impl TestsAudit {
    pub fn add(&mut self, record: &RowRecord) {
        let Some(row) = &record.audit else { return };
        // A run that could not be carried out says nothing about the tests.
        if row.tests.chars().all(|letter| letter == '-') {
            return;
        }
        let is_full = self.problems.len() >= MAX_PROBLEMS || self.tests_kept >= MAX_TESTS_KEPT;
        if is_full && !self.problems.contains_key(&row.problem) {
            self.left_out += 1;
            return;
        }
        let problem = self.problems.entry(row.problem.clone()).or_insert_with(|| OfProblem {
            first_row: record.row,
            tests_total: row.tests.len() as u32,
            contradictions: row.contradictions.clone(),
            ..OfProblem::default()
        });
        // A copy agrees with its original whatever the tests are.
        if problem.codes.contains(&row.code) {
            return;
        }
        if problem.codes.len() < MAX_CODES_OF_PROBLEM {
            problem.codes.push(row.code);
        }
        let is_credible = row.is_credible();
        problem.solutions += 1;
        problem.hopeless += u32::from(!row.tests.contains(['a', 's']));
        problem.accepted += u32::from(record.verdict == Some(Verdict::Accepted));
        let before = problem.tests.len();
        for (test, letter) in (0..).zip(row.tests.bytes()).filter(|(_, letter)| *letter != b'a') {
            let counts = problem.tests.entry(test).or_default();
            counts.slow += u32::from(letter == b's');
            counts.timed_out += u32::from(letter == b't');
            let has_failed = letter != b's' && letter != b'-';
            counts.failed += u32::from(has_failed);
            counts.failed_by_credible += u32::from(has_failed && is_credible);
        }
        for (test, answer) in &row.answers {
            let answers = &mut problem.tests.entry(*test).or_default().answers;
            match answers.iter().position(|(known, _)| known == answer) {
                Some(at) => answers[at].1 += 1,
                None if answers.len() < MAX_ANSWERS_OF_TEST => answers.push((*answer, 1)),
                None => {}
            }
        }
        self.tests_kept += problem.tests.len() - before;
    }

    /// Problems with something suspicious about their tests.
    pub fn findings(&self) -> impl Iterator<Item = Finding<'_>> {
        self.problems.iter().filter_map(|(key, problem)| problem.finding(key))
    }

    pub fn write(&self, to: &mut impl Write) -> std::io::Result<()> {
        for finding in self.findings() {
            serde_json::to_writer(&mut *to, &finding)?;
            to.write_all(b"\n")?;
        }
        Ok(())
    }
}

impl OfProblem {
    fn finding<'a>(&self, key: &'a str) -> Option<Finding<'a>> {
        let solutions = self.solutions;
        let tests_where = |is_suspicious: &dyn Fn(&OfTest) -> bool| -> Vec<u32> {
            let found = self.tests.iter().filter(|(_, test)| solutions > 1 && is_suspicious(test));
            found.map(|(test, _)| *test).take(MAX_LISTED).collect()
        };
        let finding = Finding {
            problem: key,
            first_row: self.first_row,
            solutions,
            accepted: self.accepted,
            tests: self.tests_total,
            nothing_passes: solutions > 1 && self.hopeless == solutions,
            fail_every_solution: tests_where(&|test| test.failed == solutions && test.failed_by_credible > 0),
            contradict_each_other: self.contradictions.clone(),
            limit_too_tight: tests_where(&|test| {
                let is_near = test.slow > 0 || test.failed_by_credible > 0;
                test.timed_out > 0 && test.timed_out + test.slow == solutions && is_near
            }),
            multi_answer: self.agreements().take(MAX_LISTED).collect(),
        };
        let is_clean = !finding.nothing_passes
            && finding.fail_every_solution.is_empty()
            && finding.contradict_each_other.is_empty()
            && finding.limit_too_tight.is_empty()
            && finding.multi_answer.is_empty();
        (!is_clean).then_some(finding)
    }

    /// Tests at which an answer that is not expected is given at least twice, and by as many solutions
    /// as the expected one.
    fn agreements(&self) -> impl Iterator<Item = Agreement> {
        self.tests.iter().filter_map(|(test, counts)| {
            let agreeing = counts.answers.iter().map(|(_, count)| *count).max()?;
            let accepted = self.solutions - counts.failed.min(self.solutions);
            (agreeing >= 2 && agreeing >= accepted).then_some(Agreement {
                test: *test,
                agreeing,
                accepted,
                other_answers: counts.answers.len() as u32,
            })
        })
    }
}

impl fmt::Display for TestsAudit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let findings: Vec<Finding> = self.findings().collect();
        let count = |is_found: &dyn Fn(&Finding) -> bool| {
            HumanCount(findings.iter().filter(|finding| is_found(finding)).count() as u64)
        };
        let several = self.problems.values().filter(|problem| problem.solutions > 1).count();
        writeln!(
            f,
            "\n  tests of {} problems, {} of them with several solutions",
            HumanCount(self.problems.len() as u64),
            HumanCount(several as u64)
        )?;
        for (what, number) in [
            ("no solution passes any test", count(&|found| found.nothing_passes)),
            ("a test fails every solution", count(&|found| !found.fail_every_solution.is_empty())),
            ("tests contradict each other", count(&|found| !found.contradict_each_other.is_empty())),
            ("the time limit may be too tight", count(&|found| !found.limit_too_tight.is_empty())),
            ("solutions agree on another answer", count(&|found| !found.multi_answer.is_empty())),
        ] {
            writeln!(f, "  {what:<38}{:>12}", number.to_string())?;
        }
        match self.left_out {
            0 => Ok(()),
            rows => writeln!(f, "  rows of problems beyond the audit's bound: {}", HumanCount(rows)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::record::{Action, RowAudit, RowKey};

    fn record(row: u64, tests: &str, answers: &[(u32, u64)]) -> RowRecord {
        let audit = RowAudit {
            problem: "p".to_owned(),
            code: row,
            tests: tests.to_owned(),
            answers: answers.to_vec(),
            contradictions: vec![(0, 1)],
        };
        let key = RowKey { row, domain: None, source: None };
        RowRecord { audit: Some(audit), ..RowRecord::not_code(key, Action::Drop) }
    }

    #[test]
    fn suspicious_tests_are_found() {
        let mut audit = TestsAudit::default();
        audit.add(&record(3, "awtsaaw", &[(1, 7), (6, 1)]));
        audit.add(&record(3, "awtsaaw", &[(1, 7), (6, 1)]));
        audit.add(&record(5, "awttaaf", &[(1, 7)]));
        audit.add(&record(6, "-------", &[]));
        let findings: Vec<_> = audit.findings().collect();
        let agreement = Agreement { test: 1, agreeing: 2, accepted: 0, other_answers: 1 };
        let expected = Finding {
            problem: "p",
            first_row: 3,
            solutions: 2,
            accepted: 0,
            tests: 7,
            nothing_passes: false,
            fail_every_solution: vec![1, 2, 6],
            contradict_each_other: vec![(0, 1)],
            limit_too_tight: vec![2, 3],
            multi_answer: vec![agreement],
        };
        assert_eq!(findings, [expected]);
        assert!(audit.to_string().contains("a test fails every solution"));
    }

    /// Number, letters, wrong answers.
    type Row<'a> = (u64, &'a str, &'a [(u32, u64)]);

    fn findings_of(rows: &[Row]) -> Vec<String> {
        let mut audit = TestsAudit::default();
        for (row, tests, answers) in rows {
            let mut record = record(*row, tests, answers);
            record.audit.as_mut().unwrap().contradictions.clear();
            audit.add(&record);
        }
        audit.findings().map(|finding| serde_json::to_string(&finding).unwrap()).collect()
    }

    #[test]
    fn what_weak_solutions_do_accuses_no_test() {
        // Hard for everybody: that is said, and no test is named.
        let [hard] = &findings_of(&[(0, "wtf", &[]), (1, "ttt", &[])])[..] else { panic!("one problem") };
        assert!(
            hard.contains("\"nothing_passes\":true") && hard.contains("\"fail_every_solution\":[]"),
            "{hard}"
        );
        assert!(hard.contains("\"limit_too_tight\":[]"), "{hard}");
        // Each fails where the other passes; both are slow algorithms; the same code twice.
        assert!(findings_of(&[(0, "awaa", &[]), (1, "aawa", &[])]).is_empty());
        assert!(findings_of(&[(0, "attt", &[]), (1, "attt", &[])]).is_empty());
        assert!(findings_of(&[(0, "wa", &[(0, 7)]), (0, "wa", &[(0, 7)])]).is_empty());
        // Two agree, more agree with what is expected.
        assert!(
            findings_of(&[
                (0, "wa", &[(0, 7)]),
                (1, "wa", &[(0, 7)]),
                (2, "aa", &[]),
                (3, "aa", &[]),
                (4, "aa", &[])
            ])
            .is_empty()
        );
    }

    #[test]
    fn one_solution_alone_accuses_no_test() {
        let mut audit = TestsAudit::default();
        let mut alone = record(0, "wt", &[(0, 7)]);
        alone.audit.as_mut().unwrap().contradictions.clear();
        audit.add(&alone);
        assert_eq!(audit.findings().count(), 0);
    }
}
