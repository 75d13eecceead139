"""Several runs of one program, one after the other in one process.

A short run costs less than the process made for it. Which runs share one without its being seen is
decided in three places:

- `may_share`, before anything of the solution is executed, lets only code pass for which a closure holds:
  what the program can reach is objects of its own, which are new in every run, and things that cannot be
  changed or whose change would be seen. It need not know what programs do, only what they may name:
  - A module never flows anywhere: where a name is bound to one, the only use of it is `name.attribute`, for
    the attributes that `_OFFERED` lists.
  - What stands there is C functions, types, plain constants, functions written in Python and a few objects
    of `typing`. In what hangs from these there is no list, no set, nothing that can be changed without a
    record of it: `is_closed` looks at each when this is loaded, and drops what is not so.
  - Nothing of an interpreter's inside is named: names with two underscores but for those in `_SPECIAL`,
    frames, code, files below the streams; nor those builtins that take a name as text, compile, or tell
    where an object lies.
- `run` gives every run new globals, streams and library state, and looks afterwards at everything of the
  libraries that might have been given an attribute or an item. It says so of each run: what it says is the
  solution's process speaking, and only ever costs a run of its own.
- The cell's init, which no solution reaches, allows such a process no children and no threads, little CPU
  time for each run and no files left. Any run with another end than a plain exit, and any that is not
  accepted, is carried out once more in a process of its own, and only that counts.

So what a run could gain from an earlier one, with what a solution would have to smuggle past all that, is
its own earlier inputs and a few hundredths of a second. Never what is expected.
"""

import __future__
import _io
import _weakref
import builtins
import cmath
import functools
import gc
import posix
import sys

