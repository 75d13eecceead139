# Attacks: the end of run. As many processes as the limit allows, each of them forking again whenever one ends, stopped
# and running ones mixed, ignoring every signal; then the program itself ends well. A clean-up that needs a process, or
# that kills one by one, never comes to its end.
# Success: the program after it, or the second run, cannot start.  Unprotected: everything ends after two seconds.
import os
import signal
import time

end = time.monotonic() + 2
for s in signal.valid_signals():
    try:
        signal.signal(s, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
for i in range(64):
    try:
        if os.fork() == 0:
            os.setsid()
            os.closerange(0, 256)
            if i % 3 == 0:
                os.kill(os.getpid(), signal.SIGSTOP)
            while time.monotonic() < end:
                try:
                    if os.fork() == 0:
                        os._exit(0)
                except OSError:
                    pass
            os._exit(0)
    except OSError:
        break
print("contained", flush=True)
