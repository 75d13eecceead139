use super::{
    Asked,
    bounds::{BadRequest, WireBounds, WireDefaults},
    id_of, parse, report_json,
};
use crate::{
    judge::{Compare, Rule},
    limits::{GivenLimits, Limits},
    report::{Report, TestReport},
    submission::{
        CheckerProtocol, CodeKind, JudgeProgram, PROGRAM_LIMITS, Prelude, Repeat, ShowOutput, Stop,
        Submission, Tests,
    },
    value::Value,
    verdict::{Cause, Verdict},
};

fn submission(text: &str) -> Submission {
    match parse(text.as_bytes(), WireBounds::default()) {
        Ok(Asked::Verify(submission)) => *submission,
        other => panic!("{text}: {other:?}"),
    }
}

fn undecidable(text: &str) -> Report {
    match parse(text.as_bytes(), WireBounds::default()) {
        Ok(Asked::Undecidable(report)) => *report,
        other => panic!("{text}: {other:?}"),
    }
}

fn refusal(text: impl AsRef<[u8]>) -> BadRequest {
    match parse(text.as_ref(), WireBounds::default()) {
        Err(refusal) => refusal,
        Ok(asked) => panic!("{}: {asked:?}", String::from_utf8_lossy(text.as_ref())),
    }
}

/// A submission whose one program test is harmless, with `more` fields.
fn with(more: &str) -> String {
    format!(
        r#"{{"language": "python", "source": "s", "tests": [{{"stdin": "1", "expected_stdout": "1"}}]{more}}}"#
    )
}

