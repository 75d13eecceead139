//! One run: start the program, watch it, end everything it left, say what happened.

use std::{
    ffi::CString,
    fs, io,
    io::{Read, Write},
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    sync::OnceLock,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    fcntl::OFlag,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sched::CloneFlags,
    sys::{
        signal::{Signal, kill},
        signalfd::SignalFd,
    },
    unistd::{Pid, chdir, pipe2, setsid},
};

use super::{
    LimitHit,
    cell::{CellSetup, scratch_bytes},
    cgroup::{OomKill, SlotGroup},
    confined::ConfinedCell,
    forks::{self, Gate},
    protocol::{FaultReport, Job, JobRun, Program, Ran, WireLimits},
    rootfs::WORK_DIR,
    step::{StepError, io_step, step},
    sys, tree,
    watch::TreeWatch,
};
use crate::limits::Limits;

/// Descriptors as the driver in the cell finds them.
const CALL_FD: i32 = 3;
const RESULT_FD: i32 = 4;
const CODE_FD: i32 = 5;
const FIRST_UNUSED_FD: i32 = 6;
/// A function's result, and standard error, may be at least this large whatever the output limit.
const LEAST_CAPTURE_BYTES: u64 = 1 << 20;
/// How often it is looked whether a run computes or sleeps.
const READY_WATCH: Duration = Duration::from_millis(50);
/// A group's clock and what was reaped may differ by so much without a reason.
const GROUP_NOISE: Duration = Duration::from_millis(20);
/// How often the memory of the tree is looked at where no control group bounds it.
const MEMORY_WATCH: Duration = Duration::from_millis(4);
/// Open files per process.
const OPEN_FILES: u64 = 512;

/// Beyond the CPU limit, this share of it is allowed before the run is killed, so that a run just
/// over the limit ends by itself and its true cost is known (it is then measured again alone).
pub fn cpu_kill_after(cpu_ms: u64) -> Duration {
    Duration::from_millis(cpu_ms + cpu_ms / 8 + 10)
}

/// Where a run stands among those of its cell, for programs that can hand their compiled form on.
#[derive(Debug, Clone, Copy)]
pub enum Stage<'a> {
    /// There is nobody to hand it to.
    Only,
    /// Compiles, and sends the compiled form before it executes anything.
    First,
    /// Is given the compiled form.
    Later(&'a [u8]),
}

impl Stage<'_> {
    /// The driver's word for it.
    fn word(self) -> &'static str {
        match self {
            Stage::Only => "only",
            Stage::First => "first",
            Stage::Later(_) => "later",
        }
    }
}

/// Takes the compiled form from the front of a first run's result: `C`, four bytes of length, the
/// form. It comes from a process of the cell, and goes to no other than the same solution's.
pub fn take_code(result: &mut Vec<u8>) -> Option<Vec<u8>> {
    let rest = result.strip_prefix(b"C")?;
    let Some((length, rest)) = rest.split_first_chunk::<4>() else {
        result.clear();
        return None;
    };
    match rest.split_at_checked(u32::from_le_bytes(*length) as usize) {
        Some((code, record)) => {
            let (code, record) = (code.to_vec(), record.to_vec());
            *result = record;
            Some(code)
        }
        None => {
            result.clear();
            None
        }
    }
}

/// What all runs of a cell have in common.
pub struct Supervisor<'a> {
    pub socket: &'a UnixStream,
    /// Readable when a child has ended. SIGCHLD is blocked.
    pub children: &'a SignalFd,
    pub setup: &'a CellSetup<'a>,
    pub limits: WireLimits,
}

/// One stream coming out of the run.
struct Capture {
    pipe: Option<OwnedFd>,
    bytes: Vec<u8>,
    most: usize,
}

/// CPU time of a slot's control group, and of this process, which is in it.
struct GroupCpu {
    group: Duration,
    own: Duration,
}

impl GroupCpu {
    fn now(group: &SlotGroup) -> io::Result<GroupCpu> {
        Ok(GroupCpu { group: group.cpu_time()?, own: sys::process_cpu_time(Pid::this())? })
    }

