//! The wall. The only code that touches the kernel, behind one boundary: a [`Job`] goes in, one
//! [`Outcome`] per run comes out. Callers do not see how.
//!
//! Nothing in a job tells the cell what is expected of a run.
//!
//! | path | process | what |
//! |---|---|---|
//! | `job`, `tier` | all | what crosses the boundary; the tiers of isolation |
//! | `guarantee` | service | the table: what every cell has, and which file gives it |
//! | `native/service` | service | starts launchers, lends slots, sends jobs, reads outcomes |
//! | `native/launcher` | guard, launcher, slot | who makes cells, and who dies with whom |
//! | `native/cell` | cell's init, run | furnishes a cell, carries out its runs |
//! | `native/walls` | guard to run | what holds a cell in, one guarantee's mechanism a file |
//! | `native/messages` | all | what travels between them; steps that can fail, by name |
//! | `wasm` | service | the other runner: modules, in this process |
//! | `sys` | all | the only `unsafe` |
//!
//! Imports run downwards: service, launcher, cell, walls, messages, `sys`, data. Inside this folder
//! nothing is imported from this file, which is for callers alone.

mod guarantee;
mod job;
pub mod native;
mod sys;
mod tier;
#[cfg(feature = "wasm")]
pub mod wasm;

pub use self::{
    guarantee::Guarantee,
    job::{Collect, Collected, End, Fault, Job, LimitHit, Outcome, Program, Run, Usage},
    native::{
        launcher::role::main as launcher_main,
        messages::{
            launcher_setup::{ImageSetup, WarmSetup},
            link_ends::LinkAt,
        },
        service::{
            cell_run::CellRun,
            linked::{Conversing, LinkedJob},
            sandbox::{LauncherConfig, Sandbox, SandboxConfig},
            start_error::{Refusal, StartError},
        },
        walls::{cgroup::survey as survey_cgroups, rootfs::SOURCE_DIR},
    },
    tier::{CgroupKind, Tier},
};
