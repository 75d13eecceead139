//! The few columns that verifying needs, row by row, from either format.

use std::{collections::HashMap, fs::File, path::Path};

use arrow_array::{
    Array, ArrayRef, BinaryArray, LargeBinaryArray, LargeStringArray, RecordBatch, StringArray,
};
use arrow_schema::DataType;
use parquet::arrow::{
    ProjectionMask,
    arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    error::DatasetError,
    input::{Format, Input},
    jsonl::{FieldText, Lines, field_text},
};

/// Names of the columns that verifying needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Columns {
    pub answer: String,
    pub tests: String,
    /// Column of checkers, if rows bring their own; see [`RawRow::checker`].
    pub checker: Option<String>,
    /// Column of domains. `None`: every row is code, and no domain is read.
    pub domain: Option<String>,
    /// Column of sources, for the closing summary only. A data set may lack it.
    pub source: String,
}

impl Columns {
    /// Columns that the file must have, each with its flag.
    fn needed(&self) -> Vec<(&str, &'static str)> {
        let columns = [
            (Some(&self.answer), "--answer-column"),
            (Some(&self.tests), "--tests-column"),
            (self.checker.as_ref(), "--checker-column"),
            (self.domain.as_ref(), "--domain-column (or --all-code)"),
        ];
        columns.into_iter().filter_map(|(name, flag)| Some((name?.as_str(), flag))).collect()
    }
}

/// The error that lists the missing columns with their flags, and the columns that the file has.
fn missing_columns(
    path: &Path,
    missing: &[(&str, &'static str)],
    rows: Option<u64>,
    found: &[String],
) -> DatasetError {
    let list = |words: Vec<String>| words.join(", ");
    let names = list(missing.iter().map(|(name, _)| format!("`{name}`")).collect());
    let flags = list(missing.iter().map(|(_, flag)| (*flag).to_owned()).collect());
    let rows = rows.map_or(String::new(), |rows| format!(" in {rows} rows"));
    let mut found = found.to_vec();
    if found.len() > MAX_FOUND_COLUMNS {
        found.truncate(MAX_FOUND_COLUMNS);
        found.push("...".to_owned());
    }
    let word = if missing.len() == 1 { "column" } else { "columns" };
    let found = list(found);
    DatasetError::file(path, format!("no {word} {names}{rows}; it has: {found}; name others by {flags}"))
}

/// Most existing columns that an error lists.
const MAX_FOUND_COLUMNS: usize = 40;

impl Default for Columns {
    fn default() -> Self {
        Columns {
            answer: "deepseek_solution".to_owned(),
            tests: "test_cases".to_owned(),
            checker: None,
            domain: Some("domain".to_owned()),
            source: "source".to_owned(),
        }
    }
}

/// The fields of one row that verifying needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawRow {
    /// 0-based index in the input.
    pub index: u64,
    pub domain: Option<String>,
    pub source: Option<String>,
    pub answer: Option<String>,
    pub tests: Option<String>,
    /// A checker in Python, called and answering as those of open-r1/codeforces (`generated_checker`).
    pub checker: Option<String>,
    /// A field that is a string but not Unicode text (a lone surrogate in JSON), by column name.
    pub not_unicode: Option<String>,
}

/// Rows held in memory by one read of a parquet file.
const BATCH_ROWS: usize = 32;

/// Streams the rows of an input.
pub struct RowReader {
    rows: Rows,
    next_index: u64,
}

/// Which columns of a parquet file are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    AllNeeded,
    Domain,
}

enum Rows {
    Parquet(ParquetRows),
    Jsonl(JsonlRows),
}

impl RowReader {
    /// Begins at the first row. Errors name the missing columns or one of the wrong type.
    pub fn open(input: &Input, columns: &Columns) -> Result<RowReader, DatasetError> {
        RowReader::open_reading(input, columns, Reading::AllNeeded)
    }

    /// As [`RowReader::open`], for callers that need domains only. From parquet nothing else is read.
    pub fn open_domains(input: &Input, columns: &Columns) -> Result<RowReader, DatasetError> {
        RowReader::open_reading(input, columns, Reading::Domain)
    }

    fn open_reading(input: &Input, columns: &Columns, reading: Reading) -> Result<RowReader, DatasetError> {
        let rows = match input.format() {
            Format::Parquet => Rows::Parquet(ParquetRows::open(input, columns, reading)?),
            Format::Jsonl => Rows::Jsonl(JsonlRows::open(input, columns)?),
        };
        Ok(RowReader { rows, next_index: 0 })
    }

    /// Number of rows by the parquet footer; 0 for JSONL, which has none.
    pub fn rows_in_metadata(&self) -> u64 {
        match &self.rows {
            Rows::Parquet(rows) => rows.promised,
            Rows::Jsonl(_) => 0,
        }
    }