# The version whose instructions and libraries this was looked at with; others have a process per run.
_VERSION = (3, 11)
# What a program may name of each library; `*` is everything public. Left out is what keeps something of a
# program's doing that is not renewed here (clocks of the process, classes that list others), what takes names
# of attributes as text (`attrgetter`), and what sets attributes of what it is given (`wraps`).
_OFFERED = {
    "bisect": "*",
    "cmath": "*",
    "collections": "ChainMap Counter OrderedDict defaultdict deque namedtuple",
    "collections.abc": """
        Callable Collection Container Generator Hashable ItemsView Iterable Iterator KeysView Mapping
        MutableMapping MutableSequence MutableSet Reversible Sequence Set Sized ValuesView
    """,
    "copy": "copy deepcopy",
    "datetime": "MAXYEAR MINYEAR date datetime time timedelta timezone",
    "fractions": "Fraction",
    "functools": "cache cached_property cmp_to_key lru_cache partial reduce total_ordering",
    "heapq": "*",
    "io": "BytesIO StringIO",
    "itertools": "*",
    "json": "dumps loads",
    "math": "*",
    "operator": """
        abs add and_ concat contains countOf delitem eq floordiv ge getitem gt iadd iand iconcat ifloordiv ilshift
        imatmul imod imul index indexOf inv invert ior ipow irshift is_ is_not isub itemgetter itruediv ixor le
        lshift lt matmul mod mul ne neg not_ or_ pos pow rshift setitem sub truediv truth xor
    """,
    "random": """
        Random betavariate choice choices expovariate gammavariate gauss getrandbits getstate lognormvariate
        normalvariate paretovariate randbytes randint random randrange sample seed setstate shuffle triangular
        uniform vonmisesvariate weibullvariate
    """,
    "re": "compile escape findall finditer fullmatch match search split sub subn",
    "statistics": """
        correlation covariance fmean geometric_mean harmonic_mean linear_regression mean median median_grouped
        median_high median_low mode multimode pstdev pvariance quantiles stdev variance
    """,
    "string": """
        ascii_letters ascii_lowercase ascii_uppercase capwords digits hexdigits octdigits printable punctuation
        whitespace
    """,
    "sys": """
        argv byteorder exit float_info getrecursionlimit getsizeof hexversion int_info maxsize maxunicode platform
        set_int_max_str_digits setrecursionlimit stderr stdin stdout version version_info
    """,
    "time": "monotonic monotonic_ns perf_counter perf_counter_ns sleep time time_ns",
    "typing": """
        Any AnyStr Callable ChainMap Collection Container Counter DefaultDict Deque Dict FrozenSet Generator
        Hashable ItemsView Iterable Iterator KeysView List Literal Mapping MutableMapping MutableSequence
        MutableSet NoReturn Optional OrderedDict Reversible Sequence Set Sized Tuple Type TypeVar Union ValuesView
        cast
    """,
    # Its names are for the compiler: there is nothing to be done with them.
    "__future__": "",
}
# Where else a prelude has names from.
_SAME_AS = {"_collections": "collections"}
# New in every run, whatever they are.
_MADE_ANEW = frozenset(("argv", "stderr", "stdin", "stdout"))
# Builtins that a program in a series does without. What an address is, earlier runs decide. Some are names
# that programs give to variables of their own, by which they then know those; see `traps`.
_NOT_BUILTINS = frozenset(
    (
        "breakpoint compile copyright credits delattr dir eval exec getattr globals help id license locals open setattr "
        "vars"
    ).split()
)
# Attributes by which an object of the program's own leads out of what is its own.
_DENIED = frozenset(
    (
        # Frames, and with them everything.
        "f_back f_builtins f_code f_globals f_locals f_trace gi_code gi_frame cr_code cr_frame ag_code ag_frame "
        "tb_frame tb_next with_traceback "
        # What an exception met, whatever that was.
        "obj "
        # A list that abstract classes keep.
        "register "
        # Files below the streams.
        "raw fileno detach"
    ).split()
)
# Methods that classes define, and what the compiler itself puts into code.
_SPECIAL = frozenset(
    "__%s__" % name
    for name in (
        "name main file doc module qualname annotations slots init new repr str format bytes hash bool len iter next "
        "reversed contains getitem setitem delitem missing call enter exit lt le eq ne gt ge add radd iadd sub rsub "
        "isub mul rmul imul truediv rtruediv itruediv floordiv rfloordiv ifloordiv mod rmod imod divmod rdivmod pow "
        "rpow ipow lshift rlshift ilshift rshift rrshift irshift and rand iand or ror ior xor rxor ixor matmul "
        "rmatmul imatmul neg pos abs invert int float complex index round trunc floor ceil copy deepcopy "
        "post_init match_args"
    ).split()
) | {"__classcell__"}
# Of these, those that are not asked of an object: what is read there may be made by the reading, and stay.
_NOT_ASKED = frozenset("__annotations__ __classcell__ __file__ __main__ __match_args__ __slots__".split())
# What objects of `typing` take for themselves where others are set on the type behind them.
_INSIDE_TYPING = frozenset("_getitem _inst _name _nparams _paramspec_tvars _typevar_types".split())
# What libraries keep of a program's doing.
_RENEWED = (
    ("random", lambda library: library.seed()),
    ("re", lambda library: library.purge()),
    ("typing", lambda library: [clean() for clean in library._cleanups]),
)
# More objects than this left by the first run are not what libraries keep at their first use.
_FIRST_USE = 32
# Py_TPFLAGS_IMMUTABLETYPE.
_IMMUTABLE_TYPE = 1 << 8


class _Sample:
    __slots__ = ("slot",)

    def method(self):
        pass


class Trap:
    """In the place of a builtin. To use it ends the process, and so the run is in doubt and carried out alone, with
    the builtin."""

    __slots__ = ()

    def __getattribute__(self, name):
        # Asked of whatever stands in a module, by whoever looks for its functions.
        return "builtins" if name == "__module__" else posix._exit(0)

    def end(self, *_, **__):
        posix._exit(0)

    __call__ = __setattr__ = __delattr__ = __repr__ = __str__ = __format__ = __bool__ = __hash__ = end
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __or__ = __ror__ = end


_FUNCTION, _METHOD, _BUILTIN = type(_Sample.method), type(_Sample().method), type(len)
# Values without attributes of their own, or with none that can be set.
_PLAIN = frozenset(
    map(
        type,
        (
            *(None, True, 1, 1.0, 1j, "", b"", ..., NotImplemented, object()),
            *(str.join, str.__len__, vars(dict)["fromkeys"], vars(type)["__mro__"], vars(_Sample)["slot"]),
        ),
    )
)


def what_is_offered():
    """What programs may name, by library; and all dictionaries that record what is set there."""
    offered, records = {"": frozenset()}, []
    for library, listed in _OFFERED.items():
        if library not in sys.modules:
            continue
        content = vars(sys.modules[library])
        names = [name for name in content if name[:1] != "_"] if listed == "*" else listed.split()
        offered[library] = frozenset(
            name
            for name in names
            if (library == "sys" and name in _MADE_ANEW) or (name in content and is_closed(content[name], records, {}))
        )
    for name in ("exit", "quit"):
        if hasattr(builtins, name):
            records.append(vars(getattr(builtins, name)))
    return offered, records


