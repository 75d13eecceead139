# Orphans that work in turns and are stopped in between, so that whoever samples sees most of them at rest.
# judge: program-rusage
# verdict: time_limit
import os
import signal
import time

x = int(input())
read, write = os.pipe()
if os.fork() == 0:
    workers = []
    for _ in range(4):
        worker = os.fork()
        if worker == 0:
            os.kill(os.getpid(), signal.SIGSTOP)
            until = time.process_time() + 0.2
            while time.process_time() < until:
                pass
            os._exit(0)
        workers.append(worker)
    if os.fork() == 0:
        time.sleep(0.05)
        for _ in range(40):
            for worker in workers:
                try:
                    os.kill(worker, signal.SIGCONT)
                    time.sleep(0.03)
                    os.kill(worker, signal.SIGSTOP)
                except OSError:
                    pass
        for worker in workers:
            try:
                os.kill(worker, signal.SIGCONT)
            except OSError:
                pass
        os._exit(0)
    for worker in workers:
        os.waitpid(worker, 0)
    os.write(write, str(x * 7919 + 13).encode())
    os._exit(0)
print(os.read(read, 100).decode(), flush=True)
os._exit(0)
