"""What crosses between the tests' process and the solution's, and how it is written.

A message is four bytes of length and JSON, read by the interpreter's own scanner in C. Not pickle, which runs what
it reads; not marshal, whose reader trusts its input. Whatever a hostile sender writes comes out as plain data of
the types below, as a stand-in for an object of its own, or as `Garbled`.

    [head, classes, nodes, changes, dropped]

A value is null, true, false, a number or text as itself, or else one of

    [n]       number n: a container that both sides hold, or an object of the solution's
    [-k]      node k of this message, from 1 on: a value that does not change
    ["I", hex] ["c", re, im] ["b", latin-1]    a large int, a complex number, bytes
    ["T", name]    a type of plain data, such as `int`, or an exception's
    ["k", n]       class n of the solution's
    ["g", module, name]    a function or class of a library's; tests to solution only

Nodes: ["t" | "f", items...] a tuple or frozenset, ["v", kind, parts...] a value such as a Decimal,
["x", class, args, text, attributes, n, cause, context, is_suppressed] an exception,
["u", n, class, content] an object whose class derives from text, a number or a tuple,
["n", n, value] a value whose identity matters, ["h", n, class, hash] an object that can only be asked, and containers: [letter, n, extra, items...].

**Containers are shared.** Only one side runs at a time. Before it hands over, it looks through the containers that
both sides hold and sends the new content of those that have changed (`changes`), and the other side brings its own
to it in place. So they behave as one object, as in one process. A container that only the link still holds is
told as `dropped` and forgotten.

Imports only what every interpreter has built in. Works on CPython 3.8 and later.
"""

import _json
import builtins
import gc
import operator
import posix
import sys

MAX_FRAME_BYTES = 512 << 20
MAX_ATTRIBUTES = 64
MAX_TEXT = 4_000
MAX_CAUSES = 16


class Gone(BaseException):
    """The other side has ended. Not an Exception: tests that catch everything must not catch this."""


class Garbled(BaseException):
    """The other side has said something that is no message."""


def read_exactly(fd, count):
    pieces = []
    while count:
        piece = posix.read(fd, min(count, 1 << 20))
        if not piece:
            raise Gone()
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def _refuse(value):
    raise TypeError(type(value).__name__)


_dumps = _json.make_encoder(None, _refuse, _json.encode_basestring_ascii, None, ":", ",", False, False, True)


class _Scan:
    """What the scanner asks for."""

    strict = False
    object_hook = object_pairs_hook = array_hook = None
    parse_float = float
    parse_int = int
    memo = {}
    parse_constant = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.__getitem__


_scan = _json.make_scanner(_Scan)
PLAIN_TYPES = {
    kind.__name__: kind
    for kind in (int, float, complex, bool, str, bytes, bytearray, list, tuple, dict, set, frozenset, object, type(None), range, slice)
}
_PLAIN_IDS = {id(kind): name for name, kind in PLAIN_TYPES.items()}
VALUE_BASES = {"int": int, "float": float, "complex": complex, "str": str, "bytes": bytes, "tuple": tuple, "frozenset": frozenset}
# Modules whose exceptions are known to both sides.
ERROR_MODULES = frozenset(
    (
        "builtins json.decoder decimal queue _queue struct csv _csv subprocess concurrent.futures._base zlib binascii re statistics copy "
        "numpy.linalg numpy.exceptions calendar zoneinfo._common fractions ipaddress dataclasses io socket ssl shutil configparser xml.etree.ElementTree uuid zoneinfo _zoneinfo"
    ).split()
)


def module(name):
    return sys.modules.get(name) or __import__(name, None, None, ("*",))


# Values of types that both sides have: (module, type) -> what it is made again from, by `_MADE`.
def _moment(value):
    return [value.hour, value.minute, value.second, value.microsecond, value.tzinfo, value.fold]


_PARTS = {
    ("builtins", "range"): lambda v: [v.start, v.stop, v.step],
    ("builtins", "slice"): lambda v: [v.start, v.stop, v.step],
    ("builtins", "ellipsis"): lambda v: [],
    ("builtins", "NotImplementedType"): lambda v: [],
    # As the dict that they are views of, so that they go on showing it.
    **{("builtins", name): lambda v: gc.get_referents(v)[:1] for name in ("dict_keys", "dict_values", "dict_items")},
    ("builtins", "mappingproxy"): lambda v: [tuple(v.items())],
    ("decimal", "Decimal"): lambda v: [str(v)],
    ("fractions", "Fraction"): lambda v: [v.numerator, v.denominator],
    ("uuid", "UUID"): lambda v: [v.int],
    ("datetime", "timedelta"): lambda v: [v.days, v.seconds, v.microseconds],
    ("datetime", "timezone"): lambda v: [v.utcoffset(None), v.tzname(None)],
    ("datetime", "date"): lambda v: [v.year, v.month, v.day],
    ("datetime", "time"): _moment,
    ("datetime", "datetime"): lambda v: [v.year, v.month, v.day] + _moment(v),
    ("zoneinfo", "ZoneInfo"): lambda v: [v.key],
    ("re", "Pattern"): lambda v: [v.pattern, v.flags],
    ("pathlib", "PosixPath"): lambda v: [str(v)],
    ("pathlib", "PurePosixPath"): lambda v: [str(v)],
    ("pathlib", "PureWindowsPath"): lambda v: [str(v)],
    **{("ipaddress", "IPv%d%s" % (n, what)): lambda v: [str(v)] for n in (4, 6) for what in ("Address", "Network", "Interface")},
}


def _zoned(name):
    return lambda *parts: getattr(module("datetime"), name)(*parts[:-1], fold=parts[-1])


