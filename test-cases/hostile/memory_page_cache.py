# Attacks: a memory limit that is set anew for every run, above what is in use at that moment. The first runs make the
# kernel cache files of the image on their account (dropping the copy there is, then reading); the last one allocates in
# the place of what was cached.
# Standard input: "cache" in several runs, then "hold", and how many MiB. Success: the last run holds so much.
# Unprotected: nothing is limited, so the last run holds what it wants.
import mmap
import os

what, mib = input().split()
if what == "cache":
    left = int(mib) << 20
    for base, _, names in os.walk("/usr/lib"):
        for name in names:
            if left <= 0:
                break
            path = os.path.join(base, name)
            try:
                if os.path.islink(path) or not os.path.isfile(path):
                    continue
                fd = os.open(path, os.O_RDONLY)
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
                while chunk := os.read(fd, 1 << 20):
                    left -= len(chunk)
                os.close(fd)
            except OSError:
                pass
    print("contained")
else:
    held = mmap.mmap(-1, int(mib) << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for place in range(0, len(held), 4096):
        held[place] = 1
    print(f"ESCAPED: holds {mib} MiB")
