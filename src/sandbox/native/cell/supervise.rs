//! Watching a run until it has ended or a limit is hit, and ending everything it left.

use std::{
    fs, io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    sync::OnceLock,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_bytes::Bytes;

use super::{
    init::scratch_bytes,
    run::{Supervisor, cpu_kill_after},
};
use crate::{
    limits::Limits,
    sandbox::{
        LimitHit,
        native::{
            messages::{
                protocol::{Ask, Ran, read_message},
                step::{StepError, io_step, step},
            },
            walls::{call_gate::Gate, cgroup::SlotGroup, processes, usage::TreeWatch},
        },
        sys::{self, unforked::Unforked},
    },
};

/// How often it is looked whether a run computes or sleeps.
const READY_WATCH: Duration = Duration::from_millis(50);
/// A group's clock and what was reaped may differ by so much without a reason.
const GROUP_NOISE: Duration = Duration::from_millis(20);
/// How often the memory of the tree is looked at where no control group bounds it.
pub const MEMORY_WATCH: Duration = Duration::from_millis(4);

/// One stream coming out of the run.
pub struct Capture<'b> {
    pipe: Option<OwnedFd>,
    /// Has room for one byte more than may be kept.
    bytes: &'b mut Unforked,
    most: usize,
}

/// The end of a link that a run writes to. Held until the run's end has been noted, so that the other side
/// cannot see that end, react to it and seem to have ended first; or until the run has closed it and goes on.
pub struct HeldStream {
    _stream: OwnedFd,
    /// As links below /proc show it.
    name: String,
    seen_closed: bool,
}

impl HeldStream {
    pub fn new(stream: OwnedFd) -> io::Result<HeldStream> {
        let name = format!("pipe:[{}]", nix::sys::stat::fstat(&stream)?.st_ino);
        Ok(HeldStream { _stream: stream, name, seen_closed: false })
    }

    /// Whether at two looks in succession none of these processes had it. At a single one they may just be ending.
    fn is_let_go(&mut self, living: &[Pid]) -> bool {
        let is_closed = !living.is_empty() && !living.iter().any(|process| self.is_open_in(*process));
        std::mem::replace(&mut self.seen_closed, is_closed) && is_closed
    }

    /// What cannot be seen counts as open.
    fn is_open_in(&self, process: Pid) -> bool {
        let Ok(entries) = fs::read_dir(format!("/proc/{process}/fd")) else { return true };
        let mut targets = entries.map(|entry| fs::read_link(entry?.path()));
        targets.any(|target| target.is_ok_and(|target| target.as_os_str() == self.name.as_str()))
    }
}

/// CPU time of a slot's control group, and of this process, which is in it.
pub struct GroupCpu {
    pub group: Duration,
    pub own: Duration,
}

impl GroupCpu {
    pub fn now(group: &SlotGroup) -> io::Result<GroupCpu> {
        Ok(GroupCpu { group: group.cpu_time()?, own: sys::process_cpu_time(Pid::this())? })
    }

    /// What everything but this process has used since then.
    pub fn since(&self, before: &GroupCpu) -> Duration {
        self.group.saturating_sub(before.group).saturating_sub(self.own.saturating_sub(before.own))
    }
}

/// A run in progress.
pub struct Watch<'b> {
    pub main: Pid,
    pub main_status: Option<i32>,
    /// Whether what the run's other processes write counts, too: its standard output is its answer.
    pub awaits_output: bool,
    pub captures: [Capture<'b>; 3],
    pub limit: Option<LimitHit>,
    /// CPU time of children already reaped.
    pub reaped_cpu: Duration,
    /// Of the slot's control group, when the run began.
    pub cpu_before: Option<GroupCpu>,
    pub max_rss_bytes: u64,
    /// Where there is no control group: what is looked at while the run lasts.
    pub tree: Option<TreeWatch>,
    /// Size of the files that the run was given, which are not its own use.
    pub given_bytes: u64,
    /// When it had ended or was to be ended, on the machine's monotonic clock.
    pub ended_us: Option<u64>,
    pub held: Option<HeldStream>,
    /// The end of a link that the run reads from; and whether there was something in it when the run ended.
    pub inbox: Option<OwnedFd>,
    pub left_unread: bool,
    /// Where the run asks for what it may not do unasked.
    pub gate: Option<Gate>,
}

