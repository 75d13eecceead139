"""Values and objects between two interpreters in two cells: the solution's and the tests'.

Theory of operation. The two talk over a pair of pipes, in turns: whoever asks waits for the answer, and
while it waits carries out what the other asks of it (a callback). What is plain data is rebuilt from
exact built-in types on the other side. What is not is lent: the other side gets a stand-in whose
class is made after the true one's description, and whatever is done to the stand-in is asked of the
owner. A lent object that comes back is the object itself. Lists, dicts and sets that were passed
in a question are brought to the state that they have when it is answered, in place.

A message is four bytes of length and JSON, read by the interpreter's own scanner in C. Not pickle,
which runs what it reads; not marshal, whose reader trusts its input. Whatever a hostile other side
writes comes out as plain data, stand-ins, or `Garbled`.

    ["q", op, values, nodes, classes, dropped]             a question
    ["r" | "x", value, writes, extra, nodes, classes, dropped]    an answer: a result, an exception

A value is null, true, false, a number or text as itself, or else one of

    [i]                     node i of this message: a container
    ["a", i]                node i of the question that this answers
    ["I", hex] ["c", re, im] ["b", latin-1]     a large int, a complex number, bytes
    ["h", n, class, base]   the sender's object n; `base` is its content as a built-in type, if it has one
    ["o", n]                the receiver's own object n
    ["k", n]                the sender's class n
    ["t", name]             a built-in type
    ["g", module, name]     a function or class of the standard library; tests to solution, or asked for by name
    ["m", name]             a module
    ["v", kind, ...]        a value of a well-known type, such as a Decimal
    ["x", class, args, text, attributes, n]     an exception

Nodes: ["l", items...] list, and likewise t tuple, s set, f frozenset, d dict (key, value, ...), D deque
(maxlen, items...), O OrderedDict, C Counter, F defaultdict (factory, key, value, ...), y bytearray.
Mutable nodes may be referred to before they stand complete; tuples and frozensets come after what
they hold.

The link itself, and what stands for lent objects, is in `stand_ins.py`, executed in this namespace.
Imports only what every interpreter has built in. Works on CPython 3.8 and later.
"""

import _json
import _thread
import _weakref
import builtins
import posix
import sys

MAX_FRAME_BYTES = 512 << 20
MAX_DEPTH = 200
MAX_ATTRIBUTES = 64
MAX_TEXT = 4_000


class Gone(BaseException):
    """The other side has ended. Not an Exception: tests that catch everything must not catch this."""


class Garbled(BaseException):
    """The other side has said something that is no message."""


class Uncrossable(TypeError):
    """A value that cannot cross: it holds itself where it may not, or is nested too deep."""


# Special methods that an object can have carried out by its owner. Comparisons are apart: see `Remote`.
UNARY = frozenset(
    (
        "__len__ __iter__ __next__ __call__ __getitem__ __setitem__ __delitem__ __enter__ __exit__ __bool__ "
        "__int__ __float__ __complex__ __index__ __abs__ __neg__ __pos__ __invert__ __round__ __trunc__ "
        "__floor__ __ceil__ __reversed__ __length_hint__ __format__ __bytes__ __missing__"
    ).split()
)
_OPERATORS = "add sub mul matmul truediv floordiv mod divmod pow lshift rshift and xor or"
BINARY = frozenset(
    ["__contains__"]
    + ["__%s%s__" % (form, name) for name in _OPERATORS.split() for form in ("", "r", "i")]
)
ORDERING = frozenset("__lt__ __le__ __gt__ __ge__".split())
# Of an object that also is a value, such as a number, only these are its owner's to carry out.
_OF_VALUES = frozenset("__call__ __str__ __repr__ __format__ __enter__ __exit__".split())
SPECIALS = UNARY | BINARY | ORDERING | frozenset(("__eq__", "__ne__", "__hash__", "__str__", "__repr__"))
# By these names array libraries have an object take over what they were to do with it: comparison, too.
TAKE_OVER = ("__array", "__torch_", "__jax_", "__dataframe", "__pandas")
_IMMUTABLE_BASES = {id(base): base for base in (int, float, complex, str, bytes, tuple, frozenset)}
_MUTABLE_BASES = {id(base): base for base in (list, dict, set, bytearray)}
_mro = type.__dict__["__mro__"].__get__
_type_name = type.__dict__["__name__"].__get__
_qualname = type.__dict__["__qualname__"].__get__


