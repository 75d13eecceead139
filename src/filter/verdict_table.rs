//! The verdict table: one line for every row of the input, in order.

use std::{io::Write, sync::Arc};

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};
use serde::Serialize;

use super::{
    error::FilterError,
    record::RowRecord,
    target::{Finished, Target},
};
use crate::{
    dataset::Format,
    judge::Compare,
    verdict::{Cause, Verdict},
};

/// Records held in memory before they are written.
const BATCH_ROWS: usize = 4_096;

/// Writes the verdict table as parquet or JSONL.
pub struct VerdictTable {
    sink: Sink,
    columns: Columns,
    records: Vec<RowRecord>,
}

enum Sink {
    Parquet(Box<ArrowWriter<Target>>, std::path::PathBuf),
    Jsonl(Target),
}

/// A line of the JSONL form. It has the columns of the parquet form, and nulls are written out.
#[derive(Serialize)]
struct VerdictLine<'a> {
    row: u64,
    domain: Option<&'a str>,
    action: &'static str,
    verdict: Option<&'static str>,
    cause: Option<&'static str>,
    passed: Option<u64>,
    total: Option<u64>,
    first_failing_test: Option<u64>,
    cpu_ms: Option<f64>,
    reason: Option<&'a str>,
    #[serde(flatten)]
    also: serde_json::Map<String, serde_json::Value>,
}

/// The table's columns. Each further judge adds one.
struct Columns {
    also: Vec<String>,
    schema: SchemaRef,
}

impl Columns {
    fn with(also: &[Compare]) -> Columns {
        let also: Vec<String> = also.iter().map(|compare| column_name(*compare)).collect();
        let schema = schema(&also);
        Columns { also, schema }
    }
}

/// `verdict_openthoughts_bug_compatible`: a name that needs no quotes in SQL.
pub fn column_name(compare: Compare) -> String {
    let word = |character: char| if character.is_ascii_alphanumeric() { character } else { '_' };
    format!("verdict_{}", compare.to_string().chars().map(word).collect::<String>())
}

/// Verdicts of the further judges, followed by endless `None`: a row that is not code has no verdicts.
fn other_verdicts(record: &RowRecord) -> impl Iterator<Item = Option<&'static str>> {
    let words = record.also.iter().map(|word| word.verdict.map(Verdict::as_str));
    words.chain(std::iter::repeat(None))
}

impl VerdictTable {
    /// `also` are the further judges. Each has a column.
    pub fn create(target: Target, format: Format, also: &[Compare]) -> Result<VerdictTable, FilterError> {
        let columns = Columns::with(also);
        let sink = match format {
            Format::Jsonl => Sink::Jsonl(target),
            Format::Parquet => {
                let path = target.destination().to_owned();
                let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
                let writer = ArrowWriter::try_new(target, Arc::clone(&columns.schema), Some(properties))
                    .map_err(|error| FilterError::file(&path, format!("cannot write: {error}")))?;
                Sink::Parquet(Box::new(writer), path)
            }
        };
        Ok(VerdictTable { sink, columns, records: Vec::new() })
    }

    pub fn add(&mut self, record: RowRecord) -> Result<(), FilterError> {
        self.records.push(record);
        if self.records.len() == BATCH_ROWS { self.write_batch() } else { Ok(()) }
    }

    pub fn finish(mut self) -> Result<Finished, FilterError> {
        self.write_batch()?;
        match self.sink {
            Sink::Jsonl(target) => target.finish(),
            Sink::Parquet(writer, path) => writer
                .into_inner()
                .map_err(|error| FilterError::file(&path, format!("cannot write: {error}")))?
                .finish(),
        }
    }

    fn write_batch(&mut self) -> Result<(), FilterError> {
        match &mut self.sink {
            Sink::Jsonl(target) => write_lines(target, &self.columns, &self.records)
                .map_err(|error| FilterError::io(target.destination(), "cannot write", &error))?,
            Sink::Parquet(writer, path) => batch(&self.columns, &self.records)
                .map_err(|error| error.to_string())
                .and_then(|batch| writer.write(&batch).map_err(|error| error.to_string()))
                .map_err(|error| FilterError::file(path, format!("cannot write: {error}")))?,
        }
        self.records.clear();
        Ok(())
    }
}

fn write_lines(target: &mut Target, columns: &Columns, records: &[RowRecord]) -> std::io::Result<()> {
    for record in records {
        let line = VerdictLine {
            row: record.row,
            domain: record.domain.as_deref(),
            action: record.action.as_str(),
            verdict: record.verdict.map(Verdict::as_str),
            cause: record.cause.map(Cause::as_str),
            passed: record.passed,
            total: record.total,
            first_failing_test: record.first_failing_test,
            cpu_ms: record.cpu_ms,
            reason: record.reason.as_deref(),
            also: columns
                .also
                .iter()
                .cloned()
                .zip(other_verdicts(record).map(serde_json::Value::from))
                .collect(),
        };
        serde_json::to_writer(&mut *target, &line)?;
        target.write_all(b"\n")?;
    }
    Ok(())
}

fn schema(also: &[String]) -> SchemaRef {
    let field = |name: &str, data_type: DataType, nullable: bool| Field::new(name, data_type, nullable);
    let own = vec![
        field("row", DataType::Int64, false),
        field("domain", DataType::Utf8, true),
        field("action", DataType::Utf8, false),
        field("verdict", DataType::Utf8, true),
        field("cause", DataType::Utf8, true),
        field("passed", DataType::Int64, true),
        field("total", DataType::Int64, true),
        field("first_failing_test", DataType::Int64, true),
        field("cpu_ms", DataType::Float64, true),
        field("reason", DataType::Utf8, true),
    ];
    let also = also.iter().map(|name| field(name, DataType::Utf8, true));
    Arc::new(Schema::new(own.into_iter().chain(also).collect::<Vec<_>>()))
}

fn batch(columns: &Columns, records: &[RowRecord]) -> Result<RecordBatch, arrow_schema::ArrowError> {
    fn text<'a>(records: &'a [RowRecord], of: impl Fn(&'a RowRecord) -> Option<&'a str>) -> ArrayRef {
        Arc::new(records.iter().map(of).collect::<StringArray>())
    }
    fn number(records: &[RowRecord], of: impl Fn(&RowRecord) -> Option<u64>) -> ArrayRef {
        Arc::new(records.iter().map(|record| of(record).map(|n| n as i64)).collect::<Int64Array>())
    }
    let cpu: Float64Array = records.iter().map(|record| record.cpu_ms).collect();
    let mut arrays = vec![
        number(records, |record| Some(record.row)),
        text(records, |record| record.domain.as_deref()),
        text(records, |record| Some(record.action.as_str())),
        text(records, |record| record.verdict.map(Verdict::as_str)),
        text(records, |record| record.cause.map(Cause::as_str)),
        number(records, |record| record.passed),
        number(records, |record| record.total),
        number(records, |record| record.first_failing_test),
        Arc::new(cpu),
        text(records, |record| record.reason.as_deref()),
    ];
    for at in 0..columns.also.len() {
        arrays.push(text(records, |record| other_verdicts(record).nth(at).flatten()));
    }
    RecordBatch::try_new(Arc::clone(&columns.schema), arrays)
}
