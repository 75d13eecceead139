//! A submission's JSON, checked once and turned into a [`Submission`].

use std::{borrow::Cow, collections::HashSet, fmt, marker::PhantomData};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    BadRequest, WireBounds,
    programs::{judge_program, read_reference},
    tests_field::{Kind, TestsField, collide, read_tests},
};
use crate::{
    judge::{Compare, Letters, Order, Rule, RuleError, Tolerance},
    limits::Limits,
    report::Report,
    submission::{
        JudgeProgram, MAX_PARALLEL, Prelude, ProgramIo, Repeat, Runtime, ShowOutput, Solution, SourceFile,
        Stop, Submission, Tests,
    },
    verdict::Cause,
};

/// Most source files in a submission.
const MAX_FILES: usize = 256;
/// Longest path of a source file, bytes.
const MAX_PATH_BYTES: usize = 255;
/// Longest `id`, bytes.
const MAX_ID_BYTES: usize = 4_096;

/// What a well-formed submission asks for.
#[derive(Debug)]
pub enum Asked {
    Verify(Box<Submission>),
    /// Well formed, and not decidable here; the report says why.
    Undecidable(Box<Report>),
}

/// The fields of a submission, each still as text, so that every complaint can name its field.
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
pub(super) struct WireLimits {
    cpu_ms: Option<u64>,
    wall_ms: Option<u64>,
    memory_bytes: Option<u64>,
    output_bytes: Option<u64>,
    processes: Option<u64>,
    file_bytes: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireCompare<'a> {
    #[serde(borrow, default)]
    rule: Option<Cow<'a, str>>,
    abs: Option<f64>,
    rel: Option<f64>,
    ignore_case: Option<bool>,
    unordered: Option<bool>,
    #[serde(borrow, default)]
    checker: Option<&'a RawValue>,
    #[serde(borrow, default)]
    interactor: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireStop {
    FirstFailure,
    Never,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum WirePrelude {
    None,
    Contest,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireShowOutput {
    Never,
    OnFailure,
    Always,
}

/// Reads one submission.
///
/// # Errors
/// [`BadRequest`] where the text is not UTF-8, not one JSON object, has unknown, missing, repeated or
/// contradicting fields, or a value is out of its bounds.
pub fn parse(body: &[u8], bounds: WireBounds) -> Result<Asked, BadRequest> {
    let text = text(body)?;
    let wire: WireSubmission = serde_json::from_str(text).map_err(|error| whole_error(text, &error))?;

    let id = optional::<Cow<str>>(wire.id, "id")?.map(Cow::into_owned);
    if id.as_ref().is_some_and(|id| id.len() > MAX_ID_BYTES) {
        return Err(BadRequest::at("id", format!("longer than {MAX_ID_BYTES} bytes")));
    }
    let language = field::<Cow<str>>(wire.language, "language")?.into_owned();
    if language.is_empty() {
        return Err(BadRequest::at("language", "must not be empty"));
    }
    let solution = solution(&wire, &language)?;
    let limits = optional::<WireLimits>(wire.limits, "limits")?.map_or(Ok(Limits::default()), limits)?;
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
    let stop = match optional(wire.stop, "stop")? {
        None => Stop::default(),
        Some(WireStop::FirstFailure) => Stop::FirstFailure,
        Some(WireStop::Never) => Stop::Never,
    };
    let repeat = repeat(optional(wire.repeat, "repeat")?)?;
    let parallel = parallel(optional(wire.parallel, "parallel")?)?;
    let runtime = match optional::<Cow<str>>(wire.runtime, "runtime")? {
        None => Runtime::Auto,
        Some(word) => Runtime::from_word(&word)
            .ok_or_else(|| BadRequest::at("runtime", "must be \"auto\", \"native\" or \"wasm\""))?,
    };
    let deterministic = optional::<bool>(wire.deterministic, "deterministic")?.unwrap_or(false);
    let seed = optional::<u32>(wire.seed, "seed")?;
    let prelude = match optional(wire.prelude, "prelude")? {
        None => Prelude::default(),
        Some(WirePrelude::None) => Prelude::None,
        Some(WirePrelude::Contest) => Prelude::Contest,
    };
    let show_output = match optional(wire.show_output, "show_output")? {
        None => ShowOutput::default(),
        Some(WireShowOutput::Never) => ShowOutput::Never,
        Some(WireShowOutput::OnFailure) => ShowOutput::OnFailure,
        Some(WireShowOutput::Always) => ShowOutput::Always,
    };
    let asked_tests = TestsField {
        tests: wire.tests,
        fn_name: optional::<Cow<str>>(wire.fn_name, "fn_name")?.map(Cow::into_owned),
        setup: optional::<Cow<str>>(wire.setup, "setup")?.map(Cow::into_owned),
        entry_point: optional::<Cow<str>>(wire.entry_point, "entry_point")?.map(Cow::into_owned),
        test_isolation: optional::<Cow<str>>(wire.test_isolation, "test_isolation")?.map(Cow::into_owned),
        io: &io,
        has_judge: judge.is_some(),
        has_reference: reference.is_some(),
    };

    let undecidable = |cause, reason: &str, total| {
        Ok(Asked::Undecidable(Box::new(Report::undecided(id.clone(), cause, reason, total))))
    };
    let tests = match read_tests(asked_tests, bounds)? {
        Kind::Decidable(tests) => tests,
        Kind::None => return undecidable(Cause::BadTests, "there are no tests", 0),
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

/// Names the field where serde's complaint about the object itself has one.
fn whole_error(text: &str, error: &serde_json::Error) -> BadRequest {
    if text.trim_ascii().is_empty() {
        return BadRequest::whole("the text is empty; a JSON object is needed");
    }
    let message = error.to_string();
    for complaint in ["unknown field `", "missing field `", "duplicate field `"] {
        if let Some((name, _)) = message.strip_prefix(complaint).and_then(|rest| rest.split_once('`')) {
            // The end of the object is not where the field is missing.
            let detail = message.rsplit_once(" at line ").map_or(message.as_str(), |(detail, _)| detail);
            return BadRequest::at(name, detail);
        }
    }
    if error.is_syntax() && not_a_number(text, error) {
        return BadRequest::whole(format!("not JSON: {message} (NaN and Infinity are not JSON numbers)"));
    }
    let kind = if error.is_data() { "not a submission" } else { "not JSON" };
    BadRequest::whole(format!("{kind}: {message}"))
}

/// Whether the text at the place of the error reads `NaN` or `Infinity`, as Python's `json.dumps`
/// writes.
fn not_a_number(text: &str, error: &serde_json::Error) -> bool {
    let Some(line) = text.split('\n').nth(error.line().saturating_sub(1)) else { return false };
    // serde_json's column may point at the first byte of the word or the one before it.
    let from = error.column().saturating_sub(2).min(line.len());
    let near = &line.as_bytes()[from..line.len().min(from + 12)];
    [&b"NaN"[..], b"Infinity"].iter().any(|word| near.windows(word.len()).any(|seen| seen == *word))
}

/// Reads one field's text; the complaint names it.
pub(super) fn field<'a, T: Deserialize<'a>>(raw: &'a RawValue, path: &str) -> Result<T, BadRequest> {
    serde_json::from_str(raw.get()).map_err(|error| BadRequest::at(path, detail_of(&error)))
}

/// What is wrong with a field. Line and column count from its own start, and would mislead.
pub(super) fn detail_of(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.rsplit_once(" at line ").map_or(message.as_str(), |(detail, _)| detail).to_owned()
}

/// As [`field`]; `null` and absence are the same.
pub(super) fn optional<'a, T: Deserialize<'a>>(
    raw: Option<&'a RawValue>,
    path: &str,
) -> Result<Option<T>, BadRequest> {
    raw.map_or(Ok(None), |raw| field(raw, path))
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
    let files = optional::<Pairs<Cow<str>>>(wire.files, "files")?;
    let entry = optional::<Cow<str>>(wire.entry, "entry")?;
    solution_of(source, files, entry, language)
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
fn source_file_name(language: &str) -> &'static str {
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

fn limits(wire: WireLimits) -> Result<Limits, BadRequest> {
    limits_or(wire, Limits::default())
}

pub(super) fn limits_or(wire: WireLimits, default: Limits) -> Result<Limits, BadRequest> {
    let cpu_ms = wire.cpu_ms.unwrap_or(default.cpu_ms);
    let limits = Limits {
        cpu_ms,
        wall_ms: wire.wall_ms.unwrap_or_else(|| Limits::default_wall_ms(cpu_ms)),
        memory_bytes: wire.memory_bytes.unwrap_or(default.memory_bytes),
        output_bytes: wire.output_bytes.unwrap_or(default.output_bytes),
        processes: wire.processes.unwrap_or(default.processes),
        file_bytes: wire.file_bytes.unwrap_or(default.file_bytes),
    };
    limits.validated().map_err(|out| {
        let detail = format!("is {}; it must be between {} and {}", out.given, out.least, out.most);
        BadRequest::at(format!("limits.{}", out.field), detail)
    })
}

fn compare(raw: Option<&RawValue>) -> Result<Compare, BadRequest> {
    let Some(raw) = raw.filter(|raw| raw.get() != "null") else { return Ok(Compare::TOKENS) };
    let wrong = |error: RuleError| BadRequest::at("compare", error.to_string());
    if raw.get().starts_with('"') {
        return field::<Cow<str>>(raw, "compare")?.parse().map_err(wrong);
    }
    if !raw.get().starts_with('{') {
        let words = format!(
            "must be one of {} or an object such as {{\"rule\": \"float\", \"abs\": 1e-6}}",
            Compare::names()
        );
        return Err(BadRequest::at("compare", words));
    }
    let wire: WireCompare = field(raw, "compare")?;
    let has_choice =
        wire.abs.is_some() || wire.rel.is_some() || wire.ignore_case.is_some() || wire.unordered.is_some();
    let rule = match (wire.rule.as_deref(), wire.checker.or(wire.interactor)) {
        // Without other fields it is read by `judge_program`.
        (_, Some(_)) => {
            let field = if wire.checker.is_some() { "compare.checker" } else { "compare.interactor" };
            return Err(BadRequest::at(field, "goes with no other field of `compare`"));
        }
        (None, None) => return Err(BadRequest::at("compare.rule", "missing")),
        (Some(rule), None) => rule,
    };
    let tolerance = match (rule, wire.abs, wire.rel) {
        ("float", None, None) => {
            return Err(BadRequest::at("compare.abs", "missing; give `abs`, `rel` or both"));
        }
        // A tolerance not given is zero: it then accepts nothing that the other does not.
        ("float", abs, rel) => {
            Some(Tolerance { abs: tolerance(abs, "compare.abs")?, rel: tolerance(rel, "compare.rel")? })
        }
        (_, None, None) => None,
        _ => return Err(BadRequest::at("compare.abs", "only the rule \"float\" has tolerances")),
    };
    let plain = match rule {
        "exact" => Rule::EXACT,
        "lines" => Rule::LINES,
        "tokens" | "float" => Rule::TOKENS,
        name => match name.parse().map_err(wrong)? {
            _ if !has_choice => return name.parse().map_err(wrong),
            Compare::Rule(_) | Compare::Profile(_) => {
                let detail = format!("{name:?} takes no further choices; exact, lines, tokens and float do");
                return Err(BadRequest::at("compare.rule", detail));
            }
        },
    };
    let order = if wire.unordered == Some(true) { Order::Ignored } else { Order::Counts };
    let letters = if wire.ignore_case == Some(true) { Letters::AnyCase } else { Letters::CaseCounts };
    plain.with(order, letters, tolerance).map(Compare::Rule).map_err(wrong)
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

/// Refuses a rule about printed lines where results are values, rather than ignoring it.
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

fn repeat(runs: Option<u32>) -> Result<Repeat, BadRequest> {
    match runs {
        None => Ok(Repeat::default()),
        Some(1) => Ok(Repeat::Once),
        Some(runs @ 2..=Repeat::MAX) => Ok(Repeat::Times(runs)),
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

/// Most names in one object of files or programs. Far more are no mistake but an attack.
const MAX_NAMES: usize = 1_024;

/// A JSON object as pairs in order; a name that comes twice is refused instead of one winning.
pub(super) struct Pairs<T>(pub(super) Vec<(String, T)>);

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
