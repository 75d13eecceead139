#!/usr/bin/env python3
"""Writes sample.parquet and sample.expected.jsonl, the data set of the README's first command.

The columns are those of the OpenThoughts-114k `metadata` configuration; every problem, solution and line of
prose was written for this project. The result depends on nothing but this folder:

    python3 -m pip install pyarrow
    python3 make_sample.py

sample.expected.jsonl has a line per row: `row` (0-based), `action` (keep, drop, pass_through), `verdict` and `cause`
(null for rows that are not code), and `tag`, which names what the row shows.

Expected outputs come from running the right solutions, and each wrong solution is shown here to fail a test.
"""

import copy
import json
import pathlib
import random

from problems import PROBLEMS, Problem

HERE = pathlib.Path(__file__).parent
COLUMNS = [
    "problem", "deepseek_reasoning", "deepseek_solution", "ground_truth_solution",
    "domain", "source", "test_cases", "starter_code",
]
SOURCES = ["apps", "taco", "code_contests", "codeforces"]
ROWS_PER_GROUP = 100

rng = random.Random(20261122)
rows: list[dict] = []
expected: list[dict] = []

THOUGHTS = [
    "Let me restate the task in my own words before writing anything.",
    "The sizes are small, so a direct approach will do.",
    "What about the smallest input? One element should not break the loop.",
    "Let me try the first example by hand. That gives what the statement says.",
    "Hmm, I first thought of sorting, but the order may matter here.",
    "Wait, equal values need care: does the statement say strictly?",
    "An off-by-one is the likely mistake, so let me look at the last index again.",
    "I think one pass over the input is enough.",
    "So the plan is: read the input, compute, print. Nothing clever is needed.",
    "Let me double-check with an input where all values are the same.",
]
OPENINGS = [
    "The approach follows the statement step by step.",
    "One pass over the input is enough.",
    "To solve this, look at each element once and keep a running answer.",
    "### Solution\nThe idea is to do exactly what the statement describes.",
]
CLOSINGS = [
    "",
    "The running time grows linearly with the input.",
    "This handles the smallest inputs as well.",
    "### Explanation\nThe function computes the answer and nothing else.",
]


def reasoning() -> str:
    return "\n\n".join(rng.sample(THOUGHTS, rng.randint(3, 6)))


def fenced(code: str, tag: str = "python") -> str:
    return f"```{tag}\n{code.rstrip()}\n```"


def prose(code_block: str) -> str:
    return f"{rng.choice(OPENINGS)}\n\n{code_block}\n\n{rng.choice(CLOSINGS)}".rstrip()


def starter(p: Problem) -> str:
    return f"def {p.name}({p.params}):\n    "


def class_starter(p: Problem) -> str:
    return f"class Solution:\n    def {p.name}(self, {p.params}):\n        "


def as_class(p: Problem, body: str, annotated: bool = True) -> str:
    """The solution as a method of class Solution; the annotations need `List` from the prelude."""
    params = p.params if annotated else p.function("").split("(")[1].split(")")[0]
    lines = p.function(body, f"self, {params}").rstrip("\n").split("\n")
    return "class Solution:\n" + "".join(f"    {line}\n" for line in lines)


def arguments(p: Problem, count: int) -> list:
    """Tests of which at least one shows the wrong solution to be wrong."""
    right, wrong = p.call(p.right), p.call(p.wrong)
    for _ in range(200):
        tests = [p.make(rng) for _ in range(count)]
        if first_difference(right, wrong, tests, p.show) is not None:
            return tests
    raise SystemExit(f"{p.name}: the wrong solution passes every test that was tried")


def first_difference(right, wrong, tests, show) -> int | None:
    for i, args in enumerate(tests):
        want = right(*copy.deepcopy(args))
        try:
            got = wrong(*copy.deepcopy(args))
        except Exception:
            return i
        # Compared as printed too: the program form shows only the text.
        if got != want and show(got).split() != show(want).split():
            return i
    return None


def results(p: Problem, tests: list) -> list:
    right = p.call(p.right)
    return [right(*copy.deepcopy(args)) for args in tests]


def call_cases(p: Problem, tests: list, wrap: bool = True) -> dict:
    outputs = results(p, tests)
    return {"fn_name": p.name, "inputs": tests, "outputs": [[v] for v in outputs] if wrap else outputs}


def program_cases(p: Problem, tests: list) -> dict:
    return {
        "inputs": [p.stdin(args) for args in tests],
        "outputs": [p.show(value) + "\n" for value in results(p, tests)],
    }


def add_row(problem, solution, cases, tag, action, verdict, cause=None, starter_code="", **columns):
    row = dict.fromkeys(COLUMNS)
    row.update(
        problem=problem,
        deepseek_reasoning=reasoning(),
        deepseek_solution=solution,
        domain="code",
        source=rng.choice(SOURCES),
        test_cases=cases if cases is None or isinstance(cases, str) else json.dumps(cases),
        starter_code=starter_code,
    )
    row.update(columns)
    rows.append(row)
    expected.append({"action": action, "verdict": verdict, "cause": cause, "tag": tag})


