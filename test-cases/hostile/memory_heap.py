# Attacks: the memory limit, by ordinary allocation. Needs a limit below 768 MiB.
# Success: holds 768 MiB, every page written.
SIZE = 768 << 20
blocks = []
try:
    for _ in range(SIZE >> 20):
        blocks.append(b"x" * (1 << 20))
except MemoryError:
    print("contained")
else:
    print("ESCAPED: holds", len(blocks), "MiB of heap")
