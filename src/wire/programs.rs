//! Programs of the caller's own beside the solution: checkers, interactors, references.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    BadRequest,
    submission::{Pairs, WireLimits, field, limits_or, optional, solution_of},
};
use crate::{
    judge::CheckerProtocol,
    limits::Limits,
    submission::{JudgeProgram, PROGRAM_LIMITS, Program, Reference},
};

/// The program of `{"checker": {...}}` or `{"interactor": {...}}`; `None` where `compare` is anything
/// else.
pub(super) fn judge_program(raw: Option<&RawValue>) -> Result<Option<JudgeProgram>, BadRequest> {
    let Some(raw) = raw.filter(|raw| raw.get().starts_with('{')) else { return Ok(None) };
    let Pairs(fields) = field::<Pairs<&RawValue>>(raw, "compare")?;
    let [(name, program)] = fields.as_slice() else { return Ok(None) };
    match name.as_str() {
        "checker" => {
            let (program, protocol, limits) = read_judge_program(program, "compare.checker")?;
            Ok(Some(JudgeProgram::Checker { program, protocol, limits }))
        }
        "interactor" => {
            let (program, protocol, limits) = read_judge_program(program, "compare.interactor")?;
            if !protocol.is_interactive() {
                let detail = format!("{protocol} is a protocol of checkers; give testlib or kattis");
                return Err(BadRequest::at("compare.interactor.protocol", detail));
            }
            Ok(Some(JudgeProgram::Interactor { program, protocol, limits }))
        }
        _ => Ok(None),
    }
}

fn read_judge_program(raw: &RawValue, path: &str) -> Result<(Program, CheckerProtocol, Limits), BadRequest> {
    let wire: WireProgram = field(raw, path)?;
    let protocol = match &wire.protocol {
        None => CheckerProtocol::Testlib,
        Some(name) => name.parse().map_err(|problem| BadRequest::at(format!("{path}.protocol"), problem))?,
    };
    let (program, limits) = wire.read(path)?;
    Ok((program, protocol, limits))
}

pub(super) fn read_reference(raw: &RawValue) -> Result<Reference, BadRequest> {
    let wire: WireProgram = field(raw, "reference")?;
    if wire.protocol.is_some() {
        return Err(BadRequest::at("reference.protocol", "belongs to checkers and interactors"));
    }
    let (program, limits) = wire.read("reference")?;
    Ok(Reference { program, limits })
}

/// A program of the caller's own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireProgram<'a> {
    #[serde(borrow)]
    language: Cow<'a, str>,
    #[serde(borrow, default)]
    source: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    files: Option<&'a RawValue>,
    #[serde(borrow, default)]
    entry: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    protocol: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    limits: Option<&'a RawValue>,
}

impl WireProgram<'_> {
    /// `path`: the field that the program is, for complaints.
    fn read(self, path: &str) -> Result<(Program, Limits), BadRequest> {
        let at = |error: BadRequest| BadRequest {
            field: Some(error.field.map_or(path.to_owned(), |field| format!("{path}.{field}"))),
            ..error
        };
        let files = optional(self.files, "files").map_err(at)?;
        let solution = solution_of(self.source, files, self.entry, &self.language).map_err(at)?;
        let limits = match optional::<WireLimits>(self.limits, "limits").map_err(at)? {
            Some(wire) => limits_or(wire, PROGRAM_LIMITS).map_err(at)?,
            None => PROGRAM_LIMITS,
        };
        Ok((Program { language: self.language.into_owned(), solution }, limits))
    }
}
