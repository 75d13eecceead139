# A clock that stands still for whoever looks at it.
# judge: clock
# verdict: time_limit
import time

burn_until = time.process_time() + 0.7
for name in ("time", "perf_counter", "monotonic", "process_time", "thread_time"):
    setattr(time, name, lambda: 0.0)
    setattr(time, name + "_ns", lambda: 0)


def f(x):
    import posix

    while sum(posix.times()[:2]) < burn_until:
        pass
    return x * 7919 + 13
