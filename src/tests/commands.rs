//! The program as a user meets it: arguments in, text and exit codes out.

mod serve_memory;

use std::{
    fs,
    io::Write,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;

fn proofbox(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proofbox"));
    command.current_dir(directory).stdin(Stdio::null());
    command
}

/// Runs `proofbox ARGS` in `directory`; its exit code, output and errors.
fn ran(directory: &Path, args: &[&str]) -> (i32, String, String) {
    told(proofbox(directory).args(args).output().unwrap())
}

fn told(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (name, content) in files {
        fs::write(directory.path().join(name), content).unwrap();
    }
    directory
}

/// Killed when dropped, so that a failed test leaves nothing running.
struct Running(Child);

impl Running {
    fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(self.0.id().try_into().unwrap());
        nix::sys::signal::kill(pid, signal).unwrap();
    }

    fn ended_within(&mut self, bound: Duration) -> std::process::ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < bound, "it does not end");
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const DOUBLE: &str = "print(int(input()) * 2)";

fn line(id: usize, expected: usize) -> String {
    format!(
        r#"{{"id": "{id}", "language": "python", "source": "{DOUBLE}", "tests": [{{"stdin": "{id}", "expected_stdout": "{expected}"}}]}}"#
    )
}

#[test]
fn verify_answers_every_line_in_order_and_bad_ones_in_place() {
    let mut lines: Vec<String> = (0..30).map(|id| line(id, if id == 7 { 0 } else { id * 2 })).collect();
    lines[3] = r#"{"id": "3", "language": 5, "source": "", "tests": []}"#.to_owned();
    lines[5] = "not JSON".to_owned();
    lines[9] = r#"{"id": "9", "language": "python", "source": "", "tests": []}"#.to_owned();
    let home = directory(&[("in.jsonl", &lines.join("\n"))]);
    let (code, stdout, summary) = ran(home.path(), &["verify", "in.jsonl", "-o", "out.jsonl"]);
    assert_eq!((code, stdout.as_str()), (3, ""), "{summary}");
    assert!(summary.contains("30 submissions") && summary.contains("2 undecided (bad_request)"), "{summary}");
    let out = fs::read_to_string(home.path().join("out.jsonl")).unwrap();
    let reports: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(reports.len(), 30);
    for (index, report) in reports.iter().enumerate() {
        let (verdict, cause) = match index {
            3 | 5 => ("undecided", "bad_request".into()),
            9 => ("undecided", "bad_tests".into()),
            7 => ("wrong_answer", serde_json::Value::Null),
            _ => ("accepted", serde_json::Value::Null),
        };
        assert_eq!((&report["verdict"], &report["cause"]), (&verdict.into(), &cause), "{report}");
        assert_eq!(report["id"].as_str(), (index != 5).then(|| index.to_string()).as_deref());
        assert_eq!(report["line"].as_u64(), matches!(index, 3 | 5).then_some(index as u64 + 1));
    }
    let left: Vec<_> = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "nothing but the input and the output: {left:?}");
}

