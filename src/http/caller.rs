//! Whose turn a request counts against: see [`crate::admission`].
//!
//! By the client's address, and by the header `X-Proofbox-Caller` where it sends one: two jobs behind
//! one address, or one gateway, are told apart by it. It only shares slots out among clients that are
//! trusted to run code here at all, so that a client with many names gets many turns is no secret.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName};

use super::problem::Problem;
use crate::admission::Caller;

const CALLER: HeaderName = HeaderName::from_static("x-proofbox-caller");
/// Longest name, bytes.
const MAX_NAME_BYTES: usize = 128;

/// The other end of a request's connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// # Errors
/// 400 for a name that is too long.
pub fn caller(headers: &HeaderMap, peer: Option<&Peer>) -> Result<Caller, Problem> {
    let name = headers.get(CALLER).map(|name| name.as_bytes());
    if name.is_some_and(|name| name.len() > MAX_NAME_BYTES) {
        return Err(Problem::bad_header(CALLER.as_str(), format!("longer than {MAX_NAME_BYTES} bytes")));
    }
    Ok(Caller::named((peer.map(|peer| peer.0), name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_and_name_both_tell_callers_apart() {
        let peers = [Peer([127, 0, 0, 1].into()), Peer([127, 0, 0, 2].into())];
        let named = |name: &str| HeaderMap::from_iter([(CALLER, name.parse().unwrap())]);
        let headers = [HeaderMap::new(), named("one"), named("two")];
        let mut seen = Vec::new();
        for peer in &peers {
            for headers in &headers {
                let this = caller(headers, Some(peer)).unwrap();
                assert_eq!(this, caller(headers, Some(peer)).unwrap());
                assert!(!seen.contains(&this));
                seen.push(this);
            }
        }
        assert!(caller(&named(&"x".repeat(128)), None).is_ok());
        assert!(caller(&named(&"x".repeat(129)), None).is_err());
    }
}
