//! The HTTP face of a service whose only runner is Wasm.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use proofbox::{
    config::{EngineConfig, ServeConfig},
    submission::Runtime,
};
use serde_json::{Value, json};

use crate::{http_client::Running, support::wasm_image::image};

/// A module that copies its standard input to its standard output, as far as it comes in one piece.
const COPY: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 1024))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 4)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"#;

async fn service(config: EngineConfig) -> Running {
    let config = EngineConfig { runtime: Runtime::Wasm, ..config };
    Running::start(config, ServeConfig::for_testing()).await
}

fn submission(language: &str, source: (&str, &str), expected: &str) -> Value {
    json!({
        "id": language, "language": language, source.0: source.1,
        "tests": [{"stdin": "1 2\n", "expected_stdout": expected}],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_language_runs_in_wasm_and_the_report_says_so() {
    let module = STANDARD.encode(wat::parse_str(COPY).unwrap());
    let mut cases = vec![("wasm", ("source_base64", &module[..]), "1 2\n")];
    if image("wasm-python") {
        cases.push(("python", ("source", "print(sum(map(int, input().split())))"), "3\n"));
    }
    if image("wasm-javascript") {
        let source =
            "const [a, b] = require('fs').readFileSync(0, 'utf8').split(' ').map(Number)\nconsole.log(a + b)";
        cases.push(("javascript", ("source", source), "3\n"));
    }
    let service = service(EngineConfig::for_testing(2)).await;
    for (language, source, expected) in &cases {
        for (expected, verdict) in [(*expected, "accepted"), ("4\n", "wrong_answer")] {
            let answer = service.verify(submission(language, *source, expected).to_string()).await;
            let report = answer.json();
            assert_eq!((answer.status, &report["verdict"]), (200, &verdict.into()), "{report}");
            assert_eq!((&report["tier"], &report["id"]), (&"wasm".into(), &(*language).into()), "{report}");
            assert!(report["tests"][0]["cpu_ms"].is_number(), "{report}");
        }
    }
    // What asks for the native runner is told that there is none.
    let mut native = submission("python", ("source", "print(3)"), "3\n");
    native["runtime"] = "native".into();
    let report = service.verify(native.to_string()).await.json();
    assert_eq!(
        (&report["verdict"], &report["cause"]),
        (&"undecided".into(), &"unsupported".into()),
        "{report}"
    );
    assert!(report["reason"].as_str().unwrap().contains("native"), "{report}");
    for path in ["/healthz", "/readyz"] {
        assert_eq!(service.get(path).await.status, 200, "{path}");
    }
    let languages = service.get("/v1/languages").await.json();
    let named = |name: &str| languages["languages"].as_array().unwrap().iter().any(|one| one["name"] == name);
    assert!(cases.iter().all(|(language, ..)| named(language)), "{languages}");
    let metrics = service.get("/metrics").await.body;
    assert!(metrics.contains("proofbox_submissions_in_flight 0"), "{metrics}");
    let accepted = metrics.lines().find(|line| line.contains("verdict=\"accepted\"")).unwrap_or_default();
    let count: f64 = accepted.rsplit(' ').next().unwrap().parse().unwrap_or(0.0);
    assert!(count >= 1.0, "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_language_without_an_image_is_an_answer_that_names_the_remedy() {
    let empty = tempfile::tempdir().unwrap();
    let config = EngineConfig { wasm_dir: empty.path().to_owned(), ..EngineConfig::for_testing(1) };
    let service = service(config).await;
    for (language, source) in [("python", "print(3)"), ("javascript", "console.log(3)")] {
        let answer = service.verify(submission(language, ("source", source), "3\n").to_string()).await;
        let report = answer.json();
        assert_eq!((answer.status, &report["verdict"]), (200, &"undecided".into()), "{report}");
        assert_eq!(report["cause"], "unsupported", "{report}");
        let remedy = format!("proofbox image build wasm-{language}");
        assert!(report["reason"].as_str().unwrap().contains(&remedy), "{report}");
    }
    let unknown = service.verify(submission("klingon", ("source", "x"), "3\n").to_string()).await;
    assert_eq!((unknown.status, &unknown.json()["field"]), (422, &"language".into()));
    // Modules need no image.
    let module = STANDARD.encode(wat::parse_str(COPY).unwrap());
    let report =
        service.verify(submission("wasm", ("source_base64", &module), "1 2\n").to_string()).await.json();
    assert_eq!(report["verdict"], "accepted", "{report}");
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(service.get(path).await.status, 200, "{path}");
    }
}
