//! `proofbox filter`: arguments, signals, exit codes.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde_json::{Map, json};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::ABOUT_RULES;
use crate::{
    config::LimitArgs,
    dataset::{
        Format,
        reader::Columns,
        row::{Audit, RowRules},
    },
    filter::{
        self, Finished, Job,
        assemble::Outputs,
        job::{Existing, Show},
        journal::{JournalStart, work_directory},
        pipeline::{Plan, Verify},
        record::Action,
    },
    judge::{Compare, RuleError},
    limits::Limits,
    submission::{Repeat, Stop},
};

const ABOUT_EXIT: &str = "\
Exit codes:
  0    done
  1    error: bad input, an output that cannot be written
  2    wrong usage
  3    done, but some rows could not be decided through a fault of this
       installation; they were dropped, and the verdict table says why
  130  interrupted (143: terminated); the same command goes on from there

Interrupted or killed at any instant, the same command resumes: finished rows
are kept in OUTPUT.proofbox/ until the job is done. OUTPUT and the verdict
table appear under their names only when they are whole.

Examples:
  proofbox filter train.parquet -o kept.parquet
  proofbox filter rows.jsonl -o kept.jsonl --verdicts why.parquet
  proofbox filter rows.jsonl -o kept.jsonl --all-code --answer-column response";

/// Verify the code rows of a data set and keep the right ones
///
/// Reads INPUT (parquet or JSONL, recognised by content), runs the solution of every code row
/// against the row's tests, and writes the rows whose solution passes to OUTPUT, unchanged in
/// every column, with the file's metadata. Rows that are not code pass through; a file without
/// a row of code is refused. A verdict for every row is written beside it: row (0-based), domain,
/// action (keep, drop, pass_through), verdict, cause, passed, total, first_failing_test, cpu_ms,
/// reason.
#[derive(Debug, Clone, Args)]
#[command(after_help = ABOUT_EXIT)]
pub struct FilterArgs {
    /// Data set to filter: parquet or JSONL
    #[arg(value_name = "INPUT")]
    pub input: PathBuf,

    /// Where the kept rows go; the ending says the format: .parquet or .jsonl
    #[arg(short, long, value_name = "OUTPUT", value_parser = known_ending)]
    pub output: PathBuf,

    /// Where the verdict table goes, .parquet or .jsonl [default: OUTPUT's name with .verdicts before its ending]
    #[arg(long, value_name = "FILE", value_parser = known_ending)]
    pub verdicts: Option<PathBuf>,

    /// What becomes of rows that are not code [default: they pass through]
    #[arg(long, value_name = "WHAT", value_enum)]
    pub non_code: Option<NonCode>,

    /// Replace files that already have the names of the outputs
    #[arg(long)]
    pub overwrite: bool,

    /// Forget what an interrupted run of the same job has decided and begin anew
    #[arg(long)]
    pub restart: bool,

    /// Rows verified at once [default: twice the number of slots]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rows_in_flight: Option<u32>,

    /// Column that holds the model's answer
    #[arg(long, value_name = "NAME", default_value = "deepseek_solution", help_heading = "Columns")]
    pub answer_column: String,

    /// Column that holds the tests
    #[arg(long, value_name = "NAME", default_value = "test_cases", help_heading = "Columns")]
    pub tests_column: String,

    /// Column that holds a checker, in rows that have one: a Python program that decides in place of --compare,
    /// called and answering as those of open-r1/codeforces (generated_checker)
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    pub checker_column: Option<String>,

    /// Column that says which rows are code
    #[arg(long, value_name = "NAME", default_value = "domain", help_heading = "Columns")]
    pub domain_column: String,

    /// Value of the domain column that means code; may be given several times
    #[arg(long, value_name = "VALUE", default_value = "code", help_heading = "Columns")]
    pub code_domain: Vec<String>,

    /// Take every row for code and read no domain column
    #[arg(long, conflicts_with_all = ["domain_column", "code_domain"], help_heading = "Columns")]
    pub all_code: bool,

    #[arg(long, value_name = "RULE", default_value_t = Compare::DATA_SET_DEFAULT, value_parser = compare_rule, help = ABOUT_RULES, help_heading = "Judging")]
    pub compare: Compare,

