"""Stand-ins for the other side's objects, and the link over which they are asked.

The second half of `crossing`, in whose namespace it is executed: messages are written and read there.
A stand-in's class is made after the true one's description and does nothing itself but ask; a `Link` keeps
what each side has lent the other, asks, and while it waits answers. Which questions are answered, and
which names believed, the two sides decide differently: see `proxy_server` and `tests_driver`.
"""

class Remote:
    """An object of the other side's."""

    __slots__ = ("_proofbox_number", "__weakref__")


def number_of(stand_in):
    return object.__getattribute__(stand_in, "_proofbox_number")


def attribute_of(link, owner, name):
    """Asks for an attribute of an object or class; not for those by which a library would have it take over."""
    if name[:10] == "_proofbox_" or name.startswith(TAKE_OVER):
        raise AttributeError(name)
    return link.ask("getattr", owner, name)


class Link:
    """One side of a conversation. `serve`: carries out what the other side asks, op and values to value."""

    is_remote = True
    # Whether the other side had ended before anything was asked of it.
    was_idle = False

    def __init__(self, inbox, outbox, serve):
        self.inbox, self.outbox, self.serve = inbox, outbox, serve
        self.lock = _thread.RLock()
        self.is_gone = False
        # Ours: number -> [object, times lent]; a class's, and an exception's, for ever.
        self.lent, self.numbers = {}, {}
        self.last = 0
        self.class_numbers, self.kept = {}, {}
        # Theirs.
        self.classes, self.stand_ins, self.dropped = {}, {}, []
        self.exceptions_received = {}
        self.questions_answered = 0
        self.meta = make_meta(self)

    # Objects of ours.

    def keep(self, value):
        self.last += 1
        self.kept[self.last] = value
        return self.last

    def lend(self, value):
        number = self.numbers.get(id(value))
        if number is None:
            self.last += 1
            number = self.numbers[id(value)] = self.last
            self.lent[number] = [value, 0]
        self.lent[number][1] += 1
        return number

    def give_back(self, number, times):
        entry = self.lent.get(number)
        if entry is not None:
            entry[1] -= times
            if entry[1] <= 0:
                del self.lent[number], self.numbers[id(entry[0])]

    def own(self, number):
        entry = self.lent.get(number)
        if entry is not None:
            return entry[0]
        if number in self.kept:
            return self.kept[number]
        raise Garbled("an object that was not lent")

    def keep_exception(self, error):
        return None

    # Objects of theirs.

    def lent_to_us(self, value):
        if isinstance(type(value), self.meta):
            try:
                return number_of(value)
            except AttributeError:
                return None
        if type(value) is self.meta:
            return type.__getattribute__(value, "_proofbox_class_number")
        return None

    def remote_class(self, number):
        found = self.classes.get(number)
        if found is None:
            raise Garbled("a class that was not described")
        return found

    def learn_classes(self, classes):
        for number, module, qualname, bases, specials, content, is_iterable in classes:
            message = Received(self, [])
            known = [message.value(base) for base in bases]
            self.classes[number] = make_class(self, number, module, qualname, known, specials, content, is_iterable)

    def stand_in(self, number, kind, base):
        entry = self.stand_ins.get(number)
        if entry is not None:
            found = entry[0]()
            if found is not None:
                entry[1] += 1
                return found
        kind = self.remote_class(kind)
        if kind._proofbox_content is None:
            made = object.__new__(kind)
        else:
            expected = getattr(builtins, kind._proofbox_content)
            if type(base) is not expected:
                raise Garbled("content of another type")
            made = expected.__new__(kind, base)
        object.__setattr__(made, "_proofbox_number", number)
        self.watch(number, made)
        return made

    def watch(self, number, made):
        try:
            reference = _weakref.ref(made, lambda _, number=number: self.forget(number))
        except TypeError:  # Numbers, text and tuples: kept, since their end cannot be seen.
            reference = lambda: made
        self.stand_ins[number] = [reference, 1]

    def forget(self, number):
        entry = self.stand_ins.get(number)
        if entry is not None and entry[0]() is None:
            del self.stand_ins[number]
            self.dropped.append([number, entry[1]])

    def received_exception(self, error, number):
        self.exceptions_received[id(error)] = (error, number)
        if len(self.exceptions_received) > 256:
            del self.exceptions_received[next(iter(self.exceptions_received))]

    def is_theirs(self, error):
        """Whether the other side raised this very exception."""
        return id(error) in self.exceptions_received

    # What is done to stand-ins.

    def surroundings(self):
        """What a call is to find around it; see `proxy_server`."""
        return None

    def special(self, name, immutable):
        """The special methods, by name, that a stand-in has because the true object has this one."""
        if name[0] == "-":
            return {} if immutable else {name[1:]: None}
        if name in ("__eq__", "__ne__") or (immutable and name not in _OF_VALUES):
            return {}
        if name == "__call__":
            return {name: lambda mine, *args, **kwargs: self.ask("call", mine, args, kwargs, self.surroundings())}
        if name in BINARY or name in ORDERING:
            return {name: lambda mine, other, *rest: self.binary(name, mine, other, rest)}
        return {name: lambda mine, *args, **kwargs: self.ask("special", mine, name, args, kwargs)}

    def binary(self, name, mine, other, rest):
        return self.ask("special", mine, name, (other,) + rest, {})

    def equal(self, mine, other):
        if mine is other:
            return True
        if isinstance(type(other), self.meta):
            if mine._proofbox_compares or other._proofbox_compares:
                return self.ask("special", mine, "__eq__", (other,), {})
            return NotImplemented
        if mine._proofbox_mutable is not None:
            return self.ask("content", mine) == other
        return NotImplemented

    def unequal(self, mine, other):
        is_equal = self.equal(mine, other)
        return NotImplemented if is_equal is NotImplemented else not is_equal

    # Named things: subclasses say what may pass.

    def named(self, value):
        return None

    def shares_module(self, module):
        return False

    def find_named(self, module, name):
        raise Garbled("something named")

    def find_module(self, name):
        raise Garbled("a module")

    # The conversation.

    def ask(self, op, *values):
        with self.lock:
            if self.is_gone:
                raise Gone()
            message = Message(self)
            raw = [message.value(value) for value in values]
            self.send(["q", op, raw], message)
            while True:
                heard = self.receive()
                if heard[0] == "q":
                    self.answer(heard)
                    continue
                return self.take_answer(heard, message.originals)

    def take_answer(self, heard, originals):
        try:
            kind, raw, writes, extra, nodes, classes, dropped = heard
            self.begin_message(classes, dropped)
            received = Received(self, nodes, originals)
            changed = [(originals[place], letter, [received.value(part) if letter != "y" else part for part in parts])
                       for place, letter, *parts in writes]
            value = received.value(raw)
            if kind == "x" and not isinstance(value, BaseException):
                raise Garbled("no exception")
        except (Gone, Garbled):
            raise
        except Exception as error:
            raise Garbled(type(error).__name__) from None
        for item, letter, values in changed:
            rewrite(item, letter, values)
        self.questions_answered += 1
        self.hear_extra(extra)
        if kind == "x":
            raise value
        return value

    def hear_extra(self, extra):
        pass

    def answer(self, heard):
        """Carries out one question and answers it."""
        try:
            _, op, raw, nodes, classes, dropped = heard
            self.begin_message(classes, dropped)
            received = Received(self, nodes)
            values = [received.value(item) for item in raw]
            received.remember()
        except (Gone, Garbled):
            raise
        except Exception as error:
            raise Garbled(type(error).__name__) from None
        kind, extra = "r", None
        try:
            value, extra = self.serve(op, values)
        except (Gone, Garbled):
            raise
        except BaseException as error:
            kind, value = "x", error
        message = Message(self, received)
        try:
            raw = message.value(value)
        except Exception as error:
            kind, message = "x", Message(self, received)
            raw = message.value(TypeError("a result that cannot cross: " + text_of(error)))
        writes = []
        for place, item in received.changes():
            letter = letter_of(item)
            parts = [item.decode("latin-1")] if letter == "y" else flat(item) if letter in "dOCF" else list(item)
            try:
                writes.append([place, letter] + ([parts[0]] if letter == "y" else [message.value(part) for part in parts]))
            except Uncrossable:
                pass
        self.send([kind, raw, writes, extra], message)

    def begin_message(self, classes, dropped):
        self.learn_classes(classes)
        for number, times in dropped:
            self.give_back(number, times)

    def send(self, head, message):
        dropped, self.dropped = self.dropped, []
        text = "".join(_dumps(head + [message.nodes, message.classes, dropped], 0))
        data = text.encode("ascii")
        try:
            write_all(self.outbox, len(data).to_bytes(4, "little") + data)
        except Gone:
            self.is_gone = self.was_idle = True
            raise

    def hear(self):
        """Called when the other side says something, before it is read."""

    def receive(self):
        try:
            length = int.from_bytes(read_exactly(self.inbox, 4), "little")
            self.hear()
            if length > MAX_FRAME_BYTES:
                raise Garbled("a message too long")
            data = read_exactly(self.inbox, length)
        except Gone:
            self.is_gone = True
            raise
        try:
            text = data.decode("ascii")
            heard, end = _scan(text, 0)
            if end != len(text) or type(heard) is not list or heard[0] not in ("q", "r", "x"):
                raise Garbled("no message")
            return heard
        except Garbled:
            raise
        except (Exception, StopIteration) as error:
            raise Garbled(type(error).__name__) from None


