"""The tests' side of tests that hold code: runs them in a cell of their own, where the solution is
only known by what crosses the link.

    python3 -I -S -B driver.pyc tests ENTRY PRELUDE SITE_DIRS

Descriptor 3 holds `marshal((nonce, setup, entries, entry_point, modules,
stops, own_modules))`: `entries` are
(kind, code) with kind `assert`, `code`, `unittest` or `pytest`; `modules` the names by which tests may import
the solution, the first `own_modules` of them its entry file, the others its other files; `stops` whether the first entry that does not pass is the last.

Descriptor 4 takes records, each four bytes of length and `marshal((nonce, index, tag, text, micros))`. The
nonce is known to this process and to whoever reads the records, and to nothing in the solution's
cell: a test has passed only if a record says so. Index -1 is about all of them.

    met        the solution has answered the entry: what comes of it from here on may be its doing
    passed     the entry ran to its end
    failed     an assertion of the tests' own did not hold
    raised     an exception of the solution's came out
    missing    the solution lacks what the entry names
    tripped    the tests raised over something that the solution returned
    broken     the tests raised by themselves, or do not compile
    gone       the solution's process ended; `idle`: while nothing was asked of it
    garbled    it said something that is no message
    unsupported    something that the tests need is not installed here
    shared     (-1) these tests need the solution in their own process; the text says why
    done       (-1) the end
"""

import builtins
import marshal
import posix
import sys

MAX_MESSAGE = 600
TESTS_MODULE = "tests_of_solution"
MODULE_ALIASES = {"np": "numpy"}


