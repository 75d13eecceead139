# Attacks: the end of run. Like daemon.py, but the daemon closes every descriptor, so that only a look at the process
# table, or at the file it leaves, finds it.
# Standard input: the path of a file that the daemon appends to after two seconds, once.
# Success: the file holds a line that begins with ESCAPED. (This program's own output is always "contained".)
import os
import time

path = input().strip()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 256)
        time.sleep(2)
        with open(path, "a") as f:
            f.write("ESCAPED: a daemon outlived its program\n")
    os._exit(0)
os.wait()
print("contained", flush=True)