    /// What everything but this process has used since then.
    fn since(&self, before: &GroupCpu) -> Duration {
        self.group.saturating_sub(before.group).saturating_sub(self.own.saturating_sub(before.own))
    }
}

/// A run in progress.
struct Watch {
    main: Pid,
    main_status: Option<i32>,
    captures: [Capture; 3],
    limit: Option<LimitHit>,
    /// CPU time of children already reaped.
    reaped_cpu: Duration,
    /// Of the slot's control group, when the run began.
    cpu_before: Option<GroupCpu>,
    max_rss_bytes: u64,
    /// Where there is no control group: what is looked at while the run lasts.
    tree: Option<TreeWatch>,
    /// Where the run must ask before it forks.
    gate: Option<Gate>,
}

/// Carries out one run. `Ok(None)` if the service wants no more of this cell.
pub fn carry_out(
    supervisor: &Supervisor<'_>,
    job: &Job,
    input: &JobRun,
    stage: Stage<'_>,
    begun: Instant,
) -> Result<Option<Ran>, StepError> {
    let stdin = io_step("store_stdin", || sys::sealed_file(&input.stdin))?;
    let call = match &input.call {
        Some(call) => Some(io_step("store_call", || sys::sealed_file(call))?),
        None => None,
    };
    let code = match stage {
        Stage::Later(code) => Some(io_step("store_code", || sys::sealed_file(code))?),
        Stage::Only | Stage::First => None,
    };
    let group = supervisor.setup.group.as_ref();
    let memory_base = match group {
        Some(group) => io_step("limit_memory", || group.limit_memory(supervisor.limits.memory_bytes))?,
        None => 0,
    };
    let peak_mark = group.map(|group| group.mark_peak());
    let oom_before = match group {
        Some(group) => Some(io_step("read_oom_events", || group.oom_count())?),
        None => None,
    };
    let mut watch = start(supervisor, job, stage, Inputs { stdin, call, code })?;
    watch.cpu_before = match group {
        Some(group) => Some(io_step("read_cpu_time", || GroupCpu::now(group))?),
        None => None,
    };
    let wanted = supervise(supervisor, &mut watch, begun)?;
    end_everything(supervisor, &mut watch)?;
    if !wanted {
        return Ok(None);
    }
    if let (Some(group), Some(before)) = (group, oom_before) {
        match io_step("read_oom_events", || group.oom_count())?.since(before) {
            None => {}
            Some(OomKill::OwnLimit) => watch.limit = Some(LimitHit::Memory),
            // Our neighbours' doing, or the host's: a fault, never a verdict.
            Some(OomKill::Elsewhere) => {
                return Err(StepError { step: "host_out_of_memory", errno: Errno::ENOMEM });
            }
        }
        if let Some(mark) = peak_mark
            && let Some(peak) = io_step("read_memory_peak", || group.peak_since(mark))?
        {
            watch.max_rss_bytes = watch.max_rss_bytes.max(peak.saturating_sub(memory_base));
        }
    }
    Ok(Some(watch.finish(supervisor, begun)?))
}

/// Files that a run reads.
struct Inputs {
    stdin: OwnedFd,
    call: Option<OwnedFd>,
    code: Option<OwnedFd>,
}

