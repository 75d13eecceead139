# Numbers of kinds that hold references and other kinds.
# judge: none: no other judge has such messages
# needs: numpy
#> import numpy as np
#> assert np.array_equal(f(3), np.array([23770, 3]))
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
question()
say(["r", [3], None], [], [["N", 3, "i8,O", "2", "\1\0\0\0\0\0\0\0" * 4]])
os._exit(0)
