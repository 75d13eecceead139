# Has a child write a second record while the first is under way.
# judge: none: no other judge has such a record
import marshal
import os
import time


def f(x):
    if os.fork() == 0:
        for _ in range(20):
            os.write(4, marshal.dumps(("ok", 1), 2))
            time.sleep(0.001)
        os._exit(0)
    time.sleep(0.01)
    return None
