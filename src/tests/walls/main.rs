//! What cells are kept from, in every tier. These tests also run in `test-cases/guest`.
#![expect(
    clippy::disallowed_methods,
    reason = "tests start programs, and are told what to try by the environment"
)]

mod cgroup;
mod hostile;
mod policy;
#[path = "../support/mod.rs"]
mod support;
mod tiers;
