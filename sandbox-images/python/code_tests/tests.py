"""The tests' side of tests that hold code: carries them out and says what came of each.

    python3 -I -S -B driver.pyc tests|shared ENTRY PRELUDE SITE_DIRS

`tests`: the solution is in another cell and known by what crosses the link only. `shared`: it is in this very
process, as plain Python has it; see README.md for who decides.

Descriptor 3 holds `marshal((nonce, setup, entries, first, entry_point, modules, own_modules, stops, wall_ms))`: `entries` are
(kind, code) with kind `assert`, `code`, `unittest` or `pytest`, those before `first` for what they define only;
`modules` the names by which tests may import the solution, the first `own_modules` of them its entry file, the others
its other files; `stops` whether the first entry that does not pass is the last.

Descriptor 4 takes records, each four bytes of length and `marshal((nonce, index, tag, text, micros))`. The nonce is
known to this process and to whoever reads the records, and to nothing in the solution's cell: a test has passed
only if a record says so. Index -1 is about all of them.

    met        the solution has answered the entry, or (0, before the first) is being loaded: what comes of it from here on may
               be its doing; -1: from here on what happens is the tests'
    passed     the entry ran to its end, asked the solution and checked something
    failed     an assertion of the tests' own did not hold
    raised     an exception of the solution's came out
    missing    the solution lacks what the entry names
    tripped    the tests raised over something that the solution returned
    broken     the tests raised by themselves, check nothing, or do not compile
    over       the tests' own wall time is over while they do not wait for the solution
    gone       the solution's process ended; `idle`: while nothing was asked of it
    garbled    it said something that is no message
    unsupported    something that the tests need is not here
    shared     (-1) these tests need the solution in their own process; the text says why
    done       (-1) the end
"""

import builtins
import marshal
import posix
import sys
import time

MAX_MESSAGE = 600
# By which names tests import the solution, whatever its file is called.
USUAL_NAMES = frozenset(("solution", "main", "submission", "candidate"))
# As natively for solutions: how many times its wall limit load may keep a process waiting.
MOST_WALL_STRETCH = 16
TESTS_MODULE = "tests_of_solution"
Outcome = asking.Outcome