/// Watches until the run is over, a limit is hit or the service wants the run ended. `false` if it
/// wants nothing more of it.
pub fn supervise(
    supervisor: &Supervisor<'_>,
    watch: &mut Watch<'_>,
    begun: Instant,
) -> Result<bool, StepError> {
    let limits = &supervisor.limits;
    let wall = Duration::from_millis(limits.wall_ms);
    let mut wall_end = begun + wall;
    // How long something of the run was ready to compute, by looking now and then.
    let (mut computing, mut last_look, mut next_look) = (Duration::ZERO, begun, begun + READY_WATCH * 2);
    let mut cpu_check = Instant::now() + least_time_to_use(cpu_kill_after(limits.cpu_ms));
    while !watch.is_over() && watch.limit.is_none() {
        let mut wake = wall_end.min(cpu_check).min(next_look);
        if supervisor.setup.group.is_none() {
            wake = wake.min(Instant::now() + MEMORY_WATCH);
        }
        if let Some(look) = watch.gate.as_ref().and_then(Gate::next_look) {
            wake = wake.min(look);
        }
        let ready = watch.wait(supervisor, wake)?;
        if let Some(gate) = &mut watch.gate {
            step("answer_run", || gate.look_again())?;
            if ready.gate {
                step("answer_run", || gate.answer(&supervisor.own_files, limits.processes))?;
            }
        }
        watch.read_captures()?;
        if ready.child {
            while let Ok(Some(_)) = supervisor.children.read_signal() {}
            watch.reap()?;
            if watch.main_status.is_some() {
                watch.read_captures()?;
            }
        }
        // An end that came first is the one that is reported.
        if ready.service && !(watch.main_status.is_some() && watch.held.is_some()) {
            match read_message::<Ask>(&mut { supervisor.socket }) {
                Ok(Ask::End) => break,
                _ => return Ok(false),
            }
        }
        let now = Instant::now();
        if now >= next_look {
            let living = match &supervisor.setup.confined {
                // Without a pid namespace the others in sight are strangers, whose load is not the run's.
                Some(_) => processes::descendants(Pid::this()),
                None => processes::others_in_namespace(),
            };
            if watch.held.as_mut().is_some_and(|held| held.is_let_go(&living)) {
                watch.held = None;
            }
            if is_ready(living) {
                computing += now - last_look;
            }
            last_look = now;
            next_look = now + READY_WATCH;
        }
        if now >= cpu_check && !watch.is_over() {
            let used = watch.cpu_used(supervisor);
            let most = cpu_kill_after(limits.cpu_ms);
            if used >= most {
                watch.limit = Some(LimitHit::Cpu);
            }
            cpu_check = now + least_time_to_use(most.saturating_sub(used));
        }
        if now >= wall_end && !watch.is_over() {
            // Other people's load is not the solution's time. It ends by its CPU limit if it computes.
            let waited = computing.saturating_sub(watch.cpu_used(supervisor));
            wall_end = begun + wall + waited.min(wall * (Limits::MOST_WALL_STRETCH - 1));
            if now >= wall_end {
                watch.limit = watch.limit.or(Some(LimitHit::Wall));
            }
        }
        if let Some(tree) = &mut watch.tree {
            let directory = supervisor.setup.confined.as_ref().map(|confined| &confined.directory);
            let over = tree.look(directory, limits, scratch_bytes(limits), watch.given_bytes);
            watch.limit = watch.limit.or(over);
        }
    }
    watch.ended_us = Some(sys::monotonic_us());
    if let Some(inbox) = watch.inbox.take() {
        let mut fds = [PollFd::new(inbox.as_fd(), PollFlags::POLLIN)];
        step("look_at_inbox", || poll(&mut fds, PollTimeout::ZERO))?;
        watch.left_unread = fds[0].revents().is_some_and(|events| events.contains(PollFlags::POLLIN));
    }
    // Only now does the other side see that it ends, and may say something on that.
    watch.held = None;
    Ok(true)
}

