//! Snapshots: a module that begins where another has got to.
//!
//! A runtime's start (an interpreter's initialisation, its imports) is carried out once, when an
//! image is built. Its memory and globals are then written back into the module as what they begin
//! with, so that every run starts behind all that. Tables are taken to be as they were: compilers
//! fill them before the first call and do not touch them afterwards.

use std::collections::BTreeMap;

use wasmparser::{BinaryReader, GlobalSectionReader, KnownCustom, Name, Parser, Payload, TypeRef, ValType};

/// The prefix of the names under which [`instrumented`] exports mutable globals.
const GLOBAL: &str = "proofbox_global_";
/// Zeros in a row that end a piece of data: fewer cost less than another piece.
const ZEROS: usize = 64;
const PAGE: usize = 65_536;

/// A module that cannot be made a snapshot of.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("not a WebAssembly module: {0}")]
    Malformed(#[from] wasmparser::BinaryReaderError),
    #[error("{0}")]
    Unfit(&'static str),
}

/// The value of a mutable global.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum GlobalValue {
    I32(i32),
    I64(i64),
    /// Bits.
    F32(u32),
    /// Bits.
    F64(u64),
}

/// The module with all its mutable globals exported, and their names in order.
pub fn instrumented(module: &[u8]) -> Result<(Vec<u8>, Vec<String>), SnapshotError> {
    let globals = mutable_globals(module)?;
    let names: Vec<String> = globals.iter().map(|index| format!("{GLOBAL}{index}")).collect();
    let mut out = Output::new();
    for payload in sections(module) {
        match payload? {
            Section::Exports(range) => {
                let body = &module[range];
                let (count, rest) = leb(body)?;
                let mut section = Vec::with_capacity(body.len() + names.len() * 24);
                put_leb(&mut section, count as u64 + names.len() as u64);
                section.extend_from_slice(rest);
                for (name, index) in names.iter().zip(&globals) {
                    put_leb(&mut section, name.len() as u64);
                    section.extend_from_slice(name.as_bytes());
                    section.push(3);
                    put_leb(&mut section, u64::from(*index));
                }
                out.section(7, &section);
            }
            other => out.copy(module, other),
        }
    }
    Ok((out.0, names))
}

/// The module with further functions exported, under the names that its name section has for them.
pub fn exporting(module: &[u8], wanted: &[&str]) -> Result<Vec<u8>, SnapshotError> {
    let mut found = BTreeMap::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::CustomSection(section) = payload?
            && let KnownCustom::Name(names) = section.as_known()
        {
            for subsection in names {
                let Name::Function(functions) = subsection? else { continue };
                for naming in functions {
                    let naming = naming?;
                    found.insert(naming.name, naming.index);
                }
            }
        }
    }
    let mut additions = Vec::new();
    for name in wanted {
        let index = found.get(name).ok_or(SnapshotError::Unfit("a function is not there"))?;
        put_leb(&mut additions, name.len() as u64);
        additions.extend_from_slice(name.as_bytes());
        additions.push(0);
        put_leb(&mut additions, u64::from(*index));
    }
    let mut out = Output::new();
    for payload in sections(module) {
        match payload? {
            Section::Exports(range) => {
                let (count, rest) = leb(&module[range])?;
                let mut section = Vec::with_capacity(rest.len() + additions.len() + 5);
                put_leb(&mut section, count as u64 + wanted.len() as u64);
                section.extend_from_slice(rest);
                section.extend_from_slice(&additions);
                out.section(7, &section);
            }
            other => out.copy(module, other),
        }
    }
    Ok(out.0)
}

/// The module beginning with this memory and these values of its mutable globals, in order.
pub fn with_state(module: &[u8], memory: &[u8], globals: &[GlobalValue]) -> Result<Vec<u8>, SnapshotError> {
    let mut out = Output::new();
    let mut has_data = false;
    for payload in sections(module) {
        match payload? {
            Section::Memories(range) => {
                // The maximum stays; the minimum is what there is.
                let body = &module[range];
                let (count, rest) = leb(body)?;
                let (flags, rest) = leb(rest)?;
                let (_, maximum) = leb(rest)?;
                if count != 1 || flags > 1 {
                    return Err(SnapshotError::Unfit("not one ordinary memory"));
                }
                let mut section = vec![1, flags as u8];
                put_leb(&mut section, (memory.len() / PAGE) as u64);
                section.extend_from_slice(maximum);
                out.section(5, &section);
            }
            Section::Globals(range) => out.section(6, &global_section(module, range, globals)?),
            // It has run already.
            Section::Start => {}
            Section::Data(_) => {
                has_data = true;
                out.section(11, &data_section(memory));
            }
            Section::DataCount => return Err(SnapshotError::Unfit("data that is copied at run time")),
            // Debugging information of the old module, which nobody reads.
            Section::Custom => {}
            other => out.copy(module, other),
        }
    }
    match has_data {
        true => Ok(out.0),
        false => Err(SnapshotError::Unfit("no data")),
    }
}

