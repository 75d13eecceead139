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
in place of `C`: runs may share a process, and that one goes on as it; see `series.py`.

A solution may write there too; it gains nothing that returning the value would not have given.

CPU time here is paid in every test, so this is one file (a second one would have to be found and
read each time), only built-in modules are imported, and what `-S` leaves out is restored by hand. Works on CPython 3.8 and later. Importing this file only defines things:
a launcher that stays warm can fork and then call `run_program` or `run_function`.
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
# A solution that is called, not run, is a module: `if __name__ == "__main__"` guards example
# usage, which must not run (and would find no input).
MODULE_NAME = "solution"
MAX_CODE_BYTES = 256 << 10
MAX_DEPTH = 200
MAX_ITEMS = 2_000_000
MAX_TEXT = 2_000
CONTEST_RECURSION_LIMIT = 50_000
# Else glibc gives every thread a stack as large as RLIMIT_STACK, which is the memory limit.
THREAD_STACK_BYTES = 64 << 20

# What `from MODULE import *`, written for these modules in this order, leaves bound to which
# module's attribute: the later import wins, names of builtins are left out (they are in scope
# anyway), and so are names that the imports of the modules themselves then take over. For
# CPython 3.8 to 3.13; a name that the running version lacks is skipped.
_STARS = (
    ("string", """
        Formatter Template ascii_letters ascii_lowercase ascii_uppercase capwords digits hexdigits
        octdigits printable punctuation whitespace
    """),
    ("re", """
        A ASCII DOTALL I IGNORECASE L LOCALE M MULTILINE NOFLAG PatternError RegexFlag S U UNICODE
        VERBOSE X error escape findall finditer fullmatch match purge search split subn template
    """),
    ("datetime", """
        MAXYEAR MINYEAR UTC date datetime_CAPI time timedelta timezone tzinfo
    """),
    ("collections", """
        UserDict UserList UserString namedtuple
    """),
    # The same objects as in `collections`, without the cost of importing it.
    ("_collections", """
        defaultdict deque
    """),
    ("heapq", """
        heapify heappop heappush heappushpop heapreplace merge nlargest nsmallest
    """),
    ("bisect", """
        bisect_left bisect_right insort insort_left insort_right
    """),
    ("copy", """
        Error deepcopy replace
    """),
    ("math", """
        acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees dist e erf
        erfc exp exp2 expm1 fabs factorial floor fma fmod frexp fsum gamma gcd hypot inf isclose
        isfinite isinf isnan isqrt lcm ldexp lgamma log log10 log1p log2 modf nan nextafter perm pi
        prod radians remainder sin sinh sqrt sumprod tan tanh tau trunc ulp
    """),
    ("random", """
        Random SystemRandom betavariate binomialvariate choice choices expovariate gammavariate
        gauss getrandbits getstate lognormvariate normalvariate paretovariate randbytes randint
        randrange sample seed setstate shuffle triangular uniform vonmisesvariate weibullvariate
    """),
    ("statistics", """
        NormalDist StatisticsError correlation covariance fmean geometric_mean harmonic_mean kde
        kde_random linear_regression mean median median_grouped median_high median_low mode
        multimode pstdev pvariance quantiles stdev variance
    """),
    ("itertools", """
        accumulate batched chain combinations combinations_with_replacement compress count cycle
        dropwhile filterfalse groupby islice pairwise permutations product repeat starmap takewhile
        tee zip_longest
    """),
    ("functools", """
        WRAPPER_ASSIGNMENTS WRAPPER_UPDATES cache cached_property cmp_to_key lru_cache partial
        partialmethod reduce singledispatch singledispatchmethod total_ordering update_wrapper wraps
    """),
    ("operator", """
        add and_ attrgetter call concat contains countOf delitem eq floordiv ge getitem gt iadd iand
        iconcat ifloordiv ilshift imatmul imod imul index indexOf inv invert ior ipow irshift is_
        is_not isub itemgetter itruediv ixor le length_hint lshift lt matmul methodcaller mod mul ne
        neg not_ or_ pos rshift setitem sub truediv truth xor
    """),
    ("io", """
        BufferedIOBase BufferedRWPair BufferedRandom BufferedReader BufferedWriter BytesIO
        DEFAULT_BUFFER_SIZE FileIO IOBase IncrementalNewlineDecoder RawIOBase SEEK_CUR SEEK_END
        SEEK_SET StringIO TextIOBase TextIOWrapper UnsupportedOperation open_code text_encoding
    """),
    ("sys", """
        abiflags activate_stack_trampoline addaudithook api_version argv audit base_exec_prefix
        base_prefix breakpointhook builtin_module_names byteorder call_tracing callstats
        deactivate_stack_trampoline displayhook dont_write_bytecode exc_info excepthook exception
        exec_prefix executable flags float_info float_repr_style get_asyncgen_hooks
        get_coroutine_origin_tracking_depth get_int_max_str_digits getallocatedblocks
        getcheckinterval getdefaultencoding getdlopenflags getfilesystemencodeerrors
        getfilesystemencoding getprofile getrecursionlimit getrefcount getsizeof getswitchinterval
        gettrace getunicodeinternedsize hash_info hexversion implementation int_info intern
        is_finalizing is_stack_trampoline_active maxsize maxunicode meta_path modules monitoring
        orig_argv path path_hooks path_importer_cache platform platlibdir prefix pycache_prefix
        set_asyncgen_hooks set_coroutine_origin_tracking_depth set_int_max_str_digits
        setcheckinterval setdlopenflags setprofile setrecursionlimit setswitchinterval settrace
        stderr stdin stdlib_module_names stdout thread_info unraisablehook version version_info
        warnoptions
    """),
    ("json", """
        JSONDecodeError JSONDecoder JSONEncoder dump dumps load loads
    """),
    ("typing", """
        AbstractSet Annotated Any AnyStr AsyncContextManager AsyncGenerator AsyncIterable
        AsyncIterator Awaitable BinaryIO ByteString Callable ChainMap ClassVar Collection
        Concatenate Container ContextManager Coroutine Counter DefaultDict Deque Dict Final
        ForwardRef FrozenSet Generator Generic Hashable IO ItemsView Iterable Iterator KeysView List
        Literal LiteralString Mapping MappingView Match MutableMapping MutableSequence MutableSet
        NamedTuple Never NewType NoDefault NoReturn NotRequired Optional OrderedDict ParamSpec
        ParamSpecArgs ParamSpecKwargs Pattern Protocol ReadOnly Required Reversible Self Sequence
        Set Sized SupportsAbs SupportsBytes SupportsComplex SupportsFloat SupportsIndex SupportsInt
        SupportsRound TYPE_CHECKING Text TextIO Tuple Type TypeAlias TypeAliasType TypeGuard TypeIs
        TypeVar TypeVarTuple TypedDict Union Unpack ValuesView assert_never assert_type cast
        clear_overloads dataclass_transform final get_args get_origin get_overloads
        get_protocol_members get_type_hints is_protocol is_typeddict no_type_check
        no_type_check_decorator overload override reveal_type runtime_checkable
    """),
)
_MODULES = (
    "string re datetime collections heapq bisect copy math random statistics itertools functools "
    "operator io sys json"
)
# Beyond LiveCodeBench's list: what OpenThoughts' own judge puts in scope, where installed.
_EXTRAS = {
    "np": ("numpy", None),
    "numpy": ("numpy", None),
    "fractions": ("fractions", None),
    "Fraction": ("fractions", "Fraction"),
    "typing": ("typing", None),
    "builtins": ("builtins", None),
}
# Code that mentions these can reach names that stand nowhere in it.
_DYNAMIC = frozenset(("eval", "exec", "globals", "locals", "vars"))
# Code that mentions these may look at annotations at run time.
_READS_ANNOTATIONS = frozenset(
    (
        "__annotations__ get_annotations get_type_hints dataclass dataclasses make_dataclass NamedTuple "
        "TypedDict singledispatch singledispatchmethod inspect signature pydantic attr attrs"
    ).split()
)
# Code that mentions these may leave something to be done when the interpreter takes down modules.
_NEEDS_TEARDOWN = frozenset(
    (
        "__del__ open fdopen detach FileIO TextIOWrapper BufferedWriter BufferedRandom BufferedRWPair makefile "
        "popen Popen tempfile pathlib weakref finalize eval exec __import__ importlib"
    ).split()
)
# CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR.
_GENERATOR_FLAGS = 0x20 | 0x80 | 0x200

