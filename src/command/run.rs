//! `proofbox run`: one solution at the terminal.

use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::{json, value::RawValue};

use super::{NOT_ACCEPTED, UNDECIDED, interrupted, run_table, start_engine, told::unless_unread};
use crate::{
    admission::Admit,
    config::EngineArgs,
    dataset::test_cases::parse_tests,
    judge::Compare,
    report::Report,
    submission::{MAX_PARALLEL, Tests},
    verdict::Verdict,
    wire::{self, Asked, WireBounds},
};

/// Verify one solution and show each test.
///
/// The tests file holds a list of tests as in POST /v1/verify ([{"stdin": .., "expected_stdout": ..}] or
/// [{"args": [..], "expected": ..}]), an object {"fn_name": .., "tests": [..]}, or any of the forms of data
/// sets, such as {"inputs": [..], "outputs": [..], "fn_name": ..}.
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

    /// How output is compared: exact, lines, tokens, float:TOLERANCE (absolute or relative), unordered_lines,
    /// unordered_tokens, lines_ignore_case, tokens_ignore_case, or the judge of a known data set, such as apps
    #[arg(long, value_name = "RULE", default_value = "tokens", value_parser = compare_rule)]
    compare: serde_json::Value,

    /// Names in scope before the solution's first line: none, or those that contest data sets assume
    #[arg(long, value_name = "NAMES", default_value = "none", value_parser = ["none", "contest"])]
    prelude: String,

    /// Run an accepted solution this often; every run must be accepted [default: 5 where it mentions random
    /// numbers or the clock, else 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    repeat: Option<u32>,

    /// Tests that run at once [default: one per slot]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PARALLEL)))]
    parallel: Option<u32>,

    /// Seed of the interpreter's string hashes and of its modules' random generators
    #[arg(long, value_name = "N")]
    seed: Option<u32>,

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
            Color::Auto => {
                io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty())
            }
            Color::Always => true,
            Color::Never => false,
        }
    }
}

/// The rule by its name, which the wire takes too.
fn compare_rule(name: &str) -> Result<serde_json::Value, String> {
    name.parse::<Compare>().map(|compare| json!(compare.to_string())).map_err(|error| error.to_string())
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
        let source =
            fs::read(&self.solution).with_context(|| format!("cannot read {}", self.solution.display()))?;
        let language = match &self.language {
            Some(language) => language.clone(),
            None => language_by_ending(&self.solution)?.to_owned(),
        };
        let text = fs::read_to_string(&self.tests)
            .with_context(|| format!("cannot read {}", self.tests.display()))?;
        let in_tests_file = || format!("in {}", self.tests.display());
        let (tests, fn_name, of_data_set) = match TestsFile::read(&text).with_context(in_tests_file)? {
            TestsFile::Wire { tests, fn_name } => (tests, self.fn_name.clone().or(fn_name), None),
            TestsFile::DataSet(tests) => {
                (RawValue::from_string(PLACE_OF_TESTS.to_owned())?, None, Some(tests))
            }
        };
        let submission = json!({
            "language": language,
            "source": "",
            "compare": self.compare,
            "prelude": self.prelude,
            "stop": if self.stop_at_first { "first_failure" } else { "never" },
            "repeat": self.repeat,
            "parallel": self.parallel.unwrap_or(MAX_PARALLEL),
            "seed": self.seed,
            "limits": self.limits,
            "fn_name": fn_name,
        });
        // The tests go in as they are: a detour by way of floats would change large integers.
        let submission = submission.to_string();
        let fields = submission.strip_suffix('}').context("an object")?;
        let submission = format!("{fields},\"tests\":{}}}", tests.get());
        let mut asked = wire::parse(submission.as_bytes(), WireBounds::default()).map_err(|refusal| {
            match refusal.field.as_deref().is_some_and(|field| field.starts_with("tests")) {
                true => anyhow::Error::new(refusal).context(in_tests_file()),
                false => anyhow::Error::new(refusal),
            }
        })?;
        if let Asked::Verify(submission) = &mut asked {
            // Sources need not be UTF-8, and data sets' tests say more than the wire's.
            submission.solution.files[0].content = source;
            if let Some(tests) = of_data_set {
                submission.tests = renamed(tests, self.fn_name.as_deref());
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
        unless_unread(io::stdout().lock().write_all(text.as_bytes()))
    }
}

/// Stands in the wire's text for tests that are put in after its checks.
const PLACE_OF_TESTS: &str = r#"[{"expected_stdout": ""}]"#;

/// The tests with the function's name that was asked for, if one was.
fn renamed(mut tests: Tests, fn_name: Option<&str>) -> Tests {
    if let (Tests::Function { target, .. }, Some(name)) = (&mut tests, fn_name) {
        target.name = name.to_owned();
    }
    tests
}

fn language_by_ending(path: &Path) -> anyhow::Result<&'static str> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("py") => Ok("python"),
        Some("cpp" | "cc" | "cxx") => Ok("cpp"),
        Some("c") => Ok("c"),
        _ => bail!("the language of {} is not known by its ending; name it with --language", path.display()),
    }
}

