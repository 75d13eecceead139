//! The Python driver, run by the real interpreter (without a cell around it).

use std::{path::Path, process::Command};

use super::driver_record::DriverRecord;
use crate::{
    judge::{Comparison, Rule, compare_value, profiles::python_equality::python_equal},
    scripts,
    submission::FunctionTest,
    value::{Call, Value, parse_json, parse_python},
};

/// The interpreter: Debian's, or the one that this variable names, to try another version.
#[expect(clippy::disallowed_methods, reason = "another interpreter may be tried")]
fn python() -> String {
    std::env::var("PROOFBOX_TEST_PYTHON").unwrap_or_else(|_| "/usr/bin/python3".to_owned())
}

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
    record: Option<DriverRecord>,
}

/// Runs a shell command, with as large a stack as a cell gives, with `$DIR` a directory that holds the solution as `main.py`, standard
/// input and the call; `timeout` ends what hangs.
#[expect(clippy::disallowed_methods, reason = "the driver is run as it would be in a cell")]
fn run(source: &[u8], stdin: &str, call: &[u8], command: &str) -> Ran {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| std::fs::write(dir.path().join(name), content).unwrap();
    write("main.py", source);
    write("driver.py", scripts::RUN[0].source().as_bytes());
    write("stdin", stdin.as_bytes());
    write("call", call);
    write("result", b"");
    let output = Command::new("/bin/sh")
        .args([
            "-c",
            &format!(
                "ulimit -s 500000; exec timeout -s KILL 60 {command} <$DIR/stdin 3<$DIR/call 4>$DIR/result"
            ),
        ])
        .env_clear()
        .envs([("DIR", dir.path().to_str().unwrap()), ("LANG", "C.UTF-8"), ("PATH", "/usr/bin:/bin")])
        .output()
        .unwrap();
    let record = DriverRecord::parse(&std::fs::read(dir.path().join("result")).unwrap()).unwrap();
    // Each run has another directory; the text compared names none.
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(dir.path().to_str().unwrap(), "DIR");
    Ran { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr), record }
}

fn run_driver(mode: &str, prelude: &str, source: &[u8], stdin: &str, call: &[u8]) -> Ran {
    let command = format!("{} -I -S -B $DIR/driver.py {mode} $DIR/main.py {prelude} '' '' ''", python());
    run(source, stdin, call, &command)
}

fn call_of(name: &str, args: &[Value], kwargs: &[(String, Value)]) -> Vec<u8> {
    let test = FunctionTest::new(args.to_vec(), kwargs.to_vec(), &[]);
    Call::new(name, &test.args, &test.kwargs).unwrap().encoded().to_vec()
}

fn call(source: &str, name: &str, args: &str) -> Ran {
    let Value::List(args) = parse_python(args).unwrap() else { panic!("arguments are a list") };
    run_driver("function", "contest", source.as_bytes(), "", &call_of(name, &args, &[]))
}

fn is_python_absent() -> bool {
    let is_absent = !Path::new(&python()).exists();
    if is_absent {
        eprintln!("notice: {} is absent; this test ran nothing", python());
    }
    is_absent
}

/// The program ends and prints as under `python3 main.py`, in both preludes.
#[track_caller]
fn check_as_python(source: &[u8], stdin: &str) {
    let plain = run(source, stdin, b"", &format!("{} $DIR/main.py", python()));
    for prelude in ["none", "contest"] {
        let driven = run_driver("program", prelude, source, stdin, b"");
        let shown = String::from_utf8_lossy(source);
        assert_eq!(driven.stdout, plain.stdout, "{prelude}: {shown}");
        assert_eq!(driven.stderr, plain.stderr, "{prelude}: {shown}");
        assert_eq!(driven.code, plain.code, "{prelude}: {shown}");
    }
}

/// Without a prelude, which has a limit of its own.
#[test]
fn recursion_is_as_deep_as_under_python() {
    if is_python_absent() {
        return;
    }
    let source = b"def f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\nfor n in range(980, 1010):\n    try:\n        f(n)\n    except RecursionError:\n        print(n)\n        break\n";
    let plain = run(source, "", b"", &format!("{} $DIR/main.py", python()));
    let driven = run_driver("program", "none", source, "", b"");
    assert_eq!((driven.stdout, driven.code), (plain.stdout, plain.code));
}

