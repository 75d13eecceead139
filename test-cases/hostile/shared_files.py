# Attacks: the separation of cells, by the inodes of files that they share: those of the image, and devices. A lock, a
# notice of changes, a lease or a hint left there is seen by other cells and by the host.
# Standard input: the path of a file of the image on which somebody outside holds a lock by flock, as he does, for
# writing, on /dev/null.
# Success: a lock of somebody else's is met, or something that others could meet is left.
import ctypes
import fcntl
import os
import struct
import threading

path = input()
image = os.open(path, os.O_RDONLY)
folder = os.open(os.path.dirname(path), os.O_RDONLY)
null = os.open("/dev/null", os.O_RDWR)
whole = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
libc = ctypes.CDLL(None, use_errno=True)


def locked(name, lock):
    """Whether it meets a lock."""
    try:
        lock()
    except (BlockingIOError, PermissionError):
        print("ESCAPED: met a lock by", name)
    except OSError:
        pass


def told(name, command):
    """Whether the kernel tells of a lock."""
    try:
        answer = fcntl.fcntl(null, command, whole)
    except OSError:
        return
    if struct.unpack_from("h", answer)[0] != fcntl.F_UNLCK:
        print("ESCAPED: was told of a lock by", name)


def left(name, leave):
    try:
        if leave() == -1:
            return
    except OSError:
        return
    print("ESCAPED: left", name)


locked("flock on the image", lambda: fcntl.flock(image, fcntl.LOCK_EX | fcntl.LOCK_NB))
locked("flock on the image, shared", lambda: fcntl.flock(image, fcntl.LOCK_SH | fcntl.LOCK_NB))
locked("fcntl on a device", lambda: fcntl.lockf(null, fcntl.LOCK_EX | fcntl.LOCK_NB))
locked("fcntl on a device, shared", lambda: fcntl.lockf(null, fcntl.LOCK_SH | fcntl.LOCK_NB))
locked("fcntl of an open file", lambda: fcntl.fcntl(null, fcntl.F_OFD_SETLK, whole))
told("F_GETLK", fcntl.F_GETLK)
told("F_OFD_GETLK", fcntl.F_OFD_GETLK)
left("a notice", lambda: fcntl.fcntl(folder, fcntl.F_NOTIFY, fcntl.DN_ACCESS | fcntl.DN_MULTISHOT))
left("a lease", lambda: fcntl.fcntl(image, fcntl.F_SETLEASE, fcntl.F_RDLCK))
left("a hint", lambda: fcntl.fcntl(image, 1036, struct.pack("Q", 2)))
left("a watch", lambda: libc.inotify_add_watch(libc.inotify_init1(0), path.encode(), 0x20))

# The same while another thread changes what the descriptor is of.
own = os.open("own", os.O_CREAT | os.O_RDWR)
changing = os.dup(own)
stop = threading.Event()


def change():
    while not stop.is_set():
        os.dup2(null, changing)
        os.dup2(own, changing)


thread = threading.Thread(target=change)
thread.start()
for _ in range(300):
    locked("a descriptor that changes", lambda: fcntl.lockf(changing, fcntl.LOCK_EX | fcntl.LOCK_NB))
stop.set()
thread.join()
print("contained")
