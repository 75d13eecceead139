# Attacks: processes outside the cell.
# Standard input: the number of a process outside, as the host counts it. It is killed by number, by thread group call
# and by pidfd. Without a number nothing is tried.
# Success: one of the calls says that it worked (the victim's owner sees it dead, too).
import ctypes
import os
import signal

pid = int(input())
libc = ctypes.CDLL(None, use_errno=True)
worked = []
# The numbers of tgkill, pidfd_open and pidfd_send_signal on x86-64.
if libc.syscall(234, pid, pid, 0) == 0:
    worked.append("tgkill")
try:
    fd = os.pidfd_open(pid)
    signal.pidfd_send_signal(fd, 0)
    worked.append("pidfd")
except OSError:
    pass
try:
    os.kill(pid, signal.SIGKILL)
    worked.append("kill")
except OSError:
    pass
print("ESCAPED: reached the victim by " + ", ".join(worked) if worked else "contained")
