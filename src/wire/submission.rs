//! A submission's JSON, checked once and turned into a [`Submission`].

use std::borrow::Cow;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    bounds::{BadRequest, WireBounds},
    fields::{check_path, out_of_bounds, read_limits, solution_of, source_file_name, texts},
    programs::{judge_program, read_reference},
    tests_field::{ReadTests, TestsField, collide, read_tests},
    words::{self, field, kind_of, optional, word},
};
use crate::{
    judge::{Compare, Letters, Order, Rule, RuleError, Tolerance},
    limits::Limits,
    report::Report,
    submission::{
        Id, JudgeProgram, MAX_PARALLEL, Prelude, ProgramIo, Repeat, Runtime, ShowOutput, Solution, Stop,
        Submission, Tests,
    },
    verdict::Cause,
};

/// Longest `id`, bytes.
const MAX_ID_BYTES: usize = 4_096;

/// What a well-formed submission asks for.
#[derive(Debug)]
pub enum Asked {
    Verify(Box<Submission>),
    /// The submission is well formed and cannot be decided here. The report says why.
    Undecidable(Box<Report>),
}

/// The fields of a submission. Each is still JSON text, so that every complaint can name its field.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSubmission<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    language: &'a RawValue,
    #[serde(borrow, default)]
    source: Option<&'a RawValue>,
    #[serde(borrow, default)]
    source_base64: Option<&'a RawValue>,
    #[serde(borrow, default)]
    files: Option<&'a RawValue>,
    #[serde(borrow, default)]
    entry: Option<&'a RawValue>,
    #[serde(borrow)]
    tests: &'a RawValue,
    #[serde(borrow, default)]
    fn_name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    setup: Option<&'a RawValue>,
    #[serde(borrow, default)]
    entry_point: Option<&'a RawValue>,
    #[serde(borrow, default)]
    test_isolation: Option<&'a RawValue>,
    #[serde(borrow, default)]
    compare: Option<&'a RawValue>,
    #[serde(borrow, default)]
    limits: Option<&'a RawValue>,
    #[serde(borrow, default)]
    stop: Option<&'a RawValue>,
    #[serde(borrow, default)]
    repeat: Option<&'a RawValue>,
    #[serde(borrow, default)]
    parallel: Option<&'a RawValue>,
    #[serde(borrow, default)]
    runtime: Option<&'a RawValue>,
    #[serde(borrow, default)]
    deterministic: Option<&'a RawValue>,
    #[serde(borrow, default)]
    seed: Option<&'a RawValue>,
    #[serde(borrow, default)]
    prelude: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reference: Option<&'a RawValue>,
    #[serde(borrow, default)]
    input_file: Option<&'a RawValue>,
    #[serde(borrow, default)]
    output_file: Option<&'a RawValue>,
    #[serde(borrow, default)]
    show_output: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireCompare<'a> {
    #[serde(borrow, default)]
    rule: Option<&'a RawValue>,
    #[serde(borrow, default)]
    abs: Option<&'a RawValue>,
    #[serde(borrow, default)]
    rel: Option<&'a RawValue>,
    #[serde(borrow, default)]
    ignore_case: Option<&'a RawValue>,
    #[serde(borrow, default)]
    unordered: Option<&'a RawValue>,
    #[serde(borrow, default)]
    checker: Option<&'a RawValue>,
    #[serde(borrow, default)]
    interactor: Option<&'a RawValue>,
}