def use_once():
    """Has libraries make what they make at their first use and keep: else it would seem a program's."""
    collections, fractions, abstract = (sys.modules.get(name) for name in ("collections", "fractions", "collections.abc"))
    if abstract is not None:
        samples = [], (), {}, set(), frozenset(), "", b"", 1, 1.0, None, range(1), iter([]), len, list
        for name in _OFFERED["collections.abc"].split():
            for sample in samples:
                isinstance(sample, getattr(abstract, name))
    if collections is not None:
        collections.Counter([1]).most_common(1)
        collections.Counter({1: 1}) + collections.Counter("a")
        collections.OrderedDict(a=1), collections.ChainMap({}), collections.namedtuple("A", "b")(1)
    if fractions is not None:
        fractions.Fraction(1, 2) + 1 == fractions.Fraction("1.5"), fractions.Fraction(0.5) < 1.0


def is_closed(value, records, known):
    """Whether all that a program reaches from a value by attributes is such that it cannot be changed, or
    that a change is recorded: by a dictionary, which is then added to `records`."""
    if id(value) in known:
        return True
    known[id(value)] = value
    kind = type(value)
    if kind in _PLAIN:
        return True
    if kind is tuple or kind is frozenset:
        return all(is_closed(item, records, known) for item in value)
    if kind is _FUNCTION:
        # It is made by being asked for, so that there is one to look at.
        records.append(value.__dict__)
        return True
    if kind is _METHOD or kind is _BUILTIN:
        # Of a module or a type, or of the one generator behind `random`, whose state is renewed.
        owner = value.__self__
        return owner is None or isinstance(owner, (type(sys), type)) or owner is sys.modules["random"]._inst
    if kind is staticmethod or kind is classmethod:
        return is_closed(value.__func__, records, known)
    if kind is property:
        return all(is_closed(part, records, known) for part in (value.fget, value.fset, value.fdel))
    if isinstance(value, type):
        return all(is_closed_type(base, records, known) for base in type.mro(value))
    if kind.__module__ == "typing":
        # What else it has is set by names that `_INSIDE_TYPING` lists.
        if type(getattr(value, "__dict__", None)) is dict:
            records.append(value.__dict__)
        # Other attributes are those of the type behind it.
        return is_closed(getattr(value, "__origin__", None), records, known) and is_closed(kind, records, known)
    # Instances that have fields only, in C.
    return kind.__module__ in ("_abc", "sys") and not hasattr(value, "__dict__")


def is_closed_type(kind, records, known):
    if kind.__flags__ & _IMMUTABLE_TYPE:
        return True
    # The dictionary of a type is looked at as it is.
    return all(
        is_closed(value, records, known)
        for name, value in vars(kind).items()
        if name[:2] != "__" or (name in _SPECIAL and name not in _NOT_ASKED)
    )


def library_dicts():
    """The contents of all modules, types and other objects loaded, but for what the interpreter itself
    changes (such as types' lists of their subclasses), and for the caches that are emptied here."""
    caches = (type(functools.lru_cache(len)),)
    weak = type(_weakref.ref(library_dicts))
    changing = [vars(sys), sys.modules, vars(sys.modules["__main__"]), getattr(sys.modules.get("re"), "_cache", None)]
    left_out = set(map(id, changing))
    found = {}
    for thing in gc.get_objects():
        if type(thing) in caches:
            left_out.update(map(id, gc.get_referents(thing)))
        found.update((id(part), part) for part in (thing, *gc.get_referents(thing)) if type(part) is dict)
    return tuple(
        part
        for part in found.values()
        if id(part) not in left_out and not (part and all(type(value) is weak for value in part.values()))
    )


def opcodes():
    from opcode import opmap

    names = """
        IMPORT_NAME IMPORT_FROM IMPORT_STAR SWAP POP_TOP MATCH_CLASS LOAD_ATTR LOAD_METHOD STORE_ATTR DELETE_ATTR
        LOAD_NAME LOAD_GLOBAL LOAD_FAST LOAD_DEREF LOAD_CLASSDEREF STORE_NAME STORE_GLOBAL STORE_FAST STORE_DEREF
        DELETE_NAME DELETE_GLOBAL EXTENDED_ARG CACHE
    """
    return tuple(opmap[name] for name in names.split()) if sys.version_info[:2] == _VERSION else ()


