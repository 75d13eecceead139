//! Comparison of what came out with what was expected. Pure.

/// How a result is compared with what was expected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Compare {
    /// Byte for byte.
    Exact,
    /// Line by line; blanks at line ends and empty lines at the end do not count.
    Lines,
    /// White-space separated tokens, in order.
    Tokens,
    /// As `Tokens`, and two numbers are equal within an absolute or a relative tolerance.
    Float { abs: f64, rel: f64 },
}
