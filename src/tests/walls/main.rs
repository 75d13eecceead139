//! What cells are kept from, in every tier. These tests also run in `test-cases/guest`.

mod cgroup;
mod hostile;
mod policy;
#[path = "../support/mod.rs"]
mod support;
mod tiers;
