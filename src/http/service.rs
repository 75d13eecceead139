//! What the handlers share.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::{Semaphore, watch};

use crate::{config::ServeConfig, verify::Engine};

/// What the handlers share.
#[derive(Debug)]
pub struct Service {
    pub(super) engine: Arc<Engine>,
    pub(super) config: ServeConfig,
    pub(super) bodies: BodyBudget,
    /// Permits to parse a long body. There are as many as slots, so that parsing never takes more cores than runs do.
    pub(super) parsing: Arc<Semaphore>,
    pub(super) draining: AtomicBool,
    /// Submissions between their request's head and their answer.
    pub(super) in_flight: watch::Sender<usize>,
}

impl Service {
    pub fn new(engine: Arc<Engine>, config: ServeConfig) -> Service {
        Service {
            bodies: BodyBudget::new(config.max_body_bytes_in_flight),
            parsing: Arc::new(Semaphore::new(engine.admission().slots().min(Semaphore::MAX_PERMITS))),
            engine,
            config,
            draining: AtomicBool::new(false),
            in_flight: watch::Sender::new(0),
        }
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    pub(super) fn start_draining(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Counts a submission as in flight until the guard is dropped.
    pub(super) fn request_started(&self) -> RequestInFlight<'_> {
        self.in_flight.send_modify(|count| *count += 1);
        RequestInFlight { in_flight: &self.in_flight }
    }
}

pub(super) struct RequestInFlight<'a> {
    in_flight: &'a watch::Sender<usize>,
}

impl Drop for RequestInFlight<'_> {
    fn drop(&mut self) {
        self.in_flight.send_modify(|count| *count -= 1);
    }
}

/// Memory for the bodies of all requests being read, waiting or running.
#[derive(Debug)]
pub struct BodyBudget {
    pub(super) kibibytes: Arc<Semaphore>,
}

impl BodyBudget {
    pub fn new(bytes: usize) -> BodyBudget {
        BodyBudget { kibibytes: Arc::new(Semaphore::new(bytes.div_ceil(1024).min(Semaphore::MAX_PERMITS))) }
    }
}
