//! `proofbox run`: one solution at the terminal.

use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};

use super::{NOT_ACCEPTED, UNDECIDED, interrupted, run_table, start_engine};
use crate::{
    admission::Admit,
    config::EngineArgs,
    report::Report,
    submission::{Submission, Tests},
    value::Value,
    verdict::Verdict,
    wire::{self, Asked, WireBounds},
};

/// Verify one solution and show each test.
///
/// The tests file holds a list of tests as in POST /v1/verify ([{"stdin": .., "expected_stdout": ..}] or
/// [{"args": [..], "expected": ..}]), an object {"fn_name": .., "tests": [..]}, or the form of data sets,
/// {"inputs": [..], "outputs": [..], "fn_name": ..}.
#[derive(Debug, Args)]
pub struct RunCommand {
    /// The solution's source
    #[arg(value_name = "SOLUTION")]
    solution: PathBuf,

    /// The tests, JSON
    #[arg(long, short, value_name = "FILE")]
    tests: PathBuf,

    /// The solution's language [default: by the file's ending]
    #[arg(long, value_name = "NAME")]
    language: Option<String>,

    /// Function that the tests call [default: the tests file's own]
    #[arg(long, value_name = "NAME")]
    fn_name: Option<String>,

    /// How output is compared: exact, lines, tokens, or float:TOLERANCE (absolute or relative)
    #[arg(long, value_name = "RULE", default_value = "tokens", value_parser = compare_rule)]
    compare: serde_json::Value,

    /// Names in scope before the solution's first line: none, or those that contest data sets assume
    #[arg(long, value_name = "none|contest", default_value = "none")]
    prelude: String,

    /// Stop at the first test that is not accepted
    #[arg(long)]
    stop_at_first: bool,

    /// Print the report as JSON instead of a table
    #[arg(long)]
    json: bool,

    /// Colours in the table
    #[arg(long, value_enum, default_value_t)]
    color: Color,

    #[command(flatten)]
    limits: LimitArgs,

    #[command(flatten)]
    engine: EngineArgs,
}

#[derive(Debug, Args, Serialize)]
#[command(next_help_heading = "Limits of each test")]
struct LimitArgs {
    /// CPU time of the whole process tree, milliseconds [default: 4000]
    #[arg(long, value_name = "MS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_ms: Option<u64>,

    /// Wall time, milliseconds [default: three times the CPU time and two seconds]
    #[arg(long, value_name = "MS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    wall_ms: Option<u64>,

    /// Memory of the whole process tree, bytes [default: 512 MiB]
    #[arg(long, value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,

    /// Captured output, bytes [default: 16 MiB]
    #[arg(long, value_name = "BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    output_bytes: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Color {
    /// Where standard output is a terminal and NO_COLOR is not set
    #[default]
    Auto,
    Always,
    Never,
}

impl Color {
    fn is_wanted(self) -> bool {
        match self {
            Color::Auto => io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty()),
            Color::Always => true,
            Color::Never => false,
        }
    }
}

/// The rule as the wire has it; the wire's own check says which there are.
fn compare_rule(text: &str) -> Result<serde_json::Value, String> {
    match text.split_once(':') {
        Some(("float", tolerance)) => match tolerance.parse::<f64>() {
            Ok(tolerance) => Ok(json!({"rule": "float", "abs": tolerance, "rel": tolerance})),
            Err(_) => Err(format!("{tolerance:?} is not a number")),
        },
        _ if matches!(text, "exact" | "lines" | "tokens") => Ok(json!(text)),
        _ => Err("give exact, lines, tokens or float:TOLERANCE, such as float:1e-6".to_owned()),
    }
}