# `__future__.annotations.compiler_flag`; it was another one before 3.8.3.
_FUTURE_ANNOTATIONS = 0x1000000 if sys.version_info >= (3, 8, 3) else 0

# LOAD_NAME, LOAD_GLOBAL, LOAD_FROM_DICT_OR_GLOBALS, STORE_NAME, STORE_GLOBAL, EXTENDED_ARG.
_OPCODES = {
    (3, 8): (101, 116, -1, 90, 97, 144),
    (3, 9): (101, 116, -1, 90, 97, 144),
    (3, 10): (101, 116, -1, 90, 97, 144),
    (3, 11): (101, 116, -1, 90, 97, 144),
    (3, 12): (101, 116, 175, 90, 97, 144),
    (3, 13): (92, 91, 90, 114, 113, 71),
}


class Unsupported(Exception):
    """A result that cannot cross the cell's wall as plain data."""


class ListNode:
    """LeetCode's linked list node, for solutions that mention it and do not define it."""

    def __init__(self, val=0, next=None):
        self.val = val
        self.next = next


class TreeNode:
    """LeetCode's binary tree node, likewise."""

    def __init__(self, val=0, left=None, right=None):
        self.val = val
        self.left = left
        self.right = right


def main(argv):
    mode, entry, prelude, site_dirs, seed, seeded = argv[1:7]
    restore_builtins()
    if not sys.flags.isolated:
        del sys.path[0]  # Where this script is.
    if mode in LINKED_MODES:
        load_parts(argv[0].rpartition("/")[0])
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


