"""One end of the link: what both sides hold, and the reading and writing of messages."""

import builtins
import posix
import sys

# What exceptions hold beside their arguments and their own attributes.
_FIELDS = ((AttributeError, ("name", "obj")), (NameError, ("name",)), (ImportError, ("name", "path", "msg")))
GROUP = getattr(builtins, "BaseExceptionGroup", ())
_probe = [[]]
# What `sys.getrefcount(entry[0])` says where nothing but the entry holds the item.
ALONE = sys.getrefcount(_probe[0])


class Side:
    """One end of the link: what both sides hold, and the reading and writing of messages."""

    # The sign that tells numbers given here from those given there: they are odd or even.
    first_number = 1

    def __init__(self, inbox, outbox):
        self.inbox, self.outbox = inbox, outbox
        # Number -> [container, letter, content when it last crossed].
        self.table, self.numbers = {}, {}
        self.last = self.first_number - 2
        self.classes, self.nodes, self.todo, self.memo, self.kept = [], [], [], {}, []
        # Number -> what is no container and has one all the same.
        self.fixed = {}
        # Whether values that do not change keep their identity, for tests that compare by it.
        self.keeps_identity = False
        self.received, self.is_reading = [], False
        # The highest number that the other side has given: with this message, and before it.
        self.highest = self.heard = 0
        # `owned`: numbers of containers that live for as long as the other side holds them.
        self.dropped, self.owned = [], set()

    # Writing.

    def new_number(self):
        self.last += 2
        return self.last

    def raw(self, value):
        if not self.keeps_identity:
            return self.raw_of(value)
        if id(value) in self.numbers:
            return [self.numbers[id(value)]]
        raw = self.raw_of(value)
        if type(value) not in _FIXED and (not (type(raw) is list and type(raw[0]) is int and raw[0] < 0) or isinstance(value, BaseException)):
            return raw
        number = self.numbers[id(value)] = self.new_number()
        self.fixed[number] = value
        self.nodes.append(["n", number, raw])
        return [number]

    def raw_of(self, value):
        kind = type(value)
        if kind is str or kind is bool or value is None or kind is float:
            return value
        if kind is int:
            return value if -(1 << 63) <= value < 1 << 63 else ["I", "%x" % value]
        number = self.numbers.get(id(value))
        if number is not None:
            return [number]
        if kind is tuple:
            return self.raw_tuple(value)
        letter = LETTERS.get(kind)
        if letter is not None:
            return self.container(value, letter, None)
        if kind is bytes:
            return ["b", value.decode("latin-1")]
        if kind is complex:
            return ["c", value.real, value.imag]
        return self.raw_other(value, kind)

    def raw_tuple(self, value):
        """Without recursion, however deep tuples hold tuples."""
        stack = [(value, iter(value), ["t"])]
        while True:
            top, items, node = stack[-1]
            for item in items:
                if type(item) is tuple and id(item) not in self.memo and not self.keeps_identity:
                    stack.append((item, iter(item), ["t"]))
                    break
                node.append(self.memo[id(item)] if type(item) is tuple and not self.keeps_identity else self.raw(item))
            else:
                stack.pop()
                place = self.node(top, node)
                if not stack:
                    return place
                stack[-1][2].append(place)

    def node(self, value, node):
        """Adds the node of a value that does not change. The value is kept while the message is written, lest its
        place in memory be another's."""
        self.nodes.append(node)
        self.kept.append(value)
        place = self.memo[id(value)] = [-len(self.nodes)]
        return place

    def container(self, value, letter, extra):
        number = self.new_number()
        self.table[number] = [value, letter, None]
        self.numbers[id(value)] = number
        node = [letter, number, extra]
        self.nodes.append(node)
        self.todo.append((number, node))
        return [number]

    def raw_other(self, value, kind):
        place = self.memo.get(id(value))
        if place is not None:
            return place
        if kind is frozenset:
            return self.node(value, ["f", *[self.raw(item) for item in value]])
        if isinstance(value, type):
            return self.raw_class(value)
        home, name = kind.__module__, kind.__name__
        letter = letter_of(kind)
        if letter is not None:
            extra = None
            if letter == "D":
                extra = value.maxlen
            elif letter == "F":
                extra = _PLAIN_IDS.get(id(value.default_factory))
                if extra is None and value.default_factory is not None:
                    return self.raw_object(value, kind)
            elif letter == "N":
                if value.dtype.names is not None or value.dtype.kind not in "biufcSUmMO" or type(value.base) is kind:
                    return self.raw_object(value, kind)
                extra = value.dtype.str
            return self.container(value, letter, extra)
        if home == "numpy" and hasattr(value, "dtype") and hasattr(value, "tobytes") and not hasattr(value, "__array_finalize__"):
            if value.dtype.kind in "biufcSUmM" and value.dtype.names is None:
                return self.node(value, ["v", "numpy", value.dtype.str, value.tobytes().decode("latin-1")])
        home = "pathlib" if home == "pathlib._local" else home
        parts = _PARTS.get((home, name))
        if parts is not None and (home == "builtins" or getattr(sys.modules.get(home), name, None) is kind):
            return self.node(value, ["v", name, *[self.raw(part) for part in parts(value)]])
        if issubclass(kind, BaseException):
            return self.raw_error(value, kind, 0)
        return self.raw_object(value, kind)

    def raw_class(self, kind):
        name = _PLAIN_IDS.get(id(kind))
        if name is not None:
            return ["T", name]
        if issubclass(kind, BaseException) and self.is_known_error(kind):
            return ["T", kind.__module__ + ":" + kind.__name__]
        return None

    def is_known_error(self, kind):
        return kind.__module__ in ERROR_MODULES and getattr(sys.modules.get(kind.__module__), kind.__name__, None) is kind

    def changes(self):
        """The new content of what has changed since it last crossed; what only the link holds is dropped."""
        changed = []
        for number, entry in self.table.items():
            if entry[2] is not None:
                now = content(entry[0], entry[1])
                if not is_same(entry[1], now, entry[2]):
                    entry[2] = now
                    changed.append((number, now))
        return [[number, *map(self.raw, now)] for number, now in changed]

    def prune(self):
        """Forgets what only the link holds, and all that goes with it. Returns the numbers: the other side must hear of
        each before it speaks again."""
        count = -1
        while count != len(self.dropped):
            count = len(self.dropped)
            for number, entry in list(self.table.items()):
                if sys.getrefcount(entry[0]) == ALONE and number not in self.owned:
                    del self.table[number], self.numbers[id(entry[0])]
                    self.dropped.append(number)
            # With it goes what it held.
            entry = None
        dropped, self.dropped = self.dropped, []
        return dropped

    def send(self, head):
        """`head`: of raw values. Ends the message that they were written for."""
        changes = self.changes()
        # The list grows while it is walked.
        for number, node in self.todo:
            entry = self.table[number]
            entry[2] = content(entry[0], entry[1])
            node.extend(map(self.raw, entry[2]))
        classes, nodes, entry = self.classes, self.nodes, None
        self.classes, self.nodes, self.todo, self.memo, self.kept = [], [], [], {}, []
        text = "".join(_dumps([head, classes, nodes, changes, self.prune()], 0))
        data = memoryview(len(text).to_bytes(4, "little") + text.encode("ascii"))
        try:
            while data:
                data = data[posix.write(self.outbox, data) :]
        except BrokenPipeError:
            raise Gone() from None

    # Reading.

    def receive(self):
        """The head of a message, as values."""
        length = int.from_bytes(read_exactly(self.inbox, 4), "little")
        self.has_begun()
        if length > MAX_FRAME_BYTES:
            raise Garbled("a message too long")
        data = read_exactly(self.inbox, length)
        self.is_reading = True
        try:
            text = data.decode("ascii")
            message, end = _scan(text, 0)
            if end != len(text):
                raise Garbled("more than a message")
            return self.read(*message)
        except (Gone, Garbled):
            raise
        except BaseException as error:
            raise Garbled(type(error).__name__) from None
        finally:
            self.is_reading, self.received, self.heard = False, [], self.highest

    def learn_classes(self, classes):
        if classes:
            raise Garbled("the tests have no classes")

    def has_begun(self):
        """Called when the other side says something, before it is read."""

    def read(self, head, classes, nodes, changes, dropped):
        self.learn_classes(classes)
        made, self.received = [], [None] * len(nodes)
        for place, node in enumerate(nodes):
            if node[0] in _EMPTY:
                made.append((self.new_container(*node[:3]), node))
            elif node[0] == "h":
                self.new_object(*node[1:])
        for place, node in enumerate(nodes):
            reader = _READERS.get(node[0])
            if reader is not None:
                self.received[place] = reader(self, *node[1:])
            elif node[0] != "h" and node[0] not in _EMPTY:
                raise Garbled("no such node")
        for entry, node in made:
            self.fill(entry, node[3:])
        for number, *values in changes:
            self.fill(self.table[number], values)
        values = [self.value(part) for part in head]
        for number in dropped:
            self.forget(number)
        return values

    def new_container(self, letter, number, extra):
        self.check_number(number)
        item = self.new_of_class(number, letter, extra) if type(extra) is list else _EMPTY[letter](extra)
        entry = self.table[number] = [item, letter, None]
        self.numbers[id(item)] = number
        return entry

    def check_number(self, number):
        if type(number) is not int or number <= self.heard or number in self.table or number in self.fixed or (number - self.first_number) % 2 == 0:
            raise Garbled("a number that is not to be given")
        self.highest = max(self.highest, number)

    def fill(self, entry, raw_values):
        item, letter, before = entry
        # What the container held is not gone before the whole message is read.
        self.received.append(before)
        refill(item, letter, self.values(raw_values), before is None)
        entry[2] = content(item, letter)

    def forget(self, number):
        entry = self.table.pop(number, None)
        if entry is not None:
            self.numbers.pop(id(entry[0]), None)

    def value(self, raw):
        if type(raw) is not list:
            if type(raw) is dict:
                raise Garbled("an object")
            return raw
        first = raw[0]
        if type(first) is int:
            if first < 0:
                found = self.received[-first - 1]
                if found is None:
                    raise Garbled("a node before it is there")
                return found
            return self.numbered(first)
        return _READERS[first](self, *raw[1:])

    def numbered(self, number):
        return self.fixed[number] if number in self.fixed else self.table[number][0]

    def new_fixed(self, number, raw):
        self.check_number(number)
        value = self.value(raw)
        # A number that is none is an object of its own.
        value = float("nan") if value != value and type(value) is float else value
        self.fixed[number], self.numbers[id(value)] = value, number
        return value

    def values(self, raw):
        return [self.value(part) for part in raw]

    def known_type(self, name):
        home, _, name = name.rpartition(":")
        if not home:
            return PLAIN_TYPES[name]
        found = getattr(module(home), name) if home in ERROR_MODULES else None
        if not (isinstance(found, type) and issubclass(found, BaseException)):
            raise Garbled("no such type")
        return found

    def known_value(self, kind, *parts):
        if kind == "numpy":
            dtype, data = parts
            return module("numpy").frombuffer(data.encode("latin-1"), dtype=_number_type(dtype))[0]
        return _MAKERS[kind](*self.values(parts))

    def error(self, kind, args, text, attributes, number, cause, context, is_suppressed):
        kind, args = self.value(kind), tuple(self.values(args))
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise Garbled("an exception that is none")
        error = None
        if kind.__module__ == "builtins":
            try:
                error = kind(*args)
            except Exception:
                pass
        if error is None:
            error = kind.__new__(kind, *(args if kind.__module__ == "builtins" or issubclass(kind, GROUP) else ()))
            error.args = args
        for place in range(0, len(attributes), 2):
            if type(attributes[place]) is str and attributes[place][:1] != "_" and not hasattr(BaseException, attributes[place]):
                object.__setattr__(error, attributes[place], self.value(attributes[place + 1]))
        error.__cause__, error.__context__ = self.value(cause), self.value(context)
        error.__suppress_context__ = bool(is_suppressed)
        self.error_received(error, number, text)
        return error

    def raw_error(self, error, kind, depth):
        name = self.raw_class(kind)
        attributes, crossing = getattr(error, "__dict__", None), []
        if type(attributes) is dict:
            for key, item in list(attributes.items())[:MAX_ATTRIBUTES]:
                if type(key) is str and key[:1] != "_":
                    crossing += [key, self.raw(item)]
        args = BaseException.args.__get__(error)
        if GROUP and isinstance(error, GROUP):
            args = (error.message, tuple(error.exceptions))
        args = [self.raw(item) for item in args]
        if isinstance(error, OSError) and len(args) == 2:
            args += [self.raw(error.filename)] if error.filename2 is None else [self.raw(error.filename), None, self.raw(error.filename2)]
        for owner, names in _FIELDS:
            if isinstance(error, owner):
                crossing += [part for name in names for part in (name, self.raw(getattr(error, name, None)))]
        number = self.hold(error)
        around = []
        for other in (error.__cause__, error.__context__):
            place = None
            if other is not None and depth < MAX_CAUSES:
                place = self.memo.get(id(other)) or self.raw_error(other, type(other), depth + 1)
            around.append(place)
        node = ["x", name, args, text_of(error), crossing, number, *around, error.__suppress_context__]
        return self.node(error, node)

    def hold(self, error):
        return None

    def error_received(self, error, number, text):
        pass


_FIXED = frozenset((str, bytes, int, float, complex, tuple, frozenset))
_READERS = {
    "t": lambda side, *items: tuple(side.values(items)),
    "f": lambda side, *items: ordered_frozenset(side.values(items)),
    "v": Side.known_value,
    "n": Side.new_fixed,
    "x": Side.error,
    "u": lambda side, *parts: side.new_value_object(*parts),
    "I": lambda side, digits: int(digits, 16),
    "c": lambda side, real, imaginary: complex(float(real), float(imaginary)),
    "b": lambda side, text: text.encode("latin-1"),
    "T": Side.known_type,
    "k": lambda side, number: side.class_numbered(number),
    "g": lambda side, home, name: side.named(home, name),
    "a": lambda side, place: side.argument(place),
}
