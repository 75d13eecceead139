# Attacks: the next run, by a process. The first run leaves one behind that ignores every signal; the next one looks for it.
# Run it twice. Success: the second run finds the process (and ends it).
import os
import signal
import time

NAME = "hostile-left"
found = []
try:
    numbers = [pid for pid in os.listdir("/proc") if pid.isdigit()]
except OSError:
    # Where /proc is hidden: whoever can be signalled, before this run starts anything.
    numbers = []
    for pid in range(2, 65536):
        try:
            if pid not in (os.getpid(), os.getppid()):
                os.kill(pid, 0)
                found.append(pid)
        except OSError:
            pass
for pid in numbers:
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
        try:
            with open("/proc/self/comm", "w") as f:
                f.write(NAME)
        except OSError:
            pass
        os.closerange(0, 256)
        time.sleep(2)
    os._exit(0)
time.sleep(0.1)
print("ESCAPED: a process of the run before is alive" if found else "contained")
