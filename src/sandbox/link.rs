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
    io,
    os::{
        fd::{AsRawFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    sync::Arc,
};

use nix::{errno::Errno, fcntl::OFlag, unistd::pipe2};
use serde::{Deserialize, Serialize};

use super::{
    Fault, Job, passing,
    pool::{CellRun, Sandbox, Seat, fault},
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
        Ok(passing::send(socket.as_raw_fd(), &[&self.inbox, &self.outbox])?)
    }

    /// The cell init's side of [`LinkEnds::send`].
    pub fn receive(socket: &UnixStream) -> io::Result<LinkEnds> {
        match <[OwnedFd; 2]>::try_from(passing::receive(socket.as_raw_fd())?) {
            Ok([inbox, outbox]) => Ok(LinkEnds { inbox, outbox }),
            Err(_) => Err(Errno::EPROTO.into()),
        }
    }
}
