//! What one run uses: its CPU time and its memory, and the end of those that use too much memory.
//!
//! Where the slot has a control group, the kernel counts and bounds. Where it has none, the cell's init
//! looks at the processes while they run ([`super::usage`]).

use std::{io, time::Duration};

use nix::{errno::Errno, unistd::Pid};

use super::{
    cgroup::{OomCount, OomKill, PeakMark, SlotGroup},
    usage::TreeWatch,
};
use crate::sandbox::{
    job::LimitHit,
    native::messages::{
        slot_messages::WireLimits,
        step::{StepError, io_step, step},
    },
    sys,
};

/// How often the memory of the tree is looked at where no control group bounds it.
const MEMORY_WATCH: Duration = Duration::from_millis(4);
/// A group's clock and what was reaped may differ by so much without a reason.
const GROUP_NOISE: Duration = Duration::from_millis(20);
/// Memory that the cell's init may take beside the files that it reads back.
const READING_ROOM_BYTES: u64 = 32 << 20;

/// Measures one run.
pub enum Meter<'a> {
    Group(GroupMeter<'a>),
    Watched(TreeWatch<'a>),
}

/// A run in a control group, and how the group stood when the run began.
pub struct GroupMeter<'a> {
    group: &'a SlotGroup,
    /// In use when the limit was set.
    memory_before_bytes: u64,
    memory_marks: Option<(PeakMark, OomCount)>,
    cpu_before: Option<GroupCpu>,
}

/// CPU time of a slot's control group, and of this process, which is in it.
struct GroupCpu {
    group: Duration,
    own: Duration,
}

impl GroupCpu {
    fn now(group: &SlotGroup) -> io::Result<GroupCpu> {
        Ok(GroupCpu { group: group.cpu_time()?, own: sys::process_cpu_time(Pid::this())? })
    }

    /// What everything but this process has used since then.
    fn since(&self, before: &GroupCpu) -> Duration {
        self.group.saturating_sub(before.group).saturating_sub(self.own.saturating_sub(before.own))
    }
}

