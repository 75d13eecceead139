"""The solution's side of tests that run in another cell: loads the solution and answers what the tests ask.

    python3 -I -S -B driver.pyc serve ENTRY PRELUDE SITE_DIRS

Whatever this process says is the solution's word: it can be made to say anything by the solution, and nothing that
it says counts as more than a value that a function returned. It asks nothing, and is never told what is expected,
except where tests pass that on themselves.

A question is [op, values...], an answer ["r", value, names] or ["x", exception, names]: (name, value, ...) of those that the
tests read from the solution's scope and that it has bound anew. `Solution` has a method for each op. A value
["a", i] in an answer is argument i of the question, itself.
"""

import operator
import posix
import sys


def serve(entry, prelude):
    """Answers until the other side is done or gone."""
    leave, compiled = driver.make_exit(), compile_own(entry, prelude)
    for fd in (driver.LINK_IN_FD, driver.LINK_OUT_FD, driver.RESULT_FD):
        posix.set_inheritable(fd, False)
    side = SolutionSide(driver.LINK_IN_FD, driver.LINK_OUT_FD)
    solution = Solution(compiled, entry, prelude)
    solution.side = side
    try:
        while True:
            side.answer(solution)
    except values.Gone:
        leave(0)
    leave(1)


def compile_own(entry, prelude):
    """The solution's code, as `driver.compile_solution` has it; its directory is the first in the path."""
    sys.argv = [entry]
    sys.path.insert(0, entry.rpartition("/")[0] or "/")
    compiled = driver.compile_solution(driver.read_source(entry), entry, prelude, driver.RESULT_FD)
    return compiled if compiled[0] is not None else driver.make_exit()(1)


_mro = type.__dict__["__mro__"].__get__
_bases_of = type.__dict__["__bases__"].__get__
_namespace_of = type.__dict__["__dict__"].__get__
_VALUE_BASES = {kind: name for name, kind in values.VALUE_BASES.items()}
_DATA = {**_VALUE_BASES, **{kind: kind.__name__ for kind in values.LETTERS}, object: None}


class SolutionSide(values.Side):
    """Holds the solution's objects for as long as the tests hold stand-ins for them."""

    first_number = 1

    def __init__(self, inbox, outbox):
        super().__init__(inbox, outbox)
        self.class_numbers, self.classes_by_number, self.last_class = {}, {}, 0

    def answer(self, solution):
        op, *asked = self.receive()
        self.asked = asked
        try:
            answer = ["r", getattr(solution, "do_" + op)(*asked)]
        except (values.Gone, values.Garbled):
            raise
        except BaseException as error:
            answer = ["x", error.with_traceback(None)]
        try:
            raw = [answer[0], self.raw_answer(answer[1]), self.raw(solution.rebound())]
        except Exception as error:
            raw = ["x", self.raw(TypeError("a result that cannot cross: " + values.text_of(error))), None]
        # What only this answer holds is forgotten with it.
        answer = asked = self.asked = None
        self.send(raw)

    def raw_answer(self, value):
        """An argument that comes back is the very one."""
        if self.asked and type(self.asked[0]) is tuple and type(value) not in values.LETTERS:
            for place, argument in enumerate(self.asked[0]):
                if argument is value:
                    return ["a", place]
        return self.raw(value)

    # The solution's objects and classes.

    def raw_object(self, value, kind):
        for base in _mro(kind):
            if base in _VALUE_BASES:
                return self.raw_value_object(value, kind, base)
            letter = values.LETTERS.get(base)
            if letter is not None:
                place = self.container(value, letter, ["k", self.class_number(kind)])
                self.owned.add(place[0])
                return place
        number, hashed = self.hold(value), None
        if kind.__hash__ is not None and kind.__hash__ is not object.__hash__ and kind not in _PLAIN_FUNCTIONS:
            try:
                hashed = hash(value)
            except BaseException:
                pass
        self.nodes.append(["h", number, 0 if kind in _PLAIN_FUNCTIONS else self.class_number(kind), hashed])
        return [number]

    def raw_value_object(self, value, kind, base):
        """Read by the built-in type's own methods, never by overrides of the solution's."""
        read = driver._READ_AS_BASE.get(base)
        plain = read(value) if read else base(base.__iter__(value))
        number = self.hold(value)
        self.nodes.append(["u", number, self.class_number(kind), self.raw(plain)])
        return [number]

    def raw_class(self, kind):
        return super().raw_class(kind) or ["k", self.class_number(kind)]

    def class_number(self, kind):
        number = self.class_numbers.get(id(kind))
        if number is None:
            self.last_class += 1
            number = self.class_numbers[id(kind)] = self.last_class
            self.classes_by_number[number] = kind
            self.classes.append(self.describe(kind, number))
        return number

    def describe(self, kind, number):
        """[number, module, qualified name, text, bases, methods, base of its content]."""
        bases, methods = [self.raw_class(base) for base in _bases_of(kind) if base not in _DATA], []
        owners = list(_mro(kind))
        depth = next(depth for depth, owner in enumerate(owners) if owner in _DATA)
        base_name = _DATA[owners[depth]]
        for owner in owners[:depth]:
            for name, value in list(_namespace_of(owner).items()):
                matters = name[:2] == "__" or base_name is not None
                if matters and name not in methods and "-" + name not in methods:
                    methods.append("-" + name if value is None else name)
        module = kind.__module__
        module = module if type(module) is str else ""
        text = kind.__doc__ if type(kind.__doc__) is str else None
        return [number, module, kind.__qualname__, text and text[: values.MAX_TEXT], bases, methods, base_name]

    def hold(self, value):
        """A new number, by which the other side may ask for the object."""
        number = self.new_number()
        self.fixed[number], self.numbers[id(value)] = value, number
        return number

    def forget(self, number):
        self.owned.discard(number)
        if number in self.fixed:
            self.numbers.pop(id(self.fixed.pop(number)), None)
        else:
            super().forget(number)

    def class_numbered(self, number):
        return self.classes_by_number[number]

    def named(self, home, name):
        found = values.module(home)
        for part in name.split("."):
            found = getattr(found, part)
        return found


