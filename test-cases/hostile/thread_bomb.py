# Attacks: the process limit, which counts threads. Starts threads until refused, at most 1500.
# Success: more than 500 are alive at once.
# Unprotected: the threads end when the program does.
import threading

stop = threading.Event()
threading.stack_size(64 * 1024)
alive = 0
for _ in range(1500):
    try:
        threading.Thread(target=stop.wait, daemon=True).start()
    except RuntimeError:
        break
    alive += 1
stop.set()
print(f"ESCAPED: {alive} threads at once" if alive > 500 else "contained", flush=True)