/// Starts the program with its pipes. Returns when it is executing.
fn start(
    supervisor: &Supervisor<'_>,
    job: &Job,
    stage: Stage<'_>,
    inputs: Inputs,
) -> Result<Watch, StepError> {
    let pipe = || step("make_pipe", || pipe2(OFlag::O_CLOEXEC));
    let (stdout, stderr, result) = (pipe()?, pipe()?, pipe()?);
    let (setup_read, setup_write) = pipe()?;
    let confined = supervisor.setup.confined.as_ref();
    let gate = match confined.is_some_and(|confined| confined.gates_forks) {
        true => Some(io_step("make_gate_pair", UnixStream::pair)?),
        false => None,
    };
    // A warm run goes on in this very process image, so the C library must know of the fork.
    let fork = || match &job.program {
        Program::Exec { .. } => sys::clone_process(CloneFlags::empty()),
        Program::Warm { .. } => sys::python::fork(),
    };
    let Some(main) = step("fork_run", fork)? else {
        let gate = gate.map(|(_, to_init)| to_init);
        let inherited = Inherited { inputs, stdout: stdout.1, stderr: stderr.1, result: result.1, gate };
        let error = become_program(supervisor, &job.program, stage, inherited);
        let report = postcard::to_stdvec(&FaultReport::from(error)).unwrap_or_default();
        let _ = fs::File::from(setup_write).write_all(&report);
        sys::exit_now(127);
    };
    drop(setup_write);
    let most = supervisor.limits.output_bytes as usize;
    let capture =
        |(read, _write): (OwnedFd, OwnedFd), most| Capture { pipe: Some(read), bytes: Vec::new(), most };
    let generous = most.max(LEAST_CAPTURE_BYTES as usize);
    let captures = [capture(stdout, most), capture(stderr, generous), capture(result, generous)];
    for capture in &captures {
        step("unblock_pipe", || capture.unblock())?;
    }
    // Closed by a successful exec; otherwise it tells which step failed.
    let mut report = Vec::new();
    io_step("await_exec", || fs::File::from(setup_read).read_to_end(&mut report))?;
    if !report.is_empty() {
        let fault: FaultReport = postcard::from_bytes(&report)
            .map_err(|_| StepError { step: "await_exec", errno: Errno::EPROTO })?;
        return Err(StepError { step: known_step(&fault.step), errno: Errno::from_raw(fault.errno) });
    }
    let gate = match gate {
        Some((from_run, _)) => Some(step("receive_fork_gate", || Gate::receive(&from_run))?),
        None => None,
    };
    Ok(Watch {
        main,
        main_status: None,
        captures,
        limit: None,
        reaped_cpu: Duration::ZERO,
        cpu_before: None,
        max_rss_bytes: 0,
        tree: supervisor.setup.group.is_none().then(|| {
            TreeWatch::new(match confined {
                Some(_) => || tree::descendants(Pid::this()),
                None => tree::others_in_namespace,
            })
        }),
        gate,
    })
}

struct Inherited {
    inputs: Inputs,
    stdout: OwnedFd,
    stderr: OwnedFd,
    result: OwnedFd,
    /// To the cell's init, where the run must ask it before it forks.
    gate: Option<UnixStream>,
}

/// In the forked child: gives up everything the program must not have, then becomes it.
/// Returns only on failure.
fn become_program(
    supervisor: &Supervisor<'_>,
    program: &Program,
    stage: Stage<'_>,
    inherited: Inherited,
) -> StepError {
    let limits = &supervisor.limits;
    let attempt = || -> Result<std::convert::Infallible, StepError> {
        step("run_session", setsid)?;
        let confined = supervisor.setup.confined.as_ref();
        let work = confined.map_or_else(|| WORK_DIR.into(), ConfinedCell::work_directory);
        step("run_directory", || chdir(&work))?;
        step("place_descriptors", || place_descriptors(&inherited))?;
        // As a program is that was executed: its own /proc files are its own, and the supervisor, which
        // counts what the tree uses through /proc, can see it.
        step("be_dumpable", || sys::prctl(libc::PR_SET_DUMPABLE, 1))?;
        match program {
            Program::Exec { .. } => sys::reset_signals(),
            // The interpreter's own dispositions stay: they are those it starts with.
            Program::Warm { .. } => {
                sys::unblock_signals();
                step("name_process", || sys::set_name(c"python3"))?;
            }
        }
        step("set_rlimits", || set_rlimits(limits, supervisor.setup))?;
        step("no_new_privileges", || sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1))?;
        match confined {
            Some(confined) => {
                confined.confine_run()?;
                step("drop_capabilities", sys::drop_held_capabilities)?;
            }
            None => step("drop_capabilities", sys::drop_capabilities)?,
        }
        if let Some(to_init) = &inherited.gate {
            step("install_fork_gate", || forks::install_gate(to_init))?;
        }
        let exec = match program {
            Program::Exec { argv, env } => Some(prepare_exec(argv, env, confined)?),
            Program::Warm { .. } => None,
        };
        if let Some(confined) = confined {
            confined.narrow_calls()?;
        }
        step("install_seccomp", || sys::install_seccomp(&supervisor.setup.seccomp))?;
        match (exec, program, supervisor.setup.run) {
            (Some((argv, env)), _, _) => step("exec", || Err(sys::exec(&argv[0], &argv, &env))),
            (None, Program::Warm { arguments }, Some(run)) => {
                // Also closes the pipe on which a failure would be told: this is the success.
                step("close_descriptors", || sys::close_from(FIRST_UNUSED_FD))?;
                run.run(arguments.iter().map(String::as_str).chain([stage.word()]))
            }
            _ => Err(StepError { step: "find_interpreter", errno: Errno::ENOENT }),
        }
    };
    match attempt() {
        Err(error) => error,
        Ok(never) => match never {},
    }
}

