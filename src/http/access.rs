//! Middleware around every request: the request id, a line in the log, metrics, and an answer if a handler panics.
//! Bodies, tokens and user code are never logged.

use std::{
    any::Any,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::{Instant, SystemTime},
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{problem::Problem, service::Service};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id that is accepted from a client, bytes.
const MAX_REQUEST_ID_BYTES: usize = 128;

pub async fn access(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    // The router's pattern, not the path: paths of their choice would let clients fill the log and the metrics.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("other", MatchedPath::as_str);
    let id = request_id(request.headers());

    let mut response = caught(next.run(request)).await.unwrap_or_else(|panic| {
        tracing::error!(route, request_id = ?id, panic = panic_text(&*panic), "a handler panicked");
        Problem::internal().into_response()
    });

    let took = started.elapsed();
    let status = response.status().as_u16();
    service.engine.metrics().http_request(route, status, took);
    let ms = (took.as_secs_f64() * 1e6).round() / 1e3;
    tracing::info!(target: "proofbox::access", %method, route, status, ms, request_id = ?id);
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// The client's own id if it is short printable ASCII, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    /// Tells one process's ids from another's.
    static PROCESS: LazyLock<u64> = LazyLock::new(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        since.as_millis() as u64
    });
    let fit = |id: &&HeaderValue| {
        (1..=MAX_REQUEST_ID_BYTES).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    headers.get(REQUEST_ID).filter(fit).cloned().unwrap_or_else(|| {
        let id = format!("{:x}-{:x}", *PROCESS, NEXT.fetch_add(1, Ordering::Relaxed));
        HeaderValue::try_from(id).expect("hexadecimal digits")
    })
}

/// Runs `future` and returns its panic instead of passing it on.
async fn caught<F: Future>(future: F) -> Result<F::Output, Box<dyn Any + Send>> {
    let mut future = pin!(future);
    poll_fn(|context| {
        // Safe to go on: the future is not polled again after a panic, and it shares only locks and counters.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no text)")
}
