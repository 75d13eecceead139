//! `GET /healthz`: the process answers. `GET /readyz`: it takes submissions.

use std::sync::Arc;

use axum::extract::State;

use super::{problem::Problem, service::Service};

pub async fn healthz() -> &'static str {
    "ok\n"
}

/// 503 from the moment the service is told to stop, so that load balancers choose another copy.
pub async fn readyz(State(service): State<Arc<Service>>) -> Result<&'static str, Problem> {
    if service.is_draining() { Err(Problem::draining()) } else { Ok("ready\n") }
}
