//! Compiled solutions, checkers, interactors and references over HTTP, and what is made only once.

use serde_json::{Value, json};

use crate::{http_client::Running, support::process::eventually};
use proofbox::config::{EngineConfig, ServeConfig};

const CPP: &str =
    "#include <iostream>\nint main() { long n; std::cin >> n; std::cout << n / 2 << ' ' << n - n / 2; }\n";
const CHECKER: &str = r#"#include "testlib.h"
int main(int argc, char* argv[]) {
    registerTestlibCmd(argc, argv);
    int n = inf.readInt(), a = ouf.readInt(), b = ouf.readInt();
    if (a + b != n) quitf(_wa, "%d and %d are not %d", a, b, n);
    quitp(a == b ? 1.0 : 0.5, "nearly");
}
"#;

async fn service(slots: usize) -> Running {
    Running::start(EngineConfig::for_testing(slots), ServeConfig::for_testing()).await
}

async fn ask(service: &Running, submission: &Value) -> Value {
    let answer = service.verify(submission.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// The value of a metric's line.
async fn metric(service: &Running, line: &str) -> Option<f64> {
    let text = service.get("/metrics").await.body;
    text.lines().find_map(|shown| shown.strip_prefix(line)?.trim().parse().ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_source_is_compiled_once_however_many_ask() {
    let service = service(2).await;
    let submission = json!({
        "language": "c++17", "source": CPP,
        "tests": [{"stdin": "10", "expected_stdout": "5 5"}, {"stdin": "7", "expected_stdout": "3 4"}]
    });
    let (one, other, third) =
        tokio::join!(ask(&service, &submission), ask(&service, &submission), ask(&service, &submission));
    let reports = [one, other, third];
    for report in &reports {
        assert_eq!(
            (&report["verdict"], report["passed"].as_u64()),
            (&json!("accepted"), Some(2)),
            "{report}"
        );
        assert_eq!(report["compile"]["verdict"], "accepted", "{report}");
        assert!(report["compile"]["cpu_ms"].as_f64().unwrap() > 1.0, "{report}");
    }
    let fresh = reports.iter().filter(|report| report["compile"]["cached"] == false).count();
    assert_eq!(fresh, 1, "{reports:?}");
    let compiles = |cache| format!(r#"proofbox_compiles_total{{cache="{cache}",language="cpp"}}"#);
    assert_eq!(metric(&service, &compiles("miss")).await, Some(1.0));
    assert_eq!(metric(&service, &compiles("hit")).await, Some(2.0));

    let broken = json!({
        "language": "cpp", "source": "int main() { return \u{1b}[31m; }\n", "tests": [{"expected_stdout": ""}]
    });
    let report = ask(&service, &broken).await;
    assert_eq!((&report["verdict"], &report["tests"]), (&json!("compile_error"), &json!([])), "{report}");
    let message = report["compile"]["message"].as_str().unwrap();
    assert!(message.contains("main.cpp:1:") && message.contains("error"), "{message}");
    assert!(!message.contains('\u{1b}') && !message.contains("/tmp"), "{message}");
    assert!(report["reason"].as_str().unwrap().contains("error"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn checkers_give_scores_and_references_answers() {
    let service = service(1).await;
    let submission = json!({
        "language": "cpp", "source": CPP, "stop": "never",
        "tests": [{"stdin": "10"}, {"stdin": "7"}],
        "compare": {"checker": {"language": "cpp", "source": CHECKER}}
    });
    let report = ask(&service, &submission).await;
    assert_eq!(report["verdict"], "wrong_answer", "{report}");
    let scores: Vec<Option<f64>> =
        report["tests"].as_array().unwrap().iter().map(|test| test["score"].as_f64()).collect();
    assert_eq!(scores, [Some(1.0), Some(0.5)], "{report}");
    assert!(report["tests"][1]["message"].as_str().unwrap().contains("nearly"), "{report}");
    assert_eq!(metric(&service, r#"proofbox_checker_runs_total{ruling="partial"}"#).await, Some(2.0));

    let with = |source: &str| {
        json!({
            "language": "python", "source": source, "tests": [{"stdin": "3"}, {"stdin": "4"}],
            "reference": {"language": "cpp", "source": CPP}
        })
    };
    let right = ask(&service, &with("n = int(input())\nprint(n // 2, n - n // 2)")).await;
    assert_eq!(right["verdict"], "accepted", "{right}");
    let wrong = ask(&service, &with("n = int(input())\nprint(n - n // 2, n // 2)")).await;
    assert_eq!((&wrong["verdict"], wrong["passed"].as_u64()), (&json!("wrong_answer"), Some(0)), "{wrong}");
    assert_eq!(metric(&service, r#"proofbox_references_total{cache="miss"}"#).await, Some(1.0));
    assert_eq!(metric(&service, r#"proofbox_references_total{cache="hit"}"#).await, Some(1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_leaves_a_conversation_and_its_slot() {
    let service = service(1).await;
    let endless = json!({
        "language": "python", "source": "while True:\n    print(input(), flush=True)", "tests": [{"stdin": ""}],
        "limits": {"cpu_ms": 60_000, "wall_ms": 60_000},
        "compare": {"interactor": {"language": "python", "source": "print(1, flush=True)\nwhile True:\n    print(input(), flush=True)"}}
    });
    let mut connection = service.connect().await;
    connection.send_submission(endless.to_string().as_bytes()).await;
    eventually("it runs", || service.engine.admission().in_use() == 1).await;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    drop(connection);
    eventually("the slot is free", || service.engine.admission().in_use() == 0).await;
    let again = json!({"language": "python", "source": "print(1)", "tests": [{"expected_stdout": "1"}]});
    assert_eq!(ask(&service, &again).await["verdict"], "accepted");
}
