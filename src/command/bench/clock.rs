//! Measures the cost of work: CPU time of all processes involved, and wall time.

use std::time::{Duration, Instant};

use nix::sys::{
    resource::{Usage, UsageWho, getrusage},
    time::TimeValLike,
};

use crate::verify::Engine;

/// CPU and wall time of a piece of work.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    pub cpu: Duration,
    /// The part of `cpu` that this process used itself.
    pub own_cpu: Duration,
    pub wall: Duration,
}

/// CPU time used by this process so far, all threads.
pub fn own() -> nix::Result<Duration> {
    getrusage(UsageWho::RUSAGE_SELF).map(total)
}

/// CPU time used by children of this process that have ended, and by theirs.
pub fn ended_children() -> nix::Result<Duration> {
    getrusage(UsageWho::RUSAGE_CHILDREN).map(total)
}

/// CPU time used by the calling thread so far.
pub fn thread() -> nix::Result<Duration> {
    getrusage(UsageWho::RUSAGE_THREAD).map(total)
}

fn total(usage: Usage) -> Duration {
    let microseconds = (usage.user_time() + usage.system_time()).num_microseconds();
    Duration::from_micros(microseconds.unsigned_abs())
}

/// Measures work that an engine does. While one runs, nothing else may work in this process.
pub struct EngineMeter<'a> {
    engine: &'a Engine,
    own: Duration,
    cells: Option<Duration>,
    began: Instant,
}

impl<'a> EngineMeter<'a> {
    /// Starts when every earlier cell is gone.
    pub async fn start(engine: &'a Engine) -> nix::Result<EngineMeter<'a>> {
        engine.admission().until_idle().await;
        let cells = engine.sandbox().cpu_time();
        Ok(EngineMeter { engine, own: own()?, cells, began: Instant::now() })
    }

    /// The cost until now. Call it when the last report has arrived. The CPU time includes the end of the last cell. The wall
    /// time does not, because no caller waits for it.
    ///
    /// `runs_cpu` is what the reports say their runs used. It stands in for the cells' clock where there
    /// are no control groups; what making and ending cells costs is then missing.
    pub async fn stop(self, runs_cpu: Duration) -> nix::Result<Cost> {
        let wall = self.began.elapsed();
        self.engine.admission().until_idle().await;
        let own_cpu = own()?.saturating_sub(self.own);
        let cells = match (self.engine.sandbox().cpu_time(), self.cells) {
            (Some(now), Some(before)) => now.saturating_sub(before),
            _ => runs_cpu,
        };
        Ok(Cost { cpu: own_cpu + cells, own_cpu, wall })
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a child that works")]
    fn work_of_threads_and_ended_children_shows() {
        let (own_before, thread_before) = (own().unwrap(), thread().unwrap());
        let burned = std::thread::spawn(|| {
            let before = thread().unwrap();
            while thread().unwrap() - before < Duration::from_millis(20) {}
        });
        burned.join().unwrap();
        assert!(own().unwrap() - own_before >= Duration::from_millis(20));
        // The work of another thread must not count.
        assert!(thread().unwrap() - thread_before < Duration::from_millis(20));
        let before = ended_children().unwrap();
        let burning =
            Command::new("sh").args(["-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"]).status();
        assert!(burning.unwrap().success());
        assert!(ended_children().unwrap() > before);
    }
}
