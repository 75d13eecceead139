//! String hashes: random in every cell, though cells are forked from one interpreter.

mod support;

use std::collections::BTreeSet;

use proofbox::{
    admission::Admit,
    config::EngineConfig,
    report::Report,
    submission::{FunctionTarget, FunctionTest, Prelude, Repeat, Submission, Tests},
    value::Value,
    verdict::Verdict,
    verify::Engine,
};
use support::program;

const CELLS: usize = 5;

fn engine() -> Engine {
    let config = EngineConfig { program: support::PROGRAM.into(), ..EngineConfig::for_testing(1) };
    Engine::start(&config).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs that end well, in the tier where they are forked from a loaded interpreter.
async fn verified(engine: &Engine, submission: Submission) -> Report {
    let report = engine.verify(Submission { repeat: Repeat::Once, ..submission }, Admit::Patient).await;
    assert_eq!(report.tier, Some("namespaces"), "{report:?}");
    assert!(report.tests.iter().all(|test| test.exit_code == Some(0)), "{report:?}");
    report
}

/// What a program prints in each of several cells.
async fn printed(engine: &Engine, source: &str) -> Vec<String> {
    let mut printed = Vec::new();
    for _ in 0..CELLS {
        let report = verified(engine, program(source, &[("", "")])).await;
        printed.push(report.tests[0].stdout.clone().unwrap_or_default());
    }
    printed
}

fn different(printed: Vec<String>) -> usize {
    printed.into_iter().collect::<BTreeSet<_>>().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_shows_them_differs_from_cell_to_cell() {
    let engine = engine();
    for source in [
        "print(hash('abc'))",
        "print(hash(b'abc'), hash(('a', 1)), hash(frozenset('ab')))",
        "print({c for c in 'abcdefghijklmnop'})",
        "print(*set('abcdefghijklmnop'))",
        "print(dict.fromkeys('abcdefghijklmnop').keys() - {'a'})",
        "print(eval('ha' + 'sh')('abc'))",
        "import numpy\nprint(hash('abc'), numpy.arange(2))",
        "import sys\nprint(sys.modules['buil' + 'tins'].__dict__['ha' + 'sh']('abc'))",
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass A:\n    x: str\nprint(hash(A('a')))",
    ] {
        let printed = printed(&engine, source).await;
        assert_eq!(different(printed.clone()), CELLS, "{source}: {printed:?}");
    }
    // A loaded interpreter's seed is anything but known, but nothing that could tell runs here.
    let same = "print(*dict.fromkeys('abcdefgh'), 'abc' in {'abc': 1})";
    assert_eq!(different(printed(&engine, same).await), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_a_call_is_given_shows_them() {
    let engine = engine();
    let letters =
        || Value::Set("abcdefghijklmnop".chars().map(|letter| Value::str(&letter.to_string())).collect());
    let target = FunctionTarget { name: "f".to_owned() };
    let test = FunctionTest::new(vec![letters()], Vec::new(), &[Value::Int(1)]);
    let base = program("def f(letters):\n    print(*letters)\n    return 1\n", &[("", "")]);
    let mut printed = Vec::new();
    for _ in 0..CELLS {
        let tests = Tests::Function { target: target.clone(), tests: vec![test.clone()] };
        let report = verified(&engine, Submission { tests, prelude: Prelude::None, ..base.clone() }).await;
        printed.push(report.tests[0].stdout.clone().unwrap_or_default());
    }
    assert_eq!(different(printed.clone()), CELLS, "{printed:?}");
}

/// Goes through what the loaded interpreter keeps by strings: modules, types, caches, enumerations, codecs, and
/// leaves it to `hash` that its cell has hashes of its own.
const EVERYTHING: &str = r#"
import sys, re, json, enum, decimal, fractions, datetime, typing, collections, functools, random, string, statistics
import itertools, operator, copy, math, io, os, traceback, dataclasses, abc, contextlib, inspect, threading, time

seed_is_new = hash("x")
assert json.loads('{"a": [1, 2.5, null, true], "b": {"c": "d"}}') == {"a": [1, 2.5, None, True], "b": {"c": "d"}}
assert json.dumps({"z": 1, "a": (1, 2)}, sort_keys=True, indent=1)
assert re.compile(r"(?P<x>\d+)", re.I | re.M).sub(lambda m: m["x"] * 2, "a1") == "a11"
assert re.findall("[a-z]+", "ab 12 cd") == ["ab", "cd"]
class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"
assert Colour("red") is Colour.RED and Colour["BLUE"].value == "blue" and {Colour.RED: 1}[Colour.RED] == 1
assert str(decimal.Decimal("1.10") + 1) == "2.10" and fractions.Fraction("3/6") == fractions.Fraction(1, 2)
assert datetime.datetime.strptime("2024-02-29", "%Y-%m-%d").isoformat() == "2024-02-29T00:00:00"
assert typing.get_type_hints(lambda: 0) == {} and typing.List[int] == typing.List[int]
assert typing.Optional[typing.Union[int, str]] == typing.Union[int, str, None]
Point = collections.namedtuple("Point", "x y")
assert Point(x=1, y=2)._replace(x=3) == (3, 2)
ordered = collections.OrderedDict(a=1, b=2)
ordered.move_to_end("a")
assert ordered.popitem() == ("a", 1) and "b" in ordered
@functools.lru_cache(maxsize=2)
def cached(text):
    return text.upper()
assert [cached(c) for c in "abcabc"] == list("ABCABC") and cached.cache_info().currsize == 2
@dataclasses.dataclass(order=True)
class Item:
    name: str
    parts: list = dataclasses.field(default_factory=list)
assert Item("a") < Item("b") and dataclasses.asdict(Item("a")) == {"name": "a", "parts": []}
class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...
class Square(Shape):
    def area(self): return 4
assert Square().area() == 4 and isinstance([], collections.abc.Sequence) and issubclass(dict, collections.abc.Mapping)
assert inspect.signature(lambda a, *, b=1: 0).parameters["b"].default == 1
assert string.Template("$a").substitute(a=1) == "1" and "{:>5}|{!r}".format("a", "b") == "    a|'b'"
assert "é".encode("latin-1") == b"\xe9" and b"a".decode("ascii") == "a" and "ß".upper() == "SS"
for name, module in sorted(sys.modules.items()):
    assert sys.modules["".join(list(name))] is module
    for attribute in list(vars(module)):
        assert (attribute + " ")[:-1] in vars(module), (name, attribute)
for kind in object.__subclasses__():
    assert all((name + " ")[:-1] in kind.__dict__ for name in list(kind.__dict__)), kind
import ast, bisect, heapq, textwrap, uuid, calendar, difflib, hashlib, base64, zlib, struct, pickle
assert pickle.loads(pickle.dumps({"a": Colour.RED and {"b"}})) == {"a": {"b"}}
assert ast.literal_eval("{'a': {1, 2}}") == {"a": {1, 2}}
try:
    {}["missing"]
except KeyError:
    assert "KeyError: 'missing'" in traceback.format_exc()
thread = threading.Thread(target=lambda: None, name="t")
thread.start(); thread.join()
print(seed_is_new)
"#;

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_was_loaded_is_found_by_new_ones() {
    let engine = engine();
    for source in [EVERYTHING.to_owned(), format!("import numpy as np\n{EVERYTHING}\n{NUMPY}")] {
        let printed = printed(&engine, &source).await;
        assert_eq!(different(printed.clone()), CELLS, "{printed:?}");
    }
}

const NUMPY: &str = r#"
assert np.dtype("int32") == np.int32 and {np.dtype("f8"): 1}[np.dtype(float)] == 1
assert np.array([("a", 1)], dtype=[("x", "U1"), ("y", "i4")])["y"].sum() == 1
assert np.einsum("ij,jk->ik", np.eye(2), np.eye(2)).trace() == 2 and np.linalg.det(np.eye(3)) == 1
assert sorted(np.unique(["b", "a", "b"])) == ["a", "b"] and np.random.default_rng(1).integers(10) >= 0
assert all((name + " ")[:-1] in vars(np) for name in list(vars(np)))
"#;

/// The cells of a submission whose tests are many: each has hashes of its own, its tests share them.
#[tokio::test(flavor = "multi_thread")]
async fn tests_in_one_cell_share_them_and_all_are_right() {
    let engine = engine();
    let tests: Vec<(String, String)> = (0..30).map(|n| (n.to_string(), (2 * n).to_string())).collect();
    let tests: Vec<(&str, &str)> = tests.iter().map(|(given, wanted)| (&given[..], &wanted[..])).collect();
    let source = "import sys\nprint(2 * int(input()))\nprint(hash('abc'), file=sys.stderr)\n";
    let mut seen = BTreeSet::new();
    for _ in 0..2 {
        let report = verified(&engine, program(source, &tests)).await;
        assert_eq!(report.verdict, Verdict::Accepted, "{report:?}");
        seen.extend(report.tests.iter().filter_map(|test| test.stderr.clone()));
    }
    assert_eq!(seen.len(), 2, "{seen:?}");
}
