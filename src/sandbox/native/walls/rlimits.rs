//! Limits that the kernel keeps for each process: file size, open files, stack, and what stands behind
//! the supervisor's own limits.

use nix::errno::Errno;

use crate::sandbox::{
    native::messages::{set_up, slot_messages::WireLimits},
    sys,
};

/// Open files per process.
const OPEN_FILES: u64 = 512;
const _: () = assert!(OPEN_FILES <= set_up::NUMBER as u64, "no program can open that number");

/// Sets the limits of this process and of all that it will start. `processes`: of the user id, where it
/// has one of its own. `address_space_bytes`: where no control group bounds memory.
pub fn set(
    limits: &WireLimits,
    processes: Option<u64>,
    address_space_bytes: Option<u64>,
) -> Result<(), Errno> {
    let same = |resource, value| sys::set_rlimit(resource, value, value);
    // A backstop behind the supervisor, per process and in whole seconds.
    let cpu_seconds = limits.cpu_kill_after().as_secs() + 2;
    sys::set_rlimit(libc::RLIMIT_CPU, cpu_seconds, cpu_seconds + 1)?;
    same(libc::RLIMIT_FSIZE, limits.file_bytes)?;
    same(libc::RLIMIT_NOFILE, OPEN_FILES)?;
    if let Some(processes) = processes {
        same(libc::RLIMIT_NPROC, processes)?;
    }
    // Memory is what bounds a stack. Contest programs raise the limit as far as they can and end where they are
    // refused, so the hard one stays as it is for this service: mostly there is none.
    let most_stack = sys::hard_rlimit(libc::RLIMIT_STACK)?;
    sys::set_rlimit(libc::RLIMIT_STACK, limits.memory_bytes.min(most_stack), most_stack)?;
    // One byte: no file is written, and no program that the kernel's core pattern names is started,
    // which a limit of zero would not prevent.
    same(libc::RLIMIT_CORE, 1)?;
    same(libc::RLIMIT_MSGQUEUE, 0)?;
    same(libc::RLIMIT_MEMLOCK, 0)?;
    if let Some(bytes) = address_space_bytes {
        same(libc::RLIMIT_AS, bytes)?;
    }
    Ok(())
}