/// Reads one submission.
///
/// # Errors
/// [`BadRequest`] where the text is not UTF-8, not one JSON object, has unknown, missing, repeated or
/// contradicting fields, or a value is out of its bounds.
pub fn parse(body: &[u8], bounds: WireBounds) -> Result<Asked, BadRequest> {
    let text = text(body)?;
    let wire = read_whole(text)?;
    let id = read_id(wire.id)?;
    let language = field::<Cow<str>>(wire.language, "language")?.into_owned();
    if language.is_empty() {
        return Err(BadRequest::at("language", "must not be empty"));
    }
    let solution = solution(&wire, &language)?;
    let limits = read_limits(wire.limits, "limits")?.or(bounds.defaults.limits);
    let limits = limits.over(Limits::default()).map_err(|out| out_of_bounds(&out, "limits"))?;
    let (compare, judge) = match judge_program(wire.compare)? {
        Some(judge) => (Compare::TOKENS, Some(judge)),
        None => (compare(wire.compare)?, None),
    };
    let reference = wire.reference.filter(|raw| raw.get() != "null").map(read_reference).transpose()?;
    if reference.is_some() && matches!(judge, Some(JudgeProgram::Interactor { .. })) {
        return Err(BadRequest::at(
            "reference",
            "has nobody to converse with; an interactor knows the answer",
        ));
    }
    let io = ProgramIo {
        input_file: file_name(wire.input_file, "input_file")?,
        output_file: file_name(wire.output_file, "output_file")?,
    };
    if let (Some(input), Some(output)) = (&io.input_file, &io.output_file)
        && collide(input, output)
    {
        return Err(BadRequest::at("output_file", "is the directory of the input file, or below it"));
    }
    let stop = [("first_failure", Stop::FirstFailure), ("never", Stop::Never)];
    let stop = word(wire.stop, "stop", &stop)?.unwrap_or_default();
    let repeat = repeat(optional(wire.repeat, "repeat")?)?.or(bounds.defaults.repeat).unwrap_or_default();
    let parallel = parallel(optional(wire.parallel, "parallel")?)?;
    let runtime = [("auto", Runtime::Auto), ("native", Runtime::Native), ("wasm", Runtime::Wasm)];
    let runtime = word(wire.runtime, "runtime", &runtime)?.unwrap_or_default();
    let deterministic = optional::<bool>(wire.deterministic, "deterministic")?.unwrap_or(false);
    let seed = optional::<u32>(wire.seed, "seed")?;
    let prelude = [("none", Prelude::None), ("contest", Prelude::Contest)];
    let prelude = word(wire.prelude, "prelude", &prelude)?.unwrap_or_default();
    let show_output =
        [("never", ShowOutput::Never), ("on_failure", ShowOutput::OnFailure), ("always", ShowOutput::Always)];
    let show_output = word(wire.show_output, "show_output", &show_output)?.unwrap_or_default();
    let separate_only = word(wire.test_isolation, "test_isolation", &[("auto", false), ("separate", true)])?;
    let asked_tests = TestsField {
        tests: wire.tests,
        fn_name: optional::<Cow<str>>(wire.fn_name, "fn_name")?.map(Cow::into_owned),
        setup: optional::<Cow<str>>(wire.setup, "setup")?.map(Cow::into_owned),
        entry_point: optional::<Cow<str>>(wire.entry_point, "entry_point")?.map(Cow::into_owned),
        separate_only,
        io: &io,
        has_judge: judge.is_some(),
        has_reference: reference.is_some(),
    };

    let undecidable = |cause, reason: &str, total| {
        Ok(Asked::Undecidable(Box::new(Report::undecided(id.clone(), cause, reason, total))))
    };
    let tests = match read_tests(asked_tests, bounds)? {
        ReadTests::Decidable(tests) => tests,
        ReadTests::None => return undecidable(Cause::BadTests, "there are no tests", 0),
    };
    check_rule_fits(compare, &tests)?;
    Ok(Asked::Verify(Box::new(Submission {
        id,
        io,
        compare,
        judge,
        reference,
        limits,
        stop,
        repeat,
        parallel,
        runtime,
        deterministic,
        seed,
        prelude,
        show_output,
        ..Submission::new(language, solution, tests)
    })))
}

/// The body as text: UTF-8 without a byte order mark.
fn text(body: &[u8]) -> Result<&str, BadRequest> {
    if body.starts_with(b"\xef\xbb\xbf") {
        return Err(BadRequest::whole(
            "the text starts with a UTF-8 byte order mark; send the JSON without it",
        ));
    }
    str::from_utf8(body).map_err(|error| {
        BadRequest::whole(format!("not UTF-8: invalid byte at offset {}", error.valid_up_to()))
    })
}

