# Attacks: the next run, by what it finds: a working directory that nobody may enter, a tree that is deeper than any path,
# as many files as fit, and links to everywhere.
# Run it twice. Success: the second run finds its working directory changed or in its way.
# Unprotected: the second run removes what the first left.
import os
import shutil
import stat

start = os.getcwd()
MARK = "deep"
if os.path.lexists(MARK) or stat.S_IMODE(os.stat(".").st_mode) & 0o700 != 0o700:
    os.chmod(start, 0o755)
    shutil.rmtree("links", ignore_errors=True)
    shutil.rmtree("files", ignore_errors=True)
    shutil.rmtree(MARK, ignore_errors=True)
    print("ESCAPED: the working directory of the run before")
else:
    # A link that followed would lead a careless clean-up out of the scratch space.
    os.mkdir("links")
    for i, target in enumerate(("/", "/proc/self/fd", "/etc/passwd", "..", "loop", "/proc/1/root")):
        os.symlink(target, f"links/{i}")
    os.symlink("loop", "links/loop")
    os.mkdir("files")
    try:
        for i in range(100_000 if start.startswith("/tmp/work") else 1_000):
            os.close(os.open(f"files/{i}", os.O_CREAT | os.O_WRONLY))
    except OSError:
        for i in range(2_000):
            os.unlink(f"files/{i}")
    try:
        for _ in range(1_500 if start.startswith("/tmp/work") else 200):
            os.mkdir(MARK)
            os.chdir(MARK)
    except OSError:
        pass
    os.chdir(start)
    for path in ("links", start):
        try:
            os.chmod(path, 0)
        except OSError:
            pass
    print("contained")