#[test]
fn verify_streams_from_standard_input_to_standard_output() {
    let home = directory(&[]);
    let mut child = proofbox(home.path());
    let child =
        child.args(["verify", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{}\n\n{}", line(1, 2), line(2, 4)).unwrap();
    drop(stdin);
    let (code, stdout, stderr) = told(child.wait_with_output().unwrap());
    assert_eq!((code, stdout.lines().count()), (0, 2), "{stdout}{stderr}");
    assert!(stdout.lines().all(|report| report.contains(r#""verdict":"accepted""#)));
}

#[test]
fn verify_that_cannot_be_done_leaves_nothing_under_the_outputs_name() {
    let home = directory(&[("in.jsonl", &line(1, 2)), ("out.jsonl", "old")]);
    for (args, clue) in [
        (&["verify", "nowhere.jsonl", "-o", "out.jsonl"][..], "nowhere.jsonl"),
        (&["verify", ".", "-o", "out.jsonl"], "directory"),
        (&["verify", "in.jsonl", "-o", "nowhere/out.jsonl"], "nowhere/out.jsonl"),
        (&["verify", "in.jsonl", "-o", "."], "directory"),
        (&["verify", "in.jsonl", "-o", "/dev/full"], "No space left"),
        (&["verify", "in.jsonl", "-o", "out.jsonl", "--python", "/nowhere/python"], "/nowhere/python"),
    ] {
        let (code, stdout, stderr) = ran(home.path(), args);
        assert_eq!((code, stdout.as_str()), (1, ""), "{args:?}: {stderr}");
        assert!(stderr.contains(clue), "{args:?}: {stderr}");
        assert_eq!(fs::read_to_string(home.path().join("out.jsonl")).unwrap(), "old");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2);
    }
}

#[test]
fn an_interrupted_verify_leaves_the_old_output() {
    let sleeper = r#"{"language": "python", "source": "import time\ntime.sleep(60)", "tests": [{"expected_stdout": ""}], "limits": {"wall_ms": 60000}}"#;
    let home = directory(&[("in.jsonl", sleeper), ("out.jsonl", "old")]);
    let mut child = proofbox(home.path());
    let child = child.args(["verify", "in.jsonl", "-o", "out.jsonl"]).stderr(Stdio::null());
    let mut child = Running(child.spawn().unwrap());
    sleep(Duration::from_millis(700));
    child.signal(nix::sys::signal::SIGINT);
    let status = child.ended_within(Duration::from_secs(10));
    assert_eq!((status.code(), status.signal()), (Some(130), None));
    assert_eq!(fs::read_to_string(home.path().join("out.jsonl")).unwrap(), "old");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2);
}

#[test]
fn run_shows_each_test_and_says_by_its_exit_code_how_it_went() {
    let home = directory(&[
        ("double.py", DOUBLE),
        ("latin1.py", ""),
        ("f.py", "class Solution:\n    def f(self, a, b):\n        return a * b\n"),
        ("right.json", r#"[{"stdin": "1\n", "expected_stdout": "2\n"}]"#),
        ("wrong.json", r#"[{"stdin": "1", "expected_stdout": "2"}, {"stdin": "2", "expected_stdout": "5"}]"#),
        ("none.json", "[]"),
        ("bad.json", r#"[{"stdin": 1, "expected_stdout": "2"}]"#),
        (
            "calls.json",
            r#"{"fn_name": "f", "tests": [{"args": [99999999999999999999, 2], "expected": 199999999999999999998}]}"#,
        ),
        ("rows.json", r#"{"inputs": [[3, 2]], "outputs": [[6]], "fn_name": "f"}"#),
        ("near.json", r#"[{"stdin": "1", "expected_stdout": "2.001"}]"#),
    ]);
    // A source that is not UTF-8 is the language's affair.
    fs::write(home.path().join("latin1.py"), b"# -*- coding: latin-1 -*-\nprint(len('\xe9') + 1)\n").unwrap();
    for (args, expected_code, clue) in [
        (&["double.py", "--tests", "right.json"][..], 0, "double.py: accepted, 1 of 1 test passed"),
        (&["latin1.py", "--tests", "right.json"], 0, "accepted"),
        (&["double.py", "--tests", "wrong.json"], 1, "expected   5\n  got        4\n"),
        (&["double.py", "--tests", "wrong.json", "--json"], 1, r#""verdict":"wrong_answer""#),
        (&["double.py", "--tests", "none.json"], 3, "there are no tests"),
        (&["f.py", "--tests", "calls.json"], 0, "accepted"),
        (&["f.py", "--tests", "rows.json"], 0, "accepted"),
        (&["f.py", "--tests", "rows.json", "--cpu-ms", "500"], 0, "accepted"),
        (&["double.py", "--tests", "near.json"], 1, "wrong_answer"),
        (&["double.py", "--tests", "near.json", "--compare", "float:0.01"], 0, "accepted"),
        (&["double.py", "--tests", "bad.json"], 2, "bad.json: tests[0].stdin"),
        (&["double.py", "--tests", "right.json", "--cpu-ms", "1"], 2, "limits.cpu_ms"),
        (&["double.py", "--tests", "right.json", "--compare", "fuzzy"], 2, "--compare"),
        (&["double.py", "--tests", "nowhere.json"], 2, "nowhere.json"),
        (&["nowhere.py", "--tests", "right.json"], 2, "nowhere.py"),
        (&["right.json", "--tests", "right.json"], 2, "--language"),
    ] {
        let args: Vec<_> = std::iter::once("run").chain(args.iter().copied()).collect();
        let (code, stdout, stderr) = ran(home.path(), &args);
        assert_eq!(code, expected_code, "{args:?}: {stdout}{stderr}");
        assert!(stdout.contains(clue) || stderr.contains(clue), "{args:?}: {stdout}{stderr}");
        assert!(!stdout.contains('\x1b'), "colours only on a terminal");
    }
}

#[test]
fn serve_ends_well_when_told_to_and_refuses_what_is_unsafe() {
    let home = directory(&[]);
    let (code, _, stderr) = ran(home.path(), &["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(code, 1);
    assert!(stderr.contains("--token-file"), "{stderr}");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, _, stderr) = ran(home.path(), &["serve", "--listen", &address]);
    assert_eq!((code, stderr.contains("in use")), (1, true), "{stderr}");
    drop(taken);

    let mut serve = proofbox(home.path());
    let serve = serve.args(["serve", "--listen", &address]).stderr(Stdio::null());
    let mut serve = Running(serve.spawn().unwrap());
    let started = Instant::now();
    while std::net::TcpStream::connect(&address).is_err() {
        assert!(started.elapsed() < Duration::from_secs(10), "it does not listen");
        sleep(Duration::from_millis(10));
    }
    sleep(Duration::from_millis(500));
    serve.signal(nix::sys::signal::SIGTERM);
    let status = serve.ended_within(Duration::from_secs(10));
    assert_eq!((status.code(), status.signal()), (Some(0), None));
}
