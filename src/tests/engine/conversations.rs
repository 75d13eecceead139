//! Conversations between a solution and an interactor: no verdict by who happens to end first.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::support::{for_each, slots, start, testing_config};
use proofbox::{
    admission::Admit,
    report::Report,
    submission::Submission,
    verdict::Verdict,
    wire::{Asked, WireBounds, parse},
};
use serde_json::json;

/// How often each is held.
const TIMES: usize = 40;

/// Answers every guess, in Python.
const GUESSED: &str = "\
import sys
secret = int(open(sys.argv[1]).read())
while True:
    words = sys.stdin.readline().split()
    if len(words) != 2: sys.exit(43)
    if words[0] == '!': sys.exit(42 if int(words[1]) == secret else 43)
    print('<' if int(words[1]) < secret else '>', flush=True)
";
/// Has a last word, and more of it than a pipe holds.
const TALKS_ON: &str = "\
import sys
secret = int(open(sys.argv[1]).read())
right = int(input()) == secret
for _ in range(20_000): print('yes' if right else 'no')
sys.exit(42 if right else 43)
";

fn submission(source: &str, interactor: &str) -> Submission {
    let asked = json!({
        "language": "python",
        "source": source,
        "tests": [{"stdin": "7\n"}],
        "compare": {"interactor": {"language": "python", "protocol": "kattis", "source": interactor}},
        "limits": {"cpu_ms": 8000, "wall_ms": 20000},
        "repeat": 1,
    });
    match parse(asked.to_string().as_bytes(), WireBounds::default()) {
        Ok(Asked::Verify(submission)) => *submission,
        other => panic!("{other:?}"),
    }
}

async fn held(source: &str, interactor: &str) -> Vec<Report> {
    let config = testing_config(slots());
    let engine = Arc::new(start(&config));
    let submission = Arc::new(submission(source, interactor));
    // More at once than there are cores: everybody waits for everybody.
    for_each(TIMES, 2 * slots(), move |_| {
        let (engine, submission) = (Arc::clone(&engine), Arc::clone(&submission));
        async move { engine.verify((*submission).clone(), Admit::Patient).await }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_solution_is_right_whoever_ends_first() {
    for (source, interactor) in [
        // The last word is not read.
        ("print(7, flush=True)\n", TALKS_ON),
        // The answers are not.
        ("print('? 3\\n? 5\\n! 7', flush=True)\n", GUESSED),
        ("for i in range(30): print('?', i + 1, flush=True)\nprint('! 7', flush=True)\n", GUESSED),
        // Nobody reads what follows the right answer.
        ("print('! 7', flush=True)\nfor _ in range(20_000): print('more')\n", GUESSED),
    ] {
        for report in held(source, interactor).await {
            assert_eq!(report.verdict, Verdict::Accepted, "{source}: {report:#?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_its_own_is_one_whoever_ends_first() {
    for (source, expected) in [
        ("print('! 7', flush=True)\nraise SystemExit(1)\n", Verdict::RuntimeError),
        ("print('? 7', flush=True)\nraise SystemExit(1)\n", Verdict::RuntimeError),
        ("print('! 8', flush=True)\ninput()\n", Verdict::WrongAnswer),
        ("print('? 7', flush=True)\n", Verdict::WrongAnswer),
    ] {
        for report in held(source, GUESSED).await {
            assert_eq!(report.verdict, expected, "{source}: {report:#?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_solution_ruled_wrong_is_ended_at_once() {
    let config = testing_config(1);
    let engine = start(&config);
    for rest in ["while True: pass\n", "import time\ntime.sleep(60)\n"] {
        let source = format!("print('! 8', flush=True)\n{rest}");
        let begun = Instant::now();
        let report = engine.verify(submission(&source, GUESSED), Admit::Patient).await;
        assert_eq!(report.verdict, Verdict::WrongAnswer, "{report:#?}");
        // Its limits are 8 s and 20 s.
        assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    }
}