def read_exactly(fd, count):
    pieces = []
    while count:
        piece = posix.read(fd, min(count, 1 << 20))
        if not piece:
            raise Gone()
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def write_all(fd, data):
    data = memoryview(data)
    try:
        while data:
            data = data[posix.write(fd, data) :]
    except BrokenPipeError:
        raise Gone() from None


def _refuse(value):
    raise Uncrossable("a value of type %s" % type(value).__name__)


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


class Message:
    """One message being written: its nodes, and what is lent in it."""

    def __init__(self, link, question=None):
        self.link = link
        self.nodes, self.classes = [], []
        self.places, self.kept = {}, []
        # Mutable containers of ours by node, for what the answer changes.
        self.originals = {}
        self.question = question.places if question is not None else {}

    def value(self, value, depth=0):
        kind = type(value)
        if kind is str or kind is bool or value is None or kind is float:
            return value
        if kind is int:
            return value if -(1 << 63) <= value < 1 << 63 else ["I", "%x" % value]
        writer = _WRITERS.get(id(kind))
        if writer is not None:
            return writer(self, value, depth)
        return self.other(value, kind, depth)

    def node(self, letter, value, items, depth, mutable, head=()):
        place = self.question.get(id(value))
        if place is not None:
            return ["a", place]
        place = self.places.get(id(value))
        if place is not None:
            if place < 0:
                raise Uncrossable("a tuple that holds itself")
            return [place]
        if depth > MAX_DEPTH:
            raise Uncrossable("a value nested too deep")
        self.kept.append(value)
        if mutable:
            place = self.places[id(value)] = len(self.nodes)
            entry = [letter]
            self.nodes.append(entry)
            self.originals[place] = value
            entry.extend(head)
            entry.extend([self.value(item, depth + 1) for item in items])
        else:
            self.places[id(value)] = -1
            entry = [letter]
            entry.extend([self.value(item, depth + 1) for item in items])
            place = self.places[id(value)] = len(self.nodes)
            self.nodes.append(entry)
        return [place]

    def other(self, value, kind, depth):
        mine = self.link.lent_to_us(value)
        if mine is not None:
            return ["o", mine]
        is_a = _mro(kind)
        if any(base is BaseException for base in is_a):
            return self.exception(value, kind, depth)
        if any(base is type for base in is_a):
            return self.class_of(value)
        known = well_known(self, value, kind, depth)
        if known is not None:
            return known
        named = self.link.named(value)
        if named is not None:
            return named
        base, content = built_in_content(kind, is_a, value)
        base = self.value(content, depth + 1) if base is not None else None
        return ["h", self.link.lend(value), self.class_number(kind), base]

    def class_of(self, value):
        if value.__module__ == "builtins" and getattr(builtins, _type_name(value), None) is value:
            return ["t", _type_name(value)]
        named = self.link.named(value)
        if named is not None:
            return named
        return ["k", self.class_number(value)]

    def class_number(self, kind):
        link = self.link
        number = link.class_numbers.get(id(kind))
        if number is None:
            number = link.keep(kind)
            link.class_numbers[id(kind)] = number
            self.classes.append(describe_class(self, kind, number))
        return number

    def exception(self, error, kind, depth):
        name = self.class_of(kind)
        attributes = getattr(error, "__dict__", None)
        crossing = []
        if type(attributes) is dict:
            for key, item in list(attributes.items())[:MAX_ATTRIBUTES]:
                if type(key) is str and key[:2] != "__":
                    crossing += [key, self.safely(item, depth)]
        args = [self.safely(item, depth) for item in BaseException.args.__get__(error)]
        return ["x", name, args, text_of(error), crossing, self.link.keep_exception(error)]

    def safely(self, value, depth):
        """An exception crosses even where something that it carries cannot."""
        try:
            return self.value(value, depth + 1)
        except Uncrossable:
            return None


