//! The wall. The only code that touches the kernel, behind one boundary: a [`Job`] goes in, one
//! [`Outcome`] per run comes out. Callers do not see how: a warm launcher or another kind of runner
//! takes its place behind [`Sandbox::open`].
//!
//! Nothing in a job tells the cell what is expected of a run.
//!
//! | file | process | what |
//! |---|---|---|
//! | `pool` | service | starts launchers, hands jobs to slots, reads outcomes |
//! | `lender` | service | an image's launcher: its slot processes lent, itself replaced |
//! | `running` | service | one launcher at work |
//! | `refusal` | service | why a host is refused, and the remedy |
//! | `launcher` | guard, launcher, slot | who makes cells, and who dies with whom |
//! | `slot` | slot | one cell after another, in every tier |
//! | `cell`, `run` | cell init | furnishes a cell, carries out its runs |
//! | `link` | service, cell init | two cells joined by pipes |
//! | `program` | run | from the forked child to the program, giving everything else up |
//! | `series` | cell init | short runs, one after the other in one process |
//! | `supervise` | cell init | watches a run, ends what it leaves, says what it used |
//! | `named_files` | cell init | files that a run finds and leaves by name |
//! | `rootfs`, `cgroup`, `policy`, `condition`, `filter` | | the file tree, memory and process bounds, the seccomp policy |
//! | `passing` | service, cell init, run | files that go over a socket of ours |
//! | `protocol`, `step` | all | what travels between them; named steps that can fail |
//! | `confined` | guard to run | the same without namespaces: tiers `slot` and `restricted` |
//! | `rehearsal` | launcher | there: a cell made at the start, so that a host that lacks something is refused |
//! | `landlock`, `reaper`, `scratch` | | there: files and signals, ending everything, directories |
//! | `watch`, `tree`, `forks` | cell init | there: what a run uses, and how many processes it makes |
//! | `sys` | all | the only `unsafe` |

mod guarantee;
pub mod native;
mod sys;
#[cfg(feature = "wasm")]
pub mod wasm;

use std::{sync::Arc, time::Duration};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::value::Call;

pub use self::{
    guarantee::Guarantee,
    native::{
        cell::work_files::{Collect, Collected},
        launcher::role::main as launcher_main,
        messages::protocol::{CgroupKind, ImageSetup, Program, WarmSetup},
        service::{
            linked::{Conversing, LinkAt, LinkedJob},
            sandbox::{CellRun, LauncherConfig, Sandbox, SandboxConfig},
            start_error::{Refusal, StartError},
        },
        walls::{cgroup::survey as survey_cgroups, rootfs::SOURCE_DIR},
    },
};

/// The isolation that cells have. Each tier gives every guarantee; they differ in the mechanism.
/// The weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ValueEnum)]
pub enum Tier {
    /// WebAssembly only, without isolation by the kernel.
    Wasm,
    /// As an ordinary user of a plain container: Landlock, seccomp, a watch over every run.
    Restricted,
    /// As root of a plain container: as `restricted`, and a user id for every slot.
    Slot,
    /// Own user, mount, pid, ipc, uts and net namespaces.
    Namespaces,
}

impl Tier {
    /// Those of native solutions, strongest first.
    pub const ALL: [Tier; 3] = [Tier::Namespaces, Tier::Slot, Tier::Restricted];

    pub fn as_str(self) -> &'static str {
        match self {
            Tier::Wasm => "wasm",
            Tier::Restricted => "restricted",
            Tier::Slot => "slot",
            Tier::Namespaces => "namespaces",
        }
    }
}

/// What a cell is asked to do: one solution, several runs of it.
#[derive(Debug, Clone)]
pub struct Job {
    pub program: Program,
    /// Paths below [`SOURCE_DIR`] and content. Shared, as the runs' inputs are.
    pub sources: Arc<[(String, Vec<u8>)]>,
    pub runs: Vec<Run>,
    /// Files that are read back from the working directory after each run.
    pub collect: Arc<[Collect]>,
    /// Whether short runs may share a process where that cannot be told; see `series`. Whoever says so
    /// gives an outcome that says [`Outcome::in_series`] no weight unless it is a success.
    pub series: bool,
}

/// The input of one run.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// Bytes on file descriptor 0. Shared: a run that is carried out again is not copied.
    pub stdin: Arc<[u8]>,
    /// For a function test, the call to make, encoded for the language's driver.
    pub call: Option<Call>,
    /// Files that the run finds in its working directory: relative path without `..`, content.
    pub files: Vec<(String, Arc<[u8]>)>,
}

impl Run {
    /// A run that is given nothing but its standard input.
    pub fn with_stdin(stdin: impl Into<Arc<[u8]>>) -> Run {
        Run { stdin: stdin.into(), ..Run::default() }
    }
}

/// What happened to one run. A value, never an error of ours.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub end: End,
    /// The limit that ended the run, or that it went over.
    pub limit: Option<LimitHit>,
    pub usage: Usage,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// What the driver wrote on its result channel. Data from inside the cell: may be forged or
    /// missing, and says nothing that the solution could not also have said by returning it.
    pub result: Vec<u8>,
    /// What the run failed for want of, where its runner is known not to have it. Read from what the
    /// run said: it makes one failure into another and never a success.
    pub lacks: Option<String>,
    /// What the job's [`Collect`]s found, in their order.
    pub files: Vec<Collected>,
    /// Whether it shared a process with runs before it.
    pub in_series: bool,
    /// When the first process had ended or a limit was hit: on a clock that all cells of a machine
    /// share, for comparison with others.
    pub ended_at: Duration,
    /// Of a side of a conversation: when it ended, something that had been sent to it had not been read.
    pub left_unread: bool,
}

#[cfg(test)]
impl Outcome {
    /// A run that ended so and left nothing behind.
    pub fn silent(end: End, limit: Option<LimitHit>) -> Outcome {
        Outcome {
            lacks: None,
            in_series: false,
            end,
            limit,
            usage: Usage::default(),
            stdout: Vec::new(),
            stderr: Vec::new(),
            result: Vec::new(),
            files: Vec::new(),
            ended_at: Duration::ZERO,
            left_unread: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Exited { code: i32 },
    Signaled { signal: i32 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LimitHit {
    Cpu,
    Wall,
    Memory,
    Output,
}

/// What a run's whole process tree used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    pub cpu: Duration,
    pub wall: Duration,
    /// Peak resident memory.
    pub memory_bytes: u64,
    /// What a deterministic run carried out, in units of fuel; `None` for any other run.
    pub fuel: Option<u64>,
}

/// Our own machinery failed. Never says anything about a solution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("sandbox step {step} failed: {detail}")]
pub struct Fault {
    /// A word of ours, bounded in number: it is a metric's label.
    pub step: String,
    pub detail: String,
}
