//! The submissions, with the verdict of each test.

use proofbox::{
    limits::Limits,
    submission::{CodeKind, CodeTest, CodeTests, Submission, Tests},
    verdict::Verdict::{self, Accepted, MemoryLimit, RuntimeError, TimeLimit, Undecided, WrongAnswer},
};

use crate::support::program;

/// One submission and the verdict of each of its tests.
pub struct Case {
    pub name: &'static str,
    pub source: &'static str,
    pub setup: &'static str,
    pub entry_point: &'static str,
    pub kind: CodeKind,
    pub tests: &'static [(&'static str, Verdict)],
    pub isolation: &'static str,
}

impl Case {
    pub const PLAIN: Case = Case {
        name: "",
        source: "",
        setup: "",
        entry_point: "",
        kind: CodeKind::Assert,
        tests: &[],
        isolation: "separate",
    };

    pub fn submission(&self) -> Submission {
        let test = |(code, _): &(&str, Verdict)| CodeTest { kind: self.kind, code: (*code).to_owned() };
        let tests = CodeTests {
            setup: self.setup.to_owned(),
            entry_point: (!self.entry_point.is_empty()).then(|| self.entry_point.to_owned()),
            tests: self.tests.iter().map(test).collect(),
            separate_only: false,
        };
        Submission {
            tests: Tests::Code(tests),
            limits: Limits { cpu_ms: 500, wall_ms: 1_500, memory_bytes: 256 << 20, ..Limits::default() },
            ..program(self.source, &[])
        }
    }
}