/// Cores that a run may use at once. Asking costs as much as a twentieth of a run and is done once in a
/// slot process; cells inherit the answer.
pub fn cores() -> u32 {
    static CORES: OnceLock<u32> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32))
}

/// No tree can use that much CPU time sooner, however many of its threads run.
pub fn least_time_to_use(cpu: Duration) -> Duration {
    (cpu / cores()).max(Duration::from_millis(1))
}

/// Kills and reaps everything in the cell but this process, and reads what is left in the pipes.
pub fn end_everything(supervisor: &Supervisor<'_>, watch: &mut Watch) -> Result<(), StepError> {
    // Whoever lost his parent is a child of this process, so without a child there is nobody. To look for somebody to kill
    // would be to look at every process of the host.
    let mut block = false;
    loop {
        match sys::reap_any(block) {
            Ok(Some(reaped)) => watch.count(&reaped),
            Ok(None) | Err(Errno::EINTR) => {}
            Err(Errno::ECHILD) => break,
            Err(errno) => return Err(StepError { step: "reap_run", errno }),
        }
        match &supervisor.setup.confined {
            Some(confined) => confined.kill_run()?,
            None => match kill(Pid::from_raw(-1), Signal::SIGKILL) {
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(errno) => return Err(StepError { step: "kill_run", errno }),
            },
        }
        block = true;
    }
    watch.read_captures()
}

pub struct Ready {
    pub child: bool,
    pub service: bool,
    pub gate: bool,
}

impl<'b> Watch<'b> {
    pub fn wait(&mut self, supervisor: &Supervisor<'_>, wake: Instant) -> Result<Ready, StepError> {
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
        let at_gate = fds
            .last()
            .filter(|_| self.gate.is_some())
            .and_then(PollFd::revents)
            .unwrap_or(PollFlags::empty());
        let ready = Ready { child: ready(0), service: ready(1), gate: at_gate.contains(PollFlags::POLLIN) };
        if !at_gate.is_empty() && !ready.gate {
            // Nobody is left who could ask: the run's last process is ending, which takes it a while. To be told so
            // again and again would keep this one busy until then.
            self.gate = None;
        }
        Ok(ready)
    }

    /// A run is over when its first process has ended; where that ended well and what it wrote is its answer, when
    /// nobody is left who could write more. A shell's pipe is read so, too: anything else would leave it to chance
    /// what a child's output is worth.
    fn is_over(&self) -> bool {
        let may_write = self.awaits_output && self.captures[0].pipe.is_some();
        self.main_status.is_some_and(|status| status != 0 || !may_write)
    }

    pub fn read_captures(&mut self) -> Result<(), StepError> {
        for capture in &mut self.captures {
            if io_step("read_output", || capture.read())? == CaptureState::Full {
                self.limit = self.limit.or(Some(LimitHit::Output));
            }
        }
        Ok(())
    }

    pub fn reap(&mut self) -> Result<(), StepError> {
        loop {
            match sys::reap_any(false) {
                Ok(Some(reaped)) => self.count(&reaped),
                Ok(None) | Err(Errno::ECHILD) => return Ok(()),
                Err(errno) => return Err(StepError { step: "reap_run", errno }),
            }
        }
    }

    pub fn count(&mut self, reaped: &sys::Reaped) {
        self.reaped_cpu += reaped.cpu;
        self.max_rss_bytes = self.max_rss_bytes.max(reaped.max_rss_bytes);
        if reaped.pid == self.main {
            self.main_status = Some(reaped.status);
        }
    }

