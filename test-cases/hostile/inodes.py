# Attacks: the number of files. Creates empty files and hard links in every directory that can be written.
# Success: 50,000 directory entries in one place.
# Unprotected: its directory is removed at the end.
import os
import shutil
import tempfile

most = 0
for place in (os.getcwd(), "/tmp", "/dev/shm", "/var/tmp"):
    try:
        top = tempfile.mkdtemp(dir=place)
    except OSError:
        continue
    made = 0
    try:
        while made < 50000:
            os.close(os.open(f"{top}/{made}", os.O_CREAT | os.O_WRONLY))
            made += 1
    except OSError:
        pass
    most = max(most, made)
    shutil.rmtree(top, ignore_errors=True)
    if made == 50000:
        break
print(f"ESCAPED: {most} files" if most >= 50000 else "contained")
