"""The program that runs inside a Python cell, before and around the solution.

    python3 -I -S -B driver.pyc MODE ENTRY PRELUDE SITE_DIRS

MODE       `program`: run ENTRY as `python3 ENTRY` would.
           `function`: read one call from descriptor 3, make it, write what came of it.
           `serve`: be the solution that tests in another cell ask; see `code_tests/answering.py`.
           `tests`: be those tests; see `code_tests/tests.py`.
           `shared`: be both.
ENTRY      absolute path of the solution's entry file.
PRELUDE    `none`, or `contest`: names that contest data sets assume to be in scope.
SITE_DIRS  directories appended to sys.path, separated by colons; may be empty.

Descriptors 0, 1 and 2 are the solution's own. Descriptor 3 (function mode) holds
`marshal((name, args, kwargs))` up to its end. Descriptor 4 takes at most one record,
`marshal((tag, content))` in marshal's version 2, which has no back references:

    ("ok", value)             the function returned this
                              (behind the tag stands `:` and a type, where there was a value of a type
                              that is no plain data's but can be read as such)
    ("exact", value)          the same, with `(..., type, text)` for each number or date of a type that is not
                              built in, and `(..., "Enum", name, value)` for each member of an Enum
    ("unsupported", type)     it returned something that cannot cross as plain data
    ("missing", text)         there is no such function, or several might be meant
    ("raised", text)          the solution raised or exited before the function returned
    ("syntax", text)          ENTRY does not compile (both modes)

Where a cell has several runs of one solution (warm launchers only), a process that has been given none of their
inputs compiles it for those after the first, and sends the compiled code before anything of the solution is
executed, as `C`, four bytes of length and the code; runs find that code on descriptor 5 and do not compile. `S`
in place of `C`: runs may share a process, and that one goes on as it; see `warm/series.py`.

A solution may write there too; it gains nothing that returning the value would not have given.

CPU time here is paid in every test. So the files of this folder are joined to one script before it is compiled, this one last: a second
script would have to be found and read each time. Only built-in modules are imported, and what `-S` leaves out is restored by hand. Works on
CPython 3.8 and later. Importing the script only defines things: a launcher that stays warm can fork and then call `run`.
"""

import marshal
import posix
import sys

CALL_FD = 3
RESULT_FD = 4
CODE_FD = 5
# From and to another cell, in modes `serve` and `tests`.
LINK_IN_FD = 6
LINK_OUT_FD = 7
MAX_CODE_BYTES = 256 << 10
# Else glibc gives every thread a stack as large as RLIMIT_STACK, which is the memory limit.
THREAD_STACK_BYTES = 64 << 20
LINKED_MODES = ("serve", "tests", "shared")
# The scripts for these modes, loaded; the driver itself as a module among them.
parts = {}
LINKED_PARTS = ("values", "answering", "asking", "reading", "suites", "tests")


def main(argv):
    mode, entry, prelude, site_dirs, seed, seeded = argv[1:7]
    restore_builtins()
    if not sys.flags.isolated:
        del sys.path[0]  # Where this script is.
    if mode in LINKED_MODES:
        load_parts(compiled_beside(argv[0]))
    sys.path.extend(filter(None, site_dirs.split(":")))
    if seed:
        sow(int(seed), seeded.split(","))
    run(mode, entry, prelude)


def sow(seed, modules):
    """Gives the modules' own random generators a known state. Hashes have theirs from the start."""
    import importlib

    for name in modules:
        importlib.import_module(name).seed(seed)


def run(mode, entry, prelude, stage="only", launcher=None):
    """One run, from a set-up interpreter to its end; with the stage `series` one after the other, each
    begun by `launcher`. `stage` is `only`, `compile`, `compile-for-series`, `later` or `series`. Behind the entry
    stand the program's own arguments, if it has any, each after a unit separator."""
    if mode in LINKED_MODES:
        return run_linked(mode, entry, prelude)
    entry, *arguments = entry.split("\x1f")
    sys.argv = [entry, *arguments]
    home = entry.rpartition("/")[0] or "/"
    if stage in ("compile", "compile-for-series"):
        # Nothing of the solution's can be imported yet, such as in its place what a warning needs.
        compiled, shares = send_compiled(entry, prelude, stage == "compile-for-series")
        if not shares:
            posix._exit(0)
        stage = "series"
    elif stage in ("later", "series"):
        compiled = marshal.loads(read_all(CODE_FD))
        prepare(prelude)
    sys.path.insert(0, home)
    if stage == "only":
        compiled = compile_solution(read_source(entry), entry, prelude, RESULT_FD)
        if compiled[0] is None:
            make_exit()(1)
    elif stage == "series":
        parts["series"].run(parts["driver"], mode, compiled, entry, prelude, launcher)
    if mode == "function":
        run_function(compiled, entry, prelude, read_all(CALL_FD), RESULT_FD)
    elif mode == "program":
        run_program(compiled, entry, prelude, RESULT_FD, launcher)
    elif mode == "judge":
        run_program(compiled, entry, prelude, RESULT_FD, launcher, tells_errors=True)
    else:
        raise ValueError("unknown mode " + mode)


