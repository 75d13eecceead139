//! The labelled Python submissions, read in place, in both runners: the same verdicts, but for what WebAssembly is
//! known not to have, and for time.
//!
//! A sample of a few dozen rows here; all of them with `PROOFBOX_TEST_WASM_ALL=1`, which takes many minutes and
//! prints every difference.

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
        // Given many times the limit, what only just runs out of time natively may come to its end.
        (Verdict::TimeLimit, _) => Some("time limits are not the same"),
        (_, Verdict::TimeLimit) => Some("slower than its longer limit"),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn labelled_python_has_the_same_verdict_in_both_runners() {
    let all = env::var_os("PROOFBOX_TEST_WASM_ALL").is_some();
    let rows = rows(&["python"], &["stdin", "call", "assert"]);
    if rows.is_empty() || !python_image() {
        return;
    }
    let engine: Arc<Engine> = Arc::new(support::engine(support::slots()));
    let submissions: Vec<Submission> =
        rows.iter().step_by(if all { 1 } else { SAMPLE }).map(submission).collect();
    let submissions = Arc::new(submissions);
    let pairs = for_each(submissions.len(), support::slots(), |index| {
        let (engine, submissions) = (Arc::clone(&engine), Arc::clone(&submissions));
        async move {
            let native = Submission { runtime: Runtime::Native, ..submissions[index].clone() };
            let mut wasm = Submission { runtime: Runtime::Wasm, ..submissions[index].clone() };
            wasm.limits.cpu_ms *= SLOWNESS;
            wasm.limits.wall_ms *= SLOWNESS;
            (verify(&engine, native).await, verify(&engine, wasm).await)
        }
    })
    .await;
    let (mut same, mut problems) = (0, Vec::new());
    for (native, wasm) in &pairs {
        match known_cause(native, wasm) {
            Some("same") => same += 1,
            cause => {
                let reason = wasm.reason.as_deref().unwrap_or("");
                let line = format!(
                    "{}: {} natively, {} in wasm ({}): {reason}",
                    native.id.as_deref().unwrap_or(""),
                    native.verdict,
                    wasm.verdict,
                    cause.unwrap_or("NO KNOWN CAUSE"),
                );
                println!("{line}");
                if cause.is_none() {
                    problems.push(line);
                }
            }
        }
    }
    println!("{same} of {} submissions have the same verdict", pairs.len());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(same * 10 >= pairs.len() * 9, "only {same} of {} are the same", pairs.len());
}