def make_meta(link):
    """The class of this side's stand-ins' classes: what is done to such a class is done to the true one."""

    class RemoteType(type):
        def __call__(cls, *args, **kwargs):
            return link.ask("call", cls, args, kwargs, link.surroundings())

        def __getattr__(cls, name):
            return attribute_of(link, cls, name)

        def __setattr__(cls, name, value):
            link.ask("setattr", cls, name, value)

        def __iter__(cls):
            return link.ask("special", cls, "__iter__", (), {})

        def __len__(cls):
            return link.ask("special", cls, "__len__", (), {})

        def __bool__(cls):
            return True

        def __getitem__(cls, key):
            return link.ask("getitem", cls, key)

        def __contains__(cls, item):
            return link.ask("special", cls, "__contains__", (item,), {})

        def __repr__(cls):
            return "<class '%s.%s'>" % (cls.__module__, cls.__qualname__)

    return RemoteType


def make_class(link, number, module, qualname, bases, specials, content, is_iterable):
    """A class for stand-ins of the described one's instances."""
    if not (type(qualname) is str and type(module) is str and (content is None or type(content) is str)):
        raise Garbled("a class without a name")
    base_kind = None if content is None else getattr(builtins, content, None)
    immutable = base_kind is not None and id(base_kind) in _IMMUTABLE_BASES
    if content is not None and not immutable and id(base_kind) not in _MUTABLE_BASES:
        raise Garbled("content of no known type")
    parents = tuple(base for base in bases if isinstance(base, type))
    is_error = any(issubclass(base, BaseException) for base in parents)
    if immutable:
        parents = tuple(base for base in parents if type(base) is link.meta and issubclass(base, base_kind)) or (base_kind,)
        members = {}
    elif is_error:
        parents = tuple(base for base in parents if issubclass(base, BaseException))
        members = {"__str__": lambda self: object.__getattribute__(self, "__dict__").get("_proofbox_text", "")}
    else:
        parents = tuple(base for base in parents if type(base) is link.meta and issubclass(base, Remote)) or (Remote,)
        members = {"__slots__": ()}
    members["__module__"] = module
    members["__qualname__"] = qualname
    members["_proofbox_class_number"] = number
    members["_proofbox_content"] = content if immutable else None
    members["_proofbox_mutable"] = content if not immutable else None
    if not is_error:
        members.update(object_methods(link, immutable))
        members["_proofbox_compares"] = "__eq__" in specials
        for name in specials:
            if type(name) is str and name.lstrip("-") in SPECIALS:
                members.update(link.special(name, immutable))
    try:
        return type.__new__(link.meta, qualname.rpartition(".")[2] or "object", parents, members)
    except TypeError:  # Parents that do not go together here, where some of them are missing.
        return type.__new__(link.meta, qualname.rpartition(".")[2] or "object", parents[:1], members)


def object_methods(link, immutable):
    """What every stand-in of an object can do."""

    def __getattr__(self, name):
        return attribute_of(link, self, name)

    def __setattr__(self, name, value):
        link.ask("setattr", self, name, value)

    def __delattr__(self, name):
        link.ask("delattr", self, name)

    def __copy__(self):
        return link.ask("copy", self, False)

    def __deepcopy__(self, memo):
        return link.ask("copy", self, True)

    def __dir__(self):
        return link.ask("dir", self)

    def __repr__(self):
        return link.ask("special", self, "__repr__", (), {})

    methods = dict(locals())
    del methods["link"], methods["immutable"]
    if immutable:
        # A value that also is an object: as a value it is its content's.
        del methods["__copy__"], methods["__deepcopy__"], methods["__setattr__"], methods["__delattr__"]
    else:
        methods["__str__"] = lambda self: link.ask("special", self, "__str__", (), {})
        methods["__eq__"] = lambda self, other: link.equal(self, other)
        methods["__ne__"] = lambda self, other: link.unequal(self, other)
        methods["__hash__"] = lambda self: number_of(self)
    return methods
