# Attacks: a CPU limit that counts children when somebody waits for them. SIGCHLD is ignored, so that the kernel reaps
# every child itself and nobody is ever told what it used.
# Needs: a CPU limit below 4 s and a wall limit above 8 s. Success: sixteen children burnt a quarter of a second each.
import os
import signal
import time

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in range(16):
    r, w = os.pipe()
    if os.fork() == 0:
        start = time.process_time()
        while time.process_time() - start < 0.25:
            pass
        os._exit(0)
    os.close(w)
    os.read(r, 1)
    os.close(r)
print("ESCAPED: 4 s of CPU time in children that nobody waited for")
