//! `POST /v1/verify`: one submission in, one report out.
//!
//! A report is a 200 whatever its verdict, `undecided` included. Errors: 400 names the field that does
//! not say what is wanted, 422 a language that this installation does not have, 429 (with
//! `Retry-After`) a full queue, 503 a service that is stopping.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};

use super::{
    body::{self, BoundedBody},
    caller::caller,
    connection::Activity,
    problem::Problem,
    service::Service,
};
use crate::{
    admission::{Admit, Caller},
    config::ServeConfig,
    report::Report,
    submission::Submission,
    verdict::Cause,
    wire::{self, Asked, WireBounds},
};

/// Longer bodies are parsed on another thread, when a permit is free: parsing them takes long enough to delay other
/// requests.
const PARSED_ELSEWHERE_BYTES: usize = 256 << 10;

pub async fn verify(State(service): State<Arc<Service>>, request: Request) -> Result<Response, Problem> {
    let (head, mut body) = request.into_parts();
    if let Err(refusal) = check_head(&service, &head.headers) {
        body::discard(&mut body).await;
        return Err(refusal);
    }
    let _in_flight = service.request_started();
    let caller = caller(&head.headers, head.extensions.get())?;
    let body = body::read(&head.headers, body, &service).await?;
    if let Some(activity) = head.extensions.get::<Arc<Activity>>() {
        activity.work();
    }
    let report = answer(&service, body, caller).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], wire::report_json(&report)).into_response())
}

fn check_head(service: &Service, headers: &HeaderMap) -> Result<(), Problem> {
    if service.is_draining() {
        return Err(Problem::draining());
    }
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("(not ASCII)"));
    let content_type = text(header::CONTENT_TYPE).unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or("").trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        let detail = format!("the content type is {content_type:?}; send application/json");
        return Err(Problem::unsupported_media_type(detail));
    }
    match text(header::CONTENT_ENCODING) {
        None | Some("identity") => Ok(()),
        Some(encoding) => {
            let detail = format!("the content encoding is {encoding:?}; send the JSON as it is");
            Err(Problem::unsupported_media_type(detail))
        }
    }
}

async fn answer(service: &Service, body: BoundedBody, caller: Caller) -> Result<Report, Problem> {
    // Until the answer is ready the submission takes about as much memory as its body: the body's
    // share of the budget is kept.
    let ServeConfig { max_tests, defaults, .. } = service.config;
    let bounds = WireBounds { max_tests, defaults };
    let (asked, _share) = parse(service, body, bounds).await?;
    let report = match asked {
        Asked::Undecidable(report) => *report,
        Asked::Verify(submission) => {
            check_language(service, &submission)?;
            service.engine.verify_for(caller, *submission, Admit::Bounded).await
        }
    };
    match report.cause {
        Some(Cause::Overloaded) => {
            let retry_after = service.engine.admission().retry_after();
            Err(Problem::overloaded(retry_after, report.reason.unwrap_or_default()))
        }
        Some(Cause::Cancelled) => Err(Problem::draining()),
        _ => Ok(report),
    }
}

async fn parse(
    service: &Service,
    mut body: BoundedBody,
    bounds: WireBounds,
) -> Result<(Asked, BoundedBody), Problem> {
    let is_long = body.bytes.len() > PARSED_ELSEWHERE_BYTES;
    let parse = move || {
        let asked = wire::parse(&body.bytes, bounds).map_err(Problem::bad_request)?;
        body.bytes = Vec::new();
        Ok((asked, body))
    };
    if !is_long {
        return parse();
    }
    let permit = Arc::clone(&service.parsing).acquire_owned().await.expect("the semaphore is never closed");
    let parse = move || {
        // Held until parsing ends, even if the client has gone.
        let _permit = permit;
        parse()
    };
    tokio::task::spawn_blocking(parse).await.unwrap_or_else(|panicked| {
        tracing::error!(%panicked, "parsing a submission panicked");
        Err(Problem::internal())
    })
}

/// Refuses an unknown language, in the words of `proofbox verify`.
fn check_language(service: &Service, submission: &Submission) -> Result<(), Problem> {
    match service.engine.unknown_language(&submission.language) {
        None => Ok(()),
        Some(problem) => Err(Problem::unknown_language(problem)),
    }
}
