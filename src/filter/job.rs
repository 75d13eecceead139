//! One job, from checked paths to published files.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    assemble::{Outputs, assemble},
    error::FilterError,
    journal::{self, Header, Journal, JournalStart},
    pipeline::{PassEnd, Plan, StopSignal, Verify, verify_rows},
    progress::Progress,
    summary::Summary,
    target::Target,
};
use crate::dataset::{Format, Input, domains::Domains, input::Identity, reader::RowReader};

/// A job's settings, complete and checked.
#[derive(Debug, Clone)]
pub struct Job {
    pub input: PathBuf,
    pub outputs: Outputs,
    pub plan: Plan,
    /// Every setting that can change a verdict, by name. A job is resumed only with equal settings.
    pub settings: serde_json::Map<String, serde_json::Value>,
    pub start: JournalStart,
    pub existing: Existing,
    pub show: Show,
}

/// What to do if a file already has an output's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Refuse,
    Replace,
}

/// Whether the job shows progress on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    Progress,
    Nothing,
}

/// How a job ended.
#[derive(Debug)]
pub enum Finished {
    Complete {
        summary: Box<Summary>,
        took: Duration,
    },
    /// A signal ended the job. The same command continues it.
    Stopped {
        signal: i32,
    },
}

/// Runs a job, or continues one that an earlier process began.
pub async fn run<V: Verify>(job: Job, verify: Arc<V>, stop: StopSignal) -> Result<Finished, FilterError> {
    let begun = Instant::now();
    let input = Arc::new(Input::open(&job.input)?);
    check_paths(&job)?;
    let surveyed = {
        let (input, plan, go_on) = (Arc::clone(&input), job.plan.clone(), go_on(&stop));
        in_background(move || survey(&input, &plan, &go_on)).await?
    };
    let Some((identity, rows)) = surveyed else { return Ok(stopped(&stop)) };
    let header = Header {
        format: journal::FORMAT,
        proofbox: env!("CARGO_PKG_VERSION").to_owned(),
        input: identity,
        settings: job.settings.clone(),
    };
    let journal = Journal::open(&job.outputs.rows, &header, job.start)?;
    let mut journal = check_writable(&job.outputs, journal)?;
    let mut progress = match job.show {
        Show::Progress => {
            if journal.decided() > 0 {
                say_what_is_skipped(&journal, &job.outputs, rows);
            }
            Progress::on_stderr(rows, journal.decided())
        }
        Show::Nothing => Progress::silent(),
    };
    let ended = verify_rows(&input, &job.plan, &mut journal, verify, &mut progress, stop.clone()).await;
    progress.finish();
    let rows = match ended? {
        PassEnd::Complete { rows } => rows,
        PassEnd::Stopped { signal } => return Ok(Finished::Stopped { signal }),
    };
    let summary = {
        let (outputs, also, go_on) = (job.outputs.clone(), job.plan.rules.also.clone(), go_on(&stop));
        in_background(move || {
            let summary = assemble(&input, &journal, rows, &outputs, &also, &go_on)?;
            if summary.is_some() {
                journal.remove()?;
            }
            Ok(summary)
        })
        .await?
    };
    match summary {
        Some(summary) => Ok(Finished::Complete { summary: Box::new(summary), took: begun.elapsed() }),
        None => Ok(stopped(&stop)),
    }
}

/// Tells the user how many rows an earlier process has decided. They are not run again.
fn say_what_is_skipped(journal: &Journal, outputs: &Outputs, rows: u64) {
    let (decided, state) = (journal.decided(), journal::work_directory(&outputs.rows));
    // A closed standard error must not stop the job.
    let _ = writeln!(
        std::io::stderr(),
        "going on with an earlier run: {decided} of {rows} rows are decided in {} and skipped; --restart begins anew",
        state.display()
    );
}

fn go_on(stop: &StopSignal) -> impl Fn() -> bool + Send + use<> {
    let stop = stop.clone();
    move || stop.borrow().is_none()
}

fn stopped(stop: &StopSignal) -> Finished {
    Finished::Stopped { signal: stop.borrow().unwrap_or(libc::SIGTERM) }
}

