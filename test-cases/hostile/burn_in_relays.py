# Attacks: a CPU limit that is only per process. A chain of short-lived children burns half a second each; every one
# leaves its parent's session and is orphaned before it starts.
# Needs: a CPU limit below 4 s and a wall limit above 8 s. Success: the chain reaches 4 s of CPU time in all.
import os
import time

r, w = os.pipe()


def relay(left):
    if os.fork():
        return
    os.setsid()
    start = time.process_time()
    while time.process_time() - start < 0.5:
        pass
    if left == 1:
        os.write(w, b"ESCAPED: 4 s of CPU time in relays\n")
    else:
        relay(left - 1)
    os._exit(0)


relay(8)
os.close(w)
said = os.read(r, 100)
os.write(1, said or b"contained\n")
