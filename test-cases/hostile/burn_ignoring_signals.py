# Attacks: the CPU limit, ignoring every signal that can be ignored and lifting its own limit.
# Needs: a CPU limit below 8 s. Success: it used 8 s of CPU time.
import resource
import signal
import time

for s in signal.valid_signals():
    try:
        signal.signal(s, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
try:
    resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
except (ValueError, OSError):
    pass
while time.process_time() < 8:
    pass
print("ESCAPED: used 8 s of CPU time")
