//! The program as a user meets it: arguments in, text and exit codes out.

use std::{fs, io::Write, os::unix::process::ExitStatusExt, process::Stdio, thread::sleep, time::Duration};

use crate::{
    program::{directory, proofbox, ran, serve, told},
    support::process::Running,
};

const DOUBLE: &str = "print(int(input()) * 2)";

fn line(id: usize, expected: usize) -> String {
    format!(
        r#"{{"id": "{id}", "language": "python", "source": "{DOUBLE}", "tests": [{{"stdin": "{id}", "expected_stdout": "{expected}"}}]}}"#
    )
}

/// Whoever reads what a command says may leave: it ends as it would have ended.
#[test]
fn a_closed_pipe_is_no_failure() {
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
    file("right.py", "print(1)");
    file("tests.json", r#"[{"stdin": "", "expected_stdout": "1"}]"#);
    file(
        "in.jsonl",
        "{\"language\":\"python\",\"source\":\"print(1)\",\"tests\":[{\"stdin\":\"\",\"expected_stdout\":\"1\"}]}\n{}\n",
    );
    for (args, code) in [
        (&["doctor"][..], 0),
        (&["image", "list"], 0),
        (&["image", "build", "no-such"], 1),
        (&["run", "right.py", "--tests", "tests.json"], 0),
        (&["run", "right.py", "--tests", "tests.json", "--json"], 0),
        (&["run", "missing.py", "--tests", "tests.json"], 2),
        (&["verify", "in.jsonl"], 0),
        (&["verify", "in.jsonl", "-o", "out.jsonl"], 3),
        (&["soak", "--runs", "4", "--seconds", "1"], 0),
        (&["--help"], 0),
    ] {
        // A pipe that nobody reads.
        let unread = || nix::unistd::pipe().unwrap().1;
        let status = proofbox(home.path())
            .args(args)
            .env("TMPDIR", home.path())
            .env("PROOFBOX_LOG", "debug")
            .stdout(unread())
            .stderr(unread())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(code), "{args:?}: {status}");
    }
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
        (&["double.py", "--tests", "bad.json"], 2, "bad.json: tests[0].stdin: must be a text, not 1"),
        (&["double.py", "--tests", "right.json", "--cpu-ms", "1"], 2, "limits.cpu_ms"),
        (&["double.py", "--tests", "right.json", "--compare", "fuzzy"], 2, "--compare"),
        (&["double.py", "--tests", "nowhere.json"], 2, "nowhere.json"),
        (&["nowhere.py", "--tests", "right.json"], 2, "nowhere.py"),
        (&["right.json", "--tests", "right.json"], 2, "--language"),
    ] {
        check_run(&home, args, expected_code, clue);
    }
}

/// Whether by its exit code a `proofbox run` went as expected, and said so.
#[track_caller]
fn check_run(home: &tempfile::TempDir, args: &[&str], expected_code: i32, clue: &str) {
    let (code, stdout, stderr) = ran(home.path(), &[&["run"], args].concat());
    assert_eq!(code, expected_code, "{args:?}: {stdout}{stderr}");
    assert!(stdout.contains(clue) || stderr.contains(clue), "{args:?}: {stdout}{stderr}");
    assert!(!stdout.contains('\x1b'), "colours only on a terminal");
}

