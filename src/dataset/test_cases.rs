//! The text of a `test_cases` column -> [`Tests`], with every irregularity that real data has.
//!
//! The shapes, by project of origin:
//!
//! | shape | origin |
//! |---|---|
//! | `{"inputs": [...], "outputs": [...], "fn_name": ...}` | OpenThoughts, APPS, TACO, code_contests, PRIME |
//! | `[{"input", "output", "type" or "testtype", "fn_name" or "metadata": {"func_name"}}]` | LiveCodeBench, rllm, open-r1, SYNTHETIC-1 |
//! | `[{"input": {"stdin"}, "output": {"stdout"}}]` | SandboxFusion |
//! | `{"language", "test_cases": [...]}` | open-r1, SYNTHETIC-1 |
//! | a JSON string that holds one of the above | LiveCodeBench |
//!
//! Any of them may be a Python literal instead of JSON.

use crate::{
    submission::{FunctionTarget, FunctionTest, ProgramTest, Tests},
    value::{ParseError, TypedKind, Value, parse_json, parse_python},
};

/// Why a row's tests cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TestsError {
    /// There are none, or they cannot be understood.
    #[error("{0}")]
    Bad(String),
    /// They are understood, but proofbox does not offer their kind.
    #[error("{0}")]
    Unsupported(String),
}

/// Longest tests of one row that are parsed, bytes.
const MAX_TEXT_BYTES: usize = 256 << 20;

/// How often tests may be wrapped in a further JSON string or object.
const MAX_WRAPPINGS: usize = 4;

/// Reads the tests of one row. Never returns an empty set.
pub fn parse_tests(text: &str) -> Result<Tests, TestsError> {
    parse_tests_of(text, None)
}

/// Reads the tests of one row as tests of the function `name`, if given, in place of the name in the text.
pub fn parse_tests_of(text: &str, name: Option<&str>) -> Result<Tests, TestsError> {
    if text.trim().is_empty() {
        return bad("test_cases is empty");
    }
    if text.len() > MAX_TEXT_BYTES {
        return bad(format!("test_cases has {} bytes; at most {MAX_TEXT_BYTES} are read", text.len()));
    }
    from_value(parse_text(text)?, name, MAX_WRAPPINGS)
}

fn bad<T>(reason: impl Into<String>) -> Result<T, TestsError> {
    Err(TestsError::Bad(reason.into()))
}

fn parse_text(text: &str) -> Result<Value, TestsError> {
    let not_json = |error: ParseError| TestsError::Bad(format!("test_cases is not JSON: {error}"));
    // Some data sets hold the `repr` of a dict. If neither form fits, the text was probably meant to be JSON.
    parse_json(text).or_else(|error| parse_python(text).map_err(|_| not_json(error)))
}

fn from_value(value: Value, name: Option<&str>, wrappings_left: usize) -> Result<Tests, TestsError> {
    match value {
        Value::Dict(pairs) => from_dict(pairs, name, wrappings_left),
        Value::List(items) | Value::Tuple(items) => from_list(items, name),
        Value::Str(inner) if wrappings_left > 0 => {
            let inner = text_of(&inner, "test_cases")?;
            if inner.trim().is_empty() {
                return bad("test_cases is empty");
            }
            from_value(parse_text(inner)?, name, wrappings_left - 1)
        }
        Value::None => bad("test_cases is null"),
        other => bad(format!("test_cases is {}, not an object or a list", kind_of(&other))),
    }
}

fn from_dict(
    mut pairs: Vec<(Value, Value)>,
    name: Option<&str>,
    wrappings_left: usize,
) -> Result<Tests, TestsError> {
    if pairs.is_empty() {
        return bad("test_cases is {}");
    }
    let own_name = function_name(take(&mut pairs, &["fn_name", "func_name"]))?;
    let name = name.map(str::to_owned).or(own_name);
    if let Some(nested) = take(&mut pairs, &["test_cases", "tests"]) {
        return match take(&mut pairs, &["language"]) {
            Some(Value::Str(language)) if !language.eq_ignore_ascii_case(b"python") => {
                let language = String::from_utf8_lossy(&language).chars().take(30).collect::<String>();
                Err(TestsError::Unsupported(format!("the tests are for language {language}")))
            }
            _ if wrappings_left > 0 => from_value(nested, name.as_deref(), wrappings_left - 1),
            _ => bad("test_cases is nested too deeply"),
        };
    }
    if take(&mut pairs, &["functional", "assert_case", "test_list"]).is_some() {
        return Err(TestsError::Unsupported("assert-style tests".to_owned()));
    }
    let inputs = column(take(&mut pairs, &["inputs", "input"]), "inputs")?;
    let outputs = column(take(&mut pairs, &["outputs", "output"]), "outputs")?;
    if inputs.len() != outputs.len() {
        return bad(format!("test_cases has {} inputs but {} outputs", inputs.len(), outputs.len()));
    }
    build(name, inputs.into_iter().zip(outputs).collect())
}

