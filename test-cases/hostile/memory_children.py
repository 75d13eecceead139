# Attacks: a memory limit that is only per process. Six children hold 128 MiB each at the same time.
# Needs a limit between 200 and 700 MiB.
# Success: all six hold their memory together.
import os
import sys

ready_r, ready_w = os.pipe()
go_r, go_w = os.pipe()
kids = []
for _ in range(6):
    try:
        pid = os.fork()
    except OSError:
        break
    if pid == 0:
        os.close(go_w)
        os.close(ready_r)
        try:
            block = b"x" * (128 << 20)
        except MemoryError:
            os._exit(1)
        os.write(ready_w, b".")
        os.read(go_r, 1)
        os._exit(0)
    kids.append(pid)
os.close(ready_w)
held = 0
while held < 6:
    got = os.read(ready_r, 6)
    if not got:
        break
    held += len(got)
os.close(go_w)
for pid in kids:
    os.waitpid(pid, 0)
print("ESCAPED: six children hold 768 MiB together" if held == 6 else "contained")
sys.stdout.flush()
