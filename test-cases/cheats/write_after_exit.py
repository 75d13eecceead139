# Ends in time, and leaves a daemon that prints the answer when it has it.
# judge: program-late
import os
import time

x = int(input())
if os.fork() == 0:
    os.setsid()
    time.sleep(0.8)
    print(x * 7919 + 13, flush=True)
os._exit(0)