def text_of(value):
    try:
        text = str(value)
        return str.__str__(text)[:MAX_TEXT]
    except BaseException:
        return "(its text cannot be had)"


def describe_class(message, kind, number):
    """What the other side makes a stand-in's class from."""
    bases = []
    for base in type.__dict__["__bases__"].__get__(kind):
        if base is object or id(base) in _IMMUTABLE_BASES or id(base) in _MUTABLE_BASES:
            continue
        if any(above is BaseException for above in _mro(base)) or base.__module__ != "builtins":
            bases.append(message.class_of(base))
    specials, seen = [], set()
    content = None
    for owner in _mro(kind):
        if owner is object:
            break
        if id(owner) in _IMMUTABLE_BASES or id(owner) in _MUTABLE_BASES:
            content = _type_name(owner)
            # What a value does it does on the other side; what a container does, its owner.
            inherited = UNARY | BINARY | {"__hash__"} if id(owner) in _MUTABLE_BASES else frozenset()
            own = vars(owner)
            specials += ["-" + name if own[name] is None else name for name in inherited - seen if name in own]
            break
        for name, value in list(type.__dict__["__dict__"].__get__(owner).items()):
            if name in SPECIALS and name not in seen:
                seen.add(name)
                specials.append("-" + name if value is None else name)
    module = kind.__module__
    return [number, module if type(module) is str else "", _qualname(kind), bases, specials, content, is_class_iterable(kind)]


def is_class_iterable(kind):
    """Whether the class itself can be iterated over and asked, as an Enum can."""
    return any("__iter__" in vars(owner) for owner in _mro(type(kind)) if owner not in (type, object))


def built_in_content(kind, is_a, value):
    """The built-in type that the object is made of, and its content read by that type's own methods:
    never by overrides of the solution's."""
    for base in is_a:
        if id(base) in _IMMUTABLE_BASES:
            if base is tuple or base is frozenset:
                return base, base(base.__iter__(value))
            if base is int:
                return base, int.__add__(value, 0)
            if base is str:
                return base, str.__str__(value)
            if base is bytes:
                return base, bytes.__getitem__(value, slice(None))
            return base, base.__pos__(value)
    return None, None


def mutable_content(value):
    for base in _mro(type(value)):
        if base is list or base is set:
            return base(base.__iter__(value))
        if base is dict:
            return dict(dict.items(value))
        if base is bytearray:
            return bytearray(bytearray.__getitem__(value, slice(None)))
    return None


def _collections():
    return sys.modules.get("_collections")