class Tests:
    """One run of the tests of a submission."""

    def __init__(self, driver, crossing, server, plan):
        self.driver, self.crossing, self.server = driver, crossing, server
        self.nonce, self.setup, self.entries, self.entry_point, self.modules, self.stops = plan
        self.write_all, self.dumps, self.result_fd = driver.write_all, marshal.dumps, driver.RESULT_FD
        self.codes, self.trees, self.namespace = [], [], {}
        self.entry_started_at = 0
        # Whether something of the solution's is called here, without a question: a type.
        self.binds_callables = False
        self.link = None

    def record(self, index, tag, text="", micros=0):
        text = text[:MAX_MESSAGE].encode("utf-8", "replace").decode("utf-8")
        data = self.dumps((self.nonce, index, tag, text, micros), 2)
        self.write_all(self.result_fd, len(data).to_bytes(4, "little") + data)

    def compile(self):
        """Compiles everything before anything of the solution's is heard. Whether all went well."""
        sources = [("<set-up>", self.setup)]
        for number, (kind, code) in enumerate(self.entries):
            sources.append(("<test %d>" % number, code))
        for place, (name, source) in enumerate(sources):
            try:
                tree = compile(source, name, "exec", 0x400, True)
                code = compile(tree, name, "exec", 0, True)
            except Exception as error:
                if place == 0:
                    self.record(-1, "broken", "the set-up does not compile: " + self.driver.describe(error))
                    return False
                tree, code = None, self.driver.describe(error)
            self.trees.append(tree)
            self.codes.append(code)
        if self.entry_point:
            try:
                compile(self.entry_point, "<entry point>", "eval", 0, True)
            except Exception as error:
                self.record(-1, "broken", "entry_point: " + self.driver.describe(error))
                return False
        return True

    def names_used(self):
        """Names that the tests read from their module's scope."""
        names = set()
        codes = [code for code in self.codes if type(code) is not str]
        if self.entry_point:
            codes.append(compile(self.entry_point, "<entry point>", "eval", 0, True))
        for code in codes:
            for part in self.driver.code_objects(code):
                names.update(part.co_names)
        return names

    def bind_solution(self):
        """Binds what the tests name of the solution. A name of a builtin means the builtin, lest a
        solution's own `set` or `abs` decides; except where nothing else of the solution's is named,
        so that it is what is tested."""
        names = self.names_used()
        plain = sorted(name for name in names if not hasattr(builtins, name))
        found = self.link.ask_names(plain)
        called, others = self.names_of_solution()
        # By the tests' text alone: what the solution has must have no say in it.
        if not others & called:
            found.update(self.link.ask_names(self.tested_builtin(called)))
        # A module that the tests use as one is the library's, whatever the solution calls so.
        for name in others - called:
            module = MODULE_ALIASES.get(name, name)
            if name in found and module in self.server.SHARED and type(found[name]) is not type(sys):
                found[name] = __import__(module, None, None, ("*",))
        is_lent = lambda value: self.link.lent_to_us(value) is not None
        self.binds_callables = any(callable(value) and not is_lent(value) for value in found.values())
        self.namespace.update(found)

    def tested_builtin(self, called):
        """The one name of a builtin that is tested, as a list: by the entry point, or the only one that every
        test calls. With two of them, a solution could put one of its own in place of what measures the other."""
        root = (self.entry_point or "").strip().partition("(")[0].strip()
        if root and hasattr(builtins, root):
            return [root]
        everywhere = {name for name in called if hasattr(builtins, name)}
        for tree in self.trees[1:]:
            if tree is not None:
                everywhere = {name for name in everywhere if calls_name(tree, name, anywhere=True)}
        if len(everywhere) > 1:
            names = ", ".join(sorted(everywhere))
            raise Broken("the tests call builtins only (%s), so that it cannot be told which is tested; give `entry_point`" % names)
        return sorted(everywhere)

    def names_of_solution(self):
        """Names that the tests and the entry point call, and those of no builtin that they expect of the
        solution."""
        trees = [tree for tree in self.trees if tree is not None]
        if self.entry_point:
            trees.append(compile(self.entry_point, "<entry point>", "eval", 0x400, True))
        read, called, imported = set(), set(), set()
        for node in (node for tree in trees for node in nodes_of(tree)):
            kind = kind_of(node)
            if kind == "Name" and kind_of(node.ctx) == "Load":
                read.add(node.id)
            elif kind == "Call":
                called.update(names_called(node))
            elif kind == "ImportFrom" and node.module in self.modules:
                imported.update(alias.asname or alias.name for alias in node.names)
        read = {name for name in read if not hasattr(builtins, name)}
        return called, (read - self.names_tests_define()) | imported

    def run_all(self):
        link = self.link
        link.on_answer = lambda: self.record(0, "met")
        try:
            link.ask("load")
        except self.crossing.Gone:
            return self.record(-1, "gone")
        except self.crossing.Garbled as error:
            return self.record(-1, "garbled", str(error))
        except BaseException as error:
            return self.record(-1, "raised", self.driver.describe(error))
        for index, (kind, _) in enumerate(self.entries):
            began = clock()
            if index == 0:
                tag, text = self.outcome_of(self.prepare, index)
                if tag == "passed":
                    tag, text = self.outcome_of(lambda: self.run_entry(index, kind), index)
                elif tag == "tripped":
                    tag = "broken"
            else:
                tag, text = self.outcome_of(lambda: self.run_entry(index, kind), index)
            self.record(index, tag, text, int((clock() - began) * 1e6))
            if tag != "passed" and (self.stops or tag in ("gone", "garbled")):
                return None
        return self.record(-1, "done")

    def prepare(self):
        self.bind_solution()
        # What the set-up does is the tests' own doing again.
        self.record(-1, "met")
        exec(self.codes[0], self.namespace)

    def run_entry(self, index, kind):
        self.link.on_answer = lambda: self.record(index, "met")
        code = self.codes[index + 1]
        if type(code) is str:
            raise Broken("the test does not compile: " + code)
        if kind in ("unittest", "pytest"):
            return self.suites.run(self, index, kind, code)
        exec(code, self.namespace)
        check = self.namespace.get("check")
        if kind == "code" and "check" in names_defined(self.trees[index + 1]):
            if calls_name(self.trees[index + 1], "check"):
                return None
            if not self.entry_point:
                raise Broken("the test defines check(candidate) and calls it nowhere; give `entry_point`")
            check(eval(self.entry_point, self.namespace))
        return None

    def outcome_of(self, action, index):
        """Carries out and says what came of it, as a tag and a text."""
        link = self.link
        link.before_test()
        before = link.questions_answered
        try:
            action()
            tag, text = "passed", ""
        except self.crossing.Gone:
            tag, text = "gone", "idle" if link.was_idle else ""
        except self.crossing.Garbled as error:
            tag, text = "garbled", str(error)
        except Broken as error:
            tag, text = "broken", str(error)
        except Unsupported as error:
            tag, text = "unsupported", str(error)
        except Failed as error:
            tag, text = error.args
        except BaseException as error:
            tag, text = self.judge(error, self.binds_callables or link.questions_answered > before)
        # Whoever caught it on the way: it has happened.
        if link.is_gone:
            return "gone", "idle" if link.was_idle else ""
        if link.was_garbled:
            return "garbled", ""
        return tag, text

    def judge(self, error, has_met_solution):
        """What an exception that came out of the tests says of the solution."""
        text = self.driver.describe(error)
        if self.link.is_theirs(error):
            return "raised", text
        if isinstance(error, AssertionError):
            return "failed", self.assertion(error)
        missing = self.missing_name(error)
        if missing:
            return "missing", missing
        if isinstance(error, (SystemExit, KeyboardInterrupt, GeneratorExit)):
            return "broken", "the tests ended themselves: " + text
        is_ours = isinstance(error, (NameError, SyntaxError, ImportError))
        if has_met_solution and not is_ours:
            return "tripped", "the tests raised " + text
        return "broken", "the tests raised " + text

    def missing_name(self, error):
        """What the solution lacks, if that is what the exception says."""
        if isinstance(error, MissingFromSolution):
            return str(error)
        if isinstance(error, ImportError) and error.name in self.modules:
            return "the solution has no " + (str(error).partition("'")[2].partition("'")[0] or "such name")
        if not isinstance(error, NameError) or isinstance(error, UnboundLocalError):
            return None
        name = getattr(error, "name", None) or str(error).partition("'")[2].partition("'")[0]
        if name in self.names_tests_define():
            return None
        root = (self.entry_point or "").strip().lstrip("(").partition("(")[0].partition(".")[0].strip()
        if name == root or self.is_called(name):
            return "the solution has no " + name
        return None

    def names_tests_define(self):
        return set().union(*[names_defined(tree) for tree in self.trees if tree is not None])

    def is_called(self, name):
        return any(tree is not None and calls_name(tree, name, anywhere=True) for tree in self.trees)

    def assertion(self, error):
        """The text of the assertion, and what the solution last returned."""
        own = str(error)
        frame_line = None
        trace = error.__traceback__
        while trace is not None:
            frame_line = self.place_of(trace.tb_frame.f_code.co_filename, trace.tb_lineno) or frame_line
            trace = trace.tb_next
        text = self.source_of(frame_line) if frame_line else "an assertion does not hold"
        if own:
            text += ": " + own
        last = self.link.last_result
        if last is not None:
            text += "; the last call returned " + last
        return text

    def place_of(self, name, line):
        """Which of the sources (0 is the set-up) and which of its lines; None for what is no source."""
        if name == "<set-up>":
            return 0, line
        if name[:6] == "<test ":
            return int(name[6:-1]) + 1, line
        head, _, tail = name.rpartition("test_of_solution_")
        return (int(tail[:-3]) + 1, line - 1) if head and tail[:-3].isdigit() else None

    def source_of(self, place):
        number, line = place
        tree = self.trees[number]
        source = self.setup if number == 0 else self.entries[number - 1][1]
        lines = source.splitlines()
        best = line, line
        for node in nodes_of(tree):
            if type(node).__name__ == "Assert" and node.lineno <= line <= (node.end_lineno or node.lineno):
                best = node.lineno, node.end_lineno or node.lineno
        return " ".join(part.strip() for part in lines[best[0] - 1 : best[1]])[:300]


