# Attacks: a memory limit that looks at processes in /proc. The process asks not to be dumpable, after which others of its
# user may not see it any more.
# Needs a limit below 768 MiB. Success: holds 768 MiB, every page written.
import ctypes

PR_SET_DUMPABLE = 4
ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
held = []
try:
    for _ in range(768):
        held.append(b"x" * (1 << 20))
except MemoryError:
    print("contained")
else:
    print("ESCAPED: holds", len(held), "MiB unseen")
