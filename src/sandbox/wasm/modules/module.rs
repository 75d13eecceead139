//! Modules that are themselves the solution: compiled by another process, linked here.

use std::sync::Arc;

use wasmtime::ExternType;

use super::compilers::{Compilers, Made};
use crate::{
    cache::Weight,
    sandbox::{
        job::{End, Fault, Job, Outcome, Usage},
        sys,
        wasm::{
            engine::{WasmEngine, fault, one_line},
            run::{GuestStart, Prepared},
            wasi::link::linked,
        },
    },
    value::{Value, marshal},
};

/// What a module weighs at least: each keeps a file open.
const LEAST_WEIGHT_BYTES: u64 = 512 << 10;

/// Where a module comes from.
#[derive(Debug, Clone, Copy)]
pub enum Origin {
    /// It is itself the solution.
    Upload,
    /// A toolchain of ours made it of the solution. It is no more trusted for that.
    Toolchain {
        /// What its stack takes of its memory.
        stack_bytes: u64,
    },
}

/// What is known of a module's bytes.
#[derive(Debug, Clone)]
pub enum CompiledModule {
    /// Ready for runs; the length of its machine code.
    Ready(Arc<Prepared>, u64),
    /// It is none, or too dear: the outcome of every run of it.
    Refused(Box<Outcome>),
}

impl Weight for CompiledModule {
    fn weight_bytes(&self) -> u64 {
        match self {
            CompiledModule::Ready(_, code_bytes) => LEAST_WEIGHT_BYTES.max(*code_bytes),
            CompiledModule::Refused(outcome) => outcome.result.len() as u64 + 1024,
        }
    }
}

/// The job's module.
pub fn module_of(job: &Job) -> Result<&[u8], Fault> {
    let [(_, bytes)] = &job.sources[..] else {
        return Err(fault("compile_module", &"a module is one file"));
    };
    Ok(bytes)
}

/// Has a module compiled and links it. Blocks; see [`Compilers::compile`].
pub fn prepare(
    compilers: &Compilers,
    engine: &Arc<WasmEngine>,
    origin: Origin,
    bytes: &[u8],
    is_wanted: impl Fn() -> bool,
) -> Result<CompiledModule, Fault> {
    let problem = match compilers.compile(engine.metering(), bytes, is_wanted)? {
        Made::Refused(problem) => problem,
        Made::Code(code, length) => {
            let module = sys::wasm::load_checked(engine.wasmtime(), code)
                .map_err(|error| fault("load_module", &error))?;
            match prepared(engine, origin, &module) {
                Ok(prepared) => return Ok(CompiledModule::Ready(Arc::new(prepared), length)),
                Err(problem) => problem,
            }
        }
    };
    let refused = not_a_module(&problem);
    Ok(CompiledModule::Refused(Box::new(match origin {
        Origin::Upload => refused,
        // The compiler made it; that it is too much for us is not the solution's fault.
        Origin::Toolchain { .. } => {
            Outcome { lacks: Some(format!("room for its program: {problem}")), ..refused }
        }
    })))
}

fn prepared(engine: &Arc<WasmEngine>, origin: Origin, module: &wasmtime::Module) -> Result<Prepared, String> {
    let is_command =
        matches!(module.get_export("_start"), Some(ExternType::Func(start)) if start.params().len() == 0);
    if !is_command {
        return Err("the module exports no function _start: it is no WASI command".to_owned());
    }
    let module = linked(engine, module).map_err(|error| one_line(&error))?;
    let base_bytes = match origin {
        Origin::Upload => None,
        Origin::Toolchain { stack_bytes } => Some(stack_bytes),
    };
    Ok(Prepared {
        engine: Arc::clone(engine),
        module,
        start: if base_bytes.is_some() { GuestStart::Program } else { GuestStart::Command },
        base_bytes: base_bytes.unwrap_or(0),
        files: Vec::new(),
    })
}

/// What the driver of an interpreter would say of a source that does not compile.
fn not_a_module(problem: &str) -> Outcome {
    let record = Value::Tuple(vec![Value::str("syntax"), Value::str(problem)]);
    Outcome {
        end: End::Exited { code: 1 },
        limit: None,
        usage: Usage::default(),
        stdout: Vec::new(),
        stderr: Vec::new(),
        result: marshal::encode(&record).unwrap_or_default(),
        lacks: None,
        in_series: false,
        files: Vec::new(),
        ended_at: std::time::Duration::ZERO,
        left_unread: false,
    }
}
