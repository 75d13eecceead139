//! The journal of a job: the decisions so far, safe from the process being killed.
//!
//! `OUTPUT.proofbox/` holds `header.json` (what the journal is for) and `journal`, to which one
//! line per decided row is appended: sixteen hexadecimal digits of check sum, a blank, the record
//! as JSON. Records come in any order. Each is handed to the kernel at once, so a kill of the
//! process loses none; every few seconds the file is made durable, so a power failure loses the
//! last few at most. Reading stops at the first record that is not whole, and the rest is cut off:
//! rows without a record are verified again.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{BufRead, BufReader, ErrorKind, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{error::FilterError, record::RowRecord};
use crate::dataset::input::Identity;

/// The first part of a journal: the job that it belongs to. A job resumes only if its header is equal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the journal's format.
    pub format: u32,
    pub proofbox: String,
    pub input: Identity,
    /// Every setting that can change a verdict, by name.
    pub settings: serde_json::Map<String, serde_json::Value>,
}

pub const FORMAT: u32 = 1;

/// What to do with an existing journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalStart {
    Resume,
    /// Forget what was decided before.
    Anew,
}

/// An open journal, locked against a second process.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    path: PathBuf,
    file: File,
    /// For each row: 1 + offset of its record, or 0 if the row is not decided.
    offsets: Vec<u64>,
    length_bytes: u64,
    decided: u64,
}

/// The directory beside `output` that a job keeps its state in.
pub fn work_directory(output: &Path) -> PathBuf {
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(".proofbox");
    output.with_file_name(name)
}

const HEADER: &str = "header.json";
const ASSEMBLING: &str = "assembling";
const CHECK_DIGITS: usize = 16;

impl Journal {
    /// Whether a job for `output` was interrupted while it published its files. A file under one of their names then
    /// belongs to this job.
    pub fn was_assembling(output: &Path) -> bool {
        let directory = work_directory(output);
        directory.join(HEADER).exists() && directory.join(ASSEMBLING).exists()
    }

    /// Opens the journal for `output`, or begins one.
    pub fn open(output: &Path, header: &Header, start: JournalStart) -> Result<Journal, FilterError> {
        let directory = work_directory(output);
        match fs::create_dir(&directory) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(FilterError::io(&directory, "cannot create", &error));
            }
            _ => {}
        }
        let path = directory.join("journal");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .append(true)
            .open(&path)
            .map_err(|error| FilterError::io(&path, "cannot open", &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(FilterError::file(&directory, "another process is at work on this output"));
            }
            Err(TryLockError::Error(error)) => return Err(FilterError::io(&path, "cannot lock", &error)),
        }
        let mut journal = Journal { directory, path, file, offsets: Vec::new(), length_bytes: 0, decided: 0 };
        let header_path = journal.directory.join(HEADER);
        match fs::read(&header_path) {
            Ok(bytes) if start == JournalStart::Resume => {
                check_header(&header_path, &bytes, header)?;
                journal.load()?;
            }
            Ok(_) => {
                fs::remove_file(&header_path)
                    .map_err(|error| FilterError::io(&header_path, "cannot remove", &error))?;
                journal.begin(header)?;
            }
            // Without a header the journal was never begun, or was being removed.
            Err(error) if error.kind() == ErrorKind::NotFound => journal.begin(header)?,
            Err(error) => return Err(FilterError::io(&header_path, "cannot read", &error)),
        }
        Ok(journal)
    }

    fn begin(&mut self, header: &Header) -> Result<(), FilterError> {
        self.truncate(0)?;
        let _ = fs::remove_file(self.directory.join(ASSEMBLING));
        let temporary = self.directory.join("header.json.partial");
        let bytes = serde_json::to_vec_pretty(header)
            .map_err(|error| FilterError::file(&temporary, error.to_string()))?;
        let written = File::create(&temporary)
            .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&temporary, self.directory.join(HEADER)))
            .and_then(|()| File::open(&self.directory)?.sync_all());
        written.map_err(|error| FilterError::io(&self.directory, "cannot write", &error))
    }

    /// Reads every whole record and cuts off what follows the last.
    fn load(&mut self) -> Result<(), FilterError> {
        let reading = |error| FilterError::io(&self.path, "cannot read", &error);
        let file = File::open(&self.path).map_err(reading)?;
        let mut reader = BufReader::with_capacity(1 << 20, file);
        let mut line = Vec::new();
        let mut at = 0;
        let mut entries = Vec::new();
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line).map_err(reading)? as u64;
            let Some(record) = decode(&line) else { break };
            entries.push((record.row, at));
            at += length;
        }
        for (row, offset) in entries {
            self.index(row, offset);
        }
        self.truncate(at)
    }

    fn truncate(&mut self, length_bytes: u64) -> Result<(), FilterError> {
        self.length_bytes = length_bytes;
        self.file
            .set_len(length_bytes)
            .map_err(|error| FilterError::io(&self.path, "cannot truncate", &error))
    }

    fn index(&mut self, row: u64, offset: u64) {
        let row = row as usize;
        if self.offsets.len() <= row {
            self.offsets.resize(row + 1, 0);
        }
        if self.offsets[row] == 0 {
            self.decided += 1;
        }
        self.offsets[row] = offset + 1;
    }

    pub fn is_decided(&self, row: u64) -> bool {
        self.offsets.get(row as usize).is_some_and(|&offset| offset != 0)
    }

    /// Number of decided rows.
    pub fn decided(&self) -> u64 {
        self.decided
    }

    /// Which rows are decided now, one entry per row up to the last decided one.
    pub fn decided_rows(&self) -> Vec<bool> {
        self.offsets.iter().map(|&offset| offset != 0).collect()
    }

    /// Adds a row's decision.
    pub fn append(&mut self, record: &RowRecord) -> Result<(), FilterError> {
        let line = encode(record).map_err(|error| FilterError::file(&self.path, error.to_string()))?;
        self.file.write_all(&line).map_err(|error| FilterError::io(&self.path, "cannot write", &error))?;
        self.index(record.row, self.length_bytes);
        self.length_bytes += line.len() as u64;
        Ok(())
    }

    /// Makes everything appended so far durable.
    pub fn sync(&self) -> Result<(), FilterError> {
        self.syncing()?()
    }

    /// As [`Journal::sync`], as a closure for another thread, because it may take long.
    pub fn syncing(&self) -> Result<impl FnOnce() -> Result<(), FilterError> + Send + use<>, FilterError> {
        let path = self.path.clone();
        let failed = move |error| FilterError::io(&path, "cannot make durable", &error);
        match self.file.try_clone() {
            Ok(file) => Ok(move || file.sync_data().map_err(failed)),
            Err(error) => Err(failed(error)),
        }
    }

    /// The decision on a row, if there is one.
    pub fn record(&self, row: u64) -> Result<Option<RowRecord>, FilterError> {
        let Some(offset) = self.offsets.get(row as usize).and_then(|offset| offset.checked_sub(1)) else {
            return Ok(None);
        };
        let mut line = vec![0; 512];
        loop {
            let length = read_at(&self.file, &mut line, offset)
                .map_err(|error| FilterError::io(&self.path, "cannot read", &error))?;
            if let Some(end) = line[..length].iter().position(|&byte| byte == b'\n') {
                let record = decode(&line[..=end]);
                return record.map(Some).ok_or_else(|| {
                    FilterError::file(&self.path, format!("the record of row {row} is damaged"))
                });
            }
            if length < line.len() {
                return Err(FilterError::file(&self.path, format!("the record of row {row} is cut off")));
            }
            line.resize(line.len() * 2, 0);
        }
    }

    /// Notes that files are about to be published; see [`Journal::was_assembling`].
    pub fn mark_assembling(&self) -> Result<(), FilterError> {
        let path = self.directory.join(ASSEMBLING);
        File::create(&path)
            .and_then(|file| file.sync_all())
            .and_then(|()| File::open(&self.directory)?.sync_all())
            .map_err(|error| FilterError::io(&path, "cannot write", &error))
    }

    /// Removes the journal after the job. The header goes first: without it there is no job.
    pub fn remove(self) -> Result<(), FilterError> {
        fs::remove_file(self.directory.join(HEADER))
            .and_then(|()| fs::remove_dir_all(&self.directory))
            .map_err(|error| FilterError::io(&self.directory, "cannot remove", &error))
    }
}

fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn check_digits(json: &[u8]) -> String {
    Sha256::digest(json).iter().take(CHECK_DIGITS / 2).map(|byte| format!("{byte:02x}")).collect()
}

fn encode(record: &RowRecord) -> serde_json::Result<Vec<u8>> {
    let json = serde_json::to_vec(record)?;
    let mut line = check_digits(&json).into_bytes();
    line.push(b' ');
    line.extend_from_slice(&json);
    line.push(b'\n');
    Ok(line)
}

/// The record of a line, if the line is whole.
fn decode(line: &[u8]) -> Option<RowRecord> {
    let line = line.strip_suffix(b"\n")?;
    let (check, rest) = line.split_at_checked(CHECK_DIGITS)?;
    let json = rest.strip_prefix(b" ")?;
    (check == check_digits(json).as_bytes()).then(|| serde_json::from_slice(json).ok()).flatten()
}

fn check_header(path: &Path, bytes: &[u8], wanted: &Header) -> Result<(), FilterError> {
    let anew = "pass --restart to begin anew";
    let found: Header = serde_json::from_slice(bytes)
        .map_err(|error| FilterError::file(path, format!("not a job header ({error}); {anew}")))?;
    if found.format != wanted.format || found.proofbox != wanted.proofbox {
        let what =
            format!("the job was begun by proofbox {}; finish it with that, or {anew}", found.proofbox);
        return Err(FilterError::file(path, what));
    }
    if found.input != wanted.input {
        return Err(FilterError::file(
            path,
            format!("the job was begun over another or a changed input; {anew}"),
        ));
    }
    let names = found.settings.keys().chain(wanted.settings.keys());
    for name in names {
        let (before, now) = (found.settings.get(name), wanted.settings.get(name));
        if before != now {
            let show =
                |value: Option<&serde_json::Value>| value.map_or("unset".to_owned(), ToString::to_string);
            let what =
                format!("the job was begun with {name} = {}, now it is {}; {anew}", show(before), show(now));
            return Err(FilterError::file(path, what));
        }
    }
    Ok(())
}
