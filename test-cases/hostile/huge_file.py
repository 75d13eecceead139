# Attacks: the file size limit, with written data and with a sparse file, after trying to lift the limit.
# Success: 300 MiB written, or a file of 100 GiB in name.
# Unprotected: the files have no name and go with the program.
import os
import resource
import signal
import tempfile

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
except (ValueError, OSError):
    pass
done = []
for place in (os.getcwd(), "/tmp", "/dev/shm"):
    try:
        with tempfile.TemporaryFile(dir=place) as f:
            f.truncate(100 << 30)
            done.append(f"100 GiB sparse in {place}")
    except OSError:
        pass
    try:
        with tempfile.TemporaryFile(dir=place) as f:
            for _ in range(300):
                f.write(b"x" * (1 << 20))
                f.flush()
            done.append(f"300 MiB in {place}")
    except OSError:
        pass
print("ESCAPED: " + ", ".join(done) if done else "contained")
