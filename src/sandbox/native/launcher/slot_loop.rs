//! What slot processes of all tiers have in common: how a launcher starts one, and how it serves one
//! cell after another.

use std::{
    io::{self, IoSliceMut},
    os::{fd::AsRawFd, unix::net::UnixStream},
};

use nix::{
    cmsg_space,
    errno::Errno,
    sched::CloneFlags,
    sys::socket::{ControlMessageOwned, MsgFlags, recvmsg},
    unistd::{Pid, setsid},
};

use crate::sandbox::{
    native::{
        cell::context::cores,
        messages::{
            frames::{read_message, write_message},
            slot_messages::{Ask, Reply, WireLimits},
            step::{StepError, step},
        },
    },
    sys,
};

/// One slot request: four bytes of index and a socket. `None` at the service's end.
pub fn receive(control: &UnixStream) -> io::Result<Option<(u32, UnixStream)>> {
    let mut index = [0; 4];
    let mut space = cmsg_space!([std::os::fd::RawFd; 1]);
    let mut buffers = [IoSliceMut::new(&mut index)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_WAITALL;
    let message = recvmsg::<()>(control.as_raw_fd(), &mut buffers, Some(&mut space), flags)?;
    if message.bytes == 0 {
        return Ok(None);
    }
    let socket = message
        .cmsgs()?
        .find_map(|item| match item {
            ControlMessageOwned::ScmRights(fds) => fds.first().copied(),
            _ => None,
        })
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok(Some((u32::from_le_bytes(index), UnixStream::from(sys::adopt_fd(socket)))))
}

/// In the launcher: forks a slot process. `true` in it. A launcher that cannot fork tells whoever
/// asked for the slot, and goes on: the others may be well.
pub fn fork(socket: &mut UnixStream) -> bool {
    match step("fork_slot", || sys::clone_process(CloneFlags::empty())) {
        Ok(forked) => forked.is_none(),
        Err(error) => {
            // Who asked may be gone; then nobody wants to know.
            let _ = write_message(socket, &Reply::Fault(error.into()));
            false
        }
    }
}

/// The first steps of a slot process.
pub fn begin() -> Result<(), StepError> {
    step("die_with_launcher", || sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as u64))?;
    step("name_process", || sys::set_name(c"proofbox-slot"))?;
    step("new_session", setsid)?;
    step("await_children", || sys::ignore_children(false))
}

/// Has `one_cell` make one cell after another and answers with what came of each, until the socket
/// closes or a cell cannot be cleaned up after.
pub fn serve(
    socket: &mut UnixStream,
    mut one_cell: impl FnMut(&UnixStream, WireLimits) -> Result<Reply, StepError>,
) -> Result<(), StepError> {
    cores();
    sys::handled_signals();
    loop {
        let open = match read_message::<Ask>(socket) {
            Ok(Ask::Open(open)) => open,
            Ok(Ask::Stop | Ask::End) => continue, // It was meant for a cell that had ended already.
            Ok(Ask::Job(_)) => return Err(StepError { step: "await_cell", errno: Errno::EPROTO }),
            Err(_) => return Ok(()),
        };
        let reply = one_cell(socket, open.limits)?;
        if write_message(socket, &reply).is_err() {
            return Ok(());
        }
    }
}

/// Raw wait status of a cell's init.
pub fn wait_for(init: Pid) -> Result<i32, StepError> {
    loop {
        let reaped = step("wait_for_cell", || sys::reap_any(true))?;
        if let Some(reaped) = reaped
            && reaped.pid == init
        {
            return Ok(reaped.status);
        }
    }
}