_OPCODES = opcodes()
if _OPCODES:
    (
        _IMPORT_NAME, _IMPORT_FROM, _IMPORT_STAR, _SWAP, _POP_TOP, _MATCH_CLASS,
        _LOAD_ATTR, _LOAD_METHOD, _STORE_ATTR, _DELETE_ATTR,
        _LOAD_NAME, _LOAD_GLOBAL, _LOAD_FAST, _LOAD_DEREF, _LOAD_CLASSDEREF,
        _STORE_NAME, _STORE_GLOBAL, _STORE_FAST, _STORE_DEREF, _DELETE_NAME, _DELETE_GLOBAL, _EXTENDED_ARG, _CACHE,
    ) = _OPCODES
    # First, for they make some of what is to be watched.
    use_once()
    _MAY_NAME, _RECORDS = what_is_offered()
    _WATCHED = tuple({id(part): part for part in (*library_dicts(), *_RECORDS)}.values())
    # By its type, any value and any exception of a library's leads to functions, each of which takes attributes.
    _OF_FUNCTIONS = tuple(thing.__dict__ for thing in gc.get_objects() if type(thing) is _FUNCTION)


def may_share(driver, code, names):
    """Whether runs of the code, which reads these names of its prelude, may share a process."""
    if not _OPCODES:
        return False
    # Name to the modules that it may be bound to, in whatever scope; and the libraries that are used.
    bound, used = {}, set()
    if names and not takes_offered(driver.prelude_table(), names, bound, used):
        return False
    parts = list(driver.code_objects(code))
    refused = _DENIED | driver._NEEDS_TEARDOWN
    for part in parts:
        names = part.co_names
        if not refused.isdisjoint(names):
            return False
        for name in names:
            if name[:2] == "__" and name not in _SPECIAL:
                return False
        if part.co_flags & driver._GENERATOR_FLAGS & ~0x20:
            return False
        ops = part.co_code[::2]
        # Its attributes are named in a constant.
        if _MATCH_CLASS in ops:
            return False
        # What a class imports is an attribute of it (CO_OPTIMIZED is what functions have).
        if _IMPORT_NAME in ops and not ((part is code or part.co_flags & 1) and imports_offered(part, bound, used)):
            return False
    hidden = set()
    if not all(_NOT_BUILTINS.isdisjoint(part.co_names) for part in parts):
        hidden = hidden_builtins(code, parts)
    watched = (_NOT_BUILTINS - hidden) | _NOT_ASKED | bound.keys()
    if "typing" in used:
        watched |= _INSIDE_TYPING
    if "copy" in used:
        # By `type` a class can have methods that are named nowhere, and such a method can tell `copy` to set
        # anything of anything.
        watched |= {"type"}
    return all(names_offered(part, bound, watched) for part in parts)


def takes_offered(table, names, bound, used):
    """The same of a prelude's names as `imports_offered` of what is imported."""
    for name in names & table.keys():
        library, attribute = table[name]
        if library is None:
            continue
        library = _SAME_AS.get(library, library)
        if library not in _MAY_NAME:
            return False
        used.add(library)
        if attribute is None:
            bound.setdefault(name, set()).add(library)
        elif attribute not in _MAY_NAME[library]:
            return False
    return True


def instructions(part):
    """Operation and argument of every instruction."""
    extended = 0
    found = []
    code = part.co_code
    for op, arg in zip(code[::2], code[1::2]):
        arg |= extended
        extended = 0
        if op == _EXTENDED_ARG:
            extended = arg << 8
        elif op != _CACHE:
            found.append((op, arg))
    return found