/// A list of objects, one per test.
fn from_list(items: Vec<Value>, asked: Option<&str>) -> Result<Tests, TestsError> {
    let mut names = Vec::new();
    let mut tests = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        let mut pairs = match item {
            Value::Dict(pairs) => pairs,
            Value::Str(text) if text.trim_ascii().starts_with(b"assert") => {
                return Err(TestsError::Unsupported("assert-style tests".to_owned()));
            }
            other => return bad(format!("test {at} is {}, not an object", kind_of(&other))),
        };
        let mut name = take(&mut pairs, &["fn_name", "func_name"]);
        if let Some(Value::Dict(mut metadata)) = take(&mut pairs, &["metadata"]) {
            name = name.or_else(|| take(&mut metadata, &["func_name", "fn_name"]));
        }
        let kind = take(&mut pairs, &["testtype", "type"]);
        let is_program = matches!(&kind, Some(Value::Str(kind)) if kind.starts_with(b"stdin"));
        names.push(if is_program { None } else { function_name(name)? });
        let input = take(&mut pairs, &["input"]).map(|value| unwrap_stream(value, "stdin"));
        let output = take(&mut pairs, &["output"]).map(|value| unwrap_stream(value, "stdout"));
        match (input, output) {
            (Some(input), Some(output)) => tests.push((input, output)),
            (None, _) => return bad(format!("test {at} has no input")),
            (_, None) => return bad(format!("test {at} has no output")),
        }
    }
    if let Some(asked) = asked {
        return build(Some(asked.to_owned()), tests);
    }
    let name = names.first().cloned().flatten();
    if let Some(at) = names.iter().position(|other| *other != name) {
        return bad(format!("test {at} names another function than test 0"));
    }
    build(name, tests)
}

/// SandboxFusion's `{"stdin": "..."}` -> the text itself.
fn unwrap_stream(value: Value, key: &str) -> Value {
    match value {
        Value::Dict(mut pairs) if pairs.len() == 1 => take(&mut pairs, &[key]).unwrap_or(Value::Dict(pairs)),
        other => other,
    }
}

fn take(pairs: &mut Vec<(Value, Value)>, names: &[&str]) -> Option<Value> {
    let at = pairs.iter().position(|(key, _)| {
        matches!(key, Value::Str(key) if names.iter().any(|name| name.as_bytes() == key.as_slice()))
    })?;
    Some(pairs.swap_remove(at).1)
}

fn function_name(value: Option<Value>) -> Result<Option<String>, TestsError> {
    match value {
        None | Some(Value::None) => Ok(None),
        Some(Value::Str(name)) => {
            let name = text_of(&name, "fn_name")?.trim();
            Ok((!name.is_empty()).then(|| name.to_owned()))
        }
        Some(other) => bad(format!("fn_name is {}, not a string", kind_of(&other))),
    }
}

fn column(value: Option<Value>, name: &str) -> Result<Vec<Value>, TestsError> {
    match value {
        Some(Value::List(items) | Value::Tuple(items)) => Ok(items),
        Some(other) => bad(format!("{name} is {}, not a list", kind_of(&other))),
        None => bad(format!("test_cases has no {name}")),
    }
}

