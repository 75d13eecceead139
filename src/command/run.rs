//! `proofbox run`: one solution at the terminal.

use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::{
    json,
    value::{RawValue, to_raw_value},
};

use super::{
    ABOUT_RULES, NOT_ACCEPTED, UNDECIDED, interrupted, run_table, start_engine, tests_file::TestsFile,
    told::unless_unread,
};
use crate::{
    admission::Admit,
    config::{EngineArgs, LimitArgs},
    judge::Compare,
    limits::{GivenLimits, Limits},
    report::Report,
    submission::{MAX_PARALLEL, Stop, Tests},
    verdict::Verdict,
    wire::{self, Asked, WireBounds},
};

const ABOUT_TESTS: &str = "\
The tests file is one of
  a list          any list of tests that POST /v1/verify takes, such as
                  [{\"stdin\": \"1 2\", \"expected_stdout\": \"3\"}]
  an object       a submission without its solution: tests and any of fn_name, setup, entry_point,
                  compare (also a checker or an interactor), limits, reference, input_file, ...
  a data set's    any of the forms that data sets have, such as {\"inputs\": [...], \"outputs\": [...]}
  test_add.py     Python: tests for pytest or unittest, asserts, or check(candidate)

Flags go before what the file says. Tests in the forms of data sets are judged as `filter` judges them: rule
data-set, prelude contest, 2500 ms of CPU time.

Examples:
  proofbox run add.py -t tests.json
  proofbox run add.py -t test_add.py --memory-bytes 64MiB
  proofbox run add.py -t row.json --fn-name add --stop first_failure

Exit codes: 0 accepted; 1 not accepted; 2 it could not be done; 3 undecided.";

/// Verify one solution and show each test
#[derive(Debug, Args)]
#[command(after_help = ABOUT_TESTS)]
pub struct RunCommand {
    /// The solution's source
    #[arg(value_name = "SOLUTION")]
    solution: PathBuf,

    /// The tests: JSON, or Python where the name ends in .py
    #[arg(long, short, value_name = "FILE")]
    tests: PathBuf,

    /// The solution's language [default: the tests file's own, else by the solution's ending]
    #[arg(long, value_name = "NAME")]
    language: Option<String>,

    /// Function that the tests call
    #[arg(long, value_name = "NAME")]
    fn_name: Option<String>,

    /// What `check(candidate)` in tests of code is called with, such as add or Solution().add
    #[arg(long, value_name = "EXPRESSION")]
    entry_point: Option<String>,

    /// Python that runs before tests of code
    #[arg(long, value_name = "CODE")]
    setup: Option<String>,

    /// Whether tests of code may share the solution's process where they cannot be held apart
    #[arg(long, value_name = "HOW", value_parser = ["auto", "separate"])]
    test_isolation: Option<String>,

    #[arg(long, value_name = "RULE", value_parser = compare_rule, help = ABOUT_RULES)]
    compare: Option<Compare>,

    /// File in which the program finds its input, in place of standard input
    #[arg(long, value_name = "NAME")]
    input_file: Option<String>,

    /// File that is judged in place of what the program prints
    #[arg(long, value_name = "NAME")]
    output_file: Option<String>,

    /// Names in scope before the solution's first line: none, or those that contest data sets assume [default: none]
    #[arg(long, value_name = "NAMES", value_parser = ["none", "contest"])]
    prelude: Option<String>,

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

    /// Whether the tests that follow a failure are run [default: never stop, so that each test is shown; the verdict
    /// is the same]
    #[arg(long, value_name = "WHEN", value_enum)]
    stop: Option<Stop>,

    // The former name of `--stop first_failure`.
    #[arg(long, hide = true, conflicts_with = "stop")]
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

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Color {
    /// Where standard output is a terminal and NO_COLOR is not set
    #[default]
    Auto,
    Always,
    Never,
}

impl Color {
    #[expect(clippy::disallowed_methods, reason = "a convention among programs, and no setting")]
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

fn compare_rule(name: &str) -> Result<Compare, String> {
    name.parse::<Compare>().map_err(|error| error.to_string())
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

/// Fields that a tests file must not have, because the solution is a separate file.
const FIELDS_OF_THE_SOLUTION: [&str; 4] = ["source", "source_base64", "files", "entry"];

impl RunCommand {
    /// Builds the submission. It passes the wire format's own checks, so that `run` and HTTP cannot differ.
    fn asked(&self) -> anyhow::Result<Asked> {
        let source =
            fs::read(&self.solution).with_context(|| format!("cannot read {}", self.solution.display()))?;
        let (fields, of_data_set) = match TestsFile::read(&self.tests, self.fn_name.as_deref())? {
            TestsFile::Wire(fields) => (Fields(fields), None),
            TestsFile::DataSet(tests) => (Fields::standing_for(&tests)?, Some(tests)),
        };
        let in_tests_file = |text: String| format!("in {}: {text}", self.tests.display());
        if let Some(name) = FIELDS_OF_THE_SOLUTION.into_iter().find(|name| fields.get(name).is_some()) {
            let solution = self.solution.display();
            bail!(in_tests_file(format!(
                "{name}: the solution is {solution}; a tests file has none of its own"
            )));
        }
        let submission = self.submission(fields.clone(), of_data_set.is_some())?;
        let mut asked =
            wire::parse(submission.to_string().as_bytes(), WireBounds::default()).map_err(|refusal| {
                let of_file = refusal.field.as_deref().is_some_and(|field| {
                    let name = field.split(['.', '[']).next().unwrap_or(field);
                    fields
                        .get(name)
                        .is_some_and(|raw| submission.get(name).is_some_and(|now| now.get() == raw.get()))
                });
                match of_file {
                    true => anyhow::anyhow!(in_tests_file(refusal.to_string())),
                    false => anyhow::Error::new(refusal),
                }
            })?;
        if let Asked::Verify(submission) = &mut asked {
            // Set afterwards: a source need not be UTF-8, and the wire format cannot express all tests of data sets.
            submission.solution.files[0].content = source;
            if let (Tests::Code(_), Some(name)) = (&submission.tests, module_name(&self.solution)) {
                // Tests may import the solution by its file's name.
                submission.solution.files[0].path = name.to_owned();
            }
            if let Some(tests) = of_data_set {
                submission.tests = tests;
            }
        }
        Ok(asked)
    }

    /// The submission in the wire format: from flags, else from the file, else from the defaults of `run`.
    fn submission(&self, mut fields: Fields, is_of_data_set: bool) -> anyhow::Result<Fields> {
        let limits = self.limits.given();
        let default_limits = match is_of_data_set {
            true => GivenLimits { cpu_ms: Some(Limits::DATA_SET_CPU_MS), ..GivenLimits::default() },
            false => GivenLimits::default(),
        };
        fields.set_limits(limits, default_limits)?;
        let stop = if self.stop_at_first { Some(Stop::FirstFailure) } else { self.stop };
        let stop = stop.map(|stop| match stop {
            Stop::FirstFailure => "first_failure",
            Stop::Never => "never",
        });
        fields.set("language", self.language.as_ref())?;
        fields.set("fn_name", self.fn_name.as_ref().filter(|_| !is_of_data_set))?;
        fields.set("entry_point", self.entry_point.as_ref())?;
        fields.set("setup", self.setup.as_ref())?;
        fields.set("test_isolation", self.test_isolation.as_ref())?;
        fields.set("compare", self.compare.map(|compare| compare.to_string()))?;
        fields.set("input_file", self.input_file.as_ref())?;
        fields.set("output_file", self.output_file.as_ref())?;
        fields.set("prelude", self.prelude.as_ref())?;
        fields.set("repeat", self.repeat)?;
        fields.set("parallel", self.parallel)?;
        fields.set("seed", self.seed)?;
        fields.set("stop", stop)?;

        fields.set_if_open("stop", "never")?;
        fields.set_if_open("parallel", MAX_PARALLEL)?;
        if is_of_data_set {
            fields.set_if_open("compare", Compare::DATA_SET_DEFAULT.to_string())?;
            fields.set_if_open("prelude", "contest")?;
        }
        if fields.get("language").is_none() {
            fields.set("language", Some(language_by_ending(&self.solution)?))?;
        }
        fields.set("source", Some(""))?;
        Ok(fields)
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

/// Fields of a submission, each as JSON text. Parsing them to floats would change large integers.
#[derive(Debug, Clone)]
struct Fields(Vec<(String, Box<RawValue>)>);

impl Fields {
    /// A stand-in test for the wire format's checks. The real tests replace it afterwards.
    fn standing_for(tests: &Tests) -> anyhow::Result<Fields> {
        let mut fields = Fields(Vec::new());
        match tests {
            Tests::Function { target, .. } => {
                fields.set("fn_name", Some(&target.name))?;
                fields.set("tests", Some(json!([{ "args": [], "expected": null }])))?;
            }
            Tests::Program(_) | Tests::Code(_) => {
                fields.set("tests", Some(json!([{ "expected_stdout": "" }])))?
            }
        }
        Ok(fields)
    }

    fn get(&self, name: &str) -> Option<&RawValue> {
        let (_, raw) = self.0.iter().find(|(known, _)| known == name)?;
        Some(raw)
    }

    fn set(&mut self, name: &str, value: Option<impl Serialize>) -> anyhow::Result<()> {
        let Some(value) = value else { return Ok(()) };
        let raw = to_raw_value(&value)?;
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = raw,
            None => self.0.push((name.to_owned(), raw)),
        }
        Ok(())
    }

    fn set_if_open(&mut self, name: &str, value: impl Serialize) -> anyhow::Result<()> {
        match self.get(name) {
            Some(raw) if raw.get() != "null" => Ok(()),
            _ => self.set(name, Some(value)),
        }
    }

    /// Limits: flags go before the file, and the file before defaults.
    fn set_limits(&mut self, asked: GivenLimits, default: GivenLimits) -> anyhow::Result<()> {
        let own = match self.get("limits") {
            Some(raw) if raw.get() != "null" => match serde_json::from_str(raw.get()) {
                Ok(serde_json::Value::Object(own)) => own,
                // Left as it is: the wire format's checks complain about it.
                _ => return Ok(()),
            },
            _ => serde_json::Map::new(),
        };
        let mut limits = own.clone();
        for (name, asked, default) in [
            ("cpu_ms", asked.cpu_ms, default.cpu_ms),
            ("wall_ms", asked.wall_ms, default.wall_ms),
            ("memory_bytes", asked.memory_bytes, default.memory_bytes),
            ("output_bytes", asked.output_bytes, default.output_bytes),
            ("processes", asked.processes, default.processes),
            ("file_bytes", asked.file_bytes, default.file_bytes),
        ] {
            let default = default.filter(|_| !own.contains_key(name));
            limits.extend(asked.or(default).map(|value| (name.to_owned(), value.into())));
        }
        if limits == own { Ok(()) } else { self.set("limits", Some(limits)) }
    }
}

impl std::fmt::Display for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (name, raw)) in self.0.iter().enumerate() {
            let before = if index == 0 { "{" } else { ", " };
            write!(f, "{before}{}: {}", json!(name), raw.get())?;
        }
        f.write_str("}")
    }
}

/// The name of a Python file that can be imported.
fn module_name(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.strip_suffix(".py").filter(|stem| !stem.is_empty() && stem.bytes().all(is_word)).map(|_| name)
}

fn language_by_ending(path: &Path) -> anyhow::Result<&'static str> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("py") => Ok("python"),
        Some("cpp" | "cc" | "cxx") => Ok("cpp"),
        Some("c") => Ok("c"),
        Some("js" | "mjs" | "cjs") => Ok("javascript"),
        Some("wasm") => Ok("wasm"),
        _ => bail!(
            "the language of {} is not known by its ending (.py, .cpp, .cc, .cxx, .c, .js, .wasm); name it with \
             --language",
            path.display()
        ),
    }
}
