//! Fields that a submission and the programs beside it have in common: source files, limits, named texts.

use std::{borrow::Cow, collections::HashSet, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    bounds::BadRequest,
    words::{field, object, optional},
};
use crate::{
    limits::{GivenLimits, LimitOutOfBounds, parse_bytes},
    submission::{Solution, SourceFile},
};

/// Most source files in a submission.
const MAX_FILES: usize = 256;

/// Longest path of a source file, bytes.
const MAX_PATH_BYTES: usize = 255;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireLimits<'a> {
    #[serde(borrow, default)]
    cpu_ms: Option<&'a RawValue>,
    #[serde(borrow, default)]
    wall_ms: Option<&'a RawValue>,
    #[serde(borrow, default)]
    memory_bytes: Option<&'a RawValue>,
    #[serde(borrow, default)]
    output_bytes: Option<&'a RawValue>,
    #[serde(borrow, default)]
    processes: Option<&'a RawValue>,
    #[serde(borrow, default)]
    file_bytes: Option<&'a RawValue>,
}

pub(super) fn solution_of(
    source: Option<Cow<str>>,
    files: Option<Pairs<Cow<str>>>,
    entry: Option<Cow<str>>,
    language: &str,
) -> Result<Solution, BadRequest> {
    match (source, files) {
        (Some(_), Some(_)) => Err(BadRequest::at("files", "give either `source` or `files`, not both")),
        (None, None) => {
            Err(BadRequest::at("source", "missing; give `source`, `source_base64`, or `files` and `entry`"))
        }
        (Some(_), None) if entry.is_some() => {
            Err(BadRequest::at("entry", "goes with `files`; `source` is one file"))
        }
        (Some(source), None) => Ok(Solution::single(source_file_name(language), source.into_owned())),
        (None, Some(files)) => solution_of_files(files, entry.as_deref()),
    }
}

/// The path that a lone `source` is given.
pub(super) fn source_file_name(language: &str) -> &'static str {
    match language {
        "python" | "python3" | "py" => "main.py",
        "wasm" => "main.wasm",
        _ => "main",
    }
}

fn solution_of_files(files: Pairs<Cow<str>>, entry: Option<&str>) -> Result<Solution, BadRequest> {
    let Pairs(files) = files;
    if files.is_empty() || files.len() > MAX_FILES {
        return Err(BadRequest::at("files", format!("must hold 1 to {MAX_FILES} files")));
    }
    let mut directories = HashSet::new();
    for (path, _) in &files {
        if let Err(problem) = check_path(path) {
            return Err(BadRequest::at(format!("files[{path:?}]"), problem));
        }
        directories.extend(path.match_indices('/').map(|(end, _)| &path[..end]));
    }
    if let Some((path, _)) = files.iter().find(|(path, _)| directories.contains(path.as_str())) {
        return Err(BadRequest::at(format!("files[{path:?}]"), "is also the directory of another file"));
    }
    let entry = match entry {
        Some(entry) => files
            .iter()
            .position(|(path, _)| path == entry)
            .ok_or_else(|| BadRequest::at("entry", format!("{entry:?} is not one of the files")))?,
        None if files.len() == 1 => 0,
        None => return Err(BadRequest::at("entry", "missing; say which of the files is run")),
    };
    let files = files
        .into_iter()
        .map(|(path, content)| SourceFile { path, content: content.into_owned().into_bytes() })
        .collect();
    Ok(Solution { files, entry })
}

pub(super) fn check_path(path: &str) -> Result<(), String> {
    if path.is_empty() || path.len() > MAX_PATH_BYTES {
        return Err(format!("a path has 1 to {MAX_PATH_BYTES} bytes"));
    }
    if path.starts_with('/') {
        return Err("a path must be relative".to_owned());
    }
    if path.contains(|character: char| character.is_control() || character == '\\') {
        return Err("a path must not hold control characters or backslashes".to_owned());
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err("a path must not have empty, `.` or `..` parts".to_owned());
    }
    Ok(())
}

/// Reads an object of limits. `path` is the field that holds it, for complaints.
pub(super) fn read_limits(raw: Option<&RawValue>, path: &str) -> Result<GivenLimits, BadRequest> {
    let Some(raw) = raw.filter(|raw| raw.get() != "null") else { return Ok(GivenLimits::default()) };
    let wire: WireLimits = object(raw, path)?;
    let number = |raw: Option<&RawValue>, name: &str| optional::<u64>(raw, &format!("{path}.{name}"));
    let bytes = |raw: Option<&RawValue>, name: &str| match raw.filter(|raw| raw.get().starts_with('"')) {
        None => number(raw, name),
        Some(raw) => {
            let path = format!("{path}.{name}");
            let text: String = field(raw, &path)?;
            parse_bytes(&text).map(Some).map_err(|problem| BadRequest::at(path, problem))
        }
    };
    Ok(GivenLimits {
        cpu_ms: number(wire.cpu_ms, "cpu_ms")?,
        wall_ms: number(wire.wall_ms, "wall_ms")?,
        memory_bytes: bytes(wire.memory_bytes, "memory_bytes")?,
        output_bytes: bytes(wire.output_bytes, "output_bytes")?,
        processes: number(wire.processes, "processes")?,
        file_bytes: bytes(wire.file_bytes, "file_bytes")?,
    })
}

pub(super) fn out_of_bounds(out: &LimitOutOfBounds, path: &str) -> BadRequest {
    BadRequest::at(format!("{path}.{}", out.field), out.problem())
}

/// Reads an object whose values are texts. A complaint names the key.
pub(super) fn texts<'a>(
    raw: Option<&'a RawValue>,
    path: &str,
) -> Result<Option<Pairs<Cow<'a, str>>>, BadRequest> {
    let Some(Pairs(pairs)) = optional::<Pairs<&RawValue>>(raw, path)? else { return Ok(None) };
    let pairs = pairs.into_iter().map(|(name, raw)| {
        let text = field(raw, &format!("{path}[{name:?}]"))?;
        Ok((name, text))
    });
    Ok(Some(Pairs(pairs.collect::<Result<_, BadRequest>>()?)))
}

/// Most keys in one object of files or programs. Nobody needs that many; an attacker may send more.
const MAX_NAMES: usize = 1_024;

/// A JSON object as pairs in order. A key that comes twice is refused; serde would keep the last.
pub(crate) struct Pairs<T>(pub(crate) Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for PairsVisitor<T> {
            type Value = Pairs<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<T>, A::Error> {
                let mut pairs = Vec::new();
                let mut names = HashSet::new();
                while let Some((name, value)) = map.next_entry::<String, T>()? {
                    if pairs.len() == MAX_NAMES {
                        return Err(serde::de::Error::custom(format!("holds more than {MAX_NAMES} names")));
                    }
                    if !names.insert(name.clone()) {
                        return Err(serde::de::Error::custom(format!("{name:?} is given twice")));
                    }
                    pairs.push((name, value));
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor(PhantomData))
    }
}
