//! Rows on which another judge differs: their list and their count by kind.

use std::{collections::BTreeMap, fmt, io::Write};

use indicatif::HumanCount;
use serde::Serialize;

use super::record::RowRecord;
use crate::{judge::Compare, verdict::Verdict};

/// Counts of differences, by judge and kind.
#[derive(Debug, Default)]
pub struct Differences {
    judges: Vec<String>,
    /// Rows that were code.
    code_rows: u64,
    kinds: BTreeMap<(usize, String), u64>,
}

/// A row on which a judge differs; a line of the list.
#[derive(Debug, Serialize)]
struct DifferenceLine<'a> {
    row: u64,
    source: Option<&'a str>,
    compared_with: &'a str,
    difference: &'a str,
    verdict: Option<&'static str>,
    other_verdict: Option<&'static str>,
    first_failing_test: Option<u64>,
    /// The test that decided for the other judge, if one did.
    other_test: Option<u64>,
    reason: Option<&'a str>,
    other_reason: Option<&'a str>,
}

impl Differences {
    pub fn with(judges: &[Compare]) -> Differences {
        Differences { judges: judges.iter().map(Compare::to_string).collect(), ..Differences::default() }
    }

    /// Counts a row's differences, and writes a line for each where there is a list.
    pub fn add(&mut self, record: &RowRecord, list: Option<&mut impl Write>) -> std::io::Result<()> {
        self.code_rows += u64::from(record.verdict.is_some());
        let mut list = list;
        for (index, (word, judge)) in record.also.iter().zip(&self.judges).enumerate() {
            let Some(difference) = record.difference(word) else { continue };
            if let Some(list) = list.as_mut() {
                let line = DifferenceLine {
                    row: record.row,
                    source: record.source.as_deref(),
                    compared_with: judge,
                    difference: &difference,
                    verdict: record.verdict.map(Verdict::as_str),
                    other_verdict: word.verdict.map(Verdict::as_str),
                    first_failing_test: record.first_failing_test,
                    other_test: word.test,
                    reason: record.reason.as_deref(),
                    other_reason: word.message.as_deref(),
                };
                serde_json::to_writer(&mut **list, &line)?;
                list.write_all(b"\n")?;
            }
            *self.kinds.entry((index, difference)).or_default() += 1;
        }
        Ok(())
    }

    /// Number of rows on which judge number `judge` differs.
    pub fn rows(&self, judge: usize) -> u64 {
        self.kinds.iter().filter(|((index, _), _)| *index == judge).map(|(_, count)| count).sum()
    }
}

impl fmt::Display for Differences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, judge) in self.judges.iter().enumerate() {
            let rows = HumanCount(self.rows(index));
            writeln!(f, "\n  {judge} differs on {rows} of {} code rows", HumanCount(self.code_rows))?;
            for ((_, kind), count) in self.kinds.iter().filter(|((of, _), _)| *of == index) {
                writeln!(f, "  {kind:<38}{:>12}", HumanCount(*count).to_string())?;
            }
        }
        Ok(())
    }
}
