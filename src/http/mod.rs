//! The HTTP service: one file per resource; [`router()`] lists every URL. `README.md` beside this file is the reference
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
mod router;
mod server;
mod service;
mod verify;

pub use self::{
    router::router,
    server::{Drained, run},
    service::Service,
};
