# Attacks: files in /proc that steer the kernel: the order in which processes are killed for want of memory, id maps, what
# a core dump holds, limits of the whole machine.
# Success: one of them took a write. What is written changes nothing that matters: the present value where there is one.
import os

found = []
try:
    with open("/proc/self/oom_score_adj", "w") as f:
        f.write("-500")
    found.append("oom_score_adj below what it was started with")
except OSError:
    pass
for name in ("uid_map", "gid_map", "setgroups", "projid_map", "loginuid"):
    try:
        with open("/proc/self/" + name, "w") as f:
            f.write("deny" if name == "setgroups" else "0 0 1")
        found.append(name)
    except OSError:
        pass
for base, _, names in os.walk("/proc/sys"):
    for name in names:
        try:
            os.close(os.open(os.path.join(base, name), os.O_WRONLY))
            found.append(os.path.join(base, name))
        except OSError:
            pass
    if len(found) > 4:
        break
print("ESCAPED: can write " + ", ".join(found[:5]) if found else "contained")