/// Arguments and environment as the kernel takes them. There is at least one argument.
fn prepare_exec(
    argv: &[String],
    env: &[String],
    confined: Option<&ConfinedCell>,
) -> Result<(Vec<CString>, Vec<CString>), StepError> {
    let strings = |list: &[String], resolve: fn(&ConfinedCell, &str) -> String| {
        let resolved =
            list.iter().map(|text| confined.map_or_else(|| text.clone(), |cell| resolve(cell, text)));
        resolved.map(CString::new).collect::<Result<Vec<_>, _>>()
    };
    let (argv, env) = (strings(argv, ConfinedCell::resolve), strings(env, ConfinedCell::resolve_variable));
    step("prepare_arguments", || match (argv, env) {
        (Ok(argv), Ok(env)) if !argv.is_empty() => Ok((argv, env)),
        _ => Err(Errno::EINVAL),
    })
}

/// 0 to 4 as the driver expects them; everything else closes on exec.
fn place_descriptors(inherited: &Inherited) -> Result<(), Errno> {
    // First out of the way, so that no target number is still a source.
    let high = |fd: &OwnedFd| sys::dup_above(fd.as_raw_fd(), 64);
    let stdin = high(&inherited.inputs.stdin)?;
    let stdout = high(&inherited.stdout)?;
    let stderr = high(&inherited.stderr)?;
    let result = high(&inherited.result)?;
    let call = inherited.inputs.call.as_ref().map(high).transpose()?;
    let code = inherited.inputs.code.as_ref().map(high).transpose()?;
    sys::dup_onto(stdin.as_raw_fd(), 0)?;
    sys::dup_onto(stdout.as_raw_fd(), 1)?;
    sys::dup_onto(stderr.as_raw_fd(), 2)?;
    sys::dup_onto(result.as_raw_fd(), RESULT_FD)?;
    for (file, number) in [(call, CALL_FD), (code, CODE_FD)] {
        match file {
            Some(file) => sys::dup_onto(file.as_raw_fd(), number)?,
            // Nothing of ours may be left at that number.
            None => sys::close_number(number),
        }
    }
    sys::close_on_exec_from(FIRST_UNUSED_FD)
}

fn set_rlimits(limits: &WireLimits, setup: &CellSetup<'_>) -> Result<(), Errno> {
    let same = |resource, value| sys::set_rlimit(resource, value, value);
    // A backstop behind the supervisor, per process and in whole seconds.
    let cpu_seconds = cpu_kill_after(limits.cpu_ms).as_secs() + 2;
    sys::set_rlimit(libc::RLIMIT_CPU, cpu_seconds, cpu_seconds + 1)?;
    same(libc::RLIMIT_FSIZE, limits.file_bytes)?;
    same(libc::RLIMIT_NOFILE, OPEN_FILES)?;
    // Counted per user namespace and id, so per cell; the init is one of them. Where forks are
    // gated the id is shared with others, and a count of it would mean nothing.
    if !setup.confined.as_ref().is_some_and(|confined| confined.gates_forks) {
        same(libc::RLIMIT_NPROC, limits.processes + 1)?;
    }
    same(libc::RLIMIT_STACK, limits.memory_bytes)?;
    // One byte: no file is written, and no program that the kernel's core pattern names is started,
    // which a limit of zero would not prevent.
    same(libc::RLIMIT_CORE, 1)?;
    same(libc::RLIMIT_MSGQUEUE, 0)?;
    same(libc::RLIMIT_MEMLOCK, 0)?;
    if setup.group.is_none() {
        // A burst between two looks at the tree is bounded too. Address space is not memory:
        // runtimes reserve far more than they use.
        same(libc::RLIMIT_AS, limits.memory_bytes.saturating_mul(4).saturating_add(1 << 30))?;
    }
    Ok(())
}

