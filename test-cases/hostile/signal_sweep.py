# Attacks: processes outside the cell. Probes every process number with signal 0, which harms nobody.
# Success: a process that is neither this one, its parent nor number 1 can be signalled.
import os

known = {os.getpid(), os.getppid(), 1, 0}
reached = []
for pid in range(2, 65536):
    if pid not in known:
        try:
            os.kill(pid, 0)
            reached.append(pid)
        except OSError:
            pass
print(f"ESCAPED: {len(reached)} processes can be signalled" if reached else "contained")
