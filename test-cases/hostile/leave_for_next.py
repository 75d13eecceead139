# Attacks: the next run. Leaves a mark wherever it can and looks for the marks of an earlier run.
# Run it twice. Success: the second run finds a mark (and removes it).
import os

NAME = "proofbox-hostile-left-behind"
places = {os.path.realpath(p) for p in (".", "/tmp", "/var/tmp", "/dev/shm", "/run", os.path.expanduser("~"), "/dev/mqueue")}
marks = [os.path.join(place, NAME) for place in sorted(places)]
found = [mark for mark in marks if os.path.exists(mark)]
for mark in found:
    os.unlink(mark)
if not found:
    for mark in marks:
        try:
            with open(mark, "w") as f:
                f.write("mark")
        except OSError:
            pass
print("ESCAPED: found " + ", ".join(found) if found else "contained")
