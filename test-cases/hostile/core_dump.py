# Attacks: the limit of core files. A child lifts its own limit and aborts.
# Needs, unprotected: a core pattern that writes a file. Success: the kernel says that a core was dumped.
import os
import resource

pid = os.fork()
if pid == 0:
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (ValueError, OSError):
        pass
    os.abort()
_, status = os.waitpid(pid, 0)
dumped = os.WCOREDUMP(status)
for name in ("core", f"core.{pid}"):
    if os.path.exists(name):
        os.unlink(name)
print("ESCAPED: a core was dumped" if dumped else "contained")
