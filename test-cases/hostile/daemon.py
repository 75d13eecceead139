# Attacks: the end of run. A double-forked child in a session of its own keeps the pipes open and speaks later.
# Success: its line appears although its program's time is over: whoever reads the pipe to its end sees it.
# Limits: less than two seconds of wall time.  Unprotected: the daemon ends by itself after two seconds.
import os
import signal
import time

if os.fork() == 0:
    os.setsid()
    for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(s, signal.SIG_IGN)
    if os.fork() == 0:
        time.sleep(2)
        os.write(1, b"ESCAPED: a daemon outlived its program\n")
    os._exit(0)
os.wait()
print("contained", flush=True)