    /// Judge the same runs by this rule too, and say where it differs; may be given several times
    ///
    /// Nothing is run twice; tests that only the other rule needs are run. The verdict table gains a column
    /// for each.
    #[arg(long, value_name = "RULE", value_parser = compare_rule, help_heading = "Judging")]
    pub compare_with: Vec<Compare>,

    /// List the rows on which --compare and --compare-with differ, JSONL
    #[arg(long, value_name = "FILE", value_parser = jsonl, requires = "compare_with", help_heading = "Judging")]
    pub differences: Option<PathBuf>,

    /// Run an accepted solution this often; every run must be accepted [default: 5 where it mentions random
    /// numbers or the clock, else 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100), help_heading = "Judging")]
    pub repeat: Option<u32>,

    /// Where --repeat is not given, how often solutions are run that mention random numbers or the clock
    #[arg(long, value_name = "N", default_value_t = Repeat::IF_RANDOM, conflicts_with = "repeat", value_parser = clap::value_parser!(u32).range(1..=100), help_heading = "Judging")]
    pub confirm_random: u32,

    /// Whether the tests that follow a failure are run
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, help_heading = "Judging")]
    pub stop: Stop,

    // The former name of `--stop never`.
    #[arg(long, hide = true, conflicts_with = "stop")]
    pub all_tests: bool,

    /// Audit the tests: which of them are suspicious by many solutions of the same problem, JSONL; runs all tests
    #[arg(long, value_name = "FILE", value_parser = jsonl, help_heading = "Judging")]
    pub audit: Option<PathBuf>,

    #[command(flatten)]
    pub limits: LimitArgs,
}

/// Values of `--non-code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NonCode {
    /// Keep them, as if they had been verified.
    Keep,
    /// Leave them out.
    Drop,
}

fn compare_rule(name: &str) -> Result<Compare, String> {
    name.parse().map_err(|error: RuleError| error.to_string())
}

fn jsonl(path: &str) -> Result<PathBuf, String> {
    match Format::by_ending(Path::new(path)) {
        Some(Format::Jsonl) => Ok(path.into()),
        _ => Err("the name must end in .jsonl: it is a list of JSON objects, one a line".to_owned()),
    }
}

fn known_ending(path: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(path);
    match Format::by_ending(&path) {
        Some(_) => Ok(path),
        None => Err("the name must end in .parquet or .jsonl, which says the format".to_owned()),
    }
}

/// What verifies the rows, with the settings of it that can change verdicts.
pub struct Verifier<V> {
    pub verify: Arc<V>,
    /// Number of submissions that run at once.
    pub slots: usize,
    /// Interpreters and tier. They can change verdicts, so a job is not resumed with others.
    pub engine: String,
}

/// Runs the command. The result holds the exit code; see `--help`.
pub async fn run<V: Verify>(args: FilterArgs, verifier: Verifier<V>) -> anyhow::Result<ExitCode> {
    let job = args.job(verifier.slots, &verifier.engine)?;
    let (outputs, input) = (job.outputs.clone(), job.input.clone());
    let stop = on_signals().context("cannot listen for signals")?;
    match filter::run(job, verifier.verify, stop).await? {
        Finished::Complete { summary, took } => {
            // A closed pipe must not turn a finished job into an error.
            let _ = write!(
                std::io::stdout(),
                "{}\nkept rows  {}\nverdicts   {}\n",
                summary.display(took),
                outputs.rows.display(),
                outputs.verdicts.display()
            );
            Ok(ExitCode::from(if summary.undecided_by_us > 0 { 3 } else { 0 }))
        }
        Finished::Stopped { signal } => {
            let state = work_directory(&outputs.rows);
            let _ = writeln!(
                std::io::stderr(),
                "stopped before {} was done; what was decided is in {}: run the same command to go on",
                input.display(),
                state.display()
            );
            Ok(ExitCode::from(128 + u8::try_from(signal).unwrap_or(0)))
        }
    }
}

