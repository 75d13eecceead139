//! The HTTP face over real sockets. Where a submission must be seen waiting, the test holds the slots.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::{
    http_client::{Running, SOON},
    support::process::eventually,
};
use proofbox::{
    admission::{Admit, Caller},
    config::{EngineConfig, ServeConfig, Token},
};

/// A submission that is right.
const GOOD: &str = r#"{"id": "a", "language": "python", "source": "print(input())",
    "tests": [{"stdin": "1", "expected_stdout": "1"}]}"#;

async fn service() -> Running {
    Running::start(EngineConfig::for_testing(1), ServeConfig::for_testing()).await
}

async fn service_with(serve: ServeConfig) -> Running {
    Running::start(EngineConfig::for_testing(1), serve).await
}

/// As [`GOOD`], and `bytes` long or longer.
fn good_of(bytes: usize) -> String {
    let padding = "#".repeat(bytes);
    format!(r#"{{"language": "python", "source": "{padding}", "tests": [{{"expected_stdout": ""}}]}}"#)
}

#[tokio::test]
async fn every_failure_is_a_problem_that_says_what_is_wrong() {
    let service = service().await;
    let post = |path: &str, content_type: &str, body: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let json = "application/json";
    for (request, status, kind, field) in [
        ("GET /v2 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 404, "not-found", None),
        ("GET /v1/verify HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 405, "method-not-allowed", None),
        (post("/v1/verify", "text/plain", GOOD), 415, "unsupported-media-type", None),
        (post("/v1/verify", "application/json-seq", GOOD), 415, "unsupported-media-type", None),
        ("POST /v1/verify HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 415, "unsupported-media-type", None),
        (
            post("/v1/verify", "application/json\r\nContent-Encoding: gzip", GOOD),
            415,
            "unsupported-media-type",
            None,
        ),
        (post("/v1/verify", json, "{"), 400, "bad-request", None),
        (post("/v1/verify", json, &GOOD.replace("tests", "test")), 400, "bad-request", Some("test")),
        (
            post("/v1/verify", json, &GOOD.replace("\"1\"}", "1}")),
            400,
            "bad-request",
            Some("tests[0].expected_stdout"),
        ),
        (
            post("/v1/verify", json, &GOOD.replace("python", "klingon")),
            422,
            "unknown-language",
            Some("language"),
        ),
    ] {
        let mut connection = service.connect().await;
        connection.send(request.as_bytes()).await;
        let answer = connection.answer().await;
        assert_eq!(answer.status, status, "{request}: {answer:?}");
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        let problem = answer.json();
        assert_eq!(problem["type"], format!("urn:proofbox:problem:{kind}"));
        assert_eq!(problem["status"], status);
        assert_eq!(problem["field"].as_str(), field, "{problem}");
        assert!(problem["title"].is_string() && problem["detail"].is_string());
        // The same words as in a line of `proofbox verify`.
        let cause = match kind {
            "bad-request" => Some("bad_request"),
            "unknown-language" => Some("unsupported"),
            _ => None,
        };
        let verdict = cause.map(|_| "undecided");
        assert_eq!((problem["cause"].as_str(), problem["verdict"].as_str()), (cause, verdict), "{problem}");
        if status == 405 {
            assert_eq!(answer.headers["allow"], "POST");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_decided_is_a_report() {
    let service = service().await;
    let answer = service.verify(GOOD.replace(r#"{"stdin": "1", "expected_stdout": "1"}"#, "")).await;
    assert_eq!((answer.status, answer.headers["content-type"].as_str()), (200, "application/json"));
    let report = answer.json();
    assert_eq!((&report["verdict"], &report["cause"]), (&"undecided".into(), &"bad_tests".into()));
    assert_eq!(report["id"], "a");
}

#[tokio::test]
async fn bodies_are_bounded_declared_or_not() {
    let serve = ServeConfig { max_body_bytes: 100_000, ..ServeConfig::for_testing() };
    let service = service_with(serve).await;
    assert_ne!(service.verify(good_of(90_000)).await.status, 413);
    let declared = service.verify(good_of(100_000)).await;
    assert_eq!((declared.status, declared.json()["status"].as_u64()), (413, Some(413)));

    let mut chunked = service.connect().await;
    let head = "POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    chunked.send(head.as_bytes()).await;
    for _ in 0..12 {
        chunked.send(format!("2710\r\n{}\r\n", " ".repeat(10_000)).as_bytes()).await;
    }
    chunked.send(b"0\r\n\r\n").await;
    assert_eq!(chunked.answer().await.status, 413);
}

#[tokio::test]
async fn slow_clients_are_cut_off() {
    let serve = ServeConfig {
        header_timeout: Duration::from_millis(200),
        body_timeout: Duration::from_millis(200),
        ..ServeConfig::for_testing()
    };
    let service = service_with(serve).await;
    let started = Instant::now();

    let mut slow_head = service.connect().await;
    slow_head.send(b"POST /v1/verify HTTP/1.1\r\nHos").await;
    let mut silent = service.connect().await;
    let mut idle = service.connect().await;
    idle.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(idle.answer().await.status, 200);
    let mut slow_body = service.connect().await;
    slow_body
        .send(b"POST /v1/verify HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        .await;
    assert_eq!(slow_body.answer().await.status, 408);
    slow_head.closed().await;
    silent.closed().await;
    idle.closed().await;
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_slow_body_holds_no_slot() {
    let service = service().await;
    let mut slow = service.connect().await;
    slow.send(b"POST /v1/verify HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        .await;
    assert_eq!(service.verify(GOOD).await.status, 200);
    eventually("no slot is held", || service.engine.admission().in_use() == 0).await;
}

#[tokio::test]
async fn connections_are_capped_and_the_next_one_gets_its_turn() {
    let serve = ServeConfig { max_connections: 1, ..ServeConfig::for_testing() };
    let service = service_with(serve).await;
    let mut first = service.connect().await;
    first.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(first.answer().await.status, 200);
    let mut second = service.connect().await;
    second.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(timeout(Duration::from_millis(200), second.answer()).await.is_err(), "the cap does not hold");
    drop(first);
    assert_eq!(second.answer().await.status, 200);
}

/// Whoever does not send his request keeps nobody out, though there is no room for more connections.
#[tokio::test]
async fn half_sent_requests_make_room() {
    let serve = ServeConfig { max_connections: 8, ..ServeConfig::for_testing() };
    let service = service_with(serve).await;
    let mut half_sent = Vec::new();
    for index in 0..12 {
        let mut connection = service.connect().await;
        let head = "POST /v1/verify HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n";
        connection
            .send(if index % 2 == 0 { head.to_owned() } else { format!("{head}\r\n{{") }.as_bytes())
            .await;
        half_sent.push(connection);
    }
    let started = Instant::now();
    for _ in 0..3 {
        assert_eq!(service.verify(GOOD).await.status, 200);
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

/// A client may close its sending side when it has sent its request.
#[tokio::test]
async fn half_closed_clients_get_their_answer() {
    let service = service().await;
    for index in 0..20 {
        let mut connection = service.connect().await;
        if index % 2 == 0 {
            connection.send_submission(GOOD.as_bytes()).await;
        } else {
            // In one piece with what ends it.
            let head = "POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json";
            connection
                .send(format!("{head}\r\nContent-Length: {}\r\n\r\n{GOOD}", GOOD.len()).as_bytes())
                .await;
        }
        connection.end_sending().await;
        let mut answer = connection.answer().await;
        while answer.status == 100 {
            answer = connection.answer().await;
        }
        assert_eq!(answer.json()["verdict"], "accepted");
        connection.closed().await;
    }
    // One that has not sent all of it has nothing to wait for.
    let mut connection = service.connect().await;
    let head = "POST /v1/verify HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    connection.send(head.as_bytes()).await;
    connection.end_sending().await;
    connection.closed().await;
}

#[tokio::test]
async fn the_token_guards_everything_but_health() {
    let serve = ServeConfig { token: Some(Token::new(b"correct-horse")), ..ServeConfig::for_testing() };
    let service = service_with(serve).await;
    for (path, open) in [("/healthz", true), ("/readyz", true), ("/metrics", false), ("/v1/languages", false)]
    {
        for (header, right) in [
            ("", false),
            ("Authorization: Bearer wrong\r\n", false),
            ("Authorization: Basic correct-horse\r\n", false),
            ("Authorization: Bearer correct-horse\r\n", true),
            ("authorization: bearer correct-horse\r\n", true),
        ] {
            let mut connection = service.connect().await;
            connection.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n{header}\r\n").as_bytes()).await;
            let answer = connection.answer().await;
            assert_eq!(answer.status, if open || right { 200 } else { 401 }, "{path} {header}");
            if answer.status == 401 {
                assert_eq!(answer.headers["www-authenticate"], "Bearer");
            }
        }
    }
    assert_eq!(service.verify(GOOD).await.status, 401);
}

#[tokio::test]
async fn a_full_queue_is_429_and_a_place_in_it_is_served() {
    let engine = EngineConfig { max_waiting: 1, ..EngineConfig::for_testing(1) };
    let service = Running::start(engine, ServeConfig::for_testing()).await;
    let admission = service.engine.admission();
    let slot = admission.enter(Admit::Bounded, Caller::OWN).await.unwrap();
    let mut queued = service.connect().await;
    queued.send_submission(GOOD.as_bytes()).await;
    eventually("the first submission waits", || admission.waiting() == 1).await;

    let refused = service.verify(GOOD).await;
    assert_eq!(refused.status, 429);
    assert!(refused.headers["retry-after"].parse::<u64>().unwrap() >= 1);
    assert_eq!(refused.json()["type"], "urn:proofbox:problem:overloaded");
    drop(slot);
    assert_eq!(queued.answer().await.status, 200);
}

#[tokio::test]
async fn a_client_that_fills_the_queue_makes_room_for_another() {
    let engine = EngineConfig { max_waiting: 2, ..EngineConfig::for_testing(1) };
    let service = Running::start(engine, ServeConfig::for_testing()).await;
    let admission = service.engine.admission();
    let slot = admission.enter(Admit::Bounded, Caller::OWN).await.unwrap();
    let mut greedy = Vec::new();
    for waiting in 1..=2 {
        let mut connection = service.connect().await;
        connection.send_submission(GOOD.as_bytes()).await;
        eventually("it waits", || admission.waiting() == waiting).await;
        greedy.push(connection);
    }
    assert_eq!(service.verify(GOOD).await.status, 429, "the same caller's third");

    let mut modest = service.connect().await;
    let head = format!(
        "POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Proofbox-Caller: modest\r\n\
         Content-Length: {}\r\n\r\n",
        GOOD.len()
    );
    modest.send(format!("{head}{GOOD}").as_bytes()).await;
    assert_eq!(greedy.pop().unwrap().answer().await.status, 429, "its newest gives way");
    drop(slot);
    assert_eq!(greedy.pop().unwrap().answer().await.status, 200);
    assert_eq!(modest.answer().await.status, 200);
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_the_queue() {
    let service = service().await;
    let admission = service.engine.admission();
    let slot = admission.enter(Admit::Bounded, Caller::OWN).await.unwrap();
    let mut queued = service.connect().await;
    queued.send_submission(GOOD.as_bytes()).await;
    eventually("the submission waits", || admission.waiting() == 1).await;
    drop(queued);
    eventually("its place is free", || admission.waiting() == 0).await;
    let metrics = service.get("/metrics").await.body;
    assert!(metrics.contains("proofbox_submissions_in_flight 0"), "{metrics}");
    drop(slot);
}

#[tokio::test]
async fn bodies_in_flight_are_bounded_together() {
    let serve = ServeConfig { max_body_bytes_in_flight: 1_000_000, ..ServeConfig::for_testing() };
    let service = service_with(serve).await;
    let admission = service.engine.admission();
    let slot = admission.enter(Admit::Bounded, Caller::OWN).await.unwrap();
    let mut queued = service.connect().await;
    queued.send_submission(good_of(600_000).as_bytes()).await;
    eventually("the first submission waits", || admission.waiting() == 1).await;
    let refused = service.verify(good_of(600_000)).await;
    assert_eq!(refused.status, 429);
    assert!(refused.headers.contains_key("retry-after"));
    drop(slot);
    assert_eq!(queued.answer().await.status, 200);
    assert_eq!(service.verify(good_of(600_000)).await.status, 200, "the share was given back");
}

#[tokio::test]
async fn a_drain_refuses_new_submissions_and_finishes_those_in_flight() {
    let mut service = service().await;
    let engine = service.engine.clone();
    let slot = engine.admission().enter(Admit::Bounded, Caller::OWN).await.unwrap();
    let mut idle = service.connect().await;
    idle.send(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(idle.answer().await.status, 200);
    let mut queued = service.connect().await;
    queued.send_submission(GOOD.as_bytes()).await;
    eventually("the submission waits", || engine.admission().waiting() == 1).await;

    service.stop();
    let started = Instant::now();
    while service.get("/readyz").await.status != 503 {
        assert!(started.elapsed() < SOON, "still ready");
    }
    assert_eq!(service.get("/healthz").await.status, 200);
    let refused = service.verify(GOOD).await;
    assert_eq!((refused.status, refused.headers.contains_key("retry-after")), (503, true));
    drop(slot);
    assert_eq!(queued.answer().await.status, 200);
    assert_eq!(service.ended().await.cut_off, 0);
    idle.closed().await;
    tokio::net::TcpStream::connect(service.address).await.expect_err("nobody listens any more");
}

#[tokio::test]
async fn a_drain_ends_at_its_timeout() {
    let serve = ServeConfig { drain_timeout: Duration::from_millis(200), ..ServeConfig::for_testing() };
    let mut service = service_with(serve).await;
    let engine = service.engine.clone();
    let slot = engine.admission().enter(Admit::Bounded, Caller::OWN).await.unwrap();
    let mut queued = service.connect().await;
    queued.send_submission(GOOD.as_bytes()).await;
    eventually("the submission waits", || engine.admission().waiting() == 1).await;
    service.stop();
    assert_eq!(service.ended().await.cut_off, 1);
    eventually("its future was dropped", || engine.admission().waiting() == 0).await;
    queued.closed().await;
    drop(slot);
}

#[tokio::test]
async fn a_connection_serves_many_requests_each_with_its_id() {
    let service = service().await;
    let mut connection = service.connect().await;
    connection.send(b"GET /v1/languages HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine-7\r\n\r\n").await;
    let languages = connection.answer().await;
    assert_eq!(languages.headers["x-request-id"], "mine-7");
    assert_eq!(languages.json()["languages"][0]["name"], "python");
    connection.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Request-Id: not fit\r\n\r\n").await;
    let metrics = connection.answer().await;
    assert_ne!(metrics.headers["x-request-id"], "not fit");
    assert!(metrics.headers["content-type"].starts_with("text/plain; version=0.0.4"));
    let counted = r#"proofbox_http_requests_total{route="/v1/languages",status="200"} 1"#;
    assert!(metrics.body.contains(counted), "{}", metrics.body);
    connection.send(b"GET /../../etc HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(connection.answer().await.status, 404);
    let metrics = service.get("/metrics").await.body;
    assert!(metrics.contains(r#"{route="other",status="404"} 1"#), "{metrics}");
}
