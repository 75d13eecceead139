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
//! [`LauncherSetup::seats`]: crate::sandbox::native::messages::launcher_setup::LauncherSetup::seats

use std::{io, os::fd::OwnedFd, sync::Arc};

use tokio::{io::AsyncReadExt, net::unix::pipe::Receiver};

use super::{
    cell_run::{CellRun, Seat},
    sandbox::Sandbox,
};
use crate::{
    admission::Slot,
    limits::Limits,
    sandbox::{
        job::{Fault, Job},
        native::messages::link_ends::{Link, LinkAt, LinkEnds},
    },
};

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
        place: Slot,
    ) -> Result<(CellRun, CellRun), Fault> {
        let ends = LinkEnds::pair().map_err(|error| Fault::new("make_link", error))?;
        self.open_joined(first, second, ends, place).await
    }

    /// As [`Sandbox::open_linked`], for a conversation of which each side is heard out: the ends that they
    /// read from are held here, too. What the one writes after the other has ended is not refused, and is to be taken
    /// from there (`Unheard::taken_until`). An end of file comes as ever.
    pub async fn open_conversation(
        &self,
        first: LinkedJob,
        second: LinkedJob,
        place: Slot,
    ) -> Result<Conversing, Fault> {
        let failed = |error: io::Error| Fault::new("make_link", error);
        let ends = LinkEnds::pair().map_err(failed)?;
        let to_first = Unheard { pipe: ends.0.inbox.try_clone().map_err(failed)? };
        let to_second = Unheard { pipe: ends.1.inbox.try_clone().map_err(failed)? };
        let (first, second) = self.open_joined(first, second, ends, place).await?;
        Ok(Conversing { first, second, to_first, to_second })
    }

    async fn open_joined(
        &self,
        first: LinkedJob,
        second: LinkedJob,
        (ours, theirs): (LinkEnds, LinkEnds),
        place: Slot,
    ) -> Result<(CellRun, CellRun), Fault> {
        if first.job.runs.len() != 1 || second.job.runs.len() != 1 {
            return Err(Fault::new("link_cells", "a linked job has exactly one run"));
        }
        let (own, companion) = (place.index(), self.companion_seat(place.index()));
        let place = Arc::new(place);
        let seat = |number| Seat { number, place: Arc::clone(&place) };
        // The second's launcher may have to be started: the first must not wait for it on its own time.
        let open = async |side: LinkedJob, seat, ends| {
            let link = Some(Link { at: side.at, ends });
            CellRun::open(self.pool(&side.launcher)?, seat, side.limits, side.job, link).await
        };
        let second = open(second, seat(companion), theirs).await?;
        let first = open(first, seat(own), ours).await?;
        Ok((first, second))
    }
}

/// That much is enough to know that something was written.
const MOST_COUNTED: u64 = 1 << 20;

/// Two cells in conversation.
#[derive(Debug)]
pub struct Conversing {
    pub first: CellRun,
    pub second: CellRun,
    pub to_first: Unheard,
    pub to_second: Unheard,
}

/// What is written to a side of a conversation that may have ended.
#[derive(Debug)]
pub struct Unheard {
    pipe: OwnedFd,
}

impl Unheard {
    /// To be called when that side has ended: takes what is written to it, so that the writer does not wait, until
    /// something else is done. Also tells how many bytes there were.
    pub async fn taken_until<T>(self, done: impl Future<Output = T>) -> Result<(T, u64), Fault> {
        let failed = |error: io::Error| Fault::new("hear_out", error);
        // The other holders of this end are gone, whom it might confuse that it does not block any more.
        let mut pipe = Receiver::from_owned_fd(self.pipe).map_err(failed)?;
        let (mut buffer, mut is_open, mut taken) = (vec![0; 1 << 16], true, 0);
        let mut done = std::pin::pin!(done);
        loop {
            tokio::select! {
                biased;
                read = pipe.read(&mut buffer), if is_open => match read {
                    Ok(count) if count > 0 => taken += count as u64,
                    _ => is_open = false,
                },
                result = &mut done => {
                    // What was written before that, whether the runtime has heard of it or not.
                    while is_open && let Ok(count @ 1..) = nix::unistd::read(&pipe, &mut buffer) {
                        taken += count as u64;
                        is_open = taken < MOST_COUNTED;
                    }
                    return Ok((result, taken));
                }
            }
        }
    }
}
