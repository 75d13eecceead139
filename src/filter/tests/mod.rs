//! Jobs over real files, with a verifier whose answer is a function of the submission alone.

mod formats;
mod resume;
mod trouble;

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value as Json, json};
use tokio::sync::watch;

use super::{
    FilterError, Finished, Job,
    assemble::Outputs,
    job::{Existing, Show},
    journal::JournalStart,
    pipeline::{Plan, Verify},
    record::Action,
    summary::Summary,
};
use crate::{
    dataset::{
        Format,
        reader::Columns,
        row::{Audit, RowRules},
    },
    judge::Compare,
    limits::Limits,
    report::{Report, TestReport},
    submission::{Repeat, Stop, Submission},
    verdict::{Cause, Verdict},
};

/// Accepts solutions that hold the word `right`, after a few turns of the scheduler; counts calls.
#[derive(Default)]
pub struct ByWord {
    pub calls: AtomicUsize,
    pub most_at_once: AtomicUsize,
    at_once: AtomicUsize,
}

impl Verify for ByWord {
    async fn verify(&self, submission: Submission) -> Report {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let at_once = self.at_once.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_at_once.fetch_max(at_once, Ordering::Relaxed);
        let code = String::from_utf8(submission.solution.files[0].content.clone()).unwrap();
        // Out of order: how long a row takes depends on its text.
        for _ in 0..code.bytes().map(usize::from).sum::<usize>() % 23 {
            tokio::task::yield_now().await;
        }
        self.at_once.fetch_sub(1, Ordering::Relaxed);
        report(&submission, &code)
    }
}

fn report(submission: &Submission, code: &str) -> Report {
    let total = submission.tests.len();
    if code.contains("broken sandbox") {
        return Report::undecided(submission.id.clone(), Cause::SandboxFault, "no cell", total);
    }
    let accepted = code.contains("right");
    let verdict = if accepted { Verdict::Accepted } else { Verdict::WrongAnswer };
    let mut tests = vec![TestReport { verdict, cpu_ms: 1.5, ..TestReport::skipped() }];
    tests.resize_with(total, || {
        if accepted {
            TestReport { verdict, cpu_ms: 1.5, ..TestReport::skipped() }
        } else {
            TestReport::skipped()
        }
    });
    let reason = (!accepted).then(|| "test 0: line 1 differs".to_owned());
    Report {
        id: submission.id.clone(),
        verdict,
        cause: None,
        reason,
        isolation_of_tests: None,
        tier: None,
        tests,
        total,
        also: Vec::new(),
        compile: None,
    }
}

pub fn answer(word: &str) -> String {
    format!("So:\n```python\nprint('{word}')  # é\n```\n")
}

pub const TESTS: &str = r#"{"inputs": ["1\n", "2\n"], "outputs": ["a\n", "b\n"]}"#;

/// A row of the metadata schema.
pub fn row(domain: &str, answer: Option<String>, tests: Option<&str>) -> Json {
    json!({
        "problem": "p",
        "deepseek_solution": answer,
        "domain": domain,
        "source": if domain == "code" { "apps" } else { "numina_math" },
        "test_cases": tests,
    })
}

/// Rows of every fate, `count` of them, as JSON lines in an odd but legal spelling.
pub fn mixed_lines(count: usize) -> String {
    (0..count)
        .map(|at| {
            let row = match at % 7 {
                0 | 4 => row("code", Some(answer(&format!("right {at}"))), Some(TESTS)),
                1 => row("code", Some(answer(&format!("wrong {at}"))), Some(TESTS)),
                2 => row("math", Some("4".to_owned()), None),
                3 => row("code", Some("no code".to_owned()), Some(TESTS)),
                5 => row("code", Some(answer("right")), Some("{}")),
                _ => row("code", None, Some(TESTS)),
            };
            let end = if at % 5 == 0 { "\r\n" } else { "\n" };
            format!(" {}{end}", row.to_string().replace("\":", "\" : "))
        })
        .collect()
}

/// Whether [`mixed_lines`] row `at` is kept.
pub fn mixed_is_kept(at: usize) -> bool {
    matches!(at % 7, 0 | 2 | 4)
}

pub fn job(input: &Path, output: &Path) -> Job {
    let verdicts = output.with_extension("verdicts.jsonl");
    Job {
        input: input.to_owned(),
        outputs: Outputs {
            rows_format: Format::by_ending(output).unwrap(),
            rows: output.to_owned(),
            verdicts_format: Format::Jsonl,
            verdicts,
            differences: None,
            audit: None,
        },
        plan: Plan {
            columns: Columns::default(),
            rules: RowRules {
                code_domains: vec!["code".to_owned()],
                every_row_is_code: false,
                compare: Compare::DATA_SET_DEFAULT,
                also: Vec::new(),
                limits: Limits::default(),
                stop: Stop::FirstFailure,
                repeat: Repeat::Once,
                audit: Audit::No,
            },
            not_code: Action::PassThrough,
            rows_in_flight: 5,
            retry_after: vec![Duration::ZERO; 2],
        },
        settings: [("cpu_ms".to_owned(), json!(4_000))].into_iter().collect(),
        start: JournalStart::Resume,
        existing: Existing::Refuse,
        show: Show::Nothing,
    }
}

pub async fn run(job: Job) -> Result<Finished, FilterError> {
    run_with(job, Arc::new(ByWord::default())).await
}

pub async fn run_with(job: Job, verify: Arc<ByWord>) -> Result<Finished, FilterError> {
    let (_sender, stop) = watch::channel(None);
    super::run(job, verify, stop).await
}

pub async fn complete(job: Job) -> Summary {
    match run(job).await.unwrap() {
        Finished::Complete { summary, .. } => *summary,
        Finished::Stopped { signal } => panic!("stopped by {signal}"),
    }
}

pub async fn error(job: Job) -> String {
    run(job).await.expect_err("an error").to_string()
}

/// A directory with an input file; everything in it goes with the test.
pub struct Place {
    directory: tempfile::TempDir,
    pub input: PathBuf,
}

impl Place {
    pub fn new(name: &str, content: impl AsRef<[u8]>) -> Place {
        let directory = tempfile::tempdir().unwrap();
        let input = directory.path().join(name);
        std::fs::write(&input, content).unwrap();
        Place { directory, input }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Names of all files but the input, sorted.
    pub fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !self.input.ends_with(name))
            .collect();
        names.sort();
        names
    }
}

pub fn json_lines(path: &Path) -> Vec<Json> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All rows of a parquet file as one batch.
pub fn parquet_rows(path: &Path) -> arrow_array::RecordBatch {
    let builder =
        parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap())
            .unwrap();
    let schema = Arc::clone(builder.schema());
    let batches: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
    arrow_select::concat::concat_batches(&schema, &batches).unwrap()
}
