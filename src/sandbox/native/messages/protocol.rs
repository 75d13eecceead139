//! What travels on a slot's socket, and how it is framed.
//!
//! Theory of operation. Each slot has one stream socket. The service writes `Open` (limits only),
//! which the slot process reads; the slot then forks the cell's init, which reads `Job` (the
//! solution and its inputs, which no other process of ours ever sees) from the same socket and
//! writes one `Ran` per run. A job that says so is followed by one byte that carries descriptors
//! (see [`crate::sandbox::native::service::linked`]). When init is dead, and with it everything in the cell, the slot
//! writes `Closed`. `Stop` and `End` may be written at any time after `Job` and are ignored when they come late.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_bytes::ByteBuf;

use crate::{
    limits::Limits,
    sandbox::{
        LimitHit, Tier,
        native::{
            cell::work_files::{Collect, Collected},
            service::linked::LinkAt,
        },
        sys::{SockFilter, unforked::Unforked},
    },
};

/// No frame is larger: the largest body the service accepts plus framing.
pub const MAX_FRAME_BYTES: u32 = 1 << 30;

/// First message to a launcher, on its control socket: what it is to be.
#[derive(Debug, Serialize, Deserialize)]
pub struct LauncherSetup {
    pub tier: Tier,
    /// Where cells' directories are made in tiers without mounts; `None`: where the host has room.
    pub scratch_dir: Option<String>,
    pub image: ImageSetup,
    /// The interpreter to load once, for cells to fork; `None`: programs are executed.
    pub warm: Option<WarmSetup>,
    /// How many slots the launcher serves; see also [`LauncherSetup::seats`].
    pub slots: u32,
    /// Whether control groups may be used where they can be.
    pub use_cgroups: bool,
    /// As in [`crate::sandbox::SandboxConfig`], for [`Handover`].
    pub fail_step: Option<(String, i32)>,
}

impl LauncherSetup {
    /// Places for cells. Two for each slot: seat `i` is slot `i`'s own, seat `slots + i` is for the
    /// companion of the cell in it; see [`crate::sandbox::native::service::linked`]. Each has its own slot process, made when it is
    /// first needed, its own control group and, as root, its own user id.
    pub fn seats(&self) -> u32 {
        self.slots * 2
    }
}

/// An interpreter kept loaded. Paths are those in the cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarmSetup {
    /// Its command line. The first word is the program's path.
    pub argv: Vec<String>,
    /// Its environment, which runs see as theirs; `NAME=value`.
    pub env: Vec<String>,
}

/// What a launcher leaves for itself when it executes the interpreter that it is to keep loaded.
/// Descriptors are numbers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Handover {
    /// Both sides must be of one build.
    pub version: String,
    pub control: i32,
    pub seccomp: Vec<SockFilter>,
    pub groups: Vec<SlotGroupFds>,
    pub cgroup: Option<CgroupInfo>,
    pub privileged: bool,
    /// As in [`LauncherSetup`].
    pub fail_step: Option<(String, i32)>,
}

/// Descriptors of a slot's control group files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SlotGroupFds {
    pub join: Vec<i32>,
    pub memory_limit: i32,
    pub memory_usage: i32,
    pub memory_stat: i32,
    pub memory_peak: Option<i32>,
    pub oom_events: i32,
    pub limit_hits: Option<i32>,
    pub pids_limit: i32,
    pub cpu_usage: i32,
    pub kind: CgroupKind,
}

/// What cells of one launcher see and run. Read-only for them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImageSetup {
    /// Host path, path in the cell. Bound read-only, without set-user-id and device files.
    pub binds: Vec<(String, String)>,
    /// Symbolic links: path in the cell, target.
    pub links: Vec<(String, String)>,
    /// Small files: path in the cell, content.
    pub files: Vec<(String, ByteBuf)>,
    /// The seccomp program.
    pub seccomp: Vec<SockFilter>,
}

/// Service to slot process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    pub limits: WireLimits,
}

/// [`Limits`] as they travel; the domain type stays free of serde.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireLimits {
    pub cpu_ms: u64,
    pub wall_ms: u64,
    pub memory_bytes: u64,
    pub output_bytes: u64,
    pub processes: u64,
    pub file_bytes: u64,
}

impl From<Limits> for WireLimits {
    fn from(limits: Limits) -> Self {
        let Limits { cpu_ms, wall_ms, memory_bytes, output_bytes, processes, file_bytes } = limits;
        WireLimits { cpu_ms, wall_ms, memory_bytes, output_bytes, processes, file_bytes }
    }
}

/// Service to cell init. `B`: how bytes are held, here and below; both sides lend them.
#[derive(Debug, Serialize, Deserialize)]
pub struct Job<B> {
    pub program: Program,
    /// Path below the source directory, content.
    pub sources: Vec<(String, B)>,
    pub runs: Vec<JobRun<B>>,
    /// Read back after each run.
    pub collect: Vec<Collect>,
    /// Where the only run finds its ends of a link. If set, they follow this message.
    pub link: Option<LinkAt>,
    /// Which of its processors the cell keeps to, by number, beyond their count from the first again: linked cells that
    /// only ever run by turns.
    pub processor: Option<u32>,
    /// As in [`crate::sandbox::Job`].
    pub series: bool,
}

