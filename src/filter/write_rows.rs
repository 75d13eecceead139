//! Writing the kept rows: unchanged, in any of the four pairs of formats.

use std::{fmt::Display, path::Path, sync::Arc};

use arrow_array::{BooleanArray, RecordBatch};
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::filter::filter_record_batch;
use parquet::{
    arrow::{
        ArrowWriter,
        arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
        arrow_writer::ArrowWriterOptions,
    },
    basic::{Compression, Type},
    file::properties::{WriterProperties, WriterPropertiesBuilder},
};

use super::{
    error::FilterError,
    target::{Finished, Target},
};
use crate::dataset::{
    DatasetError, Format, Input,
    jsonl::{LinePlace, Lines},
};

/// Rows read at once from a parquet file, whole.
const BATCH_ROWS: usize = 64;

/// Encoded bytes of a row group being written, which stay in memory until it is full.
const MAX_ROW_GROUP_BYTES: usize = 128 << 20;

/// Writes the rows of `input` for which `kept` is true. `None` if `go_on` answered false.
pub fn write_rows(
    input: &Input,
    kept: &[bool],
    mut target: Target,
    format: Format,
    go_on: &dyn Fn() -> bool,
) -> Result<Option<Finished>, FilterError> {
    let rows = KeptRows { input, kept, go_on };
    let done = match (input.format(), format) {
        (Format::Jsonl, Format::Jsonl) => copy_lines(&rows, &mut target)?,
        (Format::Parquet, Format::Parquet) => parquet_to_parquet(&rows, &mut target)?,
        (Format::Parquet, Format::Jsonl) => parquet_to_jsonl(&rows, &mut target)?,
        (Format::Jsonl, Format::Parquet) => jsonl_to_parquet(&rows, &mut target)?,
    };
    if done { target.finish().map(Some) } else { Ok(None) }
}

fn cannot_write(path: &Path) -> impl Fn(&dyn Display) -> FilterError + use<> {
    let path = path.to_owned();
    move |error| FilterError::file(&path, format!("cannot write: {error}"))
}

/// The rows to write, read once more.
struct KeptRows<'a> {
    input: &'a Input,
    kept: &'a [bool],
    go_on: &'a dyn Fn() -> bool,
}

impl KeptRows<'_> {
    fn is_kept(&self, row: usize) -> bool {
        self.kept.get(row).copied().unwrap_or(false)
    }

    /// Checks that the second reading finds as many rows as the first.
    fn check_count(&self, found: usize) -> Result<(), FilterError> {
        if found == self.kept.len() {
            return Ok(());
        }
        let what = format!("{found} rows at the second reading, {} at the first", self.kept.len());
        Err(DatasetError::file(self.input.path(), what).into())
    }

    /// Calls `hand_on` for each kept line, with `lines` at that line. `false` if told to stop.
    fn each_line(
        &self,
        mut hand_on: impl FnMut(&mut Lines) -> Result<(), FilterError>,
    ) -> Result<bool, FilterError> {
        let mut lines = Lines::new(self.input.path(), self.input.reopen()?);
        let mut row = 0;
        while lines.advance()?.is_some() {
            if !(self.go_on)() {
                return Ok(false);
            }
            if self.is_kept(row) {
                hand_on(&mut lines)?;
            }
            row += 1;
        }
        self.check_count(row).map(|()| true)
    }

    /// Calls `hand_on` with the kept rows of each batch of a parquet file. `false` if told to stop.
    fn each_batch(
        &self,
        metadata: ArrowReaderMetadata,
        mut hand_on: impl FnMut(&RecordBatch) -> Result<(), FilterError>,
    ) -> Result<bool, FilterError> {
        let failed = |row: usize, error: &dyn Display| {
            let place = format_args!("rows from {row}");
            FilterError::from(DatasetError::at(self.input.path(), place, error.to_string()))
        };
        let batches = ParquetRecordBatchReaderBuilder::new_with_metadata(self.input.reopen()?, metadata)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|error| failed(0, &error))?;
        let mut row = 0;
        for batch in batches {
            if !(self.go_on)() {
                return Ok(false);
            }
            let batch = batch.map_err(|error| failed(row, &error))?;
            let rows = row..row + batch.num_rows();
            let mask: BooleanArray = rows.map(|row| Some(self.is_kept(row))).collect();
            row += batch.num_rows();
            let filtered = filter_record_batch(&batch, &mask).map_err(|error| failed(row, &error))?;
            if filtered.num_rows() > 0 {
                hand_on(&filtered)?;
            }
        }
        self.check_count(row).map(|()| true)
    }
}

fn copy_lines(rows: &KeptRows<'_>, target: &mut Target) -> Result<bool, FilterError> {
    use std::io::Write;
    let path = target.destination().to_owned();
    rows.each_line(|lines| {
        target.write_all(lines.line()).map_err(|error| FilterError::io(&path, "cannot write", &error))
    })
}

fn parquet_to_parquet(rows: &KeptRows<'_>, target: &mut Target) -> Result<bool, FilterError> {
    let metadata = rows.input.parquet_metadata(ArrowReaderOptions::new())?;
    let failed = cannot_write(target.destination());
    // The parquet schema and the key-value pairs, with the embedded Arrow schema, are copied from the input. Deriving them
    // anew could change them.
    let options = ArrowWriterOptions::new()
        .with_properties(same_properties(rows.input, &metadata)?)
        .with_parquet_schema(metadata.parquet_schema().clone())
        .with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(target, Arc::clone(metadata.schema()), options)
        .map_err(|error| failed(&error))?;
    let done = rows.each_batch(metadata, |batch| writer.write(batch).map_err(|error| failed(&error)))?;
    if done {
        writer.close().map_err(|error| failed(&error))?;
    }
    Ok(done)
}

