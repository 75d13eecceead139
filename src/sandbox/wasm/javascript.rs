//! QuickJS-NG's reactor as a guest: furnished once, when its image is built, and driven in every run.
//!
//! The module exports a way to start the engine and none to give it further code. Its name section says
//! where the functions are that do, so the build exports them too ([`FUNCTIONS`]). In a run the host is the
//! event loop: it executes the jobs of promises and has the driver carry out the next event, until the driver
//! ends the process.

use wasmtime::{AsContextMut, Instance, Store, WasmParams, WasmResults};

use super::store::RunState;

/// Functions of the module that its image exports beside its own.
pub const FUNCTIONS: [&str; 2] = ["eval_buf", "JS_ExecutePendingJob"];
/// The scripts that furnish the engine, in their order: one module.
pub const SETUP: [&str; 5] = [
    include_str!("../../../sandbox-images/wasm-javascript/inspect.js"),
    include_str!("../../../sandbox-images/wasm-javascript/modules.js"),
    include_str!("../../../sandbox-images/wasm-javascript/files.js"),
    include_str!("../../../sandbox-images/wasm-javascript/driver.js"),
    include_str!("../../../sandbox-images/wasm-javascript/globals.js"),
];

/// The engine's own stack, which is in the guest's memory: the module's has 2 MiB, too few for deep recursion.
const STACK_BYTES: u32 = 32 << 20;
/// How much of it JavaScript may use before it is told that it calls too deep. Both the rest of this stack and
/// [`super::engine::WASM_STACK_BYTES`] must suffice for what happens then.
const JAVASCRIPT_STACK: &str = "24m";
/// The runtime's place in a context.
const RUNTIME_OFFSET: usize = 8;
/// Kinds of code, to `eval_buf`.
const SCRIPT: i32 = 0;
const MODULE: i32 = 1;
/// What code of ours is called in a stack trace.
const NAME: &str = "<proofbox>";

/// Starts the engine on a stack of its own and furnishes it, for the snapshot.
pub fn set_up(store: &mut Store<RunState>, instance: &Instance) -> wasmtime::Result<()> {
    let stack = call::<u32, u32>(store, instance, "malloc", STACK_BYTES)?;
    let pointer = instance.get_global(&mut *store, STACK_POINTER);
    let pointer = pointer.ok_or_else(|| wasmtime::format_err!("there is no stack pointer"))?;
    pointer.set(&mut *store, wasmtime::Val::I32(((stack + STACK_BYTES) & !15) as i32))?;
    let script = format!("const {{ std, os }} = globalThis;\n{}", SETUP.concat());
    let words = ["qjs", "--std", "--stack-size", JAVASCRIPT_STACK, "-m", "-e", &script];
    let mut list = Vec::new();
    for word in words {
        list.extend(place(store, instance, &format!("{word}\0"))?.to_le_bytes());
    }
    let list = place_bytes(store, instance, &list)?;
    match call::<(u32, u32), i32>(store, instance, "qjs_init_argv", (words.len() as u32, list))? {
        0 => {}
        code => return Err(wasmtime::format_err!("the engine's start ended with {code}")),
    }
    rehearse(store, instance)
}

/// The first mutable global, under the name that the snapshot's build gives it.
const STACK_POINTER: &str = "proofbox_global_0";

/// Goes the way of a run, which shows that jobs are executed as this file takes them to be.
fn rehearse(store: &mut Store<RunState>, instance: &Instance) -> wasmtime::Result<()> {
    let engine = QuickJs::of(store, instance)?;
    let steps = [
        (SCRIPT, "Promise.resolve().then(() => { globalThis.__rehearsed = 1 })"),
        (MODULE, "await __proofbox.check()"),
        (SCRIPT, "if (globalThis.__rehearsed !== 1) throw new Error('jobs are not executed')"),
        (SCRIPT, "delete globalThis.__rehearsed; __proofbox.rehearse()"),
    ];
    for (kind, code) in steps {
        if !engine.evaluate(store, instance, code, kind)? {
            return Err(wasmtime::format_err!("{code}"));
        }
        engine.execute_jobs(store, instance)?;
    }
    Ok(())
}