#[test]
fn programs_run_as_under_python() {
    if is_python_absent() {
        return;
    }
    let programs: [&str; 38] = [
        "print(input(), __name__, __file__)\nimport sys\nprint(sys.argv, sys.path[0])\n",
        "import sys\nprint(sum(map(int, sys.stdin.buffer.read().split()[1:])))\n",
        "print(open(0).read())\n",
        "exit()",
        "quit(3)",
        "import sys\nprint(1)\nsys.exit('bad end')",
        "raise SystemExit",
        "raise SystemExit(300)",
        "raise SystemExit(-1)",
        "raise SystemExit(True)",
        "raise SystemExit([1])",
        "import sys\nprint(1)\nsys.exit((0,))",
        "import sys\nprint(1)\nsys.exit(())",
        "import sys\ntry:\n    sys.exit((0,))\nfinally:\n    print(1)\n",
        "import sys\ncode = (0,)\ndef f():\n    sys.exit(code)\nf()\n",
        "import sys\nprint((1, 2))\nif len(sys.argv) > 3: sys.exit()\n1 / 0\n",
        "import sys\nfor code in (2 ** 40,): sys.exit(code)\n",
        "def f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\nprint(f(997))\n",
        "print(__annotations__, __cached__)\nx: int = 1\nprint(__annotations__)\n",
        "def f(n):\n    return 1 // n\n\ndef g():\n    f(0)\n\nprint('x')\ng()\n",
        "try:\n    {}['a']\nexcept KeyError:\n    raise ValueError('é\\ud800')\n",
        "def f(): f()\ntry:\n    f()\nexcept RecursionError:\n    print('deep')\n",
        "import atexit\natexit.register(print, 'at exit')\nprint('end')\n",
        "import threading, time\ndef late():\n    time.sleep(0.2)\n    print('late')\nthreading.Thread(target=late).start()\n",
        "import threading\nt = threading.Thread(target=lambda: 1 / 1)\nt.start()\nt.join()\nprint(len([1]))\n",
        "class A:\n    def __del__(self):\n        print('gone')\na = A()\n",
        "out = open(1, 'w', closefd=False)\nout.write('unflushed')\n",
        "def g():\n    try:\n        yield 1\n    finally:\n        print('closed')\nx = g()\nnext(x)\n",
        "import io, os, sys\nclass F(io.IOBase):\n    def __init__(self):\n        self.b = io.BytesIO()\n    def flush(self):\n        os.write(1, self.b.getvalue())\n        self.b = io.BytesIO()\n    def write(self, s):\n        self.b.write(s.encode())\nsys.stdout = F()\nprint('fast')\n",
        "import sys\nsys.stdout.write('no newline')\nsys.stdout.close()\n",
        "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n    y: 'int' = 2\nprint(P(1), P.__module__)\n",
        "from __future__ import annotations\nimport __main__\nx = 5\nprint(__main__.x)\n",
        "import sys\nsys.excepthook = lambda *a: print('hooked', a[0].__name__)\n1/0\n",
        "import sys\nsys.setrecursionlimit(10**6)\ndef f(n):\n    return n and 1 + f(n - 1)\nprint(f(5000))\n",
        "import sys\nprint(sorted(k for k in ('exit', 'quit', 'help', 'x') if hasattr(__builtins__, k)))\n",
        "import os\nprint('lost', end='')\nos._exit(4)\n",
        "print(1\n",
        "def f():\n\treturn 1\n        return 2\n",
    ];
    for program in programs {
        check_as_python(program.as_bytes(), "3\n1 2 3\n");
    }
    check_as_python(b"# -*- coding: latin-1 -*-\nprint('\xe9')\n", "");
    check_as_python(b"\xef\xbb\xbfprint('\xc3\xa9')\r\nprint(2)\r\n", "");
    check_as_python(b"", "");
}