def well_known(message, value, kind, depth):
    """Values of types that both sides have, by exact type."""
    module, name = kind.__module__, _type_name(kind)
    home = sys.modules.get(module) if type(module) is str else None
    if module == "builtins":
        if kind is range:
            return ["v", "range"] + [message.value(part) for part in (value.start, value.stop, value.step)]
        if kind is slice:
            return ["v", "slice"] + [message.value(part, depth + 1) for part in (value.start, value.stop, value.step)]
        if value is Ellipsis or value is NotImplemented:
            return ["v", "Ellipsis" if value is Ellipsis else "NotImplemented"]
        if name in ("dict_keys", "dict_values", "dict_items"):
            # As a tuple: it is whole when what it stands in is read.
            return ["v", name, message.value(tuple(value), depth + 1)]
        if name == "mappingproxy":
            return message.value(dict(value), depth)
        return ["m", value.__name__] if name == "module" and message.link.shares_module(value) else None
    if home is None or getattr(home, name, None) is not kind:
        return None
    if module == "decimal" and name == "Decimal":
        return ["v", "Decimal", str(value)]
    if module == "fractions" and name == "Fraction":
        return ["v", "Fraction", message.value(value.numerator), message.value(value.denominator)]
    if module == "datetime":
        return datetime_parts(message, value, name)
    if module == "uuid" and name == "UUID":
        return ["v", "UUID", "%x" % value.int]
    if module == "numpy":
        return numpy_parts(message, value, name, depth)
    collections = _collections()
    if collections is not None and kind is collections.deque:
        return message.node("D", value, list(value), depth, True, [value.maxlen])
    if module == "collections":
        if name == "OrderedDict" or name == "Counter":
            return message.node(name[0], value, flat(value), depth, True)
        if name == "defaultdict":
            factory = value.default_factory
            is_simple = factory is None or factory in (int, float, str, list, dict, set, tuple, bool)
            head = factory.__name__ if is_simple and factory is not None else None
            return message.node("F", value, flat(value), depth, True, [head])
    return None


def datetime_parts(message, value, name):
    if name == "timedelta":
        return ["v", name, value.days, value.seconds, value.microseconds]
    if name == "timezone":
        offset = value.utcoffset(None)
        return ["v", name, offset.days, offset.seconds, offset.microseconds, value.tzname(None)]
    if name == "date":
        return ["v", name, value.year, value.month, value.day]
    if name in ("datetime", "time"):
        zone = None if value.tzinfo is None else message.value(value.tzinfo)
        day = [value.year, value.month, value.day] if name == "datetime" else []
        return ["v", name] + day + [value.hour, value.minute, value.second, value.microsecond, zone, value.fold]
    return None


def numpy_parts(message, value, name, depth):
    """Arrays and scalars of numbers and text: kind, shape, bytes."""
    dtype = getattr(value, "dtype", None)
    if dtype is None or not hasattr(value, "tobytes"):
        return None
    if dtype.hasobject:
        return ["v", "object_array", message.value(frozen(value.tolist()), depth + 1)] if name == "ndarray" else None
    if dtype.names is not None or dtype.kind not in "biufcSUmM":
        return None
    shape = list(value.shape) if name == "ndarray" else None
    return ["v", "numpy", dtype.str, shape, value.tobytes().decode("latin-1")]


def frozen(items):
    return tuple(map(frozen, items)) if type(items) is list else items


def flat(mapping):
    # An OrderedDict's own order is not that of the dict below it.
    pairs = mapping.items() if type(mapping).__name__ == "OrderedDict" else dict.items(mapping)
    return [part for pair in pairs for part in pair]


_WRITERS = {
    id(list): lambda message, value, depth: message.node("l", value, value, depth, True),
    id(tuple): lambda message, value, depth: message.node("t", value, value, depth, False),
    id(set): lambda message, value, depth: message.node("s", value, value, depth, True),
    id(frozenset): lambda message, value, depth: message.node("f", value, value, depth, False),
    id(dict): lambda message, value, depth: message.node("d", value, flat(value), depth, True),
    id(bytearray): lambda message, value, depth: message.node("y", value, [value.decode("latin-1")], depth, True),
    id(bytes): lambda message, value, depth: ["b", value.decode("latin-1")],
    id(complex): lambda message, value, depth: ["c", value.real, value.imag],
}