class Broken(Exception):
    """The tests themselves cannot be carried out."""


class Unsupported(Exception):
    """What the tests need is not here."""


class Failed(Exception):
    """Tag and text of an entry that has judged itself."""


class ERRORS:
    """For `test_suites`."""

    Broken, Unsupported, Failed = Broken, Unsupported, Failed


class MissingFromSolution(AttributeError):
    """Tests name something of the solution's module that it does not have."""

    def __init__(self, name):
        super().__init__("the solution has no " + name)


def clock():
    import time

    return time.monotonic()


def nodes_of(tree):
    """A syntax tree's nodes, without the module `ast`, which is dear to import."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        for field in node._fields:
            value = getattr(node, field, None)
            if type(value) is list:
                stack.extend(item for item in value if hasattr(item, "_fields"))
            elif hasattr(value, "_fields"):
                stack.append(value)


Tests.nodes_of = staticmethod(nodes_of)


def kind_of(node):
    return type(node).__name__


def names_defined(tree):
    """Names that the module itself binds."""
    names = set()
    for node in nodes_of(tree):
        kind = kind_of(node)
        if kind in ("FunctionDef", "AsyncFunctionDef", "ClassDef"):
            names.add(node.name)
        elif kind == "Name" and kind_of(node.ctx) == "Store":
            names.add(node.id)
        elif kind == "alias":
            names.add((node.asname or node.name).partition(".")[0])
        elif kind == "arg":
            names.add(node.arg)
    return names


def calls_name(tree, name, anywhere=False):
    """Whether the name is called: at the module's own level, or anywhere."""
    if anywhere:
        places = nodes_of(tree)
    else:
        outside = ("FunctionDef", "AsyncFunctionDef", "ClassDef", "Lambda")
        places = (node for top in tree.body if kind_of(top) not in outside for node in nodes_of(top))
    return any(kind_of(node) == "Call" and name in names_called(node) for node in places)