    /// The next row, or `None` after the last.
    pub fn next_row(&mut self) -> Result<Option<RawRow>, DatasetError> {
        let row = match &mut self.rows {
            Rows::Parquet(rows) => rows.next_row()?,
            Rows::Jsonl(rows) => rows.next_row()?,
        };
        Ok(row.map(|row| {
            let index = self.next_index;
            self.next_index += 1;
            RawRow { index, ..row }
        }))
    }
}

struct ParquetRows {
    path: std::path::PathBuf,
    reader: ParquetRecordBatchReader,
    columns: Columns,
    batch: Option<RecordBatch>,
    /// Position of the next row in `batch`.
    at: usize,
    /// Index of the first row of `batch`.
    batch_begins: u64,
    /// Rows in the whole file, by its footer.
    promised: u64,
}

impl ParquetRows {
    fn open(input: &Input, columns: &Columns, reading: Reading) -> Result<ParquetRows, DatasetError> {
        let path = input.path().to_owned();
        let metadata = input.parquet_metadata(plain_types())?;
        let file: File = input.reopen()?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
        let schema = builder.schema().clone();
        let needed = columns.needed();
        let missing: Vec<_> =
            needed.iter().copied().filter(|(name, _)| schema.column_with_name(name).is_none()).collect();
        if !missing.is_empty() {
            let found: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
            return Err(missing_columns(&path, &missing, None, &found));
        }
        let mut roots = Vec::new();
        for (at, field) in schema.fields().iter().enumerate() {
            let name = field.name();
            if name != &columns.source && !needed.iter().any(|(needed, _)| needed == name) {
                continue;
            }
            let is_nested = name == &columns.tests && field.data_type().is_nested();
            if !is_text(field.data_type()) && !is_nested {
                let what = format!("its type is {}; text is needed", field.data_type());
                return Err(DatasetError::at(&path, format_args!("column `{name}`"), what));
            }
            if reading == Reading::AllNeeded || columns.domain.as_ref() == Some(name) {
                roots.push(at);
            }
        }
        let promised = builder.metadata().file_metadata().num_rows().max(0) as u64;
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        let reader = builder
            .with_projection(mask)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(|error| DatasetError::file(&path, error.to_string()))?;
        Ok(ParquetRows {
            path,
            reader,
            columns: columns.clone(),
            batch: None,
            at: 0,
            batch_begins: 0,
            promised,
        })
    }

    fn next_row(&mut self) -> Result<Option<RawRow>, DatasetError> {
        while self.batch.as_ref().is_none_or(|batch| self.at == batch.num_rows()) {
            self.batch_begins += self.batch.as_ref().map_or(0, |batch| batch.num_rows() as u64);
            self.at = 0;
            match self.reader.next() {
                None => return Ok(None),
                Some(Ok(batch)) => self.batch = Some(batch),
                Some(Err(error)) => {
                    let place = format!("rows from {}", self.batch_begins);
                    return Err(DatasetError::at(&self.path, place, error.to_string()));
                }
            }
        }
        let Some(batch) = &self.batch else { return Ok(None) };
        let text = |name: &str| -> Result<Option<String>, DatasetError> {
            let Some(column) = batch.column_by_name(name) else { return Ok(None) };
            let text = match column.data_type().is_nested() {
                true => cell_json(column, self.at),
                false => cell_text(column, self.at),
            };
            text.map_err(|what| {
                let place = format!("row {}, column `{name}`", self.batch_begins + self.at as u64);
                DatasetError::at(&self.path, place, what)
            })
        };
        let row = RawRow {
            index: 0,
            domain: self.columns.domain.as_ref().map(|name| text(name)).transpose()?.flatten(),
            source: text(&self.columns.source)?,
            answer: text(&self.columns.answer)?,
            tests: text(&self.columns.tests)?,
            checker: self.columns.checker.as_ref().map(|name| text(name)).transpose()?.flatten(),
            not_unicode: None,
        };
        self.at += 1;
        Ok(Some(row))
    }
}

/// Without the Arrow schema that some writers embed, every kind of string column (large, view,
/// dictionary) is read as the one plain string type.
fn plain_types() -> ArrowReaderOptions {
    ArrowReaderOptions::new().with_skip_arrow_metadata(true)
}

fn is_text(data_type: &DataType) -> bool {
    use DataType::{Binary, LargeBinary, LargeUtf8, Null, Utf8};
    matches!(data_type, Utf8 | LargeUtf8 | Binary | LargeBinary | Null)
}

fn cell_text(column: &dyn Array, at: usize) -> Result<Option<String>, String> {
    if column.is_null(at) || column.data_type() == &DataType::Null {
        return Ok(None);
    }
    let any = column.as_any();
    let bytes = if let Some(column) = any.downcast_ref::<StringArray>() {
        return Ok(Some(column.value(at).to_owned()));
    } else if let Some(column) = any.downcast_ref::<LargeStringArray>() {
        return Ok(Some(column.value(at).to_owned()));
    } else if let Some(column) = any.downcast_ref::<BinaryArray>() {
        column.value(at)
    } else if let Some(column) = any.downcast_ref::<LargeBinaryArray>() {
        column.value(at)
    } else {
        return Err(format!("its type is {}; text is needed", column.data_type()));
    };
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Some(text.to_owned())),
        Err(error) => Err(format!("invalid UTF-8 at byte {}", error.valid_up_to())),
    }
}

