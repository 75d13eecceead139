//! An input file. Its format and its identity are determined by its content.

use std::{
    fs::File,
    io::{ErrorKind, Read, Seek, SeekFrom},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::DatasetError;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Parquet,
    Jsonl,
}

impl Format {
    /// The format that a file to be written should have, by its ending.
    pub fn by_ending(path: &Path) -> Option<Format> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "parquet" | "pq" => Some(Format::Parquet),
            "jsonl" | "ndjson" => Some(Format::Jsonl),
            _ => None,
        }
    }

    pub fn ending(self) -> &'static str {
        match self {
            Format::Parquet => "parquet",
            Format::Jsonl => "jsonl",
        }
    }
}

/// Identity of a file's content, so that a job is not resumed on another or a changed input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub size_bytes: u64,
    /// SHA-256 of the whole content, hexadecimal.
    pub sha256: String,
}

/// A data set file. It may be read several times; each reading checks that it is still the same.
#[derive(Debug)]
pub struct Input {
    path: PathBuf,
    format: Format,
    stamp: Stamp,
}

/// Attributes of a file that change when its content does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified_s: i64,
    modified_ns: i64,
}

const PARQUET_MAGIC: &[u8] = b"PAR1";

impl Input {
    /// Opens `path` and recognises its format by content; the ending only makes errors clearer.
    pub fn open(path: &Path) -> Result<Input, DatasetError> {
        let mut file = File::open(path).map_err(|error| DatasetError::io(path, "cannot open", &error))?;
        let stamp = Stamp::of(path, &file)?;
        if stamp.size == 0 {
            return Err(DatasetError::file(path, "the file is empty"));
        }
        let mut head = [0; 512];
        let length = read_up_to(&mut file, &mut head)
            .map_err(|error| DatasetError::io(path, "cannot read", &error))?;
        let format = recognise(path, &head[..length])?;
        if format == Format::Parquet {
            check_parquet_tail(path, &mut file, stamp.size)?;
        }
        Ok(Input { path: path.to_owned(), format, stamp })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn format(&self) -> Format {
        self.format
    }

    /// Opens the file for a further reading. An error if it is not the file that was first opened.
    pub fn reopen(&self) -> Result<File, DatasetError> {
        let file =
            File::open(&self.path).map_err(|error| DatasetError::io(&self.path, "cannot open", &error))?;
        if Stamp::of(&self.path, &file)? != self.stamp {
            return Err(DatasetError::file(&self.path, "the file changed while it was being filtered"));
        }
        Ok(file)
    }

    /// An error if the file changed since it was opened.
    pub fn check_unchanged(&self) -> Result<(), DatasetError> {
        self.reopen().map(drop)
    }

    /// The parquet metadata: schema, row groups, key-value pairs. The file must be parquet.
    pub fn parquet_metadata(&self, options: ArrowReaderOptions) -> Result<ArrowReaderMetadata, DatasetError> {
        let file = self.reopen()?;
        ArrowReaderMetadata::load(&file, options)
            .map_err(|error| DatasetError::at(&self.path, "parquet footer", error.to_string()))
    }

    /// Reads the whole file once and computes its identity. `go_on` is called now and then; if it returns false, the
    /// result is `None`.
    pub fn identify(&self, go_on: impl Fn() -> bool) -> Result<Option<Identity>, DatasetError> {
        let mut file = self.reopen()?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        while go_on() {
            match read_up_to(&mut file, &mut buffer) {
                Ok(0) => {
                    let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
                    return Ok(Some(Identity { size_bytes: self.stamp.size, sha256 }));
                }
                Ok(length) => hash.update(&buffer[..length]),
                Err(error) => return Err(DatasetError::io(&self.path, "cannot read", &error)),
            }
        }
        Ok(None)
    }
}

impl Stamp {
    fn of(path: &Path, file: &File) -> Result<Stamp, DatasetError> {
        let metadata = file.metadata().map_err(|error| DatasetError::io(path, "cannot inspect", &error))?;
        if !metadata.is_file() {
            return Err(DatasetError::file(path, "not a regular file (it must be readable twice)"));
        }
        Ok(Stamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified_s: metadata.mtime(),
            modified_ns: metadata.mtime_nsec(),
        })
    }
}

fn read_up_to(file: &mut File, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn recognise(path: &Path, head: &[u8]) -> Result<Format, DatasetError> {
    if head.starts_with(PARQUET_MAGIC) {
        return Ok(Format::Parquet);
    }
    if head.starts_with(b"PARE") {
        return Err(DatasetError::file(path, "encrypted parquet files are not supported"));
    }
    if Format::by_ending(path) == Some(Format::Parquet) {
        return Err(DatasetError::file(path, "not a parquet file: it does not begin with PAR1"));
    }
    for (magic, kind) in [(&b"\x1f\x8b"[..], "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"PK\x03\x04", "zip")] {
        if head.starts_with(magic) {
            return Err(DatasetError::file(path, format!("a {kind} file; decompress it first")));
        }
    }
    let text = head.strip_prefix(super::jsonl::BYTE_ORDER_MARK).unwrap_or(head);
    match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => Ok(Format::Jsonl),
        Some(b'[') => Err(DatasetError::file(path, "a JSON array; JSONL has one object on each line")),
        Some(byte) => Err(DatasetError::file(
            path,
            format!("neither parquet (PAR1) nor JSONL ({{): it begins with byte 0x{byte:02x}"),
        )),
        None => Err(DatasetError::file(path, "neither parquet nor JSONL: it begins with blanks only")),
    }
}

fn check_parquet_tail(path: &Path, file: &mut File, size: u64) -> Result<(), DatasetError> {
    let mut tail = [0; 4];
    let read = size >= 12 && file.seek(SeekFrom::End(-4)).and_then(|_| file.read_exact(&mut tail)).is_ok();
    if read && tail == PARQUET_MAGIC {
        return Ok(());
    }
    Err(DatasetError::file(path, format!("a truncated parquet file: its {size} bytes do not end with PAR1")))
}
