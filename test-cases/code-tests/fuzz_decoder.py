"""Says whatever comes to mind to the tests' side of the link (sandbox-images/python/code_tests), as a solution may.

    python3 -I -S -B fuzz_decoder.py DIRECTORY SECONDS [SEED]

DIRECTORY: where the driver's scripts lie, each joined from its files, as src/tests/engine/code_tests.rs writes them.

Every message must come out as data of the closed set of types, as stand-ins, as an exception marked as the solution's, or as
`Garbled`; nothing may be executed, imported, opened or started because of it. Ends with 1 and the message otherwise.
"""

import json
import os
import random
import sys
import time

ALLOWED = "int float complex bool str bytes bytearray list tuple dict set frozenset NoneType range slice ellipsis NotImplementedType deque OrderedDict Counter".split()
ALLOWED += "defaultdict Decimal Fraction UUID timedelta timezone date time datetime Pattern PosixPath PurePosixPath PureWindowsPath mappingproxy".split()
ALLOWED += "dict_keys dict_values dict_items type IPv4Address IPv6Address IPv4Network IPv6Network IPv4Interface IPv6Interface ZoneInfo".split()
LETTERS = list("tfvxuhnlsdyDOCFNIcbTkgaq") + ["", "zz", 7, None]
TYPES = "int object type bool str list builtins:ValueError builtins:SystemExit os:system subprocess:Popen subprocess:CalledProcessError unittest.mock:ANY".split()
TYPES += "builtins:eval builtins:type json.decoder:JSONDecodeError decimal:InvalidOperation decimal:Decimal :int a:b:c".split()
KINDS = "range slice ellipsis Decimal Fraction UUID timedelta timezone date time datetime Pattern PosixPath IPv4Address numpy dict_keys mappingproxy eval".split()
SPECIAL = "__eq__ __hash__ -__hash__ __init__ __new__ __getattribute__ __class__ __del__ __len__ __iter__ __call__ __reduce__ _proofbox_number append keys".split()
watched = []


def load(directory):
    def code_of(name):
        with open("%s/%s.py" % (directory, name)) as file:
            return compile(file.read(), name, "exec")

    driver = {"__name__": "proofbox_driver", "__builtins__": __builtins__}
    exec(code_of("driver"), driver)
    parts = driver["parts"]
    driver["load_parts"](code_of)
    return parts["values"], parts["asking"]


def watch(event, args):
    if watched and event.split(".")[0] in ("exec", "compile", "open", "os", "subprocess", "socket", "ctypes", "import", "pty", "shutil"):
        if event not in ("os.listdir",):
            watched.append((event, str(args)[:100]))