def send_compiled(entry, prelude, is_for_series):
    """Compiles and sends the compiled code for runs to come. Returns it, and whether they may share a process.
    Ends the process where there is nothing to send: runs then find out for themselves why."""
    prepared = prepare(prelude)
    try:
        compiled = compiled_with(read_source(entry), entry, prepared)
        code = marshal.dumps(compiled)
    except BaseException:
        posix._exit(1)
    if len(code) > MAX_CODE_BYTES:
        posix._exit(1)
    shares = is_for_series and parts["series"].may_share(parts["driver"], *compiled)
    write_all(RESULT_FD, (b"S" if shares else b"C") + len(code).to_bytes(4, "little") + code)
    return compiled, shares


def read_source(entry):
    return read_all(posix.open(entry, posix.O_RDONLY | posix.O_CLOEXEC))


def load_parts(code_of, names=LINKED_PARTS):
    """Loads scripts that some runs need beside this one, if not said otherwise those of linked cells. `code_of` finds each by its name."""
    if "driver" not in parts:
        parts["driver"] = module_of("driver", globals())
    for name in names:
        # Each sees those before it by their names.
        parts[name] = module_of(name, {"__builtins__": __builtins__, **parts})
        exec(code_of(name), parts[name].__dict__)


def compiled_beside(script):
    """Finds the compiled scripts that lie beside this one."""
    directory = script.rpartition("/")[0]
    return lambda name: marshal.loads(read_all(posix.open(directory + "/" + name + ".pyc", posix.O_RDONLY))[16:])


def module_of(name, content):
    module = type(sys)("proofbox_" + name)
    module.__dict__.update(content)
    module.__dict__["__name__"] = "proofbox_" + name
    return module


def run_linked(mode, entry, prelude):
    if mode == "serve":
        parts["answering"].serve(entry, prelude)
    else:
        parts["tests"].run(mode, entry, prelude)


def rehearse():
    """Goes the way of a run, so that what an interpreter builds at first use is there before the runs begin."""
    limits = sys.getrecursionlimit(), getattr(sys, "get_int_max_str_digits", int)()
    source = b"import sys\ndef f(x):\n    return [x * 2 for x in x]\nclass A:\n    pass\nprint(*f([1]), end='')\n"
    for prelude in ("none", "contest"):
        code, names = compile_solution(source, "/box/main.py", prelude, -1)
        namespace = {"__name__": "rehearsal", "__builtins__": __builtins__}
        bind_prelude(namespace, prelude, names)
        exec(code, namespace)
        needs_no_teardown(code, "/box/main.py")
    sys.stdout.flush()
    plain([1, "a", 2.0, None, (True,), {"a": [1]}], [100], 0)
    marshal.dumps(("ok", [1, 2]), 2)
    sys.setrecursionlimit(limits[0])
    if limits[1]:
        sys.set_int_max_str_digits(limits[1])


def restore_builtins():
    """What `-S` leaves out, as far as programs see it, and the size of threads' stacks."""
    import _sitebuiltins
    import _thread
    import builtins

    end_of_input = "Ctrl-D (i.e. EOF)"
    builtins.exit = _sitebuiltins.Quitter("exit", end_of_input)
    builtins.quit = _sitebuiltins.Quitter("quit", end_of_input)
    builtins.help = _sitebuiltins._Helper()
    builtins.copyright = _sitebuiltins._Printer("copyright", sys.copyright)
    builtins.credits = _sitebuiltins._Printer("credits", CREDITS)
    builtins.license = _sitebuiltins._Printer("license", "See https://www.python.org/psf/license/")
    _thread.stack_size(THREAD_STACK_BYTES)


CREDITS = """\
    Thanks to CWI, CNRI, BeOpen.com, Zope Corporation and a cast of thousands
    for supporting Python development.  See www.python.org for more information."""
if __name__ == "__main__":
    main(sys.argv)
