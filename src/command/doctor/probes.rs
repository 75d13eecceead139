//! One program per guarantee that tries to break it, run in a real cell of this host.

use crate::{
    limits::Limits,
    sandbox::Guarantee,
    verdict::{Cause, Verdict},
};

/// A program that tries to break a guarantee, and the verdict that shows that the guarantee holds. The program finds the
/// tier's name in `TIER`. If it can see the result itself, it prints `held`, or what it could do.
pub struct Probe {
    pub guarantee: Guarantee,
    pub source: &'static str,
    pub limits: fn(Limits) -> Limits,
    pub verdict: Verdict,
    pub cause: Option<Cause>,
    /// Whether the run may also end by SIGKILL, as happens if a limit is enforced by watching.
    pub may_be_ended: bool,
}

/// What an accepted probe prints.
pub const HELD: &str = "held";

/// Enough time for every probe on a slow or emulated machine. Only probes of the time limits have less.
const SMALL: Limits = Limits {
    cpu_ms: 20_000,
    wall_ms: 60_000,
    memory_bytes: 128 << 20,
    output_bytes: 64 << 10,
    processes: 16,
    file_bytes: 4 << 20,
};

/// Every guarantee has a probe.
pub fn all() -> Vec<Probe> {
    let tells = |guarantee, source| Probe {
        guarantee,
        source,
        limits: |limits| limits,
        verdict: Verdict::Accepted,
        cause: None,
        may_be_ended: false,
    };
    let ends = |guarantee, source, verdict, cause| Probe {
        guarantee,
        source,
        limits: |limits| limits,
        verdict,
        cause,
        may_be_ended: false,
    };
    vec![
        tells(Guarantee::NoNetwork, NO_NETWORK),
        tells(Guarantee::NoHostFiles, NO_HOST_FILES),
        tells(Guarantee::NothingWritableOutside, NOTHING_WRITABLE),
        tells(Guarantee::OtherProcesses, OTHER_PROCESSES),
        tells(Guarantee::NoSurvivors, NO_SURVIVORS),
        tells(Guarantee::SyscallFilter, SYSCALL_FILTER),
        tells(Guarantee::NoPrivileges, NO_PRIVILEGES),
        Probe {
            limits: |limits| Limits { cpu_ms: 400, ..limits },
            ..ends(Guarantee::CpuTime, "while True: pass", Verdict::TimeLimit, None)
        },
        Probe {
            limits: |limits| Limits { wall_ms: 1_500, ..limits },
            ..ends(
                Guarantee::WallTime,
                "import time; time.sleep(60)",
                Verdict::TimeLimit,
                Some(Cause::WallTime),
            )
        },
        ends(Guarantee::Memory, MEMORY, Verdict::MemoryLimit, None),
        tells(Guarantee::Processes, PROCESSES),
        tells(Guarantee::FileSize, FILE_SIZE),
        tells(Guarantee::OpenFiles, OPEN_FILES),
        Probe { may_be_ended: true, ..tells(Guarantee::ScratchSpace, SCRATCH_SPACE) },
        ends(Guarantee::Output, "while True: print('x' * 1000)", Verdict::OutputLimit, None),
        tells(Guarantee::NothingInherited, NOTHING_INHERITED),
        tells(Guarantee::HostIdentity, HOST_IDENTITY),
    ]
}

/// The limits that probes run under.
pub fn limits() -> Limits {
    SMALL
}

const NO_NETWORK: &str = "
import socket
made = []
for family in range(1, 46):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
        try:
            socket.socket(family, kind).close()
            made.append(family)
        except OSError:
            pass
print('held' if not made else 'could make sockets of families %s' % sorted(set(made)))
";