class Maker:
    """Messages that are nearly right."""

    def __init__(self, number):
        self.rnd = random.Random(number)
        self.next = 1
        self.kinds = 0
        # Whether everything may be wrong; else little is, so that what is inside is reached.
        self.is_wild = self.rnd.random() < 0.3
        self.given, self.made = [], 0

    def number(self):
        return self.rnd.choice([self.next, self.next + 2, 1, 2, 3, 4, 0, -1, -2, 10**30, 2.5, "1", None, True, self.rnd.randrange(1, 40)])

    def text(self):
        return self.rnd.choice(["", "a", "abs", "f", "1.5", "1/3", "é", "\ud800", "__class__", "10.0.0.1", "(a+)+$", "x" * 50] + TYPES + SPECIAL)

    def value(self, depth=0):
        rnd = self.rnd
        if not self.is_wild and rnd.random() < 0.98:
            held = [[rnd.choice(self.given)]] if self.given else []
            held += [[-rnd.randrange(1, self.made + 1)]] if self.made else []
            return rnd.choice([None, True, 0, 1, 2**62, 1.5, self.text(), ["I", "ff"], ["b", "x"], ["T", "int"], ["a", 1], *held, *held, *held])
        simple = [None, True, 0, 1, -1, 2**70, 1.5, float("nan"), float("inf"), self.text(), [self.number()], [-rnd.randrange(0, 5)]]
        if depth > 3 or rnd.random() < 0.6:
            return rnd.choice(simple)
        return rnd.choice([
            ["I", rnd.choice(["ff", "-7", "zz", 5])], ["c", self.value(depth + 1), 1.0], ["b", self.text()], ["T", rnd.choice(TYPES)],
            ["k", rnd.choice([0, 1, 2, 9])], ["g", "os", "system"], ["a", rnd.choice([0, 1, 9, -1])],
            [rnd.choice(LETTERS), *[self.value(depth + 1) for _ in range(rnd.randrange(4))]], {"a": 1},
        ])

    def node(self):
        rnd = self.rnd
        values = [self.value() for _ in range(rnd.randrange(5))]
        kind = rnd.randrange(8)
        if kind == 0:
            return [rnd.choice("tf"), *values]
        if kind == 1:
            return ["v", rnd.choice(KINDS), *values]
        if kind == 2:
            return ["x", rnd.choice([["T", rnd.choice(TYPES)], ["k", 1]]), values, self.text(), [self.text(), self.value()], self.number(), None, None, False]
        number = self.next
        self.next += 2
        if self.is_wild and rnd.random() < 0.1:
            number = self.number()
        else:
            self.given.append(number)
        if kind == 3:
            return ["h", number, rnd.choice([0, 0, 1, 2]), rnd.choice([None, 5, "x", 2**80])]
        if kind == 4:
            return ["u", number, rnd.choice([0, 1, 2]), self.value()]
        if kind == 5:
            return ["n", number, self.value()]
        letter = rnd.choice("lsdyDOCFN")
        extra = rnd.choice([None, None, None, 3, "int", "<f8", "|O", ["k", 1], ["T", "int"]])
        if not self.is_wild:
            extra = {"D": 3, "F": "int", "N": "<f8"}.get(letter)
            values = values * 2 if letter in "dOCF" else ["xy"] if letter == "y" else ["1", "\0" * 8] if letter == "N" else values
        return [letter, number, extra, *values]

    def description(self):
        rnd = self.rnd
        self.kinds += 1
        names = [rnd.choice(SPECIAL) for _ in range(rnd.randrange(5))]
        bases = [rnd.choice([["T", rnd.choice(TYPES)], ["k", rnd.choice([0, 1])], 3]) for _ in range(rnd.randrange(3))]
        base = rnd.choice([None, None, "int", "str", "list", "dict", "tuple", "type", "bool"])
        return [rnd.choice([self.kinds, self.kinds, 0, "x"]), rnd.choice(["solution", "os", "builtins", 3]), rnd.choice(["C", "a.b", "", 4]), rnd.choice([None, "doc", 3]), bases, names, base]

    def message(self):
        rnd = self.rnd
        classes = [self.description() for _ in range(rnd.randrange(3))] if self.is_wild or rnd.random() < 0.1 else []
        nodes, self.made = [], 0
        for _ in range(rnd.randrange(5)):
            nodes.append(self.node())
            self.made = len(nodes)
        head = [rnd.choice(["r", "r", "r", "x", "q"] if self.is_wild else ["r"]), self.value(), rnd.choice([None, None, None, [-1]] if self.is_wild else [None])]
        held = [2, *self.given]
        numbers = [self.number() if self.is_wild else rnd.choice(held) for _ in range(rnd.randrange(3))]
        changes = [[number, *[self.value() for _ in range(rnd.randrange(4))]] for number in numbers if self.is_wild or rnd.random() < 0.3]
        dropped = [self.number() for _ in range(rnd.randrange(2))]
        message = [head, classes, nodes, changes, dropped]
        if self.is_wild and rnd.random() < 0.05:
            message[rnd.randrange(5)] = self.value()
        data = json.dumps(message).encode()
        if self.is_wild and rnd.random() < 0.05:
            at = rnd.randrange(len(data))
            data = data[:at] + bytes([rnd.randrange(256)]) + data[at + 1 :]
        return len(data).to_bytes(4, "little") + data


def check(value, remote, depth=0):
    """Walks what came by the built-in types' own methods; what is not of the closed set is told."""
    kind = type(value)
    if kind is remote or type(kind) is remote or depth > 6 or issubclass(kind, BaseException):
        return None
    if kind.__name__ not in ALLOWED and kind.__module__ not in ("numpy", "builtins"):
        return "a %s came out" % kind
    items = [part for pair in dict.items(value) for part in pair] if kind is dict else value if kind in (list, tuple, set, frozenset) else ()
    return next(filter(None, (check(item, remote, depth + 1) for item in items)), None)


def main(directory, seconds, seed):
    values, asking = load(directory)
    for name in sorted(values.ERROR_MODULES | {"uuid", "fractions", "decimal", "ipaddress", "pathlib", "collections", "zoneinfo", "datetime", "numpy"}):
        try:
            __import__(name)
        except ImportError:
            pass
    sink = os.open("/dev/null", os.O_WRONLY)
    sys.addaudithook(watch)
    until, count, garbled = time.monotonic() + seconds, 0, 0
    while time.monotonic() < until:
        maker = Maker(seed + count)
        inbox, outbox = os.pipe()
        side = asking.TestsSide(inbox, sink, False)
        side.keeps_identity = maker.rnd.random() < 0.5
        side.followed, side.on_rebound = frozenset(("f", "abs")), lambda names: None
        kept = [[1, 2], {"a": [3]}, (4, [5])]
        messages = [maker.message()[:20000] for _ in range(3)]
        os.write(outbox, b"".join(messages))
        os.close(outbox)
        for data in messages:
            watched[:] = ["on"]
            try:
                problem = check(side.ask("call", (), 1, args=tuple(kept)), asking.RemoteType)
            except (values.Garbled, values.Gone):
                problem, garbled = None, garbled + 1
                break
            except BaseException as error:
                problem = None if side.raised(error) else "%s: %s" % (type(error).__name__, error)
            finally:
                seen, watched[:] = watched[1:], []
            if problem or seen:
                print("seed %d: %s %s\n%r" % (seed + count, problem, seen, data))
                return 1
        os.close(inbox)
        count += 1
    print("%d conversations, %d of them ended as garbled" % (count, garbled))
    return 0 if count > garbled > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0))
