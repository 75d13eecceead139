# Ends in time, and leaves a daemon that computes the answer and prints it when it has it.
# judge: program-late
# verdict: time_limit
import os
import time

x = int(input())
if os.fork() == 0:
    os.setsid()
    while time.process_time() < 0.8:
        pass
    print(x * 7919 + 13, flush=True)
os._exit(0)
