//! The HTTP service: one file per resource; [`router`] lists every URL. `README.md` beside this file is the reference
//! for users.
//!
//! # Theory of operation
//!
//! [`run`] accepts connections, each served by a task of its own. A request is read whole (bounded in
//! size, in time, and together with all others in memory) before it asks for a slot, so that a slow
//! client holds no slot. At most as many long bodies are parsed at once as there are slots. From its first byte to its
//! answer a request takes at most about three times its body's size in memory. hyper drops a handler's future when its
//! client goes away. That future owns everything that the submission holds, so dropping it ends the run and frees
//! the slot.
//!
//! When told to stop, the service answers 503 to new submissions, lets those in flight finish within
//! the drain timeout, closes the listener and every connection, and returns.
//!
//! Every error is an RFC 9457 problem ([`problem::Problem`]).

mod access;
mod auth;
mod body;
mod caller;
mod connection;
mod health;
mod languages;
mod metrics;
pub mod problem;
mod server;
mod verify;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router, middleware,
    routing::{get, post},
};
use tokio::sync::{Semaphore, watch};

pub use self::server::{Drained, run};
use self::{body::BodyBudget, problem::Problem};
use crate::{config::ServeConfig, verify::Engine};

/// What the handlers share.
#[derive(Debug)]
pub struct Service {
    engine: Arc<Engine>,
    config: ServeConfig,
    bodies: BodyBudget,
    /// Permits to parse a long body. There are as many as slots, so that parsing never takes more cores than runs do.
    parsing: Arc<Semaphore>,
    draining: AtomicBool,
    /// Submissions between their request's head and their answer.
    in_flight: watch::Sender<usize>,
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

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    fn start_draining(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Counts a submission as in flight until the guard is dropped.
    fn request_started(&self) -> RequestInFlight<'_> {
        self.in_flight.send_modify(|count| *count += 1);
        RequestInFlight { in_flight: &self.in_flight }
    }
}

struct RequestInFlight<'a> {
    in_flight: &'a watch::Sender<usize>,
}

impl Drop for RequestInFlight<'_> {
    fn drop(&mut self) {
        self.in_flight.send_modify(|count| *count -= 1);
    }
}

/// Every URL of the service.
pub fn router(service: Arc<Service>) -> Router {
    let guarded = Router::new()
        .route("/v1/verify", post(verify::verify))
        .route("/v1/languages", get(languages::languages))
        .route("/metrics", get(metrics::metrics))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&service), auth::require_token));
    Router::new()
        .merge(guarded)
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(middleware::from_fn_with_state(Arc::clone(&service), access::access))
        .with_state(service)
}