class Received:
    """One message that was read: its values, and for a question what its containers held."""

    def __init__(self, link, nodes, originals=None):
        self.link = link
        # For an answer: containers of ours that the question named.
        self.originals = originals
        self.raw = nodes
        self.objects = [_EMPTY[node[0]](self, node) if node[0] in _EMPTY else None for node in nodes]
        # What is hashed is walked without a bound: as deep as a sender goes, and no deeper.
        depths = {}
        for place, node in enumerate(nodes):
            if node[0] == "t" or node[0] == "f":
                held = [item[0] for item in node[1:] if type(item) is list and item and type(item[0]) is int]
                depths[place] = 1 + max([depths.get(item, 0) for item in held], default=0)
                if depths[place] > MAX_DEPTH + 1:
                    raise Garbled("a value nested too deep")
                items = [self.value(item) for item in node[1:]]
                self.objects[place] = tuple(items) if node[0] == "t" else frozenset(items)
        for place, node in enumerate(nodes):
            if node[0] in _EMPTY:
                self.fill(self.objects[place], node)
        self.places, self.before = {}, {}

    def remember(self):
        """Keeps what the containers hold now, so that changes can be told."""
        for place, item in enumerate(self.objects):
            if self.raw[place][0] in _EMPTY:
                self.places[id(item)] = place
                self.before[place] = contents(item)

    def changes(self):
        for place, before in self.before.items():
            item = self.objects[place]
            now = contents(item)
            if len(now) != len(before) or any(a is not b for a, b in zip(now, before)):
                yield place, item

    def fill(self, item, node):
        letter, rest = node[0], node[1:]
        if letter == "y":
            item[:] = rest[0].encode("latin-1")
            return
        if letter == "D" or letter == "F":
            rest = rest[1:]
        values = [self.value(part) for part in rest]
        if letter == "l" or letter == "D":
            item.extend(values)
        elif letter == "s":
            item.update(values)
        else:
            put = item.__setitem__ if letter == "O" else dict.__setitem__.__get__(item)
            for place in range(0, len(values), 2):
                put(values[place], values[place + 1])

    def value(self, raw):
        if type(raw) is not list:
            if type(raw) is dict:
                raise Garbled("an object")
            return raw
        first = raw[0]
        if type(first) is int:
            found = self.objects[first] if first >= 0 else None
            if found is None:
                raise Garbled("a node before it is there")
            return found
        return _READERS[first](self, *raw[1:])

    def asked_node(self, place):
        return self.originals[place]

    def exception(self, name, args, text, attributes, number):
        kind = self.value(name)
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise Garbled("an exception that is none")
        values = tuple(self.value(item) for item in args)
        error = None
        if type(kind) is type and kind.__module__ == "builtins":
            try:
                error = kind(*values)
            except Exception:
                error = None
        if error is None:
            error = kind.__new__(kind, *(values if kind.__new__ is BaseException.__new__ else ()))
            error.args = values
        if isinstance(kind, self.link.meta):
            object.__setattr__(error, "_proofbox_text", text)
        for place in range(0, len(attributes), 2):
            if type(attributes[place]) is str and attributes[place][:2] != "__":
                object.__setattr__(error, attributes[place], self.value(attributes[place + 1]))
        self.link.received_exception(error, number)
        return error

    def object(self, number, kind, base):
        return self.link.stand_in(number, kind, self.value(base))

    def built_in(self, name):
        found = getattr(builtins, name, None) if type(name) is str else None
        if not isinstance(found, type):
            raise Garbled("no type")
        return found


_EMPTY = {
    "l": lambda message, node: [],
    "s": lambda message, node: set(),
    "d": lambda message, node: {},
    "y": lambda message, node: bytearray(),
    "D": lambda message, node: _import("collections").deque(maxlen=node[1]),
    "O": lambda message, node: _import("collections").OrderedDict(),
    "C": lambda message, node: _import("collections").Counter(),
    "F": lambda message, node: _import("collections").defaultdict(
        None if node[1] is None else {"int": int, "float": float, "str": str, "list": list, "dict": dict, "set": set, "tuple": tuple, "bool": bool}[node[1]]
    ),
}
_READERS = {
    "a": Received.asked_node,
    "I": lambda message, digits: int(digits, 16),
    "c": lambda message, real, imaginary: complex(float(real), float(imaginary)),
    "b": lambda message, text: text.encode("latin-1"),
    "h": Received.object,
    "o": lambda message, number: message.link.own(number),
    "k": lambda message, number: message.link.remote_class(number),
    "t": Received.built_in,
    "g": lambda message, module, name: message.link.find_named(module, name),
    "m": lambda message, name: message.link.find_module(name),
    "v": lambda message, kind, *parts: _KNOWN[kind](message, *parts),
    "x": Received.exception,
}


