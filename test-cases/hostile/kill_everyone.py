# Attacks: the cell's own surroundings: its parent, number 1, its group and everyone it can see, with SIGKILL and SIGSTOP.
# Standard input: the words "inside a cell". Without them it does nothing, since outside it would kill its user's whole
# session. There is no unprotected run of it; signal_sweep.py is its harmless twin.
# Success: it is still alive and speaks, and its verdict never comes (the harness waits for the report).
import os
import signal
import sys

if sys.stdin.read().strip() == "inside a cell":
    for target in (os.getppid(), 1, -1, 0):
        for s in (signal.SIGSTOP, signal.SIGTERM, signal.SIGKILL):
            try:
                if target != 0 or s == signal.SIGKILL:
                    os.kill(target, s)
            except OSError:
                pass
print("contained")
