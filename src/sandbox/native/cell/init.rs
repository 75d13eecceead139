//! The cell's init: pid 1 of a cell, made for one submission and gone with it.
//!
//! It is our code in the cell's namespaces. It furnishes them, reads the job, has each run carried
//! out by [`super::run`], and reports. A run is never pid 1 itself: for pid 1 the kernel ignores
//! signals, and an abort would look like something else.

use std::{fs, io, os::fd::AsFd, os::unix::net::UnixStream, time::Instant};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    sys::{
        signal::{SigSet, SigmaskHow, Signal, sigprocmask},
        signalfd::{SfdFlags, SignalFd},
        stat::{Mode, umask},
    },
    unistd::{Pid, setsid},
};
use serde_bytes::Bytes;

use super::{
    run::{self, Stage, Supervisor},
    series::{self, SeriesPlan},
};
use crate::sandbox::{
    job::Collect,
    native::{
        launcher::{confined::ConfinedCell, role::CELL_ID},
        messages::{
            frames::{decode, read_unforked, write_message, write_unforked},
            link_ends::{Link, LinkEnds},
            slot_messages::{AskOf, Reply, ReplyOf, WireJob, WireLimits, WireRun},
            step::{FaultReport, StepError, io_step, step},
        },
        walls::{cgroup::SlotGroup, locks::OwnFiles, rootfs},
    },
    sys::{self, SockFilter, python::Callback, unforked::Unforked},
};

/// What a slot gives every cell it makes.
pub struct CellSetup<'a> {
    pub seccomp: Vec<SockFilter>,
    pub group: Option<SlotGroup>,
    /// In a tier without namespaces: what the cell has in their place.
    pub confined: Option<ConfinedCell>,
    /// In a warm launcher: the interpreter's function that carries out a run.
    pub run: Option<&'a Callback>,
}

/// Never returns: the cell ends with this process.
pub fn init_main(socket: &UnixStream, pair: UnixStream, setup: &CellSetup<'_>, limits: WireLimits) -> ! {
    let mut socket = socket;
    let code = match init(socket, pair, setup, limits) {
        Ok(()) => 0,
        Err(error) => {
            // The service may have closed the socket; then the cell is not wanted any more.
            let _ = write_message(&mut socket, &Reply::Fault(FaultReport::from(error)));
            1
        }
    };
    sys::exit_now(code)
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
    let Some(job) = wanted_job(&message)? else { return Ok(()) };
    let link = receive_link(socket, &job)?;
    let mut scratch = rootfs::furnish_cell(scratch_bytes(&limits) + most_given_bytes(&job), &job.sources)?;
    let children = step("watch_children", || {
        let mut mask = SigSet::empty();
        mask.add(Signal::SIGCHLD);
        sigprocmask(SigmaskHow::SIG_SETMASK, Some(&mask), None)?;
        SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
    })?;
    let program = run::program_file(&job)?;
    let own_files = OwnFiles([rootfs::SCRATCH_DIR.into(), rootfs::SOURCE_DIR.into()]);
    let supervisor = Supervisor { socket, children: &children, setup, limits, program, own_files, handlers };
    run_all(&supervisor, &job, link, || scratch.renew_if_used())
}

