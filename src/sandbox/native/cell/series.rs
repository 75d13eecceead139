//! Short runs of one program, one after the other in one process: a series.
//!
//! Theory of operation. Making a process for a run costs as much as many a run. After a job's first run,
//! a process that is given no input compiles the program and sends what it compiled, for later runs to be
//! spared that: nothing that any run has seen can be in it. Where `warm/series.py` has found there, before
//! anything of the solution was executed, that the code can reach nothing but its own globals, its streams and
//! some libraries whose state can be renewed, that same process is then given the runs after the first, input by input over a
//! socket. After each it says on its result channel whether it can vouch for it. What it says is not what the
//! trust rests on:
//!
//! - The process can have neither children nor threads (`RLIMIT_NPROC`), so that its end and its CPU clock
//!   are everything there is.
//! - A run in doubt ends the process and is carried out once more in one of its own. In doubt is every run
//!   with another end than a plain exit with code 0, or that came anywhere near a limit (so that nothing can
//!   be gained by having worked ahead), or left anything behind in the scratch space. So is, for whoever asked,
//!   every run that is not accepted; see [`crate::sandbox::Outcome::in_series`].
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
    become_program::{CALL_FD, Inputs, SERIES_FD},
    init::{Buffers, LentJob, scratch_bytes, stop_requested},
    run::{self, Stage, Supervisor, cpu_kill_after},
    supervise::{MEMORY_WATCH, Watch, end_everything, least_time_to_use},
};
use crate::sandbox::{
    native::messages::{
        pass_files,
        protocol::{JobRun, Ran, ReplyOf, write_unforked},
        step::{StepError, io_step, step},
    },
    sys::{self, unforked::Unforked},
};

/// Most CPU time of a run in a series. A process is cheap beside a run that needs more, and what a
/// solution could hide in earlier runs is bounded by it.
const MOST_CPU: Duration = Duration::from_millis(50);
/// Most wall time: other people's load, or a run that sleeps.
const MOST_WALL: Duration = Duration::from_millis(500);
/// A series of fewer runs costs more than it saves.
const LEAST_RUNS: usize = 2;
/// A process that compiles for fewer runs than these costs more than their compiling does.
const LEAST_COMPILED_FOR: usize = 3;
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

    /// What the first run, in a process of its own, has shown.
    pub fn first_was(&mut self, cpu_us: u64) {
        self.possible &= u128::from(cpu_us) < MOST_CPU.as_micros();
    }

    /// The program's runs may not share a process.
    pub fn rule_out(&mut self) {
        self.possible = false;
    }

    /// Whether it is worth while to compile for so many runs.
    pub fn wants_form(&self, left: usize) -> bool {
        left >= LEAST_COMPILED_FOR || self.is_worth_while(left)
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

/// What came of compiling.
pub struct Compiled {
    /// `None`: every run compiles for itself, and finds out why this one could not.
    pub code: Option<Vec<u8>>,
    /// Where the process that compiled went on with the runs: how that ended.
    pub ended: Option<Ended>,
}

/// Before the record of a run for which the driver vouches: `1` and the record's length. Likewise `C` or `S` before
/// a compiled form.
const HEAD_BYTES: usize = 5;

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
            [b'1', rest @ ..] => Said::by_length(rest),
            _ => Said::Other,
        }
    }

    /// The same of what a process that compiles says, and whether it says that runs may share it.
    fn of_compiler(result: &[u8]) -> (Said, bool) {
        match result {
            [] => (Said::Nothing, false),
            [tag @ (b'C' | b'S'), rest @ ..] => (Said::by_length(rest), *tag == b'S'),
            _ => (Said::Other, false),
        }
    }

    fn by_length(rest: &[u8]) -> Said {
        let Some((length, record)) = rest.split_first_chunk::<4>() else { return Said::Nothing };
        match record.len().cmp(&(u32::from_le_bytes(*length) as usize)) {
            Ordering::Less => Said::Nothing,
            Ordering::Equal => Said::Vouched,
            Ordering::Greater => Said::Other,
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
/// service wants no more. `renew`: as in [`super::init::run_all`].
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
    let (watch, to_runs) = start(supervisor, job, Stage::Series(code), captured)?;
    go_on(supervisor, runs, watch, to_runs, frame, renew)
}

/// Starts a process without any run's input, and the socket over which it may be given some.
fn start<'b>(
    supervisor: &Supervisor<'_>,
    job: &LentJob<'_>,
    stage: Stage<'_>,
    captured: &'b mut [Unforked; 3],
) -> Result<(Watch<'b>, UnixStream), StepError> {
    if let Some(group) = &supervisor.setup.group {
        io_step("limit_memory", || group.limit_memory(supervisor.limits.memory_bytes))?;
    }
    let nothing = JobRun { stdin: Bytes::new(b""), call: None, files: Vec::new() };
    let (ours, theirs) = io_step("make_series_pair", UnixStream::pair)?;
    let inputs = run::inputs(&nothing, None, stage)?;
    let inputs = Inputs { series: Some(theirs), ..inputs };
    Ok((run::start(supervisor, job, stage, inputs, captured)?, ours))
}

