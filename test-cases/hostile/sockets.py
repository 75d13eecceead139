# Attacks: the network. Creates sockets of every family and type; connects to the address given.
# Standard input: a port on the host's loopback where somebody listens, and the name of an abstract socket there.
# Success: a socket could be made, or a connection stands. socketpair() is not counted: it leads nowhere else.
import socket
import sys

words = sys.stdin.read().split()
found = []
for family in range(1, 46):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
        try:
            socket.socket(family, kind).close()
            found.append(f"family {family} type {int(kind)}")
            break
        except OSError:
            pass
if words:
    try:
        socket.create_connection(("127.0.0.1", int(words[0])), 2).close()
        found.append("connected to the host")
    except OSError:
        pass
    try:
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.connect("\0" + words[1])
        found.append("connected to an abstract socket")
    except (OSError, IndexError):
        pass
print("ESCAPED: " + ", ".join(found) if found else "contained")