/// Watches until the program has ended or a limit is hit. `false` if the service wants it ended.
fn supervise(supervisor: &Supervisor<'_>, watch: &mut Watch, begun: Instant) -> Result<bool, StepError> {
    let limits = &supervisor.limits;
    let wall = Duration::from_millis(limits.wall_ms);
    let mut wall_end = begun + wall;
    // How long something of the run was ready to compute, by looking now and then.
    let (mut computing, mut last_look, mut next_look) = (Duration::ZERO, begun, begun + READY_WATCH * 2);
    let mut cpu_check = Instant::now() + least_time_to_use(cpu_kill_after(limits.cpu_ms));
    while watch.main_status.is_none() && watch.limit.is_none() {
        let mut wake = wall_end.min(cpu_check).min(next_look);
        if supervisor.setup.group.is_none() {
            wake = wake.min(Instant::now() + MEMORY_WATCH);
        }
        let ready = watch.wait(supervisor, wake)?;
        if ready.service {
            return Ok(false);
        }
        if ready.gate
            && let Some(gate) = &mut watch.gate
        {
            step("answer_fork", || gate.answer(Pid::this(), limits.processes))?;
        }
        watch.read_captures()?;
        if ready.child {
            while let Ok(Some(_)) = supervisor.children.read_signal() {}
            watch.reap()?;
        }
        let now = Instant::now();
        if now >= next_look {
            if is_ready(tree()) {
                computing += now - last_look;
            }
            last_look = now;
            next_look = now + READY_WATCH;
        }
        if now >= cpu_check && watch.main_status.is_none() {
            let used = watch.cpu_used(supervisor);
            let most = cpu_kill_after(limits.cpu_ms);
            if used >= most {
                watch.limit = Some(LimitHit::Cpu);
            }
            cpu_check = now + least_time_to_use(most.saturating_sub(used));
        }
        if now >= wall_end && watch.main_status.is_none() {
            // Other people's load is not the solution's time. It ends by its CPU limit if it computes.
            let waited = computing.saturating_sub(watch.cpu_used(supervisor));
            wall_end = begun + wall + waited.min(wall * (Limits::MOST_WALL_STRETCH - 1));
            if now >= wall_end {
                watch.limit = watch.limit.or(Some(LimitHit::Wall));
            }
        }
        if let Some(tree) = &mut watch.tree {
            let directory = supervisor.setup.confined.as_ref().map(|confined| &confined.directory);
            let over = tree.look(directory, limits, scratch_bytes(limits));
            watch.limit = watch.limit.or(over);
        }
    }
    Ok(true)
}

/// No tree can use that much CPU time sooner, however many of its threads run.
fn least_time_to_use(cpu: Duration) -> Duration {
    static CORES: OnceLock<u32> = OnceLock::new();
    let cores =
        CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32));
    (cpu / *cores).max(Duration::from_millis(1))
}

/// Kills and reaps everything in the cell but this process, and reads what is left in the pipes.
fn end_everything(supervisor: &Supervisor<'_>, watch: &mut Watch) -> Result<(), StepError> {
    loop {
        match &supervisor.setup.confined {
            Some(confined) => confined.kill_run()?,
            None => match kill(Pid::from_raw(-1), Signal::SIGKILL) {
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(errno) => return Err(StepError { step: "kill_run", errno }),
            },
        }
        match sys::reap_any(true) {
            Ok(Some(reaped)) => watch.count(&reaped),
            Ok(None) | Err(Errno::EINTR) => {}
            Err(Errno::ECHILD) => break,
            Err(errno) => return Err(StepError { step: "reap_run", errno }),
        }
    }
    watch.read_captures()
}

