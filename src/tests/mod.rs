//! Tests that need the whole house: real sockets, real cells.

mod http;
mod http_client;
mod http_runs;
