# Attacks: the runs after it. Sends every signal to process 1, its parent and its parent's session, none of which is its own.
# Run it twice. Success: the second run is disturbed; then it does not print its line.
import os
import signal

for pid in (1, os.getppid(), 0 - os.getppid()):
    for number in signal.valid_signals():
        # -1 is everybody; 0 its own group.
        if pid not in (-1, 0):
            try:
                os.kill(pid, number)
            except OSError:
                pass
print("contained")
