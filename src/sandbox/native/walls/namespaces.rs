//! Namespaces: which a launcher has, which a cell, and the ids that they see.
//!
//! An empty network namespace gives no network. A pid namespace gives no view of other processes, and
//! none that survives its number 1. Those of users, ipc, host names and control groups hide the host.

use std::fs;

use nix::{sched::CloneFlags, unistd::Pid};

use crate::sandbox::native::messages::step::{StepError, io_step};

/// A launcher's. Without root's privileges a user namespace gives it those that it needs.
pub fn of_launcher(privileged: bool) -> CloneFlags {
    let shared = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS;
    if privileged { shared } else { shared | CloneFlags::CLONE_NEWUSER }
}

/// A cell's, below its launcher's. The launcher's network namespace is empty, and a new one costs as
/// much as a third of a cell.
pub const OF_CELL: CloneFlags = CloneFlags::CLONE_NEWUSER
    .union(CloneFlags::CLONE_NEWNS)
    .union(CloneFlags::CLONE_NEWPID)
    .union(CloneFlags::CLONE_NEWIPC)
    .union(CloneFlags::CLONE_NEWUTS)
    .union(CloneFlags::CLONE_NEWCGROUP);

/// Maps `count` ids from the first of each pair inside to its second outside.
pub fn write_id_maps(process: Pid, uid: (u32, u32), gid: (u32, u32), count: u32) -> Result<(), StepError> {
    let file = |name: &str| format!("/proc/{process}/{name}");
    io_step("deny_setgroups", || fs::write(file("setgroups"), "deny"))?;
    io_step("map_uids", || fs::write(file("uid_map"), format!("{} {} {count}", uid.0, uid.1)))?;
    io_step("map_gids", || fs::write(file("gid_map"), format!("{} {} {count}", gid.0, gid.1)))
}
