# Attacks: a CPU limit that counts living processes only. Children burn a quarter of a second each and are waited for.
# Needs: a CPU limit below 4 s and a wall limit above 8 s. Success: sixteen children burnt their share.
import os
import time

for _ in range(16):
    if os.fork() == 0:
        start = time.process_time()
        while time.process_time() - start < 0.25:
            pass
        os._exit(0)
    os.wait()
print("ESCAPED: 4 s of CPU time in children")
