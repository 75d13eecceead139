//! The isolation that cells have, by name.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// The isolation that cells have. Each tier gives every guarantee; they differ in the mechanism.
/// The weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ValueEnum)]
pub enum Tier {
    /// WebAssembly only, without isolation by the kernel.
    Wasm,
    /// As an ordinary user of a plain container: Landlock, seccomp, a watch over every run.
    Restricted,
    /// As root of a plain container: as `restricted`, and a user id for every slot.
    Slot,
    /// Own user, mount, pid, ipc, uts and net namespaces.
    Namespaces,
}

impl Tier {
    /// Those of native solutions, strongest first.
    pub const ALL: [Tier; 3] = [Tier::Namespaces, Tier::Slot, Tier::Restricted];

    pub fn as_str(self) -> &'static str {
        match self {
            Tier::Wasm => "wasm",
            Tier::Restricted => "restricted",
            Tier::Slot => "slot",
            Tier::Namespaces => "namespaces",
        }
    }
}

/// Which control groups the cells of a launcher have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CgroupKind {
    V2,
    V1,
}

impl fmt::Display for CgroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CgroupKind::V2 => "v2",
            CgroupKind::V1 => "v1",
        })
    }
}