class Tests:
    """One run of the tests of a submission."""

    is_shared = False
    # Where the solution's files lie, if it is in this process.
    home = None

    def __init__(self, plan):
        self.nonce, self.setup, self.entries, self.first, self.entry_point, self.modules, self.own_modules, self.stops, self.wall_ms = plan
        self.write_all, self.dumps, self.result_fd = driver.write_all, marshal.dumps, driver.RESULT_FD
        self.trees, self.codes, self.namespace, self.scopes, self.side = [], [], {}, [], None
        self.checks, self.index, self.given, self.began = 0, 0, frozenset(), time.monotonic()

    def record(self, index, tag, text="", micros=0):
        text = text[:MAX_MESSAGE].encode("utf-8", "replace").decode("utf-8")
        data = self.dumps((self.nonce, index, tag, text, micros), 2)
        self.write_all(self.result_fd, len(data).to_bytes(4, "little") + data)

    # Before anything of the solution's is heard.

    def read(self):
        """Reads and compiles everything. Whether the tests can be carried out."""
        sources = [("<set-up>", self.setup, "exec")] + [("<test %d>" % number, code, "exec") for number, (_, code) in enumerate(self.entries)]
        sources.append(("<entry point>", self.entry_point, "eval"))
        self.places = [(name, mode) for name, _, mode in sources]
        for name, source, mode in sources:
            tree = code = None
            try:
                if source or name[:5] == "<test":
                    tree = compile(source, name, mode, 0x400, True)
                    reading.mark_checks(tree)
                    code = compile(tree, name, mode, 0, True)
            except Exception as error:
                tree, code = None, driver.describe(error)
                if name[:5] != "<test":
                    return self.record(-1, "broken", "%s does not compile: %s" % ("entry_point" if mode == "eval" else "the set-up", code))
            self.trees.append(tree)
            self.codes.append(code)
        # A file of the solution's does not stand in for a library that tests import.
        own = [name for name in self.modules if name in USUAL_NAMES or not (name in sys.modules or is_of_the_library(name, self.home))]
        names = [((), ()) if type(code) in (str, type(None)) else driver.names_read(code, only=False) for code in self.codes]
        self.read_by, self.bound_by = [set(read) for read, _ in names], [set(bound) for _, bound in names]
        self.bound_here, self.free = set().union(*self.bound_by), set().union(*self.read_by)
        self.text = reading.Reading([tree for tree in self.trees if tree is not None], own, self.bound_here)
        self.wanted = {name for name in self.free - reading.BUILTINS - self.text.imported - {reading.CHECKED} if name[:2] != "__"}
        for bound, names in zip(self.bound_by, self.read_by):
            if bound & names & self.wanted:
                self.text.share("bind names of the solution's anew")
        return True

    def names_of_solution(self):
        """Names that the tests expect of the solution. A builtin's name means the builtin, unless it is declared to be
        what is tested, or nothing else is called."""
        root, names = self.root(), set(self.wanted)
        if root in reading.BUILTINS:
            names.add(root)
        elif not root and not self.text.solution_names and not names - reading.USUAL_MODULES.keys() - self.text.defined - self.bound_here:
            called = self.text.called_itself & reading.BUILTINS
            if len(called) > 1:
                raise Outcome("broken", "the tests call builtins only (%s): say by `entry_point` which of them the solution defines" % ", ".join(sorted(called)))
            names.update(called)
        return names

    def root(self):
        """The name that is declared to be tested: by the entry point, or by `check(name)` in the tests' text."""
        declared = (self.entry_point or "").strip().lstrip("(").partition("(")[0].partition(".")[0].strip()
        return declared or self.text.checked or ""

    # In two cells.

    def run(self):
        self.link()
        try:
            names = self.names_of_solution()
            if self.prelude != "none":
                names -= driver.bind_prelude(self.namespace, self.prelude, self.free - {"ListNode", "TreeNode"}).keys()
        except Outcome as error:
            return self.record(-1, *error.args)
        self.record(0, "met")
        tag, text = self.outcome_of(lambda: self.load(names), -1)
        if tag == "passed":
            self.namespace[reading.CHECKED] = self.check
            self.record(-1, "met")
            if self.codes[0] is not None:
                self.side.on_answer = lambda: self.record(0, "met")
                tag, text = self.outcome_of(lambda: exec(self.codes[0], self.namespace), -1)
                self.record(-1, "met")
        elif tag in ("tripped", "missing"):
            tag = "raised"
        if tag != "passed":
            return self.record(-1, tag, text)
        for index in self.needed():
            began, self.index = time.monotonic(), index
            tag, text = self.outcome_of(lambda: self.run_entry(index), index)
            if index < self.first:
                continue
            if isinstance(self.side.ended, asking.NeedsSharing):
                return self.record(-1, "shared", str(self.side.ended))
            self.record(index - self.first, tag, text, int((time.monotonic() - began) * 1e6))
            if tag != "passed" and (self.stops or self.side.ended is not None):
                return None
        return self.record(-1, "done")

    def needed(self):
        """The entries to carry out, by number: from the first on, and those before it that may have made what they
        find: that name something of the tests' own which they name, or which one names that is carried out for them."""
        own = self.bound_here - self.text.imported
        names = [(read | bound) & own for read, bound in zip(self.read_by, self.bound_by)][1:]
        order = set(range(self.first, len(self.entries)))
        met, before = set().union(*[names[index] for index in order]), None
        while before != len(order):
            before = len(order)
            for index in range(self.first):
                if self.entries[index][0] in ("assert", "code") and names[index] & met:
                    order.add(index)
                    met |= names[index]
        return sorted(order)

    def watch_wall_time(self):
        """Ends tests that sleep beyond the wall limit, their set-up included; in one process the cell's own limit does, and the
        signal is the solution's. Time in which they wait for the solution is the solution's; who
        computes, or would if the machine let it, ends by the CPU limit."""
        try:
            # Not `signal`, which makes enumerations of what is in here.
            import _signal

            self.times = time.monotonic(), time.process_time()
            _signal.signal(_signal.SIGALRM, self.look_at_wall_time)
            _signal.setitimer(_signal.ITIMER_REAL, self.wall_ms / 1000, self.wall_ms / 4000)
        except (ImportError, AttributeError, OSError):
            return  # In WebAssembly, where whoever runs the guest does it.

    def look_at_wall_time(self, *_):
        wall, cpu = time.monotonic() - self.times[0] - self.side.waited, time.process_time() - self.times[1]
        if not self.side.is_waiting and wall * 1000 >= self.wall_ms and cpu < wall / MOST_WALL_STRETCH:
            self.record(max(self.index - self.first, 0), "over")
            posix._exit(0)

    def link(self):
        keeps_stop_iteration = any("StopIteration" in text for text in [self.setup] + [code for _, code in self.entries])
        self.side = asking.TestsSide(driver.LINK_IN_FD, driver.LINK_OUT_FD, keeps_stop_iteration)
        self.side.keeps_identity = self.text.keeps_identity
        self.side.number_names = self.text.number_names | ({self.entry_point} if self.entry_point else set())
        for place, name in enumerate(self.modules):
            if name in self.text.homes & self.text.own_modules:
                sys.modules[name] = asking.SolutionModule(name, self.side, place < self.own_modules)
        self.watch_wall_time()

    def load(self, names):
        found = self.side.names(sorted(names), "load")
        own = set(found)
        for name in list(found):
            # A module that the tests use as one is the library's, whatever the solution calls so.
            is_used_as_one = any(getattr(node.value, "id", None) == name for node in self.text.attributes)
            if found[name] is ... or (name in reading.USUAL_MODULES and is_used_as_one and name not in self.text.called_itself):
                del found[name]
                own.discard(name)
                if name in reading.USUAL_MODULES:
                    found[name] = __import__(reading.USUAL_MODULES[name], None, None, ("*",))
        self.namespace.update(found)
        self.given = {name for name, value in found.items() if not self.side.is_theirs(value)}
        self.scopes = [self.namespace]
        # Not those that the tests bind themselves.
        self.side.followed, self.side.on_rebound = frozenset(own) - self.bound_here, self.rebind

    def rebind(self, names):
        """As in one scope: what the solution binds anew the tests see."""
        for scope in self.scopes:
            scope.update({name: value for name, value in names.items() if value is not ...})

    def check(self):
        self.checks += 1

    # Each of them.

    def run_entry(self, index):
        kind, code = self.entries[index][0], self.codes[index + 1]
        if type(code) is str:
            raise Outcome("broken", "the test does not compile: " + code)
        self.side.on_answer = (lambda: self.record(index - self.first, "met")) if index >= self.first else None
        questions, checks = self.side.questions, self.checks
        self.checks_before = checks
        if kind in ("unittest", "pytest"):
            suites.run(self, index, kind, code)
        else:
            exec(code, self.namespace)
            tree = self.trees[index + 1]
            if kind == "code" and any(getattr(node, "name", None) == "check" for node in tree.body):
                is_called = any(getattr(getattr(getattr(node, "value", None), "func", None), "id", None) == "check" for node in tree.body)
                if not is_called and not self.entry_point:
                    raise Outcome("broken", "the test defines check(candidate) and calls it nowhere; give `entry_point`")
                if not is_called:
                    self.namespace["check"](eval(self.codes[-1], self.namespace))
            if self.checks == checks:
                raise Outcome("broken", "the test checks nothing: no assertion was carried out")
        if self.side.questions == questions and not self.reads_given(index) and not self.text.loaded & reading.OF_BUILTINS:
            raise Outcome("broken", "the test does not ask the solution anything")

    def reads_given(self, index):
        """Whether the entry reads data of the solution's scope, or looks at what its classes are: that is an answer, too."""
        return index >= 0 and not self.read_by[index + 1].isdisjoint(self.given | (self.text.inspected & self.wanted))

    def outcome_of(self, action, index):
        """Carries out and says what came of it, as a tag and a text."""
        side = self.side
        before = side.questions
        side.last_result, side.foreign, side.unsupported = side, [], None
        try:
            action()
            tag, text = "passed", ""
        except Outcome as error:
            tag, text = error.args
        except (values.Gone, values.Garbled, asking.NeedsSharing, asking.Refused):
            tag, text = "gone", ""
        except BaseException as error:
            tag, text = self.judge(error, side.questions > before or self.reads_given(index))
        # Whoever caught it on the way: it has happened.
        if isinstance(side.ended, asking.Refused):
            return "unsupported", str(side.ended)
        if isinstance(side.ended, values.Garbled):
            return "garbled", str(side.ended)
        if side.ended is not None:
            own = time.monotonic() - self.began - side.waited
            return "gone", "idle" if side.was_idle and own * 2000 >= self.wall_ms else ""
        if side.unsupported:
            return "unsupported", side.unsupported
        if tag == "tripped" and side.foreign:
            return "unsupported", "the solution gave out an object of %s, which cannot be carried to tests in another process" % side.foreign[0]
        return tag, text

    def judge(self, error, has_met_solution):
        """What an exception that came out of the tests says of the solution."""
        text = driver.describe(error)
        if self.side.raised(error):
            return "raised", text
        if isinstance(error, AssertionError):
            return "failed", self.assertion(error)
        missing = self.missing_name(error)
        if missing:
            return "missing", missing
        if isinstance(error, SystemExit) and error.code not in (None, 0) and has_met_solution:
            return "failed", "the tests ended with exit code %s" % (error.code,)
        if isinstance(error, SystemExit) and has_met_solution and self.checks > self.checks_before:
            return "passed", ""
        if isinstance(error, (SystemExit, KeyboardInterrupt, GeneratorExit)):
            return "broken", "the tests ended themselves: " + text
        if has_met_solution and not self.is_of_the_text(error):
            return "tripped", "the tests raised " + text
        return "broken", "the tests raised " + text

    def is_of_the_text(self, error):
        """Whether tests would have raised this whatever the solution had answered: a name or a module in their text is
        nowhere. What they were made to look for by an answer is the solution's doing."""
        if isinstance(error, NameError):
            return getattr(error, "name", None) in (self.free | self.text.loaded) - self.bound_here
        if isinstance(error, ImportError):
            top = (error.name or "").partition(".")[0]
            return any(home.partition(".")[0] == top for home in self.text.homes)
        return False

    def missing_name(self, error):
        """What the solution lacks, if that is what the exception says."""
        if isinstance(error, asking.MissingFromSolution):
            return str(error)
        if isinstance(error, ImportError) and error.name in self.modules:
            return "the solution has no " + (str(error).partition("'")[2].partition("'")[0] or "such name")
        if not isinstance(error, NameError) or isinstance(error, UnboundLocalError):
            return None
        name = getattr(error, "name", None) or str(error).partition("'")[2].partition("'")[0]
        if name in self.text.defined or name in self.text.imported or name not in self.wanted:
            return None
        return "the solution has no " + name if name == self.root() or name in self.text.called else None

    def assertion(self, error):
        """The text of the assertion, and what the solution last returned."""
        own = str(error)
        place = None
        trace = error.__traceback__
        while trace is not None:
            place = self.place_of(trace.tb_frame.f_code.co_filename, trace.tb_lineno) or place
            trace = trace.tb_next
        text = self.source_of(*place) if place else "an assertion does not hold"
        if own:
            text += ": " + own
        last = self.side.last_result
        if last is not self.side:
            try:
                text += "; the last call returned " + repr(last)[:200]
            except BaseException:
                pass  # It may hold objects of the solution's.
        return text

    def place_of(self, name, line):
        """Which of the sources (0 is the set-up) and which of its lines; None for what is no source."""
        if name == "<set-up>":
            return 0, line
        head, _, tail = name.partition("<test ")
        return (int(tail[:-1]) + 1, line) if not head and tail[:-1].isdigit() else None

    def source_of(self, number, line):
        source = self.setup if number == 0 else self.entries[number - 1][1]
        first, last = line, line
        for node in reading.walk(self.trees[number]):
            if type(node).__name__ == "Assert" and node.lineno <= line <= node.end_lineno:
                first, last = node.lineno, node.end_lineno
        return " ".join(part.strip() for part in source.splitlines()[first - 1 : last])[:300]


