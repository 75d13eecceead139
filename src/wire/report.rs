//! A report's JSON.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::bounds::BadRequest;
use crate::{
    report::{Isolation, Report, ShownRoom, TestReport, is_escaped},
    submission::Id,
    verdict::Verdict,
};

/// A report shows at most this much of one captured output, bytes of JSON.
const MAX_SHOWN_BYTES: usize = 64 << 10;
/// A report shows at most this much captured output in all, bytes of JSON. Output of later tests is left out first.
const MAX_SHOWN_BYTES_PER_REPORT: usize = 4 << 20;

/// A report as it is sent. Field order is the order on the wire.
#[derive(Debug, Serialize)]
pub struct WireReport<'a> {
    id: Option<WireId<'a>>,
    /// In files of `proofbox verify`: the 1-based line that could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    verdict: &'static str,
    cause: Option<&'static str>,
    reason: Option<&'a str>,
    passed: usize,
    total: usize,
    tier: Option<&'static str>,
    /// Only for tests that hold code: `separate` or `shared`.
    #[serde(skip_serializing_if = "Option::is_none")]
    isolation_of_tests: Option<&'static str>,
    /// Null in languages that are not compiled.
    compile: Option<WireCompile<'a>>,
    tests: Vec<WireTestReport<'a>>,
}

/// A submission's `id` as it was given.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum WireId<'a> {
    Text(&'a str),
    Number(Box<RawValue>),
}

impl<'a> WireId<'a> {
    fn new(id: &'a Id) -> WireId<'a> {
        match id {
            Id::Text(text) => WireId::Text(text),
            // `read_id` made sure that the text is a whole number.
            Id::Number(text) => {
                RawValue::from_string(text.clone()).map_or(WireId::Text(text), WireId::Number)
            }
        }
    }
}

#[derive(Debug, Serialize)]
struct WireCompile<'a> {
    verdict: &'static str,
    message: Option<&'a str>,
    cpu_ms: f64,
    cached: bool,
}

#[derive(Debug, Serialize)]
struct WireTestReport<'a> {
    verdict: &'static str,
    cause: Option<&'static str>,
    cpu_ms: f64,
    wall_ms: f64,
    memory_bytes: u64,
    /// Of deterministic runs only.
    #[serde(skip_serializing_if = "Option::is_none")]
    fuel: Option<u64>,
    exit_code: Option<i32>,
    signal: Option<i32>,
    message: Option<&'a str>,
    /// Set only if a checker found the output partly right.
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    stdout: Option<Cow<'a, str>>,
    stderr: Option<Cow<'a, str>>,
    result: Option<Cow<'a, str>>,
}

impl<'a> WireReport<'a> {
    pub fn new(report: &'a Report) -> WireReport<'a> {
        let mut room = ShownRoom::new(MAX_SHOWN_BYTES_PER_REPORT);
        WireReport {
            id: report.id.as_ref().map(WireId::new),
            line: None,
            verdict: report.verdict.as_str(),
            cause: report.cause.map(crate::verdict::Cause::as_str),
            reason: report.reason.as_deref(),
            passed: report.passed(),
            total: report.total,
            tier: report.tier,
            isolation_of_tests: report.isolation_of_tests.as_ref().map(Isolation::as_str),
            compile: report.compile.as_ref().map(|compile| WireCompile {
                verdict: compile.verdict.as_str(),
                message: compile.message.as_deref(),
                cpu_ms: rounded_ms(compile.cpu_ms),
                cached: compile.cached,
            }),
            tests: report.tests.iter().map(|test| test_report(test, &mut room)).collect(),
        }
    }

    /// The report for line `line` (1-based) of a file that is no submission. `reason` says what is wrong. `id` is the line's
    /// own, if it could be read.
    pub fn bad_line(id: Option<&'a Id>, line: u64, reason: &'a str) -> WireReport<'a> {
        WireReport {
            id: id.map(WireId::new),
            line: Some(line),
            verdict: Verdict::Undecided.as_str(),
            cause: Some(BadRequest::CAUSE),
            reason: Some(reason),
            passed: 0,
            total: 0,
            tier: None,
            isolation_of_tests: None,
            compile: None,
            tests: Vec::new(),
        }
    }
}

impl BadRequest {
    /// The word that stands for a bad request where an answer must be a report.
    pub const CAUSE: &'static str = "bad_request";
}

/// A report as one line of JSON, without a line end.
pub fn report_json(report: &Report) -> String {
    let json =
        serde_json::to_string(&WireReport::new(report)).expect("a report has string keys and finite numbers");
    escape_acting(json)
}

/// Escapes characters that JSON allows and a terminal may act on: C1 controls, and marks that reorder text.
fn escape_acting(json: String) -> String {
    if !json.chars().any(is_escaped) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        match is_escaped(c) {
            // Such characters occur in strings only, and all of them fit four digits.
            true => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => escaped.push(c),
        }
    }
    escaped
}

fn test_report<'a>(test: &'a TestReport, room: &mut ShownRoom) -> WireTestReport<'a> {
    let mut shown = |text: &'a Option<String>| text.as_deref().map(|text| room.take(text, MAX_SHOWN_BYTES));
    WireTestReport {
        verdict: test.verdict.as_str(),
        cause: test.cause.map(crate::verdict::Cause::as_str),
        cpu_ms: rounded_ms(test.cpu_ms),
        wall_ms: rounded_ms(test.wall_ms),
        memory_bytes: test.memory_bytes,
        fuel: test.fuel,
        exit_code: test.exit_code,
        signal: test.signal,
        message: test.message.as_deref(),
        score: test.score,
        stdout: shown(&test.stdout),
        stderr: shown(&test.stderr),
        result: shown(&test.result),
    }
}

/// Times are measured in microseconds. Further digits are noise of the arithmetic.
fn rounded_ms(ms: f64) -> f64 {
    (ms * 1e3).round() / 1e3
}
