//! The service's side: launchers started and replaced, slots lent, outcomes read.

use std::{
    collections::HashMap,
    io::{self, IoSlice},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::{net::UnixStream as StdUnixStream, process::ExitStatusExt},
    },
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};

use super::{
    End, Fault, Job, LimitHit, Outcome, Tier, Usage,
    protocol::{
        self, Ask, CgroupInfo, CgroupKind, FaultReport, ImageSetup, JobRun, LauncherSetup, Open, Ran, Reply,
        WarmSetup, decode, frame_length, read_message, write_message,
    },
};
use crate::{admission::Place, limits::Limits};

/// How long a launcher may take to come up.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How much later than its wall limit a run may be reported before the cell counts as lost.
const REPORT_GRACE: Duration = Duration::from_secs(20);
/// How long a slot process may take to accept a job.
const SEND_GRACE: Duration = Duration::from_secs(30);
/// How long a stopped cell may take to be gone before its slot process is given up.
const CLOSE_GRACE: Duration = Duration::from_secs(10);

/// How long a process that has closed its end is listened to.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// How the sandbox is set up.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    pub slots: usize,
    /// Tiers to try, in this order.
    pub tiers: Vec<Tier>,
    /// Where cells' directories are made in tiers without mounts; `None`: where the host has room.
    pub scratch_dir: Option<PathBuf>,
    /// The proofbox program, re-executed for launchers.
    pub program: PathBuf,
    /// Whether control groups may be used where they can be.
    pub use_cgroups: bool,
    /// A set-up step made to fail with an errno; for tests of what happens then.
    pub fail_step: Option<(String, i32)>,
}

/// What one launcher is to be.
#[derive(Debug, Clone)]
pub struct LauncherConfig {
    /// By which name jobs find it.
    pub name: String,
    pub image: ImageSetup,
    /// The interpreter to keep loaded, if any.
    pub warm: Option<WarmSetup>,
    /// Whether it is started when it is first needed. The tier is proved by those that are not.
    pub at_first_use: bool,
}

/// The sandbox could not be started: this host cannot give every guarantee.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot start the launcher {launcher}: {source}")]
    Spawn { launcher: String, source: io::Error },
    #[error("the launcher {launcher} cannot make cells: {fault}\n{}", remedy(&.fault.step))]
    Refused { launcher: String, fault: Fault },
    #[error("no tier of isolation can be given here{}{}", nothing_tried(refusals), refusals.iter().map(ToString::to_string).collect::<String>())]
    NoTier { refusals: Vec<Refusal> },
}

/// A tier that this host cannot give, and why.
#[derive(Debug, thiserror::Error)]
#[error("\n{}: {source}", tier.as_str())]
pub struct Refusal {
    pub tier: Tier,
    pub source: Box<StartError>,
}

fn nothing_tried(refusals: &[Refusal]) -> &'static str {
    match refusals.is_empty() {
        true => ": the tier asked for is weaker than the weakest to accept (--min-tier)",
        false => "",
    }
}

/// What to do about a set-up step that this host refuses.
fn remedy(step: &str) -> &'static str {
    match step {
        "clone_launcher" | "unshare_user" | "clone_cell" | "map_uids" | "map_gids" => {
            "remedy: namespaces are refused here. As an ordinary user: sysctl -w \
             kernel.unprivileged_userns_clone=1 (Debian), sysctl -w \
             kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), and user.max_user_namespaces above 0. \
             In a container: allow unshare and mount in its seccomp profile, or run on the host"
        }
        "mount_root" | "bind_image" | "seal_image" | "mount_launcher_proc" | "pivot_root" | "mount_proc" => {
            "remedy: mounting is refused here. In a container: allow mount in its seccomp and AppArmor \
             profiles and unmask /proc; kernel 5.12 or newer is needed"
        }
        "find_landlock" | "find_landlock_scopes" => {
            "remedy: Linux 6.12 or newer, with Landlock among its security modules (/sys/kernel/security/lsm) \
             and allowed by the container's seccomp profile (Docker 24 or newer)"
        }
        "find_scratch_place" | "make_scratch_place" => {
            "remedy: give cells a writable directory with 32 MiB free for each slot: docker run --tmpfs /tmp or \
             --shm-size 256m, or name one with --scratch-dir"
        }
        "become_slot_id"
        | "leave_groups"
        | "give_slot_directory"
        | "signal_cell"
        | "use_scratch"
        | "find_slot_ids"
        | "drop_bounding_set" => {
            "remedy: as root cells need the capabilities CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETPCAP and SETUID, \
             which Docker gives by default; or start proofbox as an ordinary user"
        }
        "install_fork_gate" => {
            "remedy: whoever started this container listens to its system calls already, and a process can \
             have one listener only; start proofbox as root of the container"
        }
        "open_granted_path" => {
            "remedy: the interpreter, or something that it needs, is in a directory that the cells' user \
             cannot enter; name another with --python"
        }
        "fit_tier_to_user" => "remedy: the tier slot is for root, the tier restricted for everybody else",
        "find_children_lists" => "remedy: a kernel built with CONFIG_PROC_CHILDREN, and /proc mounted",
        _ => "run `proofbox doctor` for what this host offers",
    }
}

