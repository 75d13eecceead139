//! The assembling pass: input and journal -> output and verdict table.

use std::path::{Path, PathBuf};

use super::{
    audit::TestsAudit,
    difference::Differences,
    error::FilterError,
    journal::Journal,
    summary::Summary,
    target::{Finished, Target},
    verdict_table::VerdictTable,
    write_rows::write_rows,
};
use crate::{
    dataset::{Format, Input},
    judge::Compare,
};

/// Where the results go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outputs {
    pub rows: PathBuf,
    pub rows_format: Format,
    pub verdicts: PathBuf,
    pub verdicts_format: Format,
    /// The list of the rows on which other judges differ, JSONL.
    pub differences: Option<PathBuf>,
    /// What an audit of the tests finds, JSONL.
    pub audit: Option<PathBuf>,
}

impl Outputs {
    /// Every file that is written, and what it is to a person.
    pub fn paths(&self) -> Vec<(&Path, &'static str)> {
        let further = [(&self.differences, "the list of differences"), (&self.audit, "the audit")];
        let further = further.into_iter().filter_map(|(path, what)| Some((path.as_deref()?, what)));
        [(self.rows.as_path(), "the output"), (self.verdicts.as_path(), "the verdict table")]
            .into_iter()
            .chain(further)
            .collect()
    }
}

/// Writes all files and gives them their names. Every row below `rows` must be in the journal.
/// `None` if `go_on` returned false; no file appears then.
pub fn assemble(
    input: &Input,
    journal: &Journal,
    rows: u64,
    outputs: &Outputs,
    also: &[Compare],
    go_on: &dyn Fn() -> bool,
) -> Result<Option<Summary>, FilterError> {
    let mut summary = Summary::default();
    summary.differences = Differences::with(also);
    summary.audit = outputs.audit.as_ref().map(|_| TestsAudit::default());
    let mut list = outputs.differences.as_deref().map(Target::create).transpose()?;
    let mut kept = Vec::new();
    let mut table = VerdictTable::create(Target::create(&outputs.verdicts)?, outputs.verdicts_format, also)?;
    for row in 0..rows {
        if !go_on() {
            return Ok(None);
        }
        let Some(record) = journal.record(row)? else {
            return Err(FilterError::Internal(format!("row {row} is not decided")));
        };
        kept.push(record.action.keeps());
        summary.add(&record);
        if let Err(error) = summary.differences.add(&record, list.as_mut()) {
            return Err(FilterError::io(&outputs.rows, "cannot write the differences", &error));
        }
        if let Some(audit) = &mut summary.audit {
            audit.add(&record);
        }
        table.add(record)?;
    }
    let table = table.finish()?;
    let list = list.map(Target::finish).transpose()?;
    let audit = match (&summary.audit, &outputs.audit) {
        (Some(audit), Some(path)) => Some(write_audit(audit, Target::create(path)?)?),
        _ => None,
    };
    let target = Target::create(&outputs.rows)?;
    let Some(kept_rows) = write_rows(input, &kept, target, outputs.rows_format, go_on)? else {
        return Ok(None);
    };
    input.check_unchanged()?;
    journal.mark_assembling()?;
    // The output comes last: if it exists, all files do.
    table.publish()?;
    list.into_iter().chain(audit).try_for_each(Finished::publish)?;
    kept_rows.publish()?;
    Ok(Some(summary))
}

fn write_audit(audit: &TestsAudit, mut target: Target) -> Result<Finished, FilterError> {
    let written = audit.write(&mut target);
    written.map_err(|error| FilterError::io(target.destination(), "cannot write", &error))?;
    target.finish()
}
