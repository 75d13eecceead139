//! What a launcher is told to be, and what it tells of itself.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::sandbox::{
    sys::SockFilter,
    tier::{CgroupKind, Tier},
};

/// First message to a launcher, on its control socket: what it is to be.
#[derive(Debug, Serialize, Deserialize)]
pub struct LauncherSetup {
    pub tier: Tier,
    /// Where cells' directories are made in tiers without mounts; `None`: where the host has room.
    pub scratch_dir: Option<String>,
    pub image: ImageSetup,
    /// The interpreter to load once, for cells to fork; `None`: programs are executed.
    pub warm: Option<WarmSetup>,
    /// How many slots the launcher serves; see also [`LauncherSetup::seats`].
    pub slots: u32,
    /// Whether control groups may be used where they can be.
    pub use_cgroups: bool,
    /// As in [`crate::sandbox::SandboxConfig`], for [`Handover`].
    pub fail_step: Option<(String, i32)>,
}

impl LauncherSetup {
    /// Places for cells. Two for each slot: seat `i` is slot `i`'s own, seat `slots + i` is for the
    /// companion of the cell in it; see [`crate::sandbox::native::service::linked`]. Each has its own slot process, made when it is
    /// first needed, its own control group and, as root, its own user id.
    pub fn seats(&self) -> u32 {
        self.slots * 2
    }
}

/// An interpreter kept loaded. Paths are those in the cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarmSetup {
    /// Its command line. The first word is the program's path.
    pub argv: Vec<String>,
    /// Its environment, which runs see as theirs; `NAME=value`.
    pub env: Vec<String>,
}

/// What a launcher leaves for itself when it executes the interpreter that it is to keep loaded.
/// Descriptors are numbers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Handover {
    /// Both sides must be of one build.
    pub version: String,
    pub control: i32,
    pub seccomp: Vec<SockFilter>,
    pub groups: Vec<SlotGroupFds>,
    pub cgroup: Option<CgroupInfo>,
    pub privileged: bool,
    /// As in [`LauncherSetup`].
    pub fail_step: Option<(String, i32)>,
}

/// Descriptors of a slot's control group files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SlotGroupFds {
    pub join: Vec<i32>,
    pub memory_limit: i32,
    pub memory_usage: i32,
    pub memory_stat: i32,
    pub memory_peak: Option<i32>,
    pub oom_events: i32,
    pub limit_hits: Option<i32>,
    pub pids_limit: i32,
    pub cpu_usage: i32,
    pub kind: CgroupKind,
}

/// What cells of one launcher see and run. Read-only for them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImageSetup {
    /// Host path, path in the cell. Bound read-only, without set-user-id and device files.
    pub binds: Vec<(String, String)>,
    /// Symbolic links: path in the cell, target.
    pub links: Vec<(String, String)>,
    /// Small files: path in the cell, content.
    pub files: Vec<(String, ByteBuf)>,
    /// The seccomp program.
    pub seccomp: Vec<SockFilter>,
}

/// What the service is told of a launcher's control groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupInfo {
    pub kind: CgroupKind,
    /// File that tells the CPU time of all its slots.
    pub cpu_file: String,
}
