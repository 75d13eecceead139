//! What holds a cell in: one guarantee's mechanism a file.

pub mod call_gate;
pub mod cgroup;
pub mod landlock;
pub mod locks;
pub mod processes;
pub mod rootfs;
pub mod scratch;
pub mod seccomp;
pub mod subreaper;
pub mod usage;
