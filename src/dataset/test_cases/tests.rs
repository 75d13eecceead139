use super::*;

fn program(text: &str) -> Vec<(String, String)> {
    let Tests::Program(tests) = parse_tests(text).expect("tests") else { panic!("not a program: {text}") };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    tests.iter().map(|test| (text(&test.stdin), text(&test.accepted_stdout[0]))).collect()
}

/// A test of a function, not packed.
struct Asked {
    args: Vec<Value>,
    kwargs: Vec<(String, Value)>,
    accepted: Vec<Value>,
}

fn function(text: &str) -> (String, Vec<Asked>) {
    let asked = |test: &FunctionTest| {
        let (args, kwargs, accepted) = test.values();
        Asked { args, kwargs, accepted }
    };
    match parse_tests(text).expect("tests") {
        Tests::Function { target, tests } => (target.name, tests.iter().map(asked).collect()),
        Tests::Program(_) | Tests::Code(_) => panic!("not a function: {text}"),
    }
}

fn accepted_by(text: &str) -> Vec<Vec<Value>> {
    function(text).1.into_iter().map(|test| test.accepted).collect()
}

fn reason(text: &str) -> String {
    match parse_tests(text) {
        Err(TestsError::Bad(reason)) => reason,
        other => panic!("{text}: {other:?}"),
    }
}

fn int(n: i64) -> Value {
    Value::Int(n)
}

fn list(items: impl IntoIterator<Item = Value>) -> Value {
    Value::List(items.into_iter().collect())
}

fn pair(input: &str, output: &str) -> Vec<(String, String)> {
    vec![(input.to_owned(), output.to_owned())]
}

