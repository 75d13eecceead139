"""The solution's code: compiled, and what can be said of it before it is executed."""

import sys

# Code that mentions these may look at annotations at run time.
_READS_ANNOTATIONS = frozenset(
    (
        "__annotations__ get_annotations get_type_hints dataclass dataclasses make_dataclass NamedTuple "
        "TypedDict singledispatch singledispatchmethod inspect signature pydantic attr attrs"
    ).split()
)
# `__future__.annotations.compiler_flag`; it was another one before 3.8.3.
_FUTURE_ANNOTATIONS = 0x1000000 if sys.version_info >= (3, 8, 3) else 0
CONTEST_RECURSION_LIMIT = 50_000
# A solution that is called, not run, is a module: `if __name__ == "__main__"` guards example
# usage, which must not run (and would find no input).
MODULE_NAME = "solution"
# LOAD_NAME, LOAD_GLOBAL, LOAD_FROM_DICT_OR_GLOBALS, STORE_NAME, STORE_GLOBAL, EXTENDED_ARG.
_OPCODES = {
    (3, 8): (101, 116, -1, 90, 97, 144),
    (3, 9): (101, 116, -1, 90, 97, 144),
    (3, 10): (101, 116, -1, 90, 97, 144),
    (3, 11): (101, 116, -1, 90, 97, 144),
    (3, 12): (101, 116, 175, 90, 97, 144),
    (3, 13): (92, 91, 90, 114, 113, 71),
}
# Code that mentions these may leave something to be done when the interpreter takes down modules.
_NEEDS_TEARDOWN = frozenset(
    (
        "__del__ open fdopen detach FileIO TextIOWrapper BufferedWriter BufferedRandom BufferedRWPair makefile "
        "popen Popen tempfile pathlib weakref finalize eval exec __import__ importlib"
    ).split()
)
# CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR.
_GENERATOR_FLAGS = 0x20 | 0x80 | 0x200
# The same number in CPython 3.8 to 3.12; later ones only spend more on such an exit.
BUILD_TUPLE = 102


def compile_solution(source, entry, prelude, result_fd):
    """Returns the code and, with a prelude, the names it reads (else None). A source that does not
    compile is recorded and shown, and (None, None) returned."""
    is_contest = prepare(prelude)
    try:
        return compiled_with(source, entry, is_contest)
    except Exception as error:
        make_writer(result_fd)("syntax", describe(error))
        show_exception(error)
        return None, None


def compiled_with(source, entry, is_contest):
    # Annotations are not evaluated (as from 3.14 on anyway) unless the code may look at them:
    # importing `typing` for the sake of `nums: List[int]` costs as much as a whole start.
    code = compile(source, entry, "exec", _FUTURE_ANNOTATIONS if is_contest else 0, True)
    if is_contest and reads_annotations(code):
        code = compile(source, entry, "exec", 0, True)
    return code, names_read(code)[0] if is_contest else None


def prepare(prelude):
    """Limits of the interpreter that go with a prelude. Returns whether it is the contest's."""
    if prelude not in ("none", "contest"):
        raise ValueError("unknown prelude " + prelude)
    if prelude == "contest":
        sys.setrecursionlimit(CONTEST_RECURSION_LIMIT)
        if hasattr(sys, "set_int_max_str_digits"):
            sys.set_int_max_str_digits(0)
    return prelude == "contest"


def code_objects(code):
    """The code and all code within it."""
    kind = type(code)
    stack = [code]
    while stack:
        code = stack.pop()
        yield code
        for constant in code.co_consts:
            if type(constant) is kind:
                stack.append(constant)


def reads_annotations(code):
    return not all(_READS_ANNOTATIONS.isdisjoint(part.co_names) for part in code_objects(code))


_COMPREHENSIONS = frozenset(("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"))