/// What a tests file says.
#[derive(Debug)]
enum TestsFile {
    /// A list as the wire has it.
    Wire { tests: Box<RawValue>, fn_name: Option<String> },
    /// Any of the forms that data sets have.
    DataSet(Tests),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedTests {
    fn_name: Option<String>,
    tests: Box<RawValue>,
}

impl TestsFile {
    fn read(text: &str) -> anyhow::Result<TestsFile> {
        #[derive(Deserialize)]
        struct Named {
            tests: Option<IgnoredAny>,
        }
        #[derive(Deserialize)]
        struct Item {
            input: Option<IgnoredAny>,
        }
        if text.trim_start().starts_with('[') {
            let is_data_set = serde_json::from_str::<Vec<Item>>(text)
                .is_ok_and(|items| items.iter().any(|item| item.input.is_some()));
            if !is_data_set {
                let tests = serde_json::from_str(text).context("not JSON")?;
                return Ok(TestsFile::Wire { tests, fn_name: None });
            }
        } else if serde_json::from_str::<Named>(text).is_ok_and(|named| named.tests.is_some()) {
            let NamedTests { fn_name, tests } = serde_json::from_str(text)?;
            return Ok(TestsFile::Wire { tests, fn_name });
        }
        Ok(TestsFile::DataSet(parse_tests(text)?))
    }
}

#[cfg(test)]
mod tests {
    use super::{Tests, TestsFile};

    #[test]
    fn lists_and_objects_of_the_wire_go_through_as_they_are() {
        let list = r#"[{"args": [123456789012345678901], "expected": 1}]"#;
        for (text, name) in
            [(list.to_owned(), None), (format!(r#"{{"fn_name": "f", "tests": {list}}}"#), Some("f"))]
        {
            let Ok(TestsFile::Wire { tests, fn_name }) = TestsFile::read(&text) else { panic!("{text}") };
            assert_eq!((tests.get(), fn_name.as_deref()), (list, name));
        }
    }

    #[test]
    fn the_forms_of_data_sets_are_told_apart() {
        for (text, kind) in [
            (r#"{"inputs": ["1\n", ["2", "3"]], "outputs": ["a", ["b", "c"]], "fn_name": null}"#, "program"),
            (r#"{"inputs": [[1]], "outputs": [[2]], "fn_name": "f"}"#, "function"),
            (r#"[{"input": "1", "output": "2", "testtype": "stdin"}]"#, "program"),
        ] {
            let Ok(TestsFile::DataSet(tests)) = TestsFile::read(text) else { panic!("{text}") };
            assert_eq!(Tests::kind(&tests), kind);
        }
    }

    #[test]
    fn other_files_are_refused() {
        for text in
            ["", "5", "[", "{}", r#"{"tests": [], "colour": 1}"#, r#"{"inputs": ["1"], "outputs": []}"#]
        {
            let refusal = format!("{:#}", TestsFile::read(text).unwrap_err());
            assert!(refusal.len() > 5, "{text}: {refusal}");
        }
    }
}