LINKED_MODES = ("serve", "tests", "shared")
# The files for these modes, loaded; the driver itself as a module among them.
parts = {}


LINKED_PARTS = ("values", "answering", "asking", "reading", "suites", "tests")


def load_parts(directory, names=LINKED_PARTS):
    """Loads files that some runs need beside this one; if not said otherwise those of linked cells."""
    if "driver" not in parts:
        parts["driver"] = module_of("driver", globals())
    for name in names:
        code = marshal.loads(read_all(posix.open(directory + "/" + name + ".pyc", posix.O_RDONLY))[16:])
        # Each sees those before it by their names.
        parts[name] = module_of(name, {"__builtins__": __builtins__, **parts})
        exec(code, parts[name].__dict__)


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


def run_program(compiled, entry, prelude, result_fd, launcher=None, tells_errors=False):
    """Runs the code as `__main__`, then ends the process or raises SystemExit, by which the
    interpreter ends as usual. `tells_errors`: an uncaught exception is also told on the result channel,
    for programs whose exit code 1 is an answer. `launcher`: as for `run`."""
    leave_at_once = make_exit()
    code, names = compiled
    if tells_errors:
        posix.set_inheritable(result_fd, False)
        write = make_writer(result_fd)
        if posix.fstat(0).st_mode & 0o170000 == 0o010000:
            # A pipe: it converses, and whoever waits for its word must not wait for its buffer.
            sys.stdout.reconfigure(line_buffering=True)
    else:
        posix.close(result_fd)
    namespace = new_program(entry)
    bind_prelude(namespace, prelude, names)
    if launcher is None and not tells_errors and may_exit_with_tuple(code):
        sys.excepthook = show_own_frames
        raise_limit_by_own_depth()
        return exec(code, namespace)
    status = execute(code, namespace, launcher)
    if isinstance(status, SystemExit):
        status = status.code
    elif isinstance(status, BaseException):
        if tells_errors:
            write("raised", describe(status))
        ended = show_exception(status)
        if isinstance(status, KeyboardInterrupt):
            run_exit_handlers()
            make_exit(end_by_interrupt)(1)
        status = 1 if ended is None else ended.code
    status = 0 if status is None else status
    if type(status) is int and 0 <= status < 256 and needs_no_teardown(code, entry):
        run_exit_handlers()
        leave_at_once(status, is_strict=True)
    raise SystemExit(status)