fn build(name: Option<String>, tests: Vec<(Value, Value)>) -> Result<Tests, TestsError> {
    if tests.is_empty() {
        return bad("test_cases holds no test");
    }
    match name {
        None => tests
            .into_iter()
            .enumerate()
            .map(|(at, (input, output))| {
                let stdin = stream(input, "input", at)?.into();
                let accepted_stdout = vec![stream(output, "output", at)?];
                Ok(ProgramTest { stdin, accepted_stdout, files: Vec::new() })
            })
            .collect::<Result<_, _>>()
            .map(Tests::Program),
        Some(name) => {
            let tests = function_tests(tests)?;
            Ok(Tests::Function { target: FunctionTarget { name }, tests })
        }
    }
}

/// What a program reads or prints: a string, or a list of lines.
fn stream(value: Value, what: &str, at: usize) -> Result<Vec<u8>, TestsError> {
    match value {
        Value::List(lines) | Value::Tuple(lines) => {
            let lines: Result<Vec<_>, _> = lines.into_iter().map(|line| line_of(line, what, at)).collect();
            Ok(lines?.join(&b'\n'))
        }
        other => line_of(other, what, at),
    }
}

fn line_of(value: Value, what: &str, at: usize) -> Result<Vec<u8>, TestsError> {
    match value {
        // A lone surrogate cannot be encoded; Python refuses to write it, too.
        Value::Str(text) if std::str::from_utf8(&text).is_err() => {
            bad(format!("{what} {at} holds a lone surrogate"))
        }
        Value::Str(text) => Ok(text),
        Value::Int(number) => Ok(number.to_string().into_bytes()),
        Value::BigInt(number) => Ok(number.to_string().into_bytes()),
        other => bad(format!("{what} {at} is {}, not text or lines of text", kind_of(&other))),
    }
}

fn function_tests(tests: Vec<(Value, Value)>) -> Result<Vec<FunctionTest>, TestsError> {
    // Data sets wrap all outputs of a row in lists of one, or none. So only if every output is a list of one can the lists
    // be wrappings. Then `[1]` may mean 1 or [1], and both are accepted.
    let wrapped = tests.iter().all(|(_, output)| matches!(output, Value::List(items) if items.len() == 1));
    tests
        .into_iter()
        .enumerate()
        .map(|(at, (input, output))| match (input, output) {
            (Value::Str(input), Value::Str(output)) => json_lines_test(&input, &output, at),
            (input, output) => {
                let (args, kwargs) = arguments(input)?;
                function_test(args, kwargs, accepted(output, wrapped), at)
            }
        })
        .collect()
}

/// LiveCodeBench and PRIME: one JSON value per line and argument; the output is one JSON value. Each may be
/// Python code instead.
fn json_lines_test(input: &[u8], output: &[u8], at: usize) -> Result<FunctionTest, TestsError> {
    let parse = |text: &str, what: &str| {
        // Data sets write values that JSON lacks as Python code. Bare words with a dot may also be text without quotes.
        let is_member =
            |value: &Value| matches!(value, Value::Typed(typed) if typed.kind() == TypedKind::Member);
        let in_python = |error| parse_python(text).ok().filter(|value| !is_member(value)).ok_or(error);
        parse_json(text).or_else(in_python).map_err(|error| {
            TestsError::Bad(format!("{what} {at} of a function test is a string that is not JSON: {error}"))
        })
    };
    let lines = text_of(input, "input")?.lines().filter(|line| !line.trim().is_empty());
    let args = lines.map(|line| parse(line, "input")).collect::<Result<_, _>>()?;
    let expected = parse(text_of(output, "output")?, "output")?;
    function_test(args, Vec::new(), vec![expected], at)
}

/// # Errors
/// If an argument is written as a call that makes more than plain data. The solution would need that object, too.
fn function_test(
    args: Vec<Value>,
    kwargs: Vec<(String, Value)>,
    accepted: Vec<Value>,
    at: usize,
) -> Result<FunctionTest, TestsError> {
    let values = args.iter().chain(kwargs.iter().map(|(_, value)| value));
    if let Some(name) =
        values.into_iter().filter(|value| !is_list_of_nodes(value)).find_map(Value::first_typed)
    {
        return Err(TestsError::Unsupported(format!("an argument of type {name} (test {at})")));
    }
    let plain = |values: Vec<Value>| -> Vec<Value> { values.into_iter().map(Value::into_data).collect() };
    let kwargs = kwargs.into_iter().map(|(name, value)| (name, value.into_data())).collect();
    Ok(FunctionTest::new(plain(args), kwargs, &plain(accepted)))
}

