"""Runs a solution as a program, as `python3 ENTRY` would."""

import posix
import sys


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


def show_own_frames(kind, error, trace):
    sys.excepthook = sys.__excepthook__
    show_exception(error)
