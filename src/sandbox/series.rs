//! Short runs of one program, one after the other in one process: a series.
//!
//! Theory of operation. Making a process for a run costs as much as many a run. Where the driver's
//! `series.py` has found, before anything of the solution was executed, that the code can reach nothing but
//! its own globals, its streams and some libraries whose state can be renewed, the runs after the first
//! are given to one process, input by input over a socket. After each it says on its result channel whether
//! it can vouch for it. What it says is not what the trust rests on:
//!
//! - The process can have neither children nor threads (`RLIMIT_NPROC`), so that its end and its CPU clock
//!   are everything there is.
//! - A run in doubt ends the process and is carried out once more in one of its own. In doubt is every run
//!   with another end than a plain exit with code 0, or that came anywhere near a limit (so that nothing can
//!   be gained by having worked ahead), or left anything behind in the scratch space. So is, for whoever asked,
//!   every run that is not accepted; see [`super::Outcome::in_series`].
//! - What is expected of a run is not in the cell, here as ever. Inputs come one by one.

use std::{
    cmp::Ordering,
    fs,
    os::{
        fd::{AsRawFd, IntoRawFd},
        unix::net::UnixStream,
    },
    time::{Duration, Instant},
};

use nix::{errno::Errno, unistd::Pid};
use serde_bytes::Bytes;

use super::{
    cell::{Buffers, LentJob, scratch_bytes, stop_requested},
    passing,
    program::{CALL_FD, Inputs, SERIES_FD},
    protocol::{JobRun, Ran, ReplyOf, write_unforked},
    run::{self, Stage, Supervisor},
    step::{StepError, io_step, step},
    supervise::{MEMORY_WATCH, Watch, end_everything},
    sys::{self, unforked::Unforked},
};

/// Most CPU time of a run in a series. A process is cheap beside a run that needs more, and what a
/// solution could hide in earlier runs is bounded by it.
const MOST_CPU: Duration = Duration::from_millis(50);
/// Most wall time: other people's load, or a run that sleeps.
const MOST_WALL: Duration = Duration::from_millis(500);
/// A series of fewer runs costs more than it saves.
const LEAST_RUNS: usize = 2;
/// After so many runs in doubt the rest has processes of its own.
const MOST_DOUBTS: u32 = 2;

/// Whether a job's runs may go in series.
pub struct SeriesPlan {
    possible: bool,
    doubts: u32,
}

impl SeriesPlan {
    pub fn new(supervisor: &Supervisor<'_>, job: &LentJob<'_>) -> SeriesPlan {
        let has_files = !job.collect.is_empty() || job.runs.iter().any(|run| !run.files.is_empty());
        let setup = supervisor.setup;
        let possible = job.series
            && setup.run.is_some()
            // There the number of processes is not a process's own.
            && setup.confined.is_none()
            && !(has_files || job.link.is_some())
            && job.runs.len() > LEAST_RUNS;
        SeriesPlan { possible, doubts: 0 }
    }

    pub fn is_possible(&self) -> bool {
        self.possible
    }

    /// What the first run, in a process of its own, has shown.
    pub fn first_was(&mut self, may_share: bool, cpu_us: u64) {
        self.possible &= may_share && u128::from(cpu_us) < MOST_CPU.as_micros();
    }

    pub fn is_worth_while(&self, left: usize) -> bool {
        self.possible && left >= LEAST_RUNS
    }

    pub fn note(&mut self, ended: &Ended) {
        self.doubts += 1;
        self.possible &= !ended.too_long && self.doubts < MOST_DOUBTS;
    }
}

/// How a series ended.
pub struct Ended {
    /// Runs beyond doubt, which have been reported.
    pub done: usize,
    /// The run in doubt was not a short one.
    pub too_long: bool,
}

/// Before the record of a run for which the driver vouches: `1` and the record's length.
const VOUCHED_BYTES: usize = 5;

/// What the driver has said of a run so far.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    Vouched,
    /// That it cannot vouch for it, or something that is not its to say.
    Other,
}

impl Said {
    fn of(result: &[u8]) -> Said {
        match result {
            [] => Said::Nothing,
            [b'1', rest @ ..] => match rest.split_first_chunk::<4>() {
                None => Said::Nothing,
                Some((length, record)) => match record.len().cmp(&(u32::from_le_bytes(*length) as usize)) {
                    Ordering::Less => Said::Nothing,
                    Ordering::Equal => Said::Vouched,
                    Ordering::Greater => Said::Other,
                },
            },
            _ => Said::Other,
        }
    }
}

/// What came of one run.
enum One {
    BeyondDoubt {
        cpu: Duration,
    },
    InDoubt {
        too_long: bool,
    },
    /// The service wants no more of this cell.
    Unwanted,
}