/// Carries a program out. Only an error comes back: the driver ends the process, and so the run, by itself.
/// `arguments`: the program's path, the seed of its random numbers.
pub fn run(store: &mut Store<RunState>, instance: &Instance, arguments: &[String]) -> wasmtime::Result<i32> {
    let engine = QuickJs::of(store, instance)?;
    let list = serde_json::to_string(arguments)?;
    let mut code = format!("__proofbox.begin(...{list})");
    loop {
        // The driver catches what can be caught. What is left, such as no memory to report having none, ends
        // the run as an uncaught exception does.
        if !engine.evaluate(store, instance, &code, SCRIPT)? {
            return Ok(1);
        }
        engine.execute_jobs(store, instance)?;
        if !engine.evaluate(store, instance, "await __proofbox.check()", MODULE)? {
            return Ok(1);
        }
        engine.execute_jobs(store, instance)?;
        "__proofbox.turn()".clone_into(&mut code);
    }
}

/// A started engine, by places in the guest's memory.
struct QuickJs {
    context: u32,
    runtime: u32,
    /// Room for a pointer.
    out: u32,
}

impl QuickJs {
    fn of(store: &mut Store<RunState>, instance: &Instance) -> wasmtime::Result<QuickJs> {
        let context = call::<(), u32>(store, instance, "qjs_get_context", ())?;
        let mut runtime = [0; 4];
        if let Some(memory) = store.data().memory {
            memory.read(&*store, context as usize + RUNTIME_OFFSET, &mut runtime)?;
        }
        let out = call::<u32, u32>(store, instance, "malloc", 8)?;
        Ok(QuickJs { context, runtime: u32::from_le_bytes(runtime), out })
    }

    /// `false`: an exception, which the engine has shown on the standard error stream.
    fn evaluate(
        &self,
        store: &mut Store<RunState>,
        instance: &Instance,
        code: &str,
        kind: i32,
    ) -> wasmtime::Result<bool> {
        let name = place(store, instance, &format!("{NAME}\0"))?;
        let at = place(store, instance, &format!("{code}\0"))?;
        let arguments = (self.context, at, code.len() as u32, name, kind);
        let done = call::<_, i32>(store, instance, "eval_buf", arguments)?;
        for used in [at, name] {
            call::<u32, ()>(store, instance, "free", used)?;
        }
        Ok(done == 0)
    }

    fn execute_jobs(&self, store: &mut Store<RunState>, instance: &Instance) -> wasmtime::Result<()> {
        let execute = instance.get_typed_func::<(u32, u32), i32>(&mut *store, "JS_ExecutePendingJob")?;
        // A job that throws is one of the engine's own; those of programs reject promises.
        while execute.call(&mut *store, (self.runtime, self.out))? != 0 {}
        Ok(())
    }
}

fn place(store: &mut Store<RunState>, instance: &Instance, text: &str) -> wasmtime::Result<u32> {
    place_bytes(store, instance, text.as_bytes())
}

/// Puts bytes into the guest's memory.
fn place_bytes(store: &mut Store<RunState>, instance: &Instance, bytes: &[u8]) -> wasmtime::Result<u32> {
    let at = call::<u32, u32>(store, instance, "malloc", bytes.len() as u32)?;
    if at == 0 {
        return Err(wasmtime::Trap::UnreachableCodeReached.into());
    }
    if let Some(memory) = store.data().memory {
        memory.write(store.as_context_mut(), at as usize, bytes)?;
    }
    Ok(at)
}

fn call<P: WasmParams, R: WasmResults>(
    store: &mut Store<RunState>,
    instance: &Instance,
    name: &str,
    parameters: P,
) -> wasmtime::Result<R> {
    instance.get_typed_func::<P, R>(&mut *store, name)?.call(&mut *store, parameters)
}