pub async fn run(command: RunCommand) -> anyhow::Result<ExitCode> {
    let interrupted = interrupted()?;
    let asked = match command.asked()? {
        Asked::Verify(submission) => Ok(*submission),
        Asked::Undecidable(report) => Err(*report),
    };
    let (tests, report) = match asked {
        Ok(submission) => {
            let engine = start_engine(&command.engine.config())?;
            let tests = submission.tests.clone();
            tokio::select! {
                report = engine.verify(submission, Admit::Patient) => (Some(tests), report),
                code = interrupted => return Ok(ExitCode::from(code)),
            }
        }
        Err(report) => (None, report),
    };
    command.print(tests.as_ref(), &report).context("cannot write the report")?;
    Ok(match report.verdict {
        Verdict::Accepted => ExitCode::SUCCESS,
        Verdict::Undecided => ExitCode::from(UNDECIDED),
        _ => ExitCode::from(NOT_ACCEPTED),
    })
}

impl RunCommand {
    /// Everything goes through the wire's own checks, so that the two cannot differ.
    fn asked(&self) -> anyhow::Result<Asked> {
        let source = fs::read(&self.solution).with_context(|| format!("cannot read {}", self.solution.display()))?;
        let language = match &self.language {
            Some(language) => language.clone(),
            None => language_by_ending(&self.solution)?.to_owned(),
        };
        let text =
            fs::read_to_string(&self.tests).with_context(|| format!("cannot read {}", self.tests.display()))?;
        let in_tests_file = || format!("in {}", self.tests.display());
        let TestsFile { tests, fn_name, output_is_wrapped } = TestsFile::read(&text).with_context(in_tests_file)?;
        let submission = json!({
            "language": language,
            "source": "",
            "compare": self.compare,
            "prelude": self.prelude,
            "stop": if self.stop_at_first { "first_failure" } else { "never" },
            "limits": self.limits,
            "fn_name": self.fn_name.as_deref().or(fn_name.as_deref()),
        });
        // The tests go in as they are: a detour by way of floats would change large integers.
        let submission = submission.to_string();
        let submission = format!("{},\"tests\":{}}}", submission.trim_end_matches('}'), tests.get());
        let mut asked = wire::parse(submission.as_bytes(), WireBounds::default()).with_context(in_tests_file)?;
        if let Asked::Verify(submission) = &mut asked {
            // Sources need not be UTF-8.
            submission.solution.files[0].content = source;
            if output_is_wrapped {
                accept_unwrapped(submission);
            }
        }
        Ok(asked)
    }

    fn print(&self, tests: Option<&Tests>, report: &Report) -> io::Result<()> {
        let text = if self.json {
            wire::report_json(report) + "\n"
        } else {
            let name = self.solution.file_name().unwrap_or(self.solution.as_os_str()).to_string_lossy();
            run_table::render(&name, tests, report, self.color.is_wanted())
        };
        io::stdout().lock().write_all(text.as_bytes())
    }
}

fn language_by_ending(path: &Path) -> anyhow::Result<&'static str> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("py") => Ok("python"),
        _ => bail!("the language of {} is not known by its ending; name it with --language", path.display()),
    }
}

/// What a tests file says.
struct TestsFile {
    /// A list as the wire has it.
    tests: Box<RawValue>,
    fn_name: Option<String>,
    /// Whether an expected one-element list may stand for its element, as data sets have it.
    output_is_wrapped: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedTests {
    fn_name: Option<String>,
    tests: Box<RawValue>,
}

#[derive(Deserialize)]
struct DataSetTests<'a> {
    #[serde(borrow)]
    inputs: Vec<&'a RawValue>,
    #[serde(borrow)]
    outputs: Vec<&'a RawValue>,
    fn_name: Option<String>,
}

impl TestsFile {
    fn read(text: &str) -> anyhow::Result<TestsFile> {
        #[derive(Deserialize)]
        struct Shape {
            inputs: Option<serde::de::IgnoredAny>,
        }
        if text.trim_start().starts_with('[') {
            let tests = serde_json::from_str(text).context("not JSON")?;
            return Ok(TestsFile { tests, fn_name: None, output_is_wrapped: false });
        }
        if serde_json::from_str::<Shape>(text).context("not a list or an object of tests")?.inputs.is_some() {
            return TestsFile::from_data_set(serde_json::from_str(text)?);
        }
        let NamedTests { fn_name, tests } = serde_json::from_str(text)?;
        Ok(TestsFile { tests, fn_name, output_is_wrapped: false })
    }

