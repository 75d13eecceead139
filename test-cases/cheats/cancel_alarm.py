# The alarm that was to end it is cancelled.
# judge: alarm
# verdict: time_limit
import signal
import time


def f(x):
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    until = time.process_time() + 0.7
    while time.process_time() < until:
        pass
    return x * 7919 + 13
