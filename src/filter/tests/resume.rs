//! Interrupted at any instant, a job ends as if it had not been.

use std::fs;

use super::*;
use crate::filter::journal::work_directory;

const ROWS: usize = 60;

/// Rows that need a run among the first `ROWS` of [`mixed_lines`].
const RUNS: usize = 26;

fn outcome(place: &Place) -> (Vec<u8>, Vec<u8>) {
    let outputs = ["out.jsonl", "out.verdicts.jsonl"].map(|name| fs::read(place.path(name)).unwrap());
    assert_eq!(place.files(), ["out.jsonl", "out.verdicts.jsonl"]);
    outputs.into()
}

async fn uninterrupted() -> (Vec<u8>, Vec<u8>) {
    let place = Place::new("in.jsonl", mixed_lines(ROWS));
    let verify = Arc::new(ByWord::default());
    run_with(job(&place.input, &place.path("out.jsonl")), Arc::clone(&verify)).await.unwrap();
    assert_eq!(verify.calls.load(Ordering::Relaxed), RUNS);
    assert!((2..=5).contains(&verify.most_at_once.load(Ordering::Relaxed)));
    outcome(&place)
}

/// Verifies until `left` runs are done, then never ends.
struct Until {
    left: AtomicUsize,
    /// Told when a run begins that never ends: from then on the job cannot finish.
    stuck: tokio::sync::Notify,
    inner: ByWord,
}

impl Until {
    fn after(runs: usize) -> Until {
        Until { left: AtomicUsize::new(runs), stuck: tokio::sync::Notify::new(), inner: ByWord::default() }
    }
}

impl Verify for Until {
    async fn verify(&self, submission: Submission) -> Report {
        let claimed =
            self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if claimed.is_err() {
            self.stuck.notify_one();
            std::future::pending::<()>().await;
        }
        self.inner.verify(submission).await
    }
}

#[tokio::test]
async fn dropped_after_any_number_of_runs_it_resumes_to_the_same_output() {
    let expected = uninterrupted().await;
    for step in [1, 3, 7, 25] {
        let place = Place::new("in.jsonl", mixed_lines(ROWS));
        let output = place.path("out.jsonl");
        let mut runs = 0;
        let mut interruptions = 0;
        loop {
            let verify = Arc::new(Until::after(step));
            let (_sender, stop) = watch::channel(None);
            let job = super::super::run(job(&place.input, &output), Arc::clone(&verify), stop);
            let stuck = async {
                verify.stuck.notified().await;
                // Runs that have ended are on their way to the journal.
                tokio::time::sleep(Duration::from_millis(100)).await;
            };
            let finished = tokio::select! {
                finished = job => Some(finished),
                () = stuck => None,
            };
            runs += verify.inner.calls.load(Ordering::Relaxed);
            match finished {
                Some(finished) => {
                    finished.unwrap();
                    break;
                }
                None => assert_eq!(place.files(), ["out.jsonl.proofbox"]),
            }
            interruptions += 1;
            assert!(interruptions <= ROWS, "no progress");
        }
        assert_eq!(runs, RUNS, "each row runs once");
        assert_eq!(interruptions, (RUNS - 1) / step);
        assert_eq!(outcome(&place), expected);
    }
}

#[tokio::test]
async fn a_journal_cut_at_any_byte_resumes_to_the_same_output() {
    let expected = uninterrupted().await;
    let place = Place::new("in.jsonl", mixed_lines(ROWS));
    let output = place.path("out.jsonl");
    let (journal, header) = journal_of_all_rows(&place, &output).await;
    let directory = work_directory(&output);
    // Every byte of a few records, and then every 97th: a thousand jobs would be slow.
    let cuts = (0..400).chain((400..journal.len()).step_by(97)).chain([journal.len() - 1, journal.len()]);
    for cut in cuts {
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("header.json"), &header).unwrap();
        fs::write(directory.join("journal"), &journal[..cut]).unwrap();
        let verify = Arc::new(ByWord::default());
        run_with(job(&place.input, &output), Arc::clone(&verify)).await.unwrap();
        let whole_records = journal[..cut].split_inclusive(|&byte| byte == b'\n');
        let rerun = RUNS - whole_records.filter(|line| line.ends_with(b"\n") && is_run(line)).count();
        assert_eq!(verify.calls.load(Ordering::Relaxed), rerun, "cut at {cut}");
        assert_eq!(outcome(&place), expected, "cut at {cut}");
        fs::remove_file(&output).unwrap();
        fs::remove_file(place.path("out.verdicts.jsonl")).unwrap();
    }
}

fn is_run(line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(line);
    text.contains("accepted") || text.contains("wrong_answer")
}

/// The journal and header as they are when all rows are decided and nothing is assembled: the
/// verdict table cannot be published because a directory took its name meanwhile.
async fn journal_of_all_rows(place: &Place, output: &Path) -> (Vec<u8>, Vec<u8>) {
    let mut job = job(&place.input, output);
    job.plan.retry_after.clear();
    let verdicts = job.outputs.verdicts.clone();
    let blocker = move |submission: Submission| {
        fs::create_dir_all(&verdicts).unwrap();
        async move { ByWord::default().verify(submission).await }
    };
    let verdicts = job.outputs.verdicts.clone();
    let (_sender, stop) = watch::channel(None);
    let error = super::super::run(job, Arc::new(blocker), stop).await.unwrap_err().to_string();
    assert!(error.contains("cannot give the output its name"), "{error}");
    assert!(!output.exists());
    fs::remove_dir(verdicts).unwrap();
    let directory = work_directory(output);
    let read = |name: &str| fs::read(directory.join(name)).unwrap();
    let found = (read("journal"), read("header.json"));
    fs::remove_dir_all(directory).unwrap();
    found
}