def execute(code, namespace, launcher):
    """Executes the code and returns what ended it: None, an exception, or what was given to `sys.exit` where that
    is no exit code but would seem one (`sys.exit((0,))` fails, though the exception, once it is caught, says 0)."""
    if launcher is not None:
        return launcher.evaluate((code, namespace))
    raise_limit_by_own_depth()
    try:
        exec(code, namespace)
    except BaseException as error:
        return error
    return None


def raise_limit_by_own_depth():
    """The frames from the caller's up are not the program's; nor is `exec`, which counts as one, too. They are
    not in the limit that the program is told, and come on top of one that it sets."""
    frame, depth = sys._getframe(1), 1
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    get_limit, set_limit = sys.getrecursionlimit, sys.setrecursionlimit
    set_limit(get_limit() + depth)

    def getrecursionlimit():
        return get_limit() - depth

    def setrecursionlimit(limit, /):
        if type(limit) is int and limit > 0:
            limit = max(limit, min(limit + depth, 2**31 - 1))
        set_limit(limit)

    sys.getrecursionlimit, sys.setrecursionlimit = getrecursionlimit, setrecursionlimit


def may_exit_with_tuple(code):
    """Whether the program may call `sys.exit` with a tuple. Only where nothing catches that exception does it
    stay what the interpreter takes for no exit code; so it must then go its way, as slow as that end is."""
    mentions_exit = holds_tuple = False
    for part in code_objects(code):
        mentions_exit = mentions_exit or "exit" in part.co_names
        holds_tuple = holds_tuple or BUILD_TUPLE in part.co_code[::2] or any(type(value) is tuple for value in part.co_consts)
    return mentions_exit and holds_tuple


# The same number in CPython 3.8 to 3.12; later ones only spend more on such an exit.
BUILD_TUPLE = 102


def show_own_frames(kind, error, trace):
    sys.excepthook = sys.__excepthook__
    show_exception(error)


# How many modules a warm launcher had loaded, `__main__` among them: while their number is the same,
# none is the solution's own. Looking at each would write to the memory of all of them.
modules_loaded = 0


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


def run_exit_handlers():
    """What the interpreter does at exit that programs see: join threads, call exit handlers."""
    threading, atexit = sys.modules.get("threading"), sys.modules.get("atexit")
    if threading is not None:
        threading._shutdown()
    if atexit is not None:
        try:
            atexit._run_exitfuncs()
        except BaseException:
            pass  # It has been shown on standard error and changes no exit code.


def run_function(compiled, entry, prelude, call, result_fd):
    """Runs the code as a module, makes the call and ends the process. Skips the interpreter's
    slow exit: nothing that the solution would do there can change the result."""
    write, flush_and_exit = make_writer(result_fd), make_exit()
    posix.set_inheritable(result_fd, False)
    tag, content, error = result_of_call(compiled, entry, prelude, call)
    write(tag, content)
    if error is not None:
        show_exception(error)
    flush_and_exit(1 if tag in ("missing", "raised") else 0)


def result_of_call(compiled, entry, prelude, call, hidden={}):
    """Tag and content of the record of a call, which is made in a new module, and the exception to show.
    `hidden`: what the module finds in place of builtins until it has bound their names."""
    name, args, kwargs = marshal.loads(call)
    code, names = compiled
    namespace = new_module(MODULE_NAME, entry)
    sys.modules["__main__"] = sys.modules[MODULE_NAME]
    namespace.update(hidden)
    given = {**hidden, **bind_prelude(namespace, prelude, names)}
    try:
        exec(code, namespace)
        function, problem = find_function(namespace, given, name)
        if function is None:
            return "missing", problem, None
        args, has_nodes = with_nodes(function, namespace, args)
        result = function(*args, **kwargs)
        if has_nodes and result is None and mentions_node(annotations(function).get("return")):
            result = []
        sys.setrecursionlimit(max(sys.getrecursionlimit(), 10 * MAX_DEPTH))
        return (*exactly(result), None)
    except Unsupported as error:
        return "unsupported", str(error), None
    except BaseException as error:
        return "raised", describe(error), error