impl<'a> Meter<'a> {
    /// For a run that is about to be started. A group's memory is bounded from here on.
    pub fn new(
        group: Option<&'a SlotGroup>,
        limits: &WireLimits,
        watch: impl FnOnce() -> Result<TreeWatch<'a>, StepError>,
    ) -> Result<Meter<'a>, StepError> {
        let Some(group) = group else { return watch().map(Meter::Watched) };
        let memory_before_bytes = io_step("limit_memory", || group.limit_memory(limits.memory_bytes))?;
        Ok(Meter::Group(GroupMeter { group, memory_before_bytes, memory_marks: None, cpu_before: None }))
    }

    /// Before the run is started: its peak of memory counts from here, and what the kernel kills.
    pub fn mark_memory(&mut self) -> Result<(), StepError> {
        if let Meter::Group(meter) = self {
            let peak = meter.group.mark_peak();
            meter.memory_marks = Some((peak, io_step("read_oom_events", || meter.group.oom_count())?));
        }
        Ok(())
    }

    /// When the program is executing: its CPU time counts from here.
    pub fn mark_cpu(&mut self) -> Result<(), StepError> {
        if let Meter::Group(meter) = self {
            meter.cpu_before = Some(io_step("read_cpu_time", || GroupCpu::now(meter.group))?);
        }
        Ok(())
    }

    /// In the run's process: whoever watches the tree's memory must get a core when he wakes, however
    /// many the run keeps busy.
    pub fn yield_to_watch(&self) -> Result<(), StepError> {
        match self {
            Meter::Group(_) => Ok(()),
            Meter::Watched(_) => step("yield_to_watch", || sys::lower_priority(5)),
        }
    }

    /// What a process's address space is bounded by, where a burst between two looks at the tree must be
    /// bounded too. Address space is not memory: runtimes reserve far more than they use, and the C
    /// library as much as the stack limit for every thread's stack.
    pub fn address_space_bytes(&self, limits: &WireLimits) -> Option<u64> {
        match self {
            Meter::Group(_) => None,
            Meter::Watched(_) => {
                Some(limits.memory_bytes.saturating_mul(4 + limits.processes).saturating_add(1 << 30))
            }
        }
    }

    /// Between two looks; `None` where nothing need be looked at.
    pub fn look_every(&self) -> Option<Duration> {
        match self {
            Meter::Group(_) => None,
            Meter::Watched(_) => Some(MEMORY_WATCH),
        }
    }

    /// Looks at the run; the limit that it is over.
    pub fn look(&mut self) -> Option<LimitHit> {
        match self {
            Meter::Group(_) => None,
            Meter::Watched(watch) => watch.look(),
        }
    }

    /// CPU time of the tree so far. `reaped`: of the processes that init has waited for.
    pub fn cpu_used(&mut self, reaped: Duration, main: Pid) -> Duration {
        match self {
            Meter::Watched(watch) => watch.cpu_used(reaped),
            Meter::Group(meter) => match (&meter.cpu_before, GroupCpu::now(meter.group)) {
                (Some(before), Ok(now)) => now.since(before),
                // A group whose clock cannot be read just now: what is known without it.
                _ => reaped + sys::process_cpu_time(main).unwrap_or_default(),
            },
        }
    }

    /// CPU time of the whole tree, which has ended. A child that nobody waits for is missing from what
    /// init has reaped. The control group still counts it, or the watch saw it while it lived.
    pub fn whole_cpu(&self, reaped: Duration) -> Result<Duration, StepError> {
        let meter = match self {
            Meter::Watched(watch) => return Ok(reaped.max(watch.cpu_seen())),
            Meter::Group(meter) => meter,
        };
        let Some(before) = &meter.cpu_before else { return Ok(reaped) };
        let used = io_step("read_cpu_time", || GroupCpu::now(meter.group))?.since(before);
        // What the kernel did to end the processes is the group's, too, and no solution's.
        let noise = reaped / 10 + GROUP_NOISE;
        Ok(if used > reaped + noise { used } else { reaped })
    }

    /// Most memory of the whole tree at once, as far as it is known here.
    pub fn peak_bytes(&self) -> Result<u64, StepError> {
        match self {
            Meter::Watched(watch) => Ok(watch.peak_bytes()),
            Meter::Group(GroupMeter { memory_marks: None, .. }) => Ok(0),
            Meter::Group(GroupMeter {
                group, memory_before_bytes, memory_marks: Some((mark, _)), ..
            }) => {
                let peak = io_step("read_memory_peak", || group.peak_since(*mark))?;
                Ok(peak.map_or(0, |peak| peak.saturating_sub(*memory_before_bytes)))
            }
        }
    }

    /// Whether the kernel killed something of the run at its memory limit.
    ///
    /// # Errors
    /// If it did so for want of memory elsewhere: our neighbours' doing, or the host's, and never a verdict.
    pub fn is_killed_for_memory(&self) -> Result<bool, StepError> {
        let Meter::Group(GroupMeter { group, memory_marks: Some((_, before)), .. }) = self else {
            return Ok(false);
        };
        match io_step("read_oom_events", || group.oom_count())?.since(*before) {
            None => Ok(false),
            Some(OomKill::OwnLimit) => Ok(true),
            Some(OomKill::Elsewhere) => Err(StepError { step: "host_out_of_memory", errno: Errno::ENOMEM }),
        }
    }

    /// Room for this process to hold what it reads back, at most so many bytes.
    pub fn allow_reading(&self, bytes: u64) -> Result<(), StepError> {
        match self {
            Meter::Watched(_) => Ok(()),
            Meter::Group(meter) => {
                io_step("limit_memory", || meter.group.limit_memory(bytes + READING_ROOM_BYTES)).map(drop)
            }
        }
    }
}
