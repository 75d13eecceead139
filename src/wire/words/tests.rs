use crate::wire::{bounds::WireBounds, parse};

/// The complaint about a text that is refused.
fn complaint(text: &str) -> String {
    match parse(text.as_bytes(), WireBounds::default()) {
        Err(refusal) => refusal.to_string(),
        Ok(asked) => panic!("{text}: {asked:?}"),
    }
}

fn with_tests(tests: &str, more: &str) -> String {
    format!(r#"{{"language": "python", "source": "s", "tests": {tests}{more}}}"#)
}

fn with(more: &str) -> String {
    with_tests(r#"[{"stdin": "1", "expected_stdout": "1"}]"#, more)
}

/// Every field with values of every wrong kind, and texts that are cut off anywhere: no word of the parser's own.
#[test]
fn no_complaint_speaks_the_parsers_language() {
    const WHOLE: &str = r#"{"id": "a", "language": "python", "source": "s", "files": {"a": "b"}, "entry": "a",
        "source_base64": "", "tests": [{"stdin": "1", "expected_stdout": "1", "files": {"a": "b"}}], "fn_name": "f",
        "setup": "s", "entry_point": "e", "test_isolation": "auto", "input_file": "i", "output_file": "o",
        "compare": {"rule": "float", "abs": 1, "rel": 1, "ignore_case": true, "unordered": true},
        "reference": {"language": "c", "source": "s", "files": {}, "entry": "e", "limits": {"cpu_ms": 5}},
        "limits": {"cpu_ms": 100, "wall_ms": 100, "memory_bytes": 99999999, "output_bytes": 1, "processes": 1, "file_bytes": 9999},
        "stop": "never", "repeat": 1, "parallel": 1, "runtime": "auto", "deterministic": false, "seed": 1,
        "prelude": "none", "show_output": "never"}"#;
    const FOREIGN: [&str; 14] = [
        "Wire",
        "struct",
        "elements",
        "hex escape",
        "variant",
        "invalid type",
        "invalid value",
        "sequence",
        " map",
        "u32",
        "u64",
        "f64",
        "EOF",
        "ident",
    ];
    let whole: serde_json::Value = serde_json::from_str(WHOLE).unwrap();
    let mut texts: Vec<String> = (1..WHOLE.len()).map(|end| WHOLE[..end].to_owned()).collect();
    let wrong = [
        "5",
        "-1",
        "1.5",
        "1e999",
        "\"x\"",
        r#""\ud83d""#,
        "true",
        "null",
        "[]",
        "[5]",
        "[[]]",
        "{}",
        r#"{"x": 1}"#,
    ];
    for pointer in pointers(&whole, "") {
        let place = whole.pointer(&pointer).unwrap().to_string();
        let mut marked = whole.clone();
        *marked.pointer_mut(&pointer).unwrap() = "MARK".into();
        // Without the ways to say the same that cannot be there together.
        for alone in ["source", "files", "source_base64"] {
            let mut marked = marked.clone();
            let fields = marked.as_object_mut().unwrap();
            fields.retain(|name, _| {
                !["source", "files", "source_base64"].contains(&name.as_str()) || name == alone
            });
            let marked = marked.to_string();
            texts.extend(wrong.iter().map(|value| marked.replace("\"MARK\"", value)));
            texts.push(marked.replace("\"MARK\"", &place).replacen(':', "s:", 1));
        }
    }
    assert!(texts.len() > 2_000);
    for text in texts {
        if let Err(refusal) = parse(text.as_bytes(), WireBounds::default()) {
            let said = refusal.to_string();
            let foreign = FOREIGN.iter().find(|word| said.contains(**word));
            assert_eq!(foreign, None, "{said}: {text}");
            assert!(!said.is_empty() && said.len() < 700, "{said}");
        }
    }
}

/// The ways to every value inside one.
fn pointers(value: &serde_json::Value, here: &str) -> Vec<String> {
    let inside: Vec<_> = match value {
        serde_json::Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), value)).collect()
        }
        serde_json::Value::Array(items) => {
            items.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    inside
        .into_iter()
        .flat_map(|(name, value)| {
            let way = format!("{here}/{name}");
            [vec![way.clone()], pointers(value, &way)].concat()
        })
        .collect()
}

#[test]
fn complaints_say_what_may_have_been_meant() {
    let one = r#"[{"stdin": "1", "expected_stdout": "2"}]"#;
    for (text, clue) in [
        (with(r#", "limit": {}"#), r#"unknown field "limit" (did you mean "limits"?)"#),
        (
            with(r#", "limits": {"memory": 1}"#),
            r#"limits: unknown field "memory" (did you mean "memory_bytes"?)"#,
        ),
        (with(r#", "limits": {"cpu": 1}"#), r#"did you mean "cpu_ms"?"#),
        (with_tests(r#"[{"stdin": "1", "expected_output": "2"}]"#, ""), r#"did you mean "expected_stdout"?"#),
        (with_tests(r#"[{"input": "1", "output": "2"}]"#, ""), "there are stdin, expected_stdout"),
        (with(r#", "colour": 1"#), r#"colour: unknown field "colour"; there are id, language"#),
        (with(r#", "compare": "token""#), r#"did you mean "tokens"?"#),
        (with(r#", "compare": "float""#), r#"did you mean "float:TOLERANCE"?"#),
        (with(r#", "compare": {"rule": "float", "absolute": 1}"#), r#"did you mean "abs"?"#),
        (
            with(r#", "stop": "first-failure""#),
            r#"must be "first_failure" or "never", not "first-failure" (did you mean "first_failure"?)"#,
        ),
        (with(r#", "show_output": 1"#), r#"must be "never", "on_failure" or "always", not 1"#),
        (with(r#", "prelude": "contests""#), r#"did you mean "contest"?"#),
        (with(r#", "runtime": "Wasm""#), r#"did you mean "wasm"?"#),
        (
            with_tests(
                one,
                r#", "compare": {"checker": {"language": "cpp", "source": "", "protocol": "test-lib"}}"#,
            ),
            r#"did you mean "testlib"?"#,
        ),
        (with(r#", "id": 1.5"#), "must be a text or a whole number, not 1.5"),
        (with(r#", "repeat": "5""#), "must be a whole number from 0 to 4294967295, not a text"),
        (with_tests("[5]", ""), "tests[0]: must be an object, not 5"),
        (with_tests(r#"{"stdin": "1"}"#, ""), "tests: must be a list, not an object"),
        (with(r#", "limits": {"memory_bytes": "64M"}"#), "say 64MB or 64MiB"),
        (with(r#", "limits": {"memory_bytes": "1MiB"}"#), "must be between 16 MiB and 64 GiB"),
        (
            with_tests(r#"[{"stdin": "\ud83d", "expected_stdout": "2"}]"#, ""),
            "tests[0].stdin: holds half of a character",
        ),
    ] {
        let complaint = complaint(&text);
        assert!(complaint.contains(clue), "{clue}: {complaint}");
    }
}
