//! Two cells that talk to each other, and to nobody else: linked cells.
//!
//! Theory of operation. A program and the one it converses with (an interactor, a test's code) run in a
//! cell each. Their cells hold one slot's permission together, since they compute in turns; the
//! companion's is made in a seat of its own, beyond the slots ([`LauncherSetup::seats`]), with its own
//! control group, user id and directory. The service makes two pipes and sends each cell's init its
//! two ends, right behind the `Job` frame that announces them, then keeps none. Init hands them to the
//! only run of the job and keeps none, so that each side sees the end of file when the other is dead.
//!
//! Pipes, not sockets: no descriptor can be passed through a pipe, and each end goes one way.
//!
//! [`LauncherSetup::seats`]: super::protocol::LauncherSetup::seats

use std::{
    io::{self, IoSlice, IoSliceMut},
    os::{
        fd::{AsRawFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    sync::Arc,
};

use nix::{
    cmsg_space,
    errno::Errno,
    fcntl::OFlag,
    sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg},
    unistd::pipe2,
};
use serde::{Deserialize, Serialize};

use super::{
    Fault, Job,
    pool::{CellRun, Sandbox, Seat, fault},
    sys,
};
use crate::{admission::Place, limits::Limits};

/// Where a program finds its two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkAt {
    /// Its standard input and output. What it writes there is not captured.
    Streams,
    /// Descriptors 6 (from the other side) and 7 (to it); its standard streams are as ever.
    Descriptors,
}

/// One side of a link.
#[derive(Debug)]
pub struct LinkedJob {
    /// The launcher's name.
    pub launcher: String,
    pub limits: Limits,
    /// Exactly one run.
    pub job: Job,
    pub at: LinkAt,
}

impl Sandbox {
    /// Makes two cells, joined by two pipes, in the slot that the caller holds, and starts a job in each.
    ///
    /// The first takes the slot's own seat. Limits hold for each side by itself; time that a side waits
    /// for the other is wall time and not CPU time. Either may end, hang or be killed: the other then
    /// reads an end of file and is refused what it writes (`SIGPIPE`). The slot is kept until both
    /// cells are gone; dropping one ends that one only.
    ///
    /// # Errors
    /// [`Fault`] if either cell could not be started; then neither is.
    pub async fn open_linked(
        &self,
        first: LinkedJob,
        second: LinkedJob,
        place: Place,
    ) -> Result<(CellRun, CellRun), Fault> {
        if first.job.runs.len() != 1 || second.job.runs.len() != 1 {
            return Err(fault("link_cells", "a linked job has exactly one run".to_owned()));
        }
        let (ours, theirs) = LinkEnds::pair().map_err(|error| fault("make_link", error.to_string()))?;
        let (own, companion) = (place.index(), self.companion_seat(place.index()));
        let place = Arc::new(place);
        let seat = |number| Seat { number, _place: Arc::clone(&place) };
        tokio::try_join!(
            self.open_at(&first.launcher, seat(own), first.limits, first.job, Some((first.at, ours))),
            self.open_at(
                &second.launcher,
                seat(companion),
                second.limits,
                second.job,
                Some((second.at, theirs))
            ),
        )
    }
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
        let fds = [self.inbox.as_raw_fd(), self.outbox.as_raw_fd()];
        let rights = [ControlMessage::ScmRights(&fds)];
        sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(b"l")], &rights, MsgFlags::MSG_NOSIGNAL, None)?;
        Ok(())
    }

    /// The cell init's side of [`LinkEnds::send`].
    pub fn receive(socket: &UnixStream) -> io::Result<LinkEnds> {
        let mut byte = [0];
        let mut space = cmsg_space!([std::os::fd::RawFd; 2]);
        let mut buffers = [IoSliceMut::new(&mut byte)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let message = recvmsg::<()>(socket.as_raw_fd(), &mut buffers, Some(&mut space), flags)?;
        let fds = message.cmsgs()?.find_map(|item| match item {
            ControlMessageOwned::ScmRights(fds) => Some(fds),
            _ => None,
        });
        match fds.as_deref() {
            Some(&[inbox, outbox]) => {
                Ok(LinkEnds { inbox: sys::adopt_fd(inbox), outbox: sys::adopt_fd(outbox) })
            }
            _ => Err(Errno::EPROTO.into()),
        }
    }
}
