//! `GET /metrics`: Prometheus' text format.

use std::sync::Arc;

use axum::{extract::State, http::header, response::IntoResponse};

use super::service::Service;
use crate::metrics::Metrics;

pub async fn metrics(State(service): State<Arc<Service>>) -> impl IntoResponse {
    let text = service.engine.metrics().render(service.engine.admission());
    ([(header::CONTENT_TYPE, Metrics::CONTENT_TYPE)], text)
}
