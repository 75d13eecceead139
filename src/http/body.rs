//! Reads bodies. The size of one body, the time that it takes, and the memory of all bodies together are bounded.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, http::HeaderMap, http::header};
use http_body_util::BodyExt;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    problem::Problem,
    service::{BodyBudget, Service},
};

/// A body and its share of the [`BodyBudget`], given back when dropped.
#[derive(Debug)]
pub struct BoundedBody {
    pub bytes: Vec<u8>,
    share: Option<OwnedSemaphorePermit>,
}

impl BoundedBody {
    /// Appends `chunk` if the budget has room for it.
    fn push(&mut self, chunk: &[u8], budget: &BodyBudget) -> Result<(), NoRoom> {
        let held_kib = self.share.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more_kib = (self.bytes.len() + chunk.len()).div_ceil(1024) - held_kib;
        if more_kib > 0 {
            let more_kib = u32::try_from(more_kib).map_err(|_| NoRoom)?;
            let more = Arc::clone(&budget.kibibytes).try_acquire_many_owned(more_kib).map_err(|_| NoRoom)?;
            match &mut self.share {
                Some(share) => share.merge(more),
                None => self.share = Some(more),
            }
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }
}

struct NoRoom;

/// How long a refused body is read and thrown away. A client that is still sending when the
/// connection closes sees a reset instead of the answer.
const DISCARD_TIME: Duration = Duration::from_secs(2);

/// Reads a request's body whole.
///
/// # Errors
/// 413 beyond the size allowed, 408 when it comes too slowly, 429 when bodies in flight fill their
/// memory, 400 when it breaks off.
pub async fn read(headers: &HeaderMap, mut body: Body, service: &Service) -> Result<BoundedBody, Problem> {
    let max_bytes = service.config.max_body_bytes;
    if declared_length(headers).is_some_and(|declared| declared > max_bytes as u64) {
        discard(&mut body).await;
        return Err(Problem::body_too_large(max_bytes));
    }
    // Reserved memory takes nothing until it is written. Growing by doubling would take twice the body's size.
    let declared = declared_length(headers).map_or(0, |declared| declared as usize);
    let timeout = service.config.body_timeout;
    let read = read_frames(&mut body, declared, max_bytes, &service.bodies);
    let read = tokio::time::timeout(timeout, read).await;
    match read {
        Err(_) => Err(Problem::body_timeout(timeout)),
        Ok(Ok(read)) => Ok(read),
        Ok(Err(NoBody::Broken)) => Err(Problem::broken_body()),
        Ok(Err(NoBody::TooLarge)) => {
            discard(&mut body).await;
            Err(Problem::body_too_large(max_bytes))
        }
        Ok(Err(NoBody::NoRoom)) => {
            discard(&mut body).await;
            let retry_after = service.engine.admission().retry_after();
            Err(Problem::overloaded(retry_after, "the bodies of waiting requests fill the memory set aside"))
        }
    }
}

enum NoBody {
    Broken,
    TooLarge,
    NoRoom,
}

async fn read_frames(
    body: &mut Body,
    declared: usize,
    max_bytes: usize,
    budget: &BodyBudget,
) -> Result<BoundedBody, NoBody> {
    let mut read = BoundedBody { bytes: Vec::new(), share: None };
    // If this fails the body may still fit: it may be shorter than declared.
    let _ = read.bytes.try_reserve_exact(declared);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| NoBody::Broken)?;
        let Some(chunk) = frame.data_ref() else { continue };
        if read.bytes.len() + chunk.len() > max_bytes {
            return Err(NoBody::TooLarge);
        }
        read.push(chunk, budget).map_err(|NoRoom| NoBody::NoRoom)?;
    }
    Ok(read)
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads the rest of a body that has been refused, for a short time.
pub async fn discard(body: &mut Body) {
    let rest = async { while let Some(Ok(_)) = body.frame().await {} };
    // The answer follows in either case.
    let _ = tokio::time::timeout(DISCARD_TIME, rest).await;
}
