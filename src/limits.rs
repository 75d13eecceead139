//! What one test run may use. Every field has a unit in its name, a default and a bound.

use std::time::Duration;

/// The limits of one test run. They hold for the whole process tree of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// CPU time of the whole process tree, milliseconds.
    pub cpu_ms: u64,
    /// Wall time, milliseconds: a backstop for sleepers and blocked reads.
    pub wall_ms: u64,
    /// Resident memory of the whole process tree, bytes. The stack may grow as far.
    pub memory_bytes: u64,
    /// Captured standard output, bytes; standard error has the same bound.
    pub output_bytes: u64,
    /// Processes and threads alive at once.
    pub processes: u64,
    /// Largest file that may be written, bytes; also the size of the private tmpfs.
    pub file_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let cpu_ms = 4_000;
        Limits {
            cpu_ms,
            wall_ms: Limits::default_wall_ms(cpu_ms),
            memory_bytes: 512 << 20,
            output_bytes: 16 << 20,
            processes: 64,
            file_bytes: 64 << 20,
        }
    }
}

/// A limit that is outside its bounds.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("limits.{field} is {given}; it must be between {least} and {most}")]
pub struct LimitOutOfBounds {
    pub field: &'static str,
    pub given: u64,
    pub least: u64,
    pub most: u64,
}

impl Limits {
    /// Bounds per field: name, least, most.
    pub const BOUNDS: [(&'static str, u64, u64); 6] = [
        ("cpu_ms", 10, 600_000),
        ("wall_ms", 10, 3_600_000),
        ("memory_bytes", 16 << 20, 64 << 30),
        ("output_bytes", 0, 256 << 20),
        ("processes", 1, 1_024),
        ("file_bytes", 4_096, 4 << 30),
    ];

    /// Time that a run is ready to compute and waits for a core does not count as its wall time; in
    /// all it ends after so many times the limit.
    pub const MOST_WALL_STRETCH: u32 = 16;

    /// The wall backstop used when none is given: three times the CPU limit and two seconds.
    pub fn default_wall_ms(cpu_ms: u64) -> u64 {
        cpu_ms.saturating_mul(3).saturating_add(2_000)
    }

    /// Returns these limits if every field is within [`Limits::BOUNDS`].
    pub fn validated(self) -> Result<Limits, LimitOutOfBounds> {
        let given = [
            self.cpu_ms,
            self.wall_ms,
            self.memory_bytes,
            self.output_bytes,
            self.processes,
            self.file_bytes,
        ];
        for ((field, least, most), given) in Self::BOUNDS.into_iter().zip(given) {
            if given < least || given > most {
                return Err(LimitOutOfBounds { field, given, least, most });
            }
        }
        Ok(self)
    }

    pub fn wall(&self) -> Duration {
        Duration::from_millis(self.wall_ms)
    }
}