def accept(problem, solution, cases, tag, **more):
    add_row(problem, solution, cases, tag, "keep", "accepted", **more)


def reject(problem, solution, cases, tag, verdict, cause=None, **more):
    add_row(problem, solution, cases, tag, "drop", verdict, cause, **more)


def next_problem(state=[0]) -> Problem:
    state[0] += 1
    return PROBLEMS[state[0] % len(PROBLEMS)]


def plain_rows():
    """Every problem four times: right and wrong, as a program and as a function."""
    for p in PROBLEMS:
        tests = arguments(p, rng.randint(3, 9))
        accept(p.text, prose(fenced(p.program(p.right))), program_cases(p, tests), "program")
        reject(p.text, prose(fenced(p.program(p.wrong))), program_cases(p, tests), "program_wrong", "wrong_answer")
        tests = arguments(p, rng.randint(3, 9))
        wrap = rng.random() < 0.7
        accept(p.text, prose(fenced(as_class(p, p.right))), call_cases(p, tests, wrap),
               "class_needs_prelude", starter_code=class_starter(p))
        reject(p.text, prose(fenced(p.function(p.wrong))), call_cases(p, tests, wrap),
               "function_wrong", "wrong_answer", starter_code=starter(p))


def fence_rows():
    """Answers that wrap their code in every way that models do."""
    for tag in ["py", "Python", "python3", "PYTHON", ""]:
        p = next_problem()
        accept(p.text, prose(fenced(p.program(p.right), tag)), program_cases(p, arguments(p, 3)), f"fence_{tag or 'bare'}")
    for _ in range(3):
        p = next_problem()
        cases = program_cases(p, arguments(p, 3))
        draft = "A first sketch, which is too slow:\n\n" + fenced("def draft():\n    raise NotImplementedError\ndraft()")
        accept(p.text, f"{draft}\n\nAnd the final version:\n\n{fenced(p.program(p.right))}", cases, "two_code_blocks")
        sample = f"For the first example it prints:\n\n```\n{cases['outputs'][0]}```"
        accept(p.text, f"{prose(fenced(p.program(p.right)))}\n\n{sample}", cases, "last_block_is_sample_output")
        thought = f"Perhaps like this?\n\n{fenced('print(0)')}\n\nNo, that ignores the input."
        accept(p.text, f"<think>\n{thought}\n</think>\n\n{prose(fenced(p.program(p.right)))}", cases, "fence_in_think_section")
        accept(p.text, prose(fenced(p.program(p.right))), cases, "fence_in_reasoning_column",
               deepseek_reasoning=f"{reasoning()}\n\n{thought}")
        reject(p.text, f"{rng.choice(OPENINGS)}\n\nSo the answer is to loop and count.", cases, "no_code", "compile_error", "no_code")
    for _ in range(2):
        p = next_problem()
        cases = program_cases(p, arguments(p, 3))
        accept(p.text, f"{rng.choice(OPENINGS)}\n\n```python\n{p.program(p.right)}", cases, "unclosed_fence")
        accept(p.text, prose(fenced(p.program(p.right))).replace("\n", "\r\n"), cases, "crlf_answer")
        cut = p.program(p.right).rstrip()[:-1]
        reject(p.text, f"{rng.choice(OPENINGS)}\n\n```python\n{cut}", cases, "truncated_answer", "compile_error")


def layout_rows():
    """Tests written in every way that data sets write them; the solutions are right."""
    for _ in range(2):
        p = next_problem()
        tests = arguments(p, 4)
        cases = program_cases(p, tests)
        answer = prose(fenced(p.program(p.right)))
        split = {key: [text.rstrip("\n").split("\n") for text in texts] for key, texts in cases.items()}
        accept(p.text, answer, split, "lists_of_lines")
        accept(p.text, answer, {key: [t.rstrip("\n") for t in texts] for key, texts in cases.items()}, "no_final_newline")
        accept(p.text, answer, {**cases, "outputs": [t.replace("\n", "\r\n") for t in cases["outputs"]]}, "crlf_expected")
        accept(p.text, answer, {**cases, "outputs": [t.replace("\n", " \n") for t in cases["outputs"]]}, "trailing_blanks_expected")
        accept(p.text, answer, {**cases, "fn_name": None}, "fn_name_null")
        accept(p.text, answer, {**cases, "fn_name": ""}, "fn_name_empty")
        accept(p.text, answer, repr(cases), "python_repr")
        accept(p.text, prose(fenced(p.function(p.right))), repr(call_cases(p, tests)), "python_repr_call", starter_code=None)
        accept(p.text, prose(fenced(as_class(p, p.right, False).replace("Solution", "Answer"))),
               call_cases(p, tests), "other_class_name", starter_code=class_starter(p))
    for name in ("stair_ways", "squeeze_runs"):
        p = next(q for q in PROBLEMS if q.name == name)
        accept(p.text, prose(fenced(p.program(p.right))), program_cases(p, arguments(p, 120)), "many_tests")


