# Attacks: the cgroup. Moves itself to another group and lifts limits in every control file that can be opened.
# Success: a control file took the write. Only its own process number is written, or a limit's present value.
import os

took = []
for top in ("/sys/fs/cgroup", "/proc/self/root/sys/fs/cgroup"):
    for base, dirs, names in os.walk(top):
        if base.count("/") > 6:
            del dirs[:]
        for name in names:
            if name in ("cgroup.procs", "tasks", "release_agent", "memory.max", "memory.limit_in_bytes", "pids.max"):
                path = os.path.join(base, name)
                try:
                    with open(path) as f:
                        value = f.read().strip()
                    with open(path, "w") as f:
                        f.write(str(os.getpid()) if name in ("cgroup.procs", "tasks") else value)
                    took.append(path)
                except OSError:
                    pass
        if len(took) > 5:
            break
print("ESCAPED: wrote " + ", ".join(took[:5]) if took else "contained")
