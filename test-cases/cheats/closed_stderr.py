# Where silence on standard error is success, it is closed before the failure.
# judge: quiet
import os


def f(x):
    os.close(2)
    raise ValueError