def value_rows():
    """Results that JSON writes badly, and results that differ by a hair."""
    def call(tag, text, code, fn_name, inputs, outputs, verdict="accepted"):
        cases = json.dumps({"fn_name": fn_name, "inputs": inputs, "outputs": outputs})
        if verdict == "accepted":
            accept(text, prose(fenced(code)), cases, tag, starter_code=None)
        else:
            reject(text, prose(fenced(code)), cases, tag, verdict, starter_code=None)

    call("tuple_result", "Give the smallest and the largest number.", "def ends(xs):\n    return min(xs), max(xs)",
         "ends", [[[3, 1, 2]], [[5]]], [[[1, 3]], [[5, 5]]])
    call("list_of_tuples", "Number the letters from 1.", "def number(s):\n    return list(enumerate(s, 1))",
         "number", [["ab"], ["z"]], [[[[1, "a"], [2, "b"]]], [[[1, "z"]]]])
    call("dict_int_keys", "Map every number to how often it occurs.",
         "def tally(xs):\n    out = {}\n    for x in xs:\n        out[x] = out.get(x, 0) + 1\n    return out",
         "tally", [[[1, 1, 2]]], [{"1": 2, "2": 1}])
    call("big_integers", "Raise two to a power.", "def power(n):\n    return 2 ** n", "power", [[100], [5000]], [[2 ** 100], [2 ** 5000]])
    call("big_integer_off_by_one", "Raise two to a power.", "def power(n):\n    return 2 ** n + 1", "power", [[100]], [2 ** 100], "wrong_answer")
    call("none_result", "Find the first even number, or nothing.", "def first_even(xs):\n    return next((x for x in xs if x % 2 == 0), None)",
         "first_even", [[[1, 3]], [[1, 4]]], [[None], [4]])
    call("none_instead_of_value", "Sort a list.", "def order(xs):\n    xs.sort()", "order", [[[2, 1]]], [[[1, 2]]], "wrong_answer")
    call("expected_one_element_list", "Keep the even numbers.", "def evens(xs):\n    return [x for x in xs if x % 2 == 0]",
         "evens", [[[1, 2, 3]], [[5]]], [[2], []])
    call("nan_and_infinity", "Divide as floating point does.",
         "def divide(a, b):\n    if b == 0:\n        return float('nan') if a == 0 else float('inf')\n    return a / b",
         "divide", [[0, 0], [1, 0], [1, 2]], [float("nan"), float("inf"), 0.5])
    call("unicode", "Turn a text round.", "def turn(s):\n    return s[::-1]", "turn", [["añ漢🎲"]], ["🎲漢ña"])
    call("prints_during_call", "Double a number.", "def double(x):\n    print('doubling', x)\n    return 2 * x\nprint(double(3))",
         "double", [[4], [5]], [8, 10])
    call("static_method", "Double a number.", "class Solution:\n    @staticmethod\n    def double(x):\n        return 2 * x", "double", [[4]], [[8]])
    call("deep_recursion", "Count down and up again.",
         "import sys\nsys.setrecursionlimit(10 ** 6)\ndef depth(n):\n    return 0 if n == 0 else 1 + depth(n - 1)",
         "depth", [[50000]], [50000])


