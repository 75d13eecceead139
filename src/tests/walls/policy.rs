//! The system call filter as shipped, on this host's interpreter and libraries: what is refused is
//! answered with the errno that the policy says and not with death, and what harmless programs do works.

mod runtimes;

use crate::support::{program, start, testing_config};
use proofbox::{admission::Admit, config::EngineConfig, limits::Limits, verdict::Verdict, verify::Engine};

fn engine(warm: bool) -> Engine {
    let config = EngineConfig { warm, ..testing_config(1) };
    start(&config)
}

/// x86-64 numbers, the errno that is to come, and arguments that would change nothing.
#[cfg(target_arch = "x86_64")]
const REFUSED: &str = "
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
E, A, N = errno.EPERM, errno.EACCES, errno.ENOSYS
calls = [
    # name, number, errno, arguments
    ('socket', 41, A, 2, 1), ('connect', 42, A, -1), ('accept', 43, A, -1), ('bind', 49, A, -1), ('listen', 50, A, -1),
    ('accept4', 288, A, -1), ('socketpair of another family', 53, N, 2, 1),
    ('ptrace', 101, E), ('process_vm_readv', 310, E, 1), ('process_vm_writev', 311, E, 1), ('kcmp', 312, E, 1, 1),
    ('perf_event_open', 298, E, 0, 0, -1, -1), ('pidfd_getfd', 438, E, -1), ('process_madvise', 440, E, -1),
    ('process_mrelease', 448, E, -1), ('move_pages', 279, E, 1), ('migrate_pages', 256, E, 1),
    ('mount', 165, E), ('umount2', 166, E), ('pivot_root', 155, E), ('chroot', 161, E), ('open_tree', 428, E, -1),
    ('move_mount', 429, E, -1), ('fsopen', 430, E), ('fsconfig', 431, E, -1), ('fsmount', 432, E, -1), ('fspick', 433, E, -1),
    ('mount_setattr', 442, E, -1), ('swapon', 167, E), ('swapoff', 168, E), ('quotactl', 179, E), ('open_by_handle_at', 304, E, -1),
    ('name_to_handle_at', 303, E, -1), ('statmount', 457, E), ('listmount', 458, E),
    ('unshare', 272, E, 0x10000000), ('unshare of nothing', 272, E, 0), ('setns', 308, E, -1),
    ('setuid', 105, E, 1000), ('setgid', 106, E, 1000), ('setresuid', 117, E, -1, -1, -1), ('setgroups', 116, E, 0), ('capset', 126, E),
    ('bpf', 321, E), ('userfaultfd', 323, E), ('add_key', 248, E), ('request_key', 249, E), ('keyctl', 250, E, 0, -3),
    ('init_module', 175, E), ('finit_module', 313, E, -1), ('delete_module', 176, E), ('kexec_load', 246, E), ('kexec_file_load', 320, E),
    ('reboot', 169, E), ('acct', 163, E, 1), ('syslog', 103, E), ('sethostname', 170, E), ('settimeofday', 164, E), ('clock_settime', 227, E),
    ('adjtimex', 159, E), ('io_uring_setup', 425, E), ('io_uring_enter', 426, E, -1), ('io_uring_register', 427, E, -1),
    ('mknodat', 259, E, -1), ('mknod', 133, E), ('iopl', 172, E), ('ioperm', 173, E), ('modify_ldt', 154, E), ('uselib', 134, E),
    ('sched_setscheduler', 144, E), ('sched_setattr', 314, E), ('ioprio_set', 251, E, 1, 0, 0), ('vhangup', 153, E),
    ('clone3', 435, N, 0, 0), ('clone that shares descriptors', 56, N, 0x400 | 17, 0), ('seccomp', 317, N, 0, 0, 0), ('personality', 135, N, 0x0400000), ('shmget', 29, N, 0, 4096, 0o600),
    ('mq_open', 240, N), ('inotify_init', 253, N), ('inotify_init1', 294, N), ('fanotify_init', 300, N), ('memfd_secret', 447, N), ('vmsplice', 278, N, -1),
    ('setxattr', 188, N), ('F_NOTIFY', 72, N, 0, 1026, 1), ('F_SETLEASE', 72, N, 0, 1024), ('F_SET_RW_HINT', 72, N, 0, 1036), ('landlock_create_ruleset', 444, N), ('tiocsti', 16, N, 1, 0x5412), ('tioclinux', 16, N, 1, 0x541C),
    ('prctl PR_SET_DUMPABLE', 157, N, 4, 0), ('prctl PR_SET_MM', 157, N, 35), ('prctl PR_SET_SECCOMP', 157, N, 22),
    ('prlimit64 of number 1', 302, N, 1, 7, 0, 0), ('setpriority of its user', 141, N, 2, 0, 5), ('a number that is none', 9999, N),
    ('x32 getpid', 0x40000000 | 39, N), ('x32 execve', 0x40000000 | 520, N),
]
for flag in (0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
    calls.append(('clone with %#x' % flag, 56, N, flag | 17, 0))
wrong = []
for name, number, expected, *args in calls:
    ctypes.set_errno(0)
    args = [ctypes.c_long(a) for a in args + [0] * (6 - len(args))]
    result = libc.syscall(ctypes.c_long(number), *args)
    if name.startswith('clone') and result == 0:
        os._exit(9)
    if result != -1 or ctypes.get_errno() != expected:
        wrong.append('%s: %d %s' % (name, result, errno.errorcode.get(ctypes.get_errno())))
print('as the policy says' if not wrong else wrong)
";

#[cfg(target_arch = "x86_64")]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_answered_and_not_killed() {
    for warm in [true, false] {
        let engine = engine(warm);
        let report = engine.verify(program(REFUSED, &[("", "as the policy says")]), Admit::Patient).await;
        assert_eq!(report.verdict, Verdict::Accepted, "warm {warm}: {:#?}", report.tests);
    }
}