/// Indices of the module's own mutable globals.
fn mutable_globals(module: &[u8]) -> Result<Vec<u32>, SnapshotError> {
    let (mut imported, mut found) = (0, Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    if matches!(import?.ty, TypeRef::Global(_)) {
                        imported += 1;
                    }
                }
            }
            Payload::GlobalSection(globals) => {
                for (index, global) in globals.into_iter().enumerate() {
                    if global?.ty.mutable {
                        found.push(imported + index as u32);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

fn global_section(
    module: &[u8],
    range: std::ops::Range<usize>,
    values: &[GlobalValue],
) -> Result<Vec<u8>, SnapshotError> {
    let reader = GlobalSectionReader::new(BinaryReader::new(&module[range.clone()], range.start))?;
    let mut values = values.iter();
    let mut section = Vec::new();
    put_leb(&mut section, u64::from(reader.count()));
    for global in reader {
        let global = global?;
        let kind = match global.ty.content_type {
            ValType::I32 => 0x7f,
            ValType::I64 => 0x7e,
            ValType::F32 => 0x7d,
            ValType::F64 => 0x7c,
            _ => return Err(SnapshotError::Unfit("a global that is no number")),
        };
        section.extend([kind, u8::from(global.ty.mutable)]);
        if !global.ty.mutable {
            let mut init = global.init_expr.get_binary_reader();
            section.extend_from_slice(init.read_bytes(init.bytes_remaining())?);
            continue;
        }
        match values.next().ok_or(SnapshotError::Unfit("fewer values than globals"))? {
            GlobalValue::I32(value) => {
                section.push(0x41);
                put_signed_leb(&mut section, i64::from(*value));
            }
            GlobalValue::I64(value) => {
                section.push(0x42);
                put_signed_leb(&mut section, *value);
            }
            GlobalValue::F32(bits) => {
                section.push(0x43);
                section.extend(bits.to_le_bytes());
            }
            GlobalValue::F64(bits) => {
                section.push(0x44);
                section.extend(bits.to_le_bytes());
            }
        }
        section.push(0x0b);
    }
    Ok(section)
}

/// The memory as pieces without long runs of zeros.
fn data_section(memory: &[u8]) -> Vec<u8> {
    let mut pieces: Vec<(usize, usize)> = Vec::new();
    for (place, chunk) in memory.chunks(ZEROS).enumerate() {
        if chunk.iter().all(|byte| *byte == 0) {
            continue;
        }
        let (start, end) = (place * ZEROS, place * ZEROS + chunk.len());
        match pieces.last_mut() {
            // Engines bound the number of pieces: further ones grow instead.
            Some((_, last)) if *last == start || pieces_are_enough(start - *last) => *last = end,
            _ => pieces.push((start, end)),
        }
    }
    let mut section = Vec::with_capacity(memory.len());
    put_leb(&mut section, pieces.len() as u64);
    for (start, end) in pieces {
        section.extend([0x00, 0x41]);
        put_signed_leb(&mut section, i64::from(start as u32 as i32));
        section.push(0x0b);
        put_leb(&mut section, (end - start) as u64);
        section.extend_from_slice(&memory[start..end]);
    }
    section
}

/// Whether a gap is too short to begin another piece after it: there may be 100,000 pieces, which at one in
/// each 4 KiB is enough for 400 MB.
fn pieces_are_enough(gap: usize) -> bool {
    gap < 4_096
}

enum Section {
    Memories(std::ops::Range<usize>),
    Globals(std::ops::Range<usize>),
    Exports(std::ops::Range<usize>),
    Start,
    DataCount,
    Data(std::ops::Range<usize>),
    Custom,
    Other { id: u8, range: std::ops::Range<usize> },
}

fn sections(module: &[u8]) -> impl Iterator<Item = Result<Section, SnapshotError>> + '_ {
    Parser::new(0).parse_all(module).filter_map(|payload| {
        let section = match payload {
            Err(error) => return Some(Err(error.into())),
            Ok(Payload::MemorySection(reader)) => Section::Memories(reader.range()),
            Ok(Payload::GlobalSection(reader)) => Section::Globals(reader.range()),
            Ok(Payload::ExportSection(reader)) => Section::Exports(reader.range()),
            Ok(Payload::StartSection { .. }) => Section::Start,
            Ok(Payload::DataCountSection { .. }) => Section::DataCount,
            Ok(Payload::DataSection(reader)) => Section::Data(reader.range()),
            Ok(Payload::CustomSection(reader)) => match reader.as_known() {
                // Such a section may say what the module needs.
                KnownCustom::Dylink0(_) => return Some(Err(SnapshotError::Unfit("a shared library"))),
                _ => Section::Custom,
            },
            Ok(other) => match other.as_section() {
                Some((id, range)) => Section::Other { id, range },
                None => return None,
            },
        };
        Some(Ok(section))
    })
}

struct Output(Vec<u8>);

impl Output {
    fn new() -> Output {
        Output(b"\0asm\x01\0\0\0".to_vec())
    }

    fn section(&mut self, id: u8, body: &[u8]) {
        self.0.push(id);
        put_leb(&mut self.0, body.len() as u64);
        self.0.extend_from_slice(body);
    }

    fn copy(&mut self, module: &[u8], section: Section) {
        match section {
            Section::Memories(range) => self.section(5, &module[range]),
            Section::Globals(range) => self.section(6, &module[range]),
            Section::Exports(range) => self.section(7, &module[range]),
            Section::Data(range) => self.section(11, &module[range]),
            Section::Other { id, range } => self.section(id, &module[range]),
            Section::Start | Section::DataCount | Section::Custom => {}
        }
    }
}

fn leb(bytes: &[u8]) -> Result<(u32, &[u8]), SnapshotError> {
    let mut reader = BinaryReader::new(bytes, 0);
    let value = reader.read_var_u32()?;
    Ok((value, &bytes[reader.original_position()..]))
}

fn put_leb(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_signed_leb(out: &mut Vec<u8>, mut value: i64) {
    loop {
        let byte = value as u8 & 0x7f;
        value >>= 7;
        if (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0) {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}
