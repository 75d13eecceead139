//! The wall. The only code that touches the kernel, behind one boundary:
//! a [`CellRequest`] goes in, one [`Outcome`] per run comes out.
//!
//! Nothing in a request tells the cell what is expected of a run.

/// What a cell is asked to do: one solution, several runs of it.
#[derive(Debug, Clone)]
pub struct CellRequest {
    pub runs: Vec<Run>,
}

/// The input of one run.
#[derive(Debug, Clone)]
pub struct Run {
    /// Bytes on file descriptor 0.
    pub stdin: Vec<u8>,
    /// For a function test, the call to make, encoded by [`crate::value::encode_call`].
    pub call: Option<Vec<u8>>,
}

/// What happened to one run. A value, never an error of ours.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub end: End,
    /// The limit that ended the run, if one did.
    pub limit: Option<LimitHit>,
    pub usage: Usage,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// What the driver wrote on its result channel. Data from inside the cell: may be forged or
    /// missing, and says nothing that the solution could not also have said by returning it.
    pub result: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Exited { code: i32 },
    Signaled { signal: i32 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitHit {
    Cpu,
    Wall,
    Memory,
    Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Usage {
    pub cpu_us: u64,
    pub wall_us: u64,
    pub memory_bytes: u64,
}
