# Attacks: the process limit. Starts children until refused, at most 1500.
# Success: more than 500 are alive at once.
# Unprotected: the children wait on a pipe that closes with this program, so none is left.
import os

MOST, ENOUGH = 1500, 500
r, w = os.pipe()
alive = 0
for _ in range(MOST):
    try:
        pid = os.fork()
    except OSError:
        break
    if pid == 0:
        os.close(w)
        os.read(r, 1)
        os._exit(0)
    alive += 1
print(f"ESCAPED: {alive} processes at once" if alive > ENOUGH else "contained", flush=True)
os.close(w)
for _ in range(alive):
    os.wait()
