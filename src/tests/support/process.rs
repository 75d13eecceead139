//! Processes that a test starts, and waiting for what must come.

use std::{
    fs,
    process::{Child, ExitStatus},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// How long a busy machine may take to come to what must come. What tests leave behind to be ended lives longer by itself.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A process that is killed when dropped, so that a failed test leaves nothing running.
pub struct Running(pub Child);

impl Running {
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id().try_into().unwrap()), signal).unwrap();
    }

    pub fn ended_within(&mut self, bound: Duration) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < bound, "it does not end");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether a process of that number runs. A zombie does not: it holds nothing, and whoever inherited it reaps it.
pub fn is_running(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').map_or("Z", |(_, rest)| rest.trim_start());
    !state.starts_with(['Z', 'X'])
}

/// Waits until `holds` is true, in a thread that may stand still.
pub fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "it never happens: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until `found` finds something.
pub async fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "it never happens: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until `holds` is true.
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    until(what, || holds().then_some(())).await;
}