/// Whether a value is a node with plain content, or a list of such nodes. The driver makes nodes from lists itself, if the
/// function's annotations ask for them.
fn is_list_of_nodes(value: &Value) -> bool {
    match value {
        Value::Made { constructor: "ListNode" | "TreeNode", plain } => plain.first_typed().is_none(),
        Value::List(items) => !items.is_empty() && items.iter().all(is_list_of_nodes),
        _ => false,
    }
}

type Arguments = (Vec<Value>, Vec<(String, Value)>);

fn arguments(input: Value) -> Result<Arguments, TestsError> {
    match input {
        Value::List(mut args) | Value::Tuple(mut args) => {
            // JSON turned the int keys of a dict into strings. The data sets' own judge undoes
            // that for a first argument whose keys are all ints, and so do we.
            if let Some(first @ Value::Dict(_)) = args.first_mut()
                && let Some(with_int_keys) = int_keys(first)
            {
                *first = with_int_keys;
            }
            Ok((args, Vec::new()))
        }
        Value::Dict(pairs) => {
            let named = pairs.into_iter().map(|(key, value)| match key {
                Value::Str(key) => Ok((text_of(&key, "argument name")?.to_owned(), value)),
                other => bad(format!("an argument name is {}", kind_of(&other))),
            });
            Ok((Vec::new(), named.collect::<Result<_, _>>()?))
        }
        single => Ok((vec![single], Vec::new())),
    }
}

/// Every value that an expected output may mean.
fn accepted(output: Value, wrapped: bool) -> Vec<Value> {
    let mut accepted = vec![output];
    if wrapped && let Value::List(items) = &accepted[0] {
        accepted.extend(items.first().cloned());
    }
    let with_int_keys: Vec<Value> = accepted.iter().filter_map(int_keys).collect();
    accepted.extend(with_int_keys);
    accepted
}

/// The value with the keys of every dict whose keys are all canonical ints turned into ints;
/// `None` if there is no such dict.
fn int_keys(value: &Value) -> Option<Value> {
    match value {
        Value::List(items) => {
            let turned: Vec<_> = items.iter().map(int_keys).collect();
            turned.iter().any(Option::is_some).then(|| {
                Value::List(
                    turned
                        .into_iter()
                        .zip(items)
                        .map(|(new, old)| new.unwrap_or_else(|| old.clone()))
                        .collect(),
                )
            })
        }
        Value::Dict(pairs) if !pairs.is_empty() => {
            let keys: Option<Vec<Value>> = pairs.iter().map(|(key, _)| int_key(key)).collect();
            let values: Vec<_> = pairs.iter().map(|(_, value)| int_keys(value)).collect();
            if keys.is_none() && values.iter().all(Option::is_none) {
                return None;
            }
            let keys = keys.unwrap_or_else(|| pairs.iter().map(|(key, _)| key.clone()).collect());
            let values =
                values.into_iter().zip(pairs).map(|(new, (_, old))| new.unwrap_or_else(|| old.clone()));
            Some(Value::Dict(keys.into_iter().zip(values).collect()))
        }
        _ => None,
    }
}

fn int_key(key: &Value) -> Option<Value> {
    let Value::Str(text) = key else { return None };
    let text = std::str::from_utf8(text).ok()?;
    let number: i64 = text.parse().ok()?;
    (number.to_string() == text).then_some(Value::Int(number))
}

fn text_of<'a>(bytes: &'a [u8], what: &str) -> Result<&'a str, TestsError> {
    std::str::from_utf8(bytes).map_err(|_| TestsError::Bad(format!("{what} holds a lone surrogate")))
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::None => "null",
        Value::Bool(_) => "a boolean",
        Value::Int(_) | Value::BigInt(_) => "an integer",
        Value::Float(_) => "a float",
        Value::Complex(..) => "a complex number",
        Value::Str(_) => "a string",
        Value::Bytes(_) => "a bytes literal",
        Value::List(_) => "a list",
        Value::Tuple(_) => "a tuple",
        Value::Set(_) | Value::FrozenSet(_) => "a set",
        Value::Dict(_) => "an object",
        Value::Typed(_) | Value::Made { .. } => "a value of Python's library",
    }
}

#[cfg(test)]
mod tests;
