# Attacks: a memory limit that looks at processes. Memory shared with nobody is written and then taken out of the page
# tables; it is still held, but no process seems to have it.
# Needs a limit below 768 MiB. Success: 768 MiB are held, shown by reading them back.
import mmap
import time

held = []
for _ in range(12):
    block = mmap.mmap(-1, 64 << 20)
    for start in range(0, 64 << 20, 8 << 20):
        block[start : start + (8 << 20)] = b"\x01" * (8 << 20)
        block.madvise(mmap.MADV_DONTNEED, start, 8 << 20)
    held.append(block)
time.sleep(0.05)
ok = all(block[place] == 1 for block in held for place in range(0, 64 << 20, 1 << 20))
print("ESCAPED: 768 MiB of shared memory that nobody seems to hold" if ok else "contained")
