//! Tests that hold code, in real cells: what crosses between solution and tests, what does not, and
//! solutions that try to pass without being right.

mod cases;

use std::sync::Arc;

use crate::support::{
    self,
    container::{self, Who},
    engine, for_each, program, slots, start, testing_config,
};
use cases::Case;
use proofbox::{
    admission::Admit,
    config::EngineConfig,
    limits::Limits,
    report::Report,
    scripts,
    submission::{
        CodeKind, CodeTest, CodeTests, Prelude, Repeat, Solution, SourceFile, Stop, Submission, Tests,
    },
    verdict::{Cause, Verdict},
    verify::Engine,
    wire::{Asked, WireBounds, parse},
};
use serde_json::Value;

fn engines() -> [(&'static str, Engine); 2] {
    let executed = EngineConfig { warm: false, ..testing_config(1) };
    [("warm", engine(1)), ("executed", start(&executed))]
}

/// What is other than the case says, if anything is.
async fn mistake(case: &Case, engine: &Engine, how: &str) -> Option<String> {
    let report = engine.verify(case.submission(), Admit::Patient).await;
    let got: Vec<Verdict> = report.tests.iter().map(|test| test.verdict).collect();
    let wanted: Vec<Verdict> = case.tests.iter().map(|(_, verdict)| *verdict).collect();
    let isolation = report.isolation_of_tests.as_ref().map(|isolation| isolation.as_str());
    if got == wanted && isolation == Some(case.isolation) {
        return None;
    }
    let messages: Vec<_> = report.tests.iter().map(|test| test.message.as_deref().unwrap_or("")).collect();
    let isolation = report.isolation_of_tests;
    Some(format!("{how}, {}: {got:?} for {wanted:?}, {isolation:?}, {messages:#?}", case.name))
}

async fn check(case: &Case, engine: &Engine, how: &str) {
    assert_eq!(mistake(case, engine, how).await, None);
}

async fn check_all(cases: impl IntoIterator<Item = &'static Case, IntoIter: Clone>) {
    let cases = cases.into_iter();
    for (how, engine) in engines() {
        let mut mistakes = Vec::new();
        for case in cases.clone() {
            mistakes.extend(mistake(case, &engine, how).await);
        }
        assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_and_objects_cross() {
    check_all(&cases::CROSSING).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_tests() {
    let host_has_pytest = std::process::Command::new("/usr/bin/python3")
        .args(["-I", "-c", "import pytest"])
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let cases: Vec<&Case> =
        cases::FORMS.iter().filter(|case| host_has_pytest || !case.name.contains("takes pytest")).collect();
    if !host_has_pytest {
        println!("NOT TESTED: pytest itself, which is not installed here (python3-pytest)");
    }
    check_all(cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_and_limits_are_told_apart() {
    check_all(&cases::ENDS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cheat_passes() {
    check_all(&cases::CHEATS).await;
}

/// The same where the judge has no wall between them: what the wall is good for.
#[tokio::test(flavor = "multi_thread")]
async fn cheats_work_where_tests_share_the_process() {
    let engine = engine(1);
    let case = Case {
        name: "always equal, in one process",
        source: "class Any:\n    def __eq__(self, other): return True\ndef f(): return Any()\nclass Base: pass\n",
        // Deriving from the solution's class is what makes them share it.
        setup: "class Derived(Base): pass\n",
        tests: &[("assert f() == 3", Verdict::Accepted)],
        isolation: "shared",
        ..Case::PLAIN
    };
    check(&case, &engine, "warm").await;
}

async fn report_of(engine: &Engine, source: &str, tests: &[&str]) -> Report {
    let test = |code: &&str| CodeTest { kind: CodeKind::Assert, code: (*code).to_owned() };
    let tests = CodeTests { tests: tests.iter().map(test).collect(), ..CodeTests::default() };
    let asked = Submission { tests: Tests::Code(tests), ..program(source, &[]) };
    engine.verify(asked, Admit::Patient).await
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_say_what_happened() {
    for (how, engine) in engines() {
        let add = "def add(a, b):\n    print('adding')\n    return a + b + (a == 7)\n";
        let report =
            report_of(&engine, add, &["assert add(1, 2) == 3", "assert add(7, 1) == 8, 'seven'"]).await;
        assert_eq!((report.verdict, report.passed(), report.total), (Verdict::WrongAnswer, 1, 2), "{how}");
        let message = report.tests[1].message.as_deref().unwrap();
        assert_eq!(message, "assert add(7, 1) == 8, 'seven': seven; the last call returned 9", "{how}");
        assert_eq!(report.tests[1].stdout.as_deref(), Some("adding\nadding\n"), "{how}");
        assert!(report.tests[0].cpu_ms > 0.0 && report.tests[0].memory_bytes > 0, "{how}: {report:#?}");

        let report = report_of(&engine, "def f(", &["assert f()"]).await;
        assert_eq!(report.verdict, Verdict::CompileError, "{how}: {report:#?}");
        let report = report_of(&engine, "def g(): pass", &["assert f()"]).await;
        assert_eq!(report.cause, Some(Cause::FunctionNotFound), "{how}: {report:#?}");
        let report = report_of(&engine, "def f(): raise ValueError('\\x1b[31m')", &["assert f()"]).await;
        let message = report.tests[0].message.as_deref().unwrap();
        assert_eq!(message, "the solution raised ValueError: \\x1b[31m", "{how}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tests_stop_repeat_and_are_shown_as_asked() {
    let engine = engine(2);
    let test = |code: &str| CodeTest { kind: CodeKind::Assert, code: code.to_owned() };
    let asked = |source: &str, codes: &[&str]| {
        let tests =
            CodeTests { tests: codes.iter().map(|code| test(code)).collect(), ..CodeTests::default() };
        Submission { tests: Tests::Code(tests), stop: Stop::FirstFailure, ..program(source, &[]) }
    };
    let codes = ["assert f(1) == 1", "assert f(2) == 1", "assert f(3) == 3"];
    let report = engine.verify(asked("def f(x): return x", &codes), Admit::Patient).await;
    let got: Vec<Verdict> = report.tests.iter().map(|test| test.verdict).collect();
    assert_eq!(got, [Verdict::Accepted, Verdict::WrongAnswer, Verdict::Skipped], "{report:#?}");

    // Sets of strings come in another order with another seed: an interpreter is executed for repeats.
    let chance = "def f(x): return next(iter({'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'})) in 'abcd'";
    let many = Submission { repeat: Repeat::Times(40), ..asked(chance, &["assert f(1)"]) };
    let report = engine.verify(many, Admit::Patient).await;
    assert_ne!(report.verdict, Verdict::Accepted, "{report:#?}");
    let sure = Submission { repeat: Repeat::Times(3), ..asked("def f(x): return x", &["assert f(1) == 1"]) };
    assert_eq!(engine.verify(sure, Admit::Patient).await.verdict, Verdict::Accepted);

    let nodes =
        "class Solution:\n    def swap(self, head: ListNode) -> ListNode:\n        return head.next\n";
    let contest = Submission {
        prelude: Prelude::Contest,
        ..asked(nodes, &["assert Solution().swap(ListNode(1, ListNode(2))).val == 2 and inf > 1"])
    };
    let report = engine.verify(contest, Admit::Patient).await;
    assert_eq!(report.verdict, Verdict::Accepted, "{report:#?}");
}

#[test]
fn tests_of_code_in_a_plain_container() {
    for who in [Who::Root, Who::Ordinary] {
        container::again_inside(module_path!(), "code_tests_in_a_plain_container", who);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by tests_of_code_in_a_plain_container"]
async fn code_tests_in_a_plain_container() {
    container::enter();
    let config = testing_config(1);
    let engine = start(&config);
    for case in cases::CROSSING.iter().take(4).chain(cases::CHEATS.iter().take(4)) {
        check(case, &engine, engine.sandbox().tier().as_str()).await;
    }
}

/// The cheats of `test-cases/cheats` that fool a judge by what a function returns or does, called by an
/// assertion: none passes, and none gets away undecided.
#[tokio::test(flavor = "multi_thread")]
async fn no_function_cheat_passes_an_assertion() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("test-cases/cheats");
    let engine = std::sync::Arc::new(engine(slots()));
    let mut cheats: Vec<(String, String)> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "py"))
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
        // Of integers, with no rule by which the answer is right.
        .filter(|(_, text)| {
            let says = |word: &str| text.lines().take(12).any(|line| line.starts_with(word));
            says("# judge:") && !says("# judge: program") && !says("# expects:") && !says("# matches:")
        })
        .collect();
    cheats.sort();
    assert!(cheats.len() > 20, "{}", cheats.len());
    let cheats = std::sync::Arc::new(cheats);
    let mistakes = support::for_each(cheats.len(), support::slots(), |index| {
        let (engine, cheats) = (std::sync::Arc::clone(&engine), std::sync::Arc::clone(&cheats));
        async move {
            let (name, source) = &cheats[index];
            let asserts = [3, 5, 8].map(|x| format!("assert f({x}) == {}", x * 7919 + 13));
            let test = |code: &String| CodeTest { kind: CodeKind::Assert, code: code.clone() };
            let tests = CodeTests { tests: asserts.iter().map(test).collect(), ..CodeTests::default() };
            let limits = Limits { cpu_ms: 350, wall_ms: 2_000, ..Limits::default() };
            let asked = Submission {
                tests: Tests::Code(tests),
                stop: Stop::FirstFailure,
                limits,
                ..program(source, &[])
            };
            let report = engine.verify(asked, Admit::Patient).await;
            let passed = matches!(report.verdict, Verdict::Accepted | Verdict::Undecided);
            passed.then(|| format!("{name}: {} {:?}", report.verdict, report.reason))
        }
    })
    .await;
    let mistakes: Vec<String> = mistakes.into_iter().flatten().collect();
    assert!(mistakes.is_empty(), "{mistakes:#?}");
}

fn data(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("test-cases/code-tests").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn submission(wire: &Value) -> Submission {
    let mut wire = wire.clone();
    let fields = wire.as_object_mut().unwrap();
    fields.entry("language").or_insert("python".into());
    match parse(wire.to_string().as_bytes(), WireBounds::default()).unwrap() {
        Asked::Verify(submission) => *submission,
        Asked::Undecidable(report) => panic!("{report:?}"),
    }
}

/// What earlier versions got wrong, each with the verdicts that are right.
#[tokio::test(flavor = "multi_thread")]
async fn faults_of_earlier_versions_stay_mended() {
    let rows: Vec<Value> =
        data("faults.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let per_process = EngineConfig { series: false, ..testing_config(slots()) };
    let engines = Arc::new([engine(slots()), start(&per_process)]);
    let rows = Arc::new(rows);
    let mistakes = for_each(rows.len(), slots(), |index| {
        let (rows, engines) = (Arc::clone(&rows), Arc::clone(&engines));
        async move {
            let row = &rows[index];
            let engine = &engines[usize::from(row.get("args").is_some())];
            let report = engine.verify(submission(&row["submission"]), Admit::Patient).await;
            let (verdict, cause) = (report.verdict.as_str(), report.cause.map_or("", Cause::as_str));
            let is_wanted = row["want"].as_array().unwrap().iter().any(|want| want == verdict);
            let is_for_that =
                verdict != "undecided" || row.get("want_cause").is_none_or(|want| want == cause);
            (!(is_wanted && is_for_that))
                .then(|| format!("{}: {verdict} {cause} {:?}", row["id"], report.reason))
        }
    });
    let mistakes: Vec<String> = mistakes.await.into_iter().flatten().collect();
    println!("{} of {} are right", rows.len() - mistakes.len(), rows.len());
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

/// Solutions, right and wrong, and tests as people write them: the verdict is what plain Python's is.
#[tokio::test(flavor = "multi_thread")]
async fn verdicts_are_those_of_plain_python() {
    let mut cases = Vec::new();
    for line in data("plain.jsonl").lines() {
        let group: Value = serde_json::from_str(line).unwrap();
        for case in group["cases"].as_array().unwrap() {
            let mut case = case.clone();
            case["source"] = group["source"].clone();
            cases.push(case);
        }
    }
    let all = std::env::var_os("PROOFBOX_TEST_ALL_LABELLED").is_some();
    let (engine, cases) = (Arc::new(engine(slots())), Arc::new(cases));
    let mistakes = for_each(cases.len(), slots(), |index| {
        let (engine, cases) = (Arc::clone(&engine), Arc::clone(&cases));
        async move {
            let case = &cases[index];
            let mut wire = case.clone();
            for key in ["accepted", "isolation"] {
                wire.as_object_mut().unwrap().remove(key);
            }
            let report = engine.verify(submission(&wire), Admit::Patient).await;
            let isolation = report.isolation_of_tests.as_ref().map(|isolation| isolation.as_str());
            let is_accepted = report.verdict == Verdict::Accepted;
            if case["accepted"] != is_accepted || isolation != case["isolation"].as_str() {
                let (id, reason) = (&case["id"], report.reason);
                let verdict = report.verdict;
                return Some(format!("{id}: {verdict}, {isolation:?}, {reason:?}, for {}", case["accepted"]));
            }
            if (all || index % 5 == 0) && case["accepted"] != plain_python(&wire) {
                return Some(format!("{}: plain Python no longer says so", case["id"]));
            }
            None
        }
    });
    let mistakes: Vec<String> = mistakes.await.into_iter().flatten().collect();
    println!("{} of {} as plain Python has them", cases.len() - mistakes.len(), cases.len());
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

/// Whether the tests pass with solution and tests in one process, without proofbox.
fn plain_python(wire: &Value) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let (asked, work) = (folder.path().join("submission.json"), folder.path().join("work"));
    std::fs::write(&asked, wire.to_string()).unwrap();
    std::fs::create_dir(&work).unwrap();
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("test-cases/code-tests/plain.py");
    let mut command = std::process::Command::new("/usr/bin/python3");
    command.arg("-B").arg(script).arg(asked).current_dir(work);
    command.stdin(std::process::Stdio::null()).output().unwrap().status.success()
}

/// Whatever the solution's side says comes out as data, and nothing is done because of it.
#[test]
fn what_a_solution_says_is_only_data() {
    let script =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("test-cases/code-tests/fuzz_decoder.py");
    let mut command = std::process::Command::new("/usr/bin/python3");
    let seed = std::process::id().to_string();
    let folder = tempfile::tempdir().unwrap();
    for script in &scripts::RUN {
        std::fs::write(folder.path().join(script.name).with_extension("py"), script.source()).unwrap();
    }
    let command = command.args(["-I", "-S", "-B"]).arg(script).arg(folder.path());
    let said = command.args(["5", &seed]).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    println!("seed {seed}: {out}");
    assert!(said.status.success(), "{out}{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tests_may_import_the_solution_by_its_file_s_name_in_either_mode() {
    let right = "def apply(f, xs): return [f(x) for x in xs]\ndef add(a, b): return a + b\n";
    let wrong = "def apply(f, xs): return xs\ndef add(a, b): return a\n";
    let helper = "def twice(x): return 2 * x\n";
    let pytest =
        "from m import apply\ndef test(capsys, tmp_path):\n    assert apply(lambda x: x + 1, [1]) == [2]\n";
    let unittest = "import unittest, m\nclass T(unittest.TestCase):\n    def test(self):\n        \
                    self.assertEqual(m.apply(lambda x: x + 1, [1]), [2])\n";
    let by_helper = "from m import apply\nfrom helper import twice\nassert apply(twice, [1, 2]) == [2, 4]";
    for (how, engine) in engines() {
        for (kind, code, isolation) in [
            (CodeKind::Assert, "from m import add\nassert add(1, 2) == 3", "separate"),
            (CodeKind::Assert, "from m import apply\nassert apply(lambda x: x + 1, [1]) == [2]", "shared"),
            (CodeKind::Assert, "import m\nassert m.apply(lambda x: x + 1, [1]) == [2]", "shared"),
            (CodeKind::Assert, by_helper, "separate"),
            (CodeKind::Unittest, unittest, "shared"),
            (CodeKind::Pytest, pytest, "shared"),
        ] {
            for (source, verdict) in [(right, Verdict::Accepted), (wrong, Verdict::WrongAnswer)] {
                let file = |path: &str, content: &str| SourceFile {
                    path: path.to_owned(),
                    content: content.as_bytes().to_vec(),
                };
                let tests = vec![CodeTest { kind, code: code.to_owned() }];
                let submission = Submission {
                    solution: Solution {
                        files: vec![file("m.py", source), file("helper.py", helper)],
                        entry: 0,
                    },
                    tests: Tests::Code(CodeTests { tests, ..CodeTests::default() }),
                    ..program("", &[])
                };
                let report = engine.verify(submission, Admit::Patient).await;
                let mode = report.isolation_of_tests.as_ref().map(|isolation| isolation.as_str());
                assert_eq!(
                    (report.verdict, mode),
                    (verdict, Some(isolation)),
                    "{how}, {code}: {:?}",
                    report.reason
                );
            }
        }
    }
}

/// A solution that dies is judged in the test in which it died, and what earlier tests made is there if that is
/// carried out again.
#[tokio::test(flavor = "multi_thread")]
async fn a_solution_cannot_undo_what_tests_have_made_by_ending() {
    let ends = "import os, signal\ndef f(x):\n    if x:\n        END\n    return 0\n";
    let entries = ["xs.append(3)\nassert f(0) == 0", "assert all(f(x) == 2 * x for x in xs) and f(0) == 0"];
    let slow = "class Stack:\n    def __init__(self): self.kept = []\n    def push(self, x): self.kept.append(x)\n    \
                def pop(self): return self.kept.pop()\ndef slow(n):\n    while n: n -= 1\n    return 1\n";
    let bound = "n = 0\ndef add(a, b):\n    global n\n    n = -1\n    return 0\n";
    let walrus = "assert any((n := x) > 2 for x in [1, 2, 3])\nassert add(n, 1) == n + 1";
    let loops = format!("assert slow({}) == 1", 4_000_000);
    for (how, engine) in engines() {
        for (source, setup, tests, verdict) in [
            (ends.replace("END", "os._exit(1)"), "xs = []", entries.to_vec(), Verdict::RuntimeError),
            (
                ends.replace("END", "os.kill(os.getpid(), 9)"),
                "xs = []",
                entries.to_vec(),
                Verdict::RuntimeError,
            ),
            (ends.replace("END", "while True: pass"), "xs = []", entries.to_vec(), Verdict::TimeLimit),
            (
                slow.to_owned(),
                "s = Stack()",
                vec!["s.push(5)\nassert slow(1)", &loops, &loops, &loops, &loops, "assert s.pop() == 5"],
                Verdict::Accepted,
            ),
            // It binds a name of the solution's anew, which needs the solution's process.
            (bound.to_owned(), "", vec![walrus], Verdict::Undecided),
        ] {
            let separate_only = verdict == Verdict::Undecided;
            let tests =
                tests.iter().map(|code| CodeTest { kind: CodeKind::Assert, code: (*code).to_owned() });
            let tests = tests.collect();
            let tests = CodeTests { setup: setup.to_owned(), tests, separate_only, ..CodeTests::default() };
            let limits = Limits { cpu_ms: 1_000, ..Limits::default() };
            let submission = Submission { tests: Tests::Code(tests), limits, ..program(&source, &[]) };
            let report = engine.verify(submission, Admit::Patient).await;
            assert_eq!(report.verdict, verdict, "{how}: {source} {:?}", report.reason);
        }
    }
}