/// A receiver that learns of the first SIGINT or SIGTERM.
fn on_signals() -> std::io::Result<watch::Receiver<Option<i32>>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (to_job, stop) = watch::channel(None);
    tokio::spawn(async move {
        let number = tokio::select! {
            _ = interrupt.recv() => libc::SIGINT,
            _ = terminate.recv() => libc::SIGTERM,
        };
        let _ = to_job.send(Some(number));
        // The channel stays open, because a closed one would mean that no signal can come any more.
        to_job.closed().await;
    });
    Ok(stop)
}

/// Pauses before a row is tried again that proofbox failed to verify.
const RETRY_AFTER: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(5)];

impl FilterArgs {
    fn job(self, slots: usize, engine: &str) -> anyhow::Result<Job> {
        let limits = self.limits.given().over(Limits::of_data_sets())?;
        let columns = Columns {
            answer: self.answer_column,
            tests: self.tests_column,
            checker: self.checker_column,
            domain: (!self.all_code).then_some(self.domain_column),
            ..Columns::default()
        };
        let rules = RowRules {
            code_domains: self.code_domain,
            every_row_is_code: self.all_code,
            compare: self.compare,
            also: self.compare_with,
            limits,
            stop: if self.all_tests || self.audit.is_some() { Stop::Never } else { self.stop },
            repeat: match (self.repeat, self.confirm_random) {
                (Some(runs), _) => Repeat::exactly(runs),
                (None, 2..) => Repeat::TimesIfRandom(self.confirm_random),
                (None, _) => Repeat::Once,
            },
            audit: if self.audit.is_some() { Audit::ByProblem } else { Audit::No },
        };
        let plan = Plan {
            columns,
            rules,
            not_code: match self.non_code {
                None => Action::PassThrough,
                Some(NonCode::Keep) => Action::Keep,
                Some(NonCode::Drop) => Action::Drop,
            },
            rows_in_flight: self.rows_in_flight.map_or(slots.max(1) * 2, |rows| rows as usize),
            retry_after: RETRY_AFTER.to_vec(),
        };
        // Both parsers have seen to it that the endings are known.
        let format = |path: &Path| Format::by_ending(path).unwrap_or(Format::Jsonl);
        let verdicts = self.verdicts.unwrap_or_else(|| default_verdicts(&self.output));
        Ok(Job {
            input: self.input,
            settings: settings(&plan, engine),
            outputs: Outputs {
                rows_format: format(&self.output),
                rows: self.output,
                verdicts_format: format(&verdicts),
                verdicts,
                differences: self.differences,
                audit: self.audit,
            },
            plan,
            start: if self.restart { JournalStart::Anew } else { JournalStart::Resume },
            existing: if self.overwrite { Existing::Replace } else { Existing::Refuse },
            show: Show::Progress,
        })
    }
}

fn default_verdicts(output: &Path) -> PathBuf {
    let mut name = output.file_stem().unwrap_or_default().to_owned();
    name.push(".verdicts.");
    name.push(output.extension().unwrap_or_default());
    output.with_file_name(name)
}