class SharedTests(Tests):
    """The same in the solution's own process and scope, as plain Python runs solution and tests.

    What stands guard: tests and nonce are read, and their descriptor closed, before the solution's first line; a test has
    passed only if a record with the nonce says so, so that an early exit is none. What does not: a solution that
    searches this process's memory finds the nonce and the expected values, and an object that says it equals
    everything is believed."""

    is_shared = True
    ended = unsupported = on_answer = None
    is_waiting, waited = False, 0
    foreign = ()
    was_idle = False
    last_result = property(lambda self: self, lambda self, value: None)
    questions = 0

    def __init__(self, plan, entry):
        super().__init__(plan)
        self.compiled, self.entry, self.home = None, entry, entry.rpartition("/")[0]
        self.side = self

    def link(self):
        pass

    def load(self, names):
        code, read = self.compiled
        namespace = driver.new_module(driver.MODULE_NAME, self.entry)
        sys.modules["__main__"] = module = sys.modules[driver.MODULE_NAME]
        for name in self.modules[: self.own_modules]:
            sys.modules.setdefault(name, module)
        bound = driver.bind_prelude(namespace, self.prelude, read)
        before = dict(vars(builtins))
        try:
            exec(code, namespace)
        except BaseException as error:
            driver.show_exception(error)
            raise
        vars(builtins).update(before)
        if self.prelude == "contest":
            for name in {"ListNode", "TreeNode"} & self.wanted - namespace.keys():
                namespace[name] = driver.node_class(name)
        # What the tests have bound by now is the prelude's.
        of_tests = dict(self.namespace)
        own = {name for name in namespace if namespace[name] is not bound.get(name, self)}
        protected = (reading.BUILTINS | of_tests.keys() | self.text.imported) & own - names
        wrapped = (names & own) | self.text.solution_names
        for name, value in of_tests.items():
            namespace[reading.OTHERS + name if name in protected else name] = value
        for name in protected & reading.BUILTINS - of_tests.keys():
            namespace[reading.OTHERS + name] = before.get(name)
        self.namespace = namespace
        namespace[reading.CHECKED], namespace[reading.MET] = self.check, self.notice
        for name in names - namespace.keys() & reading.USUAL_MODULES.keys():
            namespace[name] = __import__(reading.USUAL_MODULES[name], None, None, ("*",))
        trees = [tree for tree in self.trees if tree is not None]
        reading.rename(trees, protected, wrapped)
        for place, tree in enumerate(self.trees):
            if tree is not None:
                self.codes[place] = compile(tree, *self.places[place], 0, True)

    def notice(self, value):
        """Something of the solution's is looked at."""
        self.questions += 1
        if self.on_answer is not None:
            tell, self.on_answer = self.on_answer, None
            tell()
        return value

    def raised(self, error):
        """Whether it came from the solution's own code: by where it was raised last."""
        trace, place = error.__traceback__, None
        while trace is not None:
            place = trace.tb_frame.f_code.co_filename
            trace = trace.tb_next
        return type(place) is str and place.startswith(self.home + "/") and not isinstance(error, TypeError)

