//! (being written)
pub const DEFAULT_MAX_TESTS: usize = 10_000;