fn with_tests(tests: &str, more: &str) -> String {
    format!(r#"{{"language": "python", "source": "s", "tests": {tests}{more}}}"#)
}

#[test]
fn a_program_submission_with_every_default() {
    let asked = submission(&with(""));
    assert_eq!((asked.id, asked.language.as_str()), (None, "python"));
    assert_eq!(asked.solution.files[0].path, "main.py");
    assert_eq!(asked.limits, Limits::default());
    assert_eq!(asked.compare, Compare::TOKENS);
    assert_eq!((asked.stop, asked.prelude), (Stop::FirstFailure, Prelude::None));
    assert_eq!(asked.show_output, ShowOutput::OnFailure);
    let Tests::Program(tests) = asked.tests else { panic!() };
    assert_eq!((&*tests[0].stdin, tests[0].accepted_stdout.as_slice()), (&b"1"[..], &[b"1".to_vec()][..]));
}

#[test]
fn every_field_is_taken() {
    let asked = submission(&with(
        r#", "id": "a\u00e9", "compare": {"rule": "float", "abs": 1e-6, "rel": 0.5}, "stop": "never",
           "limits": {"cpu_ms": 100, "memory_bytes": 268435456}, "prelude": "contest", "show_output": "always""#,
    ));
    assert_eq!(asked.id.as_deref(), Some("aé"));
    assert_eq!(asked.compare, Compare::Rule(Rule::float(1e-6, 0.5)));
    assert_eq!(
        (asked.stop, asked.prelude, asked.show_output),
        (Stop::Never, Prelude::Contest, ShowOutput::Always)
    );
    assert_eq!((asked.limits.cpu_ms, asked.limits.wall_ms), (100, Limits::default_wall_ms(100)));
    assert_eq!(asked.limits.memory_bytes, 256 << 20);
    for (word, rule) in [("exact", Compare::EXACT), ("lines", Compare::LINES), ("tokens", Compare::TOKENS)] {
        assert_eq!(submission(&with(&format!(r#", "compare": "{word}""#))).compare, rule);
        assert_eq!(submission(&with(&format!(r#", "compare": {{"rule": "{word}"}}"#))).compare, rule);
    }
    for (text, name) in [
        (r#""tokens_ignore_case""#, "tokens_ignore_case"),
        (r#"{"rule": "tokens", "ignore_case": true}"#, "tokens_ignore_case"),
        (r#"{"rule": "lines", "unordered": true, "ignore_case": false}"#, "unordered_lines"),
        (r#"{"rule": "tokens", "unordered": true, "ignore_case": true}"#, "unordered_tokens_ignore_case"),
        (r#"{"rule": "float", "rel": 1e-3, "ignore_case": true}"#, "float_ignore_case:0e0:1e-3"),
        (r#"{"rule": "kattis", "abs": 0.1, "rel": 0.1}"#, "kattis:1e-1"),
        (r#"{"rule": "kattis", "rel": 0.1, "ignore_case": true}"#, "kattis:0e0:1e-1"),
        (r#"{"rule": "kattis"}"#, "kattis"),
        (r#""float:1e-6""#, "float:1e-6"),
        (r#""apps""#, "apps"),
        (r#"{"rule": "openthoughts:bug-compatible"}"#, "openthoughts:bug-compatible"),
    ] {
        assert_eq!(submission(&with(&format!(r#", "compare": {text}"#))).compare.to_string(), name);
    }
}

#[test]
fn choices_that_make_no_sense_are_refused() {
    for compare in [
        r#""rough""#,
        r#""float:x""#,
        r#""float:-1""#,
        r#""kattis:bug-compatible""#,
        r#"{"rule": "exact", "ignore_case": true}"#,
        r#"{"rule": "lines", "abs": 1}"#,
        r#"{"rule": "float", "abs": 1, "unordered": true}"#,
        r#"{"rule": "kattis", "abs": 1, "unordered": true}"#,
        r#"{"rule": "kattis", "ignore_case": true}"#,
        r#"{"rule": "apps", "unordered": true}"#,
        r#"{"unordered": true}"#,
        r#"{"rule": "tokens", "colour": 1}"#,
    ] {
        let field = refusal(with(&format!(r#", "compare": {compare}"#))).field;
        assert!(field.is_some_and(|field| field.starts_with("compare")), "{compare}");
    }
    let call = |compare: &str| {
        with_tests(r#"[{"args": [1], "expected": 1}]"#, &format!(r#", "fn_name": "f", "compare": {compare}"#))
    };
    for compare in [r#""lines""#, r#""unordered_lines""#, r#"{"rule": "lines", "ignore_case": true}"#] {
        assert_eq!(refusal(call(compare)).field.as_deref(), Some("compare"), "{compare}");
    }
    for compare in [r#""exact""#, r#""unordered_tokens""#, r#""float:0.1""#, r#""livecodebench""#] {
        submission(&call(compare));
    }
}

#[test]
fn repeats_are_bounded() {
    assert_eq!(submission(&with("")).repeat, Repeat::TimesIfRandom(5));
    assert_eq!(submission(&with(r#", "repeat": 1"#)).repeat, Repeat::Once);
    assert_eq!(submission(&with(r#", "repeat": 5"#)).repeat, Repeat::Times(5));
    for repeat in ["0", "101", "-1", "1.5", "true"] {
        assert_eq!(
            refusal(with(&format!(r#", "repeat": {repeat}"#))).field.as_deref(),
            Some("repeat"),
            "{repeat}"
        );
    }
}

#[test]
fn several_outputs_may_be_accepted_and_input_may_be_left_out() {
    let asked = submission(&with_tests(r#"[{"expected_stdout": ["a", "b"]}]"#, ""));
    let Tests::Program(tests) = asked.tests else { panic!() };
    assert_eq!(tests[0].accepted_stdout, [b"a".to_vec(), b"b".to_vec()]);
    assert!(tests[0].stdin.is_empty());
}

#[test]
fn function_tests_keep_integers_exact_and_none_expected() {
    let asked = submission(&with_tests(
        r#"[{"args": [123456789012345678901234567890, 1.5, [1]], "kwargs": {"k": 7}, "expected": null}]"#,
        r#", "fn_name": "f""#,
    ));
    let Tests::Function { target, tests } = asked.tests else { panic!() };
    assert_eq!(target.name, "f");
    let (args, kwargs, accepted) = tests[0].values();
    assert_eq!(args[0], Value::BigInt("123456789012345678901234567890".parse().unwrap()));
    assert_eq!(args[1..], [Value::Float(1.5), Value::List(vec![Value::Int(1)])]);
    assert_eq!(kwargs, [("k".to_owned(), Value::Int(7))]);
    assert_eq!(accepted, [Value::None]);
}

#[test]
fn several_files_need_an_entry_and_safe_paths() {
    let files =
        |files: &str| format!(r#"{{"language": "python", "tests": [{{"expected_stdout": ""}}], {files}}}"#);
    let asked = submission(&files(r#""files": {"b/lib.py": "x", "a.py": "y"}, "entry": "a.py""#));
    assert_eq!((asked.solution.entry, asked.solution.files[1].content.as_slice()), (1, &b"y"[..]));
    assert_eq!(submission(&files(r#""files": {"a.py": "y"}"#)).solution.entry, 0);
    for (bad, field) in [
        (r#""files": {"a.py": "", "b.py": ""}"#, "entry"),
        (r#""files": {"a.py": ""}, "entry": "c.py""#, "entry"),
        (r#""files": {}"#, "files"),
        (r#""files": {"a.py": "", "a.py": ""}"#, "files"),
        (r#""files": {"../a.py": ""}"#, r#"files["../a.py"]"#),
        (r#""files": {"/a.py": ""}"#, r#"files["/a.py"]"#),
        (r#""files": {"a//b": ""}"#, r#"files["a//b"]"#),
        (r#""files": {"./a": ""}"#, r#"files["./a"]"#),
        (r#""files": {"a\u0000": ""}"#, r#"files["a\0"]"#),
        (r#""files": {"": ""}"#, r#"files[""]"#),
        (r#""files": {"a": "", "a/b": ""}, "entry": "a""#, r#"files["a"]"#),
        (r#""files": {"a.py": ""}, "source": """#, "files"),
        (r#""source": "", "entry": "a""#, "entry"),
        (r#""entry": "a""#, "source"),
    ] {
        assert_eq!(refusal(files(bad)).field.as_deref(), Some(field), "{bad}");
    }
}

#[test]
fn every_complaint_names_its_field() {
    for (text, field) in [
        (with(r#", "colour": 1"#), "colour"),
        (with(r#", "language": "c""#), "language"),
        (with(r#", "id": 5.5"#), "id"),
        (with(r#", "id": [5]"#), "id"),
        (with(r#", "id": true"#), "id"),
        (with(r#", "stop": "soon""#), "stop"),
        (with(r#", "prelude": true"#), "prelude"),
        (with(r#", "show_output": 1"#), "show_output"),
        (with(r#", "fn_name": "f""#), "fn_name"),
        (with(r#", "setup": "x""#), "setup"),
        (with(r#", "limits": {"cpu_ms": 1}"#), "limits.cpu_ms"),
        (with(r#", "limits": {"cpu_ms": -1}"#), "limits.cpu_ms"),
        (with(r#", "limits": {"memory_bytes": "64M"}"#), "limits.memory_bytes"),
        (with(r#", "limits": [1]"#), "limits"),
        (with(r#", "limits": {"wall_ms": 99999999}"#), "limits.wall_ms"),
        (with(r#", "limits": {"ram": 1}"#), "limits"),
        (with(r#", "compare": "fuzzy""#), "compare"),
        (with(r#", "compare": 5"#), "compare"),
        (with(r#", "compare": {"rule": "float"}"#), "compare.abs"),
        (with(r#", "compare": {"rule": "float", "abs": -1}"#), "compare.abs"),
        (with(r#", "compare": {"rule": "exact", "abs": 1}"#), "compare.abs"),
        (with(r#", "compare": {"abs": 1}"#), "compare.rule"),
        (r#"{"source": "s", "tests": []}"#.to_owned(), "language"),
        (r#"{"language": "", "source": "s", "tests": []}"#.to_owned(), "language"),
        (r#"{"language": "python", "source": "s"}"#.to_owned(), "tests"),
        (r#"{"language": "python", "tests": []}"#.to_owned(), "source"),
        (r#"{"language": "python", "source": 1, "tests": []}"#.to_owned(), "source"),
        (with_tests("5", ""), "tests"),
        (with_tests("[5]", ""), "tests[0]"),
        (with_tests("[{}]", ""), "tests[0]"),
        (with_tests(r#"[{"stdin": "x"}]"#, ""), "tests[0].expected_stdout"),
        (with_tests(r#"[{"stdin": 1, "expected_stdout": ""}]"#, ""), "tests[0].stdin"),
        (with_tests(r#"[{"expected_stdout": []}]"#, ""), "tests[0].expected_stdout"),
        (with_tests(r#"[{"expected_stdout": ["a", 5]}]"#, ""), "tests[0].expected_stdout[1]"),
        (with_tests(r#"[{"expected_stdout": "", "files": {"a": 5}}]"#, ""), r#"tests[0].files["a"]"#),
        (with_tests(r#"[["1", "2"]]"#, ""), "tests[0]"),
        (with(r#", "compare": {"rule": 5}"#), "compare.rule"),
        (with(r#", "compare": {"rule": "float", "abs": "x"}"#), "compare.abs"),
        (with_tests(r#"[{"expected_stdout": ""}, {"stdin": "", "want": ""}]"#, ""), "tests[1]"),
        (with_tests(r#"[{"expected_stdout": ""}, {"args": [], "expected": 1}]"#, ""), "tests[1]"),
        (with_tests(r#"[{"stdin": "", "expected": 1}]"#, ""), "tests[0]"),
        (with_tests(r#"[{"args": [], "expected": 1}]"#, ""), "fn_name"),
        (with_tests(r#"[{"args": {}, "expected": 1}]"#, r#", "fn_name": "f""#), "tests[0].args"),
        (with_tests(r#"[{"args": []}]"#, r#", "fn_name": "f""#), "tests[0].expected"),
        (
            with_tests(r#"[{"kwargs": {"a": 1, "a": 2}, "expected": 1}]"#, r#", "fn_name": "f""#),
            "tests[0].kwargs",
        ),
    ] {
        let refusal = refusal(&text);
        assert_eq!(refusal.field.as_deref(), Some(field), "{text}: {refusal}");
        assert!(!refusal.detail.is_empty());
    }
}

#[test]
fn text_that_is_not_json_is_refused_clearly() {
    let good = with("");
    let nested = with_tests(
        &format!(r#"[{{"args": [{}1{}], "expected": 1}}]"#, "[".repeat(200_000), "]".repeat(200_000)),
        r#", "fn_name": "f""#,
    );
    let latin1 = {
        let mut bytes = good.clone().into_bytes();
        bytes[15] = 0xe9;
        bytes
    };
    for (text, clue) in [
        (format!("\u{feff}{good}").into_bytes(), "byte order mark"),
        (latin1, "offset 15"),
        (format!("{good} x").into_bytes(), "trailing characters"),
        (format!("{good}{good}").into_bytes(), "trailing characters"),
        (b"".to_vec(), "empty"),
        (b" \n".to_vec(), "empty"),
        (b"[]".to_vec(), "not a submission"),
        (b"5".to_vec(), "not a submission"),
        (good.as_bytes()[..good.len() - 1].to_vec(), "ends in the middle of an object"),
        (b"{'language': 'python'}".to_vec(), "double quotes"),
        (b"{\"id\": \"a\nb\"}".to_vec(), "line end"),
        (nested.into_bytes(), "tests[0].args[0]"),
        (
            with_tests("[{\"args\":\n [NaN], \"expected\": 1}]", r#", "fn_name": "f""#).into_bytes(),
            "NaN and Infinity are not JSON",
        ),
        (with(r#", "limits": -Infinity"#).into_bytes(), "NaN and Infinity are not JSON"),
        (with(r#", "id": "\ud800""#).into_bytes(), "id"),
    ] {
        let complaint = refusal(&text).to_string();
        assert!(complaint.contains(clue), "{clue}: {complaint}");
    }
}

#[test]
fn sizes_may_be_texts_and_ids_numbers() {
    let limits = submission(&with(
        r#", "limits": {"memory_bytes": "64MB", "output_bytes": "1 KiB", "file_bytes": 4096}"#,
    ))
    .limits;
    assert_eq!((limits.memory_bytes, limits.output_bytes, limits.file_bytes), (64_000_000, 1_024, 4_096));
    for id in ["7", "-7", "123456789012345678901234567890", r#""7""#, "null"] {
        let report = undecidable(&with_tests("[]", &format!(r#", "id": {id}"#)));
        let json = report_json(&report);
        assert!(json.starts_with(&format!(r#"{{"id":{id},"#)), "{json}");
        assert_eq!(id_of(format!(r#"{{"id": {id}, "colour": 1}}"#).as_bytes()), report.id);
    }
}

#[test]
fn settings_stand_in_for_what_a_submission_does_not_say() {
    let limits = GivenLimits { cpu_ms: Some(100), processes: Some(3), ..GivenLimits::default() };
    let defaults = WireDefaults { limits, repeat: Some(Repeat::Times(3)) };
    let bounds = WireBounds { defaults, ..WireBounds::default() };
    for (more, cpu_ms, wall_ms, repeat) in [
        ("", 100, 2_300, Repeat::Times(3)),
        (r#", "limits": {"cpu_ms": 200}, "repeat": 1"#, 200, 2_600, Repeat::Once),
    ] {
        let Ok(Asked::Verify(asked)) = parse(with(more).as_bytes(), bounds) else { panic!("{more}") };
        let limits = asked.limits;
        assert_eq!(
            (limits.cpu_ms, limits.wall_ms, limits.processes, asked.repeat),
            (cpu_ms, wall_ms, 3, repeat)
        );
    }
}

#[test]
fn what_cannot_be_decided_here_is_answered_and_not_refused() {
    let report = undecidable(&with_tests("[]", r#", "id": "x""#));
    assert_eq!((report.verdict, report.cause), (Verdict::Undecided, Some(Cause::BadTests)));
    assert_eq!((report.id.as_deref(), report.total), (Some("x"), 0));
}

#[test]
fn tests_of_code_are_read() {
    let text = with_tests(
        r#"[{"assert": "assert f() == 1"}, {"code": "def check(c): pass"}, {"unittest": "u"}, {"pytest": "p"}]"#,
        r#", "setup": "x = 1", "entry_point": "Solution().f""#,
    );
    let Tests::Code(code) = submission(&text).tests else { panic!() };
    let read: Vec<_> = code.tests.iter().map(|test| (test.kind, test.code.as_str())).collect();
    assert_eq!(
        read,
        [
            (CodeKind::Assert, "assert f() == 1"),
            (CodeKind::Check, "def check(c): pass"),
            (CodeKind::Unittest, "u"),
            (CodeKind::Pytest, "p"),
        ]
    );
    assert_eq!((code.setup.as_str(), code.entry_point.as_deref()), ("x = 1", Some("Solution().f")));
    for (tests, more, clue) in [
        (r#"[{"assert": "x", "code": "y"}]"#, "", "give one of"),
        (r#"[{"assert": 1}]"#, "", "tests[0].assert"),
        (r#"[{"assert": "x"}, {"stdin": ""}]"#, "", "tests[1]"),
        (r#"[{"assert": "x"}]"#, r#", "fn_name": "f""#, "fn_name"),
        (r#"[{"assert": "x"}]"#, r#", "compare": "exact""#, "compare"),
        (r#"[{"stdin": "", "expected_stdout": ""}]"#, r#", "setup": "x""#, "setup"),
    ] {
        let complaint = refusal(with_tests(tests, more)).to_string();
        assert!(complaint.contains(clue), "{clue}: {complaint}");
    }
}

#[test]
fn the_number_of_tests_is_bounded() {
    let text = with_tests(r#"[{"expected_stdout": ""}, {"expected_stdout": ""}]"#, "");
    let refusal = parse(text.as_bytes(), WireBounds { max_tests: 1, ..WireBounds::default() }).unwrap_err();
    assert_eq!(refusal.field.as_deref(), Some("tests"));
}

#[test]
fn a_report_has_exactly_the_fields_of_the_wire() {
    let test = TestReport {
        verdict: Verdict::WrongAnswer,
        cpu_ms: 1.234_567_8,
        exit_code: Some(0),
        message: Some("line 1 differs".to_owned()),
        stdout: Some("5\n".to_owned()),
        stderr: Some(String::new()),
        ..TestReport::skipped()
    };
    let report = Report {
        id: Some("a".to_owned().into()),
        verdict: Verdict::WrongAnswer,
        cause: None,
        reason: Some("test 0: line 1 differs".to_owned()),
        isolation_of_tests: None,
        tier: Some("namespaces"),
        tests: vec![test, TestReport::skipped()],
        total: 2,
        also: Vec::new(),
        compile: None,
    };
    let skipped = concat!(
        r#"{"verdict":"skipped","cause":null,"cpu_ms":0.0,"wall_ms":0.0,"memory_bytes":0,"exit_code":null,"#,
        r#""signal":null,"message":null,"stdout":null,"stderr":null,"result":null}"#
    );
    let expected = concat!(
        r#"{"id":"a","verdict":"wrong_answer","cause":null,"reason":"test 0: line 1 differs","passed":0,"total":2,"#,
        r#""tier":"namespaces","compile":null,"tests":[{"verdict":"wrong_answer","cause":null,"cpu_ms":1.235,"#,
        r#""wall_ms":0.0,"memory_bytes":0,"exit_code":0,"signal":null,"message":"line 1 differs","#,
        r#""stdout":"5\n","stderr":"","result":null},"#
    );
    assert_eq!(report_json(&report), format!("{expected}{skipped}]}}"));
}

#[test]
fn shown_output_is_bounded_per_test_and_per_report() {
    let loud = TestReport { stdout: Some("é".repeat(100_000)), ..TestReport::skipped() };
    let report =
        Report { tests: vec![loud; 300], ..Report::undecided(None, Cause::SandboxFault, "because", 300) };
    let text = report_json(&report);
    assert!(text.len() < 5 << 20, "{} bytes", text.len());
    assert!(text.contains("more bytes not shown]"));
}

#[test]
fn output_that_escapes_counts_as_what_it_becomes() {
    let loud = TestReport { stdout: Some("\0\u{202e}".repeat(8_000)), ..TestReport::skipped() };
    let report =
        Report { tests: vec![loud; 300], ..Report::undecided(None, Cause::SandboxFault, "because", 300) };
    let text = report_json(&report);
    assert!(text.len() < 5 << 20, "{} bytes", text.len());
    assert!(text.contains(r"\u0000\u202e[... "), "cut between characters");
}

#[test]
fn what_is_long_or_many_is_refused_and_says_where() {
    let long = |digits: usize| "7".repeat(digits);
    let many = |item: &str, count: usize| vec![item; count].join(",");
    let names: Vec<String> = (0..2_000).map(|number| format!("\"{number}\":\"\"")).collect();
    for (tests, field, detail) in [
        (
            format!(r#"[{{"args": [1, [{}]], "expected": 1}}]"#, long(100_001)),
            "tests[0].args[1]",
            "an integer of more than 100000 digits at byte 1 of 100003",
        ),
        (
            format!(r#"[{{"args": [1], "kwargs": {{"k": {}}}, "expected": 1}}]"#, long(100_001)),
            "tests[0].kwargs[\"k\"]",
            "an integer of more than 100000 digits",
        ),
        (
            // Over all tests together.
            format!("[{}]", many(&format!(r#"{{"args": [], "expected": -{}}}"#, long(90_000)), 12)),
            "tests[11].expected",
            "integers of more than 1000 digits that have more than 1000000 together",
        ),
        (r#"[{"kwargs": {"k": 1, "k": 2}, "expected": 1}]"#.to_owned(), "tests[0].kwargs", "given twice"),
        (
            format!(r#"[{{"expected_stdout": [{}]}}]"#, many("\"\"", 1_001)),
            "tests[0].expected_stdout",
            "holds 1001 outputs; at most 1000 are accepted",
        ),
        (
            format!(r#"[{{"expected_stdout": "", "files": {{{}}}}}]"#, names.join(",")),
            "tests[0].files",
            "holds more than 1024 names",
        ),
    ] {
        let rest = if tests.contains("stdout") { "" } else { r#", "fn_name": "f""# };
        let refusal = asked(&tests, rest).unwrap_err();
        let shown = format!("{}: {refusal}", &tests[..tests.len().min(60)]);
        assert!(refusal.field.as_deref().is_some_and(|found| found.starts_with(field)), "{shown}");
        assert!(refusal.detail.contains(detail), "{shown}");
    }
}

/// A submission without the tests' usual outputs.
fn asked(tests: &str, rest: &str) -> Result<Submission, BadRequest> {
    match parse(with_tests(tests, rest).as_bytes(), WireBounds::default())? {
        Asked::Verify(submission) => Ok(*submission),
        Asked::Undecidable(report) => panic!("{report:?}"),
    }
}

#[test]
fn programs_beside_the_solution_are_read() {
    const CHECKER: &str = r#", "compare": {"checker": {"language": "cpp", "source": "x", "protocol": "kattis", "limits": {"cpu_ms": 50}}}"#;
    let submission = asked(r#"[{"stdin": "1"}]"#, CHECKER).unwrap();
    let Some(JudgeProgram::Checker { program, protocol, limits }) = submission.judge else { panic!() };
    assert_eq!((&*program.language, protocol, limits.cpu_ms), ("cpp", CheckerProtocol::Kattis, 50));
    assert_eq!(limits.memory_bytes, PROGRAM_LIMITS.memory_bytes);
    let interactor = r#", "compare": {"interactor": {"language": "python", "files": {"a.py": "", "b.py": ""}, "entry": "b.py"}}"#;
    let submission = asked(r#"[{"stdin": "1"}]"#, interactor).unwrap();
    let Some(JudgeProgram::Interactor { program, protocol, .. }) = submission.judge else { panic!() };
    assert_eq!((program.solution.entry, protocol), (1, CheckerProtocol::Testlib));
    let reference = r#", "reference": {"language": "cpp", "source": "x"}"#;
    let submission = asked(r#"[{"stdin": "1"}, {"stdin": "2", "expected_stdout": "3"}]"#, reference).unwrap();
    assert_eq!(submission.reference.unwrap().program.language, "cpp");
    let Tests::Program(tests) = submission.tests else { panic!() };
    assert_eq!(tests.iter().map(|test| test.accepted_stdout.len()).collect::<Vec<_>>(), [0, 1]);
    let function = format!(r#"{reference}, "fn_name": "f""#);
    let Tests::Function { tests, .. } = asked(r#"[{"args": [1]}]"#, &function).unwrap().tests else {
        panic!()
    };
    assert!(tests[0].accepted.is_empty());
    let files = r#", "input_file": "in/a.txt", "output_file": "out.txt""#;
    let tests = r#"[{"stdin": "1", "expected_stdout": "2", "files": {"d/x": "y"}}]"#;
    let submission = asked(tests, files).unwrap();
    assert_eq!(submission.io.input_file.as_deref(), Some("in/a.txt"));
    let Tests::Program(tests) = submission.tests else { panic!() };
    assert_eq!(tests[0].files, [("d/x".to_owned(), b"y".to_vec())]);
}

#[test]
fn complaints_about_programs_and_files_name_their_field() {
    let one = r#"[{"stdin": "1", "expected_stdout": "2"}]"#;
    let checker = |fields: &str| format!(r#", "compare": {{"checker": {{"language": "cpp", {fields}}}}}"#);
    let with_file = |name: &str| format!(r#"[{{"expected_stdout": "", "files": {{{name:?}: ""}}}}]"#);
    for (tests, rest, field) in [
        (one, checker(r#""source": "x", "protocol": "icpc""#), "compare.checker.protocol"),
        (one, checker(r#""source": "x", "surprise": 1"#), "compare.checker"),
        (one, checker(r#""source": "x", "files": {"a": ""}"#), "compare.checker.files"),
        (one, checker(r#""entry": "a""#), "compare.checker.source"),
        (one, checker(r#""source": "x", "limits": {"cpu_ms": 1}"#), "compare.checker.limits.cpu_ms"),
        (one, r#", "compare": {"checker": {"language": "cpp", "source": "x"}, "rule": "exact"}"#.to_owned(), "compare.checker"),
        (
            one,
            r#", "compare": {"interactor": {"language": "cpp", "source": "x", "protocol": "open-r1"}}"#.to_owned(),
            "compare.interactor.protocol",
        ),
        (one, r#", "reference": {"language": "cpp", "source": "x", "protocol": "kattis"}"#.to_owned(), "reference.protocol"),
        (
            one,
            r#", "reference": {"language": "c", "source": "x"}, "compare": {"interactor": {"language": "c", "source": "x"}}"#.to_owned(),
            "reference",
        ),
        (r#"[{"stdin": "1", "expected_stdout": ["1", "2"]}]"#, checker(r#""source": "x""#), "tests[0].expected_stdout"),
        (r#"[{"stdin": "1"}]"#, String::new(), "tests[0].expected_stdout"),
        (r#"[{"args": [1], "expected": 1}]"#, r#", "fn_name": "f", "input_file": "a""#.to_owned(), "input_file"),
        (r#"[{"args": [1], "expected": 1}]"#, format!(r#", "fn_name": "f"{}"#, checker(r#""source": "x""#)), "compare.checker"),
        (one, r#", "input_file": "../a""#.to_owned(), "input_file"),
        (one, r#", "output_file": "/a""#.to_owned(), "output_file"),
        (one, r#", "input_file": "a", "output_file": "a/b""#.to_owned(), "output_file"),
        (&with_file("../a"), String::new(), r#"tests[0].files["../a"]"#),
        (&with_file("a"), r#", "input_file": "a""#.to_owned(), r#"tests[0].files["a"]"#),
        (&with_file("a"), r#", "output_file": "a/b""#.to_owned(), r#"tests[0].files["a"]"#),
    ] {
        let refusal = asked(tests, &rest).unwrap_err();
        assert_eq!(refusal.field.as_deref(), Some(field), "{tests} {rest}: {refusal}");
    }
}
