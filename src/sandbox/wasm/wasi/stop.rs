//! Why a call of the guest's, or a limit, ends its run.

/// Why a run was ended by one of its own calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GuestStop {
    #[error("exit {0}")]
    Exit(i32),
    #[error("output limit")]
    Output,
    #[error("cpu limit")]
    Cpu,
    #[error("wall limit")]
    Wall,
    /// The host was too busy for too long.
    #[error("wall backstop")]
    Backstop,
    /// Nobody waits for the outcome any more.
    #[error("cancelled")]
    Cancelled,
}
