"""Unit-test files in the tests' cell (see `tests_driver`), and which tests cannot be held apart from the
solution.

A file of unittest classes is run by unittest itself, one of pytest's functions by pytest where it is
installed; functions and classes that need nothing of pytest are run here, which is much cheaper.
"""

import builtins
import sys

# Tests that look into the solution's code or process: there is nothing to be seen over a link.
INTROSPECTION = frozenset(
    (
        "inspect gc getsource getsourcelines getsourcefile getrefcount _getframe settrace setprofile tracemalloc "
        "pickle asyncio iscoroutinefunction weakref getmembers get_type_hints timeit psutil resource"
    ).split()
)
# What may be replaced for the time of a call: the link knows how to pass it on.
REPLACEABLE = frozenset("builtins.input builtins.print sys.stdin sys.stdout".split())


def needs_one_process(tests):
    """Why the tests need the solution in their own process, by their text alone: what the solution does
    must have no say in this. None if they do not."""
    defined = tests.names_tests_define()
    for tree in tests.trees:
        if tree is None:
            continue
        for node in tests.nodes_of(tree):
            kind = type(node).__name__
            if kind in ("AsyncFunctionDef", "Await", "AsyncFor", "AsyncWith"):
                return "they await the solution's coroutines"
            if kind == "ClassDef":
                for base in node.bases:
                    name = getattr(base, "id", None)
                    if name and name not in defined and not hasattr(builtins, name):
                        return "they derive a class from the solution's " + name
            if kind in ("Name", "Attribute", "alias"):
                name = getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "name", None)
                if name in INTROSPECTION and name not in defined - INTROSPECTION:
                    return "they use " + name
            if kind == "Call" and getattr(node.func, "attr", None) == "seed":
                return "they seed the solution's random numbers"
            if kind == "Call":
                target = patched(node)
                if target and target not in REPLACEABLE and target.partition(".")[0] not in tests.modules:
                    return "they replace " + target
    return None


def patched(call):
    """The name that `patch("...")`, `monkeypatch.setattr("...", ...)` and the like replace."""
    name = getattr(call.func, "attr", None) or getattr(call.func, "id", None)
    if name not in ("patch", "setattr") or not call.args:
        return None
    first = call.args[0]
    value = getattr(first, "value", None)
    return value if type(first).__name__ == "Constant" and type(value) is str and "." in value else None


class Score:
    """What came of the tests in one file: the first that did not pass decides. A test that was skipped says
    nothing: a file of nothing else is no pass."""

    def __init__(self, tests):
        self.tests, self.ran, self.skipped, self.first = tests, 0, 0, None
        self.asked_before = tests.link.questions_answered

    def add(self, name, error):
        if self.first is None:
            tag, text = self.tests.judge(error, True)
            self.first = tag, name + ": " + text

    def fail(self, name, text):
        if self.first is None:
            self.first = "failed", name + ": " + text

    def settle(self, errors):
        if self.first is not None:
            raise errors.Failed(*self.first)
        if self.ran > self.skipped:
            return
        if not self.ran:
            raise errors.Broken("there is no test in the file")
        # In one process it cannot be told whether the solution has been met.
        if self.tests.link.is_remote and self.tests.link.questions_answered > self.asked_before:
            raise errors.Failed("tripped", "every test skipped itself over what the solution did")
        raise errors.Broken("every test in the file is skipped")


def run(tests, index, kind, code):
    """Runs one file's tests; raises what `tests_driver.Tests.outcome_of` understands."""
    errors = tests.errors
    text = tests.entries[index][1]
    wants_pytest = kind == "pytest" and mentions_pytest(tests, index)
    if wants_pytest and not has_pytest():
        raise errors.Unsupported("these tests import pytest, which is not installed here (python3-pytest)")
    # Each file has a scope of its own, in which the set-up's names and the solution's are known.
    scope = dict(tests.namespace)
    exec(code, scope)
    score = Score(tests)
    absent = object()
    new = {name: value for name, value in scope.items() if tests.namespace.get(name, absent) is not value}
    cases = unittest_cases(new)
    if wants_pytest or needs_fixtures(new, kind):
        if not has_pytest():
            raise errors.Unsupported("these tests need fixtures, and pytest is not installed here (python3-pytest)")
        run_by_pytest(tests, index, text, score)
    else:
        if cases:
            run_cases(cases, score)
        if kind == "pytest":
            run_plain(new, score)
    score.settle(errors)


def mentions_pytest(tests, index):
    for node in tests.nodes_of(tests.trees[index + 1]):
        if type(node).__name__ == "alias" and node.name.partition(".")[0] == "pytest":
            return True
        if type(node).__name__ == "ImportFrom" and (node.module or "").partition(".")[0] == "pytest":
            return True
    return False


def has_pytest():
    try:
        import pytest  # noqa: F401
    except ImportError:
        return False
    return True


