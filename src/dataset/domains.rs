//! Counts the domains of a file's rows, to name them if no row is code.

use std::path::Path;

use super::{error::DatasetError, reader::Columns, row::RowRules};
use crate::value::escape_bytes;

/// Values that are counted separately. Rows with further values are counted together.
const MAX_VALUES: usize = 20;
/// Bytes of a value that are shown.
const EXCERPT_BYTES: usize = 60;

/// The values of the domain column, each with the number of its rows.
#[derive(Debug, Default)]
pub struct Domains {
    values: Vec<(Option<String>, u64)>,
    /// Rows of further values.
    others: u64,
}

impl Domains {
    pub fn add(&mut self, domain: Option<String>) {
        let has_room = self.values.len() < MAX_VALUES;
        match self.values.iter_mut().find(|(known, _)| *known == domain) {
            Some((_, rows)) => *rows += 1,
            None if has_room => self.values.push((domain, 1)),
            None => self.others += 1,
        }
    }

    /// Each value as it is shown, with its number of rows: the most frequent first, those counted together last.
    pub fn counts(&self) -> impl Iterator<Item = (String, u64)> {
        let mut values: Vec<_> = self.values.iter().collect();
        values.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
        let word = |value: &Option<String>| value.as_deref().map_or_else(|| "null".to_owned(), shown);
        let others = (self.others > 0).then(|| ("others".to_owned(), self.others));
        values.into_iter().map(move |(value, rows)| (word(value), *rows)).chain(others)
    }

    /// The error for a file with rows of which none is code. Without it all rows would be kept and none verified.
    pub fn none_is_code(&self, path: &Path, columns: &Columns, rules: &RowRules) -> DatasetError {
        let asked: Vec<String> = rules.code_domains.iter().map(|domain| shown(domain)).collect();
        let rows = |rows: u64| if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
        let seen: Vec<String> =
            self.counts().map(|(value, count)| format!("{value} ({})", rows(count))).collect();
        let what = format!(
            "no row is code: the column `{}` is nowhere {}, but {}; say what means code by --code-domain VALUE, where \
             it stands by --domain-column NAME, or that all rows are code by --all-code",
            columns.domain.as_deref().unwrap_or(""),
            asked.join(" or "),
            seen.join(", ")
        );
        DatasetError::file(path, what)
    }
}

fn shown(value: &str) -> String {
    format!("\"{}\"", escape_bytes(value.as_bytes(), EXCERPT_BYTES))
}
