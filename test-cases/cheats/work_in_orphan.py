# A grandchild that has no parent does the work; nobody waits for it by `wait`.
# judge: program-rusage
# verdict: time_limit
import os
import time

x = int(input())
read, write = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        until = time.process_time() + 0.7
        while time.process_time() < until:
            pass
        os.write(write, str(x * 7919 + 13).encode())
    os._exit(0)
os.wait()
print(os.read(read, 100).decode())