def read_all(fd):
    chunks = []
    while True:
        chunk = posix.read(fd, 1 << 20)
        if not chunk:
            posix.close(fd)
            return b"".join(chunks)
        chunks.append(chunk)


def write_all(fd, data, write=posix.write):
    data = memoryview(data)
    while data:
        data = data[write(fd, data) :]


def make_writer(fd, dumps=marshal.dumps, write=write_all):
    """A function that writes one record. Bound early: solutions replace functions of modules."""

    def write_record(tag, content):
        write(fd, dumps((tag, content), 2))

    return write_record


def make_exit(leave=posix._exit):
    """A function that ends the process without the interpreter's own slow exit. With
    `is_strict`, standard output that cannot be written gives exit code 120, as usual."""

    def flush_and_exit(code, is_strict=False):
        for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
            try:
                stream.flush()
            except BaseException as error:
                if is_strict and stream is sys.stdout and not getattr(stream, "closed", True):
                    is_strict, code = False, code or 120
                    tell("Exception ignored in: %r\n%s\n" % (stream, describe(error)))
        leave(code)

    return flush_and_exit


def end_by_interrupt(code):
    """As the interpreter ends after a KeyboardInterrupt that nobody has caught."""
    import _signal

    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    posix.kill(posix.getpid(), _signal.SIGINT)
    posix._exit(code)


def describe(error):
    """The exception's type and text, bounded; asking may run the solution's code, which may fail."""
    name = type(error).__name__
    try:
        text = str(error)[:MAX_TEXT]
    except BaseException:
        text = "(its text cannot be had)"
    text = text.encode("utf-8", "replace").decode("utf-8")
    return name + ": " + text if text else name


def show_exception(error):
    """Prints the traceback as the interpreter would, without this file's frames. Returns the SystemExit by which
    the solution's own hook ended, if it did."""
    kind, trace = type(error), without_own_frames(error)
    sys.last_type, sys.last_value, sys.last_traceback = kind, error, trace
    if not hasattr(sys, "excepthook"):
        tell("sys.excepthook is missing\n")
        return sys.__excepthook__(kind, error, trace)
    try:
        sys.excepthook(kind, error, trace)
    except SystemExit as end:
        return end
    except BaseException as failure:
        tell("Error in sys.excepthook:\n")
        sys.__excepthook__(type(failure), failure, without_own_frames(failure))
        tell("\nOriginal exception was:\n")
        sys.__excepthook__(kind, error, trace)