#[test]
fn sources_that_do_not_compile_are_recorded() {
    if is_python_absent() {
        return;
    }
    let call = call_of("f", &[], &[]);
    for source in
        [&b"def f(:\n"[..], b"x = 1\0\n", b"print('\xe9')\n", b"return 1", "(".repeat(500).as_bytes()]
    {
        for mode in ["program", "function"] {
            let ran = run_driver(mode, "contest", source, "", &call);
            assert!(matches!(ran.record, Some(DriverRecord::Syntax(_))), "{mode} {:?}", ran.record);
            assert_eq!(ran.code, Some(1));
            assert!(!ran.stderr.contains("driver"), "{}", ran.stderr);
        }
    }
    assert_eq!(run_driver("program", "none", b"1/0", "", b"").record, None);
}

#[test]
fn the_lazy_prelude_binds_what_the_star_imports_bind() {
    if is_python_absent() {
        return;
    }
    let check = r#"
import sys
sys.path.insert(0, sys.argv[1])
import driver
driver.restore_builtins()
modules = driver._MODULES.split()
text = "".join(f"from {m} import *\n" for m in modules + ["builtins", "typing"])
text += "".join(f"import {m}\n" for m in modules)
textual = {}
exec(text, textual)
table = driver.prelude_table()
lazy = driver.bind_prelude({}, "contest", set(table))
import builtins
for name, value in textual.items():
    if name.startswith("__") or getattr(builtins, name, driver) is value:
        continue
    got = lazy.get(name, driver)
    same = got is value or (type(got) is type(value) and got == value)
    if not same and name not in ("Match", "Pattern"):
        print("differs:", name, got, value)
print("checked", len(textual) > 300)
"#;
    let command = format!("{} -B $DIR/main.py $DIR", python());
    let ran = run(check.as_bytes(), "", b"", &command);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("checked True\n", ""));
}

#[test]
fn programs_find_the_prelude() {
    if is_python_absent() {
        return;
    }
    let check = |source: &str, stdout: &str| {
        let ran = run_driver("program", "contest", source.as_bytes(), "1 2\n", b"");
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), (stdout, ""), "{source}");
        let bare = run_driver("program", "none", source.as_bytes(), "1 2\n", b"");
        assert!(bare.stderr.contains("NameError"), "{source}: {}", bare.stderr);
    };
    check("print(gcd(6, 4), inf, Counter('a')['a'])", "2 inf 1\n");
    check("def f():\n    return [deque([1])[0] for _ in range(2)]\nprint(f())", "[1, 1]\n");
    check(
        "class A:\n    x = List\n    def f(self, a: Optional[int]) -> str: return sqrt(4)\nprint(A().f(1))",
        "2.0\n",
    );
    check("print(eval('ceil(1.5)'), globals()['math'].pi > 3)", "2 True\n");
    check("print(stdin.readline().split(), maxsize > 1, sys.version > '')", "['1', '2'] True True\n");
    check("n = TreeNode(1, ListNode(2))\nprint(n.left.val, n.right)", "2 None\n");
    check(
        "@lru_cache(None)\ndef f(n): return n and 1 + f(n - 1)\nprint(f(100))\ndef g(n): return n and 1 + g(n - 1)\nprint(g(40000))",
        "100\n40000\n",
    );
    check("gcd = gcd\nprint(gcd(4, 6))", "2\n");
    // Names that only look like the prelude's cost nothing.
    let source = b"import sys\nA = input().split()\ndef sub(x): return x\nprint(sub(A), 're' in sys.modules, 'collections' in sys.modules)";
    assert_eq!(run_driver("program", "contest", source, "1\n", b"").stdout, "['1'] False False\n");
}

