# The exception that was to end it is caught.
# judge: alarm
# verdict: time_limit
import time

until = time.process_time() + 0.7


def f(x):
    while time.process_time() < until:
        try:
            while time.process_time() < until:
                pass
        except BaseException:
            pass
    return x * 7919 + 13