struct Ready {
    child: bool,
    service: bool,
    gate: bool,
}

impl Watch {
    fn wait(&self, supervisor: &Supervisor<'_>, wake: Instant) -> Result<Ready, StepError> {
        let timeout = wake.saturating_duration_since(Instant::now());
        // Rounded up, so that a wake-up is never early.
        let millis = timeout.as_micros().div_ceil(1000).min(60_000) as u16;
        let mut fds = vec![
            PollFd::new(supervisor.children.as_fd(), PollFlags::POLLIN),
            PollFd::new(supervisor.socket.as_fd(), PollFlags::POLLIN),
        ];
        let open: Vec<BorrowedFd<'_>> =
            self.captures.iter().filter_map(|capture| Some(capture.pipe.as_ref()?.as_fd())).collect();
        fds.extend(open.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)));
        // Last, and only looked at where there is one.
        fds.extend(self.gate.iter().map(|gate| PollFd::new(gate.as_fd(), PollFlags::POLLIN)));
        match poll(&mut fds, PollTimeout::from(millis)) {
            Ok(_) => {}
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(StepError { step: "watch_run", errno }),
        }
        let ready = |index: usize| fds[index].revents().is_some_and(|events| !events.is_empty());
        let asks = |fd: &PollFd<'_>| fd.revents().is_some_and(|events| events.contains(PollFlags::POLLIN));
        let gate = self.gate.is_some() && fds.last().is_some_and(asks);
        Ok(Ready { child: ready(0), service: ready(1), gate })
    }

    fn read_captures(&mut self) -> Result<(), StepError> {
        for capture in &mut self.captures {
            if io_step("read_output", || capture.read())? == CaptureState::Full {
                self.limit = self.limit.or(Some(LimitHit::Output));
            }
        }
        Ok(())
    }

    fn reap(&mut self) -> Result<(), StepError> {
        loop {
            match sys::reap_any(false) {
                Ok(Some(reaped)) => self.count(&reaped),
                Ok(None) | Err(Errno::ECHILD) => return Ok(()),
                Err(errno) => return Err(StepError { step: "reap_run", errno }),
            }
        }
    }

    fn count(&mut self, reaped: &sys::Reaped) {
        self.reaped_cpu += reaped.cpu;
        self.max_rss_bytes = self.max_rss_bytes.max(reaped.max_rss_bytes);
        if reaped.pid == self.main {
            self.main_status = Some(reaped.status);
        }
    }

    /// CPU time of the tree so far: of the group where there is one, else of what was reaped and
    /// of everything alive in this pid namespace.
    fn cpu_used(&mut self, supervisor: &Supervisor<'_>) -> Duration {
        if let Some(tree) = &mut self.tree {
            return tree.cpu_used(self.reaped_cpu);
        }
        if let (Some(group), Some(before)) = (&supervisor.setup.group, &self.cpu_before)
            && let Ok(now) = GroupCpu::now(group)
        {
            return now.since(before);
        }
        // A group whose clock cannot be read just now: what is known without it.
        self.reaped_cpu + sys::process_cpu_time(self.main).unwrap_or_default()
    }

    /// CPU time of the whole tree. What children used whom nobody waited for is known to the control
    /// group, or was seen while they lived.
    fn whole_cpu(&self, supervisor: &Supervisor<'_>) -> Result<Duration, StepError> {
        let (Some(group), Some(before)) = (&supervisor.setup.group, &self.cpu_before) else {
            return Ok(self.reaped_cpu.max(self.tree.as_ref().map_or(Duration::ZERO, TreeWatch::cpu_seen)));
        };
        let used = io_step("read_cpu_time", || GroupCpu::now(group))?.since(before);
        // What the kernel did to end the processes is the group's, too, and no solution's.
        let noise = self.reaped_cpu / 10 + GROUP_NOISE;
        Ok(if used > self.reaped_cpu + noise { used } else { self.reaped_cpu })
    }

    fn finish(self, supervisor: &Supervisor<'_>, begun: Instant) -> Result<Ran, StepError> {
        let cpu_us = self.whole_cpu(supervisor)?.as_micros() as u64;
        let over_cpu = cpu_us > supervisor.limits.cpu_ms * 1000;
        let [stdout, stderr, result] = self.captures.map(|capture| capture.bytes.into());
        Ok(Ran {
            status: self.main_status.unwrap_or(libc::SIGKILL),
            limit: self.limit.or(over_cpu.then_some(LimitHit::Cpu)),
            cpu_us,
            wall_us: begun.elapsed().as_micros() as u64,
            memory_bytes: self.max_rss_bytes.max(self.tree.as_ref().map_or(0, TreeWatch::peak_bytes)),
            stdout,
            stderr,
            result,
        })
    }
}

