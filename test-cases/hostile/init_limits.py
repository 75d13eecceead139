# Attacks: process number 1 through what the kernel lets a process do to others of its own user: its resource limits, its
# priority and the cores it may use. A cell whose number 1 cannot open files or run is our fault, not a wrong verdict.
# Success: one of them could be changed. What is written is what was there, and a priority that is a little worse.
import ctypes
import os
import resource

libc = ctypes.CDLL(None, use_errno=True)
found = []
for name in ("RLIMIT_NOFILE", "RLIMIT_CPU", "RLIMIT_AS", "RLIMIT_NPROC", "RLIMIT_FSIZE"):
    kind = getattr(resource, name)
    try:
        now = resource.prlimit(1, kind)
        resource.prlimit(1, kind, now)
        found.append("limit " + name)
    except OSError:
        pass
try:
    os.sched_setaffinity(1, os.sched_getaffinity(1))
    found.append("cores")
except OSError:
    pass
for which, who in ((os.PRIO_PROCESS, 1), (os.PRIO_PGRP, 1), (os.PRIO_USER, os.getuid())):
    try:
        os.setpriority(which, who, 1)
        found.append("priority of everything of its user" if which == os.PRIO_USER else "priority")
    except OSError:
        pass
print("ESCAPED: set of number 1: " + ", ".join(found) if found else "contained")