/// Runs file work off the asynchronous threads.
async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FilterError> + Send + 'static,
) -> Result<T, FilterError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(FilterError::Internal(error.to_string())),
    }
}

/// Checks before anything is run that the input can be read and that some rows are code. Returns the input's identity and
/// number of rows; `None` if told to stop.
fn survey(
    input: &Input,
    plan: &Plan,
    go_on: &dyn Fn() -> bool,
) -> Result<Option<(Identity, u64)>, FilterError> {
    let reader = RowReader::open(input, &plan.columns)?;
    let promised = reader.rows_in_metadata();
    let reader = match input.format() {
        Format::Parquet => RowReader::open_domains(input, &plan.columns)?,
        Format::Jsonl => reader,
    };
    let Some(rows) = look_for_code(input, reader, plan, go_on)? else { return Ok(None) };
    let rows = if input.format() == Format::Parquet { promised } else { rows };
    Ok(input.identify(go_on)?.map(|identity| (identity, rows)))
}

/// The number of rows that were read.
///
/// # Errors
/// If there are rows and none of them is code.
fn look_for_code(
    input: &Input,
    mut reader: RowReader,
    plan: &Plan,
    go_on: &dyn Fn() -> bool,
) -> Result<Option<u64>, FilterError> {
    let (mut rows, mut found, mut others) = (0, plan.columns.domain.is_none(), Domains::default());
    // Every line of JSONL is read: a bad line is better found now than after hours of work.
    while !(found && input.format() == Format::Parquet) {
        let Some(row) = reader.next_row()? else { break };
        rows += 1;
        if !go_on() {
            return Ok(None);
        }
        found = found || plan.rules.is_code(row.domain.as_deref());
        if !found {
            others.add(row.domain);
        }
    }
    match found || rows == 0 {
        true => Ok(Some(rows)),
        false => Err(others.none_is_code(input.path(), &plan.columns, &plan.rules).into()),
    }
}

fn check_paths(job: &Job) -> Result<(), FilterError> {
    let paths = job.outputs.paths();
    for (at, (path, what)) in paths.iter().enumerate() {
        let others = [(job.input.as_path(), "the input")].into_iter().chain(paths[..at].iter().copied());
        for (other, other_what) in others {
            if is_same_file(path, other) {
                return Err(FilterError::file(path, format!("{what} is {other_what}")));
            }
        }
    }
    // A killed process may have published its files and not yet ended the job.
    let own = job.start == JournalStart::Resume && Journal::was_assembling(&job.outputs.rows);
    for (path, _) in paths {
        check_destination(path, job.existing, own)?;
    }
    Ok(())
}

fn check_destination(path: &Path, existing: Existing, own: bool) -> Result<(), FilterError> {
    match path.metadata() {
        Ok(found) if !found.is_file() => {
            return Err(FilterError::file(path, "there is something that is not a regular file"));
        }
        // An empty file may be replaced: nothing is lost, and `mktemp` makes empty files.
        Ok(found) if found.len() > 0 && existing == Existing::Refuse && !own => {
            return Err(FilterError::file(path, "exists already; pass --overwrite to replace it"));
        }
        _ => {}
    }
    let parent = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    if !parent.is_dir() {
        return Err(FilterError::file(path, "cannot create: there is no such directory"));
    }
    Ok(())
}

/// Checks that the outputs' directories can be written, so that a job does not fail at its end. Called under the
/// journal's lock, because another process may write under the same temporary names.
fn check_writable(outputs: &Outputs, journal: Journal) -> Result<Journal, FilterError> {
    let tried = outputs.paths().into_iter().try_for_each(|(path, _)| Target::create(path).map(drop));
    match tried {
        Ok(()) => Ok(journal),
        Err(error) => {
            if journal.decided() == 0 {
                journal.remove()?;
            }
            Err(error)
        }
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let resolved = |path: &Path| {
        let parent = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        path.canonicalize().ok().or_else(|| Some(parent.canonicalize().ok()?.join(path.file_name()?)))
    };
    resolved(one).is_some_and(|one| resolved(other) == Some(one))
}
