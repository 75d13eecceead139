//! What travels on a slot's socket.
//!
//! Theory of operation. Each slot has one stream socket. The service writes `Open` (limits only),
//! which the slot process reads; the slot then forks the cell's init, which reads `Job` (the
//! solution and its inputs, which no other process of ours ever sees) from the same socket and
//! writes one `Ran` per run. A job that says so is followed by one byte that carries descriptors
//! (see [`super::link_ends`]). When init is dead, and with it everything in the cell, the slot
//! writes `Closed`. `Stop` and `End` may be written at any time after `Job` and are ignored when they come late.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{launcher_setup::CgroupInfo, link_ends::LinkAt, step::FaultReport};
use crate::{
    limits::Limits,
    sandbox::job::{Collect, Collected, LimitHit, Program},
};

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

impl WireLimits {
    /// Beyond the CPU limit, this share of it is allowed before the run is killed, so that a run just
    /// over the limit ends by itself and its true cost is known (it is then measured again).
    pub fn cpu_kill_after(&self) -> Duration {
        Duration::from_millis(self.cpu_ms + self.cpu_ms / 8 + 10)
    }

    /// The scratch space holds the largest file allowed and a little beside it.
    pub fn scratch_bytes(&self) -> u64 {
        self.file_bytes + (1 << 20)
    }
}

/// Service to cell init. `B`: how bytes are held, here and below; both sides lend them.
#[derive(Debug, Serialize, Deserialize)]
pub struct WireJob<B> {
    pub program: Program,
    /// Path below the source directory, content.
    pub sources: Vec<(String, B)>,
    pub runs: Vec<WireRun<B>>,
    /// Read back after each run.
    pub collect: Vec<Collect>,
    /// Where the only run finds its ends of a link. If set, they follow this message.
    pub link: Option<LinkAt>,
    /// Which of its processors the cell keeps to, by number, beyond their count from the first again: linked cells that
    /// only ever run by turns.
    pub processor: Option<u32>,
    /// As in [`crate::sandbox::job::Job`].
    pub series: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct WireRun<B> {
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
    /// As in [`crate::sandbox::job::Outcome`].
    pub in_series: bool,
    /// On the machine's monotonic clock.
    pub ended_us: u64,
    /// As in [`crate::sandbox::job::Outcome`].
    pub left_unread: bool,
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

/// Everything that goes to a slot's socket.
#[derive(Debug, Serialize, Deserialize)]
pub enum AskOf<B> {
    Open(Open),
    Job(WireJob<B>),
    Stop,
    /// The run is to be ended now, and reported.
    End,
}

/// The same, with its bytes its own.
pub type Ask = AskOf<ByteBuf>;