def imports_offered(part, bound, used):
    """Whether what the code imports is offered. Notes the names that are bound to modules."""
    names, steps = part.co_names, instructions(part)

    def stored(at):
        op, arg = steps[at]
        if op in (_STORE_NAME, _STORE_GLOBAL):
            return names[arg]
        return part._varname_from_oparg(arg) if op in (_STORE_FAST, _STORE_DEREF) else None

    for at, (op, arg) in enumerate(steps):
        if op != _IMPORT_NAME:
            continue
        library = names[arg]
        # One that is not loaded would be looked for beside the program.
        if library not in _MAY_NAME or library not in sys.modules:
            return False
        used.add(library)
        at += 1
        if steps[at][0] == _IMPORT_STAR:
            content = vars(sys.modules[library])
            for name in content.get("__all__") or [name for name in content if name[:1] != "_"]:
                if name not in _MAY_NAME[library]:
                    bound.setdefault(name, set()).add("")
        elif steps[at][0] != _IMPORT_FROM:
            # `import a.b` binds `a`.
            name = stored(at)
            if name is None:
                return False
            bound.setdefault(name, set()).add(library.partition(".")[0])
        elif steps[at + 1][0] == _SWAP:
            # `import a.b as c`.
            name = stored(at + 3)
            if name is None or steps[at + 2][0] != _POP_TOP:
                return False
            bound.setdefault(name, set()).add(library)
        while steps[at][0] == _IMPORT_FROM and steps[at + 1][0] != _SWAP:
            attribute, name = names[steps[at][1]], stored(at + 1)
            if name is None:
                return False
            if attribute not in _MAY_NAME[library]:
                inner = library + "." + attribute
                if library != "__future__" and inner not in _MAY_NAME:
                    return False
                bound.setdefault(name, set()).add("" if library == "__future__" else inner)
            at += 2
    return True


def hidden_builtins(code, parts):
    """Which of the builtins that are not offered the code hides behind globals of its own. Where it deletes any
    such name, none is: what was hidden may be seen again."""
    hidden = set()
    for part in parts:
        names = part.co_names
        for op, arg in instructions(part):
            if op == _STORE_GLOBAL or (op == _STORE_NAME and part is code):
                hidden.add(names[arg])
            elif (op == _DELETE_GLOBAL or op == _DELETE_NAME) and names[arg] in _NOT_BUILTINS:
                return set()
    return hidden & _NOT_BUILTINS


def traps(names):
    """What stands in a run's globals for builtins that the program hides behind names of its own, until it does.
    Made for every run, like all that it can reach."""
    return dict.fromkeys(names, Trap()) if names else {}


def names_offered(part, bound, watched):
    """Whether of modules, and of the builtins, the code names only what is offered, and sets no attribute of the
    interpreter's or of `typing`."""
    names = part.co_names
    ops = part.co_code[::2]
    sets_attributes = _STORE_ATTR in ops or _DELETE_ATTR in ops
    if (
        watched.isdisjoint(names)
        and watched.isdisjoint(part.co_varnames)
        and watched.isdisjoint(part.co_cellvars)
        and watched.isdisjoint(part.co_freevars)
        and not (sets_attributes and any(name[:2] == "__" for name in names))
    ):
        return True
    steps = instructions(part)
    for at, (op, arg) in enumerate(steps):
        if op == _LOAD_NAME or op == _LOAD_GLOBAL:
            name = names[arg if op == _LOAD_NAME else arg >> 1]
            if name in bound:
                if not asks_offered(names, steps, at, bound[name]):
                    return False
            elif name in watched and name not in _NOT_ASKED:
                return False
        elif op == _LOAD_FAST or op == _LOAD_DEREF or op == _LOAD_CLASSDEREF:
            name = part._varname_from_oparg(arg)
            if name in bound and not asks_offered(names, steps, at, bound[name]):
                return False
        elif op == _LOAD_ATTR or op == _LOAD_METHOD:
            if names[arg] in _NOT_ASKED:
                return False
        elif op == _STORE_ATTR or op == _DELETE_ATTR:
            if names[arg][:2] == "__" or (names[arg] in _INSIDE_TYPING and names[arg] in watched):
                return False
    return True


def asks_offered(names, steps, at, libraries):
    """Whether a module that has just been loaded is asked for something that is offered, and not handed on."""
    op, arg = steps[at + 1]
    if op != _LOAD_ATTR and op != _LOAD_METHOD:
        return False
    attribute = names[arg]
    for library in libraries:
        if attribute in _MAY_NAME[library]:
            continue
        inner = library + "." + attribute
        if inner not in _MAY_NAME or not asks_offered(names, steps, at + 1, (inner,)):
            return False
    return True


