use std::path::Path;

use super::*;
use crate::value::{identity_key, repr};

#[track_caller]
fn json(text: &str, shown: &str) {
    assert_eq!(repr(&parse_json(text).unwrap(), 1_000), shown, "{text}");
}

#[track_caller]
fn python(text: &str, shown: &str) {
    assert_eq!(repr(&parse_python(text).unwrap(), 1_000), shown, "{text}");
}

#[test]
fn json_as_data_sets_hold_it() {
    json(" [1, -2.50, 1e3, true, null, \"a\\n\\u00e9\"]\n", "[1, -2.5, 1000.0, True, None, 'a\\né']");
    json("[NaN, Infinity, -Infinity, -0, -0.0]", "[nan, inf, -inf, 0, -0.0]");
    json("123456789012345678901234567890", "123456789012345678901234567890");
    json("-9223372036854775808", "-9223372036854775808");
    json("{\"b\": 1, \"a\": 2, \"b\": {}}", "{'b': {}, 'a': 2}");
    json("\"\\ud83d\\ude00 \\ud83d \\ud83d\\u0041 \\ude00\"", "'😀 \\ud83d \\ud83dA \\ude00'");
    json("\"tab\there\0\"", "'tab\\there\\x00'");
    json("\u{feff}[]", "[]");
    json("1e999", "inf");
    json("{}", "{}");
}

