//! The `tests` field: which kind of tests it holds, and the tests.

use std::{borrow::Cow, collections::HashSet, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    bounds::{BadRequest, WireBounds},
    fields::{Pairs, check_path, texts},
    values::{packed_args, packed_kwargs, packed_value},
    words::{field, json_complaint, object, optional},
};
use crate::{
    submission::{
        CodeKind, CodeTest, CodeTests, FunctionTarget, FunctionTest, ProgramIo, ProgramTest, Tests,
    },
    value::LongDigits,
};

/// Most further files that one test brings.
const MAX_TEST_FILES: usize = 64;

/// Most accepted outputs of one test.
const MAX_OUTPUTS: usize = 1_000;

/// A list of which only the first items are kept.
struct List<T> {
    items: Vec<T>,
    /// Number of items, those that were not kept included.
    total: usize,
}

/// Reads a list and keeps at most `most` items, so that a long list takes no memory.
fn list<'a, T: Deserialize<'a>>(raw: &'a RawValue, path: &str, most: usize) -> Result<List<T>, BadRequest> {
    let reader = ListReader { most, item: PhantomData };
    let read = serde_json::Deserializer::from_str(raw.get()).deserialize_seq(reader);
    read.map_err(|error| BadRequest::at(path, json_complaint(&error)))
}

struct ListReader<T> {
    most: usize,
    item: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListReader<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
        let mut list = List { items: Vec::new(), total: 0 };
        while let Some(item) = seq.next_element()? {
            list.total += 1;
            if list.items.len() < self.most {
                list.items.push(item);
            }
        }
        Ok(list)
    }
}

/// `tests` and the fields of the submission that belong to it.
pub(super) struct TestsField<'a> {
    pub tests: &'a RawValue,
    pub fn_name: Option<String>,
    /// Fields of tests that hold code.
    pub setup: Option<String>,
    pub entry_point: Option<String>,
    /// The field `test_isolation`: whether tests must not share the solution's process.
    pub separate_only: Option<bool>,
    pub io: &'a ProgramIo,
    /// Whether a checker or interactor decides about outputs.
    pub has_judge: bool,
    /// Whether a reference makes the expected outputs that are missing.
    pub has_reference: bool,
}

/// What the field holds.
pub(super) enum ReadTests {
    Decidable(Tests),
    None,
}

/// One test of any kind. The fields that are present say which kind it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireTest<'a> {
    #[serde(borrow, default)]
    stdin: Option<&'a RawValue>,
    #[serde(borrow, default)]
    expected_stdout: Option<&'a RawValue>,
    #[serde(borrow, default)]
    files: Option<&'a RawValue>,
    #[serde(borrow, default)]
    args: Option<&'a RawValue>,
    #[serde(borrow, default)]
    kwargs: Option<&'a RawValue>,
    /// `null` counts as present: a function may be expected to return None.
    #[serde(borrow, default, deserialize_with = "present")]
    expected: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "assert")]
    assertion: Option<&'a RawValue>,
    #[serde(borrow, default)]
    code: Option<&'a RawValue>,
    #[serde(borrow, default)]
    unittest: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pytest: Option<&'a RawValue>,
}

fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TestKind {
    Program,
    Function,
    Code,
}

impl TestKind {
    fn name(self) -> &'static str {
        match self {
            TestKind::Program => "a program test (`stdin`, `expected_stdout`)",
            TestKind::Function => "a function test (`args`, `expected`)",
            TestKind::Code => "a test of code (`assert`, `code`, `unittest` or `pytest`)",
        }
    }
}

