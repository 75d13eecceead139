# Attacks: the read-only image. Creates, replaces and removes files where only the system may.
# Success: a file could be written. What is written is removed at once.
import os
import sys

written = []
places = ["/", "/etc", "/usr", "/usr/bin", "/usr/lib", "/bin", "/lib", "/root", "/home", "/var", "/opt", "/srv", "/proc", "/sys", "/dev"]
places += sys.path[1:]  # without the program's own folder, which is its to write
for place in places:
    path = os.path.join(place, "proofbox-hostile-mark")
    try:
        with open(path, "w") as f:
            f.write("x")
        os.unlink(path)
        written.append(place)
    except OSError:
        pass
for path in ("/proc/sys/kernel/core_pattern", "/proc/self/oom_score_adj_host", "/proc/sysrq-trigger", "/sys/kernel/uevent_helper"):
    # Opened only: the content stays as it is.
    try:
        os.close(os.open(path, os.O_WRONLY))
        written.append(path)
    except OSError:
        pass
print("ESCAPED: can write " + ", ".join(written) if written else "contained")