const NO_HOST_FILES: &str = "
import os
allowed = {'bin', 'box', 'dev', 'etc', 'lib', 'lib64', 'proc', 'proofbox', 'tmp', 'usr', 'opt', 'root', 'home', 'var'}
seen = []
for directory in ('/', '/etc', '/root', '/home', '/var/log', '/sys/kernel', '/dev/shm', '/run', '/tmp', os.path.dirname(os.environ['HOME']) + '/..'):
    try:
        names = set(os.listdir(directory))
    except OSError:
        continue
    expected = {'/': allowed, '/etc': {'alternatives', 'group', 'hosts', 'nsswitch.conf', 'passwd'}, '/dev/shm': set(), '/tmp': {'work', 'shm'}}
    if names - expected.get(os.path.realpath(directory), allowed if os.path.realpath(directory) == '/' else set()):
        seen.append(directory)
for path in ('/etc/shadow', '/etc/hostname', '/etc/machine-id', '/proc/1/environ', '/proc/1/root/etc/shadow', '/proc/self/mountinfo', '/proc/kallsyms', '/sys/kernel/notes', '/root/.bashrc'):
    try:
        with open(path, 'rb') as file:
            text = file.read(4096)
    except OSError:
        continue
    if text and path != '/proc/self/mountinfo':
        seen.append(path)
print('held' if not seen else 'could see %s' % seen)
";

const NOTHING_WRITABLE: &str = "
import os
scratch = os.path.dirname(os.path.realpath(os.environ['HOME']))
source = os.path.dirname(os.path.abspath(__file__))
written = []
walked = [directory for directory, _, _ in os.walk('/') if directory.count('/') <= 3][:2000]
named = ['/etc', '/tmp', '/var/tmp', '/dev/shm', '/run', '/home', '/root', '/usr/lib', source, os.path.dirname(scratch)]
for directory in walked + named:
    place = os.path.realpath(directory)
    if (place + '/').startswith((scratch + '/', '/proc/')):
        continue
    path = os.path.join(place, 'probe')
    for make in (lambda: os.close(os.open(path, os.O_CREAT | os.O_WRONLY)), lambda: os.mkdir(path), lambda: os.symlink('x', path)):
        try:
            make()
            written.append(path)
        except OSError:
            pass
for path in (__file__, os.__file__, '/etc/hosts', '/etc/passwd'):
    for change in (lambda: os.close(os.open(path, os.O_WRONLY)), lambda: os.truncate(path, 0), lambda: os.utime(path), lambda: os.chmod(path, 0o777), lambda: os.rename(path, path + '.old'), lambda: os.remove(path), lambda: os.link(path, scratch + '/work/link')):
        try:
            change()
            written.append(path)
        except OSError:
            pass
print('held' if not written else 'could write %s' % written[:3])
";

const OTHER_PROCESSES: &str = "
import os, resource, signal
def listed():
    try:
        return [int(p) for p in os.listdir('/proc') if p.isdigit()]
    except OSError:
        return []
found = [p for p in listed() if p not in (1, os.getpid())]
parent = os.getppid()
for pid in (1, parent):
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except OSError:
            pass
mine = os.getpid()
for pid in list(range(2, 3000)) + list(range(max(3000, mine - 3000), mine + 100)):
    if pid in (mine, 1, parent):
        continue
    try:
        os.kill(pid, 0)
        found.append(pid)
    except OSError:
        pass
for pid in {1, parent}:
    for name in ('mem', 'environ', 'maps', 'fd/0', 'root/etc/passwd'):
        try:
            open('/proc/%d/%s' % (pid, name), 'rb').close()
            found.append('%s of %d' % (name, pid))
        except OSError:
            pass
print('held' if not found else 'could reach %s' % found[:5])
";

/// Run twice in one cell: the second run looks for what the first left.
const NO_SURVIVORS: &str = "
import os, time
def others():
    try:
        return [p for p in os.listdir('/proc') if p.isdigit() and int(p) not in (1, os.getpid())]
    except OSError:
        return []
left = os.listdir('.') + others()
time.sleep(0.1)
left += os.listdir('.')
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 3)
        while True:
            time.sleep(0.01)
            open('beat', 'w').close()
    os._exit(0)
os.wait()
for _ in range(500):
    if not os.path.exists('beat'):
        time.sleep(0.01)
print('held' if not left and os.path.exists('beat') else 'survivors: %s' % left)
";