#[test]
fn what_is_no_json_is_an_error_with_a_place() {
    let refused = |text: &str, problem: &str, at_byte: usize| {
        assert_eq!(
            parse_json(text).map_err(|error| (error.problem, error.at_byte)),
            Err((problem, at_byte)),
            "{text}"
        );
    };
    refused("", "the text ends where a value is due", 0);
    refused("[1, 2", "neither a comma nor the end of the container", 5);
    refused("[1,]", "a comma without an item after it", 3);
    refused("[1 2]", "neither a comma nor the end of the container", 3);
    refused("{'a': 1}", "no quoted name", 1);
    refused("{\"a\" 1}", "no colon after a name", 5);
    refused("\"abc", "a string without an end", 0);
    refused("\"\\x\"", "unknown escape", 2);
    refused("\"\\u12\"", "unfinished escape", 3);
    refused("\"\\u12+4\"", "bad escape", 3);
    refused("01", "no JSON number", 0);
    refused("1.", "no digit after the decimal point", 2);
    refused("-", "no JSON number", 0);
    refused("True", "no JSON value", 0);
    refused("[] []", "text after the value", 3);
    let error = parse_json("[1, x]").unwrap_err();
    assert_eq!(error.to_string(), "no JSON value at byte 4 of 6");
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(parse_json(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(parse_json(&nested(MAX_DEPTH + 1)).unwrap_err().problem, "containers nested too deep");
    assert!(parse_json(&"{\"a\":".repeat(1_000_000)).is_err());
    assert!(parse_python(&"(".repeat(1_000_000)).is_err());
    assert!(parse_python(&"-".repeat(1_000_000)).is_err());
}

#[test]
fn python_literals() {
    python("{'a': (1, 2), 3: [None, True, False,],}", "{'a': (1, 2), 3: [None, True, False]}");
    python("{1, 2, 1.0, (3,)}", "{1, 2, (3,)}");
    python("{1: 'a', True: 'b'}", "{1: 'b'}");
    python("set()", "set()");
    python("()", "()");
    python("(1)", "1");
    python("1, 2", "(1, 2)");
    python("(1, )", "(1,)");
    python(r#"'it\'s' "x" '''a"b'''"#, "'it\\'sxa\"b'");
    python(r"r'\n\''", r#""\\n\\'""#);
    python(r"b'\xff\0a' B'b'", r"b'\xff\x00ab'");
    python(r"rb'\x'", r"b'\\x'");
    python(r"u'\u00e9\U0001f600\x41\101\q\ud800'", r"'é😀AA\\q\ud800'");
    python("'a\\\nb'", "'ab'");
    python("'''a\nb'''", "'a\\nb'");
    python("[nan, -inf, +inf, -1, +2, - 3]", "[nan, -inf, inf, -1, 2, -3]");
    python(
        "[1_000, 0xFf, 0b11, 0o17, 00, 1., .5, 1_0.2_5e1_0]",
        "[1000, 255, 3, 15, 0, 1.0, 0.5, 102500000000.0]",
    );
    python("[1j, -2j, 1+2j, 1.5 - 2J]", "[1j, -2j, (1+2j), (1.5-2j)]");
    python("{}", "{}");
    python("[\n1 ,\n\n2\n]", "[1, 2]");
}

#[test]
fn every_complex_number_is_read_as_it_is_printed() {
    python("[1e4001j, -1e4001j, nanj, 1+nanj, nan-infj]", "[infj, -infj, nanj, (1+nanj), (nan-infj)]");
    let parts = [0.0, -0.0, 1.0, -2.5, 1e300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    for (real, imaginary) in parts.iter().flat_map(|real| parts.map(|imaginary| (*real, imaginary))) {
        let value = Value::Complex(real, imaginary);
        let printed = repr(&value, 100);
        let read = parse_python(&printed).unwrap_or_else(|error| panic!("{printed}: {error}"));
        assert_eq!(identity_key(&read), identity_key(&value), "{printed}");
    }
}

#[test]
fn constructors_are_read_as_what_they_make() {
    for (text, shown) in [
        (
            "[set(), set([1, 1, 2]), frozenset(), frozenset({1}), set('aba')]",
            "[set(), {1, 2}, frozenset(), frozenset({1}), {'a', 'b'}]",
        ),
        (
            "[list((1, 2)), tuple([3]), dict(a=1), dict([('b', 2)], c=3)]",
            "[[1, 2], (3,), {'a': 1}, {'b': 2, 'c': 3}]",
        ),
        (
            "[float('inf'), float('-Infinity'), float(\"nan\"), float('1e3'), float(2)]",
            "[inf, -inf, nan, 1000.0, 2.0]",
        ),
        ("[math.inf, -math.inf, np.nan, float(5), int('-12')]", "[inf, -inf, nan, 5.0, -12]"),
        (
            "[complex(1, -2), complex('1-infj'), complex(imag=3), complex(0.5)]",
            "[(1-2j), (1-infj), 3j, (0.5+0j)]",
        ),
        ("[Decimal('1.10'), decimal.Decimal(3), -Decimal('2')]", ""),
        (
            "[Decimal('1.10'), decimal.Decimal(3), Decimal('NaN')]",
            "[Decimal('1.10'), Decimal('3'), Decimal('NaN')]",
        ),
        (
            "[Fraction(2, 4), Fraction('1/3'), fractions.Fraction(3)]",
            "[Fraction(1, 2), Fraction(1, 3), Fraction(3, 1)]",
        ),
        ("datetime.date(2024, 2, 29)", "datetime.date.fromisoformat('2024-02-29')"),
        ("datetime.date(2023, 2, 29)", ""),
        ("datetime.datetime(2024, 2, 29, 1, 2)", "datetime.datetime.fromisoformat('2024-02-29T01:02:00')"),
        (
            "datetime.datetime(2024, 2, 29, tzinfo=datetime.timezone.utc)",
            "datetime.datetime.fromisoformat('2024-02-29T00:00:00+00:00')",
        ),
        ("time(1, 2, 3, 4)", "datetime.time.fromisoformat('01:02:03.000004')"),
        ("timedelta(days=1, seconds=-1)", "datetime.timedelta(microseconds=86399000000)"),
        ("deque([1, (2,)], maxlen=5)", "deque([1, (2,)])"),
        ("collections.Counter({'a': 2})", "Counter({'a': 2})"),
        ("OrderedDict([('a', 1), ('b', 2)])", "OrderedDict({'a': 1, 'b': 2})"),
        ("defaultdict(<class 'list'>, {1: [2]})", "defaultdict({1: [2]})"),
        ("defaultdict(list, {1: [2]})", "defaultdict({1: [2]})"),
        ("np.array([[1, 2], [3, 4]], dtype=np.int64)", "numpy.array([[1, 2], [3, 4]])"),
        ("[np.int64(3), np.float64(0.5), numpy.bool_(True)]", "[3, 0.5, True]"),
        ("ListNode(1, ListNode(2, None))", "list_node([1, 2])"),
        ("ListNode(val=1, next=ListNode(val=2))", "list_node([1, 2])"),
        ("TreeNode(1, None, TreeNode(2, TreeNode(3)))", "tree_node([1, None, 2, 3])"),
        (
            "TreeNode(1, TreeNode(2, TreeNode(4), None), TreeNode(3, None, TreeNode(5)))",
            "tree_node([1, 2, 3, 4, None, None, 5])",
        ),
        (
            "TreeNode(1, TreeNode(2, None, TreeNode(4, TreeNode(6))), TreeNode(3))",
            "tree_node([1, 2, 3, None, 4, None, None, 6])",
        ),
        ("[range(3), range(5, 0, -2)]", "[[0, 1, 2], [5, 3, 1]]"),
        ("{Colour.RED: Decimal('1')}", "{Colour.RED: Decimal('1')}"),
        ("bytearray(b'a')", "bytearray(b'a')"),
    ] {
        if shown.is_empty() {
            assert!(parse_python(text).is_err(), "{text}");
        } else {
            python(text, shown);
            let value = parse_python(text).unwrap();
            assert_eq!(identity_key(&parse_python(shown).unwrap()), identity_key(&value), "{text}");
        }
    }
    for text in [
        "eval('1')",
        "os.system('x')",
        "Decimal()",
        "Decimal('x')",
        "Decimal(1, 2)",
        "Fraction(1, 0)",
        "set([[1]])",
        "range(10000000000)",
        "range(0, 1, 0)",
        "range(-9223372036854775808, 9223372036854775807)",
        "ListNode(1, 2)",
        "deque(1)",
        "float('0x1')",
        "date(2024, 13, 1)",
        "date(99999999999, 1, 1)",
        "colour.red",
        "Colour.RED()",
        "deque([1]",
        "deque(=1)",
        "dict(1)",
        "Counter([[1, 2], 3])",
        "{deque([1])}",
        "int('1_0')",
        "complex('x')",
    ] {
        assert!(parse_python(text).is_err(), "{text}");
    }
    assert!(parse_python(&"set(".repeat(100_000)).is_err());
    assert!(parse_python(&format!("{}1{}", "ListNode(1, ".repeat(150), ")".repeat(150))).is_err());
}

#[test]
fn what_is_no_python_literal_is_an_error() {
    for text in [
        "",
        "f'x'",
        "foo",
        "[1",
        "1 2",
        "{[1]: 2}",
        "{1: 2, 3}",
        "{1, [2]}",
        "'a\nb'",
        "'abc",
        "b'é'",
        "'a' b'b'",
        "0123",
        "1__0",
        "1_",
        "0x",
        "1 + 2",
        "'\\x4'",
        "'\\U00110000'",
        "--1",
        "-'a'",
        "lambda: 1",
        "{'a' 1}",
        "__import__('os')",
        "(,)",
        "[,]",
        "None1",
        "'\\N{DASH}'",
        "-None",
        "1e",
        ".",
        "{1:}",
        "{**{}}",
        "[*[]]",
    ] {
        let parsed = parse_python(text);
        assert!(parsed.is_err(), "{text}: {parsed:?}");
    }
}

#[test]
fn what_long_integers_cost_is_bounded() {
    let check = |text: &str, problem: Option<&str>| {
        for parsed in [parse_json(text), parse_python(text)] {
            assert_eq!(parsed.err().map(|error| error.problem), problem, "{} bytes", text.len());
        }
    };
    let long = |digits: usize| "7".repeat(digits);
    let together = "integers of more than 1000 digits that have more than 1000000 together";
    check(&long(MAX_DIGITS), None);
    check(&format!("-{}", long(MAX_DIGITS)), None);
    check(&long(MAX_DIGITS + 1), Some("an integer of more than 100000 digits"));
    check(&format!("[{}]", vec![long(LONG_DIGITS); 2_000].join(", ")), None);
    check(&format!("[{}]", vec![long(LONG_DIGITS + 1); 1_000].join(", ")), Some(together));
    check(&format!("[{}]", vec![long(LONG_DIGITS + 1); 990].join(", ")), None);
    let in_python = parse_python(&format!("0x{}", long(MAX_DIGITS + 1)));
    assert_eq!(in_python.unwrap_err().problem, "an integer of more than 100000 digits");
    assert!(parse_python(&format!("int('{}')", long(4_301))).is_err());
}

#[test]
fn large_texts_take_linear_time() {
    let start = std::time::Instant::now();
    let numbers = format!("[{}]", "12345, ".repeat(300_000) + "1");
    let digits = "7".repeat(MAX_DIGITS);
    let keys: Vec<String> = (0..100_000).map(|key| format!("\"{key}\": 1")).collect();
    for text in
        [numbers, digits, format!("{{{}}}", keys.join(", ")), format!("\"{}\"", "x\\n".repeat(1_000_000))]
    {
        assert!(parse_json(&text).is_ok());
        assert!(parse_python(&text).is_ok());
    }
    // Generous for a debug build on a busy machine; quadratic time would be minutes.
    assert!(start.elapsed().as_secs() < 60);
}

#[test]
fn agrees_with_another_reader_on_real_rows() {
    let rows = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/openthoughts_like/dev.jsonl");
    if !Path::new(rows).exists() {
        eprintln!("notice: ../shared/data is absent; this test ran nothing");
        return;
    }
    let mut read = 0;
    for line in std::fs::read_to_string(rows).unwrap().lines() {
        let row = parse_json(line).unwrap();
        let Value::Dict(columns) = &row else { panic!("a row is an object") };
        let theirs: serde_json::Value = serde_json::from_str(line).unwrap();
        for (name, value) in columns {
            let Value::Str(name) = name else { panic!("names are strings") };
            let theirs = &theirs[std::str::from_utf8(name).unwrap()];
            match value {
                Value::Str(text) => assert_eq!(theirs.as_str().unwrap().as_bytes(), text),
                other => assert!(*other == Value::None && theirs.is_null()),
            }
        }
        let tests = theirs["test_cases"].as_str().unwrap_or_default();
        if serde_json::from_str::<serde_json::Value>(tests).is_ok() {
            // What JSON and Python write alike, both parsers read alike.
            let tests_read = parse_json(tests).unwrap();
            assert_eq!(parse_python(&repr(&tests_read, usize::MAX / 2)).unwrap(), tests_read);
            read += 1;
        }
    }
    assert!(read > 100, "{read}");
}
