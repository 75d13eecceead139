//! The service's side: launchers started and replaced, slots lent, outcomes read.

use std::{
    collections::HashMap,
    io,
    os::{fd::AsFd, unix::process::ExitStatusExt},
    path::PathBuf,
    process::ExitStatus,
    sync::Arc,
    time::Duration,
};

use serde_bytes::{ByteBuf, Bytes};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::UnixStream,
    time::timeout,
};

use super::{
    launcher_process::LAST_WORDS,
    linked::{LinkAt, LinkEnds},
    slot_pool::{Lender, LentSlot},
    start_error::{Refusal, StartError},
};
use crate::{
    admission::Slot,
    limits::Limits,
    sandbox::{
        End, Fault, Job, LimitHit, Outcome, Tier, Usage,
        native::messages::{
            job_frame::write_job,
            protocol::{
                self, AskOf, CgroupKind, FaultReport, ImageSetup, LauncherSetup, Open, Ran, Reply, WarmSetup,
                decode, frame_length,
            },
        },
    },
};

/// How much later than its wall limit a run may be reported before the cell counts as lost.
const REPORT_GRACE: Duration = Duration::from_secs(20);
/// How long a slot process may take to accept a job.
const SEND_GRACE: Duration = Duration::from_secs(30);
/// How long a stopped cell may take to be gone before its slot process is given up.
const CLOSE_GRACE: Duration = Duration::from_secs(10);

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
    /// A launcher that keeps an interpreter loaded is replaced after this many cells.
    pub renew_after_cells: u32,
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

/// Launchers by image name.
#[derive(Debug)]
pub struct Sandbox {
    tier: Tier,
    slots: usize,
    /// Tiers that were tried before and refused.
    refusals: Vec<Refusal>,
    launchers: HashMap<String, Arc<Lender>>,
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
                Ok(launchers) => {
                    return Ok(Sandbox { tier: *tier, slots: config.slots, refusals, launchers });
                }
                Err(source) => refusals.push(Refusal { tier: *tier, source: Box::new(source) }),
            }
        }
        Err(StartError::NoTier { refusals })
    }

    fn start_tier(
        config: &SandboxConfig,
        tier: Tier,
        wanted: Vec<LauncherConfig>,
    ) -> Result<HashMap<String, Arc<Lender>>, StartError> {
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
            let lender = Lender::new(
                name.clone(),
                config.program.clone(),
                setup,
                config.renew_after_cells,
                at_first_use,
            )?;
            launchers.insert(name, Arc::new(lender));
        }
        Ok(launchers)
    }

    /// A native runner that is not there, since this host refused every tier or none was wanted. Its tier is
    /// [`Tier::Wasm`], and every cell asked of it is a fault.
    pub fn absent(refusals: Vec<Refusal>) -> Sandbox {
        Sandbox { tier: Tier::Wasm, slots: 0, refusals, launchers: HashMap::new() }
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
        let mut kinds = self.started().map(|lender| lender.cgroup());
        let first = kinds.next()??;
        kinds.all(|kind| kind == Some(first)).then_some(first)
    }

    /// CPU time used by everything in all slots since the launchers started: slot processes, cells
    /// and runs, also those that have ended. `None` without control groups.
    pub fn cpu_time(&self) -> Option<Duration> {
        let mut times = self.started().map(|lender| lender.cpu_time());
        times.try_fold(Duration::ZERO, |sum, time| Some(sum + time?))
    }

    /// Launchers, without those that nobody has needed yet.
    fn started(&self) -> impl Iterator<Item = &Arc<Lender>> {
        self.launchers.values().filter(|lender| lender.is_started())
    }

    /// Process ids of the guards, for tests that kill them.
    pub fn guard_pids(&self) -> Vec<u32> {
        self.launchers.values().filter_map(|lender| lender.guard_pid()).collect()
    }

    /// Makes a cell in the slot that the caller holds and starts the job in it.
    ///
    /// The slot is kept until the cell is gone, however that comes about.
    pub async fn open(
        &self,
        launcher: &str,
        place: Slot,
        limits: Limits,
        job: Job,
    ) -> Result<CellRun, Fault> {
        let seat = Seat { number: place.index(), _place: Arc::new(place) };
        self.open_at(launcher, seat, limits, job, None).await
    }

    /// The seat for a cell that is linked to the one in slot `slot`.
    pub(super) fn companion_seat(&self, slot: usize) -> usize {
        self.slots + slot
    }

    /// As [`Sandbox::open`], in any seat. `link`: the cell's ends of a link to another cell.
    pub(super) async fn open_at(
        &self,
        launcher: &str,
        seat: Seat,
        limits: Limits,
        job: Job,
        link: Option<(LinkAt, LinkEnds)>,
    ) -> Result<CellRun, Fault> {
        let lender = self
            .launchers
            .get(launcher)
            .ok_or_else(|| fault("find_launcher", format!("no launcher is called {launcher}")))?;
        let mut slot = lender.lend(seat.number).await?;
        let runs = job.runs.len();
        let open = AskOf::<&Bytes>::Open(Open { limits: limits.into() });
        let at = link.as_ref().map(|(at, _)| *at);
        let processor = (at == Some(LinkAt::Descriptors)).then_some((seat.number % self.slots) as u32);
        let send = async {
            slot.socket.write_all(&protocol::encode(&open)?).await?;
            write_job(&mut slot.socket, &job, at, processor).await?;
            if let Some((_, ends)) = link {
                slot.socket.async_io(Interest::WRITABLE, || ends.send(slot.socket.as_fd())).await?;
            }
            Ok::<(), io::Error>(())
        };
        match timeout(SEND_GRACE, send).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                // A slot process that could not begin has said why before it ended.
                return Err(match timeout(LAST_WORDS, read_reply(&mut slot.socket)).await {
                    Ok(Ok(Reply::Fault(report))) => report.into(),
                    _ => {
                        let said = slot.last_words().await;
                        said.unwrap_or_else(|| fault("send_job", error.to_string()))
                    }
                });
            }
            Err(_) => return Err(fault("send_job", "the slot process does not read".to_owned())),
        }
        let open = OpenCell { slot, lender: Arc::clone(lender), seat };
        Ok(CellRun { open: Some(open), limits, remaining: runs })
    }
}

