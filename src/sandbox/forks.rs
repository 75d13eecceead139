//! A limit of processes and threads where the kernel has none for one run: `RLIMIT_NPROC` counts
//! all that a user runs, so without a user id per cell it would count the service and other cells.
//!
//! Theory of operation. A seccomp filter hands every `clone`, `fork` and `vfork` of the run to the
//! cell's init, which counts the run's threads and lets the call pass or answers `EAGAIN`, as the
//! kernel does at its own limit. The count looks at no memory of the caller's, so nothing can be
//! changed between question and answer. Calls that other filters refuse do not come here: their
//! answer is the stricter one.

use std::{
    io::{IoSlice, IoSliceMut},
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    thread::sleep,
    time::{Duration, Instant},
};

use nix::{
    cmsg_space,
    errno::Errno,
    sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg},
    unistd::Pid,
};

use super::{
    sys::{self, SockFilter, notify},
    tree,
};

/// How long a call that was let pass may take to show in the count.
const SETTLES_WITHIN: Duration = Duration::from_millis(1);

/// The run's side: installs the filter and hands its other end to the cell's init.
pub fn install_gate(to_init: &UnixStream) -> Result<(), Errno> {
    let listener = notify::install_with_listener(&filter())?;
    let fds = [listener.as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&fds)];
    sendmsg::<()>(to_init.as_raw_fd(), &[IoSlice::new(b"g")], &rights, MsgFlags::MSG_NOSIGNAL, None).map(drop)
}

/// Asks about every call that makes a process or thread.
fn filter() -> Vec<SockFilter> {
    const LOAD_WORD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    #[cfg(target_arch = "x86_64")]
    let calls = [libc::SYS_clone, libc::SYS_fork, libc::SYS_vfork];
    #[cfg(not(target_arch = "x86_64"))]
    let calls = [libc::SYS_clone];
    let instruction = |code, jt, jf, k| SockFilter { code, jt, jf, k };
    // The call's number stands first in `struct seccomp_data`.
    let mut program = vec![instruction(LOAD_WORD, 0, 0, 0)];
    for (index, call) in calls.iter().enumerate() {
        // Over the comparisons that are left and the answer "pass".
        let to_answer = (calls.len() - index) as u8;
        program.push(instruction(JUMP_IF_EQUAL, to_answer, 0, *call as u32));
    }
    program.push(instruction(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW));
    program.push(instruction(RETURN, 0, 0, libc::SECCOMP_RET_USER_NOTIF));
    program
}

/// Init's side.
#[derive(Debug)]
pub struct Gate {
    listener: OwnedFd,
    /// When calls were let pass that the count may not show yet.
    unsettled: Vec<Instant>,
}

impl Gate {
    /// Takes what [`install_gate`] sent.
    pub fn receive(from_run: &UnixStream) -> Result<Gate, Errno> {
        let mut byte = [0];
        let mut space = cmsg_space!([std::os::fd::RawFd; 1]);
        let mut buffers = [IoSliceMut::new(&mut byte)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
        let message = recvmsg::<()>(from_run.as_raw_fd(), &mut buffers, Some(&mut space), flags)?;
        let listener = message.cmsgs()?.find_map(|item| match item {
            ControlMessageOwned::ScmRights(fds) => fds.first().copied(),
            _ => None,
        });
        let listener = sys::adopt_fd(listener.ok_or(Errno::EPROTO)?);
        Ok(Gate { listener, unsettled: Vec::new() })
    }

    /// Readable when a call waits for an answer.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }

    /// Answers one waiting call: at most `most` threads may live below `init`.
    pub fn answer(&mut self, init: Pid, most: u64) -> Result<(), Errno> {
        let id = match notify::receive(self.listener.as_fd()) {
            Ok(id) => id,
            // The caller is gone.
            Err(Errno::ENOENT | Errno::EINTR | Errno::EAGAIN) => return Ok(()),
            Err(errno) => return Err(errno),
        };
        let living = || tree::count_threads(&tree::descendants(init));
        self.unsettled.retain(|since| since.elapsed() < SETTLES_WITHIN);
        let mut fits = living() + (self.unsettled.len() as u64) < most;
        if !fits && !self.unsettled.is_empty() {
            sleep(SETTLES_WITHIN);
            self.unsettled.clear();
            fits = living() < most;
        }
        let answered = match fits {
            true => {
                self.unsettled.push(Instant::now());
                notify::let_pass(self.listener.as_fd(), id)
            }
            false => notify::refuse(self.listener.as_fd(), id, Errno::EAGAIN),
        };
        match answered {
            Err(Errno::ENOENT) => Ok(()),
            done => done,
        }
    }
}
