//! The tests file of `proofbox run`: tests in the wire format with further fields of a submission, tests in a form of data
//! sets, or a file of Python tests.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use anyhow::{Context, bail};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{
    json,
    value::{RawValue, to_raw_value},
};

use crate::{
    dataset::test_cases::{TestsError, parse_tests_of},
    spelling::did_you_mean,
    submission::{CodeKind, Tests},
    wire::{Pairs, not_json},
};

/// The content of a tests file.
#[derive(Debug)]
pub enum TestsFile {
    /// Fields of a submission in the wire format, `tests` among them.
    Wire(Vec<(String, Box<RawValue>)>),
    /// Tests in one of the forms of data sets.
    DataSet(Tests),
}

impl TestsFile {
    /// `fn_name` is the function to test, in place of the one that the file names.
    pub fn read(path: &Path, fn_name: Option<&str>) -> anyhow::Result<TestsFile> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let of_kind = match path.extension() {
            Some(ending) if ending == "py" => python(&text),
            _ => TestsFile::parse(&text, fn_name),
        };
        of_kind.with_context(|| format!("in {}", path.display()))
    }

    fn parse(text: &str, fn_name: Option<&str>) -> anyhow::Result<TestsFile> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
        match text.as_bytes().first() {
            None => bail!("the file is empty; a list of tests is needed"),
            Some(b'[') if !is_list_of_data_set(text) => {
                let tests = read_json(text)?;
                return Ok(TestsFile::Wire(vec![("tests".to_owned(), tests)]));
            }
            Some(b'{') if is_object_of_wire(text) => {
                let Pairs(fields) = read_json(text)?;
                return Ok(TestsFile::Wire(fields));
            }
            _ => {}
        }
        match parse_tests_of(text, fn_name) {
            Ok(tests) => Ok(TestsFile::DataSet(tests)),
            Err(TestsError::Unsupported(what)) => bail!("not supported: {what}"),
            Err(TestsError::Bad(problem)) => match serde_json::from_str::<IgnoredAny>(text) {
                // A text that begins as JSON and is not JSON is reported as bad JSON.
                Err(broken) if text.starts_with(['[', '{']) && !text.contains("{'") => {
                    bail!("{}", not_json(text, &broken))
                }
                _ => {
                    bail!("{}", unnamed_tests(text).unwrap_or(problem.replacen("test_cases", "the file", 1)))
                }
            },
        }
    }
}

fn read_json<'a, T: Deserialize<'a>>(text: &'a str) -> anyhow::Result<T> {
    serde_json::from_str(text).map_err(|error| anyhow::anyhow!("{}", not_json(text, &error)))
}

/// Whether a list's items are those of data sets: `{"input", "output"}`.
fn is_list_of_data_set(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Item {
        input: Option<IgnoredAny>,
    }
    match serde_json::from_str::<Vec<Item>>(text) {
        Ok(items) => items.iter().any(|item| item.input.is_some()),
        // Python's repr of such a list.
        Err(_) => text.contains("'input'"),
    }
}

/// Whether an object is a submission without its solution: `tests` is a list of tests in the wire format.
fn is_object_of_wire(text: &str) -> bool {
    // An incomplete text may be of either form. If it has the word `tests`, it counts as the wire format.
    let Ok(fields) = serde_json::from_str::<HashMap<String, &RawValue>>(text) else {
        return text.contains(r#""tests""#);
    };
    fields.get("tests").is_some_and(|tests| {
        let tests = tests.get();
        !tests.starts_with(['{', '"']) && !is_list_of_data_set(tests)
    })
}

/// The error for an object without tests under any known name.
fn unnamed_tests(text: &str) -> Option<String> {
    const NAMES: [&str; 5] = ["tests", "test_cases", "inputs", "outputs", "input"];
    let fields = serde_json::from_str::<BTreeMap<String, IgnoredAny>>(text).ok()?;
    if fields.keys().any(|name| NAMES.contains(&name.as_str())) {
        return None;
    }
    let meant =
        fields.keys().map(|name| (name, did_you_mean(name, NAMES))).find(|(_, meant)| !meant.is_empty());
    let found = match meant {
        Some((name, meant)) => format!("{name:?}{meant}"),
        None => fields.into_keys().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", "),
    };
    let found = if found.is_empty() { "nothing".to_owned() } else { found };
    Some(format!("no tests: an object has `tests`, or `inputs` and `outputs`; this one has {found}"))
}

/// A file of Python tests, whole.
fn python(text: &str) -> anyhow::Result<TestsFile> {
    if text.trim().is_empty() {
        bail!("the file is empty; tests in Python are needed");
    }
    let tests = to_raw_value(&json!([{ code_kind(text).as_str(): text }]))?;
    Ok(TestsFile::Wire(vec![("tests".to_owned(), tests)]))
}

