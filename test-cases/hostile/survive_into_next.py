# Attacks: the next run, by a process. The first run leaves one behind that ignores every signal; the next one looks for it.
# Run it twice. Success: the second run finds the process (and ends it).
import os
import signal
import time

NAME = "hostile-left"
found = []
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        with open(f"/proc/{pid}/comm") as f:
            if f.read().strip() == NAME:
                found.append(int(pid))
    except OSError:
        pass
for pid in found:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass
if not found and os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for s in signal.valid_signals():
            try:
                signal.signal(s, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        with open("/proc/self/comm", "w") as f:
            f.write(NAME)
        os.closerange(0, 256)
        time.sleep(2)
    os._exit(0)
time.sleep(0.1)
print("ESCAPED: a process of the run before is alive" if found else "contained")
