//! Short tests that share a process: nobody can tell.

mod support;

use std::process::Command;

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
use support::program;

/// An engine with one slot, whose short tests share a process or do not.
fn engine(series: bool) -> Engine {
    let config = EngineConfig { series, program: support::PROGRAM.into(), ..EngineConfig::for_testing(1) };
    Engine::start(&config).unwrap_or_else(|error| panic!("{error}"))
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
const PROGRAMS: [(&str, &str, u64); 22] = [
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
        let test =
            |n: i64| FunctionTest { args: vec![Value::Int(n)], kwargs: Vec::new(), accepted: accepted(n) };
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
const SMUGGLERS: [(&str, &str); 14] = [
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
    let counted = [("", "1\n"), ("", "2\n"), ("", "3\n"), ("", "4\n")];
    for (name, source) in SMUGGLERS {
        let bare = "import sys\ncode = compile(sys.argv[1], 'm', 'exec')\nsys.argv = ['m']\n\
                    for _ in range(4): exec(code, {'__name__': '__main__'})\n";
        let empty = tempfile::tempdir().unwrap();
        let output =
            Command::new("python3").args(["-I", "-c", bare, source]).current_dir(&empty).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n2\n3\n4\n", "{name}, bare: {output:?}");

        let asked = Submission { repeat: Repeat::Once, ..program(source, &counted) };
        let report = engine.verify(asked, Admit::Patient).await;
        let verdicts: Vec<_> = report.tests.iter().map(|test| test.verdict).collect();
        use Verdict::{Accepted, WrongAnswer};
        assert_eq!(verdicts, [Accepted, WrongAnswer, WrongAnswer, WrongAnswer], "{name}: {report:#?}");
        let printed: Vec<_> = report.tests.iter().map(|test| test.stdout.clone().unwrap()).collect();
        assert_eq!(printed, ["1\n"; 4], "{name}");
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
