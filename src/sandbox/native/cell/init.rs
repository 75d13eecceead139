//! The init of a cell with namespaces: pid 1 of a cell, made for one submission and gone with it.
//!
//! It is our code in the cell's namespaces. It furnishes them, reads the job, has its runs carried
//! out by [`super::runs`], and reports. A run is never pid 1 itself: for pid 1 the kernel ignores
//! signals, and an abort would look like something else.

use std::{fs, io, os::unix::net::UnixStream};

use nix::{
    sys::stat::{Mode, umask},
    unistd::setsid,
};
use serde_bytes::Bytes;

use super::{
    context::{CELL_ID, CellSetup, LentJob, Supervisor, end_init},
    receive_job,
    runs::run_all,
};
use crate::sandbox::{
    native::{
        messages::{
            frames::read_unforked,
            slot_messages::{WireLimits, WireRun},
            step::{StepError, io_step, step},
        },
        walls::rootfs,
    },
    sys,
};

/// Never returns: the cell ends with this process.
pub fn main(socket: &UnixStream, pair: UnixStream, setup: &CellSetup<'_>, limits: WireLimits) -> ! {
    end_init(socket, init(socket, pair, setup, limits))
}

fn init(
    mut socket: &UnixStream,
    mut pair: UnixStream,
    setup: &CellSetup<'_>,
    limits: WireLimits,
) -> Result<(), StepError> {
    step("name_process", || sys::set_name(c"proofbox-cell"))?;
    step("new_session", setsid)?;
    if io::Read::read_exact(&mut pair, &mut [0]).is_err() {
        return Ok(()); // The slot could not map the id, and says why.
    }
    drop(pair);
    step("become_cell_id", || sys::become_id(CELL_ID, CELL_ID))?;
    // After the id change, which clears it. A slot that died before this line left us a closed
    // pair above or leaves us a closed socket below.
    step("die_with_slot", || sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as u64))?;
    // The kernel prefers runs over the service's other processes when memory runs out; they inherit
    // this, and their own /proc does not let them change it. This one is the launcher's; the file is ours to write only
    // while dumpable. Should the kernel choose this process for all that, the slot sees why it died.
    step("be_dumpable", || sys::prctl(libc::PR_SET_DUMPABLE, 1))?;
    io_step("offer_to_oom_killer", || fs::write("/proc/self/oom_score_adj", "1000"))?;
    step("hide_memory", || sys::prctl(libc::PR_SET_DUMPABLE, 0))?;
    // A run may signal this process, and later runs are forks of it.
    let handlers = step("set_handlers_aside", sys::set_handlers_aside)?;
    rootfs::mount_cell_proc()?;
    umask(Mode::from_bits_truncate(0o022));

    let message = io_step("read_job", || read_unforked(&mut socket))?;
    let Some(job) = receive_job::wanted(&message)? else { return Ok(()) };
    let link = receive_job::receive_link(socket, &job)?;
    let mut scratch = rootfs::furnish_cell(limits.scratch_bytes() + most_given_bytes(&job), &job.sources)?;
    let supervisor = Supervisor::new(socket, setup, limits, &job, handlers)?;
    run_all(&supervisor, link, || scratch.renew_if_used())
}

/// Room for the files that runs find, beside what they may write themselves.
fn most_given_bytes(job: &LentJob<'_>) -> u64 {
    let of_run =
        |run: &WireRun<&Bytes>| run.files.iter().map(|(_, content)| content.len() as u64 + 4096).sum();
    job.runs.iter().map(of_run).max().unwrap_or(0)
}
