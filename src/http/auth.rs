//! Checks the bearer token, if one is configured. Health URLs need none, because probes have no secrets.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::header,
    middleware::Next,
    response::Response,
};

use super::{problem::Problem, service::Service};

pub async fn require_token(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if let Some(token) = &service.config.token {
        let offered = request.headers().get(header::AUTHORIZATION).and_then(|value| bearer(value.as_bytes()));
        if !offered.is_some_and(|offered| token.matches(offered)) {
            return Err(Problem::unauthorized());
        }
    }
    Ok(next.run(request).await)
}

/// The token of an `Authorization` header. The scheme may be in either case.
fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = header.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}
