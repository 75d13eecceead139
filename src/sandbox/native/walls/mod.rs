//! What holds a cell in: one guarantee's mechanism a file.

pub mod call_gate;
pub mod cgroup;
pub mod confined;
pub mod enclosure;
pub mod landlock;
pub mod locks;
pub mod meter;
pub mod namespaces;
pub mod processes;
pub mod rlimits;
pub mod rootfs;
pub mod scratch;
pub mod seccomp;
pub mod subreaper;
pub mod usage;
