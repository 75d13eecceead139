# A profile function leaves with exit code 0 as soon as the function has returned.
# judge: exit-code
import os
import sys


def profile(frame, event, arg):
    if event in ("return", "c_call") and frame.f_code is not f.__code__:
        os._exit(0)


def f(x):
    sys.setprofile(profile)
    return None
