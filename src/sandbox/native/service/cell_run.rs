//! One cell at work, as the service holds it: the job sent, outcomes read, its slot given back.

use std::{
    io,
    os::{fd::AsFd, unix::process::ExitStatusExt},
    process::ExitStatus,
    sync::Arc,
    time::Duration,
};

use serde_bytes::{ByteBuf, Bytes};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::UnixStream,
    time::timeout,
};

use super::{
    launcher_process::LAST_WORDS,
    slot_pool::{LentSlot, SlotPool},
};
use crate::{
    admission::Slot,
    limits::Limits,
    sandbox::{
        job::{End, Fault, Job, LimitHit, Outcome, Usage},
        native::messages::{
            frames::{decode, encode, frame_length},
            job_frame::write_job,
            link_ends::{Link, LinkAt},
            slot_messages::{AskOf, Open, Ran, Reply},
        },
    },
};

/// How much later than its wall limit a run may be reported before the cell counts as lost.
const REPORT_GRACE: Duration = Duration::from_secs(20);
/// How long a slot process may take to accept a job.
const SEND_GRACE: Duration = Duration::from_secs(30);
/// How long a stopped cell may take to be gone before its slot process is given up.
const CLOSE_GRACE: Duration = Duration::from_secs(10);

/// A cell at work. Dropping it ends the cell; its slot comes free when the cell is gone.
#[derive(Debug)]
pub struct CellRun {
    open: Option<OpenCell>,
    limits: Limits,
    remaining: usize,
}

/// Ends a cell's run, whose outcome is then told as ever.
#[derive(Debug)]
pub struct Ender {
    socket: std::os::unix::net::UnixStream,
}

impl Ender {
    /// Nothing happens to a run that has ended.
    pub fn end(mut self) -> io::Result<()> {
        // The socket does not block; it has room, since nothing was sent since the job, which was read.
        io::Write::write_all(&mut self.socket, &encode(&AskOf::<&Bytes>::End)?)
    }
}

#[derive(Debug)]
struct OpenCell {
    slot: LentSlot,
    pool: Arc<SlotPool>,
    /// Given back when the cell is gone.
    seat: Seat,
}

/// Where a cell is made, and the permission to use it, which linked cells share.
#[derive(Debug)]
pub(super) struct Seat {
    /// Of [`crate::sandbox::native::messages::launcher_setup::LauncherSetup::seats`].
    pub number: usize,
    /// Freed when the last cell that holds it is gone.
    pub place: Arc<Slot>,
}

impl CellRun {
    /// Makes a cell in a seat and starts the job in it. `link`: its ends of a link to another cell.
    pub(super) async fn open(
        pool: &Arc<SlotPool>,
        seat: Seat,
        limits: Limits,
        job: Job,
        link: Option<Link>,
    ) -> Result<CellRun, Fault> {
        let mut slot = pool.lend(seat.number).await?;
        match timeout(SEND_GRACE, send_job(&mut slot, &seat, limits, &job, link)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                // A slot process that could not begin has said why before it ended.
                return Err(match timeout(LAST_WORDS, read_reply(&mut slot.socket)).await {
                    Ok(Ok(Reply::Fault(report))) => report.into(),
                    _ => slot.last_words().await.unwrap_or_else(|| Fault::new("send_job", error)),
                });
            }
            Err(_) => return Err(Fault::new("send_job", "the slot process does not read")),
        }
        let open = OpenCell { slot, pool: Arc::clone(pool), seat };
        Ok(CellRun { open: Some(open), limits, remaining: job.runs.len() })
    }

    /// The next run's outcome; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Outcome>, Fault> {
        if self.remaining == 0 {
            return Ok(None);
        }
        let Some(open) = &mut self.open else {
            return Err(Fault::new("cell_lost", "the cell has failed before"));
        };
        let patience = self.limits.wall() * Limits::MOST_WALL_STRETCH + REPORT_GRACE;
        let reply = match timeout(patience, read_reply(&mut open.slot.socket)).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(error)) => {
                let said = open.slot.last_words().await;
                Err(said.unwrap_or_else(|| Fault::new("cell_lost", error)))
            }
            Err(_) => Err(Fault::new("cell_silent", format!("no report within {} s", patience.as_secs()))),
        };
        match reply {
            Ok(Reply::Ran(ran)) => {
                self.remaining -= 1;
                Ok(Some(ran.into()))
            }
            Ok(Reply::Closed { oom_kill: true, .. }) => {
                // The kernel chose the cell's own init: the run it watched is gone with it.
                self.remaining = 0;
                self.abandon();
                let end = End::Signaled { signal: nix::libc::SIGKILL };
                Ok(Some(Outcome::silent(end, Some(LimitHit::Memory))))
            }
            Ok(Reply::Closed { status, .. }) => {
                self.abandon();
                Err(Fault::new("cell_died", format!("{}", ExitStatus::from_raw(status))))
            }
            Ok(Reply::Fault(report)) => {
                self.abandon();
                Err(report.into())
            }
            Ok(Reply::Ready { .. }) => {
                self.abandon();
                Err(Fault::new("cell_lost", "unexpected message"))
            }
            Err(error) => {
                self.abandon();
                Err(error)
            }
        }
    }

    /// By which the run can be ended while its outcome is waited for.
    pub fn ender(&self) -> io::Result<Ender> {
        let open = self.open.as_ref().ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))?;
        Ok(Ender { socket: open.slot.socket.as_fd().try_clone_to_owned()?.into() })
    }

    /// Gives the slot process up: closing its socket ends it and its cell.
    fn abandon(&mut self) {
        self.open = None;
    }
}

