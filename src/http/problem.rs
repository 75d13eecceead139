//! What a client is told when a request fails: RFC 9457 `application/problem+json`.

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{
    verdict::{Cause, Verdict},
    wire::BadRequest,
};

/// An error as a client sees it. It never contains causes inside the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    /// Last part of the problem's type, `urn:proofbox:problem:{kind}`: what a client may act on.
    kind: &'static str,
    title: &'static str,
    detail: String,
    /// Path of the field that is wrong.
    field: Option<String>,
    /// For errors about a submission: the cause that `proofbox verify` reports in the same case. The body then also has
    /// the verdict `undecided`.
    cause: Option<&'static str>,
    retry_after: Option<Duration>,
}

#[derive(Serialize)]
struct ProblemBody<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
}

impl Problem {
    fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Problem {
        Problem { status, kind, title, detail: detail.into(), field: None, cause: None, retry_after: None }
    }

    pub fn bad_request(refusal: BadRequest) -> Problem {
        let problem = Problem::new(
            StatusCode::BAD_REQUEST,
            "bad-request",
            "The submission does not say what is wanted",
            refusal.to_string(),
        );
        Problem { field: refusal.field, cause: Some(BadRequest::CAUSE), ..problem }
    }

    /// A header whose value cannot be used.
    pub fn bad_header(name: &str, detail: impl std::fmt::Display) -> Problem {
        let detail = format!("{name}: {detail}");
        Problem::new(StatusCode::BAD_REQUEST, "bad-header", "A header cannot be used", detail)
    }

    /// The body broke off or was not framed as HTTP wants.
    pub fn broken_body() -> Problem {
        let detail = "the body ended before it was complete";
        Problem::new(StatusCode::BAD_REQUEST, "broken-body", "The body could not be read", detail)
    }

    pub fn unauthorized() -> Problem {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "A token is needed",
            "send the service's token as `Authorization: Bearer TOKEN`",
        )
    }

    pub fn not_found() -> Problem {
        Problem::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "There is nothing here",
            "the service answers /v1/verify, /v1/languages, /healthz, /readyz and /metrics",
        )
    }

    pub fn method_not_allowed() -> Problem {
        Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "The method is not allowed here",
            "the header `Allow` names those that are",
        )
    }

    pub fn body_timeout(timeout: Duration) -> Problem {
        let detail = format!("the body did not arrive within {} ms", timeout.as_millis());
        Problem::new(StatusCode::REQUEST_TIMEOUT, "body-timeout", "The body came too slowly", detail)
    }

    pub fn body_too_large(max_body_bytes: usize) -> Problem {
        let detail = format!("a body may have at most {max_body_bytes} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large", detail)
    }

    pub fn unsupported_media_type(detail: impl Into<String>) -> Problem {
        Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "The body is not of a type that is understood",
            detail,
        )
    }

    /// 422: the request is well formed, and asks for what this installation does not have.
    pub fn unknown_language(detail: String) -> Problem {
        let problem = Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "unknown-language",
            "The language is not known",
            detail,
        );
        let cause = Some(Cause::Unsupported.as_str());
        Problem { field: Some("language".to_owned()), cause, ..problem }
    }

    pub fn overloaded(retry_after: Duration, detail: impl Into<String>) -> Problem {
        let problem =
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "overloaded", "The service is busy", detail);
        let cause = Some(Cause::Overloaded.as_str());
        Problem { retry_after: Some(retry_after), cause, ..problem }
    }

    pub fn draining() -> Problem {
        let problem = Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "draining",
            "The service is stopping",
            "no new submissions are taken; another copy, or this one after its restart, will",
        );
        let cause = Some(Cause::Cancelled.as_str());
        Problem { retry_after: Some(Duration::from_secs(1)), cause, ..problem }
    }

    pub fn internal() -> Problem {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The service failed",
            "nothing is known about the submission; the service's log has the cause",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            r#type: format!("urn:proofbox:problem:{}", self.kind),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            field: self.field.as_deref(),
            verdict: self.cause.map(|_| Verdict::Undecided.as_str()),
            cause: self.cause,
        };
        let body = serde_json::to_string(&body).expect("strings and a number");
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(retry_after) = self.retry_after {
            // Whole seconds, rounded up: a zero would mean "at once".
            let seconds = retry_after.as_millis().div_ceil(1000).max(1);
            let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