#[test]
fn functions_are_found_only_where_unambiguous() {
    if is_python_absent() {
        return;
    }
    let found = |source: &str| {
        let ran = call(source, "f", "[1]");
        assert_eq!(ran.record, Some(DriverRecord::Ok(Value::Int(2))), "{source}: {}", ran.stderr);
        assert_eq!(ran.code, Some(0));
    };
    found("def g(x): return 0\ndef f(x): return x + 1\n");
    found("f = lambda x: x + 1");
    found("class Solution:\n    def f(self, x): return x + 1\n");
    found("class Solution:\n    @staticmethod\n    def f(x): return x + 1\n");
    found(
        "class Solution:\n    @classmethod\n    def f(cls, x): return x + 1\nclass Other:\n    def f(self, x): return 0\n",
    );
    found("class Solver:\n    def f(self, x): return x + 1\nclass Node:\n    pass\n");
    found(
        "class Solver:\n    def __init__(self, need): pass\n    @staticmethod\n    def f(x): return x + 1\n",
    );
    found("def add_one(x): return _help(x)\ndef _help(x): return x + 1\n");
    found("class Solution:\n    def addOne(self, x: List[int]) -> int: return x + 1\n");
    found(
        "import functools\n@functools.lru_cache\ndef f(x): return x + 1\nif __name__ == '__main__':\n    print(f(int(input())))\n",
    );
    // A star import of the name hides nothing; a name that was assigned counts as defined.
    let merge = |source: &str| {
        let ran = call(source, "merge", "[1]");
        assert_eq!(ran.record, Some(DriverRecord::Ok(Value::Int(2))), "{source}: {}", ran.stderr);
    };
    merge("from heapq import *\nclass Solution:\n    def merge(self, x): return x + 1\n");
    merge("import functools\ndef add(x, y): return x + y\nmerge = functools.partial(add, 1)\n");
    merge("import heapq\ndef merge(x): return x + 1\nheapq.merge = merge\n");
    merge("def merge(x): return eval('x + 1')\n");
    let imported = call("from math import gcd\n", "gcd", "[4, 6]");
    assert_eq!(imported.record, Some(DriverRecord::Ok(Value::Int(2))));
    for source in [
        "def g(x): return 2\ndef h(x): return 2\n",
        "class A:\n    def f(self, x): return 2\nclass B:\n    def f(self, x): return 2\n",
        "class Solution:\n    def g(self, x): return 2\n    def h(self, x): return 2\n",
        "def g(x): return 2\nclass Solution:\n    def h(self, x): return 2\n",
        "from math import *\n",
        "from operator import sub as f\ndef g(x): return 2\ndef h(x): return 2\nf = 1\n",
        "x = 1\n",
    ] {
        let ran = call(source, "f", "[1]");
        assert!(matches!(ran.record, Some(DriverRecord::Missing(_))), "{source}: {:?}", ran.record);
        assert_eq!(ran.code, Some(1));
    }
    let kwargs = [("b".to_owned(), Value::Int(3))];
    let with_name = call_of("f", &[Value::Int(5)], &kwargs);
    let ran = run_driver("function", "none", b"def f(a, b): return a - b", "", &with_name);
    assert_eq!(ran.record, Some(DriverRecord::Ok(Value::Int(2))));
}