/// Settings that can change verdicts, by name, for the header of the job's journal.
fn settings(plan: &Plan, engine: &str) -> Map<String, serde_json::Value> {
    let Plan { columns, rules, not_code, .. } = plan;
    let Limits { cpu_ms, wall_ms, memory_bytes, output_bytes, processes, file_bytes } = rules.limits;
    let pairs = [
        ("answer_column", json!(columns.answer)),
        ("tests_column", json!(columns.tests)),
        ("checker_column", json!(columns.checker)),
        ("domain_column", json!(columns.domain)),
        ("code_domain", json!(rules.code_domains)),
        ("non_code", json!(not_code.as_str())),
        ("compare", json!(rules.compare.to_string())),
        ("compare_with", json!(rules.also.iter().map(Compare::to_string).collect::<Vec<_>>())),
        ("stop", json!(format!("{:?}", rules.stop))),
        ("repeat", json!(format!("{:?}", rules.repeat))),
        ("audit", json!(format!("{:?}", rules.audit))),
        ("cpu_ms", json!(cpu_ms)),
        ("wall_ms", json!(wall_ms)),
        ("memory_bytes", json!(memory_bytes)),
        ("output_bytes", json!(output_bytes)),
        ("processes", json!(processes)),
        ("file_bytes", json!(file_bytes)),
        ("engine", json!(engine)),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command, FromArgMatches};

    use super::*;

    fn parse(args: &[&str]) -> Result<FilterArgs, clap::Error> {
        let command = FilterArgs::augment_args(Command::new("filter"));
        let matches = command.try_get_matches_from([&["filter"], args].concat())?;
        FilterArgs::from_arg_matches(&matches)
    }

    #[test]
    fn arguments_are_consistent_and_have_the_documented_defaults() {
        FilterArgs::augment_args(Command::new("filter")).debug_assert();
        let job = parse(&["in.parquet", "-o", "dir/kept.parquet"]).unwrap().job(4, "engine").unwrap();
        assert_eq!(job.outputs.verdicts, Path::new("dir/kept.verdicts.parquet"));
        assert_eq!(job.plan.columns, Columns::default());
        assert_eq!(job.plan.rules.code_domains, ["code"]);
        assert_eq!((job.plan.not_code, job.plan.rows_in_flight), (Action::PassThrough, 8));
        let limits = job.plan.rules.limits;
        assert_eq!((limits.cpu_ms, limits.wall_ms), (2_500, 9_500));
        assert_eq!(job.plan.rules.compare, Compare::DATA_SET_DEFAULT);
        assert_eq!(
            (job.plan.rules.stop, job.plan.rules.repeat),
            (Stop::FirstFailure, Repeat::TimesIfRandom(5))
        );
    }

    #[test]
    fn flags_reach_the_plan() {
        let args =
            ["in.jsonl", "-o", "a.jsonl", "--verdicts", "v.parquet", "--non-code", "drop", "--code-domain"];
        let more =
            ["py", "--code-domain", "cpp", "--cpu-ms", "1000", "--memory-mb", "64", "--rows-in-flight", "3"];
        let job = parse(&[&args[..], &more].concat()).unwrap().job(4, "engine").unwrap();
        assert_eq!(job.outputs.verdicts_format, Format::Parquet);
        assert_eq!(job.plan.rules.code_domains, ["py", "cpp"]);
        assert_eq!((job.plan.not_code, job.plan.rows_in_flight), (Action::Drop, 3));
        let limits = job.plan.rules.limits;
        assert_eq!((limits.cpu_ms, limits.wall_ms, limits.memory_bytes), (1_000, 5_000, 64 << 20));
        for (flags, stop, repeat) in [
            (&["--stop", "never", "--repeat", "1"][..], Stop::Never, Repeat::Once),
            (&["--all-tests", "--confirm-random", "7"], Stop::Never, Repeat::TimesIfRandom(7)),
            (&["--stop", "first_failure", "--repeat", "3"], Stop::FirstFailure, Repeat::Times(3)),
        ] {
            let job = parse(&[&["in.jsonl", "-o", "a.jsonl"][..], flags].concat())
                .unwrap()
                .job(1, "engine")
                .unwrap();
            assert_eq!((job.plan.rules.stop, job.plan.rules.repeat), (stop, repeat), "{flags:?}");
        }
        let all = parse(&["in.jsonl", "-o", "a.jsonl", "--all-code"]).unwrap().job(1, "engine").unwrap();
        assert_eq!(all.plan.columns.domain, None);
    }

    #[test]
    fn wrong_usage_is_refused() {
        for args in [
            &["in.jsonl"][..],
            &["in.jsonl", "-o", "out.csv"],
            &["in.jsonl", "-o", "out"],
            &["in.jsonl", "-o", "a.jsonl", "--all-code", "--domain-column", "d"],
            &["in.jsonl", "-o", "a.jsonl", "--rows-in-flight", "0"],
            &["in.jsonl", "-o", "a.jsonl", "--memory-bytes", "1MiB"],
            &["in.jsonl", "-o", "a.jsonl", "--stop", "never", "--all-tests"],
        ] {
            assert!(parse(args).is_err(), "{args:?}");
        }
    }
}