def contents(item):
    """What a container holds, as a list in which a change shows by identity."""
    if isinstance(item, dict):
        return flat(item)
    if type(item) is bytearray:
        return [bytes(item)] if not item else list(bytes(item))
    return list(item)


def rewrite(item, letter, values):
    """Gives a container of ours the content that its copy has come to."""
    if letter == "y":
        item[:] = values[0].encode("latin-1")
    elif letter == "l":
        item[:] = values
    elif letter in "sD":
        item.clear()
        (item.update if letter == "s" else item.extend)(values)
    elif letter in "dOCF":
        item.clear()
        put = item.__setitem__ if letter == "O" else dict.__setitem__.__get__(item)
        for place in range(0, len(values), 2):
            put(values[place], values[place + 1])
    else:
        raise Garbled("a change of something that does not change")


def letter_of(item):
    kind = type(item)
    for letter, known in (("l", list), ("s", set), ("d", dict), ("y", bytearray)):
        if kind is known:
            return letter
    name = kind.__name__
    return {"deque": "D", "OrderedDict": "O", "Counter": "C", "defaultdict": "F"}[name]


def _import(name):
    return __import__(name, None, None, ("*",))


def _make_numpy(message, dtype, shape, data):
    numpy = _import("numpy")
    if type(dtype) is not str or len(dtype) > 32 or dtype.lstrip("<>|=")[:1] not in tuple("biufcSUmM"):
        raise Garbled("no kind of number")
    flat_items = numpy.frombuffer(data.encode("latin-1"), dtype=numpy.dtype(dtype))
    return flat_items[0] if shape is None else flat_items.reshape([int(size) for size in shape]).copy()


def _make_object_array(message, items):
    return _import("numpy").array(message.value(items), dtype=object)


def _zoned(message, name, parts):
    *parts, zone, fold = parts
    zone = None if zone is None else message.value(zone)
    return getattr(_import("datetime"), name)(*parts, tzinfo=zone, fold=fold)


def _timezone(message, days, seconds, micros, name):
    datetime = _import("datetime")
    offset = datetime.timedelta(days, seconds, micros)
    plain = datetime.timezone(offset)
    return plain if plain.tzname(None) == name else datetime.timezone(offset, name)


_KNOWN = {
    "range": lambda message, *parts: range(*map(message.value, parts)),
    "slice": lambda message, *parts: slice(*map(message.value, parts)),
    "Ellipsis": lambda message: Ellipsis,
    "NotImplemented": lambda message: NotImplemented,
    "dict_keys": lambda message, items: dict.fromkeys(message.value(items)).keys(),
    "dict_values": lambda message, items: dict(enumerate(message.value(items))).values(),
    "dict_items": lambda message, items: dict(message.value(items)).items(),
    "Decimal": lambda message, text: _import("decimal").Decimal(text),
    "Fraction": lambda message, *parts: _import("fractions").Fraction(*map(message.value, parts)),
    "UUID": lambda message, digits: _import("uuid").UUID(int=int(digits, 16)),
    "timedelta": lambda message, *parts: _import("datetime").timedelta(*parts),
    "timezone": _timezone,
    "date": lambda message, *parts: _import("datetime").date(*parts),
    "datetime": lambda message, *parts: _zoned(message, "datetime", parts),
    "time": lambda message, *parts: _zoned(message, "time", parts),
    "numpy": _make_numpy,
    "object_array": _make_object_array,
}
