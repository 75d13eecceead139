//! The labelled Python submissions, read in place, in both runners: the same verdicts, but for what WebAssembly is
//! known not to have, and for time.
//!
//! A sample of a few dozen rows here; every n-th of them with `PROOFBOX_TEST_WASM_EVERY=n`. All of them take many
//! minutes. Each difference is printed with its cause; `sandbox-images/WASM.md` sums them up.

use std::{env, sync::Arc};

use proofbox::{
    report::Report,
    submission::{Runtime, Submission},
    verdict::{Cause, Verdict},
    verify::Engine,
};

use super::{
    python_image, support,
    support::{
        for_each,
        labelled::{rows, submission},
    },
    verify,
};

/// How often slower Python in WebAssembly may be before a time limit is a difference: its limit is so many
/// times the native one.
const SLOWNESS: u64 = 12;
/// Every so many rows are in the sample.
const SAMPLE: usize = 40;

/// Why two reports may differ; `None` if they may not.
fn known_cause(native: &Report, wasm: &Report) -> Option<&'static str> {
    match (native.verdict, wasm.verdict) {
        (one, other) if one == other => Some("same"),
        (_, Verdict::Undecided) if wasm.cause == Some(Cause::Unsupported) => Some("unsupported"),
        // What only just runs out of time may not, the next time.
        (Verdict::TimeLimit, _) => Some("time limits are not the same"),
        (_, Verdict::TimeLimit) => Some("slower than its longer limit"),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn labelled_python_has_the_same_verdict_in_both_runners() {
    let every = env::var("PROOFBOX_TEST_WASM_EVERY").map_or(SAMPLE, |every| every.parse().unwrap());
    let rows = rows(&["python"], &["stdin", "call", "assert"]);
    if rows.is_empty() || !python_image() {
        return;
    }
    let engine: Arc<Engine> = Arc::new(support::engine(support::slots()));
    let submissions: Arc<Vec<Submission>> = Arc::new(rows.iter().step_by(every).map(submission).collect());
    let found = for_each(submissions.len(), support::slots(), |index| {
        let (engine, submissions) = (Arc::clone(&engine), Arc::clone(&submissions));
        async move { difference(&engine, &submissions[index]).await }
    })
    .await;
    let (total, same) = (found.len(), found.iter().filter(|found| found.is_none()).count());
    println!("{same} of {total} submissions have the same verdict");
    let problems: Vec<String> = found.into_iter().flatten().filter_map(Result::err).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(same * 10 >= total * 9, "only {same} of {total} are the same");
}

/// How the runners' verdicts differ, if they do; the error is a difference without a known cause.
async fn difference(engine: &Engine, submission: &Submission) -> Option<Result<(), String>> {
    let native = Submission { runtime: Runtime::Native, ..submission.clone() };
    let native = verify(engine, native).await;
    let mut wasm = Submission { runtime: Runtime::Wasm, ..submission.clone() };
    // What runs out of time natively does so here by the same limit.
    let times = if native.verdict == Verdict::TimeLimit { 1 } else { SLOWNESS };
    wasm.limits.cpu_ms *= times;
    wasm.limits.wall_ms *= times;
    let wasm = verify(engine, wasm).await;
    let cause = known_cause(&native, &wasm);
    if cause == Some("same") {
        return None;
    }
    let (id, reason) = (native.id.as_deref().unwrap_or(""), wasm.reason.as_deref().unwrap_or(""));
    let why = cause.unwrap_or("NO KNOWN CAUSE");
    let line = format!("{id}: {} natively, {} in wasm ({why}): {reason}", native.verdict, wasm.verdict);
    println!("{line}");
    Some(if cause.is_some() { Ok(()) } else { Err(line) })
}
