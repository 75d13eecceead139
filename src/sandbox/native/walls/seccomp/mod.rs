//! The filter of system calls, from the policies below `sandbox-images`.

pub mod confined_policy;
pub mod merge;
pub mod policy;
pub mod rules;