/// Launchers by image name.
#[derive(Debug)]
pub struct Sandbox {
    tier: Tier,
    /// Tiers that were tried before and refused.
    refusals: Vec<Refusal>,
    launchers: HashMap<String, Arc<Launcher>>,
}

/// One image's launcher and the sockets to its slot processes.
#[derive(Debug)]
struct Launcher {
    name: String,
    config: SandboxConfig,
    setup: LauncherSetup,
    at_first_use: bool,
    running: Mutex<Option<Running>>,
    /// By slot index: the socket to its slot process, when it is not lent out.
    idle: Vec<Mutex<Option<UnixStream>>>,
}

#[derive(Debug)]
struct Running {
    control: StdUnixStream,
    guard: Child,
    cgroup: Option<CgroupInfo>,
}

impl Sandbox {
    /// Starts the launchers in the first tier that this host gives. Blocks; called at start.
    ///
    /// `launchers`: those of a tier.
    pub fn start(
        config: &SandboxConfig,
        launchers: impl Fn(Tier) -> Vec<LauncherConfig>,
    ) -> Result<Sandbox, StartError> {
        let mut refusals = Vec::new();
        for tier in &config.tiers {
            match Sandbox::start_tier(config, *tier, launchers(*tier)) {
                Ok(launchers) => return Ok(Sandbox { tier: *tier, refusals, launchers }),
                Err(source) => refusals.push(Refusal { tier: *tier, source: Box::new(source) }),
            }
        }
        Err(StartError::NoTier { refusals })
    }

    fn start_tier(
        config: &SandboxConfig,
        tier: Tier,
        wanted: Vec<LauncherConfig>,
    ) -> Result<HashMap<String, Arc<Launcher>>, StartError> {
        let mut launchers = HashMap::new();
        for LauncherConfig { name, image, warm, at_first_use } in wanted {
            let setup = LauncherSetup {
                tier,
                scratch_dir: config.scratch_dir.as_ref().map(|path| path.to_string_lossy().into_owned()),
                image,
                warm,
                slots: config.slots as u32,
                use_cgroups: config.use_cgroups,
                fail_step: config.fail_step.clone(),
            };
            let launcher = Launcher {
                name: name.clone(),
                config: config.clone(),
                setup,
                at_first_use,
                running: Mutex::new(None),
                idle: (0..config.slots).map(|_| Mutex::new(None)).collect(),
            };
            if !at_first_use {
                let running = launcher.spawn()?;
                *lock(&launcher.running) = Some(running);
            }
            launchers.insert(name, Arc::new(launcher));
        }
        Ok(launchers)
    }

    /// The isolation that every cell has.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// The tiers that this host could not give, and why.
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// The control groups that cells have: of every launcher, or none.
    pub fn cgroup(&self) -> Option<CgroupKind> {
        let mut kinds =
            self.started().map(|launcher| Some(lock(&launcher.running).as_ref()?.cgroup.as_ref()?.kind));
        let first = kinds.next()??;
        kinds.all(|kind| kind == Some(first)).then_some(first)
    }

    /// CPU time used by everything in all slots since the launchers started: slot processes, cells
    /// and runs, also those that have ended. `None` without control groups.
    pub fn cpu_time(&self) -> Option<Duration> {
        let mut times =
            self.started().map(|launcher| lock(&launcher.running).as_ref()?.cgroup.as_ref()?.cpu_time().ok());
        times.try_fold(Duration::ZERO, |sum, time| Some(sum + time?))
    }

    /// Launchers, without those that nobody has needed yet.
    fn started(&self) -> impl Iterator<Item = &Arc<Launcher>> {
        let waits = |launcher: &Launcher| launcher.at_first_use && lock(&launcher.running).is_none();
        self.launchers.values().filter(move |launcher| !waits(launcher))
    }

    /// Process ids of the guards, for tests that kill them.
    pub fn guard_pids(&self) -> Vec<u32> {
        let guards = self.launchers.values();
        guards.filter_map(|launcher| Some(lock(&launcher.running).as_ref()?.guard.id())).collect()
    }