#[tokio::test]
async fn damage_inside_the_journal_costs_only_what_follows() {
    let expected = uninterrupted().await;
    let place = Place::new("in.jsonl", mixed_lines(ROWS));
    let output = place.path("out.jsonl");
    let (journal, header) = journal_of_all_rows(&place, &output).await;
    for at in [0, 20, 500, journal.len() - 3] {
        let mut damaged = journal.clone();
        damaged[at] ^= 1;
        let directory = work_directory(&output);
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("header.json"), &header).unwrap();
        fs::write(directory.join("journal"), damaged).unwrap();
        run(job(&place.input, &output)).await.unwrap();
        assert_eq!(outcome(&place), expected);
        fs::remove_file(&output).unwrap();
        fs::remove_file(place.path("out.verdicts.jsonl")).unwrap();
    }
}

#[tokio::test]
async fn killed_between_publishing_and_cleaning_up_it_finishes() {
    let expected = uninterrupted().await;
    let place = Place::new("in.jsonl", mixed_lines(ROWS));
    let output = place.path("out.jsonl");
    let (journal, header) = journal_of_all_rows(&place, &output).await;
    run(job(&place.input, &output)).await.unwrap();
    // The state of a process that was killed just before it removed its journal.
    let directory = work_directory(&output);
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("header.json"), header).unwrap();
    fs::write(directory.join("journal"), journal).unwrap();
    fs::write(directory.join("assembling"), "").unwrap();
    let verify = Arc::new(ByWord::default());
    run_with(job(&place.input, &output), Arc::clone(&verify)).await.unwrap();
    assert_eq!(verify.calls.load(Ordering::Relaxed), 0);
    assert_eq!(outcome(&place), expected);
    // Killed while it removed them: no header, so no job; what is there is complete.
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("journal"), "").unwrap();
    assert!(error(job(&place.input, &output)).await.contains("exists already"));
}

#[tokio::test]
async fn a_signal_stops_it_and_the_next_run_goes_on() {
    let expected = uninterrupted().await;
    let place = Place::new("in.jsonl", mixed_lines(ROWS));
    let output = place.path("out.jsonl");
    let verify = Arc::new(Until::after(10));
    let (sender, stop) = watch::channel(None);
    let running = tokio::spawn(super::super::run(job(&place.input, &output), Arc::clone(&verify), stop));
    while verify.inner.calls.load(Ordering::Relaxed) < 10 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    sender.send(Some(libc::SIGTERM)).unwrap();
    let finished = running.await.unwrap().unwrap();
    assert!(matches!(finished, Finished::Stopped { signal: libc::SIGTERM }), "{finished:?}");
    assert_eq!(place.files(), ["out.jsonl.proofbox"]);
    let verify = Arc::new(ByWord::default());
    run_with(job(&place.input, &output), Arc::clone(&verify)).await.unwrap();
    assert_eq!(verify.calls.load(Ordering::Relaxed), RUNS - 10);
    assert_eq!(outcome(&place), expected);
}

#[tokio::test]
async fn another_input_or_other_settings_are_refused_and_restart_begins_anew() {
    let place = Place::new("in.jsonl", mixed_lines(ROWS));
    let output = place.path("out.jsonl");
    let stopped_job = || async {
        let (sender, stop) = watch::channel(None);
        let verify = Arc::new(Until::after(10));
        let running = tokio::spawn(super::super::run(job(&place.input, &output), verify, stop));
        tokio::time::sleep(Duration::from_millis(60)).await;
        sender.send(Some(libc::SIGINT)).unwrap();
        assert!(matches!(running.await.unwrap().unwrap(), Finished::Stopped { .. }));
    };
    stopped_job().await;

    let mut other = job(&place.input, &output);
    other.settings.insert("cpu_ms".to_owned(), json!(2_000));
    let refused = error(other.clone()).await;
    assert!(refused.contains("begun with cpu_ms = 4000, now it is 2000; pass --restart"), "{refused}");
    fs::write(&place.input, mixed_lines(ROWS + 1)).unwrap();
    let refused = error(job(&place.input, &output)).await;
    assert!(refused.contains("another or a changed input; pass --restart"), "{refused}");

    other.start = JournalStart::Anew;
    assert_eq!(complete(other).await.rows, ROWS as u64 + 1);
}

#[tokio::test]
async fn two_processes_do_not_work_on_one_output() {
    let place = Place::new("in.jsonl", mixed_lines(ROWS));
    let output = place.path("out.jsonl");
    let verify = Arc::new(Until::after(0));
    let (_sender, stop) = watch::channel(None);
    let first = tokio::spawn(super::super::run(job(&place.input, &output), verify, stop));
    while !work_directory(&output).join("header.json").exists() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(error(job(&place.input, &output)).await.contains("another process is at work on this output"));
    first.abort();
    let _ = first.await;
    complete(job(&place.input, &output)).await;
}
