//! All that crosses the wall: a [`Job`] goes in, one [`Outcome`] for each of its runs comes out, or a
//! [`Fault`] of ours.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::value::Call;

/// What a cell is asked to do: one solution, several runs of it.
#[derive(Debug, Clone)]
pub struct Job {
    pub program: Program,
    /// Paths below [`crate::sandbox::SOURCE_DIR`] and content. Shared, as the runs' inputs are.
    pub sources: Arc<[(String, Vec<u8>)]>,
    pub runs: Vec<Run>,
    /// Files that are read back from the working directory after each run.
    pub collect: Arc<[Collect]>,
    /// Whether short runs may share a process where that cannot be told; see `cell::series`. Whoever says so
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

/// A file to read back after each run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collect {
    /// Below the working directory; relative, without `..`.
    pub path: String,
    /// A larger file is not read at all.
    pub most_bytes: u64,
}

/// What stood under the name of a [`Collect`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(serialize = "B: serde_bytes::Serialize", deserialize = "B: serde_bytes::Deserialize<'de>"))]
pub enum Collected<B = Vec<u8>> {
    Content(#[serde(with = "serde_bytes")] B),
    /// Nothing, or nothing that can be reached without following a link.
    Missing,
    /// A directory, a pipe, a link or the like.
    NotAFile,
    /// The run made it unreadable.
    Unreadable,
    TooLarge,
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

impl Fault {
    pub fn new(step: &str, detail: impl ToString) -> Fault {
        Fault { step: step.to_owned(), detail: detail.to_string() }
    }
}
