//! Programs that a submission brings beside its solution: checkers, interactors, references.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    bounds::BadRequest,
    fields::{Pairs, out_of_bounds, read_limits, solution_of, texts},
    words::{field, object, optional, word},
};
use crate::{
    limits::Limits,
    submission::{CheckerProtocol, JudgeProgram, PROGRAM_LIMITS, Program, Reference},
};

/// The program of `{"checker": {...}}` or `{"interactor": {...}}`; `None` if `compare` is anything else.
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
    let wire: WireProgram = object(raw, path)?;
    let known = CheckerProtocol::ALL.map(|protocol| (protocol.as_str(), protocol));
    let protocol = word(wire.protocol, &format!("{path}.protocol"), &known)?;
    let protocol = protocol.unwrap_or(CheckerProtocol::Testlib);
    let (program, limits) = wire.read(path)?;
    Ok((program, protocol, limits))
}

pub(super) fn read_reference(raw: &RawValue) -> Result<Reference, BadRequest> {
    let wire: WireProgram = object(raw, "reference")?;
    if wire.protocol.is_some() {
        return Err(BadRequest::at("reference.protocol", "belongs to checkers and interactors"));
    }
    let (program, limits) = wire.read("reference")?;
    Ok(Reference { program, limits })
}

/// A checker, interactor or reference.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireProgram<'a> {
    #[serde(borrow, default)]
    language: Option<&'a RawValue>,
    #[serde(borrow, default)]
    source: Option<&'a RawValue>,
    #[serde(borrow, default)]
    files: Option<&'a RawValue>,
    #[serde(borrow, default)]
    entry: Option<&'a RawValue>,
    #[serde(borrow, default)]
    protocol: Option<&'a RawValue>,
    #[serde(borrow, default)]
    limits: Option<&'a RawValue>,
}

impl WireProgram<'_> {
    /// `path` is the field that holds the program, for complaints.
    fn read(self, path: &str) -> Result<(Program, Limits), BadRequest> {
        let at = |name: &str| format!("{path}.{name}");
        let language = optional::<Cow<str>>(self.language, &at("language"))?;
        let language = language.ok_or_else(|| BadRequest::at(at("language"), "missing"))?;
        let source = optional(self.source, &at("source"))?;
        let files = texts(self.files, &at("files"))?;
        let entry = optional(self.entry, &at("entry"))?;
        let solution = solution_of(source, files, entry, &language).map_err(|error| BadRequest {
            field: Some(error.field.map_or(path.to_owned(), |field| at(&field))),
            ..error
        })?;
        let limits = read_limits(self.limits, &at("limits"))?;
        let limits = limits.over(PROGRAM_LIMITS).map_err(|out| out_of_bounds(&out, &at("limits")))?;
        Ok((Program { language: language.into_owned(), solution }, limits))
    }
}
