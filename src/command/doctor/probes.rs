//! One program per guarantee that tries to break it, run in a real cell of this host.

use crate::{
    limits::Limits,
    sandbox::Guarantee,
    verdict::{Cause, Verdict},
};

/// A program and the verdict that shows the guarantee to hold. A program that can tell by itself
/// prints `held`, or what it could do.
pub struct Probe {
    pub guarantee: Guarantee,
    pub source: &'static str,
    pub limits: fn(Limits) -> Limits,
    pub verdict: Verdict,
    pub cause: Option<Cause>,
}

/// What an accepted probe prints.
pub const HELD: &str = "held";

/// Time enough for every probe on a slow or emulated machine; only those that run into a time limit
/// have a tight one.
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
    };
    let ends = |guarantee, source, verdict, cause| Probe {
        guarantee,
        source,
        limits: |limits| limits,
        verdict,
        cause,
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
        tells(Guarantee::ScratchSpace, SCRATCH_SPACE),
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
seen = set(os.listdir('/')) - allowed
secret = [p for p in ('/etc/shadow', '/root/.bashrc', '/root/.ssh', '/proc/1/root/etc/shadow', '/var/log', '/sys/kernel') if os.path.exists(p)]
print('held' if not seen and not secret else 'could see %s %s' % (sorted(seen), secret))
";

const NOTHING_WRITABLE: &str = "
import os
written = []
for directory, _, _ in os.walk('/'):
    if directory.startswith(('/tmp', '/proc')):
        continue
    path = os.path.join(directory, 'probe')
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        written.append(path)
    except OSError:
        pass
    if directory.count('/') > 2:
        break
print('held' if not written else 'could write %s' % written[:3])
";

const OTHER_PROCESSES: &str = "
import os, signal
seen = [int(p) for p in os.listdir('/proc') if p.isdigit()]
found = [p for p in seen if p not in (1, os.getpid())]
for pid in (1, os.getppid()):
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except OSError:
            pass
try:
    open('/proc/1/mem', 'rb').close()
    found.append('memory of pid 1')
except OSError:
    pass
print('held' if not found else 'could reach %s' % found)
";

/// Run twice in one cell: the second run looks for what the first left.
const NO_SURVIVORS: &str = "
import os, time
others = [p for p in os.listdir('/proc') if p.isdigit() and int(p) not in (1, os.getpid())]
left = os.listdir('/tmp/work')
open('/tmp/work/left', 'w').close()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True:
            time.sleep(1)
    os._exit(0)
os.wait()
print('held' if not others and not left else 'survivors: %s %s' % (others, left))
";

const SYSCALL_FILTER: &str = "
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
status = dict(line.split(':', 1) for line in open('/proc/self/status'))
passed = [n for n in (101, 165, 272, 310, 321, 323, 425) if libc.syscall(n, 0, 0, 0, 0, 0) != -1]
print('held' if status['Seccomp'].strip() == '2' and not passed else 'calls passed: %s' % passed)
";

const NO_PRIVILEGES: &str = "
import os
status = {k: v.strip() for k, v in (line.split(':', 1) for line in open('/proc/self/status'))}
caps = [status[k] for k in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb')]
ok = all(int(c, 16) == 0 for c in caps) and status['NoNewPrivs'] == '1' and os.getuid() != 0
print('held' if ok else 'capabilities %s, uid %d' % (caps, os.getuid()))
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
    with open('/tmp/work/file', 'wb', buffering=0) as file:
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
        with open('/tmp/work/%d' % made, 'wb', buffering=0) as file:
            written += file.write(b'x' * (1 << 20))
        made += 1
except OSError:
    pass
names = 0
try:
    while names < 100000:
        os.mkdir('/tmp/shm/%d' % names)
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
import os, socket
told = [p for p in ('/proc/cpuinfo', '/proc/meminfo', '/proc/version', '/proc/mounts', '/proc/sys/kernel/hostname') if os.path.exists(p) and not os.path.realpath(p).startswith('/proc/%d/' % os.getpid())]
group = open('/proc/self/cgroup').read().strip().splitlines()
paths = {line.split(':', 2)[2] for line in group}
ok = socket.gethostname() == 'cell' and not told and paths <= {'/'}
print('held' if ok else 'told: %s %s %s' % (socket.gethostname(), told, sorted(paths)))
";
