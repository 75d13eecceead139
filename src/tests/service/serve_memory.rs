//! What bodies in flight take of the service's memory.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::Child,
    sync::Arc,
    thread,
    time::Duration,
};

use crate::program::{directory, free_address, serve};

/// Bodies at once, and how long each is about.
const BODIES: usize = 3;
const BODY_BYTES: usize = 1_200_000;
/// Most memory for a byte of them, and for what does not grow with them.
const MOST_TIMES: usize = 3;
const MOST_BESIDE: usize = 10 << 20;

/// One with as many items as it takes.
fn list(item: &str) -> String {
    format!("[{}]", vec![item; BODY_BYTES / (item.len() + 1)].join(","))
}

fn dict() -> String {
    let pairs = (0..BODY_BYTES / 13).map(|key| format!("\"{key:07}\":{}", key % 10));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}

fn function(args: &str, expected: &str) -> String {
    format!(
        r#"{{"language":"python","source":"def f(*a):\n    return 1\n","fn_name":"f","repeat":1,
            "limits":{{"cpu_ms":600000,"memory_bytes":4294967296}},"tests":[{{"args":{args},"expected":{expected}}}]}}"#
    )
}

fn post(address: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(300))).unwrap();
    let head = format!(
        "POST /v1/verify HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Resident memory, and the most that it was since it was last forgotten.
fn memory_bytes(of: &Child, field: &str) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", of.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    let kibibytes: usize = line.trim_matches([':', '\t', ' ', 'k', 'B']).trim().parse().unwrap();
    kibibytes * 1024
}

#[test]
fn a_body_in_flight_takes_three_times_its_length_at_most() {
    let home = directory(&[]);
    let address = free_address();
    let serve = serve(home.path(), &address, &["--slots", "2"]);
    let small = function("[1]", "1");
    assert!(post(&address, &small).contains(r#""verdict":"accepted""#));
    for (what, body, answer) in [
        ("expected integers", function("[]", &list("0")), r#""verdict":"wrong_answer""#),
        ("expected lists", function("[]", &list("[0]")), r#""verdict":"wrong_answer""#),
        ("expected strings", function("[]", &list("\"a\"")), r#""verdict":"wrong_answer""#),
        ("an expected dict", function("[]", &dict()), r#""verdict":"wrong_answer""#),
        ("arguments", function(&list("0"), "1"), r#""verdict":"accepted""#),
        ("an argument of floats", function(&format!("[{}]", list("1.5")), "1"), r#""verdict":"accepted""#),
        (
            "what is no test",
            format!(r#"{{"language":"python","source":"","tests":{}}}"#, list("0")),
            "at most 10000 are accepted",
        ),
        (
            "outputs",
            format!(
                r#"{{"language":"python","source":"","tests":[{{"expected_stdout":{}}}]}}"#,
                list("\"\"")
            ),
            "at most 1000 are accepted",
        ),
    ] {
        let before = memory_bytes(&serve.0, "VmRSS");
        fs::write(format!("/proc/{}/clear_refs", serve.0.id()), "5").unwrap();
        let (body, address) = (Arc::new(body), Arc::new(address.clone()));
        let posts: Vec<_> = (0..BODIES)
            .map(|_| {
                let (body, address) = (Arc::clone(&body), Arc::clone(&address));
                thread::spawn(move || post(&address, &body))
            })
            .collect();
        for posted in posts {
            let answered = posted.join().unwrap();
            assert!(answered.contains(answer), "{what}: {}", &answered[..answered.len().min(500)]);
        }
        let more = memory_bytes(&serve.0, "VmHWM").saturating_sub(before);
        let most = MOST_TIMES * BODIES * body.len() + MOST_BESIDE;
        assert!(more <= most, "{what}: {more} bytes for {BODIES} bodies of {}", body.len());
    }
}