def failure_rows():
    """Solutions that crash, cheat, hang or overflow."""
    p = PROBLEMS[0]

    def program(tag, code, verdict, cause=None, count=3):
        reject(p.text, prose(fenced(code)), program_cases(p, arguments(p, count)), tag, verdict, cause)

    def function(tag, code, verdict, cause=None):
        reject(p.text, prose(fenced(code)), call_cases(p, arguments(p, 3)), tag, verdict, cause, starter_code=starter(p))

    right = p.program(p.right)
    program("infinite_loop", "while True:\n    pass", "time_limit")
    program("sleeps", "import time\ntime.sleep(1000)", "time_limit", "wall_time")
    function("infinite_loop_in_call", f"def {p.name}(levels):\n    while True:\n        pass", "time_limit")
    program("memory", "xs = []\nwhile True:\n    xs.append(b'x' * (1 << 20))", "memory_limit")
    program("endless_output", "while True:\n    print('y' * 4000)", "output_limit")
    program("syntax_error", "def main(:\n    pass", "compile_error")
    program("python2", "n = int(raw_input())\nprint n", "compile_error")
    program("typographic_quotes", "print(“hello”)", "compile_error")
    program("other_language", "#include <iostream>\nint main() { return 0; }", "compile_error")
    program("exception", "print(1 // 0)", "runtime_error")
    program("missing_module", "import no_such_module", "runtime_error")
    program("exit_code", right + "raise SystemExit(3)\n", "runtime_error")
    program("abort", right + "import os\nos.abort()\n", "runtime_error")
    program("reads_too_much", "for _ in range(9):\n    input()", "runtime_error")
    program("only_imports", "import sys", "wrong_answer")
    program("prints_all_answers", "for i in range(20):\n    print(i)", "wrong_answer")
    program("claims_success", "print('All tests passed')", "wrong_answer")
    function("missing_function", "def one(levels):\n    return 0\n\ndef two(levels):\n    return 1", "runtime_error", "function_not_found")
    function("function_raises", f"def {p.name}(levels):\n    return levels[999]", "runtime_error")
    function("exit_zero_in_call", f"import sys\ndef {p.name}(levels):\n    sys.exit(0)", "runtime_error")
    function("hard_exit_at_top", f"import os\nos._exit(0)\ndef {p.name}(levels):\n    return 0", "runtime_error")
    function("always_equal", f"class Yes:\n    def __eq__(self, other):\n        return True\ndef {p.name}(levels):\n    return Yes()",
             "wrong_answer", "unsupported_result")
    function("reads_frames", f"import sys\ndef {p.name}(levels):\n    f = sys._getframe()\n    while f:\n"
             "        for k in ('expected', 'outputs', 'output'):\n            if k in f.f_locals:\n                return f.f_locals[k]\n"
             "        f = f.f_back\n    return -1", "wrong_answer")
    for noise in ("import sys\nprint('debug', file=sys.stderr)\n", "import atexit\natexit.register(lambda: None)\n"):
        accept(p.text, prose(fenced(noise + right)), program_cases(p, arguments(p, 3)), "harmless_noise")
    accept(p.text, prose(fenced(right + "exit()\n")), program_cases(p, arguments(p, 3)), "exit_at_end")
    accept("Print nothing at all.", prose(fenced("input()")), {"inputs": ["1\n"], "outputs": [""]}, "empty_expected")


def broken_test_rows():
    """Tests that cannot be understood: never kept, never called wrong."""
    for tag, cases in [
        ("tests_empty_text", ""), ("tests_empty_object", "{}"), ("tests_null", None),
        ("tests_none", {"inputs": [], "outputs": []}), ("tests_unequal", {"inputs": ["1\n", "2\n"], "outputs": ["1\n"]}),
        ("tests_truncated", '{"inputs": ["1\\n", "2\\n"], "outp'), ("tests_not_an_object", "[1, 2, 3]"),
    ]:
        reject("Print the number that is read.", prose(fenced("print(input())")), cases, tag, "undecided", "bad_tests")


def other_domain_rows():
    for _ in range(24):
        a, b = rng.randint(2, 90), rng.randint(2, 90)
        other("math", "numina_math", f"Compute ${a} \\cdot {b}$.", f"The product is $\\boxed{{{a * b}}}$.", str(a * b))
    for i in range(8):
        other("puzzle", "riddle_sense", f"I have {i + 2} hands and no arms; what am I? (A) a clock (B) a spoon", "A clock has hands. Answer: A", "A")
    for domain in ("biology", "chemistry", "physics") * 4:
        n = rng.randint(2, 9)
        other(domain, "camel", f"Name {n} things that a student of {domain} should measure first.",
              "Length, mass and time come first; the rest follows from them.", None)


def other(domain, source, problem, solution, truth):
    add_row(problem, solution, None, domain, "pass_through", None, None, None,
            domain=domain, source=source, ground_truth_solution=truth)


def write():
    import pyarrow as pa
    import pyarrow.parquet as pq

    order = list(range(len(rows)))
    rng.shuffle(order)
    # The slow rows first, so that nobody waits for one of them alone at the end.
    order.sort(key=lambda i: expected[i]["verdict"] != "time_limit")
    features = {name: {"dtype": "string", "_type": "Value"} for name in COLUMNS}
    schema = pa.schema(
        [(name, pa.string()) for name in COLUMNS],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    table = pa.Table.from_pylist([rows[i] for i in order], schema=schema)
    pq.write_table(table, HERE / "sample.parquet", compression="snappy", row_group_size=ROWS_PER_GROUP)
    with open(HERE / "sample.expected.jsonl", "w", encoding="utf-8") as out:
        for row, i in enumerate(order):
            out.write(json.dumps({"row": row, **expected[i]}) + "\n")


if __name__ == "__main__":
    plain_rows()
    fence_rows()
    layout_rows()
    value_rows()
    failure_rows()
    broken_test_rows()
    other_domain_rows()
    write()
    print(f"{len(rows)} rows")
