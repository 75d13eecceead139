//! What a run uses, looked at while it runs: where no control group bounds it and, in a confined
//! cell, no mount of limited size.

use std::time::{Duration, Instant};

use super::{
    enclosure::Enclosure,
    processes::{self, CpuSamples, FileId},
    scratch::MOST_ENTRIES,
};
use crate::sandbox::{job::LimitHit, native::messages::slot_messages::WireLimits};

/// Looking for memory without a name reads much; it is done this often, and less where it is slow.
const NAMELESS_LOOK: Duration = Duration::from_millis(20);
/// Scratch space is never left unlooked at for longer.
const SCRATCH_LOOK_WITHIN: Duration = Duration::from_millis(8);
/// Looking takes at most this share of the time.
const LOOKING_SHARE: u32 = 16;

/// What a run is given and does not use by itself.
#[derive(Debug)]
pub struct Given {
    /// Files in memory.
    pub files: Vec<FileId>,
    /// Of files that stand in the scratch space before it starts.
    pub scratch_bytes: u64,
}

/// One run's use, as last seen.
#[derive(Debug)]
pub struct TreeWatch<'a> {
    enclosure: &'a Enclosure<'a>,
    limits: WireLimits,
    given: Given,
    cpu: CpuSamples,
    nameless_bytes: u64,
    /// Whether a process could not be looked at the last time.
    is_hidden: bool,
    peak_bytes: u64,
    scratch_bytes: u64,
    next_nameless: Instant,
    next_scratch: Instant,
    /// By how much the cheap count was above the exact one when both were last taken. Growth since
    /// then is taken at its word at once.
    counted_twice_bytes: u64,
    next_exact: Instant,
}

impl<'a> TreeWatch<'a> {
    /// A watch over the run in this cell.
    pub fn new(enclosure: &'a Enclosure<'a>, limits: &WireLimits, given: Given) -> TreeWatch<'a> {
        let now = Instant::now();
        TreeWatch {
            enclosure,
            limits: *limits,
            given,
            cpu: CpuSamples::default(),
            nameless_bytes: 0,
            is_hidden: false,
            peak_bytes: 0,
            scratch_bytes: 0,
            counted_twice_bytes: 0,
            next_nameless: now,
            next_scratch: now,
            next_exact: now,
        }
    }

    /// Looks at the run; the limit that it is over.
    pub fn look(&mut self) -> Option<LimitHit> {
        let processes = self.enclosure.living();
        self.cpu.take(&processes);
        let begun = Instant::now();
        if let Some(cell) = self.enclosure.unbounded_scratch()
            && begun >= self.next_scratch
        {
            let usage = cell.usage();
            // However long it took: files are made faster than they are counted.
            self.next_scratch = next_look(begun, Duration::ZERO).min(Instant::now() + SCRATCH_LOOK_WITHIN);
            let used = usage.bytes.saturating_sub(self.given.scratch_bytes);
            if used > self.limits.scratch_bytes() || usage.entries > MOST_ENTRIES {
                return Some(LimitHit::Output);
            }
            self.scratch_bytes = if cell.is_in_memory() { used } else { 0 };
        }
        let begun = Instant::now();
        if begun >= self.next_nameless {
            match processes::nameless_bytes(&processes, &self.given.files, self.limits.file_bytes) {
                Some(bytes) => (self.nameless_bytes, self.is_hidden) = (bytes, false),
                // What executes a file that it may not read hides what it holds. Not just for a moment, as
                // one that is beginning might: nobody can say that it keeps to its limit.
                None if self.is_hidden => return Some(LimitHit::Memory),
                None => self.is_hidden = true,
            }
            self.next_nameless = next_look(begun, NAMELESS_LOOK);
        }
        let rest = self.nameless_bytes + self.scratch_bytes;
        let held = processes::private_bytes(&processes) + rest;
        if held <= self.limits.memory_bytes {
            self.peak_bytes = self.peak_bytes.max(held);
            return None;
        }
        if begun < self.next_exact
            && held.saturating_sub(self.counted_twice_bytes) <= self.limits.memory_bytes
        {
            return None;
        }
        // Pages shared since a fork were counted twice; ask again, exactly.
        let begun = Instant::now();
        let exact = processes::proportional_bytes(&processes) + rest;
        self.counted_twice_bytes = held.saturating_sub(exact);
        self.next_exact = next_look(begun, Duration::ZERO);
        self.peak_bytes = self.peak_bytes.max(exact);
        (exact > self.limits.memory_bytes).then_some(LimitHit::Memory)
    }

    /// Most memory seen at once, bytes.
    pub fn peak_bytes(&self) -> u64 {
        self.peak_bytes
    }

    /// CPU time so far of all that lives, and of what has vanished since it was last looked at.
    /// `reaped`: what init itself has reaped.
    pub fn cpu_used(&mut self, reaped: Duration) -> Duration {
        let processes = self.enclosure.living();
        self.cpu.take(&processes);
        self.cpu.sum().max(reaped + processes::living_cpu(&processes))
    }

    /// CPU time seen in all.
    pub fn cpu_seen(&self) -> Duration {
        self.cpu.sum()
    }
}

fn next_look(begun: Instant, least: Duration) -> Instant {
    Instant::now() + least.max(begun.elapsed() * LOOKING_SHARE)
}
