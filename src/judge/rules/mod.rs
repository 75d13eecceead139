//! The named rules, and what each compares: printed bytes, values, units in any order.

pub mod fingerprint_field;
pub mod output;
pub mod packed;
pub mod result;
pub mod rule;
pub mod unordered;