    /// Makes a cell in the slot that the caller holds and starts the job in it.
    ///
    /// The slot is kept until the cell is gone, however that comes about.
    pub async fn open(
        &self,
        launcher: &str,
        place: Place,
        limits: Limits,
        job: Job,
    ) -> Result<CellRun, Fault> {
        let launcher = self
            .launchers
            .get(launcher)
            .ok_or_else(|| fault("find_launcher", format!("no launcher is called {launcher}")))?;
        let slot = place.index();
        let idle = lock(&launcher.idle[slot]).take();
        let mut socket = match idle {
            Some(socket) => socket,
            None => launcher.connect(slot).await?,
        };
        let runs = job.runs.len();
        let open = Ask::Open(Open { limits: limits.into() });
        let job = Ask::Job(wire_job(job));
        let send = async {
            for message in [open, job] {
                socket.write_all(&protocol::encode(&message)?).await?;
            }
            Ok::<(), io::Error>(())
        };
        match timeout(SEND_GRACE, send).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                // A slot process that could not begin has said why before it ended.
                return Err(match timeout(LAST_WORDS, read_reply(&mut socket)).await {
                    Ok(Ok(Reply::Fault(report))) => report.into(),
                    _ => fault("send_job", error.to_string()),
                });
            }
            Err(_) => return Err(fault("send_job", "the slot process does not read".to_owned())),
        }
        let open = OpenCell { socket, launcher: Arc::clone(launcher), place };
        Ok(CellRun { open: Some(open), limits, remaining: runs })
    }
}

fn wire_job(job: Job) -> protocol::Job {
    use serde_bytes::ByteBuf;
    protocol::Job {
        program: job.program,
        sources: job
            .sources
            .iter()
            .map(|(path, content)| (path.clone(), ByteBuf::from(&**content)))
            .collect(),
        runs: job
            .runs
            .into_iter()
            .map(|run| JobRun {
                stdin: ByteBuf::from(&*run.stdin),
                call: run.call.as_deref().map(ByteBuf::from),
                files: run
                    .files
                    .iter()
                    .map(|(path, content)| (path.clone(), ByteBuf::from(&**content)))
                    .collect(),
            })
            .collect(),
        collect: job.collect.to_vec(),
    }
}

impl Launcher {
    /// Starts the guard and waits until the launcher behind it is ready.
    fn spawn(&self) -> Result<Running, StartError> {
        let failed = |source| StartError::Spawn { launcher: self.name.clone(), source };
        let (ours, theirs) = StdUnixStream::pair().map_err(failed)?;
        let guard = Command::new(&self.config.program)
            .arg("__launcher")
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .spawn()
            .map_err(failed)?;
        // From here on whatever goes wrong, letting go of it ends and reaps the guard.
        let mut running = Running { control: ours, guard, cgroup: None };
        let control = &mut running.control;
        control.set_read_timeout(Some(START_TIMEOUT)).map_err(failed)?;
        match write_message(control, &self.setup).and_then(|()| read_message(control)).map_err(failed)? {
            Reply::Ready { cgroup } => {
                running.cgroup = cgroup;
                Ok(running)
            }
            Reply::Fault(report) => {
                Err(StartError::Refused { launcher: self.name.clone(), fault: report.into() })
            }
            _ => Err(failed(io::Error::from(io::ErrorKind::InvalidData))),
        }
    }

    /// A socket to a new slot process; a launcher that is gone is replaced first.
    async fn connect(self: &Arc<Self>, slot: usize) -> Result<UnixStream, Fault> {
        let launcher = Arc::clone(self);
        let connected = tokio::task::spawn_blocking(move || launcher.connect_blocking(slot)).await;
        let socket = connected.map_err(|error| fault("connect_slot", error.to_string()))??;
        UnixStream::from_std(socket).map_err(|error| fault("connect_slot", error.to_string()))
    }

    fn connect_blocking(&self, slot: usize) -> Result<StdUnixStream, Fault> {
        let failed = |error: io::Error| fault("connect_slot", error.to_string());
        let mut running = lock(&self.running);
        let (ours, theirs) = StdUnixStream::pair().map_err(failed)?;
        ours.set_nonblocking(true).map_err(failed)?;
        let alive = match running.as_mut() {
            Some(current) => {
                matches!(current.guard.try_wait(), Ok(None)) && current.send_slot(slot, &theirs).is_ok()
            }
            None => false,
        };
        if !alive {
            if let Some(dead) = running.take() {
                tracing::warn!(launcher = %self.name, "the launcher is gone; starting another");
                drop(dead);
            }
            let fresh = self.spawn().map_err(|error| fault("start_launcher", error.to_string()))?;
            fresh.send_slot(slot, &theirs).map_err(failed)?;
            *running = Some(fresh);
        }
        Ok(ours)
    }
}