/// The framework for a file of Python tests. If both would do, it is `unittest`.
fn code_kind(text: &str) -> CodeKind {
    let begins = |words: &[&str]| text.lines().any(|line| words.iter().any(|word| line.starts_with(word)));
    let is_pytest = begins(&["def test", "async def test", "import pytest", "from pytest"]);
    match text.contains("TestCase") {
        _ if is_pytest => CodeKind::Pytest,
        true => CodeKind::Unittest,
        false if begins(&["class Test"]) => CodeKind::Pytest,
        false => CodeKind::Check,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str, fn_name: Option<&str>) -> String {
        match TestsFile::parse(text, fn_name).unwrap_or_else(|error| panic!("{text}: {error:#}")) {
            TestsFile::DataSet(Tests::Function { target, .. }) => format!("function {}", target.name),
            TestsFile::DataSet(tests) => tests.kind().to_owned(),
            TestsFile::Wire(fields) => {
                let fields = fields.iter().map(|(name, raw)| format!("{name}={}", raw.get()));
                fields.collect::<Vec<_>>().join(" ")
            }
        }
    }

    #[test]
    fn what_the_wire_has_goes_through_as_it_is() {
        let list = r#"[{"args": [123456789012345678901], "expected": 1}]"#;
        assert_eq!(kind(list, None), format!("tests={list}"));
        assert_eq!(kind("[]", None), "tests=[]");
        let object = format!(
            r#"{{"fn_name": "f", "tests": {list}, "limits": {{"cpu_ms": 500}}, "compare": "exact"}}"#
        );
        assert_eq!(
            kind(&object, None),
            format!(r#"fn_name="f" tests={list} limits={{"cpu_ms": 500}} compare="exact""#)
        );
    }

    #[test]
    fn the_forms_of_data_sets_are_told_apart_and_take_the_name_that_is_asked_for() {
        for (text, fn_name, expected) in [
            (
                r#"{"inputs": ["1\n", ["2", "3"]], "outputs": ["a", ["b", "c"]], "fn_name": null}"#,
                None,
                "program",
            ),
            (r#"{"inputs": [[1]], "outputs": [[2]], "fn_name": "f"}"#, None, "function f"),
            (r#"{"inputs": [[1]], "outputs": [[2]], "fn_name": "f"}"#, Some("g"), "function g"),
            (r#"{"inputs": [[1]], "outputs": [[2]]}"#, Some("g"), "function g"),
            ("{'inputs': [[1]], 'outputs': [[2]]}", Some("g"), "function g"),
            (r#"[{"input": "1", "output": "2", "testtype": "stdin"}]"#, None, "program"),
            (r#"[{"input": "1", "output": "2", "testtype": "functional"}]"#, Some("g"), "function g"),
            ("[{'input': '1', 'output': '2'}]", None, "program"),
            (r#"{"fn_name": "f", "tests": [{"input": [1], "output": 2}]}"#, None, "function f"),
            (r#"{"tests": {"inputs": ["1"], "outputs": ["2"]}}"#, None, "program"),
        ] {
            assert_eq!(kind(text, fn_name), expected, "{text}");
        }
    }

    #[test]
    fn other_files_are_refused_in_plain_words() {
        for (text, clue) in [
            ("", "empty"),
            ("5", "the file is"),
            ("[", "not JSON: it ends in the middle of a list at line 1"),
            ("{}", "this one has nothing"),
            (r#"{"test": []}"#, r#"this one has "test" (did you mean "tests"?)"#),
            (r#"{"colour": 1}"#, r#"this one has "colour""#),
            (r#"{"tests": [}"#, "not JSON: a value is expected at line 1, column 12"),
            (r#"{"tests": [], "tests": []}"#, "given twice"),
            (r#"{"inputs": ["1"], "outputs": []}"#, "1 inputs but 0 outputs"),
        ] {
            let refusal = format!("{:#}", TestsFile::parse(text, None).unwrap_err());
            assert!(refusal.contains(clue), "{text}: {refusal}");
        }
    }

    #[test]
    fn python_files_are_told_apart() {
        for (text, kind) in [
            ("from solution import f\ndef test_f():\n    assert f() == 1\n", CodeKind::Pytest),
            ("class TestF:\n    def test_f(self):\n        assert f() == 1\n", CodeKind::Pytest),
            ("import unittest\nclass TestF(unittest.TestCase):\n    pass\n", CodeKind::Unittest),
            ("import pytest, unittest\nclass TestF(unittest.TestCase):\n    pass\n", CodeKind::Pytest),
            ("def check(candidate):\n    assert candidate(1) == 2\n", CodeKind::Check),
            ("assert f(1) == 2\n", CodeKind::Check),
        ] {
            assert_eq!(code_kind(text), kind, "{text}");
        }
    }
}