#[test]
fn without_a_function_name_tests_are_of_a_program() {
    for name in ["", r#", "fn_name": null"#, r#", "fn_name": """#, r#", "fn_name": "  ""#] {
        let text = format!(r#"{{"inputs": ["1 2\n"], "outputs": ["3\n"]{name}}}"#);
        assert_eq!(program(&text), pair("1 2\n", "3\n"), "{text}");
    }
}

#[test]
fn a_list_of_lines_is_joined() {
    assert_eq!(program(r#"{"inputs": [["2", "1 2"]], "outputs": [["3", ""]]}"#), pair("2\n1 2", "3\n"));
    assert_eq!(program(r#"{"inputs": [[2, 18446744073709551617]], "outputs": [3]}"#), {
        pair("2\n18446744073709551617", "3")
    });
    assert_eq!(program(r#"{"inputs": [""], "outputs": [""]}"#), pair("", ""));
}

#[test]
fn a_lone_surrogate_is_nothing_that_a_program_reads_or_prints() {
    for (text, what) in [
        (r#"{"inputs": ["a\ud83d\n"], "outputs": ["2\n"]}"#, "input 0 holds a lone surrogate"),
        (r#"{"inputs": ["1", "2"], "outputs": ["3", ["4", "\ude00"]]}"#, "output 1 holds a lone surrogate"),
        (r#"[{"input": {"stdin": "\udfff"}, "output": {"stdout": ""}}]"#, "input 0 holds a lone surrogate"),
    ] {
        assert_eq!(reason(text), what);
    }
    assert_eq!(program(r#"{"inputs": ["\ud83d\ude00"], "outputs": ["1"]}"#), pair("\u{1f600}", "1"));
    // A function is given texts, in which Python allows it.
    let surrogate = Value::Str(vec![0xed, 0xa0, 0xbd]);
    assert_eq!(
        function(r#"{"inputs": [["\ud83d"]], "outputs": [1], "fn_name": "f"}"#).1[0].args,
        [surrogate]
    );
}

#[test]
fn python_literals_are_read_where_json_is_not() {
    let text = "{'inputs': [(1, None), [True, 'x']], 'outputs': [1, 2], 'fn_name': 'f'}";
    let (name, tests) = function(text);
    assert_eq!(name, "f");
    assert_eq!(tests[0].args, [int(1), Value::None]);
    assert_eq!(tests[1].args, [Value::Bool(true), Value::str("x")]);
}

#[test]
fn an_output_wrapped_in_a_list_means_either_where_the_whole_row_is_wrapped() {
    let wrapped = r#"{"inputs": [[1], [2]], "outputs": [[1], [[2]]], "fn_name": "f"}"#;
    let expected = vec![vec![list([int(1)]), int(1)], vec![list([list([int(2)])]), list([int(2)])]];
    assert_eq!(accepted_by(wrapped), expected);
    let plain = r#"{"inputs": [[1], [2]], "outputs": [[5, 6], [5]], "fn_name": "f"}"#;
    assert_eq!(accepted_by(plain), vec![vec![list([int(5), int(6)])], vec![list([int(5)])]]);
    let empty = r#"{"inputs": [[1], [2]], "outputs": [[], [5]], "fn_name": "f"}"#;
    assert_eq!(accepted_by(empty)[1], vec![list([int(5)])]);
}

#[test]
fn dict_keys_that_json_made_strings_are_ints_again() {
    let dict = |key: Value| Value::Dict(vec![(key, int(7))]);
    let text = r#"{"inputs": [[{"3": 7}, {"3": 7}]], "outputs": [{"3": 7}], "fn_name": "f"}"#;
    let (_, tests) = function(text);
    assert_eq!(tests[0].args, [dict(int(3)), dict(Value::str("3"))]);
    assert_eq!(tests[0].accepted, [dict(Value::str("3")), dict(int(3))]);
    for odd in ["03", "+3", "a", "3.0", ""] {
        let text = format!(r#"{{"inputs": [[{{"{odd}": 7}}]], "outputs": [1], "fn_name": "f"}}"#);
        assert_eq!(function(&text).1[0].args, [dict(Value::str(odd))]);
    }
}

#[test]
fn livecodebench_writes_a_json_value_per_line() {
    let text = r#"{"inputs": ["[1, 2]\n\"a\""], "outputs": ["[3]"], "fn_name": "f"}"#;
    let (_, tests) = function(text);
    assert_eq!(tests[0].args, [list([int(1), int(2)]), Value::str("a")]);
    assert_eq!(tests[0].accepted, [list([int(3)])]);
    let items =
        r#"[{"input": "1", "output": "2", "testtype": "functional", "metadata": {"func_name": "g"}}]"#;
    let (name, tests) = function(items);
    assert_eq!((name.as_str(), &tests[0].args, &tests[0].accepted), ("g", &vec![int(1)], &vec![int(2)]));
    let stdin = r#"[{"input": "1", "output": "2", "testtype": "stdin", "metadata": {"func_name": null}}]"#;
    assert_eq!(program(stdin), pair("1", "2"));
}

#[test]
fn lists_of_objects_and_wrappings() {
    let genesys = r#"{"language": "python", "test_cases": [
        {"type": "function_call", "fn_name": "f", "input": [1, "x"], "output": [2]}]}"#;
    let (name, tests) = function(genesys);
    assert_eq!((name.as_str(), tests[0].args.len(), tests[0].accepted.len()), ("f", 2, 2));
    let sandbox_fusion = r#"[{"input": {"stdin": "1"}, "output": {"stdout": "2"}}]"#;
    assert_eq!(program(sandbox_fusion), pair("1", "2"));
    let twice = serde_json::to_string(r#"{"inputs": ["1"], "outputs": ["2"]}"#).unwrap();
    assert_eq!(program(&twice), pair("1", "2"));
    let named = r#"{"inputs": [{"a": 1, "b": 2}], "outputs": [3], "fn_name": "f"}"#;
    assert_eq!(function(named).1[0].kwargs, [("a".to_owned(), int(1)), ("b".to_owned(), int(2))]);
}

#[test]
fn bad_tests_say_what_is_wrong() {
    for (text, expected) in [
        ("", "test_cases is empty"),
        (" \n", "test_cases is empty"),
        ("null", "test_cases is null"),
        ("{}", "test_cases is {}"),
        ("7", "test_cases is an integer, not an object or a list"),
        ("[]", "test_cases holds no test"),
        (r#"{"inputs": [], "outputs": []}"#, "test_cases holds no test"),
        (r#"{"inputs": ["1"]}"#, "test_cases has no outputs"),
        (r#"{"inputs": "1", "outputs": ["1"]}"#, "inputs is a string, not a list"),
        (r#"{"inputs": ["1", "2"], "outputs": ["1"]}"#, "test_cases has 2 inputs but 1 outputs"),
        (r#"{"inputs": ["1"], "outputs": [{}]}"#, "output 0 is an object, not text or lines of text"),
        (r#"{"inputs": ["1"], "outputs": ["1"], "fn_name": 3}"#, "fn_name is an integer, not a string"),
        (r#"["x"]"#, "test 0 is a string, not an object"),
        (r#"[{"input": "1"}]"#, "test 0 has no output"),
        (
            r#"[{"input": [1], "output": 1, "fn_name": "f"}, {"input": [1], "output": 1, "fn_name": "g"}]"#,
            "test 1 names another function than test 0",
        ),
    ] {
        assert_eq!(reason(text), expected, "{text}");
    }
    let truncated = reason(r#"{"inputs": [["()"], ["(]"]], "outputs": [true, fal"#);
    assert!(
        truncated.starts_with("test_cases is not JSON: ") && truncated.contains("at byte"),
        "{truncated}"
    );
    let not_json = reason(r#"{"inputs": ["abc"], "outputs": ["1"], "fn_name": "f"}"#);
    assert!(not_json.starts_with("input 0 of a function test is a string that is not JSON"), "{not_json}");
}

#[test]
fn tests_of_kinds_not_offered_are_unsupported() {
    for text in [
        r#"{"functional": "def check(candidate): assert candidate(1) == 2"}"#,
        r#"["assert f(1) == 2"]"#,
        r#"{"language": "rust", "test_cases": [{"input": "1", "output": "2"}]}"#,
    ] {
        assert!(matches!(parse_tests(text), Err(TestsError::Unsupported(_))), "{text}");
    }
}

#[test]
fn values_written_as_code_are_read_as_data() {
    let accepted = |text: &str| match parse_tests(text) {
        Ok(Tests::Function { tests, .. }) => {
            tests[0].accepted.iter().map(|value| value.root().repr(200)).collect()
        }
        other => vec![format!("{other:?}")],
    };
    let in_python = |input: &str, output: &str| {
        format!("{{'inputs': [[{input}]], 'outputs': [{output}], 'fn_name': 'f'}}")
    };
    assert_eq!(accepted(&in_python("1", "Decimal('1.10')")), ["Decimal('1.10')"]);
    assert_eq!(accepted(&in_python("set()", "deque([1, Fraction(1, 2)])")), ["[1, Fraction(1, 2)]"]);
    assert_eq!(accepted(&in_python("ListNode(1)", "Colour.RED")), ["Colour.RED"]);
    assert_eq!(
        accepted(r#"{"inputs": ["1\nfloat('inf')"], "outputs": ["np.array([1, 2])"], "fn_name": "f"}"#),
        ["[1, 2]"]
    );
    for argument in ["Decimal('1')", "[deque([1])]", "{'a': np.array([1])}"] {
        assert!(
            matches!(parse_tests(&in_python(argument, "1")), Err(TestsError::Unsupported(_))),
            "{argument}"
        );
    }
    // Text without its quotes is nothing that may be guessed at.
    let bare = r#"{"inputs": ["1"], "outputs": ["U.S"], "fn_name": "f"}"#;
    assert!(matches!(parse_tests(bare), Err(TestsError::Bad(_))));
}
