//! What a cell's init reads from its slot's socket before the runs: the job, and the ends of a link.

use std::os::unix::net::UnixStream;

use nix::{
    errno::Errno,
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};
use serde_bytes::Bytes;

use super::context::LentJob;
use crate::sandbox::{
    native::messages::{
        frames::decode,
        link_ends::{Link, LinkEnds},
        slot_messages::AskOf,
        step::{StepError, io_step},
    },
    sys::unforked::Unforked,
};

/// The job in a message; `None` if none is wanted any more.
pub fn wanted(message: &Unforked) -> Result<Option<LentJob<'_>>, StepError> {
    match io_step("read_job", || decode::<AskOf<&Bytes>>(message))? {
        AskOf::Job(job) => Ok(Some(job)),
        AskOf::Stop | AskOf::End => Ok(None),
        AskOf::Open(_) => Err(StepError { step: "read_job", errno: Errno::EPROTO }),
    }
}

/// The ends of a link, where the job says that they follow.
pub fn receive_link(socket: &UnixStream, job: &LentJob<'_>) -> Result<Option<Link>, StepError> {
    let receive = |at| Ok(Link { at, ends: io_step("receive_link", || LinkEnds::receive(socket))? });
    let link = job.link.map(receive).transpose()?;
    if let Some(number) = job.processor {
        // Waking the other side on another processor costs a sixth of both. Where it is not allowed it is not needed.
        let _ = keep_to_processor(number as usize);
    }
    Ok(link)
}

/// Has this process and its children run on one of the processors that they may use.
fn keep_to_processor(number: usize) -> nix::Result<()> {
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this)?;
    let usable: Vec<usize> =
        (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu).unwrap_or(false)).collect();
    let mut only = CpuSet::new();
    only.set(usable[number % usable.len()])?;
    sched_setaffinity(this, &only)
}