fn parquet_to_jsonl(rows: &KeptRows<'_>, target: &mut Target) -> Result<bool, FilterError> {
    let metadata = rows.input.parquet_metadata(ArrowReaderOptions::new())?;
    let failed = cannot_write(target.destination());
    let mut writer = arrow_json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, arrow_json::writer::LineDelimited>(target);
    let done = rows.each_batch(metadata, |batch| writer.write(batch).map_err(|error| failed(&error)))?;
    if done {
        writer.finish().map_err(|error| failed(&error))?;
    }
    Ok(done)
}

fn jsonl_to_parquet(rows: &KeptRows<'_>, target: &mut Target) -> Result<bool, FilterError> {
    let Some(schema) = infer_schema(rows.input, rows.go_on)? else { return Ok(false) };
    let failed = cannot_write(target.destination());
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_bytes(Some(MAX_ROW_GROUP_BYTES))
        .build();
    let mut writer = ArrowWriter::try_new(target, Arc::clone(&schema), Some(properties))
        .map_err(|error| failed(&error))?;
    let mut decoder = arrow_json::ReaderBuilder::new(schema)
        .with_batch_size(BATCH_ROWS)
        .build_decoder()
        .map_err(|error| failed(&error))?;
    let mut write_batch = |batch: Result<Option<RecordBatch>, DatasetError>| match batch? {
        Some(batch) => writer.write(&batch).map_err(|error| failed(&error)),
        None => Ok(()),
    };
    // The error does not say which row of the batch is wrong.
    let one_of = |error: ArrowError| format!("this row or one of the {BATCH_ROWS} kept before it: {error}");
    let mut place = LinePlace::default();
    let done = rows.each_line(|lines| {
        place = lines.place();
        decoder.decode(lines.json()).map_err(|error| lines.error(error.to_string()))?;
        match decoder.len() {
            BATCH_ROWS => write_batch(decoder.flush().map_err(|error| lines.error(one_of(error)))),
            _ => Ok(()),
        }
    })?;
    if done {
        let last = |error| DatasetError::at(rows.input.path(), place, one_of(error));
        write_batch(decoder.flush().map_err(last))?;
        writer.close().map_err(|error| failed(&error))?;
    }
    Ok(done)
}

/// Compression, row group size and key-value pairs of the input.
fn same_properties(input: &Input, metadata: &ArrowReaderMetadata) -> Result<WriterProperties, FilterError> {
    let file = metadata.metadata();
    let columns = metadata.parquet_schema().columns();
    if let Some(column) = columns.iter().find(|column| column.physical_type() == Type::INT96) {
        // Writing would change the type of the values, and perhaps their range.
        let what = "its physical type INT96 is deprecated and cannot be written; write JSONL instead";
        return Err(DatasetError::at(input.path(), format_args!("column `{}`", column.path()), what).into());
    }
    let rows = file.row_groups().iter().map(|group| group.num_rows()).max();
    let mut builder: WriterPropertiesBuilder = WriterProperties::builder()
        .set_key_value_metadata(file.file_metadata().key_value_metadata().cloned())
        .set_max_row_group_bytes(Some(MAX_ROW_GROUP_BYTES));
    if let Some(rows) = rows.and_then(|rows| usize::try_from(rows).ok()).filter(|&rows| rows > 0) {
        builder = builder.set_max_row_group_row_count(Some(rows));
    }
    for column in file.row_groups().first().map_or(&[][..], |group| group.columns()) {
        builder = builder.set_column_compression(column.column_path().clone(), column.compression());
    }
    Ok(builder.build())
}

/// The schema of a whole JSONL file, so that it does not depend on which rows are kept. `None` if
/// told to stop.
fn infer_schema(input: &Input, go_on: &dyn Fn() -> bool) -> Result<Option<SchemaRef>, FilterError> {
    let mut lines = Lines::new(input.path(), input.reopen()?);
    let mut failed: Option<DatasetError> = None;
    let mut stopped = false;
    let values = std::iter::from_fn(|| {
        let parsed = parse_line(&mut lines);
        stopped = !go_on();
        match parsed {
            _ if stopped => None,
            Ok(value) => value.map(Ok::<_, ArrowError>),
            Err(error) => {
                failed = Some(error);
                None
            }
        }
    });
    let inferred = arrow_json::reader::infer_json_schema_from_iterator(values);
    match (failed, inferred) {
        _ if stopped => Ok(None),
        (Some(error), _) => Err(error.into()),
        (None, Ok(schema)) => Ok(Some(Arc::new(schema))),
        (None, Err(error)) => {
            let what = format!("its fields do not fit parquet columns ({error}); write JSONL instead");
            Err(lines.error(what).into())
        }
    }
}

fn parse_line(lines: &mut Lines) -> Result<Option<serde_json::Value>, DatasetError> {
    if lines.advance()?.is_none() {
        return Ok(None);
    }
    let value = serde_json::from_slice(lines.json()).map_err(|error| lines.error(error.to_string()))?;
    if holds_large_integer(&value) {
        return Err(lines.error("an integer beyond 64 bits fits no parquet column; write JSONL instead"));
    }
    Ok(Some(value))
}

/// Whether a number would silently become a float: schema inference knows signed 64 bits only.
fn holds_large_integer(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Number(number) => number.is_u64() && !number.is_i64(),
        serde_json::Value::Array(items) => items.iter().any(holds_large_integer),
        serde_json::Value::Object(fields) => fields.values().any(holds_large_integer),
        _ => false,
    }
}
