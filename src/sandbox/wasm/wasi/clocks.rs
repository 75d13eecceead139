//! A run's clocks.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::abi::{self, Errno};

/// Where a run's time comes from.
#[derive(Debug, Clone, Copy)]
pub enum Clocks {
    /// The host's. A sleep does not wait: the run's clocks go on by its length.
    Host { started: Instant, real: Duration },
    /// The run's own work: one nanosecond for each unit of fuel, from a fixed start.
    Fuel,
}

/// Midnight of 1 January 2000: the start of [`Clocks::Fuel`].
pub const FIXED_START: Duration = Duration::from_secs(946_684_800);

impl Clocks {
    pub fn host() -> Clocks {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clocks::Host { started: Instant::now(), real }
    }

    /// A clock's time. `slept`: how long the run has slept; `fuel`: what it has used.
    pub fn time(self, clock: u32, slept: Duration, fuel: u64) -> Result<Duration, Errno> {
        let (since_start, start) = match self {
            Clocks::Host { started, real } => (started.elapsed(), real),
            Clocks::Fuel => (Duration::from_nanos(fuel), FIXED_START),
        };
        match clock {
            abi::CLOCK_REALTIME => Ok(start.saturating_add(since_start).saturating_add(slept)),
            // Not from zero: programs take differences, and some divide by the first.
            abi::CLOCK_MONOTONIC => {
                Ok(Duration::from_secs(1).saturating_add(since_start).saturating_add(slept))
            }
            abi::CLOCK_PROCESS | abi::CLOCK_THREAD => Ok(since_start),
            _ => Err(Errno::Inval),
        }
    }
}