def without_own_frames(error):
    """The exception's traceback, from where it is the solution's."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file_of_driver:
        trace = trace.tb_next
    error.__traceback__ = trace
    return trace


def tell(text):
    """Writes to standard error, if there is one."""
    try:
        sys.stderr.write(text)
    except BaseException:
        pass


__file_of_driver = main.__code__.co_filename


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
    return code, names_read(code) if is_contest else None


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


def names_read(code, only=True):
    """Names that the code reads from its module's scope or from builtins without having bound
    them itself; `only` those parts of it are looked at that mention one of the prelude. Which bindings come first is
    unknowable in general; a name counts as bound if the module binds it somewhere and does not read it further up in
    its own body."""
    load_name, load_global, load_either, store_name, store_global, extended = opcodes()
    interesting = frozenset((load_name, load_global, load_either, store_name, store_global))
    shift = 1 if sys.version_info >= (3, 11) else 0
    table = prelude_table()
    read, bound, read_first = set(), set(), set()
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
            elif op != store_name:
                read.add(name)
                if is_module and name not in bound:
                    read_first.add(name)
    return (read - bound) | read_first


def opcodes():
    known = _OPCODES.get(sys.version_info[:2])
    if known is None:
        from opcode import opmap

        names = "LOAD_NAME LOAD_GLOBAL LOAD_FROM_DICT_OR_GLOBALS STORE_NAME STORE_GLOBAL EXTENDED_ARG"
        known = tuple(opmap.get(name, -1) for name in names.split())
    return known


def prelude_table(made={}):
    """Name -> (module, attribute), or (module, None) for the module itself. Made once."""
    if made:
        return made
    table = {name: (module, name) for module, names in _STARS for name in names.split()}
    for module in _MODULES.split():
        table[module] = (module, None)
    table.update(_EXTRAS)
    table["ListNode"] = table["TreeNode"] = (None, None)
    made.update(table)
    return made


def bind_prelude(namespace, prelude, names):
    """Binds those names of the prelude that the code reads; all of them if it can read names that
    stand nowhere in it. Returns what was bound."""
    bound = {}
    if prelude == "none":
        return bound
    table = prelude_table()
    wanted = names & table.keys()
    if names & _DYNAMIC:
        wanted = wanted | (table.keys() - _EXTRAS.keys())
    missing = object()
    for name in wanted:
        module, attribute = table[name]
        if module is None:
            value = node_class(name)
        else:
            try:
                value = __import__(module)
            except ImportError:
                continue  # Such as numpy: the solution then sees a NameError, as it would anyway.
            if attribute is not None:
                value = getattr(value, attribute, missing)
        if value is not missing:
            bound[name] = value
    namespace.update(bound)
    return bound


def node_class(name):
    node = ListNode if name == "ListNode" else TreeNode
    return type(name, (object,), {"__init__": node.__init__, "__doc__": node.__doc__, "__module__": MODULE_NAME})


def find_function(namespace, given, name):
    """The callable that a call of `name` means, or (None, why not).

    In this order: a callable that the module itself made under that name; that method of `class
    Solution`, else of the only other class that has it; else, since answers often use another
    name, the only candidate among the module's public functions, Solution's public methods and
    a function imported under that name (`from heapq import *` must not hide Solution.merge)."""
    own = {}
    for key, value in namespace.items():
        is_own = getattr(value, "__module__", None) == namespace["__name__"]
        if is_own and callable(value) and given.get(key) is not value:
            own[key] = value
    found = namespace.get(name)
    is_callable = callable(found) and given.get(name) is not found
    is_imported = is_callable and name not in own and getattr(found, "__name__", None) == name
    if is_callable and not is_imported:
        return found, None
    solution = own.get("Solution")
    if isinstance(solution, type) and callable(getattr(solution, name, None)):
        return method_of(solution, name), None
    classes = {id(value): value for value in own.values() if isinstance(value, type)}
    having = [owner for owner in classes.values() if is_method(owner, name)]
    if len(having) > 1:
        return None, "several classes have a method " + name
    if having:
        return method_of(having[0], name), None
    candidates = {id(value): value for key, value in own.items() if not isinstance(value, type) and key[:1] != "_"}
    if is_imported:
        candidates[id(found)] = found
    methods = []
    if isinstance(solution, type):
        methods = [key for key in list(solution.__dict__) if key[:1] != "_" and is_method(solution, key)]
    if len(candidates) + len(methods) != 1:
        return None, "there is no function %s, and %d others" % (name, len(candidates) + len(methods))
    return (method_of(solution, methods[0]) if methods else next(iter(candidates.values()))), None


def method_of(owner, name):
    return getattr(owner if is_static(owner, name) else owner(), name)


def is_method(owner, name):
    return callable(owner.__dict__.get(name)) or is_static(owner, name)


def is_static(owner, name):
    return isinstance(owner.__dict__.get(name), (staticmethod, classmethod))


def is_result(tag):
    """Whether a call's record holds what it returned."""
    return tag.partition(":")[0] in ("ok", "exact")


def exactly(result):
    """Tag and content of the record for a result."""
    budget = [MAX_ITEMS]
    value = plain(result, budget, 0)
    noted = budget[1:]
    tag = "exact" if "typed" in noted else "ok"
    made_plain = next((text for text in noted if text != "typed"), "")
    return tag + made_plain, value


_SCALARS = frozenset((type(None), bool, int, float, complex, str, bytes))


