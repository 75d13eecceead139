//! seccomp with a listener: a supervisor that is asked before a call is carried out.

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use nix::{errno::Errno, unistd::Pid};

use super::{SockFilter, adopt_fd};

/// Installs a filter that hands calls to the holder of the descriptor returned. `no_new_privs` must
/// be set. `EBUSY` where whoever started this process listens already. A call that has been taken up is interrupted by a
/// deadly signal alone, where the kernel can do that (5.19): else a lock might be taken and the call fail.
pub fn install_with_listener(program: &[SockFilter]) -> Result<OwnedFd, Errno> {
    let program =
        libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr() as *mut libc::sock_filter };
    // SAFETY: `SockFilter` has the layout of `sock_filter`; the kernel copies the program.
    let install = |flags: libc::c_ulong| {
        Errno::result(unsafe {
            libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &program)
        })
    };
    let listens = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    let fd = match install(listens | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) {
        Err(Errno::EINVAL) => install(listens)?,
        fd => fd?,
    };
    Ok(adopt_fd(fd as i32))
}

/// A call that waits for an answer.
#[derive(Debug, Clone, Copy)]
pub struct HeldCall {
    pub id: u64,
    /// The thread that made it, by its number here.
    pub caller: Pid,
    pub number: libc::c_long,
    pub args: [u64; 6],
}

/// The next call that waits for an answer. `ENOENT` if its caller has gone.
pub fn receive(listener: BorrowedFd<'_>) -> Result<HeldCall, Errno> {
    // SAFETY: an all-zero structure is what the call demands; it outlives the call.
    let notification = unsafe {
        let mut notification: libc::seccomp_notif = std::mem::zeroed();
        Errno::result(libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &mut notification))?;
        notification
    };
    Ok(HeldCall {
        id: notification.id,
        caller: Pid::from_raw(notification.pid as i32),
        number: notification.data.nr.into(),
        args: notification.data.args,
    })
}

/// Whether a call still waits for its answer.
pub fn is_waiting(listener: BorrowedFd<'_>, id: u64) -> bool {
    // SAFETY: the id outlives the call, which only reads it.
    unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0 }
}

/// Lets the call go on as if nobody had been asked.
pub fn let_pass(listener: BorrowedFd<'_>, id: u64) -> Result<(), Errno> {
    respond(listener, id, 0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32)
}

/// Answers the call with 0, as if it had been carried out.
pub fn pretend(listener: BorrowedFd<'_>, id: u64) -> Result<(), Errno> {
    respond(listener, id, 0, 0)
}

/// Answers the call with an error.
pub fn refuse(listener: BorrowedFd<'_>, id: u64, errno: Errno) -> Result<(), Errno> {
    respond(listener, id, -(errno as i32), 0)
}

fn respond(listener: BorrowedFd<'_>, id: u64, error: i32, flags: u32) -> Result<(), Errno> {
    let mut response = libc::seccomp_notif_resp { id, val: 0, error, flags };
    // SAFETY: the response outlives the call.
    Errno::result(unsafe { libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &mut response) })
        .map(drop)
}