def names_called(call):
    """The name that is called, and the candidates handed to `check`, which calls them."""
    if kind_of(call.func) != "Name":
        return []
    names = [call.func.id]
    if names == ["check"]:
        names += [item.id for item in call.args if kind_of(item) == "Name"]
    return names


def make_link(tests):
    """The link as the tests' process holds it. What the solution may name and ask is decided here."""
    driver, crossing, server = tests.driver, tests.crossing, tests.server
    original = sys.stdout, sys.stdin, builtins.input
    plain_types = frozenset(
        map(id, (type(None), bool, int, float, complex, str, bytes, list, tuple, set, frozenset, dict))
    )
    is_from = type.__dict__["__mro__"].__get__
    function_types = (type(driver.main), type(len), type([].append), type(tests.record))
    private_kinds = frozenset(("frame", "code", "module", "traceback", "cell", "builtin_function_or_method"))
    # By which an object is read as a number.
    readings = frozenset(
        "__abs__ __float__ __int__ __complex__ __index__ __bool__ __len__ __round__ __trunc__ __floor__ __ceil__ "
        "__neg__ __pos__".split()
    )
    may_stop = any("StopIteration" in text for text in [tests.setup] + [code for _, code in tests.entries])
    private_names = ("gi_", "cr_", "ag_", "f_", "tb_", "co_", "func_", "im_", "_")
    class TestsLink(crossing.Link):
        def __init__(self):
            super().__init__(driver.LINK_IN_FD, driver.LINK_OUT_FD, self.carry_out)
            self.wanted, self.last_result, self.was_garbled = frozenset(), None, False
            # Called once the solution has answered.
            self.on_answer = None
            # Made by a class of the solution's that the tests called, and returned by nothing since.
            self.made_here = set()
            # Those of them that have met a plain value, which may be what is expected.
            self.knowing = set()

        def ask(self, op, *values):
            if op == "special" and values[1] in readings and self.lent_to_us(values[0]) in self.knowing:
                raise TypeError("an object of the solution's that has met a plain value is no number")
            try:
                result = super().ask(op, *values)
            except StopIteration:
                # Out of anything but an iterator it would end the tests' own loops.
                if (op == "special" and values[1] == "__next__") or may_stop:
                    raise
                error = RuntimeError("the solution raised StopIteration")
                self.received_exception(error, None)
                raise error from None
            except crossing.Garbled:
                self.was_garbled = self.is_gone = True
                raise
            if op == "call":
                self.note_result(values[0], result)
            return result

        def hear(self):
            # Before it is read: what reading it costs is the solution's doing, too.
            if self.on_answer is not None:
                tell, self.on_answer = self.on_answer, None
                tell()

        def note_result(self, target, result):
            if id(type(result)) in plain_types:
                try:
                    self.last_result = repr(result)[:200]
                except Exception:
                    self.last_result = None
            else:
                self.last_result = None
            if type(type(result)) is self.meta:
                number = self.lent_to_us(result)
                if type(target) is self.meta and is_class_name(type.__getattribute__(target, "__name__")):
                    if type(result) is target:
                        self.made_here.add(number)
                else:
                    self.made_here.discard(number)

        def ask_names(self, names):
            if not names:
                return {}
            self.wanted = frozenset(names)
            try:
                found = self.ask("names", names)
            finally:
                self.wanted = frozenset()
            if type(found) is not dict or not self_wanted(names, found):
                self.was_garbled = self.is_gone = True
                raise crossing.Garbled("names that were not asked for")
            return found

        def before_test(self):
            self.last_result = None

        # What the solution's word is taken for.

        def find_named(self, module, name):
            if type(module) is not str or type(name) is not str or name[:1] == "_":
                raise crossing.Garbled("something named")
            if module in server.OF_ERRORS:
                found = getattr(__import__(module, None, None, ("*",)), name, None)
                is_error = isinstance(found, type) and issubclass(found, BaseException)
                if is_error or (module in server.PURE and (isinstance(found, type) or name in self.wanted)):
                    return found
            raise crossing.Garbled("something named")

        def find_module(self, name):
            if name in server.SHARED:
                return __import__(name, None, None, ("*",))
            raise crossing.Garbled("a module")

        def named(self, value):
            """Functions and classes of the standard library are the solution's own, there."""
            if not isinstance(value, type) and type(value) not in function_types:
                return None
            module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
            if type(module) is not str or type(name) is not str or module == TESTS_MODULE or "<" in name:
                return None
            found = sys.modules.get(module)
            for part in name.split("."):
                found = getattr(found, part, None)
            return ["g", module, name] if found is value else None

        def shares_module(self, module):
            return module.__name__ != TESTS_MODULE and not isinstance(module, SolutionModule)

        def keep_exception(self, error):
            return None

        # Operators with a plain value, which may be what is expected, are the object's to answer only
        # where the tests have made it themselves and know it for an object: see `note_result`.

        def binary(self, name, mine, other, rest):
            if isinstance(type(other), self.meta) or self.lent_to_us(mine) in self.made_here:
                if isinstance(type(other), self.meta):
                    return super().binary(name, mine, other, rest)
                if name not in crossing.ORDERING and name != "__contains__":
                    result = super().binary(name, mine, other, rest)
                    number = self.lent_to_us(result) if result is not NotImplemented else None
                    if number is None:
                        return NotImplemented
                    self.made_here.add(number)
                    self.knowing.add(number)
                    return result
            if name == "__contains__":
                return any(item is other or item == other for item in mine)
            return NotImplemented

        def surroundings(self):
            if (sys.stdout, sys.stdin, builtins.input) == original:
                return None
            is_other = [now is not before for now, before in zip((sys.stdout, sys.stdin, builtins.input), original)]
            stdin = sys.stdin.read() if is_other[1] else None
            return is_other[0], stdin, builtins.input if is_other[2] else None

        def hear_extra(self, extra):
            if type(extra) is str:
                sys.stdout.write(extra)

        # What the solution may ask of objects that the tests have passed to it.

        def carry_out(self, op, values):
            target, *rest = values
            if isinstance(type(target), self.meta) or type(target) is self.meta:
                raise TypeError("not the tests' own")
            if op == "call":
                args, kwargs, _ = rest
                return target(*args, **kwargs), None
            kind = type(target)
            if kind in function_types or kind.__name__ in private_kinds:
                if op == "getattr" and rest[0] in ("__name__", "__qualname__", "__doc__", "__module__"):
                    text = getattr(target, rest[0], None)
                    return text if type(text) is str else None, None
                raise AttributeError("the tests' functions can be called, and nothing else")
            if op == "special":
                name, args, kwargs = rest
                if name in crossing.SPECIALS:
                    return getattr(kind, name)(target, *args, **kwargs), None
            elif op in ("getattr", "setattr", "delattr"):
                name = rest[0]
                if type(name) is str and not name.startswith(private_names):
                    value = {"getattr": getattr, "setattr": setattr, "delattr": delattr}[op](target, *rest)
                    if type(value).__name__ not in private_kinds or type(value) in function_types:
                        return value, None
            elif op == "getitem":
                return target[rest[0]], None
            elif op == "content":
                return crossing.mutable_content(target), None
            raise AttributeError("not to be had from the tests' objects")

    def self_wanted(names, found):
        return all(type(name) is str and name in names for name in found)

    class SolutionModule(type(sys)):
        """The solution's module, or another of its files, as tests import it."""

        def __getattr__(self, name):
            link = tests.link
            if name == "__all__":
                return link.ask("public")
            if name[:2] == "__":
                raise AttributeError(name)
            found = link.ask_names([name])
            if name not in found:
                raise MissingFromSolution(name)
            return found[name]

        def __setattr__(self, name, value):
            if name[:2] == "__":
                return super().__setattr__(name, value)
            return tests.link.ask("set_name", name, value)

        def __delattr__(self, name):
            return tests.link.ask("del_name", name)

    class OtherModule(SolutionModule):
        def __getattr__(self, name):
            if name[:2] == "__" and name != "__all__":
                raise AttributeError(name)
            return getattr(tests.link.ask("module", self.__name__), name)

    for place, name in enumerate(tests.modules):
        if name == "main" or not (name in sys.modules or is_of_the_library(name)):
            module = SolutionModule if place < tests.own_modules else OtherModule
            sys.modules[name] = module(name)
    return TestsLink()