/// A cell of lists and structs, as open-r1/codeforces has its tests, as JSON.
fn cell_json(column: &ArrayRef, at: usize) -> Result<Option<String>, String> {
    if column.is_null(at) {
        return Ok(None);
    }
    let cell =
        RecordBatch::try_from_iter([("cell", column.slice(at, 1))]).map_err(|error| error.to_string())?;
    let mut json = Vec::new();
    let mut writer = arrow_json::LineDelimitedWriter::new(&mut json);
    writer.write(&cell).and_then(|()| writer.finish()).map_err(|error| error.to_string())?;
    let row: HashMap<String, Box<RawValue>> =
        serde_json::from_slice(&json).map_err(|error| error.to_string())?;
    Ok(row.get("cell").map(|cell| cell.get().to_owned()))
}

struct JsonlRows {
    path: std::path::PathBuf,
    lines: Lines,
    columns: Columns,
    rows_read: u64,
    /// Fields of the first lines, collected while a needed field is missing. A JSON line may leave out a field that is
    /// null, so a line without a field is no error, but a file without it is.
    found: Vec<String>,
    /// Needed fields that no line has had so far.
    unseen: Vec<(String, &'static str)>,
}

/// After this many rows without a field that every row should have, the file is refused.
const ROWS_TO_SEE_FIELDS: u64 = 1_000;

impl JsonlRows {
    fn open(input: &Input, columns: &Columns) -> Result<JsonlRows, DatasetError> {
        let lines = Lines::new(input.path(), input.reopen()?);
        let needed = columns.needed();
        Ok(JsonlRows {
            path: input.path().to_owned(),
            lines,
            columns: columns.clone(),
            rows_read: 0,
            found: Vec::new(),
            unseen: needed.into_iter().map(|(name, flag)| (name.to_owned(), flag)).collect(),
        })
    }

    fn next_row(&mut self) -> Result<Option<RawRow>, DatasetError> {
        if self.lines.advance()?.is_none() {
            self.check_fields_seen(|_| true)?;
            return Ok(None);
        }
        if self.rows_read == ROWS_TO_SEE_FIELDS {
            let Columns { answer, domain, .. } = &self.columns;
            // Tests and checkers may come late: only code rows need tests, and few rows may have a checker.
            self.check_fields_seen(|name| name == answer || Some(name) == domain.as_deref())?;
        }
        self.rows_read += 1;
        let mut row = RawRow::default();
        let fields = self.lines.fields()?;
        if !self.unseen.is_empty() {
            self.unseen.retain(|(name, _)| !fields.contains_key(name.as_str()));
            let mut names: Vec<_> =
                fields.keys().filter(|name| !self.found.iter().any(|known| known == *name)).collect();
            names.sort();
            let room = (MAX_FOUND_COLUMNS + 1).saturating_sub(self.found.len());
            self.found.extend(names.into_iter().take(room).map(|name| name.to_string()));
        }
        let mut text = |name: &str, json_allowed: bool| {
            let Some(raw) = fields.get(name) else { return Ok(None) };
            match field_text(raw) {
                FieldText::Null => Ok(None),
                FieldText::Text(text) => Ok(Some(text)),
                FieldText::Other(json) if json_allowed => Ok(Some(json)),
                FieldText::Other(_) => Err(self.lines.error(format!("field `{name}` is not a string"))),
                FieldText::NotUnicode => {
                    row.not_unicode = Some(name.to_owned());
                    Ok(None)
                }
            }
        };
        let domain = self.columns.domain.as_ref().map_or(Ok(None), |name| text(name, false))?;
        let source = text(&self.columns.source, false)?;
        let checker = self.columns.checker.as_ref().map_or(Ok(None), |name| text(name, false))?;
        let answer = text(&self.columns.answer, false)?;
        let tests = text(&self.columns.tests, true)?;
        Ok(Some(RawRow { domain, source, answer, tests, checker, ..row }))
    }

    /// An error if a field is still missing that should have occurred by now. It names all missing fields.
    fn check_fields_seen(&self, is_due: impl Fn(&str) -> bool) -> Result<(), DatasetError> {
        if !self.unseen.iter().any(|(name, _)| is_due(name)) {
            return Ok(());
        }
        let unseen: Vec<_> = self.unseen.iter().map(|(name, flag)| (name.as_str(), *flag)).collect();
        Err(missing_columns(&self.path, &unseen, Some(self.rows_read), &self.found))
    }
}
