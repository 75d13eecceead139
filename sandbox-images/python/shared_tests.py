"""Tests that cannot be held apart from the solution: both in one process, as other judges run all.

    python3 -I -S -B driver.pyc shared ENTRY PRELUDE SITE_DIRS

Only for tests that say so by their own text (see `test_suites.needs_one_process`); the report then says
`isolation_of_tests: shared`. Plan and records are those of `tests_driver`.

What stands guard: the tests' text and the nonce are read, and their descriptor closed, before the
solution's first line; a test has passed only if a record with the nonce says so, so that an early exit
is none; the builtins that the tests use are put back as they were before each test; the record's
writer is bound before the solution is loaded. What does not: a solution that searches this process's
memory for the nonce or the expected values finds them, and an object that says it equals everything
is believed.
"""

import builtins
import marshal
import posix
import sys


def run(parts, entry, prelude):
    driver, crossing, errors = parts["driver"], parts["crossing"], parts["tests_driver"]
    leave = driver.make_exit()
    plan = list(marshal.loads(driver.read_all(driver.CALL_FD)))
    plan.pop()
    sys.argv = [entry]
    sys.path.insert(0, entry.rpartition("/")[0] or "/")
    source = driver.read_all(posix.open(entry, posix.O_RDONLY | posix.O_CLOEXEC))
    compiled = driver.compile_solution(source, entry, prelude, driver.RESULT_FD)
    tests = errors.Tests(driver, crossing, parts["proxy_server"], plan)
    if compiled[0] is None:
        leave(1)
    tests.suites, tests.errors = parts["test_suites"], errors.ERRORS
    posix.set_inheritable(driver.RESULT_FD, False)
    if not tests.compile():
        leave(0)
    solution = parts["proxy_server"].Solution(driver, crossing, compiled, entry, prelude)
    tests.link = LocalLink(tests, solution, entry)
    namespace = driver.new_module(errors.TESTS_MODULE, "<tests>")
    tests.namespace, tests.module = namespace, sys.modules[errors.TESTS_MODULE]
    tests.run_all()
    leave(0)


class LocalLink:
    """What `tests_driver.Tests` asks of its link, of a solution in this very process."""

    is_gone = was_garbled = was_idle = is_remote = False
    last_result = on_answer = None

    def __init__(self, tests, solution, entry):
        self.tests, self.solution, self.entry = tests, solution, entry
        self.began = 0
        self.builtins = dict(vars(builtins))

    def ask(self, op, *values):
        result, _ = getattr(self.solution, "do_" + op)(*values)
        if op == "load":
            module = sys.modules[self.solution.driver.MODULE_NAME]
            for name in self.tests.modules:
                if name not in sys.modules:
                    sys.modules[name] = module
        return result

    def ask_names(self, names):
        self.restore_builtins()
        return self.solution.do_names(names)[0]

    @property
    def questions_answered(self):
        """Grows with every look: which test has met the solution cannot be told here."""
        self.began += 1
        return self.began

    def before_test(self):
        self.restore_builtins()

    def restore_builtins(self):
        now = vars(builtins)
        for name, value in self.builtins.items():
            if now.get(name) is not value:
                now[name] = value

    def lent_to_us(self, value):
        is_own = getattr(value, "__module__", None) == self.solution.driver.MODULE_NAME
        return 1 if is_own and callable(value) else None

    def is_theirs(self, error):
        """Whether it came from the solution's own code: by where it was raised last."""
        trace = error.__traceback__
        place = None
        while trace is not None:
            place = trace.tb_frame.f_code.co_filename
            trace = trace.tb_next
        return type(place) is str and place.startswith(self.entry.rpartition("/")[0] + "/")