def _timezone(offset, name):
    plain = module("datetime").timezone(offset)
    return plain if plain.tzname(None) == name else module("datetime").timezone(offset, name)


_MADE = {
    "ellipsis": lambda: Ellipsis,
    "NotImplementedType": lambda: NotImplemented,
    "dict_keys": dict.keys,
    "dict_values": dict.values,
    "dict_items": dict.items,
    "mappingproxy": lambda items: type(type.__dict__)(dict(items)),
    "UUID": lambda number: module("uuid").UUID(int=number),
    "timezone": _timezone,
    "time": _zoned("time"),
    "datetime": _zoned("datetime"),
    "Pattern": lambda pattern, flags: module("re").compile(pattern, flags),
}


def _maker(home, name):
    return _MADE.get(name) or (lambda *parts: getattr(module(home), name)(*parts))


_MAKERS = {name: _maker(home, name) for home, name in _PARTS}
LETTERS = {list: "l", set: "s", dict: "d", bytearray: "y"}
_COLLECTIONS = {"deque": "D", "OrderedDict": "O", "Counter": "C", "defaultdict": "F"}
_IS_MAPPING = frozenset("dOCF")


# Containers: content as a list in which any change shows, and back.


def letter_of(kind):
    """The letter of a container's exact type, or of the built-in one that it derives from."""
    letter = LETTERS.get(kind)
    if letter is None:
        name, home = kind.__name__, kind.__module__
        if home == "collections" and name in _COLLECTIONS:
            letter = _COLLECTIONS[name] if getattr(module(home), name, None) is kind else None
        elif home == "numpy" and name == "ndarray":
            letter = "N"
    return letter


def content(item, letter):
    if letter == "l":
        return list(list.__iter__(item))
    if letter in _IS_MAPPING:
        # An OrderedDict's own order is not that of the dict below it.
        pairs = item.items() if letter == "O" else dict.items(item)
        return [part for pair in pairs for part in pair]
    if letter == "s":
        return list(set.__iter__(item))
    if letter == "D":
        return list(item)
    if letter == "y":
        return [bytearray.__getitem__(item, slice(None)).decode("latin-1")]
    if item.dtype.hasobject:
        return [_shape(item), *item.ravel().tolist()]
    return [_shape(item), item.tobytes().decode("latin-1")]


def _shape(array):
    return ",".join(map(str, array.shape))


def is_same(letter, now, before):
    if len(now) != len(before):
        return False
    # What was written of bytes and arrays is new each time.
    is_new = letter in "yN" and all(a is b or (type(a) is str and a == b) for a, b in zip(now, before))
    return is_new or all(map(operator.is_, now, before))


def refill(item, letter, values, is_new):
    """Gives a container the content, in place."""
    if letter == "l":
        list.__setitem__(item, slice(None), values)
    elif letter in _IS_MAPPING:
        # Where its keys stay, whoever walks it goes on.
        if not (len(item) * 2 == len(values) and all(map(operator.is_, item if letter == "O" else dict.__iter__(item), values[::2]))):
            item.clear() if letter == "O" else dict.clear(item)
        put = item.__setitem__ if letter == "O" else dict.__setitem__.__get__(item)
        for place in range(0, len(values), 2):
            put(values[place], values[place + 1])
    elif letter == "s":
        fill_set(item, values)
    elif letter == "D":
        item.clear()
        item.extend(values)
    elif letter == "y":
        bytearray.__setitem__(item, slice(None), values[0].encode("latin-1"))
    else:
        shape, *data = values
        numpy, shape = module("numpy"), tuple(int(size) for size in shape.split(",") if size)
        if item.dtype.hasobject:
            made = numpy.empty(len(data), dtype=object)
            made[:] = data
        else:
            made = numpy.frombuffer(data[0].encode("latin-1"), dtype=item.dtype)
        if item.shape != shape:
            if not is_new:
                # A view of the tests' may look at what it holds.
                raise Garbled("an array of another shape")
            item.resize(shape, refcheck=False)
        item[...] = made.reshape(shape)


def fill_set(item, values):
    for first in orders(values):
        set.clear(item)
        set.update(item, first)
        if all(map(operator.is_, set.__iter__(item), values)):
            return
    # Of a table that was larger once.
    extra = [object() for _ in range(4 * len(values))]
    set.update(item, extra)
    set.difference_update(item, extra)


def ordered_frozenset(values):
    made = map(frozenset, orders(values))
    return next((one for one in made if all(map(operator.is_, one, values))), frozenset(values))


def orders(values):
    """In which orders items may have come into a set that is walked in this one: that depends on how it came about."""
    yield from (values, set(values), values[::-1])
    for place in range(1, min(len(values), 32)):
        yield values[place:] + values[:place]


def _number_type(name):
    if type(name) is not str or len(name) > 32 or name.lstrip("<>|=")[:1] not in tuple("biufcSUmM"):
        raise Garbled("no kind of number")
    made = module("numpy").dtype(name)
    if made.names is not None or made.subdtype is not None or made.hasobject:
        raise Garbled("no kind of number")
    return made


def _empty_array(name):
    return module("numpy").empty(0, dtype=object if name == "|O" else _number_type(name))


_EMPTY = {
    "l": lambda extra: [],
    "s": lambda extra: set(),
    "d": lambda extra: {},
    "y": lambda extra: bytearray(),
    "D": lambda extra: module("collections").deque(maxlen=extra),
    "O": lambda extra: module("collections").OrderedDict(),
    "C": lambda extra: module("collections").Counter(),
    "F": lambda extra: module("collections").defaultdict(extra and PLAIN_TYPES[extra]),
    "N": _empty_array,
}


def text_of(value):
    try:
        text = str(value)
        return str.__str__(text)[:MAX_TEXT]
    except BaseException:
        return "(its text cannot be had)"
