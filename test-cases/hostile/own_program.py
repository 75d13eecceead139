# Attacks: the file of the program that this process runs, through /proc/self/exe: it may lie outside the image, on a
# file system that can be written, and belong to the user that the cell runs as.
# Success: its mode or its times could be changed, or it could be opened for writing. The mode stays what it was.
import os

path, found = "/proc/self/exe", []
mode = os.stat(path).st_mode & 0o7777
try:
    os.close(os.open(path, os.O_WRONLY))
    found.append("written")
except OSError:
    pass
fd = os.open(path, os.O_RDONLY)
for name, change in (("mode", lambda: os.fchmod(fd, mode)), ("times", lambda: os.utime(fd))):
    try:
        change()
        found.append(name)
    except OSError:
        pass
# A copy that only this service's processes have is nobody's file.
if found and os.readlink(path).startswith("/memfd:"):
    found = [what for what in found if what == "written"]
print("ESCAPED: changed its own program: " + ", ".join(found) if found else "contained")