/// A cell at work. Dropping it ends the cell; its slot comes free when the cell is gone.
#[derive(Debug)]
pub struct CellRun {
    open: Option<OpenCell>,
    limits: Limits,
    remaining: usize,
}

/// Ends a cell's run, whose outcome is then told as ever.
#[derive(Debug)]
pub struct Ender {
    socket: std::os::unix::net::UnixStream,
}

impl Ender {
    /// Nothing happens to a run that has ended.
    pub fn end(mut self) -> io::Result<()> {
        // The socket does not block; it has room, since nothing was sent since the job, which was read.
        io::Write::write_all(&mut self.socket, &protocol::encode(&AskOf::<&Bytes>::End)?)
    }
}

#[derive(Debug)]
struct OpenCell {
    slot: LentSlot,
    lender: Arc<Lender>,
    /// Given back when the cell is gone.
    seat: Seat,
}

/// Where a cell is made, and the permission to use it, which linked cells share.
#[derive(Debug)]
pub(super) struct Seat {
    /// Of [`LauncherSetup::seats`].
    pub number: usize,
    /// Freed when the last cell that holds it is gone.
    pub _place: Arc<Slot>,
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
        let reply = match timeout(patience, read_reply(&mut open.slot.socket)).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(error)) => {
                let said = open.slot.last_words().await;
                Err(said.unwrap_or_else(|| fault("cell_lost", error.to_string())))
            }
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

    /// By which the run can be ended while its outcome is waited for.
    pub fn ender(&self) -> io::Result<Ender> {
        let open = self.open.as_ref().ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))?;
        Ok(Ender { socket: open.slot.socket.as_fd().try_clone_to_owned()?.into() })
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
                match read_reply(&mut self.slot.socket).await {
                    Ok(Reply::Closed { .. }) => return true,
                    Ok(Reply::Ran(_)) => {}
                    _ => return false,
                }
            }
        };
        if timeout(CLOSE_GRACE, closed).await == Ok(true) {
            self.lender.take_back(self.seat.number, self.slot);
        }
    }

    async fn send_stop(&mut self) -> io::Result<()> {
        self.slot.socket.write_all(&protocol::encode(&AskOf::<&Bytes>::Stop)?).await
    }
}

async fn read_reply(socket: &mut UnixStream) -> io::Result<Reply> {
    let mut prefix = [0; 4];
    socket.read_exact(&mut prefix).await?;
    let mut body = vec![0; frame_length(prefix)?];
    socket.read_exact(&mut body).await?;
    decode(&body)
}

impl From<Ran<ByteBuf, Vec<u8>>> for Outcome {
    fn from(ran: Ran<ByteBuf, Vec<u8>>) -> Outcome {
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
                fuel: None,
            },
            stdout: ran.stdout.into_vec(),
            stderr: ran.stderr.into_vec(),
            result: ran.result.into_vec(),
            lacks: None,
            files: ran.files,
            in_series: ran.in_series,
            ended_at: Duration::from_micros(ran.ended_us),
            left_unread: ran.left_unread,
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
        lacks: None,
        files: Vec::new(),
        in_series: false,
        ended_at: Duration::ZERO,
        left_unread: false,
    }
}

pub(super) fn fault(step: &str, detail: String) -> Fault {
    Fault { step: step.to_owned(), detail }
}