pub static CROSSING: [Case; 11] = [
    Case {
        name: "plain values, exactly",
        source: "
import collections, datetime, decimal, fractions
def same(x): return x
def values():
    return [2**100, -2**63, -0.0, 1e308, 1+2j, b'\\x00\\xff', bytearray(b'x'), '\\ud800é', None, True, (1, (2,)),
        {1: (2, 3), 'a': [4]}, {5, 6}, frozenset([7]), range(1, 9, 2), decimal.Decimal('1.10'),
        fractions.Fraction(1, 3), datetime.datetime(2024, 2, 29, 1, 2, 3, 4), datetime.date(1, 1, 1),
        datetime.timedelta(1, 2, 3), datetime.time(1, 2, tzinfo=datetime.timezone.utc), collections.deque([1, 2], 3),
        collections.Counter('aab'), collections.defaultdict(list, {1: [2]}),
        collections.OrderedDict([('b', 1), ('a', 2)]), ..., {1: 2}.keys()]
",
        setup: "
import collections, datetime, decimal, fractions, math
VALUES = [2**100, -2**63, -0.0, 1e308, 1+2j, b'\\x00\\xff', bytearray(b'x'), '\\ud800é', None, True, (1, (2,)),
    {1: (2, 3), 'a': [4]}, {5, 6}, frozenset([7]), range(1, 9, 2), decimal.Decimal('1.1'), fractions.Fraction(1, 3),
    datetime.datetime(2024, 2, 29, 1, 2, 3, 4), datetime.date(1, 1, 1), datetime.timedelta(1, 2, 3),
    datetime.time(1, 2, tzinfo=datetime.timezone.utc), collections.deque([1, 2], 3), collections.Counter('aab'),
    collections.defaultdict(list, {1: [2]}), collections.OrderedDict([('b', 1), ('a', 2)]), ..., {1: 2}.keys()]
",
        tests: &[
            ("for got, wanted in zip(values(), VALUES):\n    assert got == wanted and type(got) is type(wanted), (got, wanted)\nassert len(values()) == len(VALUES)", Accepted),
            ("for value in VALUES:\n    got = same(value)\n    assert got == value and type(got) is type(value), value", Accepted),
            ("assert math.isnan(same(math.inf - math.inf)) and same(-math.inf) == -math.inf and math.copysign(1, same(-0.0)) == -1", Accepted),
            ("assert str(values()[15]) == '1.10' and values()[21].maxlen == 3 and list(values()[24]) == ['b', 'a']", Accepted),
            ("assert values()[9] is True and same(1) is not True", Accepted),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "arguments changed in place, and what is the same stays the same",
        source: "
def sort(xs): xs.sort()
def twice(x): return [x, x]
def same(x): return x
def deep(d): d['a'].append(1); d['b'] = d['a']; d['s'].add(3)
def grow(q, d):
    q.appendleft(0); d['new'].append(1)
",
        tests: &[
            ("a = [3, 1, 2]; assert sort(a) is None; assert a == [1, 2, 3]", Accepted),
            ("a = [1]; b = [a, a]; assert same(b) is b and same(b)[0] is a", Accepted),
            ("x = []; p = twice(x); assert p[0] is x and p[0] is p[1]", Accepted),
            ("l = []; d = {'a': l, 's': {1}}; deep(d); assert d == {'a': [1], 'b': [1], 's': {1, 3}} and d['b'] is l", Accepted),
            ("a = [1]; a.append(a); assert same(a) is a", Accepted),
            ("from collections import deque, defaultdict\nq = deque([1]); d = defaultdict(list); grow(q, d)\nassert list(q) == [0, 1] and d == {'new': [1]}", Accepted),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "exceptions",
        source: "
class Empty(LookupError):
    def __init__(self, where):
        super().__init__('nothing in ' + where)
        self.where = where
def take(xs):
    if not xs: raise Empty('list')
    return xs[0]
def key(): return {}['k']
def divide(a, b): return a / b
def fails(): assert 1 == 2, 'own'
def leave(): import sys; sys.exit(3)
",
        tests: &[
            ("try:\n    take([]); assert False\nexcept Empty as error:\n    assert error.where == 'list' and str(error) == 'nothing in list'\n    assert isinstance(error, LookupError)", Accepted),
            ("try:\n    key(); assert False\nexcept KeyError as error:\n    assert error.args == ('k',)", Accepted),
            ("import unittest\nwith unittest.TestCase().assertRaises(ZeroDivisionError): divide(1, 0)", Accepted),
            ("try:\n    leave(); assert False\nexcept SystemExit as error:\n    assert error.code == 3 or error.args == (3,)", Accepted),
            ("take([])", RuntimeError),
            ("fails()", RuntimeError),
            ("leave()", RuntimeError),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "callbacks",
        source: "
def apply(f, xs, *, times=1): return [f(x) for x in xs for _ in range(times)]
def ordered(xs, key): return sorted(xs, key=key)
def compose(f, g): return lambda x: f(g(x))
def counts(items, seen):
    for item in items: seen(item)
def caught(f):
    try: f()
    except ValueError as error: return 'caught ' + str(error)
def total(xs): return sum(xs)
",
        tests: &[
            ("assert apply(lambda x: x * 2, [1, 2], times=2) == [2, 2, 4, 4]", Accepted),
            ("seen = []; counts(iter([1, 2]), seen.append); assert seen == [1, 2]", Accepted),
            ("assert ordered(['bb', 'a'], key=len) == ['a', 'bb'] and ordered([1, 2], lambda x: -x) == [2, 1]", Accepted),
            ("assert compose(lambda x: x + 1, lambda x: x * 2)(5) == 11", Accepted),
            ("import operator, functools\nassert apply(functools.partial(operator.add, 1), [1]) == [2] and apply(str, [1]) == ['1']", Accepted),
            ("def bad(): raise ValueError('from the tests')\nassert caught(bad) == 'caught from the tests'", Accepted),
            ("assert total(x for x in [1, 2]) == 3 and total(iter([1])) == 1 and total(map(int, '12')) == 3", Accepted),
        ],
        isolation: "shared",
        ..Case::PLAIN
    },
    Case {
        name: "classes and their instances",
        source: "
class Stack:
    LIMIT = 3
    def __init__(self, items=()): self.items = list(items)
    def push(self, x): self.items.append(x); return self
    @property
    def top(self): return self.items[-1]
    @staticmethod
    def make(): return Stack([1])
    @classmethod
    def named(cls): return cls.__name__
    def __len__(self): return len(self.items)
    def __iter__(self): return iter(self.items)
    def __contains__(self, x): return x in self.items
    def __getitem__(self, i): return self.items[i]
    def __setitem__(self, i, x): self.items[i] = x
    def __eq__(self, other): return isinstance(other, Stack) and self.items == other.items
    def __lt__(self, other): return self.items < other.items
    def __hash__(self): return hash(tuple(self.items))
    def __add__(self, other): return Stack(self.items + list(other))
    def __repr__(self): return 'Stack(%r)' % self.items
    def __enter__(self): return self
    def __exit__(self, *error): self.items.clear(); return True
    def __call__(self, x): return x in self.items
class Deep(Stack): pass
",
        tests: &[
            ("s = Stack().push(1).push(2); assert len(s) == 2 and list(s) == [1, 2] and s.top == 2 and s[0] == 1", Accepted),
            ("s = Stack([1]); assert 1 in s and 5 not in s and s(1) and not s(2) and bool(s) and not Stack()", Accepted),
            ("assert repr(Stack([1])) == str(Stack([1])) == 'Stack([1])' and f'{Stack([2])}' == 'Stack([2])'", Accepted),
            ("assert Stack([1]) == Stack([1]) and Stack([1]) != Stack([2]) and Stack([1]) < Stack([2])", Accepted),
            ("assert len({Stack([1]), Stack([1]), Stack([2])}) == 2 and sorted([Stack([2]), Stack([1])])[0].top == 1", Accepted),
            ("with Stack([1]) as s: raise ValueError('swallowed')\nassert len(s) == 0", Accepted),
            ("assert Stack.LIMIT == 3 and Stack.make().top == 1 and Deep.named() == 'Deep'", Accepted),
            ("d = Deep([1]); assert isinstance(d, Stack) and isinstance(d, Deep) and issubclass(Deep, Stack) and type(d).__name__ == 'Deep'", Accepted),
            ("s = Stack([1]); s[0] = 9; s.items = [7]; assert s.items == [7] and s.push(1) is s and hasattr(s, 'top') and not hasattr(s, 'nope')", Accepted),
            ("assert (Stack([1]) + Stack([2])).items == [1, 2] and (Stack([1]) + [2]).items == [1, 2]", Accepted),
            ("s = Stack([1]); s.nope", RuntimeError),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "named tuples, enums, dataclasses, subclasses of values",
        source: "
from collections import namedtuple
from dataclasses import dataclass, field
from enum import Enum, IntEnum
Point = namedtuple('Point', 'x y')
class Color(Enum):
    RED = 1
    BLUE = 2
class Level(IntEnum):
    LOW = 1
@dataclass(order=True)
class Item:
    name: str
    tags: list = field(default_factory=list)
def point(): return Point(1, 2)
def red(): return Color.RED
def low(): return Level.LOW
class Items(list): pass
def items(): return Items([1, 2])
",
        tests: &[
            ("p = point(); assert p == (1, 2) and p.x == 1 and isinstance(p, tuple) and p == Point(1, 2)\na, b = p; assert b == 2", Accepted),
            ("assert red() is Color.RED and Color(1) is red() and Color['BLUE'].value == 2 and [c.name for c in Color] == ['RED', 'BLUE']", Accepted),
            ("assert low() == 1 and low() + 1 == 2 and {Color.RED: 5}[red()] == 5", Accepted),
            ("i = Item('a', [1]); assert i == Item('a', [1]) and i.tags == [1] and repr(i) == \"Item(name='a', tags=[1])\" and Item('a') < Item('b')", Accepted),
            ("assert items() == [1, 2] and items() != [1] and len(items()) == 2 and list(items()) == [1, 2]", Accepted),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "generators and iterators",
        source: "
def count():
    number = 0
    while True:
        sent = yield number
        number = number + 1 if sent is None else sent
def squares(n): return (x * x for x in range(n))
def total(xs): return sum(xs)
",
        tests: &[
            ("from itertools import islice\nassert list(islice(count(), 3)) == [0, 1, 2]", Accepted),
            ("g = count(); next(g); assert g.send(7) == 7; g.close()\nassert list(g) == []", Accepted),
            ("assert list(squares(4)) == [0, 1, 4, 9] and sum(squares(3)) == 5 and 4 in squares(5)", Accepted),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "objects of the tests' own in the solution",
        source: "
def read(thing): return thing.value + thing.twice() + thing.part.value
def link(node, other): node.next = other; return node
def length(node): return 0 if node is None else 1 + length(node.next)
def kind(thing): return type(thing).__name__, len(thing), list(thing), thing['k']
",
        setup: "
class Thing:
    def __init__(self, value, part=None): self.value, self.part, self.next = value, part, None
    def twice(self): return self.value * 2
    def __len__(self): return 2
    def __iter__(self): return iter([1, 2])
    def __getitem__(self, key): return key + '!'
",
        tests: &[
            ("assert read(Thing(1, Thing(5))) == 8", Accepted),
            ("a, b = Thing(1), Thing(2); assert link(a, b) is a and a.next is b and length(a) == 2", Accepted),
            ("assert kind(Thing(1)) == ('Thing', 2, [1, 2], 'k!')", Accepted),
        ],
        isolation: "shared",
        ..Case::PLAIN
    },
    Case {
        name: "numpy",
        source: "
import numpy as np
def ones(n): return np.ones((n, 2), dtype=np.float32)
def mean(xs): return np.mean(xs)
def double(a): return a * 2
",
        setup: "import numpy as np\n",
        tests: &[
            ("a = ones(3); assert a.shape == (3, 2) and a.dtype == np.float32 and (a == 1).all()", Accepted),
            ("assert mean([1, 2, 3]) == 2.0 and isinstance(mean([1]), np.float64)", Accepted),
            ("assert np.array_equal(double(np.array([1, 2])), np.array([2, 4])) and np.allclose(ones(1), [[1, 1]])", Accepted),
            ("assert np.array_equal(double(np.array([1, 2])), np.array([2, 5]))", WrongAnswer),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "what the tests put around a call",
        source: "
def greet(): print('hello', input('name? '))
def read_all(): import sys; return sys.stdin.read()
def helper(x): return x
def uses(x): return helper(x)
",
        setup: "import io, sys\nfrom contextlib import redirect_stdout\nfrom unittest.mock import patch\n",
        tests: &[
            ("out = io.StringIO()\nwith redirect_stdout(out), patch('builtins.input', return_value='you'): greet()\nassert out.getvalue() == 'hello you\\n'", Accepted),
            ("with patch('sys.stdin', io.StringIO('text')): assert read_all() == 'text'", Accepted),
            ("with patch('solution.helper', return_value=42): assert uses(1) == 42\nassert uses(1) == 1", Accepted),
        ],
        isolation: "shared",
        ..Case::PLAIN
    },
    Case {
        name: "a result that holds itself, and one that cannot be copied",
        source: "
def loop():
    xs = [1]
    xs.append(xs)
    return xs
def file(): return open('/dev/null')
class Node:
    def __init__(self, value): self.value, self.next = value, self
",
        tests: &[
            ("xs = loop(); assert xs[0] == 1 and xs[1] is xs", Accepted),
            ("assert file().read() == ''", Accepted),
            ("n = Node(1); assert n.next is n and n.next.next.value == 1", Accepted),
        ],
        ..Case::PLAIN
    },
];

pub static FORMS: [Case; 15] = [
    Case {
        name: "HumanEval's check",
        source: "def add(a, b):\n    return a + b\n",
        entry_point: "add",
        kind: CodeKind::Check,
        tests: &[
            ("METADATA = {}\ndef check(candidate):\n    assert candidate(1, 2) == 3\n", Accepted),
            ("def check(candidate):\n    assert candidate(1, 2) == 4\n", WrongAnswer),
            ("def check(candidate):\n    assert candidate(1, 2) == 3\ncheck(add)", Accepted),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "a method as entry point",
        source: "class Solution:\n    def count(self, s, c): return s.count(c)\n",
        entry_point: "Solution().count",
        kind: CodeKind::Check,
        tests: &[
            ("def check(candidate):\n    assert candidate(s='aba', c='a') == 2", Accepted),
            (
                "def check(candidate):\n    assert candidate(s='aba', c='a') == 2\ncheck(Solution().count)",
                Accepted,
            ),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "no entry point for check",
        source: "def add(a, b): return a + b",
        kind: CodeKind::Check,
        tests: &[("def check(candidate): assert candidate(1, 2) == 3", Undecided)],
        ..Case::PLAIN
    },
    Case {
        name: "a missing entry point",
        source: "def sub(a, b): return a - b",
        entry_point: "add",
        kind: CodeKind::Check,
        tests: &[("def check(candidate): assert candidate(1, 2) == 3", RuntimeError)],
        ..Case::PLAIN
    },
    Case {
        name: "set-up, names of the solution's, a function called like a builtin",
        source: "import math\nRATE = 3\ndef sum(a, b): return a + b + RATE\n",
        setup: "BASE = 10\ndef helper(x): return x + BASE\n",
        tests: &[
            ("assert sum(1, 2) == 6", Accepted),
            ("import math\nassert helper(sum(1, 2)) == 16 and math.pi > 3", Accepted),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "of several builtins that are called, the entry point's is tested",
        source: "def sum(xs): return 7\ndef abs(x): return 0\n",
        tests: &[("assert abs(sum([1, 2]) - 3) < 1e-9", WrongAnswer)],
        entry_point: "sum",
        ..Case::PLAIN
    },
    Case {
        name: "of several builtins that every test calls none can be told to be tested",
        source: "def sum(xs): return 7\ndef abs(x): return 0\n",
        tests: &[("assert abs(sum([1, 2]) - 3) < 1e-9", Undecided)],
        ..Case::PLAIN
    },
    Case {
        name: "skipped tests say nothing",
        source: "def f(x): return x",
        kind: CodeKind::Unittest,
        tests: &[
            (
                "import unittest\n@unittest.skip('now')\nclass T(unittest.TestCase):\n    def test_it(self): self.assertEqual(f(1), 1)",
                Undecided,
            ),
            (
                "import unittest\nclass T(unittest.TestCase):\n    @unittest.skipIf(1, 'now')\n    def test_it(self): self.assertEqual(f(1), 2)",
                Undecided,
            ),
            (
                "import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n        if f(1) == 1: self.skipTest('easy')",
                RuntimeError,
            ),
            (
                "import unittest\nclass T(unittest.TestCase):\n    @unittest.skip('now')\n    def test_no(self): pass\n    def test_it(self): self.assertEqual(f(1), 1)",
                Accepted,
            ),
            (
                "import unittest\nclass T(unittest.TestCase):\n    @unittest.skip('now')\n    def test_no(self): pass\n    def test_it(self): self.assertEqual(f(1), 2)",
                WrongAnswer,
            ),
            (
                "import unittest\nclass T(unittest.TestCase):\n    @unittest.expectedFailure\n    def test_it(self): self.assertEqual(f(1), 2)",
                Accepted,
            ),
            (
                "import unittest\nclass T(unittest.TestCase):\n    @unittest.expectedFailure\n    def test_it(self): self.assertEqual(f(1), 1)",
                WrongAnswer,
            ),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "skipped tests of pytest's form say nothing",
        source: "def f(x): return x",
        kind: CodeKind::Pytest,
        tests: &[
            ("import unittest\ndef test_it(): raise unittest.SkipTest('now')", Undecided),
            (
                "import unittest\ndef test_no(): raise unittest.SkipTest('now')\ndef test_it(): assert f(1) == 1",
                Accepted,
            ),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "tests that are broken",
        source: "def f(x): return x",
        tests: &[
            ("assert f(1 == 1", Undecided),
            ("assert undefined_thing == f(1)", Undecided),
            ("import no_such_module\nassert f(1)", Undecided),
            ("1 / 0", Undecided),
            ("assert f(1) == 1", Accepted),
        ],
        isolation: "shared",
        ..Case::PLAIN
    },
    Case {
        name: "unittest",
        source: "
class Calc:
    def add(self, a, b): return a + b
    def divide(self, a, b):
        if b == 0: raise ZeroDivisionError('no')
        return a / b
",
        kind: CodeKind::Unittest,
        tests: &[
            (
                "
import unittest
from solution import Calc
class TestCalc(unittest.TestCase):
    def setUp(self): self.calc = Calc()
    def test_add(self):
        self.assertEqual(self.calc.add(1, 2), 3)
        for n in range(3):
            with self.subTest(n=n): self.assertEqual(self.calc.add(n, n), 2 * n)
    def test_divide(self):
        with self.assertRaisesRegex(ZeroDivisionError, 'no'): self.calc.divide(1, 0)
        self.assertAlmostEqual(self.calc.divide(1, 3), 0.3333333)
    @unittest.skip('not now')
    def test_skipped(self): self.fail()
if __name__ == '__main__':
    unittest.main()
",
                Accepted,
            ),
            (
                "import unittest, main\nclass T(unittest.TestCase):\n    def test_add(self): self.assertEqual(main.Calc().add(1, 2), 4)",
                WrongAnswer,
            ),
            (
                "import unittest\nfrom main import *\nclass T(unittest.TestCase):\n    def test_raises(self): Calc().divide(1, 0)",
                RuntimeError,
            ),
            (
                "import unittest\nfrom solution import Nothing\nclass T(unittest.TestCase):\n    def test_it(self): pass",
                RuntimeError,
            ),
            ("import unittest\nclass T(unittest.TestCase):\n    pass", Undecided),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "pytest's form",
        source: "def add(a, b): return a + b",
        kind: CodeKind::Pytest,
        tests: &[
            (
                "from solution import add\ndef test_add(): assert add(1, 2) == 3\nclass TestMore:\n    def setup_method(self): self.n = 2\n    def test_more(self): assert add(self.n, 2) == 4",
                Accepted,
            ),
            (
                "from solution import add\ndef test_add(): assert add(1, 2) == 3\ndef test_wrong(): assert add(1, 2) == 4",
                WrongAnswer,
            ),
            ("from solution import add\ndef helper(): pass", Undecided),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "what takes pytest itself",
        source: "def add(a, b):\n    if a is None: raise ValueError('none')\n    return a + b\ndef show(): print('shown')\n",
        kind: CodeKind::Pytest,
        tests: &[
            (
                "
import pytest
from solution import add, show
@pytest.fixture
def two(): return 2
@pytest.mark.parametrize('a, b, c', [(1, 2, 3), (2, 2, 4)])
def test_add(a, b, c): assert add(a, b) == c
def test_raises():
    with pytest.raises(ValueError, match='none'): add(None, 1)
def test_near(): assert add(0.1, 0.2) == pytest.approx(0.3)
def test_fixture(two): assert add(two, 1) == 3
def test_shown(capsys):
    show()
    assert capsys.readouterr().out == 'shown\\n'
",
                Accepted,
            ),
            (
                "import pytest\n@pytest.mark.parametrize('n', [1, 2])\ndef test_it(n): assert add(n, 1) == 2",
                WrongAnswer,
            ),
            (
                "def test_path(tmp_path):\n    (tmp_path / 'x').write_text('1')\n    assert add(1, 1) == 2",
                Accepted,
            ),
            ("import pytest\nfrom solution import add\ndef test_it(): add(None, 1)", RuntimeError),
        ],
        isolation: "shared",
        ..Case::PLAIN
    },
    Case {
        name: "tests that need the solution in their process",
        source: "import random\nclass Base:\n    def name(self): return 'base'\ndef draw(): return random.random()\nasync def later(): return 3\n",
        tests: &[
            ("class Derived(Base): pass\nassert Derived().name() == 'base'", Accepted),
            (
                "import random\nrandom.seed(1); first = random.random(); random.seed(1)\nassert draw() == first",
                Accepted,
            ),
            ("import asyncio\nassert asyncio.run(later()) == 3", Accepted),
            ("import inspect\nassert inspect.getsource(draw).startswith('def draw')", Accepted),
            ("assert draw() == 5", WrongAnswer),
        ],
        isolation: "shared",
        ..Case::PLAIN
    },
    Case {
        name: "asserts after others that changed the solution's state",
        source: "total = 0\ndef add(n):\n    global total\n    total += n\n    return total\n",
        tests: &[("assert add(1) == 1", Accepted), ("assert add(2) == 3", Accepted)],
        ..Case::PLAIN
    },
];

pub static ENDS: [Case; 7] = [
    Case {
        name: "computes for ever in one test",
        source: "def f(x):\n    while x == 2: pass\n    return x\n",
        tests: &[
            ("assert f(1) == 1", Accepted),
            ("assert f(2) == 2", TimeLimit),
            ("assert f(3) == 3", Accepted),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "sleeps for ever",
        source: "import time\ndef f(x): time.sleep(100)\n",
        tests: &[("f(1)", TimeLimit)],
        ..Case::PLAIN
    },
    Case {
        name: "takes all memory",
        source: "def f():\n    xs = []\n    while True: xs.append(b'x' * (4 << 20))\n",
        tests: &[("f()", MemoryLimit)],
        ..Case::PLAIN
    },
    Case {
        name: "every test has the limit, not all together",
        source: "import time\ndef f():\n    end = time.process_time() + 0.3\n    while time.process_time() < end: pass\n    return 1\n",
        tests: &[("assert f() == 1", Accepted), ("assert f() == 1", Accepted), ("assert f() == 1", Accepted)],
        ..Case::PLAIN
    },
    Case {
        name: "crashes",
        source: "import os, signal\ndef f(x):\n    if x: os.kill(os.getpid(), signal.SIGSEGV)\n    return x\n",
        tests: &[("f(1)", RuntimeError), ("assert f(0) == 0", Accepted)],
        ..Case::PLAIN
    },
    Case {
        name: "the tests' own code goes on for ever, or leaves",
        source: "def f(): return 1\n",
        tests: &[
            ("while True: pass\nassert f() == 1", Undecided),
            ("assert f() == 1\nwhile True: pass", TimeLimit),
            ("f(); import sys; sys.exit(0)", Undecided),
            // In one process it cannot be told whose end it is.
            ("f(); import os; os._exit(0)", RuntimeError),
            ("assert f() == 1", Accepted),
        ],
        isolation: "shared",
        ..Case::PLAIN
    },
    Case {
        name: "fails while it is loaded",
        source: "raise ValueError('at import')\n",
        tests: &[("assert True", RuntimeError), ("assert f()", RuntimeError)],
        ..Case::PLAIN
    },
];

/// What a solution says over the link by itself, in place of our code.
macro_rules! says {
    ($answers:literal) => {
        concat!(
            "
import os, json
def say(message):
    data = json.dumps(message).encode()
    os.write(7, len(data).to_bytes(4, 'little') + data)
def hear():
    length = int.from_bytes(os.read(6, 4), 'little')
    return json.loads(os.read(6, length))
say([['r', [-2], None], [], [['h', 1, 0, None], ['t', 'f', [1]]], [], []])
hear()
",
            $answers,
            "
hear()
os._exit(0)
"
        )
    };
}

pub static CHEATS: [Case; 27] = [
    Case {
        name: "answers without end, so as not to be judged",
        source: "
import itertools, sys
def endless(): return itertools.count()
def huge(): return range(10**15)
def deep():
    x = []
    for _ in range(300): x = [x]
    return x
def back(x): return x
",
        tests: &[
            ("assert sum(huge()) == 3", TimeLimit),
            ("assert sum(endless()) == 3", TimeLimit),
            ("assert back(deep()) == 3", WrongAnswer),
            ("assert undefined_helper(1) == back(1)", RuntimeError),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "leaves early, in every way",
        source: "
import os, sys, threading, atexit
def f(how):
    if how == 0: sys.exit(0)
    if how == 1: os._exit(0)
    if how == 2: os.execv('/usr/bin/true', ['true'])
    if how == 3: threading.Thread(target=os._exit, args=(0,)).start(); threading.Event().wait()
    if how == 4: raise SystemExit(0)
    if how == 5: os.kill(os.getppid(), 9); os.kill(os.getpid(), 15)
    if how == 6: raise KeyboardInterrupt
",
        tests: &[
            ("f(0); assert f(9) == 1", RuntimeError),
            ("f(1); assert f(9) == 1", RuntimeError),
            ("f(2); assert f(9) == 1", RuntimeError),
            ("f(3); assert f(9) == 1", RuntimeError),
            ("f(4); assert f(9) == 1", RuntimeError),
            ("f(5); assert f(9) == 1", RuntimeError),
            ("f(6); assert f(9) == 1", RuntimeError),
            ("try: f(1)\nexcept BaseException: pass", RuntimeError),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "leaves while it is loaded",
        source: "import os\nos._exit(0)\n",
        tests: &[("assert f(1) == 1", RuntimeError), ("pass", RuntimeError)],
        ..Case::PLAIN
    },
    Case {
        name: "equals everything",
        source: "
class Any:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
    def __sub__(self, other): return 0
    def __rsub__(self, other): return 0
    def __abs__(self): return 0
    def __lt__(self, other): return True
    def __le__(self, other): return True
    def __ge__(self, other): return True
    def __contains__(self, other): return True
    def __getattr__(self, name): return self
class Int(int):
    def __eq__(self, other): return True
    def __sub__(self, other): return 0
    __hash__ = int.__hash__
class Text(str):
    def __eq__(self, other): return True
    __hash__ = str.__hash__
class List(list):
    def __eq__(self, other): return True
def f(): return Any()
def i(): return Int(1)
def s(): return Text('x')
def l(): return List([1])
def nested(): return [Any(), (Any(),), {1: Any()}]
",
        tests: &[
            ("assert f() == 3", WrongAnswer),
            ("assert not f() != 3", WrongAnswer),
            ("assert 3 == f()", WrongAnswer),
            ("assert abs(f() - 3) < 1e-6", RuntimeError),
            ("assert abs(3 - f()) < 1e-6", RuntimeError),
            ("assert f() <= 3 <= f()", RuntimeError),
            ("assert 3 in f()", Undecided),
            ("assert f() in [1, 2, 3]", WrongAnswer),
            ("assert i() == 2", WrongAnswer),
            ("assert abs(i() - 2) < 1e-6", WrongAnswer),
            ("assert s() == 'y'", WrongAnswer),
            ("assert l() == [2]", WrongAnswer),
            ("assert nested() == [1, (2,), {1: 3}]", WrongAnswer),
            ("import math\nassert math.isclose(f(), 3)", RuntimeError),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "a class in place of the function",
        source: "
class add:
    def __init__(self, a, b): pass
    def __eq__(self, other): return True
    def __sub__(self, other): return 0
    def __contains__(self, other): return True
",
        tests: &[
            ("assert add(1, 2) == 3", WrongAnswer),
            ("assert abs(add(1, 2) - 3) < 1e-9", RuntimeError),
            ("assert 3 in add(1, 2)", Undecided),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "overrides the builtins that the tests use",
        source: "
def len(x): return 3
def set(x): return 1
def sorted(x, key=None): return 1
def isinstance(x, y): return True
def f(): return [9]
",
        tests: &[
            ("assert len(f()) == 3", WrongAnswer),
            ("import builtins, solution\nassert builtins.len(f()) == solution.len(f())", WrongAnswer),
            ("assert set(f()) == set([1])", WrongAnswer),
            ("assert sorted(f()) == sorted([1])", WrongAnswer),
            ("assert isinstance(f(), dict)", WrongAnswer),
        ],
        isolation: "shared",
        ..Case::PLAIN
    },
    Case {
        name: "breaks the interpreter that it shares with nobody",
        source: "import builtins\nbuiltins.len = lambda x: 3\ndef f(): return [9]\n",
        tests: &[("assert len(f()) == 3", RuntimeError)],
        ..Case::PLAIN
    },
    Case {
        name: "patches what judges are made of",
        source: "
import unittest, sys, json, marshal
unittest.TestCase.assertEqual = lambda *a, **k: None
unittest.TestCase.run = lambda *a, **k: None
json.loads = lambda *a: True
marshal.dumps = lambda *a: b''
sys.excepthook = lambda *a: None
sys.modules['tests_of_solution'] = sys.modules['solution']
def check(candidate): pass
def f(): return 1
",
        kind: CodeKind::Unittest,
        tests: &[(
            "import unittest\nfrom solution import f\nclass T(unittest.TestCase):\n    def test_f(self): self.assertEqual(f(), 2)",
            WrongAnswer,
        )],
        ..Case::PLAIN
    },
    Case {
        name: "forges records on every descriptor, and says that all is well",
        source: "
import marshal, os
print('OK\\n1 passed', flush=True)
def f():
    for nonce in ('', 'NONCE', '0' * 32):
        record = marshal.dumps((nonce, 0, 'passed', '', 1), 2)
        frame = len(record).to_bytes(4, 'little') + record
        for fd in range(64):
            if fd not in (6, 7):
                try: os.write(fd, frame)
                except OSError: pass
    return 1
",
        tests: &[("assert f() == 2", WrongAnswer)],
        ..Case::PLAIN
    },
    Case {
        name: "makes its own process say something else",
        source: "
import gc
def f():
    # The server's own tables: whatever is done to them is done to this side.
    for thing in gc.get_objects():
        if type(thing).__name__ == 'SolutionSide':
            thing.send = lambda *a: None
    return 1
",
        tests: &[("assert f() == 2", TimeLimit), ("assert f() == 1", TimeLimit)],
        ..Case::PLAIN
    },
    Case {
        name: "answers as it may",
        source: says!("say([['r', 3, None], [], [], [], []])"),
        tests: &[("assert f() == 3", Accepted)],
        ..Case::PLAIN
    },
    Case {
        name: "names an object that equals everything",
        source: says!("say([['r', ['g', 'unittest.mock', 'ANY'], None], [], [], [], []])"),
        tests: &[("assert f() == 3", RuntimeError)],
        ..Case::PLAIN
    },
    Case {
        name: "names a type that is no data",
        source: says!("say([['r', ['T', 'unittest.mock:Mock'], None], [], [], [], []])"),
        tests: &[("assert f() == 3", RuntimeError)],
        ..Case::PLAIN
    },
    Case {
        name: "names what raises nothing as an exception",
        source: says!(
            "say([['x', [-1], None], [], [['x', ['T', 'os:_exit'], [0], '', [], None, None, None, False]], [], []])"
        ),
        tests: &[("assert f() == 3", RuntimeError)],
        ..Case::PLAIN
    },
    Case {
        name: "claims the tests' own objects",
        source: says!("say([['r', [2], None], [], [], [], []])"),
        tests: &[("assert f() == 3", RuntimeError)],
        ..Case::PLAIN
    },
    Case {
        name: "claims to have changed what it was not given",
        source: says!("say([['r', 3, None], [], [], [[2, 1]], []])"),
        tests: &[("assert f() == 3", RuntimeError)],
        ..Case::PLAIN
    },
    Case {
        name: "gives a number twice",
        source: says!("say([['r', [1], None], [], [['l', 1, None, 3]], [], []])"),
        tests: &[("assert f() == 3", RuntimeError)],
        ..Case::PLAIN
    },
    Case {
        name: "gives a number of the tests'",
        source: says!("say([['r', [2], None], [], [['l', 2, None, 3]], [], []])"),
        tests: &[("assert f() == 3", RuntimeError)],
        ..Case::PLAIN
    },
    Case {
        name: "describes a class without a name",
        source: says!("say([['r', 3, None], [[1, 0, 0, None, [], [], None]], [], [], []])"),
        tests: &[("assert f() == 3", RuntimeError)],
        ..Case::PLAIN
    },
    Case {
        name: "derives a class from what is no data",
        source: says!(
            "say([['r', 3, None], [[1, 'm', 'C', None, [['T', 'bool']], [], 'bool']], [], [], []])"
        ),
        tests: &[("assert f() == 3", RuntimeError)],
        ..Case::PLAIN
    },
    Case {
        name: "has a class take over what the link keeps",
        source: says!(
            "say([['r', [3], None], [[1, 'm', 'C', None, [], ['__eq__', '__getattribute__', '__class__', '__init_subclass__', '_proofbox_number'], None]], [['h', 3, 1, None]], [], []])"
        ),
        tests: &[("assert f() == 3", WrongAnswer)],
        ..Case::PLAIN
    },
    Case {
        name: "binds a name of the tests' anew",
        source: says!("say([['r', 1, [-1]], [], [['t', 'abs', 3]], [], []])"),
        tests: &[("assert f() == 3", RuntimeError)],
        ..Case::PLAIN
    },
    Case {
        name: "asks in place of answering",
        source: says!(
            "say([['call', [-1], [-1], ['g', 'builtins', 'exec']], [], [['t', 'import os; os._exit(0)']], [], []])"
        ),
        tests: &[("assert f() == 3", RuntimeError)],
        ..Case::PLAIN
    },
    Case {
        name: "is of two minds",
        source: says!("say([['r', 3, None], [], [], [], []]); say([['r', 3, None], [], [], [], []])"),
        tests: &[("assert f() == 3 and f() == 4", WrongAnswer)],
        ..Case::PLAIN
    },
    Case {
        name: "sends what is no message, or too much of it",
        source: says!("os.write(7, b'\\xff' * 64)"),
        tests: &[("assert f() == 3", RuntimeError)],
        ..Case::PLAIN
    },
    Case {
        name: "sends nodes that nest without end",
        source: says!(
            "data = b'[[\"r\",' + b'[' * 200000 + b']' * 200000 + b',null],[],[],[],[]]'; os.write(7, len(data).to_bytes(4, 'little') + data)"
        ),
        tests: &[("assert f() == 3", RuntimeError)],
        ..Case::PLAIN
    },
    Case {
        name: "leaves a daemon that answers later",
        source: "
import os, time
def f():
    if os.fork() == 0:
        os.setsid()
        time.sleep(0.2)
        os.write(7, b'\\x00' * 64)
        os._exit(0)
    os._exit(0)
",
        tests: &[("assert f() == 3", RuntimeError)],
        ..Case::PLAIN
    },
];
