//! Landlock's three system calls.

use std::{
    os::fd::{AsRawFd, BorrowedFd, OwnedFd},
    ptr,
};

use nix::errno::Errno;

use super::adopt_fd;

/// `struct landlock_ruleset_attr` as of ABI 6.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct RulesetAttributes {
    pub handled_access_fs: u64,
    pub handled_access_net: u64,
    pub scoped: u64,
}

/// `struct landlock_path_beneath_attr`.
#[repr(C, packed)]
struct PathBeneath {
    allowed_access: u64,
    parent_fd: i32,
}

const CREATE_RULESET_VERSION: u32 = 1;
const RULE_PATH_BENEATH: u32 = 1;

/// The interface's version; an error where there is no Landlock or it is switched off.
pub fn abi() -> Result<u32, Errno> {
    // SAFETY: with this flag no attributes are read.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            ptr::null::<RulesetAttributes>(),
            0usize,
            CREATE_RULESET_VERSION,
        )
    };
    Errno::result(version).map(|version| version as u32)
}

/// A new set of rules, which so far allows nothing of what it handles.
pub fn create_ruleset(attributes: &RulesetAttributes) -> Result<OwnedFd, Errno> {
    // SAFETY: the attributes outlive the call and their size is passed with them.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            ptr::from_ref(attributes),
            size_of::<RulesetAttributes>(),
            0u32,
        )
    };
    Errno::result(fd).map(|fd| adopt_fd(fd as i32))
}

/// Allows `access` to the file, or to everything below the directory, that `place` is open on.
pub fn allow_beneath(ruleset: BorrowedFd<'_>, place: BorrowedFd<'_>, access: u64) -> Result<(), Errno> {
    let rule = PathBeneath { allowed_access: access, parent_fd: place.as_raw_fd() };
    // SAFETY: the rule outlives the call; its layout is the kernel's.
    Errno::result(unsafe {
        libc::syscall(libc::SYS_landlock_add_rule, ruleset.as_raw_fd(), RULE_PATH_BENEATH, &rule, 0u32)
    })
    .map(drop)
}

/// Puts this process, and all that it will ever start, under the rules. `no_new_privs` must be set.
pub fn restrict_self(ruleset: BorrowedFd<'_>, flags: u32) -> Result<(), Errno> {
    // SAFETY: integers only; single-threaded (module invariant), so it covers the whole process.
    Errno::result(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), flags) })
        .map(drop)
}
