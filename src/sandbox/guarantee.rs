//! What every cell has, and by which mechanism: the table behind `doctor`, `sandbox-images/SECURITY.md` and the tests.

use super::{CgroupKind, Tier};

/// Something that holds for every cell of every tier. A tier that cannot give one is not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarantee {
    NoNetwork,
    NoHostFiles,
    NothingWritableOutside,
    OtherProcesses,
    NoSurvivors,
    SyscallFilter,
    NoPrivileges,
    CpuTime,
    WallTime,
    Memory,
    Processes,
    FileSize,
    OpenFiles,
    ScratchSpace,
    Output,
    NothingInherited,
    HostIdentity,
}

impl Guarantee {
    pub const ALL: [Guarantee; 17] = [
        Guarantee::NoNetwork,
        Guarantee::NoHostFiles,
        Guarantee::NothingWritableOutside,
        Guarantee::OtherProcesses,
        Guarantee::NoSurvivors,
        Guarantee::SyscallFilter,
        Guarantee::NoPrivileges,
        Guarantee::CpuTime,
        Guarantee::WallTime,
        Guarantee::Memory,
        Guarantee::Processes,
        Guarantee::FileSize,
        Guarantee::OpenFiles,
        Guarantee::ScratchSpace,
        Guarantee::Output,
        Guarantee::NothingInherited,
        Guarantee::HostIdentity,
    ];

