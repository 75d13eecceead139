# Attacks: descriptors that were left open by whoever started this program.
# Success: a descriptor beyond 2 is open.
import os

open_fds = []
for fd in range(3, 4096):
    try:
        os.fstat(fd)
        open_fds.append(fd)
    except OSError:
        pass
print(f"ESCAPED: inherited descriptors {open_fds}" if open_fds else "contained")
