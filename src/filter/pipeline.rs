//! The verifying pass: rows in order in, decisions in any order out, a bounded number in flight.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet, spawn_blocking},
    time::{Instant, MissedTickBehavior, interval_at, sleep},
};

use super::{
    audit::code_hash,
    error::FilterError,
    journal::Journal,
    progress::Progress,
    record::{Action, RowAudit, RowKey, RowRecord},
};
use crate::{
    dataset::{
        DatasetError, Input,
        reader::{Columns, RowReader},
        row::{RowRules, RowWork},
    },
    report::Report,
    submission::Submission,
    verdict::{Cause, Verdict},
};

/// Verifies submissions: the embedded engine, or a service.
pub trait Verify: Send + Sync + 'static {
    fn verify(&self, submission: Submission) -> impl Future<Output = Report> + Send;
}

impl<F, R> Verify for F
where
    F: Fn(Submission) -> R + Send + Sync + 'static,
    R: Future<Output = Report> + Send,
{
    fn verify(&self, submission: Submission) -> impl Future<Output = Report> + Send {
        self(submission)
    }
}

/// The number of the signal that asked the job to stop, once there is one.
pub type StopSignal = watch::Receiver<Option<i32>>;

/// How rows are verified.
#[derive(Debug, Clone)]
pub struct Plan {
    pub columns: Columns,
    pub rules: RowRules,
    /// What becomes of rows that are not code.
    pub not_code: Action,
    /// Rows that are verified at once. As many again are parsed and wait.
    pub rows_in_flight: usize,
    /// Pauses before a row is tried again that proofbox failed to verify.
    pub retry_after: Vec<Duration>,
}

/// How the pass ended.
#[derive(Debug, PartialEq, Eq)]
pub enum PassEnd {
    /// Every row is decided; `rows` is their number.
    Complete { rows: u64 },
    /// A signal asked to stop; what was decided is in the journal.
    Stopped { signal: i32 },
}

/// How often the journal is made durable.
const SYNC_EVERY: Duration = Duration::from_secs(2);

/// A row as the reader hands it over.
enum FromReader {
    Row(RowKey, RowWork),
    End { rows: u64 },
    Failed(DatasetError),
}

/// Decides every row that the journal has no record of.
pub async fn verify_rows<V: Verify>(
    input: &Input,
    plan: &Plan,
    journal: &mut Journal,
    verify: Arc<V>,
    progress: &mut Progress,
    mut stop: StopSignal,
) -> Result<PassEnd, FilterError> {
    let reader = RowReader::open(input, &plan.columns)?;
    let mut rows = read_in_background(reader, plan, journal.decided_rows());
    // Dropping the set ends the runs of rows in flight, on every way out of this function.
    let mut in_flight: JoinSet<RowRecord> = JoinSet::new();
    let mut sync = interval_at(Instant::now() + SYNC_EVERY, SYNC_EVERY);
    sync.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut syncing: Option<JoinHandle<Result<(), FilterError>>> = None;
    let mut total_rows = None;
    loop {
        if let (Some(rows), true) = (total_rows, in_flight.is_empty()) {
            journal.sync()?;
            return Ok(PassEnd::Complete { rows });
        }
        let may_start = total_rows.is_none() && in_flight.len() < plan.rows_in_flight;
        tokio::select! {
            biased;
            signal = stopped(&mut stop) => {
                journal.sync()?;
                return Ok(PassEnd::Stopped { signal });
            }
            Some(done) = in_flight.join_next() => {
                let record = done.map_err(|error| FilterError::Internal(error.to_string()))?;
                progress.decided(&record);
                journal.append(&record)?;
            }
            _ = sync.tick() => {
                // One sync at a time: the next waits for a later tick. An error is never ignored.
                if syncing.as_ref().is_none_or(JoinHandle::is_finished) {
                    if let Some(synced) = syncing.take() {
                        synced.await.map_err(|error| FilterError::Internal(error.to_string()))??;
                    }
                    syncing = Some(spawn_blocking(journal.syncing()?));
                }
                progress.tick();
            }
            message = rows.recv(), if may_start => match message {
                Some(FromReader::Row(key, work)) => {
                    if let Some(record) = start(key, work, plan, &verify, &mut in_flight) {
                        progress.decided(&record);
                        journal.append(&record)?;
                    }
                }
                Some(FromReader::End { rows }) => total_rows = Some(rows),
                Some(FromReader::Failed(error)) => return Err(error.into()),
                None => return Err(FilterError::Internal("the row reader ended early".to_owned())),
            },
        }
    }
}

/// Waits for a signal. Never returns if no signal can come any more.
pub async fn stopped(stop: &mut StopSignal) -> i32 {
    let signal = match stop.wait_for(Option::is_some).await {
        Ok(signal) => *signal,
        Err(_) => None,
    };
    match signal {
        Some(signal) => signal,
        None => std::future::pending().await,
    }
}

/// Reads and parses rows on a thread of its own, as far ahead as rows may be in flight.
fn read_in_background(mut reader: RowReader, plan: &Plan, decided: Vec<bool>) -> mpsc::Receiver<FromReader> {
    let (to_pipeline, rows) = mpsc::channel(plan.rows_in_flight);
    let rules = plan.rules.clone();
    std::thread::spawn(move || {
        let mut count = 0;
        loop {
            let message = match reader.next_row() {
                Ok(None) => FromReader::End { rows: count },
                Err(error) => FromReader::Failed(error),
                Ok(Some(row)) => {
                    count += 1;
                    if decided.get(row.index as usize).copied().unwrap_or(false) {
                        continue;
                    }
                    let key =
                        RowKey { row: row.index, domain: row.domain.clone(), source: row.source.clone() };
                    FromReader::Row(key, rules.work(row))
                }
            };
            let last = !matches!(message, FromReader::Row(..));
            // The pipeline is gone: nothing more to do.
            if to_pipeline.blocking_send(message).is_err() || last {
                return;
            }
        }
    });
    rows
}

/// Starts verifying a row, or returns its record if nothing needs to run.
fn start<V: Verify>(
    key: RowKey,
    work: RowWork,
    plan: &Plan,
    verify: &Arc<V>,
    in_flight: &mut JoinSet<RowRecord>,
) -> Option<RowRecord> {
    match work {
        RowWork::NotCode => Some(RowRecord::not_code(key, plan.not_code)),
        RowWork::Decided(decision) => Some(RowRecord::decided(key, decision, &plan.rules.also)),
        RowWork::Verify { submission, note, problem } => {
            let verify = Arc::clone(verify);
            let retry_after = plan.retry_after.clone();
            let also = plan.rules.also.clone();
            in_flight.spawn(async move {
                let cpu_ms = submission.limits.cpu_ms;
                let code = code_hash(&submission.solution);
                let report = verify_with_retries(&*verify, *submission, &retry_after).await;
                let audit = problem.map(|problem| RowAudit::of(problem, code, &report, cpu_ms));
                RowRecord { audit, ..RowRecord::verified(key, &report, note, &also) }
            });
            None
        }
    }
}

async fn verify_with_retries<V: Verify>(
    verify: &V,
    submission: Submission,
    retry_after: &[Duration],
) -> Report {
    for wait in retry_after {
        let report = verify.verify(submission.clone()).await;
        if !is_worth_a_retry(&report) {
            return report;
        }
        sleep(*wait).await;
    }
    verify.verify(submission).await
}

fn is_worth_a_retry(report: &Report) -> bool {
    report.verdict == Verdict::Undecided
        && matches!(report.cause, Some(Cause::Overloaded | Cause::SandboxFault | Cause::Cancelled) | None)
}