def is_of_the_library(name, home):
    """Whether the tests, which import a module of that name, mean one that is installed: no file of the
    solution's, which in one process lie at `home`, stands in for it."""
    top, paths = name.partition(".")[0], sys.path[:]
    sys.path[:] = [path for path in paths if path != home]
    try:
        return any(finder.find_spec(top, None) is not None for finder in sys.meta_path)
    finally:
        sys.path[:] = paths


def run(mode, entry, prelude):
    """The tests' process, from its start to its end."""
    leave = driver.make_exit()
    plan = marshal.loads(driver.read_all(driver.CALL_FD))
    fds = [driver.RESULT_FD]
    if mode == "shared":
        tests = SharedTests(plan, entry)
        tests.compiled = answering.compile_own(entry, prelude)
        tests.record(-1, "met")
    else:
        sys.argv = ["tests"]
        driver.prepare(prelude)
        fds += [driver.LINK_IN_FD, driver.LINK_OUT_FD]
        tests = Tests(plan)
        tests.namespace = driver.new_module(TESTS_MODULE, "<tests>")
        sys.modules["__main__"] = sys.modules[TESTS_MODULE]
        asking.OWN_MODULES.update((TESTS_MODULE, "__main__"))
    for fd in fds:
        posix.set_inheritable(fd, False)
    tests.prelude = prelude
    if tests.read():
        if tests.text.why and not tests.is_shared:
            tests.record(-1, "shared", tests.text.why)
        else:
            tests.run()
    leave(0)
