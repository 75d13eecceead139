"""The solution's side of tests that run in another cell: loads the solution, does what the tests ask.

    python3 -I -S -B driver.pyc serve ENTRY PRELUDE SITE_DIRS

Whatever this process says is the solution's word: it can be made to say anything by the solution, and
nothing that it says counts as more than a value that a function returned. It is never told what is
expected, except where tests pass it on themselves.

Questions (see `crossing`): `load` runs the solution's module; `names` gives values of its module's
names; `call`, `getattr`, `setattr`, `delattr`, `getitem`, `special`, `content`, `copy` and `dir` do that to one
object; `module` imports another of the solution's files.
"""

import posix
import sys

# Modules whose functions and classes are the same thing on both sides: pure, and none of them holds
# anything that would make a test pass (as `unittest.mock.ANY` would).
PURE = frozenset(
    (
        "math cmath string re datetime collections collections.abc heapq _heapq bisect _bisect copy random statistics "
        "itertools functools _functools operator _operator typing decimal fractions json numbers enum dataclasses "
        "abc time _collections types"
    ).split()
)
# Modules of exceptions that both sides may name, and modules that tests may find in the solution's scope.
OF_ERRORS = PURE | frozenset("json.decoder queue _queue struct csv subprocess concurrent.futures._base zlib binascii".split())
SHARED = PURE | frozenset("numpy numpy.linalg numpy.random sys os os.path io".split())
# What a call may find of the tests' own in place of the process's: see `Surroundings`.
MAX_CAPTURED = 1 << 20


def serve(driver, crossing, entry, prelude):
    """Loads the solution when asked to and serves until the other side is done or gone."""
    leave = driver.make_exit()
    sys.argv = [entry]
    sys.path.insert(0, entry.rpartition("/")[0] or "/")
    source = driver.read_all(posix.open(entry, posix.O_RDONLY | posix.O_CLOEXEC))
    compiled = driver.compile_solution(source, entry, prelude, driver.RESULT_FD)
    if compiled[0] is None:
        leave(1)
    for fd in (driver.LINK_IN_FD, driver.LINK_OUT_FD, driver.RESULT_FD):
        posix.set_inheritable(fd, False)
    server = make_link(crossing, Solution(driver, crossing, compiled, entry, prelude))
    try:
        while True:
            heard = server.receive()
            if heard[0] != "q":
                break
            server.answer(heard)
    except crossing.Gone:
        leave(0)
    leave(1)


def make_link(crossing, solution):
    class SolutionLink(crossing.Link):
        def __init__(self):
            super().__init__(solution.driver.LINK_IN_FD, solution.driver.LINK_OUT_FD, self.carry_out)
            self.naming = False

        def carry_out(self, op, values):
            self.naming = op == "names"
            return getattr(solution, "do_" + op)(*values)

        def named(self, value):
            return name_in(value, OF_ERRORS if is_error(value) else PURE, self.naming)

        def shares_module(self, module):
            return module.__name__ in SHARED and sys.modules.get(module.__name__) is module

        def find_named(self, module, name):
            value = __import__(module, None, None, ("*",))
            for part in name.split("."):
                value = getattr(value, part)
            return value

        def find_module(self, name):
            return __import__(name, None, None, ("*",))

    return SolutionLink()


def is_error(value):
    return isinstance(value, type) and issubclass(value, BaseException)


def name_in(value, modules, functions_too):
    """`["g", module, name]` for what a module has under that name, or None."""
    if not isinstance(value, type) and not functions_too:
        return None
    name = getattr(value, "__qualname__", None) or getattr(value, "_name", None)
    module = getattr(value, "__module__", None)
    if type(name) is not str or type(module) is not str or "." in name:
        return None
    module = module.lstrip("_") if module.lstrip("_") in modules else module
    home = sys.modules.get(module) if module in modules else None
    return ["g", module, name] if home is not None and getattr(home, name, None) is value else None


class Solution:
    """The solution's module and what may be asked of it. Answers are (value, captured output or None)."""

    def __init__(self, driver, crossing, compiled, entry, prelude):
        self.driver, self.compiled, self.entry, self.prelude = driver, compiled, entry, prelude
        self.mutable_content = crossing.mutable_content
        self.namespace = None

    def do_load(self):
        driver = self.driver
        code, names = self.compiled
        self.namespace = driver.new_module(driver.MODULE_NAME, self.entry)
        sys.modules["__main__"] = sys.modules[driver.MODULE_NAME]
        driver.bind_prelude(self.namespace, self.prelude, names)
        try:
            exec(code, self.namespace)
        except BaseException as error:
            driver.show_exception(error)
            raise
        return None, None

    def do_names(self, names):
        """Those of the names that the module has, and their values."""
        found = {}
        for name in names:
            if name in self.namespace:
                found[name] = self.namespace[name]
            elif self.prelude == "contest" and name in ("ListNode", "TreeNode"):
                found[name] = self.namespace[name] = self.driver.node_class(name)
        return found, None

    def do_public(self):
        exported = self.namespace.get("__all__")
        return list(exported) if exported else [name for name in self.namespace if name[:1] != "_"], None

    def do_module(self, name):
        return __import__(name, None, None, ("*",)), None

    def do_set_name(self, name, value):
        self.namespace[name] = value
        return None, None

    def do_del_name(self, name):
        self.namespace.pop(name, None)
        return None, None

    def do_call(self, target, args, kwargs, surroundings):
        if surroundings is None:
            return target(*args, **kwargs), None
        with Surroundings(surroundings) as around:
            return target(*args, **kwargs), around.text

    def do_getattr(self, target, name):
        return getattr(target, name), None

    def do_setattr(self, target, name, value):
        return setattr(target, name, value), None

    def do_delattr(self, target, name):
        return delattr(target, name), None

    def do_getitem(self, target, key):
        return target[key], None

    def do_special(self, target, name, args, kwargs):
        return getattr(type(target), name)(target, *args, **kwargs), None

    def do_content(self, target):
        return self.mutable_content(target), None

    def do_copy(self, target, is_deep):
        import copy

        return (copy.deepcopy if is_deep else copy.copy)(target), None

    def do_dir(self, target):
        return dir(target), None


class Text:
    """Where a call's printed text goes that the tests capture."""

    def __init__(self):
        self.pieces, self.length = [], 0

    def write(self, text):
        self.length += len(text)
        if self.length <= MAX_CAPTURED:
            self.pieces.append(str(text))
        return len(text)

    def __getattr__(self, name):
        return getattr(sys.__stdout__, name)

    def flush(self):
        pass

    def isatty(self):
        return False


class Surroundings:
    """For the time of a call: standard input, `input` and standard output as the tests have made them."""

    def __init__(self, given):
        self.captures, self.stdin, self.input = given
        self.printed = Text()

    @property
    def text(self):
        return "".join(self.printed.pieces) if self.captures else None

    def __enter__(self):
        import builtins
        import io

        self.before = sys.stdout, sys.stdin, builtins.input
        if self.captures:
            sys.stdout = self.printed
        if self.stdin is not None:
            sys.stdin = io.StringIO(self.stdin)
        if self.input is not None:
            builtins.input = self.input
        return self

    def __exit__(self, *error):
        import builtins

        sys.stdout, sys.stdin, builtins.input = self.before
