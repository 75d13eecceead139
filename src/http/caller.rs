//! Identifies the caller of a request, so that callers can take turns: see [`crate::admission`].
//!
//! A caller is the client's address together with the header `X-Proofbox-Caller`, if the client sends it. The header
//! tells apart two jobs behind one address or gateway. It is no protection: a client with many names gets many turns,
//! and every client is trusted to run code here anyway.

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