    /// What is promised, in a few words. Where a tier's mechanism leaves something open, its words
    /// say so.
    pub fn promise(self, tier: Tier) -> &'static str {
        let has_namespaces = tier == Tier::Namespaces;
        match self {
            Guarantee::NoNetwork => "no network, no sockets",
            // `stat` of a guessed path is answered.
            Guarantee::NoHostFiles if !has_namespaces => "no host file's content or names",
            Guarantee::NoHostFiles => "no host files beyond the image",
            Guarantee::NothingWritableOutside => "nothing writable outside",
            // Whether a process id is in use can be found out.
            Guarantee::OtherProcesses => "other processes unreachable",
            Guarantee::NoSurvivors => "no process survives",
            Guarantee::SyscallFilter => "system calls filtered",
            Guarantee::NoPrivileges => "no privileges to gain",
            Guarantee::CpuTime => "CPU time of the tree",
            Guarantee::WallTime => "wall time",
            Guarantee::Memory => "memory of the tree",
            Guarantee::Processes => "processes and threads",
            Guarantee::FileSize => "size of a file",
            Guarantee::OpenFiles => "open files",
            Guarantee::ScratchSpace => "scratch size and inodes",
            Guarantee::Output => "captured output",
            Guarantee::NothingInherited => "nothing inherited to read",
            Guarantee::HostIdentity if !has_namespaces => "no host identity but uname's",
            Guarantee::HostIdentity => "host identity hidden",
        }
    }

    /// How a tier gives it.
    pub fn mechanism(self, tier: Tier, cgroup: Option<CgroupKind>) -> &'static str {
        match tier {
            Tier::Namespaces => self.by_namespaces(cgroup),
            Tier::Wasm => self.by_wasm(),
            Tier::Slot | Tier::Restricted => self.by_landlock(tier),
        }
    }

    fn by_wasm(self) -> &'static str {
        match self {
            Guarantee::NoNetwork => "there is no call for it",
            Guarantee::NoHostFiles | Guarantee::NothingWritableOutside => "a file tree in memory, its own",
            Guarantee::OtherProcesses | Guarantee::Processes => "there are no processes, and one thread",
            Guarantee::NoSurvivors => "an instance for each run",
            Guarantee::SyscallFilter | Guarantee::NoPrivileges => "no system call is ever made for it",
            Guarantee::CpuTime => "its thread's CPU clock at every epoch, or fuel",
            Guarantee::WallTime => "the same, with what it sleeps",
            Guarantee::Memory => "a ceiling on linear memory and tables",
            Guarantee::FileSize | Guarantee::ScratchSpace | Guarantee::OpenFiles => "bounds of the file tree",
            Guarantee::Output => "bounded where it is captured",
            Guarantee::NothingInherited => "memory mapped afresh from the image",
            Guarantee::HostIdentity => "there is no call for it",
        }
    }

    fn by_namespaces(self, cgroup: Option<CgroupKind>) -> &'static str {
        match self {
            Guarantee::NoNetwork => "empty net namespace; seccomp refuses socket()",
            Guarantee::NoHostFiles => "mount namespace, pivot_root into the image",
            Guarantee::NothingWritableOutside => "read-only mounts; private tmpfs, new for each run",
            Guarantee::OtherProcesses => "user, pid and ipc namespaces; seccomp refuses ptrace",
            Guarantee::NoSurvivors => "pid namespace ended and reaped; death of parents",
            Guarantee::SyscallFilter => "seccomp, deny by default",
            Guarantee::NoPrivileges => "no_new_privs, no capabilities, nosuid, an unprivileged id",
            Guarantee::CpuTime => match cgroup {
                Some(_) => "control group clock, wait4 usage; RLIMIT_CPU behind it",
                None => "per-process CPU clocks, wait4 usage; RLIMIT_CPU behind it",
            },
            Guarantee::WallTime => "the cell's init",
            Guarantee::Memory => match cgroup {
                Some(CgroupKind::V2) => "control group v2 memory.max, no swap",
                Some(CgroupKind::V1) => "control group v1 memory.limit_in_bytes",
                None => "the cell's init watches the tree; RLIMIT_AS behind it",
            },
            Guarantee::Processes => match cgroup {
                Some(_) => "RLIMIT_NPROC of the user namespace; pids control group",
                None => "RLIMIT_NPROC of the user namespace",
            },
            Guarantee::FileSize => "RLIMIT_FSIZE",
            Guarantee::OpenFiles => "RLIMIT_NOFILE",
            Guarantee::ScratchSpace => "tmpfs size= and nr_inodes=",
            Guarantee::Output => "pipes, read to the limit by the cell's init",
            Guarantee::NothingInherited => "close-on-exec for all but 0-4, a new environment, exec",
            Guarantee::HostIdentity => "uts and cgroup namespaces, /proc with subset=pid",
        }
    }
    fn by_landlock(self, tier: Tier) -> &'static str {
        let has_own_id = tier == Tier::Slot;
        match self {
            Guarantee::NoNetwork => "seccomp refuses socket(); Landlock: TCP, abstract sockets",
            Guarantee::NoHostFiles => "Landlock: only the image and the scratch directory open",
            Guarantee::NothingWritableOutside if has_own_id => {
                "Landlock; seccomp refuses chmod and utimes; a user id that owns nothing else"
            }
            Guarantee::NothingWritableOutside => "Landlock; seccomp refuses chmod, chown and utimes",
            Guarantee::OtherProcesses if has_own_id => {
                "Landlock scopes signals and ptrace and hides /proc; a user id per slot; seccomp"
            }
            Guarantee::OtherProcesses => "Landlock scopes signals and ptrace and hides /proc; seccomp",
            Guarantee::NoSurvivors => "sub-reapers; kill(-1) within the Landlock domain until ECHILD",
            Guarantee::SyscallFilter => "seccomp, deny by default, narrowed for cells without namespaces",
            Guarantee::NoPrivileges if has_own_id => "no_new_privs, no capabilities, an unprivileged id",
            Guarantee::NoPrivileges => "no_new_privs, no capabilities",
            Guarantee::CpuTime => "process CPU clocks, sampled, and wait4 usage; RLIMIT_CPU behind it",
            Guarantee::WallTime => "the cell's init",
            Guarantee::Memory => {
                "the cell's init watches the tree, nameless and scratch files; RLIMIT_AS behind it"
            }
            Guarantee::Processes if has_own_id => "RLIMIT_NPROC of the slot's user id",
            Guarantee::Processes => "the cell's init answers clone and fork (seccomp listener)",
            Guarantee::FileSize => "RLIMIT_FSIZE",
            Guarantee::OpenFiles => "RLIMIT_NOFILE",
            Guarantee::ScratchSpace => "a directory of its own, measured while the run lasts",
            Guarantee::Output => "pipes, read to the limit by the cell's init",
            Guarantee::NothingInherited => "close-on-exec for all but 0-4, a new environment, exec",
            Guarantee::HostIdentity => "Landlock hides /proc and /etc; uname tells the container's name",
        }
    }
}
