"""The tests' side of the link: stand-ins for the solution's objects, and the questions that they ask.

Whatever comes in is built by `values` from its closed set of types. A stand-in's class is made after the true one's
description and does nothing itself but ask. Nothing of the tests' is ever called, read or changed because the
solution's side says so, but for the content of containers that tests have passed to it or got from it.

What a stand-in means in tests:

- An object of the solution's own class never equals plain data. Its class is asked about other objects of the
  solution's only. What derives from a built-in type of data equals what its content equals.
- Other operators with plain data (`+ 1`, `< 3`, `in`) are asked of known objects: those that the tests have made by
  calling a class, by a name that their text writes as those of classes are written, and what operators make of such. What
  a function returned, or an attribute holds, could stand for the number that was expected, whatever it is. It is no
  number (`TypeError`); or, where the tests treat objects of that class as objects, `unsupported`. Nothing of the data is told:
  but for arithmetic on objects of a class that the text names, of which an object must come that counts for nothing but
  its attributes.
- Data is what its content says: of what derives from a built-in type only known objects have methods of their own in its place.
"""

import sys
import time
import _weakref

ARITHMETIC = [
    "__%s%s__" % (form, name)
    for name in "add sub mul matmul truediv floordiv mod divmod pow lshift rshift and xor or".split()
    for form in ("", "r", "i")
]
ORDERING = "__lt__ __le__ __gt__ __ge__".split()
READINGS = "__int__ __float__ __complex__ __index__ __abs__ __round__ __trunc__ __floor__ __ceil__".split()
FORWARDED = (
    "__len__ __length_hint__ __iter__ __next__ __reversed__ __call__ __getitem__ __setitem__ __delitem__ __missing__ __enter__ __exit__ "
    "__bool__ __neg__ __pos__ __invert__ __format__ __bytes__"
).split() + READINGS
OPERATORS = frozenset(ARITHMETIC + ORDERING + ["__contains__"])
# Of an object that also is data, comparing is its content's.
OF_DATA = frozenset(["__eq__", "__ne__", "__hash__", "__lt__", "__le__", "__gt__", "__ge__", "__bool__", "__new__", "__init__"])
# By these names array libraries have an object take over what they were to do with it, and Python has it copied.
NOT_ASKED = ("__array", "__torch_", "__jax_", "__dataframe", "__pandas", "__reduce", "__getstate", "__getnewargs", "_proofbox", "_pytest", "pytest", "__test__")
# Attributes of Python's own that tests look at, and frameworks do not.
LOOKED_AT = frozenset("__annotations__ __defaults__ __dict__ __doc__ __module__ __name__ __qualname__".split())


class Outcome(Exception):
    """What came of an entry of the tests, where it is known: tag and text."""


class NeedsSharing(BaseException):
    """Tests pass something to the solution that is no data: they must run in its process. Not an Exception: tests
    that catch everything must not catch this."""


class Refused(BaseException):
    """The same where the tests' text does not say so."""


class MissingFromSolution(AttributeError):
    """Tests name something of the solution's module that it does not have."""

    def __init__(self, name):
        super().__init__("the solution has no " + name)


class LINK:
    """The one link of this process."""

    side = None


get_slot = object.__getattribute__
Gone, Garbled, LETTERS = values.Gone, values.Garbled, values.LETTERS
DATA = {**values.VALUE_BASES, **{kind.__name__: kind for kind in LETTERS}}
PLAIN = frozenset(values.PLAIN_TYPES.values()) - {object}
_monotonic = time.monotonic
METHODS_OF_DATA = frozenset(name for kind in (str, bytes, int, float, list, tuple, dict, set, complex) for name in dir(kind))
NUMBERS = frozenset((int, float, complex, bool))
TEXTS = frozenset(("__str__", "__repr__", "__format__"))
NAMED_KINDS = frozenset("function builtin_function_or_method type method_descriptor wrapper_descriptor getset_descriptor ufunc EnumType EnumMeta ABCMeta".split())
# Modules that hold the tests; set by `tests`.
OWN_MODULES = set()


