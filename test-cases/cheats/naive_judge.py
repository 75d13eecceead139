"""Judges solutions as judges that trust them do. What it lets pass shows what a cheat is worth.

    python3 naive_judge.py SOLUTION...

Prints a line for each: its file name, `passed` or `failed`, and what led to it. Every judge here is one that
is in use somewhere in some form: the solution runs in the process that holds the tests, `==` is asked of the
object it returned, an exit code or a printed line counts as a pass, comparison forgives too much, time is
measured where the solution can reach the clock. How a solution is judged stands in its first lines; see
README.md.
"""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

INPUTS = (3, 5, 8)
# The kernel's own limit has whole seconds only.
CPU_SECONDS = 0.5
CPU_LIMIT_SECONDS = 1
# Longest that a solution may take before it counts as failed.
PATIENCE_SECONDS = 20
SUCCESS = "ALL TESTS PASSED"
TIMED = ("clock", "alarm", "program-limit", "program-rusage", "program-late")


def answer(expects, x):
    number = x * 7919 + 13
    made = {
        "int": number,
        "big": x * 10**18 + 7,
        "float": number / 7,
        "str": "answer %d" % number,
        "list": [number, x],
        "dict": {"answer": number},
        "permutation": [x + 2, x, x + 1],
        "lines": "%d\n%d" % (x, number),
    }
    return made[expects]


def inputs(judge):
    """All of them, but one where every one takes its time."""
    return INPUTS[:1] if judge in TIMED else INPUTS


def header(path):
    """The words in the first lines of a solution: `# name: value`."""
    words = {"expects": "int"}
    with open(path) as file:
        for line in file:
            if not line.startswith("#"):
                return words
            name, colon, value = line[1:].strip().partition(": ")
            if colon and " " not in name:
                words[name] = value


# In the process of the solution.


def same(result, expected):
    return result == expected


def within(result, expected):
    return not abs(result - expected) > 1e-6


def of_one_type(result, expected):
    return isinstance(result, type(expected)) and result == expected


def as_long(result, expected):
    return len(result) == len(expected) and all(left == right for left, right in zip(result, expected))


def pairwise(result, expected):
    return all(left == right for left, right in zip(result, expected))


COMPARISONS = {
    "exit-code-not-equal": lambda result, expected: not result != expected,
    "exit-code-reversed": lambda result, expected: expected == result,
    "exit-code-within": within,
    "exit-code-typed": of_one_type,
    "exit-code-sized": as_long,
    "exit-code-pairwise": pairwise,
    "exit-code-set": lambda result, expected: set(result) == set(expected),
}


def call_all(judge, namespace, tests):
    f = namespace["f"]
    compare = COMPARISONS.get(judge, same)
    for arguments, expected in tests:
        result = f(*arguments)
        if not compare(result, expected):
            raise AssertionError("expected another result")


def judge_text(namespace, tests):
    call_all("text", namespace, tests)
    print(SUCCESS)


def judge_record(namespace, tests):
    passed = all(same(namespace["f"](*arguments), expected) for arguments, expected in tests)
    with open(int(os.environ["RECORD_FD"]), "w") as file:
        file.write(json.dumps({"passed": passed}))


def judge_codes(namespace, tests):
    """-1: too slow, -2: an exception. Neither is false."""
    codes = []

    def too_slow(number, frame):
        raise TimeoutError

    signal.signal(signal.SIGALRM, too_slow)
    for arguments, expected in tests:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            codes.append(namespace["f"](*arguments) == expected)
        except TimeoutError:
            codes.append(-1)
        except BaseException:
            codes.append(-2)
        signal.setitimer(signal.ITIMER_REAL, 0)
    if not all(codes):
        raise AssertionError(codes)


def judge_unittest(namespace, tests):
    class Tests(unittest.TestCase):
        def test_all(self):
            for arguments, expected in tests:
                self.assertEqual(namespace["f"](*arguments), expected)

    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Tests)
    if not unittest.TextTestRunner().run(suite).wasSuccessful():
        sys.exit(1)


def judge_clock(namespace, tests):
    started = time.perf_counter()
    call_all("clock", namespace, tests)
    if time.perf_counter() - started > CPU_SECONDS:
        raise AssertionError("too slow")


def judge_alarm(namespace, tests):
    def too_slow(number, frame):
        raise TimeoutError

    signal.signal(signal.SIGALRM, too_slow)
    signal.setitimer(signal.ITIMER_REAL, CPU_SECONDS)
    call_all("alarm", namespace, tests)


IN_ONE_PROCESS = {
    "text": judge_text,
    "record": judge_record,
    "codes": judge_codes,
    "unittest": judge_unittest,
    "clock": judge_clock,
    "alarm": judge_alarm,
}


def judge_code(namespace, source):
    """Tests that are code, run behind the solution as one program."""
    code = "".join(line[3:] for line in source.splitlines(True) if line.startswith("#> "))
    namespace["__name__"] = "__main__"
    exec(compile(code, "<tests>", "exec"), namespace)


def child(judge, path, tests_text):
    tests = json.loads(tests_text)
    namespace = {"__name__": "solution"}
    with open(path) as file:
        source = file.read()
    if judge.startswith("code") and judge != "codes":
        exec(compile(source, path, "exec"), namespace)
        judge_code(namespace, source)
        if judge == "code-unittest":
            cases = unittest.defaultTestLoader.loadTestsFromTestCase(namespace["Tests"])
            if not unittest.TextTestRunner().run(cases).wasSuccessful():
                sys.exit(1)
        return
    if judge == "codes":
        try:
            exec(compile(source, path, "exec"), namespace)
            namespace["f"]
        except BaseException:
            return  # -2 for all of them.
    else:
        exec(compile(source, path, "exec"), namespace)
    if judge in IN_ONE_PROCESS:
        IN_ONE_PROCESS[judge](namespace, tests)
    else:
        call_all(judge, namespace, tests)


