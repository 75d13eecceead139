//! Files that go from one process to another over a socket of ours.

use std::{
    io::{IoSlice, IoSliceMut},
    os::fd::{AsRawFd, OwnedFd, RawFd},
};

use nix::{
    cmsg_space,
    errno::Errno,
    sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg},
};

use crate::sandbox::sys;

/// Most files in one message.
const MOST_FILES: usize = 2;

/// Sends one byte that carries copies of the files, at most two. `EAGAIN` when the socket is full.
pub fn send(socket: RawFd, files: &[&OwnedFd]) -> Result<(), Errno> {
    let numbers: Vec<RawFd> = files.iter().map(|file| file.as_raw_fd()).collect();
    let rights = [ControlMessage::ScmRights(&numbers)];
    sendmsg::<()>(socket, &[IoSlice::new(b"f")], &rights, MsgFlags::MSG_NOSIGNAL, None).map(drop)
}

/// The files of the next message, close-on-exec; none where the other side has closed or sent none.
pub fn receive(socket: RawFd) -> Result<Vec<OwnedFd>, Errno> {
    receive_into(socket, &mut [0]).map(|(_, files)| files)
}

/// The same, and what is said beside it: how many bytes, 0 where the other side has closed. What follows a message with files
/// is left for the next call.
pub fn receive_into(socket: RawFd, buffer: &mut [u8]) -> Result<(usize, Vec<OwnedFd>), Errno> {
    let mut space = cmsg_space!([RawFd; MOST_FILES]);
    let mut buffers = [IoSliceMut::new(buffer)];
    let message = recvmsg::<()>(socket, &mut buffers, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
    let files = message.cmsgs()?.find_map(|item| match item {
        ControlMessageOwned::ScmRights(files) => Some(files),
        _ => None,
    });
    Ok((message.bytes, files.unwrap_or_default().into_iter().map(sys::adopt_fd).collect()))
}
