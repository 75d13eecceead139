//! `proofbox soak`.

pub mod traces;