fn read_whole(text: &str) -> Result<WireSubmission<'_>, BadRequest> {
    match text.trim_ascii() {
        "" => Err(BadRequest::whole("the text is empty; a JSON object is needed")),
        text if text.starts_with('{') => Ok(()),
        // serde would read a list as an object whose fields come in order.
        text => match serde_json::from_str::<&RawValue>(text) {
            Err(error) => Err(BadRequest::whole(words::not_json(text, &error))),
            Ok(other) => {
                let kind = kind_of(other.get());
                Err(BadRequest::whole(format!("not a submission: it is {kind}, and must be an object")))
            }
        },
    }?;
    serde_json::from_str(text).map_err(|error| words::whole(text, &error))
}

/// The `id` of a refused submission, if it can be read.
pub fn id_of(body: &[u8]) -> Option<Id> {
    #[derive(Deserialize)]
    struct Identified<'a> {
        #[serde(borrow, default)]
        id: Option<&'a RawValue>,
    }
    let identified: Identified = serde_json::from_slice(body).ok()?;
    read_id(identified.id).ok()?
}

/// A text or a whole number of any size.
fn read_id(raw: Option<&RawValue>) -> Result<Option<Id>, BadRequest> {
    let Some(raw) = raw.filter(|raw| raw.get() != "null") else { return Ok(None) };
    let text = raw.get();
    let is_whole = |text: &str| text.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
    let id = match text.starts_with('"') {
        true => Id::Text(field(raw, "id")?),
        false if is_whole(text) => Id::Number(text.to_owned()),
        false => {
            let detail = format!("must be a text or a whole number, not {}", kind_of(text));
            return Err(BadRequest::at("id", detail));
        }
    };
    if id.len() > MAX_ID_BYTES {
        return Err(BadRequest::at("id", format!("longer than {MAX_ID_BYTES} bytes")));
    }
    Ok(Some(id))
}

fn solution(wire: &WireSubmission, language: &str) -> Result<Solution, BadRequest> {
    let source = optional::<Cow<str>>(wire.source, "source")?;
    if let Some(encoded) = optional::<Cow<str>>(wire.source_base64, "source_base64")? {
        if source.is_some() || wire.files.is_some() || wire.entry.is_some() {
            return Err(BadRequest::at("source_base64", "goes without `source`, `files` and `entry`"));
        }
        let content = BASE64_STANDARD
            .decode(encoded.as_bytes())
            .map_err(|error| BadRequest::at("source_base64", error.to_string()))?;
        return Ok(Solution::single(source_file_name(language), content));
    }
    let files = texts(wire.files, "files")?;
    let entry = optional::<Cow<str>>(wire.entry, "entry")?;
    solution_of(source, files, entry, language)
}

