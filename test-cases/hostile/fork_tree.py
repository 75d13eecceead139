# Attacks: the process limit and the end of run. Every child forks again, so that no single parent knows them all; each
# notes itself by a byte in a pipe. At most 2^10 processes.
# Success: more than 500 processes noted themselves while all of them were alive.
# Unprotected: every process ends by itself after three seconds.
import os
import time

r, w = os.pipe()
root = os.getpid()
for _ in range(10):
    try:
        os.fork()
    except OSError:
        break
os.write(w, b".")
if os.getpid() != root:
    time.sleep(3)
    os._exit(0)
time.sleep(1.5)
count = len(os.read(r, 1 << 16))
print(f"ESCAPED: {count} processes at once" if count > 500 else "contained", flush=True)
