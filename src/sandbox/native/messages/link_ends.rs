//! The ends of two pipes that join a pair of cells, and where a run finds its own.

use std::{
    io,
    os::{
        fd::{AsRawFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use nix::{errno::Errno, fcntl::OFlag, unistd::pipe2};
use serde::{Deserialize, Serialize};

use super::pass_files;

/// Where a program finds its two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkAt {
    /// Its standard input and output. What it writes there is not captured.
    Streams,
    /// Descriptors 6 (from the other side) and 7 (to it); its standard streams are as ever.
    Descriptors,
}

/// A cell's side of a link, on its way to the run.
#[derive(Debug)]
pub struct Link {
    pub at: LinkAt,
    pub ends: LinkEnds,
}

/// One side's ends of the two pipes. Close-on-exec.
#[derive(Debug)]
pub struct LinkEnds {
    /// From the other side.
    pub inbox: OwnedFd,
    /// To the other side.
    pub outbox: OwnedFd,
}

impl LinkEnds {
    /// Both sides' ends of two new pipes.
    pub fn pair() -> io::Result<(LinkEnds, LinkEnds)> {
        let (from_second, to_first) = pipe2(OFlag::O_CLOEXEC)?;
        let (from_first, to_second) = pipe2(OFlag::O_CLOEXEC)?;
        let first = LinkEnds { inbox: from_second, outbox: to_second };
        Ok((first, LinkEnds { inbox: from_first, outbox: to_first }))
    }

    /// Sends copies over a slot's socket. `WouldBlock` when the socket is full.
    pub fn send(&self, socket: BorrowedFd<'_>) -> io::Result<()> {
        Ok(pass_files::send(socket.as_raw_fd(), &[&self.inbox, &self.outbox])?)
    }

    /// The cell init's side of [`LinkEnds::send`].
    pub fn receive(socket: &UnixStream) -> io::Result<LinkEnds> {
        match <[OwnedFd; 2]>::try_from(pass_files::receive(socket.as_raw_fd())?) {
            Ok([inbox, outbox]) => Ok(LinkEnds { inbox, outbox }),
            Err(_) => Err(Errno::EPROTO.into()),
        }
    }
}
