//! Watching a run until it has ended or a limit is hit, and ending everything it left.

use std::{
    fs,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    unistd::Pid,
};
use serde_bytes::Bytes;

use super::{
    capture::{Capture, CaptureState, HeldStream},
    context::{Supervisor, least_time_to_use},
};
use crate::{
    limits::Limits,
    sandbox::{
        job::LimitHit,
        native::{
            messages::{
                frames::read_message,
                slot_messages::{Ask, Ran, WireLimits},
                step::{StepError, io_step, step},
            },
            walls::{call_gate::Gate, meter::Meter},
        },
        sys::{self, unforked::Unforked},
    },
};

/// How often it is looked whether a run computes or sleeps.
const READY_WATCH: Duration = Duration::from_millis(50);

/// A run in progress.
pub struct LiveRun<'r> {
    pub main: Pid,
    pub main_status: Option<i32>,
    /// Whether what the run's other processes write counts, too: its standard output is its answer.
    pub awaits_output: bool,
    pub captures: [Capture<'r>; 3],
    pub limit: Option<LimitHit>,
    /// CPU time of children already reaped.
    pub reaped_cpu: Duration,
    pub max_rss_bytes: u64,
    pub meter: Meter<'r>,
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
    live: &mut LiveRun<'_>,
    begun: Instant,
) -> Result<bool, StepError> {
    let mut looks = Looks::new(&supervisor.limits, begun);
    while !live.is_over() && live.limit.is_none() {
        let ready = live.wait(supervisor, looks.next())?;
        live.answer_calls(supervisor, &ready, supervisor.limits.processes)?;
        live.read_captures()?;
        if ready.child {
            live.note_ended_children(supervisor)?;
        }
        // An end that came first is the one that is reported.
        if ready.service && !(live.main_status.is_some() && live.held.is_some()) {
            match read_message::<Ask>(&mut { supervisor.socket }) {
                Ok(Ask::End) => break,
                _ => return Ok(false),
            }
        }
        looks.look(supervisor, live);
        live.look_at_use();
    }
    live.note_end()?;
    Ok(true)
}

/// When a run is to be looked at, and what earlier looks showed.
struct Looks {
    begun: Instant,
    /// When the wall limit is hit, as far as is known.
    wall_end: Instant,
    next_cpu: Instant,
    last_computing: Instant,
    next_computing: Instant,
    /// How long something of the run was ready to compute.
    computing: Duration,
}

impl Looks {
    fn new(limits: &WireLimits, begun: Instant) -> Looks {
        Looks {
            begun,
            wall_end: begun + Duration::from_millis(limits.wall_ms),
            next_cpu: Instant::now() + least_time_to_use(limits.cpu_kill_after()),
            last_computing: begun,
            next_computing: begun + READY_WATCH * 2,
            computing: Duration::ZERO,
        }
    }

    fn next(&self) -> Instant {
        self.wall_end.min(self.next_cpu).min(self.next_computing)
    }

    /// Takes the looks that are due.
    fn look(&mut self, supervisor: &Supervisor<'_>, live: &mut LiveRun<'_>) {
        let now = Instant::now();
        if now >= self.next_computing {
            let living = supervisor.setup.enclosure.living();
            if live.held.as_mut().is_some_and(|held| held.is_let_go(&living)) {
                live.held = None;
            }
            if is_ready(living) {
                self.computing += now - self.last_computing;
            }
            self.last_computing = now;
            self.next_computing = now + READY_WATCH;
        }
        if now >= self.next_cpu && !live.is_over() {
            let used = live.cpu_used();
            let most = supervisor.limits.cpu_kill_after();
            if used >= most {
                live.limit = Some(LimitHit::Cpu);
            }
            self.next_cpu = now + least_time_to_use(most.saturating_sub(used));
        }
        if now >= self.wall_end && !live.is_over() {
            // Other people's load is not the solution's time. It ends by its CPU limit if it computes.
            let wall = Duration::from_millis(supervisor.limits.wall_ms);
            let waited = self.computing.saturating_sub(live.cpu_used());
            self.wall_end = self.begun + wall + waited.min(wall * (Limits::MOST_WALL_STRETCH - 1));
            if now >= self.wall_end {
                live.limit = live.limit.or(Some(LimitHit::Wall));
            }
        }
    }
}

/// Kills and reaps everything in the cell but this process, and reads what is left in the pipes.
pub fn end_everything(supervisor: &Supervisor<'_>, live: &mut LiveRun<'_>) -> Result<(), StepError> {
    // Whoever lost his parent is a child of this process, so without a child there is nobody. To look for somebody to kill
    // would be to look at every process of the host.
    let mut block = false;
    loop {
        match sys::reap_any(block) {
            Ok(Some(reaped)) => live.count(&reaped),
            Ok(None) | Err(Errno::EINTR) => {}
            Err(Errno::ECHILD) => break,
            Err(errno) => return Err(StepError { step: "reap_run", errno }),
        }
        supervisor.setup.enclosure.kill_run()?;
        block = true;
    }
    live.read_captures()
}