#[test]
fn results_cross_as_plain_data() {
    if is_python_absent() {
        return;
    }
    for (expression, expected) in [
        (
            "(1, [2.5, None], {'a': b'x', 3: {4}}, 10**20, -1j, True)",
            "(1, [2.5, None], {'a': b'x', 3: {4}}, 100000000000000000000, -1j, True)",
        ),
        ("collections.namedtuple('P', 'x y')(1, 2)", "(1, 2)"),
        ("deque([1, 2])", "[1, 2]"),
        ("Counter('aab')", "{'a': 2, 'b': 1}"),
        ("collections.OrderedDict(a=1)", "{'a': 1}"),
        ("defaultdict(list, {1: [2]})", "{1: [2]}"),
        ("range(3)", "[0, 1, 2]"),
        ("map(abs, [-1])", "[1]"),
        ("(i for i in (1, 2))", "[1, 2]"),
        ("{1: 2}.items()", "[(1, 2)]"),
        ("{1: 2}.keys()", "[1]"),
        ("bytearray(b'ab')", "b'ab'"),
        ("__import__('array').array('i', [1, 2])", "[1, 2]"),
        ("__import__('decimal').Decimal('2.50')", "2.5"),
        ("__import__('decimal').Decimal('12E+3')", "12000"),
        ("__import__('decimal').Decimal('1E+999999')", "inf"),
        ("Fraction(4, 2)", "2"),
        ("Fraction(1, 2)", "0.5"),
        ("frozenset([(1, 2)])", "[(1, 2)]"),
        ("'\\ud800é'", "'\\ud800é'"),
        ("[nan, -inf]", "[nan, -inf]"),
        ("ListNode(1, ListNode(2))", "[1, 2]"),
        ("TreeNode(1, None, TreeNode(2, TreeNode(3)))", "[1, None, 2, 3]"),
        ("Same(7)", "7"),
        ("Liar([1, 2])", "[1, 2]"),
        ("__import__('enum').Enum('I', 'A').A", "1"),
        ("[object()]", "unsupported:builtins.object"),
        ("Same", "unsupported:builtins.type"),
        ("Any()", "unsupported:solution.Any"),
        ("Pretender()", "unsupported:solution.Pretender"),
        ("MetaPretender()", "unsupported:solution.MetaPretender"),
        ("ring()", "unsupported:a linked list that comes back to itself"),
        ("Point(1, [Point(2, None)])", "{'x': 1, 'y': [{'x': 2, 'y': None}]}"),
        ("__import__('collections').namedtuple('N', 'a b')(1, 2)", "(1, 2)"),
        ("__import__('collections').UserList([1, (2,)])", "[1, [2]]"),
        ("__import__('collections').ChainMap({'a': 1}, {'a': 2, 'b': 3})", "{'a': 1, 'b': 3}"),
        ("Counter('aab')", "{'a': 2, 'b': 1}"),
        ("defaultdict(list, {1: [2]})", "{1: [2]}"),
        ("datetime.datetime(2020, 1, 2, 3)", "'2020-01-02T03:00:00'"),
        ("datetime.date(2020, 1, 2)", "'2020-01-02'"),
        ("datetime.timedelta(minutes=1)", "60.0"),
        ("1 + 2j", "1+2j"),
        ("itertools.count()", "unsupported:a value of more than"),
        ("cycle()", "unsupported:a value nested too deep"),
    ] {
        let source = format!(
            "class Same(int):\n    def __eq__(self, other): return True\n    def __add__(self, other): return 0\n\
             class Liar(list):\n    def __iter__(self): return iter([9])\n    def __eq__(self, other): return True\n\
             class Any:\n    def __eq__(self, other): return True\n\
             class Pretender:\n    __class__ = list\n    def __iter__(self): return iter([1])\n\
             class Meta(type):\n    __mro__ = (list, object)\n    def __eq__(self, other): return True\n    \
             def __hash__(self): return hash(list)\n\
             class MetaPretender(metaclass=Meta): pass\n\
             from dataclasses import dataclass\n\
             @dataclass\nclass Point:\n    x: int\n    y: object\n\
             def ring():\n    a = ListNode(1)\n    a.next = a\n    return a\n\
             def cycle():\n    a = []\n    a.append(a)\n    return a\n\
             def f():\n    return {expression}\n"
        );
        let ran = call(&source, "f", "[]");
        if let Some(name) = expected.strip_prefix("unsupported:") {
            let is_right =
                matches!(&ran.record, Some(DriverRecord::Unsupported(text)) if text.starts_with(name));
            assert!(is_right, "{expression}: {:?} {}", ran.record, ran.stderr);
            continue;
        }
        let Some(DriverRecord::Ok(value) | DriverRecord::Exact { value, .. }) = ran.record else {
            panic!("{expression}: {:?} {}", ran.record, ran.stderr)
        };
        assert_eq!(
            compare_value(Rule::TOKENS, &value, &parse_python(expected).unwrap()),
            Comparison::Match,
            "{expression}"
        );
    }
}

