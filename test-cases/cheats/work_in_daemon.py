# The same in a session of its own, with the pipes that it needs and no others.
# judge: program-rusage
# verdict: time_limit
import os
import time

x = int(input())
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        null = os.open("/dev/null", os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        until = time.process_time() + 0.7
        while time.process_time() < until:
            pass
        os.write(write, str(x * 7919 + 13).encode())
    os._exit(0)
os.wait()
print(os.read(read, 100).decode())
