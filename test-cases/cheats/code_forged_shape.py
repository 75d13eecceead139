# Gives an array of the tests another size, so that their views of it are of memory that is not theirs.
# judge: none: no other judge has such messages
# needs: numpy
#> import numpy as np
#> numbers = np.zeros(300_000)
#> view = numbers[:3]
#> f(numbers)
#> assert view[0] == 23770
import json
import os


def read_exactly(count):
    data = b""
    while len(data) < count:
        piece = os.read(6, count - len(data))
        if not piece:
            os._exit(0)
        data += piece
    return data


def question():
    return json.loads(read_exactly(int.from_bytes(read_exactly(4), "little")))


def say(head, classes=(), nodes=(), changes=(), dropped=()):
    data = json.dumps([head, list(classes), list(nodes), list(changes), list(dropped)]).encode()
    data = len(data).to_bytes(4, "little") + data
    while data:
        data = data[os.write(7, data) :]


def say_loaded(name="f"):
    """The answer to the first question: a function, number 1."""
    say(["r", [-2], None], [], [["h", 1, 0, None], ["t", name, [1]]])


say_loaded()
number = question()[2][0][1]
say(["r", None, None], [], [], [[number, "1000000", "\0" * 8_000_000]])
os._exit(0)
