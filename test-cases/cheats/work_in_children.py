# Children do the work, each within the limit of a process.
# judge: program-limit
# verdict: time_limit
import os
import time

x = int(input())
for _ in range(3):
    if os.fork() == 0:
        until = time.process_time() + 0.6
        while time.process_time() < until:
            pass
        os._exit(0)
    os.wait()
print(x * 7919 + 13)
