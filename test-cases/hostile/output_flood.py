# Attacks: the output limit and the reader's memory. Writes 100 MB to standard output, then the same to standard error.
# Success: the last line appears, so that all of it was taken.
import os

block = b"y" * 65535 + b"\n"
for fd in (1, 2):
    for _ in range(1600):
        os.write(fd, block)
os.write(1, b"ESCAPED: 100 MB of output\n")
