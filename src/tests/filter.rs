//! `proofbox filter` as a user meets it: killed at random instants, and against the labelled set.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};
use tempfile::TempDir;

fn filter(directory: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proofbox"));
    command.current_dir(directory).arg("filter").args(args).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// Killed when dropped, so that a failed test leaves nothing running.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn json_lines(path: &Path) -> Vec<Json> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Programs that double a number: right, wrong, crashing, not parsing, absent.
fn rows(count: usize) -> String {
    let row = |at: usize| {
        let body = match at % 5 {
            0 | 1 => format!("print(int(input()) * 2)  # {at}"),
            2 => format!("print(int(input()) * 3)  # {at}"),
            3 => format!("raise SystemExit({at} or 1)"),
            _ => "def (:".to_owned(),
        };
        let answer =
            if at % 11 == 10 { "I do not know.".to_owned() } else { format!("```python\n{body}\n```") };
        json!({
            "deepseek_solution": answer,
            "domain": if at % 7 == 6 { "math" } else { "code" },
            "source": "ours",
            "test_cases": json!({"inputs": ["1\n", "21\n"], "outputs": ["2\n", "42\n"]}).to_string(),
            "number": at,
        })
    };
    (0..count).map(|at| format!("{}\n", row(at))).collect()
}

/// The verdict table without times, which differ from run to run.
fn verdicts(path: &Path) -> Vec<Json> {
    let mut lines = json_lines(path);
    for line in &mut lines {
        line.as_object_mut().unwrap().remove("cpu_ms");
    }
    lines
}

#[test]
fn killed_at_any_instant_it_resumes_to_the_same_output() {
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    fs::write(here.join("in.jsonl"), rows(120)).unwrap();
    let begun = Instant::now();
    let whole = filter(here, &["in.jsonl", "-o", "whole.jsonl"]).output().unwrap();
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
    let alone = begun.elapsed();

    // Instants spread over the job, in an order that looks random.
    let instants = (1..=40).map(|n: u32| alone * (n * 17 % 41) / 100);
    let mut kills = 0;
    for after in instants.chain([Duration::from_secs(120)]) {
        let mut running =
            Running(filter(here, &["in.jsonl", "-o", "killed.jsonl"]).stderr(Stdio::null()).spawn().unwrap());
        let begun = Instant::now();
        let ended = loop {
            match running.0.try_wait().unwrap() {
                Some(status) => break Some(status),
                None if begun.elapsed() >= after => break None,
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        if let Some(status) = ended {
            assert!(status.success(), "{status}");
            break;
        }
        kills += 1;
        assert!(!here.join("killed.jsonl").exists() || here.join("killed.jsonl.proofbox").exists());
    }
    assert!(kills >= 2, "{kills} kills");
    let read = |name: &str| fs::read(here.join(name)).unwrap();
    assert_eq!(read("killed.jsonl"), read("whole.jsonl"));
    assert_eq!(verdicts(&here.join("killed.verdicts.jsonl")), verdicts(&here.join("whole.verdicts.jsonl")));
    let kept: BTreeSet<u64> =
        json_lines(&here.join("whole.jsonl")).iter().map(|row| row["number"].as_u64().unwrap()).collect();
    let expected = (0..120).filter(|at| at % 7 == 6 || (at % 11 != 10 && at % 5 < 2));
    assert_eq!(kept, expected.collect());
    let mut names: Vec<_> =
        fs::read_dir(here).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let expected =
        ["in.jsonl", "killed.jsonl", "killed.verdicts.jsonl", "whole.jsonl", "whole.verdicts.jsonl"];
    assert_eq!(names, expected);
}

#[test]
fn bad_input_and_bad_usage_have_their_exit_codes() {
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    fs::write(here.join("in.csv"), "a,b\n").unwrap();
    for (args, code, expected) in [
        (["in.csv", "-o", "out.jsonl"], 1, "in.csv: neither parquet (PAR1) nor JSONL"),
        (["none.jsonl", "-o", "out.jsonl"], 1, "none.jsonl: cannot open: No such file"),
        (["in.csv", "-o", "out.csv"], 2, "must end in .parquet or .jsonl"),
    ] {
        let output = filter(here, &args).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{errors}");
        assert!(errors.contains(expected), "{errors}");
        assert_eq!(fs::read_dir(here).unwrap().count(), 1, "nothing is left behind");
    }
}

/// Rows whose label the visible set's own text cannot decide here, with the reason.
const NOT_SCORED: [(u64, &str); 2] = [
    (1096, "a wrong program that draws random numbers and passes these tests most of the time"),
    (1835, "slower than its problem's limit of 2 s, which the row does not state; the default is 4 s"),
];

#[test]
fn the_labelled_data_set_is_kept_and_dropped_as_labelled() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/openthoughts_like");
    if !shared.exists() {
        eprintln!("notice: openthoughts_like is absent; this test checks nothing here");
        return;
    }
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    let input = shared.join("dev.jsonl");
    let output = filter(here, &[input.to_str().unwrap(), "-o", "kept.jsonl"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));

    let labels = json_lines(&shared.join("dev.expected.jsonl"));
    let table = json_lines(&here.join("kept.verdicts.jsonl"));
    assert_eq!(table.len(), labels.len());
    let mut wrong = Vec::new();
    for (label, found) in labels.iter().zip(&table) {
        let scored = label["score_strictly"] == true || label["expected_action"] == "pass_through";
        let excepted = NOT_SCORED.iter().any(|(row, _)| found["row"] == *row);
        if scored && !excepted && label["expected_action"] != found["action"] {
            wrong.push(format!("{found}, labelled {} ({})", label["expected_action"], label["reason_class"]));
        }
    }
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));

    let text = fs::read_to_string(input).unwrap();
    let kept: String = text
        .split_inclusive('\n')
        .zip(&table)
        .filter(|(_, found)| found["action"] != "drop")
        .map(|(line, _)| line)
        .collect();
    assert!(fs::read_to_string(here.join("kept.jsonl")).unwrap() == kept, "kept rows are not byte-identical");
}
