//! `proofbox filter` as a user meets it: killed at random instants, and against the labelled set.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use arrow_json::ReaderBuilder;
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use proofbox::limits::Limits;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::{program::proofbox, support::process::Running};

fn filter(directory: &Path, args: &[&str]) -> Command {
    let mut command = proofbox(directory);
    command.arg("filter").args(args).stdout(Stdio::null());
    command
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
fn a_resumed_job_says_what_it_skips() {
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    let row = |body: &str| {
        json!({
            "deepseek_solution": format!("```python\n{body}\n```"),
            "domain": "code",
            "test_cases": json!({"inputs": ["1\n"], "outputs": ["2\n"]}).to_string(),
        })
    };
    let (quick, slow) = (row("print(int(input()) * 2)"), row("import time\ntime.sleep(5)\nprint(2)"));
    fs::write(here.join("in.jsonl"), format!("{quick}\n{slow}\n")).unwrap();
    let args = ["in.jsonl", "-o", "out.jsonl", "--confirm-random", "1"];
    let first = Running(filter(here, &args).stderr(Stdio::null()).spawn().unwrap());
    let begun = Instant::now();
    let journal = here.join("out.jsonl.proofbox/journal");
    while fs::metadata(&journal).map_or(0, |journal| journal.len()) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing is decided");
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(first);
    let second = filter(here, &args).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(second.status.success(), "{said}");
    let words =
        "going on with an earlier run: 1 of 2 rows are decided in out.jsonl.proofbox and skipped; --restart";
    assert!(said.contains(words), "{said}");
}

#[test]
fn bad_input_and_bad_usage_have_their_exit_codes() {
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    fs::write(here.join("in.csv"), "a,b\n").unwrap();
    let row = code_row("print(1)", &json!({"inputs": ["1"], "outputs": ["1"]}));
    fs::write(here.join("other.jsonl"), row.replace("\"code\"", "\"programming\"")).unwrap();
    for (args, code, expected) in [
        (["in.csv", "-o", "out.jsonl"], 1, "in.csv: neither parquet (PAR1) nor JSONL"),
        (["other.jsonl", "-o", "out.jsonl"], 1, "is nowhere \"code\", but \"programming\" (1 row)"),
        (["none.jsonl", "-o", "out.jsonl"], 1, "none.jsonl: cannot open: No such file"),
        (["in.csv", "-o", "out.csv"], 2, "must end in .parquet or .jsonl"),
    ] {
        let output = filter(here, &args).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{errors}");
        assert!(errors.contains(expected), "{errors}");
        assert_eq!(fs::read_dir(here).unwrap().count(), 2, "nothing is left behind");
    }
}

fn code_row(code: &str, tests: &Json) -> String {
    let answer = format!("```python\n{code}\n```");
    let row = json!({
        "deepseek_solution": answer, "domain": "code", "source": "ours", "test_cases": tests.to_string(),
    });
    format!("{row}\n")
}

#[test]
fn other_judges_see_the_same_runs_and_their_differences_are_listed() {
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    let tests = json!({"inputs": ["1 2\n", "3 4\n"], "outputs": ["1 2\n", "3 4\n"]});
    let one_digit = json!({"inputs": ["1 2\n", "3 4\n"], "outputs": ["0.5\n", "0.25\n"]});
    let call = json!({"inputs": [[1], [2]], "outputs": [[2], [3]], "fn_name": "f"});
    // Code, tests, whether it is kept, and what makes the released judge differ.
    let cases = [
        ("print(input())", &tests, true, None),
        ("print(0)", &tests, false, None),
        ("print(input().replace(' ', ''))", &tests, false, Some("wrong answer let through")),
        ("print(input())\nraise SystemExit(3)", &tests, false, Some("runtime_error ignored")),
        ("def (:", &tests, false, Some("compile_error counts as passed")),
        ("while True: pass", &tests, false, Some("time_limit counts as passed")),
        ("print({'1': .5, '3': .25}[input()[0]] + 1e-9)", &one_digit, true, Some("right answer refused")),
        ("def f(x): return x + 1", &call, true, None),
        ("def f(x): return x + 1 if x < 2 else 1 // 0", &call, false, Some("runtime_error counts as passed")),
        ("def f(x): return x + 2 if x < 2 else 1 // 0", &call, false, None),
    ];
    let rows: String = cases.iter().map(|(code, tests, ..)| code_row(code, tests)).collect();
    fs::write(here.join("in.jsonl"), rows).unwrap();
    let args = ["in.jsonl", "-o", "kept.jsonl", "--cpu-ms", "300", "--compare-with"];
    let more = ["openthoughts:bug-compatible", "--compare-with", "kattis", "--differences", "differ.jsonl"];
    let output = filter(here, &[&args[..], &more].concat()).stdout(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("openthoughts:bug-compatible differs on 6 of 10 code rows"), "{text}");

    let table = json_lines(&here.join("kept.verdicts.jsonl"));
    let listed = json_lines(&here.join("differ.jsonl"));
    for (row, (code, _, kept, difference)) in cases.iter().enumerate() {
        let found = &table[row];
        assert_eq!(found["action"], if *kept { "keep" } else { "drop" }, "{code}: {found}");
        let is_kept_there = *kept != difference.is_some();
        let other = &found["verdict_openthoughts_bug_compatible"];
        assert_eq!(other == "accepted", is_kept_there, "{code}: {found}");
        let line = listed
            .iter()
            .find(|line| line["row"] == row && line["compared_with"] == "openthoughts:bug-compatible");
        assert_eq!(line.map(|line| line["difference"].as_str().unwrap()), *difference, "{code}");
    }
    assert_eq!(table[6]["verdict_kattis"], "wrong_answer");
}

#[test]
fn a_solution_that_is_right_only_sometimes_is_not_kept() {
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    let tests = json!({"inputs": ["1\n"], "outputs": ["1\n"]});
    let code = "import random\nprint(1 if random.random() < .8 else 2)";
    let steady = "import random\nrandom.seed(1)\nprint(1)";
    let rows: String = (0..12).map(|_| code_row(code, &tests)).chain([code_row(steady, &tests)]).collect();
    fs::write(here.join("in.jsonl"), rows).unwrap();
    // By chance, one of the twelve passes fifty runs once in six thousand times.
    let output = filter(here, &["in.jsonl", "-o", "kept.jsonl", "--confirm-random", "50"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = json_lines(&here.join("kept.verdicts.jsonl"));
    let kept: Vec<bool> = table.iter().map(|row| row["action"] == "keep").collect();
    assert_eq!(kept, [vec![false; 12], vec![true]].concat());
    let flagged = table.iter().filter(|row| row["cause"] == "not_deterministic");
    let reasons: Vec<&str> = flagged.map(|row| row["reason"].as_str().unwrap()).collect();
    assert!(!reasons.is_empty());
    // One that failed at first is run once more.
    let is_told = |reason: &&str| {
        ["of 50 runs; test 0: ", "of 2 runs; test 0: "].iter().any(|told| reason.contains(told))
    };
    assert!(reasons.iter().all(is_told), "{reasons:?}");
    let output = filter(here, &["in.jsonl", "-o", "once.jsonl", "--confirm-random", "1"]).output().unwrap();
    assert!(output.status.success());
    assert!(json_lines(&here.join("once.verdicts.jsonl")).iter().any(|row| row["action"] == "keep"));
}

#[test]
fn an_audit_names_suspicious_tests() {
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    let tests = json!({"inputs": ["11\n", "2\n", "11\n", "3\n"], "outputs": ["11\n", "2\n", "7\n", "4\n"]});
    let single = json!({"inputs": ["1\n"], "outputs": ["1\n"]});
    let rows = [
        code_row("print(input())", &tests),
        code_row("print(int(input()))", &tests),
        code_row("print(5)", &tests),
        code_row("print(1)", &single),
    ];
    fs::write(here.join("in.jsonl"), rows.concat()).unwrap();
    let args = ["in.jsonl", "-o", "kept.jsonl", "--audit", "audit.jsonl"];
    let output = filter(here, &args).stdout(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("tests of 2 problems, 1 of them with several solutions"), "{text}");
    let [finding] = &json_lines(&here.join("audit.jsonl"))[..] else { panic!("one problem is suspicious") };
    assert_eq!((&finding["first_row"], &finding["solutions"]), (&json!(0), &json!(3)));
    assert_eq!(finding["fail_every_solution"], json!([2, 3]));
    assert_eq!(finding["contradict_each_other"], json!([[0, 2]]));
    assert_eq!(finding["limit_too_tight"], json!([]));
    let agreement = |test: u32| json!({"test": test, "agreeing": 2, "accepted": 0, "other_answers": 2});
    assert_eq!(finding["multi_answer"], json!([agreement(2), agreement(3)]));
    assert_eq!(json_lines(&here.join("kept.verdicts.jsonl"))[0]["passed"], 2);
}

/// Burns so much CPU time where the input is 9, then doubles it.
fn slow(seconds: &str) -> String {
    format!(
        "import time\nn = int(input())\nwhile n == 9 and time.process_time() < {seconds}: pass\nprint(2 * n)"
    )
}

/// Problems with one defect each, and their neighbours without: each defect is found, and nothing else.
#[test]
fn an_audit_finds_what_was_planted_and_nothing_else() {
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    let doubles = |comment: &str| format!("print(2 * int(input()))  # {comment}");
    let other_doubles = |comment: &str| format!("n = int(input())\nprint(n + n)  # {comment}");
    let from_table = |table: &str| format!("print({table}[int(input())])");
    let tests = |outputs: [&str; 3]| json!({"inputs": ["5\n", "7\n", "9\n"], "outputs": outputs});
    let right = ["10", "14", "18"];
    let as_float = |change: f64| format!("print(int(input()) / 3 + {change})");
    // Name, tests, solutions, what is found.
    let planted: Vec<(&str, Json, Vec<String>, Json)> = vec![
        ("clean", tests(right), vec![doubles("a"), other_doubles("a"), "print(11)".to_owned()], json!(null)),
        (
            "a wrong expected output",
            json!({"inputs": ["5", "7", "9", "1"], "outputs": ["10", "14", "19", "2"]}),
            vec![doubles("b"), other_doubles("b"), "print(10)".to_owned()],
            json!({"fail_every_solution": [2], "multi_answer": [2]}),
        ),
        (
            "contradiction",
            json!({"inputs": ["5", "7", "5\n"], "outputs": ["10", "14", "12"]}),
            vec![doubles("c")],
            json!({"contradict_each_other": [[0, 2]]}),
        ),
        (
            "the same number twice, written in two ways",
            json!({"inputs": ["1", "1"], "outputs": ["0.33333333", "0.333333333333"]}),
            vec![as_float(0.0), as_float(1e-9)],
            json!(null),
        ),
        (
            "too tight",
            tests(["10", "14", "18 "]),
            vec![slow("0.55"), slow("2")],
            json!({"limit_too_tight": [2]}),
        ),
        ("slow for one", tests(["10", "14", "18  "]), vec![slow("3"), doubles("d")], json!(null)),
        (
            "slow algorithms",
            json!({"inputs": ["9", "9\n", "9 \n"], "outputs": ["18", "18", "18"]}),
            vec![slow("3"), slow("4")],
            json!({"nothing_passes": true}),
        ),
        (
            "several answers",
            json!({"inputs": ["5", "7", "9"], "outputs": ["2 3", "3 4", "4 5"]}),
            vec![
                "n = int(input())\nprint(n // 2, n - n // 2)".to_owned(),
                "n = int(input())\nprint(n // 2 + (n == 9), n - n // 2 - (n == 9))".to_owned(),
                from_table("{5: '2 3', 7: '3 4', 9: '5 4'}"),
            ],
            json!({"multi_answer": [2]}),
        ),
        (
            "yes or no",
            json!({"inputs": ["5", "7", "9"], "outputs": ["YES", "NO", "YES"]}),
            vec![
                from_table("{5: 'YES', 7: 'NO', 9: 'YES'}"),
                from_table("{5: 'YES', 7: 'NO', 9: 'NO'}"),
                "print('NO' if int(input()) > 5 else 'YES')".to_owned(),
            ],
            json!(null),
        ),
        (
            "one wrong solution, three times",
            tests(["10", "14", "18   "]),
            vec![from_table("{5: 10, 7: 14, 9: 77}"), from_table("{5: 10, 7: 14,  9: 77}"), doubles("e")],
            json!(null),
        ),
        (
            "each wrong elsewhere",
            tests(["10", " 14", "18"]),
            vec![
                from_table("{5: 1, 7: 14, 9: 18}"),
                from_table("{5: 10, 7: 2, 9: 18}"),
                "print(18)".to_owned(),
            ],
            json!(null),
        ),
        (
            "hard for everybody",
            tests([" 10", "14", "18"]),
            vec!["print(1 // 0)".to_owned(), "print(input() + 'x')".to_owned()],
            json!({"nothing_passes": true}),
        ),
    ];
    let mut first_rows = Vec::new();
    let mut rows = Vec::new();
    for (_, tests, solutions, _) in &planted {
        first_rows.push(rows.len());
        rows.extend(solutions.iter().map(|code| code_row(code, tests)));
    }
    fs::write(here.join("in.jsonl"), rows.concat()).unwrap();
    let args = ["in.jsonl", "-o", "kept.jsonl", "--audit", "audit.jsonl", "--cpu-ms", "800"];
    let output = filter(here, &args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let findings = json_lines(&here.join("audit.jsonl"));
    for ((name, _, _, expected), first_row) in planted.iter().zip(first_rows) {
        let Some(finding) = findings.iter().find(|finding| finding["first_row"] == first_row) else {
            assert!(expected.is_null(), "{name}: nothing found");
            continue;
        };
        let tests_of = |list: &Json| {
            list.as_array().unwrap().iter().map(|entry| entry["test"].clone()).collect::<Vec<_>>()
        };
        let mut found = serde_json::Map::new();
        for name in ["fail_every_solution", "contradict_each_other", "limit_too_tight"] {
            if finding[name] != json!([]) {
                found.insert(name.to_owned(), finding[name].clone());
            }
        }
        if finding["multi_answer"] != json!([]) {
            found.insert("multi_answer".to_owned(), json!(tests_of(&finding["multi_answer"])));
        }
        if finding["nothing_passes"] == true {
            found.insert("nothing_passes".to_owned(), json!(true));
        }
        assert_eq!(Json::Object(found), *expected, "{name}: {finding}");
    }
}

/// The other way round: what fails by chance is told from what is wrong.
#[test]
fn a_solution_that_fails_by_chance_is_said_to() {
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    let tests = json!({"inputs": ["1\n"], "outputs": ["1\n"]});
    let chance = |number: usize| format!("import random\nprint(int(random.random() * 2))  # {number}");
    let wrong = "import random\nprint(random.random() + 2)".to_owned();
    let crash = "import random\nrandom.nothing()".to_owned();
    let codes: Vec<String> = (0..24).map(chance).chain([wrong, crash]).collect();
    let rows: String = codes.iter().map(|code| code_row(code, &tests)).collect();
    fs::write(here.join("in.jsonl"), rows).unwrap();
    // Of two dozen that are right every second time, by chance none is kept once in two thousand.
    let output = filter(here, &["in.jsonl", "-o", "kept.jsonl", "--confirm-random", "16"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = json_lines(&here.join("kept.verdicts.jsonl"));
    let flagged = table[..24].iter().filter(|row| row["cause"] == "not_deterministic").count();
    // About half pass at first and are all found out; of the others every second one.
    assert!((8..=24).contains(&flagged), "{flagged}: {table:?}");
    assert!(table[..24].iter().all(|row| row["action"] == "drop"), "{table:?}");
    assert_eq!((&table[24]["verdict"], &table[24]["cause"]), (&json!("wrong_answer"), &json!(null)));
    assert_eq!((&table[25]["verdict"], &table[25]["cause"]), (&json!("runtime_error"), &json!(null)));
}

/// Labels were taken on another machine: a row whose time is within a third of the limit may be on either
/// side of it here.
fn depends_on_the_machine(label: &Json, found: &Json) -> bool {
    let limit_ms = Limits::DATA_SET_CPU_MS as f64;
    let reason = found["reason"].as_str().unwrap_or_default();
    let used = reason.split("used ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<f64>().ok());
    match (found["verdict"].as_str(), label["reason_class"].as_str()) {
        (Some("time_limit"), Some("pass")) => used.is_some_and(|used| used < limit_ms * 1.33),
        (Some("accepted"), Some("time_limit")) => found["cpu_ms"].as_f64().unwrap() > limit_ms / 1.33,
        _ => false,
    }
}

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
    let (mut wrong, mut by_speed) = (Vec::new(), Vec::new());
    for (label, found) in labels.iter().zip(&table) {
        let scored = label["score_strictly"] == true || label["expected_action"] == "pass_through";
        if scored && label["expected_action"] != found["action"] {
            let row = format!("{found}, labelled {} ({})", label["expected_action"], label["reason_class"]);
            let rows = if depends_on_the_machine(label, found) { &mut by_speed } else { &mut wrong };
            rows.push(row);
        }
    }
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
    assert!(by_speed.len() <= 2, "{} rows near the time limit:\n{}", by_speed.len(), by_speed.join("\n"));

    let text = fs::read_to_string(input).unwrap();
    let kept: String = text
        .split_inclusive('\n')
        .zip(&table)
        .filter(|(_, found)| found["action"] != "drop")
        .map(|(line, _)| line)
        .collect();
    assert!(fs::read_to_string(here.join("kept.jsonl")).unwrap() == kept, "kept rows are not byte-identical");
}

/// A parquet file in the form of open-r1/codeforces: tests are a list of structs, some rows have a checker.
fn write_parquet(path: &Path, rows: &[Json]) {
    let test = DataType::Struct(
        ["input", "output"].into_iter().map(|name| Field::new(name, DataType::Utf8, true)).collect(),
    );
    let schema = Arc::new(Schema::new(vec![
        Field::new("response", DataType::Utf8, true),
        Field::new("official_tests", DataType::List(Arc::new(Field::new("item", test, true))), true),
        Field::new("generated_checker", DataType::Utf8, true),
    ]));
    let mut decoder = ReaderBuilder::new(Arc::clone(&schema)).build_decoder().unwrap();
    decoder.serialize(rows).unwrap();
    let batch = decoder.flush().unwrap().unwrap();
    let mut writer = ArrowWriter::try_new(fs::File::create(path).unwrap(), schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

#[test]
fn checkers_in_rows_decide_in_place_of_the_rule() {
    let directory = TempDir::new().unwrap();
    let here = directory.path();
    // Any two numbers of that sum, by the protocol of open-r1/codeforces.
    let checker = "import sys\n\
        def main(input_path, answer_path, output_path):\n\
        \x20   total = int(open(input_path).read())\n\
        \x20   words = open(output_path, errors='replace').read().split()\n\
        \x20   try:\n\
        \x20       print(int(len(words) == 2 and int(words[0]) + int(words[1]) == total))\n\
        \x20   except ValueError:\n\
        \x20       print(0)\n\
        main(*sys.argv[1:])\n";
    let row = |body: &str, checker: Option<&str>| {
        json!({
            "response": format!("```python\n{body}\n```"),
            "official_tests": [{"input": "5\n", "output": "1 4\n"}, {"input": "9\n", "output": "1 8\n"}],
            "generated_checker": checker,
        })
    };
    let other = "n = int(input())\nprint(n - 2, 2)";
    write_parquet(
        &here.join("in.parquet"),
        &[
            row(other, Some(checker)),
            row("n = int(input())\nprint(1, n - 1)", Some(checker)),
            row("n = int(input())\nprint(n, n)", Some(checker)),
            row("print('\\0\\ud800'.encode('utf8', 'surrogatepass'))", Some(checker)),
            row("n = int(input())\nprint(1, n - 1)", None),
            row(other, None),
            row(other, Some("")),
            row(other, Some("raise SystemExit('broken')")),
            row(other, Some("print(0.5)")),
            row("raise SystemExit(1)", Some("print(1)")),
        ],
    );
    let columns = ["--all-code", "--answer-column", "response", "--tests-column", "official_tests"];
    let args = [
        "in.parquet",
        "-o",
        "out.parquet",
        "--verdicts",
        "why.jsonl",
        "--checker-column",
        "generated_checker",
    ];
    let output = filter(here, &[&args[..], &columns].concat()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = json_lines(&here.join("why.jsonl"));
    let found: Vec<(&str, &str)> =
        table.iter().map(|row| (row["action"].as_str().unwrap(), row["verdict"].as_str().unwrap())).collect();
    let expected = [
        ("keep", "accepted"),
        ("keep", "accepted"),
        ("drop", "wrong_answer"),
        ("drop", "wrong_answer"),
        ("keep", "accepted"),
        ("drop", "wrong_answer"),
        ("drop", "wrong_answer"),
        ("drop", "undecided"),
        ("drop", "wrong_answer"),
        ("drop", "runtime_error"),
    ];
    assert_eq!(found, expected, "{table:?}");
    assert_eq!(table[7]["cause"], "bad_tests");

    // Without the column the rule decides, and a column that is not there is an error.
    let plain = ["in.parquet", "-o", "plain.parquet", "--verdicts", "plain.jsonl"];
    assert!(filter(here, &[&plain[..], &columns].concat()).output().unwrap().status.success());
    assert_eq!(json_lines(&here.join("plain.jsonl"))[0]["verdict"], "wrong_answer");
    let missing = ["in.parquet", "-o", "none.parquet", "--checker-column", "chequer"];
    let output = filter(here, &[&missing[..], &columns].concat()).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("no column `chequer`"), "{output:?}");
}