#[test]
fn what_is_rounded_crosses_as_exact_text_too() {
    if is_python_absent() {
        return;
    }
    for (expression, text, typed) in [
        ("[__import__('decimal').Decimal('1.10')]", "['1.10']", "[Decimal('1.10')]"),
        ("{'a': (Fraction(1, 3), 2.5)}", "{'a': ('1/3', 2.5)}", "{'a': (Fraction(1, 3), 2.5)}"),
        ("datetime.date(2024, 2, 29)", "'2024-02-29'", "datetime.date(2024, 2, 29)"),
        (
            "datetime.datetime(2024, 2, 29, 1, 2, 3)",
            "'2024-02-29 01:02:03'",
            "datetime.datetime(2024, 2, 29, 1, 2, 3)",
        ),
        (
            "datetime.datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=datetime.timezone.utc)",
            "'2024-02-29 01:02:03.000004+00:00'",
            "datetime.datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=datetime.timezone.utc)",
        ),
        ("datetime.time(1, 2)", "'01:02:00'", "datetime.time(1, 2)"),
        ("datetime.timedelta(1, 2)", "'1 day, 0:00:02'", "datetime.timedelta(days=1, seconds=2)"),
        ("datetime.timedelta(0, 0, -1)", "'-1 day, 23:59:59.999999'", "datetime.timedelta(0, 0, -1)"),
        ("[Colour.RED, 2]", "['r', 2]", "[Colour.RED, 2]"),
    ] {
        let enumeration = "from enum import Enum\nclass Colour(Enum):\n    RED = 'r'\n";
        let ran = call(&format!("{enumeration}def f(): return {expression}\n"), "f", "[]");
        let Some(DriverRecord::Exact { text: got, typed: got_typed, .. }) = ran.record else {
            panic!("{expression}: {:?} {}", ran.record, ran.stderr)
        };
        assert_eq!(got, parse_python(text).unwrap(), "{expression}");
        let comparison = compare_value(Rule::EXACT, &got_typed, &parse_python(typed).unwrap());
        assert_eq!(comparison, Comparison::Match, "{expression}");
    }
    // An iterator can be gone through once only.
    let once = call("def f(): return iter([Fraction(1, 3)])\n", "f", "[]");
    assert!(matches!(once.record, Some(DriverRecord::Exact { .. })), "{:?}", once.record);
}

/// Every pair of values, by the interpreter's own `==` and by ours.
#[test]
fn typed_values_are_equal_where_the_interpreter_says_so() {
    if is_python_absent() {
        return;
    }
    const TEXTS: [&str; 30] = [
        "0",
        "1",
        "True",
        "0.5",
        "0.1",
        "1.0",
        "1e3",
        "1000",
        "complex(1, 0)",
        "'1'",
        "None",
        "float('inf')",
        "Decimal('1')",
        "Decimal('1.00')",
        "Decimal('0.1')",
        "Decimal('0.5')",
        "Decimal('1E+3')",
        "Decimal('-0')",
        "Decimal('Infinity')",
        "Decimal(0.1)",
        "Fraction(1, 2)",
        "Fraction(1, 10)",
        "Fraction(3, 3)",
        "Fraction(1000)",
        "datetime.date(2024, 2, 29)",
        "datetime.datetime(2024, 2, 29)",
        "datetime.timedelta(days=1)",
        "datetime.timedelta(hours=24)",
        "Colour.RED",
        "Colour.BLUE",
    ];
    // What reads no float as a Decimal does not read these either.
    let read: Vec<(&str, Value)> =
        TEXTS.iter().filter_map(|text| parse_python(text).ok().map(|value| (*text, value))).collect();
    assert_eq!(read.len(), TEXTS.len() - 1);
    let source = format!(
        "import datetime, enum\nfrom decimal import Decimal\nfrom fractions import Fraction\n\
         class Colour(enum.Enum):\n    RED = 1\n    BLUE = 'b'\n\
         values = [{}]\nfor a in values: print(''.join('01'[a == b] for b in values))\n",
        read.iter().map(|(text, _)| *text).collect::<Vec<_>>().join(", ")
    );
    let ran = run(source.as_bytes(), "", b"", &format!("{} $DIR/main.py", python()));
    let rows: Vec<&[u8]> = ran.stdout.lines().map(str::as_bytes).collect();
    assert_eq!(rows.len(), read.len(), "{}", ran.stderr);
    for ((text, value), row) in read.iter().zip(rows) {
        for ((other_text, other), equal) in read.iter().zip(row) {
            assert_eq!(python_equal(value, other), *equal == b'1', "{text} {other_text}");
            let is_match = compare_value(Rule::TOKENS, value, other).is_match();
            assert!(is_match || *equal == b'0', "{text} {other_text}");
        }
    }
}