/// Name and program; each prints `done` if what it does works.
const HARMLESS: [(&str, &str); 26] = [
    (
        "numpy",
        "import numpy as np\na = np.random.rand(300, 300)\nassert np.allclose(a @ np.linalg.inv(a), np.eye(300), atol=1e-4)\nnp.linalg.svd(a[:50]); np.fft.fft(a); np.sort(a)\nprint('done')",
    ),
    (
        "numpy with threads",
        "import os\nos.environ['OPENBLAS_NUM_THREADS'] = '4'\nimport numpy as np, threading\na = np.random.rand(200, 200)\nts = [threading.Thread(target=lambda: a @ a) for _ in range(6)]\n[t.start() for t in ts]; [t.join() for t in ts]\nprint('done')",
    ),
    (
        "threads",
        "import threading, queue\nq = queue.Queue()\nts = [threading.Thread(target=q.put, args=(i,)) for i in range(20)]\n[t.start() for t in ts]; [t.join() for t in ts]\nassert sorted(q.get() for _ in range(20)) == list(range(20))\nprint('done')",
    ),
    (
        "pool",
        "import multiprocessing as m\ndef f(x): return x * x\nif __name__ == '__main__':\n    with m.get_context('fork').Pool(3) as p: assert p.map(f, range(50)) == [x * x for x in range(50)]\n    print('done')",
    ),
    (
        "process queue",
        "import multiprocessing as m\ndef f(q): q.put('x' * 100000)\nif __name__ == '__main__':\n    q = m.Queue(); p = m.Process(target=f, args=(q,)); p.start(); assert len(q.get()) == 100000; p.join(); print('done')",
    ),
    (
        "shared memory",
        "from multiprocessing import shared_memory as s, Value, Array, Lock\nb = s.SharedMemory(create=True, size=4096); b.buf[0] = 7; c = s.SharedMemory(b.name); assert c.buf[0] == 7; c.close(); b.close(); b.unlink()\nv = Value('i', 3); a = Array('d', [1, 2]); assert v.value == 3 and a[1] == 2\nprint('done')",
    ),
    (
        "subprocess",
        "import subprocess\nassert subprocess.run(['echo', 'x'], capture_output=True, text=True).stdout == 'x\\n'\nassert subprocess.run('cat | cat', shell=True, input=b'y', capture_output=True).stdout == b'y'\nprint('done')",
    ),
    (
        "asyncio",
        "import asyncio\nasync def f(i): await asyncio.sleep(0.01); return i\nasync def main():\n    assert await asyncio.gather(*map(f, range(9))) == list(range(9))\n    p = await asyncio.create_subprocess_exec('echo', 'z', stdout=-1); assert (await p.communicate())[0] == b'z\\n'\n    assert await asyncio.to_thread(lambda: 5) == 5\nasyncio.run(main()); print('done')",
    ),
    (
        "sqlite",
        "import sqlite3\nfor path in (':memory:', 'x.db'):\n    c = sqlite3.connect(path); c.execute('create table t(a)'); c.execute('insert into t values (1)'); c.commit(); assert c.execute('select a from t').fetchall() == [(1,)]; c.close()\nprint('done')",
    ),
    (
        "locks",
        "import fcntl, os
a, b = open('lock', 'w'), open('lock', 'w')
def free(lock):
    try: lock(b, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError: return False
    lock(b, fcntl.LOCK_UN)
    return True
def free_for_child():
    if (child := os.fork()) == 0: os._exit(free(fcntl.lockf))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
fcntl.flock(a, fcntl.LOCK_EX); assert not free(fcntl.flock); fcntl.flock(a, fcntl.LOCK_UN); assert free(fcntl.flock)
fcntl.lockf(a, fcntl.LOCK_EX); assert not free_for_child(); fcntl.lockf(a, fcntl.LOCK_UN); assert free_for_child()
open('count', 'w').write('0')
def add():
    for _ in range(20):
        with open('count', 'r+') as f:
            fcntl.flock(f, fcntl.LOCK_EX); n = int(f.read()); f.seek(0); f.write(str(n + 1)); f.flush()
for _ in range(4):
    if os.fork() == 0: add(); os._exit(0)
for _ in range(4): os.wait()
assert open('count').read() == '80'
import threading
open('count', 'w').write('0')
ts = [threading.Thread(target=add) for _ in range(3)]
[t.start() for t in ts]; [t.join() for t in ts]
assert open('count').read() == '60'
with open(__file__) as f: fcntl.flock(f, fcntl.LOCK_EX); fcntl.flock(f, fcntl.LOCK_UN)
with open(os.__file__) as f: fcntl.flock(f, fcntl.LOCK_EX); fcntl.flock(f, fcntl.LOCK_UN)
print('done')",
    ),
    (
        "databases of threads and processes",
        "import os, shelve, sqlite3, threading
with shelve.open('s') as s: s['a'] = 1
with shelve.open('s') as s: assert s['a'] == 1
def insert(i):
    c = sqlite3.connect('x.db', timeout=10); c.execute('insert into t values (?)', (i,)); c.commit(); c.close()
c = sqlite3.connect('x.db'); c.execute('create table t(a)'); c.commit()
for i in range(3):
    if os.fork() == 0: insert(i); os._exit(0)
for i in range(3): assert os.wait()[1] == 0
ts = [threading.Thread(target=insert, args=(i,)) for i in range(3, 6)]
[t.start() for t in ts]; [t.join() for t in ts]
assert sorted(c.execute('select a from t').fetchall()) == [(i,) for i in range(6)]; print('done')",
    ),
    (
        "mmap",
        "import mmap\nm = mmap.mmap(-1, 1 << 20); m[0] = 1; m.close()\nopen('f', 'wb').write(b'x' * 8192)\nwith open('f', 'r+b') as f:\n    m = mmap.mmap(f.fileno(), 0); m[0:1] = b'y'; m.flush(); m.close()\nassert open('f', 'rb').read(1) == b'y'; print('done')",
    ),
    (
        "tempfile",
        "import tempfile, os, shutil\nwith tempfile.TemporaryDirectory() as d:\n    with tempfile.NamedTemporaryFile(dir=d) as f: f.write(b'x'); f.flush(); shutil.copy(f.name, d + '/y')\n    assert os.path.getsize(d + '/y') == 1; os.rename(d + '/y', d + '/z'); os.chmod(d + '/z', 0o600); os.symlink('z', d + '/l'); os.link(d + '/z', d + '/h'); os.utime(d + '/z')\nprint('done')",
    ),
    (
        "decimal",
        "from decimal import *\ngetcontext().prec = 200\nassert str(Decimal(2).sqrt()).startswith('1.41421356'); print('done')",
    ),
    (
        "ctypes",
        "import ctypes\nl = ctypes.CDLL('libc.so.6'); assert l.abs(-3) == 3\nf = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda x: x + 1); assert f(1) == 2; print('done')",
    ),
    (
        "select, poll, epoll",
        "import select, os, socket\na, b = socket.socketpair(); b.send(b'x')\nassert select.select([a], [], [], 1)[0]\np = select.poll(); p.register(a, 1); assert p.poll(100)\ne = select.epoll(); e.register(a.fileno(), 1); assert e.poll(1)\nimport selectors; s = selectors.DefaultSelector(); s.register(a, 1); assert s.select(1)\nassert a.recv(1) == b'x'; print('done')",
    ),
    (
        "alarm",
        "import signal, time\nhits = []\nsignal.signal(signal.SIGALRM, lambda *a: hits.append(1))\nsignal.setitimer(signal.ITIMER_REAL, 0.02); time.sleep(0.05); signal.alarm(1); signal.pause(); assert len(hits) == 2\nsignal.signal(signal.SIGUSR1, lambda *a: hits.append(2)); signal.raise_signal(signal.SIGUSR1); assert hits[-1] == 2; print('done')",
    ),
    (
        "fork",
        "import os\nr, w = os.pipe()\nif os.fork() == 0: os.write(w, b'c'); os._exit(3)\nassert os.read(r, 1) == b'c'; assert os.waitstatus_to_exitcode(os.wait()[1]) == 3; print('done')",
    ),
    (
        "futures",
        "from concurrent.futures import *\nwith ThreadPoolExecutor(4) as p: assert list(p.map(abs, [-1, 2])) == [1, 2]\nif __name__ == '__main__':\n    import multiprocessing as m\n    with ProcessPoolExecutor(2, mp_context=m.get_context('fork')) as p: assert list(p.map(abs, [-1, 2])) == [1, 2]\n    print('done')",
    ),
    (
        "zoneinfo",
        "import zoneinfo, datetime\ntry:\n    z = zoneinfo.ZoneInfo('Europe/Berlin'); assert datetime.datetime(2020, 7, 1, tzinfo=z).utcoffset().seconds == 7200\nexcept zoneinfo.ZoneInfoNotFoundError: pass  # this host has no time zones\nprint('done')",
    ),
    (
        "imports",
        "import ssl, socket, http.client, urllib.request, hashlib, lzma, bz2, zlib, uuid, secrets, locale, getpass, pwd, platform, logging, unittest, cProfile, tracemalloc, resource\nuuid.uuid4(); secrets.token_hex(); platform.platform(); hashlib.sha256(b'x'); ssl.create_default_context; pwd.getpwuid(__import__('os').getuid()); locale.setlocale(locale.LC_ALL, ''); print('done')",
    ),
    (
        "socketpair",
        "import socket, threading\na, b = socket.socketpair()\nt = threading.Thread(target=lambda: b.sendall(b'x' * 1000000)); t.start()\nn = 0\nwhile n < 1000000: n += len(a.recv(65536))\nt.join(); a.settimeout(0.01); print('done')",
    ),
    (
        "limits",
        "import resource, sys, threading\nresource.setrlimit(resource.RLIMIT_STACK, resource.getrlimit(resource.RLIMIT_STACK))\nsoft, hard = resource.getrlimit(resource.RLIMIT_AS); resource.getrusage(resource.RUSAGE_SELF)\nsys.setrecursionlimit(10**6); threading.stack_size(64 << 20)\ndef f(n): return 0 if n == 0 else 1 + f(n - 1)\nr = []\nt = threading.Thread(target=lambda: r.append(f(20000))); t.start(); t.join(); assert r == [20000]; print('done')",
    ),
    (
        "priority and cores",
        "import os\nos.nice(1); assert os.getpriority(os.PRIO_PROCESS, 0) >= 1; os.sched_setaffinity(0, os.sched_getaffinity(0)); os.sched_yield(); print('done')",
    ),
    (
        "own names and groups",
        "import ctypes, os\nl = ctypes.CDLL(None); b = ctypes.create_string_buffer(16)\nassert l.prctl(15, b'name', 0, 0, 0) == 0 and l.prctl(16, b, 0, 0, 0) == 0 and b.value == b'name'\nassert l.prctl(1, 9, 0, 0, 0) == 0 and l.prctl(36, 1, 0, 0, 0) == 0\nos.getpgid(0); os.getsid(0); os.getgroups(); os.uname(); os.times(); os.getloadavg; print('done')",
    ),
    (
        "events and timers",
        "import os, time\nif hasattr(os, 'eventfd'):\n    e = os.eventfd(1); assert os.eventfd_read(e) == 1\nf = os.memfd_create('x'); os.write(f, b'y'); os.lseek(f, 0, 0); assert os.read(f, 1) == b'y'\nos.sendfile(os.open('o', os.O_CREAT | os.O_WRONLY), f, 0, 1); os.posix_fallocate(f, 0, 4096); time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID); os.getrandom(4); print('done')",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_harmless_programs_do_works() {
    let mut failures = Vec::new();
    for warm in [true, false] {
        let engine = engine(warm);
        if engine
            .languages()
            .find("python")
            .is_none_or(|python| python.is_warm(engine.sandbox().tier()) != warm)
        {
            eprintln!("NOT TESTED: no interpreter can be kept loaded here");
            continue;
        }
        for (name, source) in HARMLESS {
            let mut asked = program(source, &[("", "done")]);
            asked.limits = Limits { cpu_ms: 20_000, wall_ms: 60_000, ..Limits::default() };
            let report = engine.verify(asked, Admit::Patient).await;
            if report.verdict != Verdict::Accepted {
                failures
                    .push(format!("{name}, warm {warm}: {:?} {:?}", report.reason, report.tests[0].stderr));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