def run(driver, mode, compiled, entry, prelude, launcher):
    """Carries out runs for as long as there are any, and ends the process. `launcher`: the module
    `_proofbox`. After each run it writes to the result channel `1`, four bytes of length and the run's
    record, or `0` if it cannot vouch for it. A program has no record."""
    code = compiled[0]
    kept = {
        "path": list(sys.path),
        "argv": list(sys.argv),
        "limit": sys.getrecursionlimit(),
        "digits": sys.get_int_max_str_digits() if hasattr(sys, "get_int_max_str_digits") else None,
        "modules": len(sys.modules),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "sys": set(vars(sys)),
    }
    mentioned = {name for part in driver.code_objects(code) for name in part.co_names}
    hidden = _NOT_BUILTINS.intersection(mentioned)
    kept["renewed"] = [what for what in _RENEWED if prelude != "none" or what[0] in mentioned]
    gc.collect()
    alive = len(gc.get_objects()) + _FIRST_USE
    leave, objects = posix._exit, gc.get_objects
    next_run, newest_change = launcher.next_run, launcher.newest_change
    sets_attributes = any(
        _STORE_ATTR in part.co_code[::2] or _DELETE_ATTR in part.co_code[::2] for part in driver.code_objects(code)
    )
    watched = _WATCHED + _OF_FUNCTIONS if sets_attributes else _WATCHED
    change = newest_change(watched)
    write_all, one, result_fd = driver.write_all, one_call if mode == "function" else one_program, driver.RESULT_FD
    record = b""
    while record is not None and next_run():
        renew_streams(kept)
        record = one(driver, compiled, entry, prelude, hidden, launcher)
        if record is not None:
            renew_libraries(kept)
            now = len(objects())
            if (
                now > alive
                or len(sys.modules) != kept["modules"]
                or newest_change(watched) != change
                or vars(sys).keys() != kept["sys"]
            ):
                record = None
            alive = now
        if record is None:
            write_all(result_fd, b"0")
        else:
            write_all(result_fd, b"1" + len(record).to_bytes(4, "little") + record)
    leave(0)


def one_program(driver, compiled, entry, prelude, hidden, launcher):
    """An empty record if it ended by itself with exit code 0, its output written, and its streams are what they
    were; else None."""
    streams = sys.stdin, sys.stdout, sys.stderr
    code, names = compiled
    namespace = driver.new_program(entry)
    namespace.update(traps(hidden))
    driver.bind_prelude(namespace, prelude, names)
    ended = driver.execute(code, namespace, launcher)
    if ended is not None:
        status = ended.code if isinstance(ended, SystemExit) else ended
        if not (status is None or (type(status) is int and status == 0)):
            return None
    del ended
    return b"" if goes_without_trace(namespace, streams) else None


def one_call(driver, compiled, entry, prelude, hidden, launcher):
    """The record of a call that returned a value which can cross; else None."""
    streams = sys.stdin, sys.stdout, sys.stderr
    tag, content, _ = driver.result_of_call(compiled, entry, prelude, driver.read_all(driver.CALL_FD), traps(hidden))
    if not driver.is_result(tag):
        return None
    record = driver.marshal.dumps((tag, content), 2)
    namespace = vars(sys.modules.pop(driver.MODULE_NAME))
    return record if goes_without_trace(namespace, streams) else None


def goes_without_trace(namespace, streams):
    """Ends what a run has left. `False` if that fails, or if the streams are not those it was given."""
    if any(now is not then for now, then in zip((sys.stdin, sys.stdout, sys.stderr), streams)):
        return False
    try:
        flush(streams)
        # With this go the run's objects, and suspended generators may write their last.
        namespace.clear()
        gc.collect()
        flush(streams)
    except BaseException:
        return False
    return True


def flush(streams):
    streams[1].flush()
    streams[2].flush()


def renew_streams(kept):
    """The three streams as the interpreter makes them when it starts."""
    made = []
    for fd, mode, like in zip((0, 1, 2), "rww", kept["streams"]):
        binary = _io.open(fd, mode + "b", -1, None, None, None, False)
        binary.raw.name = like.name
        text = _io.TextIOWrapper(binary, like.encoding, like.errors, "\n", like.line_buffering, like.write_through)
        text.mode = mode
        made.append(text)
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__ = made


def renew_libraries(kept):
    """What a program can change in the libraries that it is let have, as it was before."""
    sys.path[:] = kept["path"]
    sys.argv = list(kept["argv"])
    sys.setrecursionlimit(kept["limit"])
    if kept["digits"] is not None:
        sys.set_int_max_str_digits(kept["digits"])
    for name, renew in kept["renewed"]:
        if name in sys.modules:
            renew(sys.modules[name])