#[derive(PartialEq, Eq)]
enum CaptureState {
    Open,
    /// More came than may be kept.
    Full,
}

impl Capture {
    fn unblock(&self) -> Result<(), Errno> {
        match &self.pipe {
            Some(pipe) => sys::set_nonblocking(pipe.as_raw_fd()),
            None => Ok(()),
        }
    }

    /// Takes what is there. Closes the pipe at its end and when it is full.
    fn read(&mut self) -> io::Result<CaptureState> {
        let Some(pipe) = &self.pipe else { return Ok(CaptureState::Open) };
        let mut chunk = [0u8; 16_384];
        loop {
            match nix::unistd::read(pipe, &mut chunk) {
                Ok(0) => break,
                Ok(length) => {
                    let room = self.most - self.bytes.len();
                    self.bytes.extend_from_slice(&chunk[..length.min(room)]);
                    if length > room {
                        self.pipe = None;
                        return Ok(CaptureState::Full);
                    }
                }
                Err(Errno::EAGAIN) => return Ok(CaptureState::Open),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        self.pipe = None;
        Ok(CaptureState::Open)
    }
}

/// Whether any thread of the run computes or would if it had a core.
fn is_ready(processes: impl Iterator<Item = Pid>) -> bool {
    let runs = |thread: fs::DirEntry| {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // The name stands in parentheses and may hold anything.
        stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('R'))
    };
    processes
        .flat_map(|pid| fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten())
        .any(runs)
}

/// Every process of the run that is alive: all of this pid namespace but its init.
fn tree() -> impl Iterator<Item = Pid> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| *pid > 1)
        .map(Pid::from_raw)
}

/// The static name of a step that came over a pipe.
fn known_step(name: &str) -> &'static str {
    const RUN_STEPS: [&str; 17] = [
        "name_process",
        "be_dumpable",
        "die_with_init",
        "restrict_by_landlock",
        "install_fork_gate",
        "narrow_calls",
        "close_descriptors",
        "find_interpreter",
        "run_session",
        "run_directory",
        "place_descriptors",
        "set_rlimits",
        "drop_capabilities",
        "no_new_privileges",
        "prepare_arguments",
        "install_seccomp",
        "exec",
    ];
    RUN_STEPS.into_iter().find(|known| *known == name).unwrap_or("become_program")
}

#[cfg(test)]
mod tests {
    use super::take_code;

    #[test]
    fn compiled_form_is_taken_from_the_front_only() {
        let check = |result: &[u8], code: Option<&[u8]>, left: &[u8]| {
            let mut result = result.to_vec();
            assert_eq!(take_code(&mut result).as_deref(), code);
            assert_eq!(result, left);
        };
        check(b"", None, b"");
        check(b"(record", None, b"(record");
        check(b"C\x02\0\0\0ab(record", Some(b"ab"), b"(record");
        check(b"C\x02\0\0\0ab", Some(b"ab"), b"");
        // Cut short by a run that was killed while it wrote: neither code nor a record.
        check(b"C\x02\0\0\0a", None, b"");
        check(b"C\x02\0", None, b"");
    }
}
