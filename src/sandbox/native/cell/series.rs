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
//!   every run that is not accepted; see [`crate::sandbox::job::Outcome::in_series`].
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
    context::{Buffers, Stage, Supervisor, least_time_to_use},
    descriptors::{CALL_FD, Inputs, SERIES_FD},
    start,
    supervise::{LiveRun, end_everything},
};
use crate::sandbox::{
    native::messages::{
        frames::write_unforked,
        pass_files,
        slot_messages::{Ran, ReplyOf, WireRun},
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
    pub fn new(supervisor: &Supervisor<'_>) -> SeriesPlan {
        let Supervisor { job, setup, .. } = supervisor;
        let has_files = !job.collect.is_empty() || job.runs.iter().any(|run| !run.files.is_empty());
        let possible = job.series
            // Interpreters are kept loaded in cells with namespaces alone: there the kernel counts a
            // process's own processes.
            && setup.run.is_some()
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

    pub fn note(&mut self, ended: &SeriesEnd) {
        self.doubts += 1;
        self.possible &= !ended.too_long && self.doubts < MOST_DOUBTS;
    }
}

/// How a series ended.
pub struct SeriesEnd {
    /// Runs beyond doubt, which have been reported.
    pub done: usize,
    /// The run in doubt was not a short one.
    pub too_long: bool,
}

/// What came of compiling.
pub struct CompiledForm {
    /// `None`: every run compiles for itself, and finds out why this one could not.
    pub code: Option<Vec<u8>>,
    /// Where the process that compiled went on with the runs: how that ended.
    pub ended: Option<SeriesEnd>,
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

/// A process that carries out several runs.
struct Series<'r> {
    live: LiveRun<'r>,
    /// Over which it is given their inputs.
    to_run: UnixStream,
}

/// Carries out runs until all are done or one is in doubt, and reports those that are not. `None` if the
/// service wants no more. `renew`: as in [`super::runs::run_all`].
pub fn carry_out(
    supervisor: &Supervisor<'_>,
    runs: &[WireRun<&Bytes>],
    code: &[u8],
    buffers: &mut Buffers,
    renew: &mut impl FnMut() -> Result<bool, StepError>,
) -> Result<Option<SeriesEnd>, StepError> {
    renew()?;
    let Buffers { captured, frame } = buffers;
    let series = Series::start(supervisor, Stage::Series(code), captured)?;
    series.go_on(supervisor, runs, frame, renew)
}

/// Has the program compiled for the runs, in a process that has been given none of their inputs until what it
/// compiled has been taken from it. Where they may share a process, it goes on with them as [`carry_out`]
/// does. `None` if the service wants no more.
pub fn compile(
    supervisor: &Supervisor<'_>,
    runs: &[WireRun<&Bytes>],
    plan: &SeriesPlan,
    buffers: &mut Buffers,
    renew: &mut impl FnMut() -> Result<bool, StepError>,
) -> Result<Option<CompiledForm>, StepError> {
    renew()?;
    let begun = Instant::now();
    let Buffers { captured, frame } = buffers;
    let for_series = plan.is_worth_while(runs.len());
    let mut series = Series::start(supervisor, Stage::Compile { for_series }, captured)?;
    if let Looked::Unwanted = series.await_compiled(supervisor, begun)? {
        end_everything(supervisor, &mut series.live)?;
        return Ok(None);
    }
    let result = series.live.captures[2].bytes();
    let (Said::Vouched, shares) = Said::of_compiler(result) else {
        end_everything(supervisor, &mut series.live)?;
        return Ok(Some(CompiledForm { code: None, ended: None }));
    };
    let code = Some(result[HEAD_BYTES..].to_vec());
    if !shares {
        end_everything(supervisor, &mut series.live)?;
        return Ok(Some(CompiledForm { code, ended: None }));
    }
    let ended = series.go_on(supervisor, runs, frame, renew)?;
    Ok(ended.map(|ended| CompiledForm { code, ended: Some(ended) }))
}

/// What a look at the process showed.
enum Looked {
    /// What the run in progress holds.
    Seen,
    /// The service wants no more of this cell.
    Unwanted,
}

impl<'r> Series<'r> {
    /// Starts a process without any run's input, and the socket over which it may be given some.
    fn start(
        supervisor: &'r Supervisor<'_>,
        stage: Stage<'_>,
        captured: &'r mut [Unforked; 3],
    ) -> Result<Series<'r>, StepError> {
        let nothing = WireRun { stdin: Bytes::new(b""), call: None, files: Vec::new() };
        let (to_run, theirs) = io_step("make_series_pair", UnixStream::pair)?;
        let inputs = Inputs { series: Some(theirs), ..start::inputs(&nothing, None, stage)? };
        let meter = start::meter(supervisor, &inputs, 0)?;
        Ok(Series { live: start::start(supervisor, stage, inputs, meter, captured)?, to_run })
    }

    /// Waits until the process has said what came of compiling, or has gone over a limit.
    fn await_compiled(&mut self, supervisor: &Supervisor<'_>, begun: Instant) -> Result<Looked, StepError> {
        let live = &mut self.live;
        let most_wall = begun + Duration::from_millis(supervisor.limits.wall_ms);
        let most_cpu = supervisor.limits.cpu_kill_after();
        let mut cpu_check = Instant::now() + least_time_to_use(most_cpu);
        while Said::of_compiler(live.captures[2].bytes()).0 == Said::Nothing {
            if let Looked::Unwanted = look(supervisor, live, most_wall.min(cpu_check))? {
                return Ok(Looked::Unwanted);
            }
            if live.main_status.is_some() || live.limit.is_some() || Instant::now() >= most_wall {
                break;
            }
            if Instant::now() >= cpu_check {
                let used = sys::process_cpu_time(live.main).unwrap_or(most_cpu);
                if used >= most_cpu {
                    break;
                }
                cpu_check = Instant::now() + least_time_to_use(most_cpu - used);
            }
        }
        Ok(Looked::Seen)
    }

    /// Gives the process one run after the other.
    fn go_on(
        mut self,
        supervisor: &Supervisor<'_>,
        runs: &[WireRun<&Bytes>],
        frame: &mut Unforked,
        renew: &mut impl FnMut() -> Result<bool, StepError>,
    ) -> Result<Option<SeriesEnd>, StepError> {
        let mut ended = SeriesEnd { done: 0, too_long: false };
        for input in runs {
            let begun = Instant::now();
            let one = match supervisor.is_stop_requested() {
                true => One::Unwanted,
                false => self.carry_out_one(supervisor, input, begun)?,
            };
            match one {
                One::BeyondDoubt { cpu } => {
                    let most = supervisor.limits.memory_bytes / 2;
                    let peak = peak_resident(self.live.main).filter(|peak| *peak <= most);
                    let Some(memory_bytes) = peak else { break };
                    if !renew()? {
                        break;
                    }
                    let reply = ReplyOf::Ran(self.report(cpu, memory_bytes, begun));
                    io_step("report_run", || write_unforked(&mut { supervisor.socket }, frame, &reply))?;
                    ended.done += 1;
                }
                One::InDoubt { too_long } => {
                    ended.too_long = too_long;
                    break;
                }
                One::Unwanted => {
                    end_everything(supervisor, &mut self.live)?;
                    return Ok(None);
                }
            }
        }
        end_everything(supervisor, &mut self.live)?;
        Ok(Some(ended))
    }

    fn report(&self, cpu: Duration, memory_bytes: u64, begun: Instant) -> Ran<&Bytes, Unforked> {
        let [stdout, stderr, result] = &self.live.captures;
        Ran {
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
        }
    }

    /// One run: from its input to what the process says of it, or to the first doubt.
    fn carry_out_one(
        &mut self,
        supervisor: &Supervisor<'_>,
        input: &WireRun<&Bytes>,
        begun: Instant,
    ) -> Result<One, StepError> {
        let Series { live, to_run } = self;
        for capture in &mut live.captures {
            capture.begin_anew();
        }
        let doubt = |too_long| Ok(One::InDoubt { too_long });
        let stdin = io_step("store_stdin", || sys::sealed_file(input.stdin))?;
        let Ok(cpu_before) = sys::process_cpu_time(live.main) else { return doubt(false) };
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
        while Said::of(live.captures[2].bytes()) == Said::Nothing {
            if let Looked::Unwanted = look(supervisor, live, most_wall)? {
                return Ok(One::Unwanted);
            }
            if live.main_status.is_some() || live.limit.is_some() {
                return doubt(false);
            }
            if Instant::now() >= most_wall {
                return doubt(true);
            }
        }
        // All that the run wrote, it wrote before it said that it had ended.
        live.read_captures()?;
        let Ok(cpu) = sys::process_cpu_time(live.main) else { return doubt(false) };
        let cpu = cpu.saturating_sub(cpu_before);
        let most_cpu = MOST_CPU.min(Duration::from_millis(supervisor.limits.cpu_ms) / 2);
        if cpu > most_cpu {
            return doubt(true);
        }
        if live.limit.is_some() || Said::of(live.captures[2].bytes()) != Said::Vouched {
            return doubt(false);
        }
        Ok(One::BeyondDoubt { cpu })
    }
}

/// Waits until something happens, at most until `wake`, and takes note of it.
fn look(supervisor: &Supervisor<'_>, live: &mut LiveRun<'_>, wake: Instant) -> Result<Looked, StepError> {
    let ready = live.wait(supervisor, wake)?;
    if ready.service {
        return Ok(Looked::Unwanted);
    }
    live.answer_calls(supervisor, &ready, 1)?;
    live.read_captures()?;
    if ready.child {
        live.note_ended_children(supervisor)?;
    }
    live.look_at_use();
    Ok(Looked::Seen)
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