/// Every form of tests that the wire and data sets have, and files of Python tests.
#[test]
fn run_takes_every_form_of_tests() {
    let home = directory(&[
        ("double.py", DOUBLE),
        ("f.py", "class Solution:\n    def f(self, a, b):\n        return a * b\n"),
        ("right.json", r#"[{"stdin": "1\n", "expected_stdout": "2\n"}]"#),
        ("rows.json", r#"{"inputs": [[3, 2]], "outputs": [[6]], "fn_name": "f"}"#),
        ("g.py", "def f(a, b): return 0\ndef g(a, b): return a * b\n"),
        ("nameless.json", r#"{"inputs": [[3, 2]], "outputs": [[6]]}"#),
        ("closer.json", r#"{"inputs": ["1"], "outputs": ["2.0000001"]}"#),
        (
            "whole.json",
            r#"{"tests": [{"assert": "assert f(two, 3) == 6"}], "setup": "from f import Solution\ntwo, f = 2, Solution().f",
                "limits": {"memory_bytes": "64MB"}, "id": 7}"#,
        ),
        (
            "checked.json",
            r#"{"tests": [{"stdin": "1"}], "compare": {"checker": {"language": "python", "protocol": "testlib",
                "source": "import sys\nsys.exit(int(open(sys.argv[2]).read().strip() != '2'))"}}}"#,
        ),
        ("test_f.py", "from f import Solution\n\ndef test_f():\n    assert Solution().f(2, 3) == 6\n"),
        (
            "test_suite.py",
            "import unittest\nfrom f import Solution\nclass T(unittest.TestCase):\n    def test_f(self):\n        self.assertEqual(Solution().f(2, 3), 7)\n",
        ),
        ("check.py", "def check(candidate):\n    assert candidate(2, 3) == 6\n"),
        ("mistaken.json", r#"{"tests": [{"stdin": "1", "expected_output": "2"}]}"#),
        ("unnamed.json", r#"{"test": []}"#),
        ("solved.json", r#"{"tests": [{"expected_stdout": ""}], "source": "x"}"#),
    ]);
    for (args, expected_code, clue) in [
        (&["g.py", "--tests", "rows.json"][..], 1, "wrong_answer"),
        (&["f.py", "--tests", "nameless.json", "--fn-name", "f"], 0, "accepted"),
        (&["g.py", "--tests", "rows.json", "--fn-name", "g"], 0, "accepted"),
        (&["double.py", "--tests", "closer.json"], 0, "accepted"),
        (&["double.py", "--tests", "closer.json", "--compare", "tokens"], 1, "wrong_answer"),
        (&["f.py", "-t", "whole.json"], 0, "accepted"),
        (&["f.py", "-t", "whole.json", "--json"], 0, r#"{"id":7,"#),
        (&["double.py", "-t", "checked.json"], 0, "accepted"),
        (&["f.py", "-t", "test_f.py"], 0, "accepted"),
        (&["f.py", "-t", "test_suite.py"], 1, "wrong_answer"),
        (&["f.py", "-t", "check.py", "--entry-point", "Solution().f"], 0, "accepted"),
        (
            &["double.py", "-t", "right.json", "--stop", "first_failure", "--memory-bytes", "64MB"],
            0,
            "accepted",
        ),
        (&["double.py", "-t", "right.json", "--language", "pyhton"], 3, r#"did you mean "python"?"#),
        (&["double.py", "-t", "right.json", "--memory-bytes", "64M"], 2, "64MB or 64MiB"),
        (&["double.py", "-t", "right.json", "--compare", "token"], 2, r#"did you mean "tokens"?"#),
        (
            &["double.py", "-t", "mistaken.json"],
            2,
            r#"mistaken.json: tests[0]: unknown field "expected_output" (did you"#,
        ),
        (&["double.py", "-t", "unnamed.json"], 2, r#"this one has "test" (did you mean "tests"?)"#),
        (&["double.py", "-t", "solved.json"], 2, "solved.json: source: the solution is double.py"),
    ] {
        check_run(&home, args, expected_code, clue);
    }
}

/// A limit's verdict says what was used and what the limit is, in every face's words alike.
#[test]
fn limits_that_were_met_are_told_with_what_was_used() {
    let home = directory(&[
        ("one.json", r#"[{"expected_stdout": ""}]"#),
        ("memory.py", "x = bytearray(300 << 20)"),
        ("allocated.py", "x = []\nwhile True: x.append(bytearray(1 << 20))"),
        ("output.py", "while True: print('x' * 1000)"),
        ("errors.py", "import sys\nsys.stderr.write('x' * 2000)"),
        ("loop.py", "while True: pass"),
        ("sleep.py", "import time\ntime.sleep(60)"),
        ("digits.py", "def f(): return 10 ** 5000 + 7"),
        (
            "digits.json",
            &format!(r#"{{"fn_name": "f", "tests": [{{"expected": 1{}8}}]}}"#, "0".repeat(4_999)),
        ),
    ]);
    for (solution, flags, clues) in [
        (
            "memory.py",
            &["--memory-bytes", "64MiB"][..],
            &["memory_limit", "used ", "the limit is 64 MiB"][..],
        ),
        ("allocated.py", &["--memory-bytes", "64MB"], &["memory_limit", "used ", "the limit is 64 MB"]),
        ("output.py", &["--output-bytes", "2KiB"], &["output_limit", "printed more than 2 KiB"]),
        (
            "errors.py",
            &["--output-bytes", "1KiB"],
            &["output_limit", "printed more than 1 KiB to standard error"],
        ),
        ("errors.py", &["--output-bytes", "2000"], &["accepted"]),
        ("loop.py", &["--cpu-ms", "100"], &["time_limit", "used 1", "the limit is 100 ms"]),
        ("sleep.py", &["--wall-ms", "200"], &["time_limit (wall_time)", "the limit is 200 ms of wall time"]),
    ] {
        let args = [&["run", solution, "-t", "one.json"], flags].concat();
        let (_, stdout, stderr) = ran(home.path(), &args);
        for clue in clues {
            assert!(stdout.contains(clue), "{args:?}: {clue}: {stdout}{stderr}");
        }
    }
    let (_, stdout, _) = ran(home.path(), &["run", "digits.py", "-t", "digits.json"]);
    assert!(stdout.contains("(different from character 5001 on)"), "{stdout}");
}

/// What HTTP answers with a problem, `verify` answers in the line's place with the same cause and words.
#[test]
fn verify_takes_ids_that_are_numbers_and_flags_for_what_submissions_leave_open() {
    let submission = |id: &str, more: &str| {
        format!(
            r#"{{"id": {id}, "language": "python", "source": "x = bytearray(200 << 20)", "tests": [{{"expected_stdout": ""}}]{more}}}"#
        )
    };
    let lines = [
        submission("7", ""),
        submission("12345678901234567890123", r#", "limits": {"memory_bytes": "512MiB"}"#),
        submission(r#""x""#, "").replace("python", "pyhton"),
        submission("-8", r#", "limit": {}"#),
        submission("1.5", ""),
    ];
    let home = directory(&[("in.jsonl", &lines.join("\n"))]);
    let (code, stdout, stderr) = ran(home.path(), &["verify", "in.jsonl", "--memory-bytes", "64MB"]);
    assert_eq!(code, 3, "{stderr}");
    let expected = [
        (r#"{"id":7,"verdict":"memory_limit""#, "the limit is 64 MB"),
        (r#"{"id":12345678901234567890123,"verdict":"accepted""#, ""),
        (r#"{"id":"x","verdict":"undecided","cause":"unsupported""#, r#"(did you mean \"python\"?)"#),
        (
            r#"{"id":-8,"line":4,"verdict":"undecided","cause":"bad_request""#,
            r#"unknown field \"limit\" (did"#,
        ),
        (
            r#"{"id":null,"line":5,"verdict":"undecided","cause":"bad_request""#,
            "must be a text or a whole number, not 1.5",
        ),
    ];
    assert_eq!(stdout.lines().count(), expected.len(), "{stdout}");
    for (line, (beginning, clue)) in stdout.lines().zip(expected) {
        assert!(line.starts_with(beginning) && line.contains(clue), "{beginning} {clue}: {line}");
    }
}

/// The same names on every command that runs tests, and sizes with units.
#[test]
fn limit_flags_are_the_same_on_every_command() {
    let home = directory(&[]);
    for command in ["run", "verify", "filter", "serve"] {
        let (code, help, _) = ran(home.path(), &[command, "--help"]);
        assert_eq!(code, 0);
        for flag in ["cpu-ms", "wall-ms", "memory-bytes", "output-bytes", "processes", "file-bytes"] {
            assert!(help.contains(&format!("--{flag} <")), "{command}: {flag}");
        }
        assert!(!help.contains("--memory-mb"), "{command}");
        for (flag, clue) in
            [("--memory-bytes=64M", "64MB or 64MiB"), ("--memory-bytes=1MiB", "between 16 MiB and 64 GiB")]
        {
            let (code, _, stderr) = ran(home.path(), &[command, flag]);
            assert!(code == 2 && stderr.contains(clue), "{command} {flag}: {stderr}");
        }
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

    let mut serve = serve(home.path(), &address, &[]);
    sleep(Duration::from_millis(500));
    serve.signal(nix::sys::signal::SIGTERM);
    let status = serve.ended_within(Duration::from_secs(10));
    assert_eq!((status.code(), status.signal()), (Some(0), None));
}