impl Drop for CellRun {
    fn drop(&mut self) {
        let Some(open) = self.open.take() else { return };
        // Without a runtime the socket just closes, which ends cell and slot process.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let ended_by_itself = self.remaining == 0;
            runtime.spawn(open.close(ended_by_itself));
        }
    }
}

impl OpenCell {
    /// Waits until the cell is gone, then gives socket and slot back.
    async fn close(mut self, ended_by_itself: bool) {
        let closed = async {
            if !ended_by_itself && self.send_stop().await.is_err() {
                return false;
            }
            loop {
                match read_reply(&mut self.slot.socket).await {
                    Ok(Reply::Closed { .. }) => return true,
                    Ok(Reply::Ran(_)) => {}
                    _ => return false,
                }
            }
        };
        if timeout(CLOSE_GRACE, closed).await == Ok(true) {
            self.pool.take_back(self.seat.number, self.slot);
        }
    }

    async fn send_stop(&mut self) -> io::Result<()> {
        self.slot.socket.write_all(&encode(&AskOf::<&Bytes>::Stop)?).await
    }
}

async fn send_job(
    slot: &mut LentSlot,
    seat: &Seat,
    limits: Limits,
    job: &Job,
    link: Option<Link>,
) -> io::Result<()> {
    let open = AskOf::<&Bytes>::Open(Open { limits: limits.into() });
    slot.socket.write_all(&encode(&open)?).await?;
    let at = link.as_ref().map(|link| link.at);
    // Both sides of such a link only ever run by turns.
    let processor = (at == Some(LinkAt::Descriptors)).then_some(seat.place.index() as u32);
    write_job(&mut slot.socket, job, at, processor).await?;
    if let Some(Link { ends, .. }) = link {
        slot.socket.async_io(Interest::WRITABLE, || ends.send(slot.socket.as_fd())).await?;
    }
    Ok(())
}

async fn read_reply(socket: &mut UnixStream) -> io::Result<Reply> {
    let mut prefix = [0; 4];
    socket.read_exact(&mut prefix).await?;
    let mut body = vec![0; frame_length(prefix)?];
    socket.read_exact(&mut body).await?;
    decode(&body)
}

impl From<Ran<ByteBuf, Vec<u8>>> for Outcome {
    fn from(ran: Ran<ByteBuf, Vec<u8>>) -> Outcome {
        let status = ExitStatus::from_raw(ran.status);
        Outcome {
            end: match (status.code(), status.signal()) {
                (Some(code), _) => End::Exited { code },
                (None, signal) => End::Signaled { signal: signal.unwrap_or(0) },
            },
            limit: ran.limit,
            usage: Usage {
                cpu: Duration::from_micros(ran.cpu_us),
                wall: Duration::from_micros(ran.wall_us),
                memory_bytes: ran.memory_bytes,
                fuel: None,
            },
            stdout: ran.stdout.into_vec(),
            stderr: ran.stderr.into_vec(),
            result: ran.result.into_vec(),
            lacks: None,
            files: ran.files,
            in_series: ran.in_series,
            ended_at: Duration::from_micros(ran.ended_us),
            left_unread: ran.left_unread,
        }
    }
}