/// What a run executes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Program {
    /// A program and its arguments; `argv[0]` is a path in the cell. `env` holds `NAME=value`.
    Exec { argv: Vec<String>, env: Vec<String> },
    /// A program that the job brings: the content of the source file of that path. It is executed from
    /// memory, so that no file system with programs on it need be writable or allow executing.
    Source { path: String, argv: Vec<String>, env: Vec<String> },
    /// Arguments for the interpreter that the launcher keeps loaded; its environment is the
    /// launcher's.
    Warm { arguments: Vec<String> },
}

#[derive(Debug, Serialize, Deserialize)]
pub struct JobRun<B> {
    pub stdin: B,
    pub call: Option<B>,
    /// Path below the working directory, content.
    pub files: Vec<(String, B)>,
}

/// Cell init to service, one per run.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound(
    serialize = "B: Serialize, C: serde_bytes::Serialize",
    deserialize = "B: Deserialize<'de>, C: serde_bytes::Deserialize<'de>"
))]
pub struct Ran<B, C> {
    /// Raw wait status of the run's first process.
    pub status: i32,
    pub limit: Option<LimitHit>,
    pub cpu_us: u64,
    pub wall_us: u64,
    pub memory_bytes: u64,
    pub stdout: B,
    pub stderr: B,
    pub result: B,
    pub files: Vec<Collected<C>>,
    /// As in [`crate::sandbox::Outcome`].
    pub in_series: bool,
    /// On the machine's monotonic clock.
    pub ended_us: u64,
    /// As in [`crate::sandbox::Outcome`].
    pub left_unread: bool,
}

/// A step of ours that failed, as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultReport {
    pub step: String,
    pub errno: i32,
}

/// Everything that comes back on a slot's socket.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound(
    serialize = "B: Serialize, C: serde_bytes::Serialize",
    deserialize = "B: Deserialize<'de>, C: serde_bytes::Deserialize<'de>"
))]
pub enum ReplyOf<B, C> {
    Ran(Ran<B, C>),
    Fault(FaultReport),
    /// The cell is gone. `oom_kill`: the kernel killed something in it at its memory limit.
    Closed {
        status: i32,
        oom_kill: bool,
    },
    /// The launcher stands ready (first reply on its control socket).
    Ready {
        cgroup: Option<CgroupInfo>,
    },
}

/// The same, with its bytes its own.
pub type Reply = ReplyOf<ByteBuf, Vec<u8>>;

/// What the service is told of a launcher's control groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupInfo {
    pub kind: CgroupKind,
    /// File that tells the CPU time of all its slots.
    pub cpu_file: String,
}

impl std::fmt::Display for CgroupKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            CgroupKind::V2 => "v2",
            CgroupKind::V1 => "v1",
        })
    }
}

/// Which control groups the cells of a launcher have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CgroupKind {
    V2,
    V1,
}

/// Everything that goes to a slot's socket.
#[derive(Debug, Serialize, Deserialize)]
pub enum AskOf<B> {
    Open(Open),
    Job(Job<B>),
    Stop,
    /// The run is to be ended now, and reported.
    End,
}

/// The same, with its bytes its own.
pub type Ask = AskOf<ByteBuf>;

/// Writes a message: four bytes of length, little endian, then its encoding.
pub fn write_message<T: Serialize>(to: &mut impl Write, message: &T) -> io::Result<()> {
    to.write_all(&encode(message)?)
}

/// A message ready to be written.
pub fn encode<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    let mut frame = postcard::to_extend(message, vec![0u8; 4]).map_err(io::Error::other)?;
    let length = u32::try_from(frame.len() - 4)
        .ok()
        .filter(|length| *length <= MAX_FRAME_BYTES)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "message larger than a frame may be"))?;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

/// Writes a message from memory that no fork of this process inherits.
pub fn write_unforked<T: Serialize>(
    to: &mut impl Write,
    frame: &mut Unforked,
    message: &T,
) -> io::Result<()> {
    frame.clear();
    frame.write_all(&[0; 4])?;
    postcard::to_io(message, &mut *frame).map_err(io::Error::other)?;
    let length = frame.len() as u32 - 4;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    to.write_all(frame)
}

/// Reads a message, not yet decoded, into such memory. `UnexpectedEof` when the other side is gone.
pub fn read_unforked(from: &mut impl Read) -> io::Result<Unforked> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = frame_length(length)?;
    let mut frame = Unforked::with_capacity(length)?;
    from.read_exact(frame.extend_by(length))?;
    Ok(frame)
}

/// Reads a message. `UnexpectedEof` when the other side is gone.
pub fn read_message<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let mut body = vec![0; frame_length(length)?];
    from.read_exact(&mut body)?;
    decode(&body)
}

/// Checks a frame's length prefix.
pub fn frame_length(prefix: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_le_bytes(prefix);
    if length > MAX_FRAME_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "frame length out of bounds"));
    }
    Ok(length as usize)
}

pub fn decode<'de, T: Deserialize<'de>>(body: &'de [u8]) -> io::Result<T> {
    postcard::from_bytes(body).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
