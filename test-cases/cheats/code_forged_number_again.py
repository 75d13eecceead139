# Gives the number of a list that the tests made of its class, and have dropped, to another object.
# judge: none: no other judge has such messages
#> Node(3)
#> assert g(3) is None
#> assert abs(f(3) - 3395.714285714286) < 1e-6
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


described = [
    [1, "solution", "Node", None, [], ["__sub__"], "list"],
    [2, "solution", "Answer", None, [], ["__sub__", "__rsub__"], None],
]
say(["r", [-2], None], described, [["h", 1, 0, None], ["t", "Node", ["k", 1], "f", [1], "g", [1]]])
question()
say(["r", [3], None], [], [["l", 3, ["k", 1]]])
question()
say(["r", None, None])
question()
say(["r", [3], None], [], [["h", 3, 2, None]])
while True:
    question()
    say(["r", 0.0, None])