class Solution:
    """The solution's module and what may be asked of it."""

    def __init__(self, compiled, entry, prelude):
        self.compiled, self.entry, self.prelude = compiled, entry, prelude
        self.namespace, self.followed = None, {}

    def rebound(self):
        """Names that the tests read, as in one scope with the solution, and their values, where these are others now."""
        changed = []
        for name, before in self.followed.items():
            now = self.namespace.get(name, before)
            if now is not before:
                self.followed[name] = now
                changed += [name, now]
        return tuple(changed) or None

    def do_load(self, names, keeps_identity):
        """Runs the module, and gives those of the names that it has."""
        self.side.keeps_identity = keeps_identity
        code, read = self.compiled
        self.namespace = driver.new_module(driver.MODULE_NAME, self.entry)
        sys.modules["__main__"] = sys.modules[driver.MODULE_NAME]
        driver.bind_prelude(self.namespace, self.prelude, read)
        try:
            exec(code, self.namespace)
        except BaseException as error:
            driver.show_exception(error)
            raise
        found = self.do_names(names)
        self.followed = {name: self.namespace[name] for name in found[::2]}
        return found

    def do_names(self, names):
        """[name, value, ...]; of a module only that it is one."""
        found = []
        for name in names:
            if name not in self.namespace and self.prelude == "contest" and name in ("ListNode", "TreeNode"):
                self.namespace[name] = driver.node_class(name)
            if name in self.namespace:
                value = self.namespace[name]
                found += [name, ... if type(value) is type(sys) else value]
        return tuple(found)

    def do_public(self):
        exported = self.namespace.get("__all__")
        return list(exported) if exported else [name for name in self.namespace if name[:1] != "_"]

    def do_module(self, name):
        return __import__(name, None, None, ("*",))

    def do_set_name(self, name, value):
        self.namespace[name] = value

    def do_del_name(self, name):
        del self.namespace[name]

    def do_call(self, args, names, target):
        """`names`: of the last arguments, which are given by name."""
        if not names:
            return target(*args)
        count = len(args) - len(names)
        return target(*args[:count], **dict(zip(names, args[count:])))

    do_getattr, do_setattr, do_delattr, do_dir = getattr, setattr, delattr, dir
    do_getitem = operator.getitem

    def do_special(self, args, name, target):
        return getattr(type(target), name)(target, *args)

    def do_copy(self, target, is_deep):
        import copy

        return (copy.deepcopy if is_deep else copy.copy)(target)


# Functions and the like need no description: they can be called.
_PLAIN_FUNCTIONS = {type(serve), type(len), type("".join), type(Solution.do_call), type(Solution("", "", "").do_call)}