class TestsSide(values.Side):
    """The link. `ended` is what every further question raises, once there is something."""

    first_number = 2

    def __init__(self, inbox, outbox, keeps_stop_iteration):
        super().__init__(inbox, outbox)
        self.keeps_stop_iteration = keeps_stop_iteration
        self.ended, self.was_idle = None, False
        self.is_waiting, self.waited = False, 0.0
        # Number -> weak reference.
        self.stand_ins = {}
        # Numbers of objects that the tests know for objects.
        self.known, self.class_stand_ins = set(), {}
        # By identity; and how often an answer has named a number.
        self.exceptions, self.mentions = {}, {}
        # What the tests know for classes by their own text, names for which it expects numbers, and whose attributes it has read.
        self.named_classes, self.number_names, self.treated_as_objects = set(), frozenset(), set()
        # Objects that came of arithmetic with data; methods that might be data's, which get nothing but data.
        self.informed, self.closed = set(), set()
        # `last_result`: what the last call returned, if that is plain data; else this.
        self.questions, self.last_result, self.on_answer = 0, self, None
        self.asked_args, self.is_open, self.functions = (), False, set()
        # Names of the solution's scope that the tests read, and who is told when it binds them anew.
        self.followed, self.on_rebound = (), None
        # Names of the libraries' types whose objects were given out: nothing here behaves as they do.
        self.foreign = []
        self.unsupported = None
        self.class_stand_ins[0] = Function
        LINK.side = self

    # Asking.

    def ask(self, op, *asked, args=None, is_open=False):
        """`is_open`: what is asked may be given what is no data, so that the tests must share its process."""
        if self.ended is not None:
            raise self.ended
        if self.is_reading:
            raise Garbled("a question while it answers")
        self.asked_args, self.is_open = args if args is not None else (), is_open
        began, self.is_waiting = _monotonic(), True
        try:
            head = [op] if args is None else [op, self.raw(args)]
            head += [self.raw(value) for value in asked]
            # Not this method's: what only it holds is to be forgotten.
            is_next, asked = op == "special" and asked[0] == "__next__", None
            self.send(head)
            answer = self.answer()
        except Gone as error:
            # Before anything was heard: it had ended while the tests were busy.
            self.ended, self.was_idle = error, self.is_waiting
            raise
        except (Garbled, NeedsSharing, Refused) as error:
            self.ended = error
            raise
        finally:
            self.is_waiting = self.is_open = False
            self.waited += _monotonic() - began
        if op not in ("load", "names", "getattr"):
            self.questions += 1
        kind, answer = answer
        if kind == "x":
            self.raise_theirs(answer, is_next)
        return answer

    def answer(self):
        self.mentions = {}
        parts = self.receive()
        if len(parts) != 3 or not (parts[0] == "r" or (parts[0] == "x" and isinstance(parts[1], BaseException))):
            raise Garbled("no answer")
        if parts[2]:
            self.on_rebound(self.pairs(parts[2], self.followed))
        return parts[:2]

    def raise_theirs(self, error, is_next):
        if isinstance(error, StopIteration) and not is_next and not self.keeps_stop_iteration:
            # Out of anything but an iterator it would end the tests' own loops.
            error = RuntimeError("the solution raised StopIteration")
            self.error_received(error, None, "")
        raise error

    def has_begun(self):
        # Before it is read: what reading it costs is the solution's doing, too.
        if self.on_answer is not None:
            tell, self.on_answer = self.on_answer, None
            tell()

    def call(self, target, args, kwargs):
        is_open = (target if type(target) is RemoteType else self.number_of(target)) not in self.closed
        before = self.highest
        result = self.ask("call", tuple(kwargs), target, args=args + tuple(kwargs.values()), is_open=is_open)
        if type(target) is RemoteType and type(result) is target and target in self.named_classes and not isinstance(result, BaseException):
            self.make_known(result, before)
        self.last_result = result if type(result) in PLAIN else self
        return result

    def make_known(self, made, before):
        """An object that has just been made, and stands nowhere else."""
        number = self.number_of(made)
        if number > before and self.mentions.get(number) == 1:
            self.known.add(number)

    def setattr(self, owner, name, value):
        # What has its attributes set is no data.
        self.ask("setattr", owner, name, value, is_open=True)

    def getattr(self, owner, name):
        found = self.ask("getattr", owner, name)
        # A method of what is known, or one that no data has, is asked of an object.
        is_known = owner in self.named_classes if type(owner) is RemoteType else self.number_of(owner) in self.known
        if name in METHODS_OF_DATA and not is_known and self.is_theirs(found):
            self.closed.add(found if type(found) is RemoteType else self.number_of(found))
        return found

    def names(self, names, op="names"):
        """Those of the names that the solution has, and their values. `...` is a module."""
        further = (self.keeps_identity,) if op == "load" else ()
        found = self.pairs(self.ask(op, tuple(names), *further), names)
        for name, value in found.items():
            plain = name.lstrip("_")
            if type(value) is RemoteType and value not in self.functions:
                if plain[:1].isupper() and "_" not in plain and name not in self.number_names:
                    self.named_classes.add(value)
                else:
                    # Also found under a name that is no class's.
                    self.functions.add(value)
                    self.named_classes.discard(value)
        return found

    def pairs(self, answer, names):
        if type(answer) is not tuple or len(answer) % 2 or not all(type(name) is str and name in names for name in answer[::2]):
            self.ended = Garbled("names that were not asked for")
            raise self.ended
        return dict(zip(answer[::2], answer[1::2]))

    def is_theirs(self, value):
        return type(type(value)) is RemoteType or type(value) is RemoteType

    def special(self, name, mine, args):
        if self.number_of(mine) in self.informed:
            if name in ("__str__", "__repr__"):
                return object.__repr__(mine)
            self.refuse(name, mine)
        if name == "__iter__" and "__len__" in type(mine)._proofbox_methods and self.number_of(mine) not in self.known:
            return Counted(mine)
        if name == "__exit__" and args[0] is not None and not self.raised(args[1]) and is_of_frameworks(args[0]):
            # What the tests assert is not the solution's to swallow, nor to read.
            self.ask("special", name, mine, args=(AssertionError, AssertionError(), None))
            return False
        # A context is no data.
        was_known = self.number_of(mine) in self.known
        result = self.ask("special", name, mine, args=args, is_open=name == "__exit__")
        if name in TEXTS and isinstance(result, str):
            return str.__str__(result)
        if name == "__enter__" and result is mine and was_known:
            self.known.add(self.number_of(mine))
        return result

    def operate(self, name, mine, others):
        """An operator. What comes of one on objects that the tests have made is known to them, too."""
        number = self.number_of(mine)
        is_known, is_data = number in self.known, not self.is_theirs(others[0])
        may_inform = name in ARITHMETIC and type(mine) in self.named_classes and type(others[0]) in NUMBERS
        if is_data and not is_known and not may_inform or number in self.informed and name not in ARITHMETIC:
            self.refuse(name, mine)
        is_known = is_known and (is_data or self.number_of(others[0]) in self.known)
        is_informed = number in self.informed or (is_data and not is_known) or (not is_data and self.number_of(others[0]) in self.informed)
        before = self.highest
        result = self.ask("special", name, mine, args=others)
        if not self.is_theirs(result) or getattr(type(result), "_proofbox_base", None) is not None:
            if is_informed and result is not NotImplemented:
                self.refuse(name, mine)
        elif is_informed:
            self.informed.add(self.number_of(result))
        elif is_known and result is mine:
            self.known.add(number)
        elif is_known and type(result) is type(mine):
            self.make_known(result, before)
        return result

    def refuse(self, name, mine):
        text = "an object of the solution's own class %s, which a function returned, meets data by %s" % (type(mine).__name__, name)
        if type(mine) in self.named_classes or type(mine) in self.treated_as_objects or type(mine)._proofbox_foreign or name == "__contains__":
            self.unsupported = self.unsupported or text
        raise TypeError(text)

    def equal(self, mine, other):
        if mine is other:
            return True
        if self.is_reading:
            return False
        if self.is_theirs(other):
            if "__eq__" in type(mine)._proofbox_methods or "__eq__" in getattr(type(other), "_proofbox_methods", ()):
                return self.ask("special", "__eq__", mine, args=(other,))
            return NotImplemented
        if is_plain(other) and self.number_of(mine) in self.known and "__eq__" in type(mine)._proofbox_methods:
            answer = self.ask("special", "__eq__", mine, args=(other,))
            if answer is not NotImplemented and answer:
                text = "an object of the solution's own class %s equals data" % type(mine).__name__
                self.unsupported = self.unsupported or text
        return NotImplemented

    def equal_data(self, base, mine, other, asks):
        if asks and self.is_theirs(other) and not self.is_reading:
            return self.ask("special", "__eq__", mine, args=(other,))
        return base.__eq__(mine, other)

    # Objects of the solution's.

    def number_of(self, stand_in):
        number = self.numbers.get(id(stand_in))
        return number if number is not None else get_slot(stand_in, "_proofbox_number")

    def new_object(self, number, kind, hashed):
        self.check_number(number)
        kind = self.class_stand_ins[kind]
        made = object.__new__(kind)
        object.__setattr__(made, "_proofbox_number", number)
        object.__setattr__(made, "_proofbox_hash", hashed if type(hashed) is int else number)
        self.stand_ins[number] = _weakref.ref(made, lambda _: self.drop(number))
        # Until the message is read.
        self.received.append(made)
        if kind._proofbox_foreign:
            self.foreign.append(kind._proofbox_foreign)

    def check_number(self, number):
        super().check_number(number)
        if number in self.stand_ins:
            raise Garbled("a number that is taken")

    def new_value_object(self, number, kind, raw):
        self.check_number(number)
        kind, plain = self.class_stand_ins[kind], self.value(raw)
        base = values.VALUE_BASES[kind._proofbox_base]
        if type(plain) is not base:
            raise Garbled("content of another type")
        made = base.__new__(kind, plain)
        self.fixed[number], self.numbers[id(made)] = made, number
        return made

    def new_of_class(self, number, letter, raw_class):
        kind = self.value(raw_class)
        if type(kind) is not RemoteType or LETTERS.get(values.PLAIN_TYPES.get(kind._proofbox_base)) != letter:
            raise Garbled("content of another type")
        return values.PLAIN_TYPES[kind._proofbox_base].__new__(kind)

    def numbered(self, number):
        # Where it comes up again it may stand for something else that was expected.
        self.known.discard(number)
        self.mentions[number] = self.mentions.get(number, 0) + 1
        if number not in self.stand_ins:
            return super().numbered(number)
        found = self.stand_ins[number]()
        if found is None:
            raise Garbled("an object that was dropped")
        return found

    def drop(self, number):
        self.stand_ins.pop(number, None)
        self.known.discard(number)
        self.informed.discard(number)
        self.closed.discard(number)
        self.dropped.append(number)

    def new_fixed(self, number, raw):
        value = super().new_fixed(number, raw)
        if not self.keeps_identity or self.is_theirs(value) or isinstance(value, BaseException):
            raise Garbled("an identity that is not to be given")
        return value

    def class_numbered(self, number):
        return self.class_stand_ins[number]

    def learn_classes(self, classes):
        for description in classes:
            if description[0] in self.class_stand_ins or type(description[0]) is not int:
                raise Garbled("a class described twice")
            number, home, qualname, text, bases, methods, base_name = description
            self.class_stand_ins[number] = make_class(number, home, qualname, text, self.values(bases), methods, base_name)

    def named(self, home, name):
        raise Garbled("something named")

    def argument(self, place):
        found = self.asked_args[place]
        if self.is_theirs(found) and type(found) is not RemoteType:
            self.known.discard(self.number_of(found))
        return found

    def error_received(self, error, number, text):
        if type(type(error)) is RemoteType:
            object.__setattr__(error, "_proofbox_text", text)
        self.exceptions[id(error)] = error
        if number is not None:
            if self.is_reading:
                self.check_number(number)
            self.fixed[number], self.numbers[id(error)] = error, number

    def raised(self, error):
        """Whether the solution raised this very exception."""
        return id(error) in self.exceptions

    # Values of the tests' own.

    def raw_other(self, value, kind):
        if type(kind) is RemoteType:
            return [self.number_of(value)]
        if kind is RemoteType:
            return ["k", type.__getattribute__(value, "_proofbox_class_number")]
        if kind.__name__ == "traceback":
            return None
        if kind is Counted:
            return self.raw(value.items)
        return super().raw_other(value, kind)

    def raw_class(self, kind):
        name = super().raw_class(kind)
        return name if name is not None else self.raw_named(kind)

    def raw_object(self, value, kind):
        if isinstance(value, SolutionModule):
            raise self.needs_sharing("a module")
        if kind.__name__ in NAMED_KINDS:
            return self.raw_named(value)
        raise self.needs_sharing(kind.__name__)

    def raw_named(self, value):
        """A function or class of a library's, which the solution finds under its name."""
        home, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
        if home is None and hasattr(value, "__objclass__"):
            home = value.__objclass__.__module__
        if type(home) is str and type(name) is str and home not in OWN_MODULES:
            found = sys.modules.get(home)
            for part in name.split("."):
                found = getattr(found, part, None)
            if found is value:
                return ["g", home, name]
        raise self.needs_sharing(name if type(name) is str else type(value).__name__)

    def needs_sharing(self, what):
        """Only where the tests' text says that they pass something that is no data: what a function returned must not be
        able to bring it about."""
        if self.is_open:
            return NeedsSharing("they pass something to the solution that is no data: " + what)
        return Refused("something that is no data (%s) meets an object that a function returned" % what)


class Counted:
    """The items of an object that also has a length: they must be as many."""

    def __init__(self, mine):
        self.mine, self.left = mine, LINK.side.ask("special", "__len__", mine, args=())
        self.items = LINK.side.ask("special", "__iter__", mine, args=())

    def __iter__(self):
        return self

    def __next__(self):
        try:
            item = next(self.items)
        except StopIteration:
            if self.left:
                raise TypeError("an object of the solution's own class %s has other items than it says" % type(self.mine).__name__) from None
            raise
        self.left -= 1
        return item


def is_plain(value):
    return type(value) in PLAIN or type(value).__module__ in ("decimal", "fractions", "datetime")


def is_of_frameworks(kind):
    return issubclass(kind, AssertionError) or kind.__module__ == "_pytest.outcomes" or not issubclass(kind, Exception)
