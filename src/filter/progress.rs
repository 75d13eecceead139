//! Progress of a job for a person: a bar on a terminal, plain lines elsewhere.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::record::RowRecord;
use crate::verdict::Verdict;

/// How often a plain line is written.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Progress of the verifying pass.
pub struct Progress {
    shown: Shown,
    total_rows: u64,
    /// Rows decided by earlier processes of the same job.
    before: u64,
    now: u64,
    code: u64,
    accepted: u64,
    begun: Instant,
}

enum Shown {
    Bar(ProgressBar),
    Lines { last: Instant },
    Nothing,
}

impl Progress {
    /// Shows progress on standard error: a bar if that is a terminal, plain lines otherwise.
    pub fn on_stderr(total_rows: u64, before: u64) -> Progress {
        let shown = if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(total_rows);
            let template = "{bar:24.cyan/dim} {human_pos}/{human_len} rows  {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━╸─"));
            }
            bar.set_position(before);
            Shown::Bar(bar)
        } else {
            Shown::Lines { last: Instant::now() }
        };
        Progress::new(shown, total_rows, before)
    }

    pub fn silent() -> Progress {
        Progress::new(Shown::Nothing, 0, 0)
    }

    fn new(shown: Shown, total_rows: u64, before: u64) -> Progress {
        Progress { shown, total_rows, before, now: 0, code: 0, accepted: 0, begun: Instant::now() }
    }

    /// A row was decided.
    pub fn decided(&mut self, record: &RowRecord) {
        self.now += 1;
        self.code += u64::from(record.verdict.is_some());
        self.accepted += u64::from(record.verdict == Some(Verdict::Accepted));
        if let Shown::Bar(bar) = &self.shown {
            bar.set_position(self.before + self.now);
            bar.set_message(self.rates());
        }
        self.tick();
    }

    /// Time passed: writes a plain line if one is due.
    pub fn tick(&mut self) {
        match &mut self.shown {
            Shown::Bar(bar) => bar.tick(),
            Shown::Lines { last } if last.elapsed() >= LINE_EVERY => {
                *last = Instant::now();
                let done = self.before + self.now;
                let (done, total) = (HumanCount(done), HumanCount(self.total_rows));
                // Nobody may be listening; the work goes on.
                let _ = writeln!(std::io::stderr(), "{done}/{total} rows  {}", self.rates());
            }
            Shown::Lines { .. } | Shown::Nothing => {}
        }
    }

    /// Removes the bar before other output follows.
    pub fn finish(self) {
        if let Shown::Bar(bar) = self.shown {
            bar.finish_and_clear();
        }
    }

    fn rates(&self) -> String {
        let seconds = self.begun.elapsed().as_secs_f64().max(0.001);
        let per_second = self.now as f64 / seconds;
        let left = self.total_rows.saturating_sub(self.before + self.now);
        let accepted = match self.code {
            0 => String::new(),
            code => format!("  {:.0}% accepted", 100.0 * self.accepted as f64 / code as f64),
        };
        let remaining = match per_second {
            rate if rate > 0.0 => duration_words(Duration::from_secs_f64((left as f64 / rate).min(1e9))),
            _ => "?".to_owned(),
        };
        format!("{per_second:.1}/s  {remaining} left{accepted}")
    }
}

/// `4.2s`, `3m 05s`, `2h 40m`, `3d 04h`.
pub fn duration_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{:.1}s", duration.as_secs_f64()),
        60..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d {:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let words = |seconds: f64| duration_words(Duration::from_secs_f64(seconds));
        assert_eq!(words(4.24), "4.2s");
        assert_eq!(words(185.0), "3m 05s");
        assert_eq!(words(9_600.0), "2h 40m");
        assert_eq!(words(273_600.0), "3d 04h");
    }
}
