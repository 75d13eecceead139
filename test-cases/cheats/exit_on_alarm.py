# A signal handler leaves in the midst of the tests.
# judge: exit-code
import os
import signal
import time

signal.signal(signal.SIGALRM, lambda *what: os._exit(0))


def f(x):
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    time.sleep(1)
