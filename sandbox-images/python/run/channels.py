"""What leaves the process: records, what is told on standard error, and the end itself."""

import marshal
import posix
import sys

MAX_TEXT = 2_000


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


__file_of_driver = tell.__code__.co_filename