/// Carries out runs until all are done or one is in doubt, and reports those that are not. `None` if the
/// service wants no more. `renew`: as in [`super::cell::run_all`].
pub fn carry_out(
    supervisor: &Supervisor<'_>,
    job: &LentJob<'_>,
    runs: &[JobRun<&Bytes>],
    code: &[u8],
    buffers: &mut Buffers,
    renew: &mut impl FnMut() -> Result<bool, StepError>,
) -> Result<Option<Ended>, StepError> {
    renew()?;
    let Buffers { captured, frame } = buffers;
    if let Some(group) = &supervisor.setup.group {
        io_step("limit_memory", || group.limit_memory(supervisor.limits.memory_bytes))?;
    }
    let stage = Stage::Series(code);
    let nothing = JobRun { stdin: Bytes::new(b""), call: None, files: Vec::new() };
    let (ours, theirs) = io_step("make_series_pair", UnixStream::pair)?;
    let inputs = run::inputs(&nothing, None, stage)?;
    let inputs = Inputs { series: Some(theirs), ..inputs };
    let mut watch = run::start(supervisor, job, stage, inputs, captured)?;
    let mut ended = Ended { done: 0, too_long: false };
    for input in runs {
        if stop_requested(supervisor.socket) {
            end_everything(supervisor, &mut watch)?;
            return Ok(None);
        }
        let begun = Instant::now();
        for capture in &mut watch.captures {
            capture.begin_anew();
        }
        match one(supervisor, &mut watch, &ours, input, begun)? {
            One::BeyondDoubt { cpu } => {
                let most = supervisor.limits.memory_bytes / 2;
                let Some(memory_bytes) = peak_resident(watch.main).filter(|peak| *peak <= most) else {
                    break;
                };
                if !renew()? {
                    break;
                }
                let [stdout, stderr, result] = &watch.captures;
                let ran = Ran {
                    status: 0,
                    limit: None,
                    cpu_us: cpu.as_micros() as u64,
                    wall_us: begun.elapsed().as_micros() as u64,
                    memory_bytes,
                    stdout: stdout.bytes(),
                    stderr: stderr.bytes(),
                    result: Bytes::new(&result.bytes()[VOUCHED_BYTES..]),
                    files: Vec::new(),
                    in_series: true,
                    ended_us: sys::monotonic_us(),
                };
                let reply = ReplyOf::<_, Unforked>::Ran(ran);
                io_step("report_run", || write_unforked(&mut { supervisor.socket }, frame, &reply))?;
                ended.done += 1;
            }
            One::InDoubt { too_long } => {
                ended.too_long = too_long;
                break;
            }
            One::Unwanted => {
                end_everything(supervisor, &mut watch)?;
                return Ok(None);
            }
        }
    }
    end_everything(supervisor, &mut watch)?;
    Ok(Some(ended))
}

/// One run: from its input to what the process says of it, or to the first doubt.
fn one(
    supervisor: &Supervisor<'_>,
    watch: &mut Watch<'_>,
    to_run: &UnixStream,
    input: &JobRun<&Bytes>,
    begun: Instant,
) -> Result<One, StepError> {
    let doubt = |too_long| Ok(One::InDoubt { too_long });
    let stdin = io_step("store_stdin", || sys::sealed_file(input.stdin))?;
    let Ok(cpu_before) = sys::process_cpu_time(watch.main) else { return doubt(false) };
    let call = match input.call {
        Some(call) => Some(io_step("store_call", || sys::sealed_file(call))?),
        None => None,
    };
    let files: Vec<_> = [Some(&stdin), call.as_ref()].into_iter().flatten().collect();
    match step("send_input", || passing::send(to_run.as_raw_fd(), &files)) {
        Ok(()) => {}
        // It is gone.
        Err(StepError { errno: Errno::EPIPE | Errno::ECONNRESET, .. }) => return doubt(false),
        Err(error) => return Err(error),
    }
    let most_wall = begun + MOST_WALL.min(Duration::from_millis(supervisor.limits.wall_ms));
    while Said::of(watch.captures[2].bytes()) == Said::Nothing {
        let mut wake = most_wall;
        if watch.tree.is_some() {
            wake = wake.min(Instant::now() + MEMORY_WATCH);
        }
        let ready = watch.wait(supervisor, wake)?;
        if ready.service {
            return Ok(One::Unwanted);
        }
        watch.read_captures()?;
        if ready.child {
            while let Ok(Some(_)) = supervisor.children.read_signal() {}
            watch.reap()?;
        }
        let over = watch
            .tree
            .as_mut()
            .and_then(|tree| tree.look(None, &supervisor.limits, scratch_bytes(&supervisor.limits), 0));
        if watch.main_status.is_some() || watch.limit.is_some() || over.is_some() {
            return doubt(false);
        }
        if Instant::now() >= most_wall {
            return doubt(true);
        }
    }
    // All that the run wrote, it wrote before it said that it had ended.
    watch.read_captures()?;
    let Ok(cpu) = sys::process_cpu_time(watch.main) else { return doubt(false) };
    let cpu = cpu.saturating_sub(cpu_before);
    let most_cpu = MOST_CPU.min(Duration::from_millis(supervisor.limits.cpu_ms) / 2);
    if cpu > most_cpu {
        return doubt(true);
    }
    if watch.limit.is_some() || Said::of(watch.captures[2].bytes()) != Said::Vouched {
        return doubt(false);
    }
    Ok(One::BeyondDoubt { cpu })
}

/// In the process: waits for the next input and puts it and the call where they belong. `false`: there is none.
///
/// # Errors
/// Of the descriptors, with which the solution may have meddled.
pub fn receive_input() -> Result<bool, Errno> {
    let received = passing::receive(SERIES_FD)?;
    if received.is_empty() {
        return Ok(false);
    }
    for (file, place) in received.into_iter().zip([0, CALL_FD]) {
        if file.as_raw_fd() == place {
            // The call's file came to lie at its place by itself.
            let _ = file.into_raw_fd();
        } else {
            sys::dup_onto(file.as_raw_fd(), place)?;
        }
    }
    Ok(true)
}

/// Most memory that the process has had resident; `None` where that cannot be known.
fn peak_resident(process: Pid) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::Said;

    #[test]
    fn only_a_whole_record_is_vouched_for() {
        for (result, said) in [
            (&b""[..], Said::Nothing),
            (b"1", Said::Nothing),
            (b"1\x02\0\0\0a", Said::Nothing),
            (b"1\x02\0\0\0ab", Said::Vouched),
            (b"1\0\0\0\0", Said::Vouched),
            (b"1\0\0\0\0x", Said::Other),
            (b"0", Said::Other),
            (b"x1", Said::Other),
        ] {
            assert_eq!(Said::of(result), said, "{result:?}");
        }
    }
}