    /// CPU time of the tree so far: of the group where there is one, else of what was reaped and
    /// of everything alive in this pid namespace.
    pub fn cpu_used(&mut self, supervisor: &Supervisor<'_>) -> Duration {
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
    pub fn whole_cpu(&self, supervisor: &Supervisor<'_>) -> Result<Duration, StepError> {
        let (Some(group), Some(before)) = (&supervisor.setup.group, &self.cpu_before) else {
            return Ok(self.reaped_cpu.max(self.tree.as_ref().map_or(Duration::ZERO, TreeWatch::cpu_seen)));
        };
        let used = io_step("read_cpu_time", || GroupCpu::now(group))?.since(before);
        // What the kernel did to end the processes is the group's, too, and no solution's.
        let noise = self.reaped_cpu / 10 + GROUP_NOISE;
        Ok(if used > self.reaped_cpu + noise { used } else { self.reaped_cpu })
    }

    pub fn finish(
        self,
        supervisor: &Supervisor<'_>,
        begun: Instant,
    ) -> Result<Ran<&'b Bytes, Unforked>, StepError> {
        let cpu_us = self.whole_cpu(supervisor)?.as_micros() as u64;
        let over_cpu = (cpu_us > supervisor.limits.cpu_ms * 1000).then_some(LimitHit::Cpu);
        let memory_bytes = self.max_rss_bytes.max(self.tree.as_ref().map_or(0, TreeWatch::peak_bytes));
        // A group's limit is set above what was in use when the run began. Some of that may become free, and pages
        // that were charged before are not charged again: what was used is the measure, or chance would be.
        let over_memory = (memory_bytes > supervisor.limits.memory_bytes).then_some(LimitHit::Memory);
        let [stdout, stderr, result] = self.captures.map(Capture::into_bytes);
        Ok(Ran {
            status: self.main_status.unwrap_or(libc::SIGKILL),
            limit: self.limit.or(over_memory).or(over_cpu),
            cpu_us,
            wall_us: begun.elapsed().as_micros() as u64,
            memory_bytes,
            stdout,
            stderr,
            result,
            files: Vec::new(),
            in_series: false,
            ended_us: self.ended_us.unwrap_or_else(sys::monotonic_us),
            left_unread: self.left_unread,
        })
    }
}

#[derive(PartialEq, Eq)]
pub enum CaptureState {
    Open,
    /// More came than may be kept.
    Full,
}

impl<'b> Capture<'b> {
    /// `bytes`: with room for `most` bytes and one more.
    pub fn new(pipe: Option<OwnedFd>, bytes: &'b mut Unforked, most: usize) -> Capture<'b> {
        bytes.clear();
        Capture { pipe, bytes, most }
    }

    pub fn unblock(&self) -> Result<(), Errno> {
        match &self.pipe {
            Some(pipe) => sys::set_nonblocking(pipe.as_raw_fd()),
            None => Ok(()),
        }
    }

    /// Takes what is there. Closes the pipe at its end and when it is full.
    pub fn read(&mut self) -> io::Result<CaptureState> {
        let Some(pipe) = &self.pipe else { return Ok(CaptureState::Open) };
        loop {
            match self.bytes.append_from(pipe.as_fd()) {
                Ok(0) => break,
                Ok(_) if self.bytes.len() > self.most => {
                    self.bytes.truncate(self.most);
                    self.pipe = None;
                    return Ok(CaptureState::Full);
                }
                Ok(_) => {}
                Err(Errno::EAGAIN) => return Ok(CaptureState::Open),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        self.pipe = None;
        Ok(CaptureState::Open)
    }

    /// What has come so far.
    pub fn bytes(&self) -> &Bytes {
        Bytes::new(self.bytes)
    }

    /// Forgets what has come so far.
    pub fn begin_anew(&mut self) {
        self.bytes.clear();
    }

    fn into_bytes(self) -> &'b Bytes {
        Bytes::new(self.bytes)
    }
}

/// Whether any thread of the run computes or would if it had a core.
fn is_ready(processes: Vec<Pid>) -> bool {
    let runs = |thread: fs::DirEntry| {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // The name stands in parentheses and may hold anything.
        stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('R'))
    };
    processes
        .into_iter()
        .flat_map(|pid| fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten())
        .any(runs)
}