def names_read(code, only=True):
    """Names that the code reads from its module's scope or from builtins without having bound
    them itself; `only` those parts of it are looked at that mention one of the prelude. Which bindings come first is
    unknowable in general; a name counts as bound if the module binds it somewhere and does not read it further up in
    its own body. Also names that this body binds."""
    load_name, load_global, load_either, store_name, store_global, extended = opcodes()
    interesting = frozenset((load_name, load_global, load_either, store_name, store_global))
    shift = 1 if sys.version_info >= (3, 11) else 0
    table = prelude_table()
    read, bound, read_first, at_top = set(), set(), set(), set()
    for part in code_objects(code):
        if only and table.keys().isdisjoint(part.co_names) and _DYNAMIC.isdisjoint(part.co_names):
            continue
        is_module = part is code
        ops, args, names = part.co_code[::2], part.co_code[1::2], part.co_names
        for place, op in enumerate(ops):
            if op not in interesting:
                continue
            index, before = args[place], place - 1
            scale = 256
            while before >= 0 and ops[before] == extended:
                index += args[before] * scale
                scale *= 256
                before -= 1
            name = names[index >> shift if op == load_global else index]
            if op == store_global or (op == store_name and is_module):
                bound.add(name)
                # What a comprehension binds by `:=` the body has bound.
                if is_module or part.co_name in _COMPREHENSIONS:
                    at_top.add(name)
            elif op != store_name:
                read.add(name)
                if is_module and name not in bound:
                    read_first.add(name)
    return (read - bound) | read_first, at_top


def opcodes():
    known = _OPCODES.get(sys.version_info[:2])
    if known is None:
        from opcode import opmap

        names = "LOAD_NAME LOAD_GLOBAL LOAD_FROM_DICT_OR_GLOBALS STORE_NAME STORE_GLOBAL EXTENDED_ARG"
        known = tuple(opmap.get(name, -1) for name in names.split())
    return known


def may_exit_with_tuple(code):
    """Whether the program may call `sys.exit` with a tuple. Only where nothing catches that exception does it
    stay what the interpreter takes for no exit code; so it must then go its way, as slow as that end is."""
    mentions_exit = holds_tuple = False
    for part in code_objects(code):
        mentions_exit = mentions_exit or "exit" in part.co_names
        holds_tuple = holds_tuple or BUILD_TUPLE in part.co_code[::2] or any(type(value) is tuple for value in part.co_consts)
    return mentions_exit and holds_tuple


def needs_no_teardown(code, entry):
    """Whether nothing observable happens when the interpreter takes down its modules. That takes
    a quarter of a short program's CPU time, and matters only for open files that are not flushed,
    finalizers, suspended generators and code that was not looked at."""
    for part in code_objects(code):
        if not _NEEDS_TEARDOWN.isdisjoint(part.co_names):
            return False
        if part.co_flags & _GENERATOR_FLAGS and part.co_name != "<genexpr>":
            return False
    if len(sys.modules) != modules_loaded:
        home = entry.rpartition("/")[0] + "/"
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if name != "__main__" and type(file) is str and file.startswith(home):
                return False
    return not getattr(sys.stdout, "closed", True) and not getattr(sys.stderr, "closed", True)


# How many modules a warm launcher had loaded, `__main__` among them: while their number is the same,
# none is the solution's own. Looking at each would write to the memory of all of them.
modules_loaded = 0


def new_module(name, entry):
    """A fresh module under its name in sys.modules; returns its namespace."""
    import builtins

    module = type(sys)(name)
    module.__file__ = entry
    module.__builtins__ = builtins
    sys.modules[name] = module
    return module.__dict__


def new_program(entry):
    """The namespace of a fresh `__main__`, as it is under `python3 ENTRY`."""
    import builtins
    from _frozen_importlib_external import SourceFileLoader

    module = sys.modules["__main__"] = type(sys)("__main__")
    namespace = module.__dict__
    namespace["__loader__"] = SourceFileLoader("__main__", entry)
    # In this order.
    namespace["__annotations__"] = {}
    namespace["__builtins__"] = builtins
    namespace["__file__"] = entry
    namespace["__cached__"] = None
    return namespace