def is_of_the_library(name):
    """Whether the tests, which import a module of that name, mean one that is installed: no file of the
    solution's stands in for it."""
    top = name.partition(".")[0]
    return any(finder.find_spec(top, None) is not None for finder in sys.meta_path)


def is_class_name(name):
    return name[:1].isupper() and "_" not in name and not name.isupper()


def run(driver, crossing, server, suites, prelude):
    """The tests' process, from its start to its end."""
    leave = driver.make_exit()
    plan = list(marshal.loads(driver.read_all(driver.CALL_FD)))
    own_modules = plan.pop()
    tests = Tests(driver, crossing, server, plan)
    tests.own_modules, tests.suites, tests.errors = own_modules, suites, ERRORS
    for fd in (driver.LINK_IN_FD, driver.LINK_OUT_FD, driver.RESULT_FD):
        posix.set_inheritable(fd, False)
    driver.prepare(prelude)
    namespace = driver.new_module(TESTS_MODULE, "<tests>")
    sys.modules["__main__"] = sys.modules[TESTS_MODULE]
    tests.namespace, tests.module = namespace, sys.modules[TESTS_MODULE]
    sys.argv = ["tests"]
    if tests.compile():
        if prelude == "contest":
            driver.bind_prelude(namespace, prelude, tests.names_used() - {"ListNode", "TreeNode"})
        why = suites.needs_one_process(tests)
        if why:
            tests.record(-1, "shared", why)
        else:
            tests.link = make_link(tests)
            tests.run_all()
    leave(0)