/// What has something to say.
pub struct Wakeup {
    pub child: bool,
    pub service: bool,
    gate: bool,
}

impl<'r> LiveRun<'r> {
    /// Waits until something happens, at most until `wake` or until something else must be looked at.
    pub fn wait(&mut self, supervisor: &Supervisor<'_>, mut wake: Instant) -> Result<Wakeup, StepError> {
        if let Some(every) = self.meter.look_every() {
            wake = wake.min(Instant::now() + every);
        }
        if let Some(look) = self.gate.as_ref().and_then(Gate::next_look) {
            wake = wake.min(look);
        }
        let timeout = wake.saturating_duration_since(Instant::now());
        // Rounded up, so that a wake-up is never early.
        let millis = timeout.as_micros().div_ceil(1000).min(60_000) as u16;
        let mut fds = vec![
            PollFd::new(supervisor.children.as_fd(), PollFlags::POLLIN),
            PollFd::new(supervisor.socket.as_fd(), PollFlags::POLLIN),
        ];
        let open: Vec<BorrowedFd<'_>> = self.captures.iter().filter_map(Capture::as_fd).collect();
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
        let ready = Wakeup { child: ready(0), service: ready(1), gate: at_gate.contains(PollFlags::POLLIN) };
        if !at_gate.is_empty() && !ready.gate {
            // Nobody is left who could ask: the run's last process is ending, which takes it a while. To be told so
            // again and again would keep this one busy until then.
            self.gate = None;
        }
        Ok(ready)
    }

    /// Answers what the run has asked for. `most_processes`: that it may have.
    pub fn answer_calls(
        &mut self,
        supervisor: &Supervisor<'_>,
        ready: &Wakeup,
        most_processes: u64,
    ) -> Result<(), StepError> {
        let Some(gate) = &mut self.gate else { return Ok(()) };
        step("answer_run", || gate.look_again())?;
        if ready.gate {
            step("answer_run", || gate.answer(&supervisor.own_files, most_processes))?;
        }
        Ok(())
    }

    /// A run is over when its first process has ended; where that ended well and what it wrote is its answer, when
    /// nobody is left who could write more. A shell's pipe is read so, too: anything else would leave it to chance
    /// what a child's output is worth.
    fn is_over(&self) -> bool {
        let may_write = self.awaits_output && self.captures[0].is_open();
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

    /// Reaps the children that have ended.
    pub fn note_ended_children(&mut self, supervisor: &Supervisor<'_>) -> Result<(), StepError> {
        while let Ok(Some(_)) = supervisor.children.read_signal() {}
        loop {
            match sys::reap_any(false) {
                Ok(Some(reaped)) => self.count(&reaped),
                Ok(None) | Err(Errno::ECHILD) => break,
                Err(errno) => return Err(StepError { step: "reap_run", errno }),
            }
        }
        // All that the first process wrote, it wrote before its end.
        if self.main_status.is_some() { self.read_captures() } else { Ok(()) }
    }

    fn count(&mut self, reaped: &sys::Reaped) {
        self.reaped_cpu += reaped.cpu;
        self.max_rss_bytes = self.max_rss_bytes.max(reaped.max_rss_bytes);
        if reaped.pid == self.main {
            self.main_status = Some(reaped.status);
        }
    }

    /// Notes the limit that the run's use is over, where it must be looked at.
    pub fn look_at_use(&mut self) {
        let over = self.meter.look();
        self.limit = self.limit.or(over);
    }

    fn cpu_used(&mut self) -> Duration {
        self.meter.cpu_used(self.reaped_cpu, self.main)
    }

    /// Notes that it has ended, or is to be ended, now.
    fn note_end(&mut self) -> Result<(), StepError> {
        self.ended_us = Some(sys::monotonic_us());
        if let Some(inbox) = self.inbox.take() {
            let mut fds = [PollFd::new(inbox.as_fd(), PollFlags::POLLIN)];
            step("look_at_inbox", || poll(&mut fds, PollTimeout::ZERO))?;
            self.left_unread = fds[0].revents().is_some_and(|events| events.contains(PollFlags::POLLIN));
        }
        // Only now does the other side see that it ends, and may say something on that.
        self.held = None;
        Ok(())
    }

    /// What is reported of a run of which nothing is left.
    pub fn finish(self, limits: &WireLimits, begun: Instant) -> Result<Ran<&'r Bytes, Unforked>, StepError> {
        let cpu_us = self.meter.whole_cpu(self.reaped_cpu)?.as_micros() as u64;
        let over_cpu = (cpu_us > limits.cpu_ms * 1000).then_some(LimitHit::Cpu);
        let memory_bytes = self.max_rss_bytes.max(self.meter.peak_bytes()?);
        // A group's limit is set above what was in use when the run began. Some of that may become free, and pages
        // that were charged before are not charged again: what was used is the measure, or chance would be.
        let over_memory = (memory_bytes > limits.memory_bytes).then_some(LimitHit::Memory);
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
