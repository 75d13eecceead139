# Attacks: the next run. Leaves a mark wherever it can and looks for the marks of an earlier run.
# Run it twice. Success: the second run finds a mark (and removes it).
import os

NAME = "proofbox-hostile-left-behind"
found = []
for place in (".", "/tmp", "/var/tmp", "/dev/shm", "/run", os.path.expanduser("~"), "/dev/mqueue"):
    path = os.path.join(place, NAME)
    if os.path.exists(path):
        found.append(place)
        os.unlink(path)
        continue
    try:
        with open(path, "w") as f:
            f.write("mark")
    except OSError:
        pass
print("ESCAPED: marks in " + ", ".join(found) if found else "contained")
