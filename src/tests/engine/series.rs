//! Short tests that share a process: nobody can tell.

use std::process::Command;

use crate::support::{program, start, testing_config};
use proofbox::{
    admission::Admit,
    config::EngineConfig,
    limits::Limits,
    report::{Report, TestReport},
    submission::{FunctionTarget, FunctionTest, Prelude, Repeat, Stop, Submission, Tests},
    value::Value,
    verdict::Verdict,
    verify::Engine,
};

/// An engine with one slot, whose short tests share a process or do not.
fn engine(series: bool) -> Engine {
    let config = EngineConfig { series, ..testing_config(1) };
    start(&config)
}

/// How many tests have shared a process so far.
fn shared(engine: &Engine) -> u64 {
    let metrics = engine.metrics().render(engine.admission());
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("proofbox_runs_in_series_total{language=\"python\"} "));
    line.map_or(0, |count| count.parse().unwrap())
}

/// What a report says of each test, but for what differs from run to run.
fn said(report: &Report) -> Vec<String> {
    let of_test = |test: &TestReport| {
        let ended = (test.exit_code, test.signal);
        format!("{} {ended:?} {:?} {:?}", test.verdict, test.stdout, test.stderr)
    };
    report.tests.iter().map(of_test).collect()
}

const NUMBERS: [(&str, &str); 6] =
    [("1\n", "1\n"), ("2\n", "2\n"), ("3\n", "3\n"), ("4\n", "4\n"), ("5\n", "5\n"), ("6\n", "6\n")];

