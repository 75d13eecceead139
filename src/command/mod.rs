//! (being written)

pub mod filter;