/// What is expected is written as the code that makes it; what is returned is made by the interpreter.
#[test]
fn what_is_expected_as_code_is_what_the_interpreter_makes_of_it() {
    if is_python_absent() {
        return;
    }
    let source = |code: &str| {
        format!(
            "import datetime, enum\nfrom decimal import Decimal\nfrom collections import *\n\
             class Colour(enum.Enum):\n    RED = 1\n    BLUE = 'b'\ndef f(): return {code}\n"
        )
    };
    for code in [
        "Decimal('1.50')",
        "[Fraction(1, 3), {'a': datetime.date(2024, 2, 29)}]",
        "deque([1, 2, 3])",
        "Counter({'a': 2, 'b': 1})",
        "OrderedDict([('b', 1), ('a', 2)])",
        "defaultdict(list, {1: [2]})",
        "frozenset({1, 2})",
        "complex(1, float('inf'))",
        "{Colour.RED: Colour.BLUE}",
        "TreeNode(1, TreeNode(2, None, TreeNode(4)), TreeNode(3))",
        "range(5, 0, -2)",
        "datetime.timedelta(days=-1, seconds=5)",
        "datetime.datetime(2024, 2, 29, 1, 2, 3, 4)",
        "bytearray(b'ab')",
    ] {
        let nodes = "\nclass TreeNode:\n    def __init__(self, val=0, left=None, right=None):\n        self.val, self.left, self.right = val, left, right\n";
        let ran = call(&format!("{}{nodes}", source(code)), "f", "[]");
        let returned = match ran.record {
            Some(DriverRecord::Ok(value) | DriverRecord::Exact { typed: value, .. }) => value,
            other => panic!("{code}: {other:?} {}", ran.stderr),
        };
        let expected = parse_python(code).unwrap().into_data();
        assert_eq!(compare_value(Rule::TOKENS, &returned, &expected), Comparison::Match, "{code}");
    }
}

#[test]
fn lists_become_nodes_where_the_annotation_asks_for_nodes() {
    if is_python_absent() {
        return;
    }
    let method = |body: &str| format!("class Solution:\n    {body}\n");
    for (source, args, expected) in [
        (method("def f(self, head: Optional[ListNode]) -> Optional[ListNode]: return head.next"), "[[1, 2, 3]]", "[2, 3]"),
        (method("def f(self, head: Optional[ListNode]) -> Optional[ListNode]: return head.next"), "[[1]]", "[]"),
        (method("def f(self, head: Optional[ListNode]): return head is None"), "[[]]", "True"),
        (method("def f(self, k: int, lists: List[Optional[ListNode]]): return [l and l.val for l in lists]"), "[1, [[5, 6], [], [7]]]", "[5, None, 7]"),
        (method("def f(self, root: Optional[TreeNode]) -> int: return root.right.left.val"), "[[1, None, 2, 3]]", "3"),
        (method("def f(self, root: 'TreeNode') -> 'TreeNode': return root"), "[[1, None, 2, 3]]", "[1, None, 2, 3]"),
        (method("def f(self, nums: List[int]): return nums"), "[[1, 2]]", "[1, 2]"),
        (
            "class ListNode:\n    def __init__(self, val, next=None):\n        self.val, self.next = val, next\n        self.mine = 1\ndef f(head: ListNode): return head.mine + head.next.val\n".to_owned(),
            "[[1, 2]]",
            "3",
        ),
    ] {
        let ran = call(&source, "f", args);
        let Some(DriverRecord::Ok(value)) = ran.record else { panic!("{source}: {:?} {}", ran.record, ran.stderr) };
        let comparison = compare_value(Rule::TOKENS, &value, &parse_python(expected).unwrap());
        assert_eq!(comparison, Comparison::Match, "{source}");
    }
}