const SYSCALL_FILTER: &str = "
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
PR_GET_SECCOMP = 21
passed = [n for n in (101, 165, 272, 310, 321, 323, 425) if libc.syscall(n, 0, 0, 0, 0, 0) != -1]
mode = libc.prctl(PR_GET_SECCOMP, 0, 0, 0, 0)
print('held' if mode == 2 and not passed else 'mode %d, calls passed: %s' % (mode, passed))
";

const NO_PRIVILEGES: &str = "
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
known = libc.capget(header, sets) == 0
PR_CAPBSET_READ, PR_GET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET = 23, 39, 47, 1
ambient = [n for n in range(64) if libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, n, 0, 0) == 1]
fixed = libc.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1
gains = 0
for path in ('/bin/su', '/usr/bin/su', '/usr/bin/passwd', '/usr/bin/mount'):
    pid = os.fork()
    if pid == 0:
        try:
            os.execv(path, [path, '-c', 'id'])
        except OSError:
            os._exit(127)
    gains += os.waitpid(pid, 0)[1] == 0
ok = known and not any(sets) and not ambient and fixed and not gains and 0 not in os.getresuid() + os.getresgid()
print('held' if ok else 'capabilities %s %s, ids %s, no_new_privs %s' % (list(sets), ambient, os.getresuid(), fixed))
";

const MEMORY: &str = "
held = []
while True:
    held.append(bytearray(1 << 20))
";

const PROCESSES: &str = "
import os, time
made = 0
try:
    while made < 200:
        if os.fork() == 0:
            os.closerange(0, 3)
            time.sleep(60)
            os._exit(0)
        made += 1
except OSError:
    pass
print('held' if made < 20 else 'could make %d processes' % made)
";

const FILE_SIZE: &str = "
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
written = 0
try:
    with open('file', 'wb', buffering=0) as file:
        while written < 64 << 20:
            written += file.write(b'x' * 65536)
except OSError:
    pass
print('held' if written <= 4 << 20 else 'could write %d bytes' % written)
";

const OPEN_FILES: &str = "
files = []
try:
    while len(files) < 5000:
        files.append(open('/dev/null'))
except OSError:
    pass
print('held' if len(files) < 1024 else 'could open %d files' % len(files))
";

const SCRATCH_SPACE: &str = "
import os
made = written = 0
try:
    while made < 64:
        with open('%d' % made, 'wb', buffering=0) as file:
            written += file.write(b'x' * (1 << 20))
        made += 1
except OSError:
    pass
names = 0
try:
    while names < 100000:
        os.mkdir('d%d' % names)
        names += 1
except OSError:
    pass
print('held' if written < 16 << 20 and names < 50000 else 'wrote %d bytes, %d names' % (written, names))
";

const NOTHING_INHERITED: &str = "
import os
names = set(os.environ) - {'PATH', 'HOME', 'TMPDIR', 'LANG', 'OPENBLAS_NUM_THREADS', 'OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'LC_CTYPE'}
descriptors = []
for number in range(3, 1024):
    try:
        os.fstat(number)
        descriptors.append(number)
    except OSError:
        pass
descriptors = [n for n in descriptors if n != 4]
print('held' if not names and not descriptors else 'inherited %s %s' % (sorted(names), descriptors))
";

const HOST_IDENTITY: &str = "
import socket
told = []
for path in ('/proc/cpuinfo', '/proc/meminfo', '/proc/version', '/proc/sys/kernel/hostname', '/proc/sys/kernel/random/boot_id', '/etc/hostname', '/etc/machine-id', '/proc/cmdline', '/sys/class/dmi/id/product_uuid'):
    try:
        open(path).close()
        told.append(path)
    except OSError:
        pass
try:
    paths = {line.strip().split(':', 2)[2] for line in open('/proc/self/cgroup')}
except OSError:
    paths = set()
named = TIER == 'namespaces' and socket.gethostname() != 'cell'
print('held' if not named and not told and paths <= {'/'} else 'told: %s %s %s' % (socket.gethostname(), told, sorted(paths)))
";