def plain(value, budget, depth):
    """The value as data that marshal writes: exact built-in types all the way down.

    What a value is, its real type says: `isinstance` would believe a `__class__` of the solution's
    making. Subclasses of built-in types are read through the built-in's own methods, never through
    the solution's overrides. `budget` is a list holding the number of items still allowed."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if depth > MAX_DEPTH:
        raise Unsupported("a value nested too deep, or holding itself")
    base = built_in_base(kind)
    if base is None:
        return plain_other(value, budget, depth)
    if kind is not base or base is bytearray:
        note_made_plain(kind, budget)
    if base is dict:
        pairs = dict.items(value)
        spend(budget, len(pairs))
        pairs = [(plain(key, budget, depth + 1), plain(item, budget, depth + 1)) for key, item in pairs]
        return hashed(dict, pairs)
    if base in (list, tuple, set, frozenset):
        return plain_items(base, value, budget, depth)
    return _READ_AS_BASE[base](value)


_READ_AS_BASE = {
    int: lambda value: int.__add__(value, 0),
    float: float.__pos__,
    complex: complex.__pos__,
    str: str.__str__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    bytearray: lambda value: bytes(bytearray.__getitem__(value, slice(None))),
}
_BASES_BY_ID = {id(base): base for base in (list, tuple, set, frozenset, dict, *_READ_AS_BASE)}


def built_in_base(kind, ancestors=type.__dict__["__mro__"].__get__):
    """The built-in type of data that the type derives from, or None. By identity: a metaclass may
    have its own idea of `==`."""
    for ancestor in ancestors(kind):
        base = _BASES_BY_ID.get(id(ancestor))
        if base is not None:
            return base
    return None


def plain_items(base, value, budget, depth):
    items = list(base.__iter__(value))
    spend(budget, len(items))
    if not _SCALARS.issuperset(map(type, items)):
        items = [plain(item, budget, depth + 1) for item in items]
    return items if base is list else hashed(base, items)


def hashed(container, items):
    try:
        return container(items)
    except TypeError:  # A key whose plain form is a list.
        raise Unsupported("a key or an item of a set that has no plain form") from None


def plain_other(value, budget, depth):
    kind = type(value)
    module, name = kind.__module__, kind.__name__
    # The others are what expected values have for them.
    if not ((module, name) in _EXACT or name in ("ListNode", "TreeNode") or is_member(kind)):
        note_made_plain(kind, budget)
    if module == "numpy" and hasattr(kind, "tolist"):
        as_list = value.tolist()
        if type(as_list) is not kind:
            return plain(as_list, budget, depth + 1)
    elif module == "array" and name == "array":
        return plain(value.tolist(), budget, depth)
    elif (module, name) in _EXACT:
        note_typed(budget)
        return ..., name, exact_text(value, name)
    elif name == "ListNode" and hasattr(value, "next"):
        return plain(realise(linked(value), budget), budget, depth)
    elif name == "TreeNode" and hasattr(value, "left"):
        return plain(level_order(value, budget), budget, depth)
    elif is_view(kind) or hasattr(kind, "__next__"):
        return plain(realise(value, budget), budget, depth)
    elif module == "collections" and name in ("UserDict", "UserList", "UserString"):
        return plain(value.data, budget, depth + 1)
    elif module == "collections" and name == "ChainMap":
        return plain(dict(value), budget, depth + 1)
    elif is_member(kind):
        note_typed(budget)
        return ..., "Enum", "%s.%s" % (name, str.__str__(value._name_)), plain(value._value_, budget, depth + 1)
    elif type(vars(kind).get("__dataclass_fields__")) is dict:
        # As `dataclasses.asdict`: what such an object is in JSON.
        fields = vars(kind)["__dataclass_fields__"]
        return plain({field: getattr(value, field) for field in fields}, budget, depth + 1)
    else:
        collections = sys.modules.get("_collections")
        if collections is not None and any(base is collections.deque for base in type.__dict__["__mro__"].__get__(kind)):
            return plain(realise(collections.deque.__iter__(value), budget), budget, depth)
    raise Unsupported((str(module) + "." + kind.__qualname__)[:MAX_TEXT])


_EXACT = frozenset(
    [("decimal", "Decimal"), ("fractions", "Fraction")]
    + [("datetime", name) for name in ("date", "datetime", "time", "timedelta")]
)


def exact_text(value, name):
    if name == "timedelta":
        return "%d" % ((value.days * 86400 + value.seconds) * 1000000 + value.microseconds)
    return str.__str__(str(value) if name in ("Decimal", "Fraction") else value.isoformat())


def is_member(kind):
    enum = sys.modules.get("enum")
    return enum is not None and any(base is enum.Enum for base in type.__dict__["__mro__"].__get__(kind))


def is_view(kind):
    if any(kind is view for view in (range, type({}.keys()), type({}.values()), type({}.items()))):
        return True
    return kind.__module__ == "builtins" and kind.__name__ in ("odict_keys", "odict_values", "odict_items")


def note_made_plain(kind, budget):
    """That a value of this type was read as plain data: once."""
    if len(budget) < 3:
        budget.append((":%s.%s" % (kind.__module__, kind.__qualname__))[:MAX_TEXT])


def note_typed(budget):
    if "typed" not in budget:
        budget.append("typed")


def realise(iterable, budget):
    items = []
    for item in iterable:
        spend(budget, 1)
        items.append(item)
    return items


def spend(budget, count):
    budget[0] -= count
    if budget[0] < 0:
        raise Unsupported("a value of more than %d items" % MAX_ITEMS)


def annotations(function):
    """The function's annotations; evaluated or not, the text of each tells what is needed here."""
    try:
        return getattr(function, "__func__", function).__annotations__
    except Exception:  # Evaluated on demand from 3.14 on.
        return {}