/// The job in a message; `None` if none is wanted any more.
pub fn wanted_job(message: &Unforked) -> Result<Option<LentJob<'_>>, StepError> {
    match io_step("read_job", || decode::<AskOf<&Bytes>>(message))? {
        AskOf::Job(job) => Ok(Some(job)),
        AskOf::Stop | AskOf::End => Ok(None),
        AskOf::Open(_) => Err(StepError { step: "read_job", errno: nix::errno::Errno::EPROTO }),
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

/// A job in memory that the runs do not inherit.
pub type LentJob<'a> = WireJob<&'a Bytes>;

/// What a cell's runs wrote, and how it is told: reused from run to run, and inherited by none.
pub struct Buffers {
    pub captured: [Unforked; 3],
    pub frame: Unforked,
}

impl Buffers {
    fn new(limits: &WireLimits, collect: &[Collect]) -> Result<Buffers, nix::errno::Errno> {
        let most = run::most_captured(limits);
        let collected =
            collect.iter().map(|collect| collect.most_bytes as usize + REPORT_BYTES).sum::<usize>();
        let whole = most.iter().sum::<usize>() + collected + REPORT_BYTES;
        let [stdout, stderr, result] = most.map(|most| Unforked::with_capacity(most + 1));
        Ok(Buffers { captured: [stdout?, stderr?, result?], frame: Unforked::with_capacity(whole)? })
    }
}

/// More than a report needs beside what was captured.
const REPORT_BYTES: usize = 4096;

/// A program's compiled form, which runs after the first are given.
enum Form {
    NotMade,
    Made(Vec<u8>),
    /// There is none, and every run compiles for itself.
    None,
}

/// Carries out a job's runs. `link`: for the first of them, of a job that has no other. `renew`: makes
/// the scratch space as new, and says whether it was.
pub fn run_all(
    supervisor: &Supervisor<'_>,
    job: &LentJob<'_>,
    mut link: Option<Link>,
    mut renew: impl FnMut() -> Result<bool, StepError>,
) -> Result<(), StepError> {
    let mut series = SeriesPlan::new(supervisor, job);
    let mut form = match supervisor.setup.run {
        Some(_) => Form::NotMade,
        None => Form::None,
    };
    let mut buffers = step("make_buffers", || Buffers::new(&supervisor.limits, &job.collect))?;
    let mut index = 0;
    while index < job.runs.len() {
        // One side of a conversation may be ended before it has begun, which is reported like any end.
        if job.link.is_none() && stop_requested(supervisor.socket) {
            return Ok(());
        }
        let runs = &job.runs[index..];
        let ended = match &form {
            // The first run shows what runs cost, and many a job ends with it.
            Form::NotMade if index > 0 && series.wants_form(runs.len()) => {
                let Some(made) = series::compile(supervisor, job, runs, &series, &mut buffers, &mut renew)?
                else {
                    return Ok(());
                };
                form = made.code.map_or(Form::None, Form::Made);
                if made.ended.is_none() {
                    series.rule_out();
                }
                made.ended
            }
            Form::Made(code) if series.is_worth_while(runs.len()) => {
                let ended = series::carry_out(supervisor, job, runs, code, &mut buffers, &mut renew)?;
                let Some(ended) = ended else { return Ok(()) };
                Some(ended)
            }
            Form::NotMade | Form::None | Form::Made(_) => None,
        };
        if let Some(ended) = ended {
            index += ended.done;
            if index == job.runs.len() {
                return Ok(());
            }
            // The run in doubt is carried out below.
            series.note(&ended);
        }
        if index > 0 {
            renew()?;
        }
        let begun = Instant::now();
        let stage = match &form {
            Form::Made(code) => Stage::Later(code),
            Form::NotMade | Form::None => Stage::Only,
        };
        let (input, Buffers { captured, frame }) = (&job.runs[index], &mut buffers);
        let Some(ran) = run::carry_out(supervisor, job, input, link.take(), stage, captured, begun)? else {
            return Ok(());
        };
        if index == 0 {
            series.first_was(ran.cpu_us);
        }
        io_step("report_run", || write_unforked(&mut { supervisor.socket }, frame, &ReplyOf::Ran(ran)))?;
        index += 1;
    }
    Ok(())
}

/// Anything to read on the socket means stop: the service says nothing else, or is gone.
pub fn stop_requested(socket: &UnixStream) -> bool {
    let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

/// Room for the files that runs find, beside what they may write themselves.
fn most_given_bytes(job: &LentJob<'_>) -> u64 {
    let of_run =
        |run: &WireRun<&Bytes>| run.files.iter().map(|(_, content)| content.len() as u64 + 4096).sum();
    job.runs.iter().map(of_run).max().unwrap_or(0)
}

/// The scratch space holds the largest file allowed and a little beside it.
pub fn scratch_bytes(limits: &WireLimits) -> u64 {
    limits.file_bytes + (1 << 20)
}