# In the judge's own process.


def run(command, folder, environment, pass_fds=(), stdin="", limit_cpu=False):
    def prepare():
        os.setsid()
        if limit_cpu:
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT_SECONDS, CPU_LIMIT_SECONDS))

    process = subprocess.Popen(
        command, cwd=folder, env=environment, pass_fds=pass_fds, preexec_fn=prepare,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    try:
        stdout, stderr = process.communicate(stdin.encode(), timeout=PATIENCE_SECONDS)
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return process.returncode, stdout.decode(errors="replace"), stderr.decode(errors="replace")


def judge_function(judge, path, expects, folder):
    tests = [[[x], answer(expects, x)] for x in inputs(judge)]
    tests_text = json.dumps(tests)
    with open(os.path.join(folder, "tests.json"), "w") as file:
        file.write(tests_text)
    environment = dict(os.environ, TESTS=tests_text)
    if judge == "record":
        # Whether it can be imported at all is found out first, in the folder that is used again.
        run([sys.executable, "-c", "import runpy, sys; runpy.run_path(sys.argv[1])", path], folder, environment)
    read, write = os.pipe()
    environment["RECORD_FD"] = str(write)
    # From the folder, as a judge does that is copied there beside the solution.
    start = "import sys; sys.argv = sys.argv[1:]; exec(compile(open(sys.argv[0]).read(), sys.argv[0], 'exec'))"
    command = [sys.executable, "-c", start, os.path.abspath(__file__), "--child", judge, path, tests_text]
    code, stdout, stderr = run(command, folder, environment, pass_fds=(write,))
    os.close(write)
    with open(read, errors="replace") as file:
        record = file.read()
    said = "exit code %d, %r, %r, %r" % (code, record, stdout[-200:], stderr[-300:])
    if judge == "text":
        return SUCCESS in stdout, said
    if judge == "record":
        return '"passed": true' in record, said
    if judge == "not-positive":
        return code <= 0, said
    if judge == "quiet":
        return not stderr, said
    return code == 0, said


def close_enough(printed, expected):
    left, right = float(printed), float(expected)
    return not abs(left - right) / max(abs(left), abs(right)) > 1e-6


PROGRAM_COMPARISONS = {
    "program-contains": lambda printed, expected: expected in printed,
    "program-set": lambda printed, expected: set(printed.split()) == set(expected.split()),
    "program-first-lines": lambda printed, expected: all(
        left == right for left, right in zip(printed.strip().split("\n"), expected.split("\n"))
    ),
    "program-close": close_enough,
    "program-float": lambda printed, expected: float(printed) == float(expected),
    "program-int": lambda printed, expected: int(printed) == int(expected),
    "program-text-to-nul": lambda printed, expected: printed.split("\0")[0].strip() == expected,
    "program-shown": lambda printed, expected: as_shown(printed) == expected,
}


def as_shown(printed):
    """What a person at a terminal would see of it."""
    shown = []
    for character in printed.rstrip("\n").split("\r")[-1]:
        if character == "\b":
            del shown[-1:]
        else:
            shown.append(character)
    return "".join(shown)


def judge_program(judge, path, expects, folder):
    for x in inputs(judge):
        expected = answer(expects, x)
        expected = " ".join(map(str, expected)) if isinstance(expected, list) else str(expected)
        for name, text in (("input.txt", str(x)), ("expected.txt", expected)):
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
        environment = dict(os.environ, EXPECTED=expected)
        command = [sys.executable, path, "--expected", expected]
        if judge in ("program-rusage", "program-late"):
            passed, said = judge_time(judge, command, folder, environment, str(x), expected)
        else:
            _, printed, said = run(command, folder, environment, stdin=str(x), limit_cpu=judge == "program-limit")
            compare = PROGRAM_COMPARISONS.get(judge, lambda printed, expected: printed.split() == expected.split())
            try:
                passed = compare(printed, expected)
            except ValueError as error:
                passed, said = False, str(error)
            said = "%r, %r" % (printed[-200:], said[-300:])
        if not passed:
            return False, "input %d: %s" % (x, said)
    return True, "all outputs"


def judge_time(judge, command, folder, environment, stdin, expected):
    """Time that is measured of the process that was started, and of nothing else."""
    process = subprocess.Popen(
        command, cwd=folder, env=environment, text=True, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )
    started = time.monotonic()
    try:
        process.stdin.write(stdin)
        process.stdin.close()
        if judge == "program-late":
            # Not a pipe's end, but the process's, is the end of the time that counts.
            process.wait(PATIENCE_SECONDS)
            used = time.monotonic() - started
            printed = process.stdout.read()
        else:
            printed = process.stdout.readline()
            usage = os.wait4(process.pid, 0)[2]
            process.returncode = 0
            used = usage.ru_utime + usage.ru_stime
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return used < CPU_SECONDS and printed.split() == expected.split(), "%r in %.2f s" % (printed, used)


def main(paths):
    for path in paths:
        words = header(path)
        with tempfile.TemporaryDirectory() as folder:
            judge = judge_program if words["judge"].startswith("program") else judge_function
            # Beside it stands what judges leave beside it, and what it writes there goes with the folder.
            solution = shutil.copy(path, os.path.join(folder, "solution.py"))
            try:
                passed, said = judge(words["judge"], solution, words["expects"], folder)
            except Exception as error:
                passed, said = False, repr(error)
        print(os.path.basename(path), "passed" if passed else "failed", repr(said), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:5])
    else:
        main(sys.argv[1:])
