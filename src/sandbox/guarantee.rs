//! What every cell has, by which mechanism, and in which file that stands: the table behind `doctor`,
//! `sandbox-images/SECURITY.md` and the tests.

use super::tier::{CgroupKind, Tier};

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
        self.given(tier, cgroup).words
    }

    /// The file below `src/sandbox` that gives it in a tier.
    pub fn file(self, tier: Tier, cgroup: Option<CgroupKind>) -> &'static str {
        self.given(tier, cgroup).file
    }

    fn given(self, tier: Tier, cgroup: Option<CgroupKind>) -> Mechanism {
        match tier {
            Tier::Namespaces => self.by_namespaces(cgroup),
            Tier::Wasm => self.by_wasm(),
            Tier::Slot | Tier::Restricted => self.by_landlock(tier),
        }
    }

    fn by_wasm(self) -> Mechanism {
        match self {
            Guarantee::NoNetwork => by("wasm/wasi/mod.rs", "there is no call for it"),
            Guarantee::NoHostFiles | Guarantee::NothingWritableOutside => {
                by("wasm/wasi/tree.rs", "a file tree in memory, its own")
            }
            Guarantee::OtherProcesses | Guarantee::Processes => {
                by("wasm/wasi/mod.rs", "there are no processes, and one thread")
            }
            Guarantee::NoSurvivors => by("wasm/run.rs", "an instance for each run"),
            Guarantee::SyscallFilter | Guarantee::NoPrivileges => {
                by("wasm/engine.rs", "no system call is ever made for it")
            }
            Guarantee::CpuTime => by("wasm/store.rs", "its thread's CPU clock at every epoch, or fuel"),
            Guarantee::WallTime => by("wasm/store.rs", "the same, with what it sleeps"),
            Guarantee::Memory => by("wasm/store.rs", "a ceiling on linear memory and tables"),
            Guarantee::FileSize | Guarantee::ScratchSpace | Guarantee::OpenFiles => {
                by("wasm/wasi/tree.rs", "bounds of the file tree")
            }
            Guarantee::Output => by("wasm/wasi/mod.rs", "bounded where it is captured"),
            Guarantee::NothingInherited => by("wasm/engine.rs", "memory mapped afresh from the image"),
            Guarantee::HostIdentity => by("wasm/wasi/mod.rs", "there is no call for it"),
        }
    }

    fn by_namespaces(self, cgroup: Option<CgroupKind>) -> Mechanism {
        match self {
            Guarantee::NoNetwork => {
                by("native/walls/namespaces.rs", "empty net namespace; seccomp refuses socket()")
            }
            Guarantee::NoHostFiles => {
                by("native/walls/rootfs.rs", "mount namespace, pivot_root into the image")
            }
            Guarantee::NothingWritableOutside => {
                by("native/walls/rootfs.rs", "read-only mounts; private tmpfs, new for each run")
            }
            Guarantee::OtherProcesses => {
                by("native/walls/namespaces.rs", "user, pid and ipc namespaces; seccomp refuses ptrace")
            }
            Guarantee::NoSurvivors => {
                by("native/walls/namespaces.rs", "pid namespace ended and reaped; death of parents")
            }
            Guarantee::SyscallFilter => by("native/walls/seccomp/policy.rs", "seccomp, deny by default"),
            Guarantee::NoPrivileges => {
                by("native/walls/enclosure.rs", "no_new_privs, no capabilities, nosuid, an unprivileged id")
            }
            Guarantee::CpuTime => match cgroup {
                Some(_) => {
                    by("native/walls/meter.rs", "control group clock, wait4 usage; RLIMIT_CPU behind it")
                }
                None => {
                    by("native/walls/usage.rs", "per-process CPU clocks, wait4 usage; RLIMIT_CPU behind it")
                }
            },
            Guarantee::WallTime => by("native/cell/supervise.rs", "the cell's init"),
            Guarantee::Memory => match cgroup {
                Some(CgroupKind::V2) => by("native/walls/cgroup.rs", "control group v2 memory.max, no swap"),
                Some(CgroupKind::V1) => {
                    by("native/walls/cgroup.rs", "control group v1 memory.limit_in_bytes")
                }
                None => by("native/walls/usage.rs", "the cell's init watches the tree; RLIMIT_AS behind it"),
            },
            Guarantee::Processes => match cgroup {
                Some(_) => {
                    by("native/walls/rlimits.rs", "RLIMIT_NPROC of the user namespace; pids control group")
                }
                None => by("native/walls/rlimits.rs", "RLIMIT_NPROC of the user namespace"),
            },
            Guarantee::FileSize => by("native/walls/rlimits.rs", "RLIMIT_FSIZE"),
            Guarantee::OpenFiles => by("native/walls/rlimits.rs", "RLIMIT_NOFILE"),
            Guarantee::ScratchSpace => by("native/walls/rootfs.rs", "tmpfs size= and nr_inodes="),
            Guarantee::Output => by("native/cell/capture.rs", "pipes, read to the limit by the cell's init"),
            Guarantee::NothingInherited => {
                by("native/cell/descriptors.rs", "close-on-exec for all but 0-4, a new environment, exec")
            }
            Guarantee::HostIdentity => {
                by("native/walls/namespaces.rs", "uts and cgroup namespaces, /proc with subset=pid")
            }
        }
    }

    fn by_landlock(self, tier: Tier) -> Mechanism {
        let has_own_id = tier == Tier::Slot;
        match self {
            Guarantee::NoNetwork => by(
                "native/walls/seccomp/policy.rs",
                "seccomp refuses socket(); Landlock: TCP, abstract sockets",
            ),
            Guarantee::NoHostFiles => {
                by("native/walls/landlock.rs", "Landlock: only the image and the scratch directory open")
            }
            Guarantee::NothingWritableOutside if has_own_id => by(
                "native/walls/landlock.rs",
                "Landlock; seccomp refuses chmod and utimes; a user id that owns nothing else",
            ),
            Guarantee::NothingWritableOutside => {
                by("native/walls/landlock.rs", "Landlock; seccomp refuses chmod, chown and utimes")
            }
            Guarantee::OtherProcesses if has_own_id => by(
                "native/walls/landlock.rs",
                "Landlock scopes signals and ptrace and hides /proc; a user id per slot; seccomp",
            ),
            Guarantee::OtherProcesses => {
                by("native/walls/landlock.rs", "Landlock scopes signals and ptrace and hides /proc; seccomp")
            }
            Guarantee::NoSurvivors => by(
                "native/walls/subreaper.rs",
                "sub-reapers; kill(-1) within the Landlock domain until ECHILD",
            ),
            Guarantee::SyscallFilter => by(
                "native/walls/seccomp/confined_policy.rs",
                "seccomp, deny by default, narrowed for cells without namespaces",
            ),
            Guarantee::NoPrivileges if has_own_id => {
                by("native/walls/confined.rs", "no_new_privs, no capabilities, an unprivileged id")
            }
            Guarantee::NoPrivileges => by("native/walls/confined.rs", "no_new_privs, no capabilities"),
            Guarantee::CpuTime => by(
                "native/walls/usage.rs",
                "process CPU clocks, sampled, and wait4 usage; RLIMIT_CPU behind it",
            ),
            Guarantee::WallTime => by("native/cell/supervise.rs", "the cell's init"),
            Guarantee::Memory => by(
                "native/walls/usage.rs",
                "the cell's init watches the tree, nameless and scratch files; RLIMIT_AS behind it",
            ),
            Guarantee::Processes if has_own_id => {
                by("native/walls/rlimits.rs", "RLIMIT_NPROC of the slot's user id")
            }
            Guarantee::Processes => {
                by("native/walls/call_gate.rs", "the cell's init answers clone and fork (seccomp listener)")
            }
            Guarantee::FileSize => by("native/walls/rlimits.rs", "RLIMIT_FSIZE"),
            Guarantee::OpenFiles => by("native/walls/rlimits.rs", "RLIMIT_NOFILE"),
            Guarantee::ScratchSpace => {
                by("native/walls/scratch.rs", "a directory of its own, measured while the run lasts")
            }
            Guarantee::Output => by("native/cell/capture.rs", "pipes, read to the limit by the cell's init"),
            Guarantee::NothingInherited => {
                by("native/cell/descriptors.rs", "close-on-exec for all but 0-4, a new environment, exec")
            }
            Guarantee::HostIdentity => by(
                "native/walls/landlock.rs",
                "Landlock hides /proc and /etc; uname tells the container's name",
            ),
        }
    }
}

/// What gives a guarantee.
struct Mechanism {
    words: &'static str,
    /// Below `src/sandbox`.
    file: &'static str,
}

fn by(file: &'static str, words: &'static str) -> Mechanism {
    Mechanism { words, file }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_guarantee_is_given_by_a_file() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sandbox");
        for guarantee in Guarantee::ALL {
            for tier in Tier::ALL.into_iter().chain([Tier::Wasm]) {
                for cgroup in [None, Some(CgroupKind::V1), Some(CgroupKind::V2)] {
                    let file = guarantee.file(tier, cgroup);
                    assert!(root.join(file).is_file(), "{guarantee:?} in {}: {file}", tier.as_str());
                }
            }
        }
    }
}
