"""What programs that share a process may name of the libraries; `series.py` says what it must fulfil."""

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
# Py_TPFLAGS_IMMUTABLETYPE.
_IMMUTABLE_TYPE = 1 << 8


class _Sample:
    __slots__ = ("slot",)

    def method(self):
        pass


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


def traps(names):
    """What stands in a run's globals for builtins that the program hides behind names of its own, until it does.
    Made for every run, like all that it can reach."""
    return dict.fromkeys(names, Trap()) if names else {}
