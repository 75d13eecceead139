//! The assembling pass: input and journal -> output and verdict table.

use std::path::PathBuf;

use super::{
    error::FilterError, journal::Journal, summary::Summary, target::Target, verdict_table::VerdictTable,
    write_rows::write_rows,
};
use crate::dataset::{Format, Input};

/// Where the results go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outputs {
    pub rows: PathBuf,
    pub rows_format: Format,
    pub verdicts: PathBuf,
    pub verdicts_format: Format,
}

/// Writes both files and gives them their names. Every row below `rows` must be in the journal.
/// `None` if `go_on` answered false; nothing is left under either name then.
pub fn assemble(
    input: &Input,
    journal: &Journal,
    rows: u64,
    outputs: &Outputs,
    go_on: &dyn Fn() -> bool,
) -> Result<Option<Summary>, FilterError> {
    let mut summary = Summary::default();
    let mut kept = Vec::new();
    let mut table = VerdictTable::create(Target::create(&outputs.verdicts)?, outputs.verdicts_format)?;
    for row in 0..rows {
        if !go_on() {
            return Ok(None);
        }
        let Some(record) = journal.record(row)? else {
            return Err(FilterError::Internal(format!("row {row} is not decided")));
        };
        kept.push(record.action.keeps());
        summary.add(&record);
        table.add(record)?;
    }
    let table = table.finish()?;
    let target = Target::create(&outputs.rows)?;
    let Some(kept_rows) = write_rows(input, &kept, target, outputs.rows_format, go_on)? else {
        return Ok(None);
    };
    input.check_unchanged()?;
    journal.mark_assembling()?;
    // The output is last: once it is there, everything is.
    table.publish()?;
    kept_rows.publish()?;
    Ok(Some(summary))
}