/// A program's source, and how many of the six tests share a process at least.
const PROGRAMS: [(&str, &str, u64); 33] = [
    ("plain", "print(int(input()))\n", 5),
    ("by streams", "import sys\nsys.stdout.write(sys.stdin.readline())\n", 5),
    ("by bytes", "import sys\nsys.stdout.buffer.write(sys.stdin.buffer.read())\n", 5),
    ("unflushed and without an end of line", "print(input(), end='')\n", 5),
    ("ends by exit", "import sys\nprint(input())\nsys.exit()\n", 5),
    ("ends by exit code 0", "print(input())\nexit(0)\n", 5),
    (
        "more input than read",
        "print(input())\nprint(sum(1 for _ in range(10)), end='') if False else None\n",
        5,
    ),
    ("global state", "seen = []\nseen.append(input())\nprint(*seen)\n", 5),
    ("defaults", "def f(x, seen=[]):\n    seen.append(x)\n    return seen\nprint(*f(input()))\n", 5),
    ("class state", "class A:\n    n = 0\nA.n += int(input())\nprint(A.n)\n", 5),
    (
        "a cache",
        "import functools\n@functools.lru_cache(None)\ndef f(n):\n    return n if n < 2 else f(n - 1) + 1\nprint(f(int(input())))\n",
        5,
    ),
    (
        "recursion",
        "import sys\nsys.setrecursionlimit(10**6)\ndef f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\nprint(int(input()) + f(5000) - 5000)\n",
        5,
    ),
    (
        "expressions",
        "import re\nfrom typing import List\ndef f(x: List[int]) -> str:\n    return re.sub('a', '', 'a' + x)\nprint(f(input()))\n",
        5,
    ),
    (
        "a generator left open",
        "def g():\n    try:\n        yield 1\n    finally:\n        print('closed')\nh = g()\nnext(h)\nprint(input())\n",
        0,
    ),
    ("standard error", "import sys\nprint('note', file=sys.stderr)\nprint(input())\n", 5),
    ("fails on the third", "n = int(input())\nprint(n)\nassert n != 3, 'three'\n", 1),
    ("code 7 on the fourth", "import sys\nn = int(input())\nprint(n)\nsys.exit(7 if n == 4 else 0)\n", 2),
    ("wrong on the fifth", "n = int(input())\nprint(n if n != 5 else 'no')\n", 3),
    (
        "crashes on the second",
        "import sys\nn = int(input())\nprint(n, flush=True)\nsys.setrecursionlimit(10**9)\ndef f(): f()\nif n == 2: f()\n",
        0,
    ),
    (
        "slow on the third",
        "n = int(input())\nx = 0\nif n == 3:\n    for i in range(3_000_000): x += i\nprint(n)\n",
        1,
    ),
    ("much memory on the third", "n = int(input())\nif n == 3: x = [0] * 10**9\nprint(n)\n", 1),
    (
        "the deepest recursion that the limit allows",
        "def f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\nprint(f(997) - 997 + int(input()))\n",
        5,
    ),
    (
        "a recursion too deep, caught",
        "def f(n):\n    return 0 if n == 0 else 1 + f(n - 1)\nn = int(input())\ntry:\n    f(999)\nexcept RecursionError:\n    print(n)\n",
        5,
    ),
    ("an exit code that is none", "import sys\nprint(input())\nsys.exit((0,))\n", 0),
    (
        "an exit without a code",
        "import sys\nprint(input())\ntry:\n    sys.exit((0,))\nfinally:\n    pass\n",
        5,
    ),
    ("own names that builtins have", "id = int(input())\ndir = [(0, id)]\nprint(max(dir)[1])\n", 5),
    (
        "libraries",
        "import heapq as h, collections.abc, sys\nfrom math import *\nfrom collections import Counter, abc\nfrom functools import lru_cache\n@lru_cache(maxsize=None)\ndef f(n):\n    return Counter([n] * n)\nq = []\nh.heappush(q, f(int(sys.stdin.readline())).most_common()[0][0])\nif abc.Sized and collections.abc.Sized:\n    sys.stdout.write(str(floor(sqrt(q[0] ** 2))))\n",
        5,
    ),
    (
        "libraries in functions and classes",
        "from typing import List, Optional\nclass Node:\n    def __init__(self, name: str, next: 'Optional[Node]' = None):\n        self._value, self.next = name, next\ndef main() -> None:\n    import sys\n    def line() -> str:\n        return sys.stdin.readline().strip()\n    node = Node(line())\n    node.next = node\n    node._value += ''\n    print(node.next._value)\nmain()\n",
        5,
    ),
    (
        "a class looked at",
        "from copy import copy\nn = int(input())\nprint(copy(n) if type(n) is int else 0)\n",
        0,
    ),
    (
        "a builtin used under a name that becomes the program's own",
        "n = int(input())\nprint(n if id(n) == id(n) else 0)\nid = 0\n",
        0,
    ),
    (
        "the same, given an attribute",
        "print(input())\ndef f():\n    try: id.n += 1\n    except AttributeError: id.n = 1\n    return id.n\nf()\nid = 0\n",
        0,
    ),
    ("an address", "n = int(input())\nprint(n if id(n) else 0)\n", 0),
    ("much output on the third", "n = int(input())\nif n == 3: print('x' * 200 * 10**6)\nprint(n)\n", 1),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_test_is_as_in_a_process_of_its_own() {
    let (together, apart) = (engine(true), engine(false));
    for (name, source, least) in PROGRAMS {
        let submission = Submission { repeat: Repeat::Once, ..program(source, &NUMBERS) };
        let before = shared(&together);
        let [first, second] = [
            together.verify(submission.clone(), Admit::Patient).await,
            apart.verify(submission, Admit::Patient).await,
        ];
        assert_eq!(said(&first), said(&second), "{name}");
        let shared = shared(&together) - before;
        assert!(shared >= least, "{name}: {shared} tests shared a process, not {least}");
    }
    assert_eq!(shared(&apart), 0);
}

/// A function's source, and how many of its five calls share a process at least.
const FUNCTIONS: [(&str, &str, u64); 8] = [
    ("plain", "def f(n):\n    return n\n", 4),
    (
        "a method, with annotations",
        "class Solution:\n    def f(self, n: int) -> List[int]:\n        return [n]\n",
        4,
    ),
    ("state", "seen = []\ndef f(n):\n    seen.append(n)\n    return seen\n", 4),
    ("prints", "def f(n):\n    print('x' * n)\n    return n\n", 4),
    ("a long result", "def f(n):\n    return 'x' * (n * 100_000)\n", 4),
    ("a prelude's library", "def f(n):\n    return Counter([n] * n), np.array([n])\n", 0),
    ("raises on the third", "def f(n):\n    if n == 3:\n        raise ValueError(n)\n    return n\n", 1),
    ("nothing that can cross, on the third", "def f(n):\n    return f if n == 3 else n\n", 1),
];

/// What may come of a call with this argument.
fn accepted(n: i64) -> Vec<Value> {
    let long = vec![b'x'; n as usize * 100_000];
    vec![Value::Int(n), Value::List(vec![Value::Int(n)]), Value::Str(long)]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_as_in_a_process_of_its_own() {
    let (together, apart) = (engine(true), engine(false));
    for (name, source, least) in FUNCTIONS {
        let test = |n: i64| FunctionTest::new(vec![Value::Int(n)], Vec::new(), &accepted(n));
        let target = FunctionTarget { name: "f".to_owned() };
        let tests = Tests::Function { target, tests: (1..=5).map(test).collect() };
        let submission =
            Submission { repeat: Repeat::Once, tests, prelude: Prelude::Contest, ..program(source, &[]) };
        let before = shared(&together);
        let first = together.verify(submission.clone(), Admit::Patient).await;
        let second = apart.verify(submission, Admit::Patient).await;
        assert_eq!(said(&first), said(&second), "{name}");
        let results =
            |report: &Report| report.tests.iter().map(|test| test.result.clone()).collect::<Vec<_>>();
        assert_eq!(results(&first), results(&second), "{name}");
        let shared = shared(&together) - before;
        assert!(shared >= least, "{name}: {shared} calls shared a process, not {least}");
    }
}

/// Each counts the runs that it knows of. In one interpreter without protection it counts them all.
const SMUGGLERS: [(&str, &str); 35] = [
    (
        "a module",
        "import math\ntry:\n    math.n += 1\nexcept AttributeError:\n    math.n = 1\nprint(math.n)\n",
    ),
    (
        "a module under another name",
        "import math\ndef f():\n    m = math\n    try:\n        m.n += 1\n    except AttributeError:\n        m.n = 1\n    return m.n\nprint(f())\n",
    ),
    (
        "a library's class",
        "from collections import Counter\ndef f():\n    c = Counter\n    try:\n        c.n += 1\n    except AttributeError:\n        c.n = 1\n    return c.n\nprint(f())\n",
    ),
    (
        "a library's function",
        "import heapq\ndef f():\n    g = heapq.merge\n    try:\n        g.n.append(1)\n    except AttributeError:\n        g.n = [1]\n    return len(g.n)\nprint(f())\n",
    ),
    (
        "a library's list",
        "import typing\nkept = typing.EXCLUDED_ATTRIBUTES\nkept.append('x')\nprint(kept.count('x'))\n",
    ),
    ("the path", "import sys\nsys.path.append('x')\nprint(sys.path.count('x'))\n"),
    ("the arguments", "import sys\nsys.argv.append('x')\nprint(sys.argv.count('x'))\n"),
    (
        "the modules",
        "import sys\nkept = sys.modules.setdefault('kept', [])\nkept.append(1)\nprint(len(kept))\n",
    ),
    ("builtins", "import builtins\nbuiltins.n = getattr(builtins, 'n', 0) + 1\nprint(n)\n"),
    (
        "the recursion limit",
        "import sys\nn = max(0, sys.getrecursionlimit() - 20_000) + 1\nsys.setrecursionlimit(20_000 + n)\nprint(n)\n",
    ),
    (
        "the seed",
        "import random\nrandom.seed(random.choice([1])) if False else None\nstate = random.getstate()[1][:5]\nknown = [random.seed(k) or random.getstate()[1][:5] for k in (1, 2, 3)]\nn = known.index(state) + 2 if state in known else 1\nrandom.seed(n)\nprint(n)\n",
    ),
    (
        "a module that is handed on",
        "import sys\ndef f(s):\n    try: s.n += 1\n    except AttributeError: s.n = 1\n    return s.n\nprint(f(sys))\n",
    ),
    (
        "a module in a list",
        "import math\nkept = [math]\ntry: kept[0].n += 1\nexcept AttributeError: kept[0].n = 1\nprint(kept[0].n)\n",
    ),
    (
        "a module in a class",
        "class A:\n    import math\ntry: A.math.n += 1\nexcept AttributeError: A.math.n = 1\nprint(A.math.n)\n",
    ),
    (
        "a module in a module",
        "from heapq import *\nimport random\nkept = random._os\ntry: kept.n += 1\nexcept AttributeError: kept.n = 1\nprint(kept.n)\n",
    ),
    (
        "a module from a name's other meaning",
        "import sys as s\ndef f(n):\n    t = s if n else None\n    try: t.n += 1\n    except AttributeError: t.n = 1\n    return t.n\nprint(f(1))\n",
    ),
    (
        "a method of a library's class",
        "from collections import Counter\nf = Counter.most_common\ntry: f.n += 1\nexcept AttributeError: f.n = 1\nprint(f.n)\n",
    ),
    (
        "a method by an own class",
        "from fractions import Fraction\nclass A(Fraction): pass\nf = A.limit_denominator\ntry: f.n += 1\nexcept AttributeError: f.n = 1\nprint(f.n)\n",
    ),
    (
        "annotations of a library's function",
        "import re\nkept = re.sub.__annotations__\nkept['n'] = kept.get('n', 0) + 1\nprint(kept['n'])\n",
    ),
    (
        "an item of a library's list",
        "import typing\nkept = typing.EXCLUDED_ATTRIBUTES\nn = (kept[0] if type(kept[0]) is int else 0) + 1\nkept[0] = n\nprint(n)\n",
    ),
    (
        "the list of an enumeration's members",
        "import re\nkept = re.RegexFlag._member_names_\nkept.append('x')\nprint(kept.count('x'))\n",
    ),
    (
        "a name inside typing",
        "from typing import List\nn = List._name + 1 if type(List._name) is int else 1\nList._name = n\nprint(n)\n",
    ),
    ("the object behind exit", "try: exit.n += 1\nexcept AttributeError: exit.n = 1\nprint(exit.n)\n"),
    (
        "a pattern that asks for globals",
        "import heapq\nmatch heapq.merge:\n    case object(__globals__=kept):\n        kept['n'] = kept.get('n', 0) + 1\n        print(kept['n'])\n",
    ),
    (
        "what an exception met",
        "from collections import Counter\ntry: Counter.nothing\nexcept AttributeError as error: kept = error.obj\nkept.n = getattr(kept, 'n', 0) + 1\nprint(kept.n)\n",
    ),
    (
        "compiled in the program",
        "make = type(lambda: 0)\ncode = compile('import sys\\nsys.n = sys.n + 1 if hasattr(sys, \"n\") else 1\\nprint(sys.n)', 'm', 'exec')\nmake(code, {})()\n",
    ),
    (
        "a copy that is no copy",
        "import copy, heapq\nM = heapq.merge.__name__\nn = int(M) + 1 if M.isdigit() else 1\nA = type(type(1))('A', (), {'__reduce' + '_ex__': lambda self, p: (lambda: heapq.merge, (), (None, {'__name__': str(n)}))})\ncopy.copy(A())\nprint(n)\n",
    ),
    (
        "what a decorator sets",
        "import functools, heapq\nM = heapq.merge.__doc__\nn = int(M) + 1 if M.isdigit() else 1\ndef f(): pass\nf.__doc__ = str(n)\nfunctools.wraps(f)(heapq.merge)\nprint(n)\n",
    ),
    (
        "the registers of an abstract class",
        "import collections.abc\nkinds = [int, float, complex, bool]\nn = sum(isinstance(kind(), collections.abc.Sized) for kind in kinds[:3])\ncollections.abc.Sized.register(kinds[n])\nprint(n + 1 - (n == 3) + (n == 3))\n",
    ),
    (
        "a function of an exception that a library made",
        "import json\ntry: json.loads('{')\nexcept ValueError as error: f = type(error).__init__\ntry: f.n += 1\nexcept AttributeError: f.n = 1\nprint(f.n)\n",
    ),
    (
        "the type of an exception that a library made",
        "import re\ntry: re.compile('(')\nexcept Exception as error: kept = type(error)\ntry: kept.n += 1\nexcept AttributeError: kept.n = 1\nprint(kept.n)\n",
    ),
    (
        "a function of a value that a library made",
        "from functools import lru_cache\n@lru_cache\ndef f(): pass\ng = type(f.cache_info())._replace\ntry: g.n += 1\nexcept AttributeError: g.n = 1\nprint(g.n)\n",
    ),
    ("a file", "import os\nn = len(os.listdir('.')) + 1\nopen(str(n), 'w').close()\nprint(n)\n"),
    (
        "the environment",
        "import os\nn = int(os.environ.get('n', 0)) + 1\nos.environ['n'] = str(n)\nprint(n)\n",
    ),
    (
        "frames",
        "import sys\nf = sys._getframe()\nwhile f.f_back: f = f.f_back\nf.f_globals['n'] = f.f_globals.get('n', 0) + 1\nprint(f.f_globals['n'])\n",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_smuggled_from_one_test_to_the_next() {
    let engine = engine(true);
    // A series begins with the second test: what goes from run to run counts from there. Both ways are asked for.
    let [from_first, from_second] = [["1\n", "2\n", "3\n", "4\n"], ["1\n", "1\n", "2\n", "3\n"]];
    for (name, source) in SMUGGLERS {
        let bare = "import sys\ncode = compile(sys.argv[1], 'm', 'exec')\nsys.argv = ['m']\n\
                    for _ in range(4): exec(code, {'__name__': '__main__'})\n";
        let empty = tempfile::tempdir().unwrap();
        let output =
            Command::new("python3").args(["-I", "-c", bare, source]).current_dir(&empty).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n2\n3\n4\n", "{name}, bare: {output:?}");

        for counted in [from_first, from_second] {
            let tests = counted.map(|expected| ("", expected));
            let asked = Submission { repeat: Repeat::Once, ..program(source, &tests) };
            let report = engine.verify(asked, Admit::Patient).await;
            let right = |expected| match expected {
                "1\n" => Verdict::Accepted,
                _ => Verdict::WrongAnswer,
            };
            let verdicts: Vec<_> = report.tests.iter().map(|test| test.verdict).collect();
            assert_eq!(verdicts, counted.map(right), "{name}: {report:#?}");
            let printed: Vec<_> = report.tests.iter().map(|test| test.stdout.clone()).collect();
            // Shown where it is not what was expected.
            assert!(printed.iter().flatten().all(|printed| printed == "1\n"), "{name}: {printed:?}");
        }
    }
}

/// A first failure ends the rest; a failure is never that of a shared process.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_failure_is_one_of_its_own_process() {
    let engine = engine(true);
    // Wrong only where it has been carried out before.
    let source = "import math\ndef f():\n    m = math\n    try:\n        m.n += 1\n    except AttributeError:\n        m.n = 1\n    \
                  return m.n\nprint('no' if f() > 1 else input())\n";
    let asked = Submission { stop: Stop::FirstFailure, ..program(source, &NUMBERS) };
    let report = engine.verify(asked, Admit::Patient).await;
    assert_eq!(report.verdict, Verdict::Accepted, "{report:#?}");
}

/// Limits are each test's own.
#[tokio::test(flavor = "multi_thread")]
async fn limits_are_those_of_one_test() {
    let engine = engine(true);
    let tests: Vec<_> = (0..40).map(|_| ("", "ok\n")).collect();
    // 40 tests of some 20 ms each, with a limit of 200 ms.
    let source = "x = 0\nfor i in range(250_000): x += i\nprint('ok')\n";
    let limits = Limits { cpu_ms: 200, ..Limits::default() };
    let report = engine.verify(Submission { limits, ..program(source, &tests) }, Admit::Patient).await;
    assert_eq!((report.verdict, report.passed()), (Verdict::Accepted, 40), "{report:#?}");
}
