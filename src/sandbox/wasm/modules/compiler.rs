//! The process that compiles a module of a solution.
//!
//! Theory of operation. The service executes its own binary in the `__compiler` role, once for each module. Standard
//! input is a sealed file with an [`CompileOrder`] and the module behind it; standard output is an empty file, for the machine
//! code or for why there is none. The process reads the order, bounds and confines itself, and only then reads the
//! module. From there on it can compute, read its input and write its output. It holds nothing of other submissions.
//! Its end says what is in the output: one of the codes of [`super::order`], or the signal of a limit.
//!
//! What bounds the work is known before it begins: size and number of functions are checked here, time and memory are
//! granted by the module's size ([`CompileLimits::of_module`]).

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    process::ExitCode,
};

use nix::{errno::Errno, unistd::getppid};
use wasmparser::{Parser, Payload, Validator};

use super::order::{CompileLimits, CompileOrder, FAILED, MAX_MODULE_BYTES, REFUSED, TOO_DEAR};
use crate::sandbox::{
    native::messages::{
        frames::read_message,
        step::{self, StepError, io_step, step},
    },
    sys,
    wasm::engine::{compiler, one_line},
};

/// Largest function, bytes: compiling takes more than linear time and memory.
const MAX_FUNCTION_BYTES: usize = 256 << 10;
/// Most functions.
const MAX_FUNCTIONS: usize = 50_000;

/// Stack: passes of the compiler go as deep as blocks are nested.
const STACK_BYTES: u64 = 64 << 20;
/// Address space beside that memory: the program, its libraries, its stack.
const PROGRAM_BYTES: u64 = 1 << 30;

/// The `__compiler` role. Called from `main` before any thread exists.
pub fn main() -> ExitCode {
    step::inject_from_environment();
    let mut input = File::from(sys::adopt_fd(0));
    let mut output = File::from(sys::adopt_fd(1));
    let order: CompileOrder = match read_message(&mut input) {
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
    order: &CompileOrder,
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
