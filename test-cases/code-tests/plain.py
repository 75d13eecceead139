"""What plain Python says of a submission with tests that hold code: solution and tests in one process, nothing of proofbox.

    python3 plain.py SUBMISSION.json    ends with 0 if the tests pass

Run in an empty directory. The solution is a module `solution`, and also `main`, `submission` and `candidate`; set-up, assertions
and `check` run in its scope. A file for unittest sees its names; one for pytest is one file with it, unless it imports it.
"""

import json
import os
import re
import sys
import types

NAMES = ("solution", "main", "submission", "candidate")
CONTEST = """
import collections, math, heapq, bisect, itertools, functools, re, string, random, operator
from collections import *
from typing import *
from math import *
from functools import *
from itertools import *
from heapq import *
from bisect import *
class ListNode:
    def __init__(self, val=0, next=None): self.val = val; self.next = next
class TreeNode:
    def __init__(self, val=0, left=None, right=None): self.val = val; self.left = left; self.right = right
"""


def main(path):
    with open(path) as file:
        asked = json.load(file)
    sys.argv = ["main.py"]
    home = os.getcwd()
    sys.path.insert(0, home)
    module = types.ModuleType("solution")
    module.__file__ = home + "/solution.py"
    scope = vars(module)
    for name in NAMES:
        sys.modules[name] = module
    with open("solution.py", "w") as file:
        file.write(asked["source"])
    if asked.get("prelude") == "contest":
        exec(CONTEST, scope)
    exec(compile(asked["source"], module.__file__, "exec"), scope)
    exec(compile(asked.get("setup") or "", "<set-up>", "exec"), scope)
    for number, test in enumerate(asked["tests"]):
        (kind, code), = test.items()
        if kind == "unittest":
            run_unittest("test_%d" % number, code, scope)
        elif kind == "pytest":
            run_pytest("test_%d.py" % number, code, asked)
        else:
            exec(compile(code, "<test %d>" % number, "exec"), scope)
            if kind == "code" and "def check(" in code and not re.search(r"^check\(", code, re.M) and asked.get("entry_point"):
                exec("check(%s)" % asked["entry_point"], scope)


def own_names(scope):
    return {name: value for name, value in scope.items() if name[:2] != "__"}


def run_unittest(name, code, scope):
    import unittest

    module = sys.modules[name] = types.ModuleType(name)
    vars(module).update(own_names(scope))
    exec(compile(code, name + ".py", "exec"), vars(module))
    result = unittest.TextTestRunner(verbosity=0).run(unittest.TestLoader().loadTestsFromModule(module))
    if not result.wasSuccessful() or result.testsRun == 0:
        sys.exit(1)


def run_pytest(name, code, asked):
    import pytest

    if re.search(r"\b(import|from)\s+(solution|main|submission|candidate)\b|[\"'](solution|main)\.", code):
        text = "import sys\nglobals().update({n: v for n, v in vars(sys.modules['solution']).items() if n[:2] != '__'})\n" + code
    else:
        text = asked["source"] + "\n" + (asked.get("setup") or "") + "\n" + code
    with open(name, "w") as file:
        file.write(text)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    if pytest.main(["-q", "-p", "no:cacheprovider", name]) != 0:
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
