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

import _io
import gc
import posix
import sys

# What libraries keep of a program's doing.
_RENEWED = (
    ("random", lambda library: library.seed()),
    ("re", lambda library: library.purge()),
    ("typing", lambda library: [clean() for clean in library._cleanups]),
)
# More objects than this left by the first run are not what libraries keep at their first use.
_FIRST_USE = 32


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
