# Attacks: the memory limit, by files in every directory that can be written. tmpfs pages are memory.
# Success: 768 MiB of files exist at once.
# Unprotected: the files have no name and go with the program.
import os
import tempfile

held, files = 0, []
for place in ("/dev/shm", "/tmp", os.getcwd(), "/var/tmp", "/run"):
    for _ in range(16):
        if held >= 768:
            break
        try:
            f = tempfile.TemporaryFile(dir=place)
            files.append(f)
            for _ in range(48):
                f.write(b"x" * (1 << 20))
                f.flush()
                held += 1
        except OSError:
            break
print(f"ESCAPED: {held} MiB in files" if held >= 768 else "contained")
