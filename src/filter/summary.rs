//! The closing summary of a job: what became of the rows, by verdict and by source.

use std::{collections::BTreeMap, fmt, time::Duration};

use indicatif::HumanCount;

use super::{
    audit::TestsAudit,
    difference::Differences,
    progress::duration_words,
    record::{Action, RowRecord},
};
use crate::{
    dataset::domains::Domains,
    verdict::{Cause, Verdict},
};

/// Counts over all rows of a job.
#[derive(Debug, Default)]
pub struct Summary {
    pub rows: u64,
    pub kept: u64,
    pub dropped: u64,
    pub passed_through: u64,
    /// Rows without a verdict because proofbox failed.
    pub undecided_by_us: u64,
    pub cpu_ms: f64,
    verdicts: BTreeMap<(usize, &'static str), u64>,
    sources: BTreeMap<String, SourceCounts>,
    /// Domains of the rows that are not code.
    not_code: Domains,
    /// Differences of other judges, if any were asked.
    pub differences: Differences,
    /// Findings about the tests, if they were audited.
    pub audit: Option<TestsAudit>,
}

#[derive(Debug, Default, Clone, Copy)]
struct SourceCounts {
    rows: u64,
    code: u64,
    accepted: u64,
}

/// Sources that are counted separately. Sources met later are counted together.
const MAX_SOURCES: usize = 40;
const OTHER_SOURCES: &str = "(other sources)";

impl Summary {
    pub fn add(&mut self, record: &RowRecord) {
        self.rows += 1;
        match record.action {
            Action::Keep => self.kept += 1,
            Action::Drop => self.dropped += 1,
            Action::PassThrough => self.passed_through += 1,
        }
        self.undecided_by_us += u64::from(record.is_our_fault());
        self.cpu_ms += record.cpu_ms.unwrap_or(0.0);
        if let Some(verdict) = record.verdict {
            let order = Verdict::ALL.iter().position(|other| *other == verdict).unwrap_or(0);
            let cause = record.cause.map_or("", Cause::as_str);
            *self.verdicts.entry((order, cause)).or_default() += 1;
        } else {
            self.not_code.add(record.domain.clone());
        }
        let mut name = record.source.as_deref().unwrap_or("(none)");
        if self.sources.len() >= MAX_SOURCES && !self.sources.contains_key(name) {
            name = OTHER_SOURCES;
        }
        let source = self.sources.entry(name.to_owned()).or_default();
        source.rows += 1;
        source.code += u64::from(record.verdict.is_some());
        source.accepted += u64::from(record.verdict == Some(Verdict::Accepted));
    }

    /// Rows that were code.
    pub fn code_rows(&self) -> u64 {
        self.verdicts.values().sum()
    }

    /// The summary as text, at most 80 columns wide. `took` is this process's wall time.
    pub fn display(&self, took: Duration) -> impl fmt::Display {
        Display { summary: self, took }
    }
}

struct Display<'a> {
    summary: &'a Summary,
    took: Duration,
}

impl fmt::Display for Display<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { rows, kept, dropped, passed_through, cpu_ms, .. } = *self.summary;
        let cpu = duration_words(Duration::from_secs_f64(cpu_ms / 1000.0));
        writeln!(
            f,
            "{} rows: {} kept, {} dropped, {} passed through",
            HumanCount(rows),
            HumanCount(kept),
            HumanCount(dropped),
            HumanCount(passed_through)
        )?;
        writeln!(f, "{} of wall time, {cpu} of CPU in tests", duration_words(self.took))?;
        self.verdicts(f)?;
        self.not_code(f)?;
        self.sources(f)?;
        self.summary.differences.fmt(f)?;
        if let Some(audit) = &self.summary.audit {
            audit.fmt(f)?;
        }
        match self.summary.undecided_by_us {
            0 => Ok(()),
            count => writeln!(
                f,
                "\nWARNING: {} rows could not be decided through a fault of ours, and were dropped.\n\
                 Their cause and reason stand in the verdict table.",
                HumanCount(count)
            ),
        }
    }
}

impl Display<'_> {
    fn verdicts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.summary.code_rows();
        if code == 0 {
            return Ok(());
        }
        writeln!(f, "\n  {:<38}{:>12}{:>9}", "verdict", "rows", "share")?;
        for ((order, cause), count) in &self.summary.verdicts {
            let verdict = Verdict::ALL[*order].as_str();
            let name = if cause.is_empty() { verdict.to_owned() } else { format!("{verdict} ({cause})") };
            writeln!(f, "  {name:<38}{:>12}{:>9}", HumanCount(*count).to_string(), percent(*count, code))?;
        }
        Ok(())
    }

    fn not_code(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (domain, rows)) in self.summary.not_code.counts().enumerate() {
            if at == 0 {
                writeln!(f, "\n  {:<38}{:>12}", "domain, not verified", "rows")?;
            }
            writeln!(f, "  {:<38}{:>12}", shortened(&domain, 37), HumanCount(rows).to_string())?;
        }
        Ok(())
    }

    fn sources(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n  {:<26}{:>12}{:>12}{:>12}{:>9}", "source", "rows", "code", "accepted", "share")?;
        for (name, counts) in &self.summary.sources {
            let name = shortened(name, 25);
            let [rows, code, accepted] =
                [counts.rows, counts.code, counts.accepted].map(|count| HumanCount(count).to_string());
            let share = if counts.code == 0 { "-".to_owned() } else { percent(counts.accepted, counts.code) };
            writeln!(f, "  {name:<26}{rows:>12}{code:>12}{accepted:>12}{share:>9}")?;
        }
        Ok(())
    }
}

fn shortened(name: &str, chars: usize) -> String {
    let clean: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match clean.chars().count() {
        length if length <= chars => clean,
        _ => clean.chars().take(chars - 1).chain(['…']).collect(),
    }
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.1}%", 100.0 * part as f64 / whole.max(1) as f64)
}