impl<'a> WireTest<'a> {
    fn codes(&self) -> [(CodeKind, Option<&'a RawValue>); 4] {
        [
            (CodeKind::Assert, self.assertion),
            (CodeKind::Check, self.code),
            (CodeKind::Unittest, self.unittest),
            (CodeKind::Pytest, self.pytest),
        ]
    }

    fn kind(&self, path: &str) -> Result<TestKind, BadRequest> {
        let program = self.stdin.is_some() || self.expected_stdout.is_some() || self.files.is_some();
        let function = self.args.is_some() || self.kwargs.is_some() || self.expected.is_some();
        let code = self.codes().into_iter().any(|(_, raw)| raw.is_some());
        match (program, function, code) {
            (true, false, false) => Ok(TestKind::Program),
            (false, true, false) => Ok(TestKind::Function),
            (false, false, true) => Ok(TestKind::Code),
            (false, false, false) => Err(BadRequest::at(
                path,
                "is empty; give `stdin` and `expected_stdout`, or `args` and `expected`, or one of `assert`, \
                 `code`, `unittest` and `pytest`",
            )),
            _ => Err(BadRequest::at(path, "has the fields of more than one kind of test")),
        }
    }
}

/// Reads the tests, all of which must be of one kind.
pub(super) fn read_tests(asked: TestsField, bounds: WireBounds) -> Result<ReadTests, BadRequest> {
    let List { items: raw_tests, total } = list::<&RawValue>(asked.tests, "tests", bounds.max_tests)?;
    if total > bounds.max_tests {
        let detail = format!("has {total} tests; at most {} are accepted", bounds.max_tests);
        return Err(BadRequest::at("tests", detail));
    }
    let mut tests = Vec::with_capacity(total);
    let mut kind = None;
    for (index, raw) in raw_tests.into_iter().enumerate() {
        let path = format!("tests[{index}]");
        let test: WireTest = object(raw, &path)?;
        let this = test.kind(&path)?;
        let first = *kind.get_or_insert(this);
        if this != first {
            let detail = format!("is {}, but tests[0] is {}", this.name(), first.name());
            return Err(BadRequest::at(path, detail));
        }
        tests.push((path, test));
    }
    let Some(kind) = kind else { return Ok(ReadTests::None) };
    check_companions(&asked, kind)?;
    match kind {
        TestKind::Program => program_tests(tests, &asked).map(ReadTests::Decidable),
        TestKind::Function => function_tests(tests, asked).map(ReadTests::Decidable),
        TestKind::Code => code_tests(tests, asked).map(Tests::Code).map(ReadTests::Decidable),
    }
}

/// Refuses fields that belong to tests of another kind, rather than ignoring them.
fn check_companions(asked: &TestsField, kind: TestKind) -> Result<(), BadRequest> {
    let given = [
        ("fn_name", asked.fn_name.is_some(), TestKind::Function),
        ("setup", asked.setup.is_some(), TestKind::Code),
        ("entry_point", asked.entry_point.is_some(), TestKind::Code),
        ("test_isolation", asked.separate_only.is_some(), TestKind::Code),
        ("input_file", asked.io.input_file.is_some(), TestKind::Program),
        ("output_file", asked.io.output_file.is_some(), TestKind::Program),
        ("compare.checker", asked.has_judge, TestKind::Program),
    ];
    if asked.has_reference && kind == TestKind::Code {
        let detail = "makes expected outputs, and tests of code hold what they expect";
        return Err(BadRequest::at("reference", detail));
    }
    match given.into_iter().find(|(_, given, of)| *given && *of != kind) {
        Some((name, _, of)) => {
            let detail = format!("belongs to {}, but tests[0] is {}", of.name(), kind.name());
            Err(BadRequest::at(name, detail))
        }
        None => Ok(()),
    }
}

fn program_tests(tests: Vec<(String, WireTest)>, asked: &TestsField) -> Result<Tests, BadRequest> {
    let read = |(path, test): (String, WireTest)| {
        let stdin = optional::<Cow<str>>(test.stdin, &format!("{path}.stdin"))?.unwrap_or_default();
        let files = further_files(test.files, &format!("{path}.files"), asked.io)?;
        let accepted_stdout = accepted(test.expected_stdout, &format!("{path}.expected_stdout"), asked)?;
        Ok(ProgramTest { stdin: stdin.into_owned().into_bytes().into(), accepted_stdout, files })
    };
    Ok(Tests::Program(tests.into_iter().map(read).collect::<Result<_, _>>()?))
}

/// The outputs that pass, or the one answer that is given to a checker.
fn accepted(expected: Option<&RawValue>, path: &str, asked: &TestsField) -> Result<Vec<Vec<u8>>, BadRequest> {
    let Some(expected) = expected else {
        return match asked.has_judge || asked.has_reference {
            true => Ok(Vec::new()),
            false => Err(BadRequest::at(path, "missing")),
        };
    };
    let List { items: accepted, total } = match expected.get().starts_with('[') {
        true => {
            let List { items, total } = list::<&RawValue>(expected, path, MAX_OUTPUTS)?;
            let items = items.into_iter().enumerate();
            let items = items.map(|(index, raw)| field::<String>(raw, &format!("{path}[{index}]")));
            List { items: items.collect::<Result<_, _>>()?, total }
        }
        false => List { items: vec![field(expected, path)?], total: 1 },
    };
    match total {
        _ if total > MAX_OUTPUTS => {
            Err(BadRequest::at(path, format!("holds {total} outputs; at most {MAX_OUTPUTS} are accepted")))
        }
        0 => Err(BadRequest::at(path, "an empty list accepts nothing; give at least one output")),
        2.. if asked.has_judge => Err(BadRequest::at(path, "a checker is given one answer, not several")),
        _ => Ok(accepted.into_iter().map(String::into_bytes).collect()),
    }
}

/// Further files in the program's working directory. Their names must not collide with those of input and output.
fn further_files(
    raw: Option<&RawValue>,
    path: &str,
    io: &ProgramIo,
) -> Result<Vec<(String, Vec<u8>)>, BadRequest> {
    let Some(Pairs(files)) = texts(raw, path)? else { return Ok(Vec::new()) };
    let mut taken = HashSet::new();
    taken.extend(io.input_file.as_deref());
    if files.len() > MAX_TEST_FILES {
        return Err(BadRequest::at(path, format!("holds more than {MAX_TEST_FILES} files")));
    }
    for (name, _) in &files {
        let at = |problem: String| BadRequest::at(format!("{path}[{name:?}]"), problem);
        check_path(name).map_err(at)?;
        let collides = taken.iter().any(|other| *other == name || collide(name, other))
            || io.output_file.as_deref().is_some_and(|output| collide(name, output));
        if collides {
            return Err(at("is the name, or the directory, of another file".to_owned()));
        }
        taken.insert(name.as_str());
    }
    Ok(files.into_iter().map(|(name, content)| (name, content.into_owned().into_bytes())).collect())
}

/// Whether one path would have to be a file and also the directory of the other.
pub(super) fn collide(one: &str, other: &str) -> bool {
    let is_below =
        |path: &str, directory: &str| path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'));
    is_below(one, other) || is_below(other, one)
}

fn function_tests(tests: Vec<(String, WireTest)>, asked: TestsField) -> Result<Tests, BadRequest> {
    let has_reference = asked.has_reference;
    let Some(name) = asked.fn_name.filter(|name| !name.is_empty()) else {
        return Err(BadRequest::at("fn_name", "missing; function tests need the function's name"));
    };
    let mut digits = LongDigits::default();
    let read = |(path, test): (String, WireTest)| {
        let args = packed_args(test.args, &format!("{path}.args"), &mut digits)?;
        let kwargs = packed_kwargs(test.kwargs, &format!("{path}.kwargs"), &mut digits)?;
        let accepted = match test.expected {
            Some(expected) => vec![packed_value(expected, &format!("{path}.expected"), &mut digits)?],
            None if has_reference => Vec::new(),
            None => return Err(BadRequest::at(format!("{path}.expected"), "missing")),
        };
        Ok(FunctionTest { args, kwargs, accepted })
    };
    let tests = tests.into_iter().map(read).collect::<Result<_, _>>()?;
    Ok(Tests::Function { target: FunctionTarget { name }, tests })
}

fn code_tests(tests: Vec<(String, WireTest)>, asked: TestsField) -> Result<CodeTests, BadRequest> {
    let read = |(path, test): (String, WireTest)| {
        let mut given = test.codes().into_iter().filter_map(|(kind, raw)| Some((kind, raw?)));
        match (given.next(), given.next()) {
            (Some((kind, raw)), None) => {
                let code = field::<Cow<str>>(raw, &format!("{path}.{}", kind.as_str()))?;
                Ok(CodeTest { kind, code: code.into_owned() })
            }
            _ => Err(BadRequest::at(path, "give one of `assert`, `code`, `unittest` and `pytest`")),
        }
    };
    Ok(CodeTests {
        separate_only: asked.separate_only.unwrap_or(false),
        tests: tests.into_iter().map(read).collect::<Result<_, _>>()?,
        setup: asked.setup.unwrap_or_default(),
        entry_point: asked.entry_point,
    })
}