def unittest_cases(namespace):
    unittest = sys.modules.get("unittest")
    if unittest is None:
        return []
    values = namespace.values()
    return [value for value in values if isinstance(value, type) and issubclass(value, unittest.TestCase)
            and value.__module__ == "tests_of_solution"]


def run_cases(cases, score):
    import unittest

    class Result(unittest.TestResult):
        def startTest(self, test):
            score.ran += 1
            super().startTest(test)

        def note(self, test, error):
            score.add(getattr(test, "_testMethodName", str(test)), error[1])
            if score.tests.link.is_gone:
                self.stop()

        def addSkip(self, test, reason):
            # A skipped part of a test is none of its own.
            if isinstance(test, unittest.TestCase) and not isinstance(test, unittest.case._SubTest):
                score.skipped += 1

        def addError(self, test, error):
            self.note(test, error)

        def addFailure(self, test, error):
            self.note(test, error)

        def addSubTest(self, test, subtest, error):
            if error is not None:
                self.note(test, error)

        def addUnexpectedSuccess(self, test):
            score.fail(test._testMethodName, "passed, and was expected to fail")

    loader, result = unittest.TestLoader(), Result()
    loader.suiteClass([loader.loadTestsFromTestCase(case) for case in cases]).run(result)


def is_test(name, value):
    return name[:4] == "test" and callable(value) and not isinstance(value, type)


def parameters(function):
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None:
        return 0
    defaults = len(function.__defaults__ or ())
    return code.co_argcount - defaults


def needs_fixtures(namespace, kind):
    if kind != "pytest":
        return False
    for name, value in namespace.items():
        if is_test(name, value) and parameters(value) > 0:
            return True
        if is_test_class(name, value):
            for key, member in vars(value).items():
                if is_test(key, member) and parameters(member) > 1:
                    return True
    return False


def is_test_class(name, value):
    unittest = sys.modules.get("unittest")
    is_case = unittest is not None and isinstance(value, type) and issubclass(value, unittest.TestCase)
    return name[:4] == "Test" and isinstance(value, type) and not is_case and value.__module__ == "tests_of_solution"


def attempt(score, name, *actions):
    score.ran += 1
    try:
        for action in actions:
            if action is not None:
                action()
    except (score.tests.crossing.Gone, score.tests.crossing.Garbled):
        raise
    except BaseException as error:
        unittest = sys.modules.get("unittest")
        if unittest is not None and isinstance(error, unittest.SkipTest) and not score.tests.link.is_theirs(error):
            score.skipped += 1
        else:
            score.add(name, error)


def run_plain(namespace, score):
    """Functions and classes of pytest's form that need nothing of pytest."""
    for name, value in namespace.items():
        if is_test(name, value):
            attempt(score, name, namespace.get("setup_function"), value, namespace.get("teardown_function"))
        elif is_test_class(name, value):
            for key in list(vars(value)):
                if is_test(key, vars(value)[key]):
                    made = value()
                    before, after = getattr(made, "setup_method", None), getattr(made, "teardown_method", None)
                    attempt(score, name + "." + key, before, getattr(made, key), after)


def run_by_pytest(tests, index, text, score):
    """By pytest itself, from a file, since that is what it takes."""
    import io
    import os

    import pytest

    class Watch:
        def pytest_runtest_makereport(self, item, call):
            self.raised = call.excinfo

        def pytest_runtest_logreport(self, report):
            if report.when == "call" or report.outcome != "passed":
                score.ran += 1
            # One that failed as it was expected to has been run, and not skipped.
            if report.outcome == "skipped" and not hasattr(report, "wasxfail"):
                score.skipped += 1
            elif report.outcome == "failed" and self.raised is not None:
                score.add(report.nodeid.rpartition("::")[2], self.raised.value)
            elif report.outcome == "failed":
                score.fail(report.nodeid.rpartition("::")[2], "passed, and was expected to fail")

        def pytest_collectreport(self, report):
            if report.failed:
                score.fail("collection", str(report.longrepr)[-300:])

    home = os.getcwd()
    path = os.path.join(home, "test_of_solution_%d.py" % index)
    with open(path, "w") as file:
        # A line of ours stands before the tests' first: see `tests_driver.Tests.place_of`.
        file.write(("" if "__future__" in text else NAMES_OF_SET_UP) + "\n" + text)
    sys.modules["_proofbox_names"] = tests.module
    printed = sys.stdout
    sys.stdout = io.StringIO()
    try:
        ended = pytest.main(["-q", "-s", "-x", "-p", "no:cacheprovider", "--noconftest", "--assert=plain", path], plugins=[Watch()])
    finally:
        sys.stdout = printed
    # 0: all passed, 1: some did not, 5: there was none. By others the run was cut short.
    if int(ended) not in (0, 1, 5):
        score.fail("pytest", "the tests were cut short (exit code %d)" % ended)


# The set-up's names and the solution's, for a file that is a module of its own.
NAMES_OF_SET_UP = "from _proofbox_names import *"
