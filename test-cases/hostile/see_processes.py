# Attacks: the view of other processes, by /proc.
# Success: /proc shows a process that is neither this one, its parent nor number 1, or number 1's environment or
# memory can be read.
import os

found = []
known = {os.getpid(), os.getppid(), 1}
try:
    others = [int(n) for n in os.listdir("/proc") if n.isdigit() and int(n) not in known]
except OSError:
    others = []
if others:
    found.append(f"{len(others)} other processes")
for pid in {1, os.getppid()} - {0}:
    for name in ("environ", "mem", "maps", "cwd/.", "root/.", "fd/0"):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as f:
                if f.read(1):
                    found.append(f"{name} of {pid}")
        except IsADirectoryError:
            found.append(f"{name} of {pid}")
        except OSError:
            pass
print("ESCAPED: " + ", ".join(found) if found else "contained")
