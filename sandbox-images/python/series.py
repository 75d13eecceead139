"""Several runs of one program, one after the other in one process.

A short run costs less than the process made for it. Which runs share one without its being seen is
decided in three places:

- `may_share`, before anything of the solution is executed, lets only code pass that can reach nothing
  but its own globals, its standard streams and a few libraries whose state is renewed here.
- `run` gives every run new globals, streams and library state, and looks afterwards whether anything of it
  is left. It says so of each run: what it says is the solution's process speaking, and only ever costs
  a run of its own.
- The cell's init, which no solution reaches, allows such a process no children and no threads, little CPU
  time for each run and no files left. Any run with another end than a plain exit, and any that is not
  accepted, is carried out once more in a process of its own, and only that counts.

So what a run could gain from an earlier one, with what a solution would have to smuggle past all that, is
its own earlier inputs and a few hundredths of a second. Never what is expected.
"""

import _io
import _weakref
import functools
import gc
import posix
import sys

# The version whose instructions and libraries this was looked at with; others have a process per run.
_VERSION = (3, 11)
# Loaded in the launcher, without state of their own but for what `renew_libraries` renews.
_LIBRARIES = frozenset(
    (
        "__future__ bisect cmath collections collections.abc copy datetime enum fractions functools heapq "
        "itertools json math operator random re statistics string sys time typing"
    ).split()
)
# Where names of a prelude may come from.
_PRELUDE = _LIBRARIES | {"_collections", None}
# What leads out of the program's own globals, or changes what all programs share.
_DENIED = frozenset(
    (
        # Names that stand nowhere in the code.
        "open exec eval globals locals vars getattr setattr delattr attrgetter methodcaller get_type_hints "
        "ForwardRef breakpoint help "
        # The interpreter's state.
        "modules settrace setprofile addaudithook meta_path path_hooks path_importer_cache displayhook excepthook "
        "unraisablehook breakpointhook set_asyncgen_hooks setswitchinterval setdlopenflags call_tracing warnoptions "
        "set_coroutine_origin_tracking_depth tzset orig_argv setcheckinterval "
        # Frames, and with them everything.
        "f_back f_builtins f_code f_globals f_locals f_trace gi_code gi_frame cr_code cr_frame ag_code ag_frame "
        "tb_frame tb_next with_traceback "
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
# What libraries keep of a program's doing.
_RENEWED = (
    ("random", lambda library: library.seed()),
    ("re", lambda library: library.purge()),
    ("typing", lambda library: [clean() for clean in library._cleanups]),
)
# More objects than this left by the first run are not what libraries keep at their first use.
_FIRST_USE = 32


def library_names():
    """What the libraries have in scope for themselves: other modules, and names with an underscore."""
    names = set()
    for library in _LIBRARIES & sys.modules.keys():
        for name, value in vars(sys.modules[library]).items():
            if name[:2] != "__" and name[:1] == "_" and name != "_":
                names.add(name)
            elif type(value) is type(sys) and value.__name__ not in _LIBRARIES:
                names.add(name)
    return frozenset(names)


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

    names = "IMPORT_NAME STORE_ATTR DELETE_ATTR LOAD_NAME LOAD_GLOBAL EXTENDED_ARG CACHE"
    return tuple(opmap[name] for name in names.split()) if sys.version_info[:2] == _VERSION else ()


_OPCODES = opcodes()
_WATCHED = library_dicts() if _OPCODES else ()
_LENGTHS = tuple(thing for thing in gc.get_objects() if type(thing) in (list, set) and thing is not sys.path)
_REFUSED = _DENIED | library_names()


def may_share(driver, code, names):
    """Whether runs of the code, which reads these names of its prelude, may share a process."""
    if not _OPCODES:
        return False
    prelude = driver.prelude_table() if names else {}
    if any(prelude[name][0] not in _PRELUDE for name in names or () if name in prelude):
        return False
    parts = list(driver.code_objects(code))
    refused = _REFUSED | driver._NEEDS_TEARDOWN
    for part in parts:
        names = part.co_names
        if not refused.isdisjoint(names):
            return False
        for name in names:
            if name[:2] == "__" and name not in _SPECIAL:
                return False
        if part.co_flags & driver._GENERATOR_FLAGS & ~0x20:
            return False
    imported = set()
    return all(imports_libraries_only(part, imported) for part in parts) and not any(
        changes_library(part, imported) for part in parts
    )


def instructions(part):
    """Operation and argument of every instruction that has a name as its argument, or another."""
    extended_arg, cache = _OPCODES[5:]
    extended = 0
    code = part.co_code
    for place in range(0, len(code), 2):
        op, arg = code[place], code[place + 1] | extended
        if op == extended_arg:
            extended = arg << 8
            continue
        extended = 0
        if op != cache:
            yield op, arg


def imports_libraries_only(part, imported):
    """Notes the names that what is imported is bound to."""
    import_name, names = _OPCODES[0], part.co_names
    if import_name not in part.co_code[::2]:
        return True
    for op, arg in instructions(part):
        if op == import_name:
            if names[arg] not in _LIBRARIES:
                return False
            # Under whatever name: all names of a part that imports.
            imported.update(names)
    return True


def changes_library(part, imported):
    """Whether an attribute is set of a name that may be a library's. Classes set those of their instances."""
    _, store_attr, delete_attr, load_name, load_global = _OPCODES[:5]
    ops = part.co_code[::2]
    if store_attr not in ops and delete_attr not in ops:
        return False
    before = None
    for op, arg in instructions(part):
        if op in (store_attr, delete_attr) and before in imported:
            return True
        before = None
        if op == load_name:
            before = part.co_names[arg]
        elif op == load_global:
            before = part.co_names[arg >> 1]
    return False


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
    }
    mentioned = {name for part in driver.code_objects(code) for name in part.co_names}
    kept["renewed"] = [what for what in _RENEWED if prelude != "none" or what[0] in mentioned]
    gc.collect()
    alive = len(gc.get_objects()) + _FIRST_USE
    leave, objects = posix._exit, gc.get_objects
    next_run, newest_change = launcher.next_run, launcher.newest_change
    change, length = newest_change(_WATCHED), sum(map(len, _LENGTHS))
    write_all, one, result_fd = driver.write_all, one_call if mode == "function" else one_program, driver.RESULT_FD
    record = b""
    while record is not None and next_run():
        renew_streams(kept)
        record = one(driver, compiled, entry, prelude)
        if record is not None:
            renew_libraries(kept)
            now = len(objects())
            if (
                now > alive
                or len(sys.modules) != kept["modules"]
                or newest_change(_WATCHED) != change
                or sum(map(len, _LENGTHS)) != length
            ):
                record = None
            alive = now
        if record is None:
            write_all(result_fd, b"0")
        else:
            write_all(result_fd, b"1" + len(record).to_bytes(4, "little") + record)
    leave(0)


def one_program(driver, compiled, entry, prelude):
    """An empty record if it ended by itself with exit code 0, its output written, and its streams are what they
    were; else None."""
    streams = sys.stdin, sys.stdout, sys.stderr
    code, names = compiled
    namespace = driver.new_module("__main__", entry)
    driver.bind_prelude(namespace, prelude, names)
    status = None
    try:
        exec(code, namespace)
    except SystemExit as error:
        status = error.code
    except BaseException:
        return None
    if not (status is None or (type(status) is int and status == 0)):
        return None
    return b"" if goes_without_trace(namespace, streams) else None


def one_call(driver, compiled, entry, prelude):
    """The record of a call that returned a value which can cross; else None."""
    streams = sys.stdin, sys.stdout, sys.stderr
    tag, content, _ = driver.result_of_call(compiled, entry, prelude, driver.read_all(driver.CALL_FD))
    if tag not in ("ok", "exact"):
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
