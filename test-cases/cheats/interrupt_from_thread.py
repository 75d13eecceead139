# A thread has the main thread raise SystemExit wherever it is by then.
# judge: exit-code
import _thread
import signal
import threading


def leave(number, frame):
    raise SystemExit(0)


signal.signal(signal.SIGINT, leave)


def f(x):
    threading.Timer(0.02, _thread.interrupt_main).start()
    while True:
        pass