fn compare(raw: Option<&RawValue>) -> Result<Compare, BadRequest> {
    let Some(raw) = raw.filter(|raw| raw.get() != "null") else { return Ok(Compare::TOKENS) };
    let wrong = |error: RuleError| BadRequest::at("compare", error.to_string());
    if raw.get().starts_with('"') {
        return field::<Cow<str>>(raw, "compare")?.parse().map_err(wrong);
    }
    if !raw.get().starts_with('{') {
        let words = format!(
            "must be a text such as \"tokens\" or an object such as {{\"rule\": \"float\", \"abs\": 1e-6}}, not {}; the \
             rules are {}",
            kind_of(raw.get()),
            Compare::names()
        );
        return Err(BadRequest::at("compare", words));
    }
    let wire: WireCompare = field(raw, "compare")?;
    let rule = optional::<Cow<str>>(wire.rule, "compare.rule")?;
    let abs = optional::<f64>(wire.abs, "compare.abs")?;
    let rel = optional::<f64>(wire.rel, "compare.rel")?;
    let ignore_case = optional::<bool>(wire.ignore_case, "compare.ignore_case")?;
    let unordered = optional::<bool>(wire.unordered, "compare.unordered")?;
    let has_choice = abs.is_some() || rel.is_some() || ignore_case.is_some() || unordered.is_some();
    let rule = match (rule.as_deref(), wire.checker.or(wire.interactor)) {
        // `judge_program` has read a checker or interactor that stands alone.
        (_, Some(_)) => {
            let field = if wire.checker.is_some() { "compare.checker" } else { "compare.interactor" };
            return Err(BadRequest::at(field, "goes with no other field of `compare`"));
        }
        (None, None) => return Err(BadRequest::at("compare.rule", "missing")),
        (Some(rule), None) => rule,
    };
    let tolerance = match (rule, abs, rel) {
        ("float", None, None) => {
            return Err(BadRequest::at("compare.abs", "missing; give `abs`, `rel` or both"));
        }
        // A tolerance not given is zero: it then accepts nothing that the other does not.
        ("float", abs, rel) | ("kattis", abs, rel) if abs.is_some() || rel.is_some() => {
            Some(Tolerance { abs: tolerance(abs, "compare.abs")?, rel: tolerance(rel, "compare.rel")? })
        }
        (_, None, None) => None,
        _ => {
            return Err(BadRequest::at(
                "compare.abs",
                "only the rules \"float\" and \"kattis\" have tolerances",
            ));
        }
    };
    let plain = match rule {
        "exact" => Rule::EXACT,
        "lines" => Rule::LINES,
        "tokens" | "float" => Rule::TOKENS,
        "kattis" if has_choice => Rule::TOKENS,
        name => match name.parse().map_err(wrong)? {
            _ if !has_choice => return name.parse().map_err(wrong),
            Compare::Rule(_) | Compare::Profile(_) => {
                let detail =
                    format!("{name:?} takes no further choices; exact, lines, tokens, float and kattis do");
                return Err(BadRequest::at("compare.rule", detail));
            }
        },
    };
    let order = if unordered == Some(true) { Order::Ignored } else { Order::Counts };
    let letters = if ignore_case == Some(true) { Letters::AnyCase } else { Letters::CaseCounts };
    let chosen = plain.with(order, letters, tolerance).map_err(wrong)?;
    let is_kattis = rule == "kattis";
    Ok(Compare::Rule(if is_kattis { chosen.as_kattis().map_err(wrong)? } else { chosen }))
}

/// The name of a file in a program's working directory.
fn file_name(raw: Option<&RawValue>, path: &str) -> Result<Option<String>, BadRequest> {
    let Some(name) = optional::<Cow<str>>(raw, path)? else { return Ok(None) };
    check_path(&name).map_err(|problem| BadRequest::at(path, problem))?;
    Ok(Some(name.into_owned()))
}

fn tolerance(given: Option<f64>, path: &str) -> Result<f64, BadRequest> {
    let tolerance = given.unwrap_or(0.0);
    if (0.0..=Tolerance::MAX).contains(&tolerance) {
        Ok(tolerance)
    } else {
        Err(BadRequest::at(path, format!("is {tolerance}; it must be between 0 and 1e9")))
    }
}

/// Refuses a rule that does not apply to this kind of tests, rather than ignoring it.
fn check_rule_fits(compare: Compare, tests: &Tests) -> Result<(), BadRequest> {
    match (compare, tests) {
        (Compare::Rule(rule), Tests::Function { .. }) if !rule.fits_values() => {
            let detail = format!(
                "{rule} is about printed lines, and function tests compare values; give exact, tokens, float, \
                 unordered_tokens or tokens_ignore_case"
            );
            Err(BadRequest::at("compare", detail))
        }
        (compare, Tests::Code(_)) if compare != Compare::TOKENS => {
            Err(BadRequest::at("compare", "is not for tests of code, which compare by themselves"))
        }
        _ => Ok(()),
    }
}

fn repeat(runs: Option<u32>) -> Result<Option<Repeat>, BadRequest> {
    match runs {
        None => Ok(None),
        Some(runs @ 1..=Repeat::MAX) => Ok(Some(Repeat::exactly(runs))),
        Some(runs) => {
            Err(BadRequest::at("repeat", format!("is {runs}; it must be between 1 and {}", Repeat::MAX)))
        }
    }
}

fn parallel(slots: Option<u32>) -> Result<u32, BadRequest> {
    match slots {
        None => Ok(1),
        Some(slots @ 1..=MAX_PARALLEL) => Ok(slots),
        Some(slots) => {
            Err(BadRequest::at("parallel", format!("is {slots}; it must be between 1 and {MAX_PARALLEL}")))
        }
    }
}