#[test]
fn calls_that_fail_are_recorded() {
    if is_python_absent() {
        return;
    }
    let raised = |source: &str, text: &str| {
        let ran = call(source, "f", "[]");
        assert_eq!(ran.record, Some(DriverRecord::Raised(text.to_owned())), "{source}");
        assert_eq!(ran.code, Some(1));
        assert!(!ran.stderr.contains("driver"), "{}", ran.stderr);
    };
    raised("def f(): return 1 // 0", "ZeroDivisionError: integer division or modulo by zero");
    raised("def f(): raise SystemExit(0)", "SystemExit: 0");
    raised("exit()", "SystemExit: None");
    raised("import sys\ndef f(): sys.exit()", "SystemExit");
    raised("def f():\n    yield 1\n    raise KeyError('k')", "KeyError: 'k'");
    raised(
        "class E(Exception):\n    def __str__(self): return 1 / 0\ndef f(): raise E",
        "E: (its text cannot be had)",
    );
    raised("x = input()\ndef f(): return 1", "EOFError: EOF when reading a line");
    raised("def f(x): return 1", "TypeError: f() missing 1 required positional argument: 'x'");
    let gone = call("import os\ndef f(): os._exit(0)", "f", "[]");
    assert_eq!((gone.record, gone.code), (None, Some(0)));
    let printing = call("print('noise')\ndef f():\n    print('more')\n    return 1", "f", "[]");
    assert_eq!(
        (printing.record, printing.stdout.as_str()),
        (Some(DriverRecord::Ok(Value::Int(1))), "noise\nmore\n")
    );
    let large = call("def f(n): return ['x' * 10] * n", "f", "[300000]");
    let Some(DriverRecord::Large(large)) = large.record else { panic!("a large record") };
    assert!(matches!(large.node().value(), Value::List(items) if items.len() == 300_000));
}

fn field<'a>(row: &'a Value, name: &str) -> &'a Value {
    let Value::Dict(pairs) = row else { panic!("not an object") };
    pairs.iter().find(|(key, _)| *key == Value::str(name)).map_or(&Value::None, |(_, value)| value)
}

fn text(value: &Value) -> &str {
    let Value::Str(text) = value else { panic!("not a string") };
    std::str::from_utf8(text).unwrap()
}

/// The verdict's word for one labelled call, by the driver and the comparison.
fn judge(solution: &str, test: &Value) -> (&'static str, String) {
    let Value::List(args) = field(test, "args") else { panic!("arguments are a list") };
    let call = call_of(text(field(test, "fn_name")), args, &[]);
    let ran = run_driver("function", "contest", solution.as_bytes(), "", &call);
    match ran.record {
        Some(DriverRecord::Ok(value)) => match compare_value(Rule::TOKENS, &value, field(test, "expected")) {
            Comparison::Match => ("accepted", String::new()),
            Comparison::Mismatch { explanation } => ("wrong_answer", explanation),
        },
        other => ("runtime_error", format!("{other:?} {}", ran.stderr)),
    }
}

#[test]
fn labelled_calls_get_their_label() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/labelled");
    if is_python_absent() {
        return;
    }
    // Of the larger set a part, to keep the test short; each file has one call or more in a row.
    for (file, each, tests_a_row) in [("quixbugs_python", 1, usize::MAX), ("leetcode_newfacade", 8, 1)] {
        let Ok(rows) = std::fs::read_to_string(format!("{folder}/{file}.jsonl")) else {
            eprintln!("notice: ../shared/data/labelled/{file}.jsonl is absent; nothing ran on it");
            continue;
        };
        for line in rows.lines().step_by(each) {
            let row = parse_json(line).unwrap();
            let Value::List(tests) = field(&row, "tests") else { panic!("tests are a list") };
            let solution = text(field(&row, "solution"));
            let failed = tests
                .iter()
                .take(tests_a_row)
                .map(|test| judge(solution, test))
                .find(|(verdict, _)| *verdict != "accepted");
            let (verdict, explanation) = failed.unwrap_or(("accepted", String::new()));
            let id = text(field(&row, "id"));
            assert_eq!(verdict, text(field(&row, "expected_verdict")), "{id}: {explanation}");
        }
    }
}