impl Running {
    fn send_slot(&self, slot: usize, socket: &StdUnixStream) -> io::Result<()> {
        let index = (slot as u32).to_le_bytes();
        let fds = [socket.as_raw_fd()];
        let rights = [ControlMessage::ScmRights(&fds)];
        sendmsg::<()>(
            self.control.as_raw_fd(),
            &[IoSlice::new(&index)],
            &rights,
            MsgFlags::MSG_NOSIGNAL,
            None,
        )?;
        Ok(())
    }
}

/// Tells the launcher to go and waits until the guard has cleaned up, whoever lets go of it and why.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.control.shutdown(std::net::Shutdown::Both);
        for _ in 0..1000 {
            if !matches!(self.guard.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        tracing::error!("a launcher did not end when asked; killing it");
        let _ = self.guard.kill();
        let _ = self.guard.wait();
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        for idle in &self.idle {
            lock(idle).take();
        }
        if let Some(running) = lock(&self.running).take() {
            drop(running);
        }
    }
}

/// A cell at work. Dropping it ends the cell; its slot comes free when the cell is gone.
#[derive(Debug)]
pub struct CellRun {
    open: Option<OpenCell>,
    limits: Limits,
    remaining: usize,
}

#[derive(Debug)]
struct OpenCell {
    socket: UnixStream,
    launcher: Arc<Launcher>,
    /// Given back when the cell is gone.
    place: Place,
}

impl CellRun {
    /// The next run's outcome; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Outcome>, Fault> {
        if self.remaining == 0 {
            return Ok(None);
        }
        let Some(open) = &mut self.open else {
            return Err(fault("cell_lost", "the cell has failed before".to_owned()));
        };
        let patience = self.limits.wall() * Limits::MOST_WALL_STRETCH + REPORT_GRACE;
        let reply = match timeout(patience, read_reply(&mut open.socket)).await {
            Ok(reply) => reply.map_err(|error| fault("cell_lost", error.to_string())),
            Err(_) => Err(fault("cell_silent", format!("no report within {} s", patience.as_secs()))),
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
                Ok(Some(killed_for_memory()))
            }
            Ok(Reply::Closed { status, .. }) => {
                self.abandon();
                Err(fault("cell_died", format!("{}", ExitStatus::from_raw(status))))
            }
            Ok(Reply::Fault(report)) => {
                self.abandon();
                Err(report.into())
            }
            Ok(Reply::Ready { .. }) => {
                self.abandon();
                Err(fault("cell_lost", "unexpected message".to_owned()))
            }
            Err(error) => {
                self.abandon();
                Err(error)
            }
        }
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
                match read_reply(&mut self.socket).await {
                    Ok(Reply::Closed { .. }) => return true,
                    Ok(Reply::Ran(_)) => {}
                    _ => return false,
                }
            }
        };
        if timeout(CLOSE_GRACE, closed).await == Ok(true) {
            *lock(&self.launcher.idle[self.place.index()]) = Some(self.socket);
        }
    }

    async fn send_stop(&mut self) -> io::Result<()> {
        self.socket.write_all(&protocol::encode(&Ask::Stop)?).await
    }
}

async fn read_reply(socket: &mut UnixStream) -> io::Result<Reply> {
    let mut prefix = [0; 4];
    socket.read_exact(&mut prefix).await?;
    let mut body = vec![0; frame_length(prefix)?];
    socket.read_exact(&mut body).await?;
    decode(&body)
}

impl From<Ran> for Outcome {
    fn from(ran: Ran) -> Outcome {
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
            },
            stdout: ran.stdout.into_vec(),
            stderr: ran.stderr.into_vec(),
            result: ran.result.into_vec(),
            files: ran.files,
        }
    }
}

impl From<FaultReport> for Fault {
    fn from(report: FaultReport) -> Fault {
        Fault { detail: io::Error::from_raw_os_error(report.errno).to_string(), step: report.step }
    }
}

fn killed_for_memory() -> Outcome {
    Outcome {
        end: End::Signaled { signal: nix::libc::SIGKILL },
        limit: Some(LimitHit::Memory),
        usage: Usage::default(),
        stdout: Vec::new(),
        stderr: Vec::new(),
        result: Vec::new(),
        files: Vec::new(),
    }
}

fn fault(step: &str, detail: String) -> Fault {
    Fault { step: step.to_owned(), detail }
}

/// The values behind these locks are replaced whole, so a panic elsewhere leaves them sound.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