    fn from_data_set(asked: DataSetTests) -> anyhow::Result<TestsFile> {
        let (inputs, outputs) = (asked.inputs.len(), asked.outputs.len());
        if inputs != outputs {
            bail!("there are {inputs} inputs and {outputs} outputs");
        }
        let fn_name = asked.fn_name.filter(|name| !name.is_empty());
        let tests = asked.inputs.into_iter().zip(asked.outputs).enumerate().map(|(index, (input, output))| {
            Ok(match fn_name {
                Some(_) => format!(r#"{{"args":{},"expected":{}}}"#, input.get(), output.get()),
                None => {
                    let stdin = joined(input).with_context(|| format!("inputs[{index}]"))?;
                    let stdout = joined(output).with_context(|| format!("outputs[{index}]"))?;
                    json!({"stdin": stdin, "expected_stdout": stdout}).to_string()
                }
            })
        });
        let tests = tests.collect::<anyhow::Result<Vec<_>>>()?.join(",");
        let tests = RawValue::from_string(format!("[{tests}]"))?;
        Ok(TestsFile { tests, output_is_wrapped: fn_name.is_some(), fn_name })
    }
}

/// Text, or a list of lines.
fn joined(raw: &RawValue) -> anyhow::Result<String> {
    if raw.get().starts_with('[') {
        let lines: Vec<String> = serde_json::from_str(raw.get()).context("not text or a list of lines")?;
        return Ok(lines.join("\n"));
    }
    serde_json::from_str(raw.get()).context("not text or a list of lines")
}

fn accept_unwrapped(submission: &mut Submission) {
    let Tests::Function { tests, .. } = &mut submission.tests else { return };
    for test in tests {
        if let [Value::List(items)] = test.accepted.as_slice()
            && let [item] = items.as_slice()
        {
            test.accepted = vec![test.accepted[0].clone(), item.clone()];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TestsFile;

    fn tests(text: &str) -> Result<(String, Option<String>), String> {
        TestsFile::read(text)
            .map(|file| (file.tests.get().to_owned(), file.fn_name))
            .map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn three_forms_of_a_tests_file() {
        let list = r#"[{"args": [123456789012345678901], "expected": 1}]"#;
        assert_eq!(tests(list), Ok((list.to_owned(), None)));
        let named = format!(r#"{{"fn_name": "f", "tests": {list}}}"#);
        assert_eq!(tests(&named), Ok((list.to_owned(), Some("f".to_owned()))));
        let programs = r#"{"inputs": ["1\n", ["2", "3"]], "outputs": ["a", ["b", "c"]], "fn_name": null, "x": 1}"#;
        let expected =
            r#"[{"stdin":"1\n","expected_stdout":"a"},{"stdin":"2\n3","expected_stdout":"b\nc"}]"#;
        assert_eq!(tests(programs), Ok((expected.to_owned(), None)));
        let calls = r#"{"inputs": [[1, 123456789012345678901]], "outputs": [[2]], "fn_name": "f"}"#;
        let expected = r#"[{"args":[1, 123456789012345678901],"expected":[2]}]"#;
        assert_eq!(tests(calls), Ok((expected.to_owned(), Some("f".to_owned()))));
    }

    #[test]
    fn other_files_are_refused() {
        for (text, clue) in [
            ("", "list or an object"),
            ("5", "list or an object"),
            ("[", "not JSON"),
            ("{}", "tests"),
            (r#"{"tests": [], "colour": 1}"#, "colour"),
            (r#"{"inputs": ["1"], "outputs": []}"#, "1 inputs and 0 outputs"),
            (r#"{"inputs": [1], "outputs": ["1"]}"#, "inputs[0]"),
        ] {
            let refusal = tests(text).unwrap_err();
            assert!(refusal.contains(clue), "{text}: {refusal}");
        }
    }
}
