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
use crate::dataset::{DatasetError, Format, Input, jsonl::Lines};

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
    let done = match (input.format(), format) {
        (Format::Jsonl, Format::Jsonl) => copy_lines(input, kept, &mut target, go_on)?,
        (Format::Parquet, Format::Parquet) => parquet_to_parquet(input, kept, &mut target, go_on)?,
        (Format::Parquet, Format::Jsonl) => parquet_to_jsonl(input, kept, &mut target, go_on)?,
        (Format::Jsonl, Format::Parquet) => jsonl_to_parquet(input, kept, &mut target, go_on)?,
    };
    if done { target.finish().map(Some) } else { Ok(None) }
}

fn cannot_write(path: &Path) -> impl Fn(&dyn Display) -> FilterError + use<> {
    let path = path.to_owned();
    move |error| FilterError::file(&path, format!("cannot write: {error}"))
}

/// The second reading must find the rows that the first one found.
fn check_count(input: &Input, found: usize, kept: &[bool]) -> Result<(), FilterError> {
    if found == kept.len() {
        return Ok(());
    }
    let what = format!("{found} rows at the second reading, {} at the first", kept.len());
    Err(DatasetError::file(input.path(), what).into())
}

fn copy_lines(
    input: &Input,
    kept: &[bool],
    target: &mut Target,
    go_on: &dyn Fn() -> bool,
) -> Result<bool, FilterError> {
    use std::io::Write;
    let mut lines = Lines::new(input.path(), input.reopen()?);
    let mut row = 0;
    while let Some(line) = lines.advance()? {
        if !go_on() {
            return Ok(false);
        }
        if kept.get(row).copied().unwrap_or(false) {
            target
                .write_all(line)
                .map_err(|error| FilterError::io(target.destination(), "cannot write", &error))?;
        }
        row += 1;
    }
    check_count(input, row, kept).map(|()| true)
}

/// Reads whole rows and hands on those that are kept. `false` if told to stop.
fn each_kept_batch(
    input: &Input,
    metadata: ArrowReaderMetadata,
    kept: &[bool],
    go_on: &dyn Fn() -> bool,
    mut hand_on: impl FnMut(&RecordBatch) -> Result<(), FilterError>,
) -> Result<bool, FilterError> {
    let failed = |row: usize, error: &dyn Display| {
        FilterError::from(DatasetError::at(input.path(), format_args!("rows from {row}"), error.to_string()))
    };
    let batches = ParquetRecordBatchReaderBuilder::new_with_metadata(input.reopen()?, metadata)
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(|error| failed(0, &error))?;
    let mut row = 0;
    for batch in batches {
        if !go_on() {
            return Ok(false);
        }
        let batch = batch.map_err(|error| failed(row, &error))?;
        let mask: BooleanArray =
            (row..row + batch.num_rows()).map(|row| Some(kept.get(row).copied().unwrap_or(false))).collect();
        row += batch.num_rows();
        let filtered = filter_record_batch(&batch, &mask).map_err(|error| failed(row, &error))?;
        if filtered.num_rows() > 0 {
            hand_on(&filtered)?;
        }
    }
    check_count(input, row, kept).map(|()| true)
}

fn parquet_to_parquet(
    input: &Input,
    kept: &[bool],
    target: &mut Target,
    go_on: &dyn Fn() -> bool,
) -> Result<bool, FilterError> {
    let metadata = input.parquet_metadata(ArrowReaderOptions::new())?;
    let failed = cannot_write(target.destination());
    // The file's own parquet schema and its key-value pairs are taken over as they stand, the
    // embedded Arrow schema among them, so nothing is derived anew and nothing can differ.
    let options = ArrowWriterOptions::new()
        .with_properties(same_properties(input, &metadata)?)
        .with_parquet_schema(metadata.parquet_schema().clone())
        .with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(target, Arc::clone(metadata.schema()), options)
        .map_err(|error| failed(&error))?;
    let done = each_kept_batch(input, metadata, kept, go_on, |batch| {
        writer.write(batch).map_err(|error| failed(&error))
    })?;
    if done {
        writer.close().map_err(|error| failed(&error))?;
    }
    Ok(done)
}

/// Compression, row group size and key-value pairs of the input.
fn same_properties(input: &Input, metadata: &ArrowReaderMetadata) -> Result<WriterProperties, FilterError> {
    let file = metadata.metadata();
    let columns = metadata.parquet_schema().columns();
    if let Some(column) = columns.iter().find(|column| column.physical_type() == Type::INT96) {
        // Its values would come out as another type, perhaps with another range.
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

fn parquet_to_jsonl(
    input: &Input,
    kept: &[bool],
    target: &mut Target,
    go_on: &dyn Fn() -> bool,
) -> Result<bool, FilterError> {
    let metadata = input.parquet_metadata(ArrowReaderOptions::new())?;
    let failed = cannot_write(target.destination());
    let mut writer = arrow_json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, arrow_json::writer::LineDelimited>(target);
    let done = each_kept_batch(input, metadata, kept, go_on, |batch| {
        writer.write(batch).map_err(|error| failed(&error))
    })?;
    if done {
        writer.finish().map_err(|error| failed(&error))?;
    }
    Ok(done)
}

fn jsonl_to_parquet(
    input: &Input,
    kept: &[bool],
    target: &mut Target,
    go_on: &dyn Fn() -> bool,
) -> Result<bool, FilterError> {
    let Some(schema) = infer_schema(input, go_on)? else { return Ok(false) };
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
    let mut lines = Lines::new(input.path(), input.reopen()?);
    let mut row = 0;
    while lines.advance()?.is_some() {
        if !go_on() {
            return Ok(false);
        }
        if kept.get(row).copied().unwrap_or(false) {
            decoder.decode(lines.json()).map_err(|error| lines.error(error.to_string()))?;
        }
        row += 1;
        if decoder.len() == BATCH_ROWS || row == kept.len() {
            let batch = decoder.flush().map_err(|error| {
                lines.error(format!("this row or one of the {BATCH_ROWS} kept before it: {error}"))
            })?;
            if let Some(batch) = batch {
                writer.write(&batch).map_err(|error| failed(&error))?;
            }
        }
    }
    check_count(input, row, kept)?;
    writer.close().map_err(|error| failed(&error))?;
    Ok(true)
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
