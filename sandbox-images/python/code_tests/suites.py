"""Files of tests, run by the frameworks that they are written for: unittest by unittest, pytest's by pytest.

Both collect the tests themselves. What was collected must have passed, failed or been skipped, each of them, or there
is no verdict; a file of which everything is skipped is no pass.
"""

import sys


class Score:
    """What came of the tests in one file: the first that did not pass decides."""

    def __init__(self, tests):
        self.tests, self.collected, self.ended, self.skipped, self.first = tests, set(), set(), set(), None
        self.asked_before = tests.side.questions

    def add(self, name, error):
        self.note(name, *self.tests.judge(error, self.has_asked()))

    def note(self, name, tag, text):
        self.first = self.first or (tag, name + ": " + text)

    def has_asked(self):
        return self.tests.side.questions > self.asked_before

    def settle(self):
        if self.first is not None:
            raise asking.Outcome(*self.first)
        if not self.collected:
            raise asking.Outcome("broken", "there is no test in the file")
        if not self.collected <= self.ended | self.skipped:
            raise asking.Outcome("broken", "%d of the file's %d tests were not run" % (len(self.collected - self.ended - self.skipped), len(self.collected)))
        if self.collected <= self.skipped:
            if self.has_asked():
                raise asking.Outcome("tripped", "every test skipped itself over what the solution did")
            raise asking.Outcome("broken", "every test in the file is skipped")


def run(tests, index, kind, code):
    """Runs one file's tests; raises what `tests.Tests.outcome_of` understands."""
    name = "test_of_solution_%d" % index
    # Each file has a scope of its own, in which the set-up's names and the solution's are known.
    if tests.is_shared and len(tests.entries) == 1 and not tests.text.solution_names:
        # Written to be one file with the solution.
        module = sys.modules[driver.MODULE_NAME]
        sys.modules[name] = module
    else:
        module = sys.modules[name] = type(sys)(name)
        vars(module).update(tests.namespace)
        vars(module).update({"__name__": name, "__file__": name + ".py"})
        tests.scopes.append(vars(module))
    asking.OWN_MODULES.add(name)
    score = Score(tests)
    if kind == "pytest":
        run_pytest(tests, index, module, code, score)
    else:
        exec(code, vars(module))
        run_unittest(module, score)
    score.settle()


def is_never_run(function):
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return code is not None and bool(code.co_flags & driver._GENERATOR_FLAGS)


def cases_of(suite):
    for item in suite:
        if hasattr(item, "__iter__"):
            yield from cases_of(item)
        else:
            yield item


def only_of_sets(assert_set_equal):
    def assertSetEqual(self, first, second, msg=None):
        for side in (first, second):
            if not isinstance(side, (set, frozenset)):
                self.fail("%s is no set" % type(side).__name__)
        return assert_set_equal(self, first, second, msg)

    return assertSetEqual


def run_unittest(module, score):
    import unittest

    class Result(unittest.TestResult):
        def startTest(self, test):
            score.ended.add(test.id())
            super().startTest(test)

        def note(self, test, error):
            score.add(getattr(test, "_testMethodName", str(test)), error[1])
            if score.tests.side.ended is not None:
                self.stop()

        def addSkip(self, test, reason):
            # A skipped part of a test is none of its own; a class that is skipped skips all that it has.
            if isinstance(test, unittest.case._SubTest):
                return
            if isinstance(test, unittest.TestCase):
                score.skipped.add(test.id())
            else:
                place = test.id().partition("(")[2].rstrip(")")
                score.skipped.update(name for name in score.collected if place in name)

        def addError(self, test, error):
            self.note(test, error)

        def addFailure(self, test, error):
            self.note(test, error)

        def addSubTest(self, test, subtest, error):
            if error is not None:
                self.note(test, error)

        def addUnexpectedSuccess(self, test):
            score.note(test._testMethodName, "failed", "passed, and was expected to fail")

    if not score.tests.is_shared:
        # It would pass what is expected to a method of what was returned.
        unittest.TestCase.assertSetEqual = only_of_sets(unittest.TestCase.assertSetEqual)
    suite, result = unittest.TestLoader().loadTestsFromModule(module), Result()
    for case in cases_of(suite):
        score.collected.add(case.id())
        method = getattr(case, getattr(case, "_testMethodName", ""), None)
        if is_never_run(method) and not isinstance(case, getattr(unittest, "IsolatedAsyncioTestCase", ())):
            raise asking.Outcome("broken", "%s is a coroutine or generator, which unittest does not run" % case.id())
    suite.run(result)


def run_pytest(tests, index, module, code, score):
    try:
        import pytest
    except ImportError:
        raise asking.Outcome("unsupported", "these tests are for pytest, which is not installed here (python3-pytest)") from None
    import io
    import os

    class File(pytest.Module):
        """The file as a module that is made here, with the names that it expects."""

        def _getobj(self):
            if "_proofbox_executed" not in vars(module):
                vars(module)["_proofbox_executed"] = True
                exec(code, vars(module))
            return module

    class Watch:
        raised = None

        def pytest_pycollect_makemodule(self, module_path, parent):
            return File.from_parent(parent, path=module_path)

        def pytest_collection_finish(self, session):
            for item in session.items:
                score.collected.add(item.nodeid)
                if is_never_run(getattr(item, "obj", None)) and not hasattr(item, "_testcase"):
                    score.note(item.name, "unsupported", "a coroutine or generator, which pytest runs only with a plug-in")

        def pytest_runtest_makereport(self, item, call):
            self.raised = call.excinfo

        def pytest_runtest_logreport(self, report):
            name = report.nodeid.rpartition("::")[2]
            # One that failed as it was expected to has been run, and not skipped.
            if report.outcome == "skipped" and not hasattr(report, "wasxfail"):
                score.skipped.add(report.nodeid)
            elif report.outcome == "failed" and self.raised is not None:
                error = self.raised.value
                if isinstance(error, pytest.PytestReturnNotNoneWarning) and not tests.side.raised(error):
                    score.note(name, "broken", "the test returns what it should assert")
                else:
                    score.add(name, error)
            elif report.outcome == "failed":
                score.note(name, "failed", "passed, and was expected to fail")
            if report.when == "call":
                score.ended.add(report.nodeid)

        def pytest_collectreport(self, report):
            if report.failed:
                score.note("collection", "broken", str(report.longrepr)[-300:])

        def pytest_exception_interact(self, node, call, report):
            if report.when == "collect":
                score.add("collection", call.excinfo.value)

    name = "test_of_solution_%d.py" % index
    with open(name, "w") as file:
        file.write(tests.entries[index][1])
    printed, sys.stdout = sys.stdout, io.StringIO()
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    options = "-q -s -p no:cacheprovider --noconftest --assert=plain -W error::pytest.PytestReturnNotNoneWarning".split()
    try:
        ended = pytest.main([*options, os.path.join(os.getcwd(), name)], plugins=[Watch()])
    finally:
        sys.stdout = printed
    # 0: all passed, 1: some did not, 2: collection failed, 5: there was none. By others the run was cut short.
    if int(ended) not in (0, 1, 2, 5) or (int(ended) == 2 and score.first is None):
        text = "pytest cut the tests short (exit code %d)" % ended
        if score.has_asked():
            raise asking.Outcome("tripped", text)
        raise asking.Outcome("broken", text)
