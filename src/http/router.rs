//! Every URL of the service.

use std::sync::Arc;

use axum::{
    Router, middleware,
    routing::{get, post},
};

use super::{access, auth, health, languages, metrics, problem::Problem, service::Service, verify};

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
