//! What travels between the service and the process that compiles a module, and what compiling may take.

use serde::{Deserialize, Serialize};

use crate::sandbox::{sys::SockFilter, wasm::engine::Metering};

/// Largest module, bytes.
pub const MAX_MODULE_BYTES: usize = 16 << 20;

/// The compiler's exit code where the output is why the module is none, as text.
pub const REFUSED: i32 = 10;
/// The compiler's exit code where the output is a step of ours that failed, and the errno.
pub const FAILED: i32 = 11;

/// How an explanation begins that is a limit.
pub const TOO_DEAR: &str = "the module is too dear to compile:";

/// The steps of the compiler's that can fail.
pub const STEPS: [&str; 6] = [
    "tie_compiler",
    "limit_compiler",
    "start_compiler",
    "confine_compiler",
    "feed_compiler",
    "drain_compiler",
];

/// CPU time that compiling a module may take: so much, so much more for each of its bytes, and no more than the last in
/// all. QuickJS, of 1.5 MiB, takes 1.5 s.
const CPU_MS: u64 = 2_000;
const CPU_MS_PER_MIB: u64 = 4_000;
const MOST_CPU_MS: u64 = 30_000;
/// Memory that compiling a module may take: so much, and so many bytes more for each of its bytes. QuickJS takes 60 MiB.
const MEMORY_BYTES: u64 = 512 << 20;
const MEMORY_PER_BYTE: u64 = 32;
/// Machine code that may come out: so much, and so many bytes more for each byte. What compilers emit becomes three to five times as long.
const CODE_BYTES: u64 = 16 << 20;
const CODE_PER_BYTE: u64 = 12;
/// What compiling one module may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompileLimits {
    /// Whole seconds, as the kernel counts them.
    pub cpu_seconds: u64,
    pub memory_bytes: u64,
    /// Of what comes out.
    pub code_bytes: u64,
}

impl CompileLimits {
    /// Of a module of so many bytes.
    pub fn of_module(bytes: usize) -> CompileLimits {
        let bytes = bytes.min(MAX_MODULE_BYTES) as u64;
        CompileLimits {
            cpu_seconds: (CPU_MS + CPU_MS_PER_MIB * bytes / (1 << 20)).min(MOST_CPU_MS) / 1000,
            memory_bytes: MEMORY_BYTES + MEMORY_PER_BYTE * bytes,
            code_bytes: CODE_BYTES + CODE_PER_BYTE * bytes,
        }
    }
}

/// What the service wants.
#[derive(Debug, Serialize, Deserialize)]
pub struct CompileOrder {
    /// The service's process id.
    pub service: i32,
    pub metering: Metering,
    pub limits: CompileLimits,
    /// Length of the module, which follows.
    pub module_bytes: u64,
    /// The system calls that it may make once it has the module.
    pub seccomp: Vec<SockFilter>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_compiling_may_take_grows_with_the_module_and_has_an_end() {
        let [small, medium, large, larger] =
            [1, 1 << 20, MAX_MODULE_BYTES, usize::MAX].map(CompileLimits::of_module);
        assert_eq!((small.cpu_seconds, medium.cpu_seconds, large.cpu_seconds), (2, 6, 30));
        assert!(small.memory_bytes < large.memory_bytes && small.code_bytes < large.code_bytes);
        // What compilers of C may use.
        assert!(large.memory_bytes <= 1 << 30 && larger == large);
    }
}
