//! Modules that are themselves the solution: checked, bounded, compiled.
//!
//! Compiling is our own code at work on hostile bytes, in this process: the compiler is memory-safe, and what
//! bounds its time and memory is checked before it begins.

use std::sync::Arc;

use wasmparser::{Parser, Payload, Validator};
use wasmtime::ExternType;

use super::{
    engine::WasmEngine,
    linked,
    modules::Module,
    run::{Prepared, Start},
};
use crate::{
    sandbox::{End, Fault, Job, Outcome, Usage},
    value::{Value, marshal},
};

/// Largest module, bytes.
pub const MAX_MODULE_BYTES: usize = 16 << 20;
/// Largest function, bytes: compiling takes more than linear time and memory.
const MAX_FUNCTION_BYTES: usize = 256 << 10;
/// Most functions.
const MAX_FUNCTIONS: usize = 50_000;

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

/// The job's module.
pub fn module_of(job: &Job) -> Result<&[u8], Fault> {
    let [(_, bytes)] = &job.sources[..] else {
        let detail = "a module is one file".to_owned();
        return Err(Fault { step: "compile_module".to_owned(), detail });
    };
    Ok(bytes)
}

/// Compiles a module. The error is the outcome of every run of a module that is none.
pub fn prepare(engine: &Arc<WasmEngine>, origin: Origin, bytes: &[u8]) -> Module {
    let refused = |problem: String| match origin {
        Origin::Upload => not_a_module(&problem),
        // The compiler made it; that it is too much for us is not the solution's fault.
        Origin::Toolchain { .. } => {
            Outcome { lacks: Some(format!("room for its program: {problem}")), ..not_a_module(&problem) }
        }
    };
    compile(engine, origin, bytes).map(Arc::new).map_err(|problem| Box::new(refused(problem)))
}

fn compile(engine: &Arc<WasmEngine>, origin: Origin, bytes: &[u8]) -> Result<Prepared, String> {
    check_bounds(bytes)?;
    let module = wasmtime::Module::from_binary(engine.wasmtime(), bytes).map_err(|error| one_line(&error))?;
    let is_command =
        matches!(module.get_export("_start"), Some(ExternType::Func(start)) if start.params().len() == 0);
    if !is_command {
        return Err("the module exports no function _start: it is no WASI command".to_owned());
    }
    let module = linked(engine, &module).map_err(|error| one_line(&error))?;
    let base_bytes = match origin {
        Origin::Upload => None,
        Origin::Toolchain { stack_bytes } => Some(stack_bytes),
    };
    Ok(Prepared {
        engine: Arc::clone(engine),
        module,
        start: if base_bytes.is_some() { Start::Program } else { Start::Command },
        base_bytes: base_bytes.unwrap_or(0),
        files: Vec::new(),
    })
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

fn one_line(error: &wasmtime::Error) -> String {
    format!("{error:#}").replace('\n', "; ")
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