/// Has the program compiled for the runs, in a process that has been given none of their inputs until what it
/// compiled has been taken from it. Where they may share a process, it goes on with them as [`carry_out`]
/// does. `None` if the service wants no more.
pub fn compile(
    supervisor: &Supervisor<'_>,
    job: &LentJob<'_>,
    runs: &[JobRun<&Bytes>],
    plan: &SeriesPlan,
    buffers: &mut Buffers,
    renew: &mut impl FnMut() -> Result<bool, StepError>,
) -> Result<Option<Compiled>, StepError> {
    renew()?;
    let begun = Instant::now();
    let Buffers { captured, frame } = buffers;
    let for_series = plan.is_worth_while(runs.len());
    let (mut watch, to_runs) = start(supervisor, job, Stage::Compile { for_series }, captured)?;
    let most_wall = begun + Duration::from_millis(supervisor.limits.wall_ms);
    let most_cpu = cpu_kill_after(supervisor.limits.cpu_ms);
    let mut cpu_check = Instant::now() + least_time_to_use(most_cpu);
    while Said::of_compiler(watch.captures[2].bytes()).0 == Said::Nothing {
        if let Looked::Unwanted = look(supervisor, &mut watch, most_wall.min(cpu_check))? {
            end_everything(supervisor, &mut watch)?;
            return Ok(None);
        }
        if watch.main_status.is_some() || watch.limit.is_some() || Instant::now() >= most_wall {
            break;
        }
        if Instant::now() >= cpu_check {
            let used = sys::process_cpu_time(watch.main).unwrap_or(most_cpu);
            if used >= most_cpu {
                break;
            }
            cpu_check = Instant::now() + least_time_to_use(most_cpu - used);
        }
    }
    let result = watch.captures[2].bytes();
    let (Said::Vouched, shares) = Said::of_compiler(result) else {
        end_everything(supervisor, &mut watch)?;
        return Ok(Some(Compiled { code: None, ended: None }));
    };
    let code = Some(result[HEAD_BYTES..].to_vec());
    if !shares {
        end_everything(supervisor, &mut watch)?;
        return Ok(Some(Compiled { code, ended: None }));
    }
    let ended = go_on(supervisor, runs, watch, to_runs, frame, renew)?;
    Ok(ended.map(|ended| Compiled { code, ended: Some(ended) }))
}

/// Gives the process one run after the other.
fn go_on(
    supervisor: &Supervisor<'_>,
    runs: &[JobRun<&Bytes>],
    mut watch: Watch<'_>,
    ours: UnixStream,
    frame: &mut Unforked,
    renew: &mut impl FnMut() -> Result<bool, StepError>,
) -> Result<Option<Ended>, StepError> {
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
                    result: Bytes::new(&result.bytes()[HEAD_BYTES..]),
                    files: Vec::new(),
                    in_series: true,
                    ended_us: sys::monotonic_us(),
                    left_unread: false,
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

/// What a look at the process showed.
enum Looked {
    /// What the watch holds.
    Seen,
    /// The service wants no more of this cell.
    Unwanted,
}

/// Waits until something happens, at most until `wake`, and takes note of it.
fn look(supervisor: &Supervisor<'_>, watch: &mut Watch<'_>, wake: Instant) -> Result<Looked, StepError> {
    let soon = Instant::now() + MEMORY_WATCH;
    let ready = watch.wait(supervisor, if watch.tree.is_some() { wake.min(soon) } else { wake })?;
    if ready.service {
        return Ok(Looked::Unwanted);
    }
    if ready.gate
        && let Some(gate) = &mut watch.gate
    {
        step("answer_run", || gate.answer(&supervisor.own_files, 1))?;
    }
    watch.read_captures()?;
    if ready.child {
        while let Ok(Some(_)) = supervisor.children.read_signal() {}
        watch.reap()?;
        // All that it wrote, it wrote before its end.
        watch.read_captures()?;
    }
    let limits = &supervisor.limits;
    let over = watch.tree.as_mut().and_then(|tree| tree.look(None, limits, scratch_bytes(limits), 0));
    watch.limit = watch.limit.or(over);
    Ok(Looked::Seen)
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
    match step("send_input", || pass_files::send(to_run.as_raw_fd(), &files)) {
        Ok(()) => {}
        // It is gone.
        Err(StepError { errno: Errno::EPIPE | Errno::ECONNRESET, .. }) => return doubt(false),
        Err(error) => return Err(error),
    }
    let most_wall = begun + MOST_WALL.min(Duration::from_millis(supervisor.limits.wall_ms));
    while Said::of(watch.captures[2].bytes()) == Said::Nothing {
        if let Looked::Unwanted = look(supervisor, watch, most_wall)? {
            return Ok(One::Unwanted);
        }
        if watch.main_status.is_some() || watch.limit.is_some() {
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
    let received = pass_files::receive(SERIES_FD)?;
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
