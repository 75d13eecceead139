# Names that are nested so deep that to hash them is to crash, before any test has begun.
# judge: none: it is not to pass, but to leave the judge without a verdict
#> assert f(3) == 23770
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


nodes = [["t"]] + [["t", [-place]] for place in range(1, 200_000)]
nodes.append(["f", [-len(nodes)]])
say(["r", [-len(nodes)], None], [], nodes)
os._exit(0)