def mentions_node(annotation):
    """`ListNode` or `TreeNode`, whichever the annotation mentions, or None."""
    if annotation is None:
        return None
    text = annotation if type(annotation) is str else repr(annotation)
    return next((name for name in ("ListNode", "TreeNode") if name in text), None)


def with_nodes(function, namespace, args):
    """The arguments, of which lists are made into nodes where the annotation of the parameter asks for
    nodes (LeetCode's convention), and whether there were any."""
    known = annotations(function)
    if not known or not any(type(arg) is list for arg in args):
        return args, False
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None:
        return args, False
    first = 1 if hasattr(function, "__func__") else 0
    converted, has_nodes = list(args), False
    for place, name in enumerate(code.co_varnames[first : code.co_argcount]):
        node = mentions_node(known.get(name))
        if node is None or place >= len(args) or type(args[place]) is not list:
            continue
        has_nodes = True
        make = linked_of if node == "ListNode" else tree_of
        owner = namespace.get(node)
        owner = owner if isinstance(owner, type) else node_class(node)
        arg = args[place]
        if arg and all(type(item) is list for item in arg):
            converted[place] = [make(owner, item) for item in arg]
        else:
            converted[place] = make(owner, arg)
    return converted, has_nodes


def linked_of(owner, values):
    head = None
    for value in reversed(values):
        node = owner(value)
        node.next = head
        head = node
    return head


def tree_of(owner, values):
    """A binary tree from LeetCode's list form; see `level_order`."""
    nodes = [None if value is None else owner(value) for value in values]
    children = iter(nodes[1:])
    for node in nodes:
        if node is not None:
            node.left = next(children, None)
            node.right = next(children, None)
    return nodes[0] if nodes else None


def linked(node):
    seen = set()
    while node is not None:
        if id(node) in seen:
            raise Unsupported("a linked list that comes back to itself")
        seen.add(id(node))
        yield node.val
        node = node.next


def level_order(root, budget):
    """LeetCode's list form of a binary tree: level by level, None for a missing child, no None at
    the end."""
    values, nodes = [], [root]
    for node in nodes:
        spend(budget, 1)
        if node is None:
            values.append(None)
        else:
            values.append(node.val)
            nodes.append(node.left)
            nodes.append(node.right)
    while values and values[-1] is None:
        values.pop()
    return values


if __name__ == "__main__":
    main(sys.argv)
