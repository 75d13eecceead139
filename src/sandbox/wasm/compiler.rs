//! The process that compiles a module of a solution.
//!
//! Theory of operation. The service executes its own binary in the `__compiler` role, once for each module. Standard
//! input is a sealed file with an [`Order`] and the module behind it; standard output is an empty file, for the machine
//! code or for why there is none. The process reads the order, bounds and confines itself, and only then reads the
//! module. From there on it can compute, read its input and write its output. It holds nothing of other submissions.
//! Its end says what is in the output: one of the codes below, or the signal of a limit.
//!
//! What bounds the work is known before it begins: size and number of functions are checked here, time and memory are
//! granted by the module's size ([`CompileLimits::of_module`]).

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    process::ExitCode,
};

use nix::{errno::Errno, unistd::getppid};
use serde::{Deserialize, Serialize};
use wasmparser::{Parser, Payload, Validator};

use super::{
    engine::{Metering, compiler},
    upload::MAX_MODULE_BYTES,
};
use crate::sandbox::{
    native::messages::{
        frames::read_message,
        step::{self, StepError, io_step, step},
    },
    sys::{self, SockFilter},
};

/// Its exit code where the output is why the module is none, as text.
pub const REFUSED: i32 = 10;
/// Its exit code where the output is a step of ours that failed, and the errno.
pub const FAILED: i32 = 11;

/// How an explanation begins that is a limit.
pub const TOO_DEAR: &str = "the module is too dear to compile:";

/// The steps of its own that can fail.
pub const STEPS: [&str; 6] = [
    "tie_compiler",
    "limit_compiler",
    "start_compiler",
    "confine_compiler",
    "feed_compiler",
    "drain_compiler",
];

/// Largest function, bytes: compiling takes more than linear time and memory.
const MAX_FUNCTION_BYTES: usize = 256 << 10;
/// Most functions.
const MAX_FUNCTIONS: usize = 50_000;

/// Every module may take so much CPU time, so much more for each of its bytes, and no more than that in all. QuickJS, of
/// 1.5 MiB, takes 1.5 s.
const CPU_MS: u64 = 2_000;
const CPU_MS_PER_MIB: u64 = 4_000;
const MOST_CPU_MS: u64 = 30_000;
/// The same of memory, bytes for each byte. QuickJS takes 60 MiB.
const MEMORY_BYTES: u64 = 512 << 20;
const MEMORY_PER_BYTE: u64 = 32;
/// The same of machine code. What compilers emit becomes three to five times as long.
const CODE_BYTES: u64 = 16 << 20;
const CODE_PER_BYTE: u64 = 12;
/// Stack: passes of the compiler go as deep as blocks are nested.
const STACK_BYTES: u64 = 64 << 20;
/// Address space beside that memory: the program, its libraries, its stack.
const PROGRAM_BYTES: u64 = 1 << 30;

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
pub struct Order {
    /// The service's process id.
    pub service: i32,
    pub metering: Metering,
    pub limits: CompileLimits,
    /// Length of the module, which follows.
    pub module_bytes: u64,
    /// The system calls that it may make once it has the module.
    pub seccomp: Vec<SockFilter>,
}

