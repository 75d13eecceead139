//! The HTTP face with code running behind it.

use std::time::Duration;

use serde_json::json;
use tokio::{task::JoinSet, time::Instant};

use crate::{http_client::Running, support::process::eventually};
use proofbox::config::{EngineConfig, ServeConfig};

fn submission(source: &str, stdin: &str, expected: &str) -> String {
    json!({
        "id": "x", "language": "python", "source": source,
        "tests": [{"stdin": stdin, "expected_stdout": expected}],
        "limits": {"cpu_ms": 60_000, "wall_ms": 60_000}
    })
    .to_string()
}

const ADD: &str = "print(sum(map(int, input().split())))";

async fn service(slots: usize, max_waiting: usize) -> Running {
    let engine = EngineConfig { max_waiting, ..EngineConfig::for_testing(slots) };
    Running::start(engine, ServeConfig::for_testing()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn right_and_wrong_are_told_apart() {
    let service = service(1, 10).await;
    for (source, verdict, passed) in [(ADD, "accepted", 1), ("print(4)", "wrong_answer", 0)] {
        let answer = service.verify(submission(source, "1 2\n", "3\n")).await;
        let report = answer.json();
        assert_eq!((answer.status, &report["verdict"]), (200, &verdict.into()), "{report}");
        assert_eq!((report["id"].as_str(), report["passed"].as_u64()), (Some("x"), Some(passed)));
        assert!(report["tier"].is_string());
        assert!(report["tests"][0]["memory_bytes"].as_u64().unwrap() > 0);
    }
    let calls = json!({
        "language": "python", "source": "def f(a, b):\n    return a * b", "fn_name": "f", "stop": "never",
        "tests": [{"args": [10_000_000_000_u64, 10_000_000_000_u64], "expected": 1}, {"args": [[1], 2], "expected": [1, 1]}]
    });
    let report = service.verify(calls.to_string()).await.json();
    assert_eq!((report["passed"].as_u64(), report["total"].as_u64()), (Some(1), Some(2)), "{report}");
    assert_eq!(report["tests"][0]["verdict"], "wrong_answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_ends_its_run_and_frees_the_slot() {
    let service = service(1, 10).await;
    for source in ["while True: pass", "import time; time.sleep(1000)"] {
        let mut connection = service.connect().await;
        connection.send_submission(submission(source, "", "").as_bytes()).await;
        eventually("it runs", || service.engine.admission().in_use() == 1).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(connection);
        let gone = Instant::now();
        eventually("the slot is free", || service.engine.admission().in_use() == 0).await;
        assert!(gone.elapsed() < Duration::from_secs(2), "{:?}", gone.elapsed());
        let report = service.verify(submission(ADD, "1 2", "3")).await.json();
        assert_eq!(report["verdict"], "accepted", "the next one runs: {report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn load_beyond_the_queue_is_429_and_changes_no_verdict() {
    let service = std::sync::Arc::new(service(1, 2).await);
    let sleeper = submission("import time; time.sleep(1); print(3)", "", "3");
    let mut requests = JoinSet::new();
    for _ in 0..12 {
        let (service, body) = (service.clone(), sleeper.clone());
        requests.spawn(async move { service.verify(body).await });
    }
    let answers = requests.join_all().await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert_eq!(refused.len(), 9, "one slot and two places in the queue");
    assert!(refused.iter().all(|answer| answer.headers.contains_key("retry-after")));
    for answer in answers.iter().filter(|answer| answer.status != 429) {
        assert_eq!(answer.json()["verdict"], "accepted", "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_are_all_answered() {
    let service = std::sync::Arc::new(service(2, 1000).await);
    let mut requests = JoinSet::new();
    for number in 0..60_u64 {
        let service = service.clone();
        requests.spawn(async move {
            let body = submission(ADD, &format!("{number} 1"), &(number + 1).to_string());
            service.verify(body).await.json()
        });
    }
    for report in requests.join_all().await {
        assert_eq!(report["verdict"], "accepted", "{report}");
    }
    eventually("every slot is free", || service.engine.admission().in_use() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_lets_a_run_finish() {
    let mut service = service(1, 10).await;
    let mut running = service.connect().await;
    running.send_submission(submission("import time; time.sleep(1); print(3)", "", "3").as_bytes()).await;
    eventually("it runs", || service.engine.admission().in_use() == 1).await;
    service.stop();
    assert_eq!(running.answer().await.json()["verdict"], "accepted");
    assert_eq!(service.ended().await.cut_off, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_takes_too_long_ends_the_run() {
    let serve = ServeConfig { drain_timeout: Duration::from_millis(300), ..ServeConfig::for_testing() };
    let mut service = Running::start(EngineConfig::for_testing(1), serve).await;
    let engine = service.engine.clone();
    let mut running = service.connect().await;
    running.send_submission(submission("while True: pass", "", "").as_bytes()).await;
    eventually("it runs", || engine.admission().in_use() == 1).await;
    service.stop();
    assert_eq!(service.ended().await.cut_off, 1);
    eventually("the slot is free", || engine.admission().in_use() == 0).await;
    running.closed().await;
}

/// Values that are held packed, sent piece by piece and compared item by item.
#[tokio::test(flavor = "multi_thread")]
async fn large_values_arrive_whole_and_are_compared_to_their_end() {
    let service = service(1, 10).await;
    let numbers: Vec<i64> = (0..60_000).map(|number| number * 70_001).collect();
    let mut other = numbers.clone();
    other[59_999] += 1;
    let names: serde_json::Map<_, _> = (0..20_000).map(|key| (key.to_string(), json!([key, "x"]))).collect();
    let longest = "9".repeat(100_000);
    let zeros = format!("1{}", "0".repeat(5_000));
    let asked = |args: &str, expected: &str, compare: &str, source: &str| {
        format!(
            r#"{{"language": "python", "source": {}, "fn_name": "f", "stop": "never", "compare": "{compare}",
                "limits": {{"cpu_ms": 60000}},
                "tests": [{{"args": [1], "expected": 1}}, {{"args": {args}, "expected": {expected}}}]}}"#,
            json!(source)
        )
    };
    let echo = "def f(*a): return a[0]";
    let (numbers, other) = (json!(numbers).to_string(), json!(other).to_string());
    let names = json!(names).to_string();
    for (args, expected, compare, source, passed, message) in [
        (format!("[{numbers}]"), &numbers, "tokens", echo, 2, None),
        (
            format!("[{numbers}]"),
            &other,
            "tokens",
            echo,
            1,
            Some("result[59999]: expected 4199990000, got 4199989999"),
        ),
        (format!("[{numbers}]"), &numbers, "exact", echo, 2, None),
        (
            format!("[{numbers}]"),
            &numbers,
            "exact",
            "def f(a): return tuple(a) if a != 1 else a",
            1,
            Some("equal but for its types"),
        ),
        (
            format!("[{numbers}]"),
            &numbers,
            "unordered_tokens",
            "def f(a): return a[::-1] if a != 1 else a",
            2,
            None,
        ),
        (
            format!("[{numbers}]"),
            &numbers,
            "tokens",
            "from decimal import Decimal\ndef f(a): return [*a[:-1], Decimal(a[-1])] if a != 1 else a",
            2,
            None,
        ),
        (
            format!("[{names}]"),
            &names,
            "tokens",
            "def f(a): return {int(k): (*a[k],) for k in reversed(a)} if a != 1 else a",
            2,
            None,
        ),
        (format!("[{longest}]"), &longest, "tokens", echo, 2, None),
        (
            format!("[{longest}]"),
            &longest,
            "tokens",
            "def f(a): return a + (a > 1)",
            1,
            Some("expected 9999999999"),
        ),
        (
            format!("[{zeros}]"),
            &zeros,
            "tokens",
            "from decimal import Decimal\ndef f(a): return Decimal('1E+5000') if a > 1 else a",
            2,
            None,
        ),
        (
            format!("[{longest}]"),
            &"0.5".to_owned(),
            "float:1e-6",
            echo,
            1,
            Some("expected 0.5, got 9999999999"),
        ),
    ] {
        let answer = service.verify(asked(&args, expected, compare, source)).await;
        let report = answer.json();
        let text = report.to_string();
        assert_eq!(report["passed"].as_u64(), Some(passed), "{source}: {}", &text[..text.len().min(900)]);
        if let Some(message) = message {
            let said = report["tests"][1]["message"].as_str().unwrap();
            assert!(said.contains(message) && said.len() < 300, "{said}");
        }
    }
}