/// The `__compiler` role. Called from `main` before any thread exists.
pub fn main() -> ExitCode {
    step::inject_from_environment();
    let mut input = File::from(sys::adopt_fd(0));
    let mut output = File::from(sys::adopt_fd(1));
    let order: Order = match read_message(&mut input) {
        Ok(order) => order,
        Err(error) => {
            eprintln!("proofbox __compiler is started by proofbox itself: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = match carry_out(&order, &mut input, &mut output) {
        Ok(Ok(())) => 0,
        Ok(Err(problem)) => said(REFUSED, output.write_all(problem.as_bytes())),
        Err(StepError { step, errno }) => said(FAILED, write!(output, "{step} {}", errno as i32)),
    };
    sys::exit_now(code)
}

/// The code, if its explanation could be written.
fn said(code: i32, written: io::Result<()>) -> i32 {
    if written.is_ok() { code } else { 1 }
}

/// Compiles as ordered. The inner error is what is wrong with the module.
fn carry_out(
    order: &Order,
    input: &mut impl Read,
    output: &mut impl Write,
) -> Result<Result<(), String>, StepError> {
    step("tie_compiler", || tie(order.service))?;
    step("limit_compiler", || limit(&order.limits))?;
    let engine = step("start_compiler", || compiler(order.metering).map_err(|_| Errno::EINVAL))?;
    step("confine_compiler", || {
        sys::close_from(3)?;
        sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1)?;
        sys::install_seccomp(&order.seccomp)
    })?;
    let mut module = vec![0; order.module_bytes as usize];
    io_step("feed_compiler", || input.read_exact(&mut module))?;
    let code = match compile(&engine, &module, &order.limits) {
        Ok(code) => code,
        Err(problem) => return Ok(Err(problem)),
    };
    io_step("drain_compiler", || output.write_all(&code))?;
    Ok(Ok(()))
}

/// Ends with the service, hides its memory, and is the first to go where the host runs out of memory.
fn tie(service: i32) -> Result<(), Errno> {
    sys::set_name(c"proofbox-wasm")?;
    sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as u64)?;
    // Where it ended before that.
    if getppid().as_raw() != service {
        return Err(Errno::ESRCH);
    }
    // A wish: there may be no /proc.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    sys::prctl(libc::PR_SET_DUMPABLE, 0)
}

fn limit(limits: &CompileLimits) -> Result<(), Errno> {
    let bound = |resource, soft: u64, hard: u64| {
        let most = sys::hard_rlimit(resource)?;
        sys::set_rlimit(resource, soft.min(most), hard.min(most))
    };
    // SIGXCPU ends it at the first.
    bound(libc::RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1)?;
    bound(libc::RLIMIT_DATA, limits.memory_bytes, limits.memory_bytes)?;
    let address_space = limits.memory_bytes + PROGRAM_BYTES;
    bound(libc::RLIMIT_AS, address_space, address_space)?;
    bound(libc::RLIMIT_FSIZE, limits.code_bytes, limits.code_bytes)?;
    bound(libc::RLIMIT_STACK, STACK_BYTES, STACK_BYTES)
}

fn compile(engine: &wasmtime::Engine, module: &[u8], limits: &CompileLimits) -> Result<Vec<u8>, String> {
    check_bounds(module)?;
    let code = engine.precompile_module(module).map_err(|error| one_line(&error))?;
    match code.len() as u64 > limits.code_bytes {
        true => {
            Err(format!("{TOO_DEAR} more than {} MiB of machine code come of it", limits.code_bytes >> 20))
        }
        false => Ok(code),
    }
}

/// Bounds what the compiler will have to do.
fn check_bounds(bytes: &[u8]) -> Result<(), String> {
    if bytes.len() > MAX_MODULE_BYTES {
        return Err(format!("the module has more than {} MiB", MAX_MODULE_BYTES >> 20));
    }
    let mut functions = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| error.to_string())? {
            Payload::CodeSectionEntry(body) => {
                functions += 1;
                if body.range().len() > MAX_FUNCTION_BYTES {
                    return Err(format!("a function has more than {} KiB", MAX_FUNCTION_BYTES >> 10));
                }
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                return Err("a component, not a module".to_owned());
            }
            _ => {}
        }
    }
    if functions > MAX_FUNCTIONS {
        return Err(format!("the module has more than {MAX_FUNCTIONS} functions"));
    }
    // All of it before any of it is compiled.
    Validator::new().validate_all(bytes).map_err(|error| error.to_string())?;
    Ok(())
}

pub fn one_line(error: &wasmtime::Error) -> String {
    format!("{error:#}").replace('\n', "; ")
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
