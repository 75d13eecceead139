//! Building an image that is run: fetch, check, furnish, snapshot, compile, write.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use wasmtime::{Instance, Linker, Module, Store, Val};

use super::{
    archive::Archive,
    error::BuildError,
    fetch::package_of,
    snapshot::{self, GlobalValue},
};
use crate::{
    limits::Limits,
    sandbox::wasm::{
        engine::WasmEngine,
        image::{GuestDriver, Manifest, PYTHON_SETUP, SnapshotSettings},
        image_cache::{ImageCache, ToWrite},
        javascript,
        run::python_turn,
        store::{Clock, RunState, limited},
        wasi::{Wasi, clocks::Clocks, link, randomness::Randomness, tree::Tree},
    },
    scripts,
};

/// Builds an image for each of the engines for which it is not there; `from`: a directory that holds the package's
/// file, instead of the registry. Returns where they lie, in the engines' order.
///
/// Takes minutes of CPU time for a large module. Callers in other processes wait for each other.
pub fn build(
    manifest: &Manifest,
    cache: &ImageCache,
    engines: &[WasmEngine],
    from: Option<&Path>,
    progress: &dyn Fn(&str),
) -> Result<Vec<PathBuf>, BuildError> {
    let failed = |step: &'static str| {
        move |error: &dyn std::fmt::Display| BuildError::step(&manifest.name, step, error)
    };
    let _lock = cache.lock(manifest).map_err(|error| failed("lock the cache")(&error))?;
    let is_built = |engine: &&WasmEngine| cache.has(manifest, engine);
    if engines.iter().all(|engine| is_built(&engine)) {
        return Ok(engines.iter().map(|engine| cache.place(manifest, engine)).collect());
    }
    let package = package_of(&manifest.name, &manifest.package, from, progress)?;
    let archive = Archive::new(&package);
    let member = |name: &str| archive.member(name).map_err(|error| failed("unpack the package")(&error));
    let mut module = member(&manifest.guest.module)?;
    let mut files = BTreeMap::new();
    for (place, name) in &manifest.guest.files {
        files.insert(place.clone(), member(name)?);
    }
    let mut base_bytes = 0;
    if let Some(guest) = Furnished::of(manifest) {
        progress("starting the interpreter, of which a snapshot is made");
        if let Furnished::Javascript = guest {
            let exporting = snapshot::exporting(&module, &javascript::FUNCTIONS);
            module = exporting.map_err(|error| failed("export the engine's functions")(&error))?;
        }
        let furnished =
            furnish(&module, guest, &files).map_err(|error| failed("make the snapshot")(&error))?;
        (module, base_bytes) = furnished;
    }
    let compile = |engine: &WasmEngine| {
        if is_built(&engine) {
            return Ok(cache.place(manifest, engine));
        }
        progress(&format!("compiling, with limits by {}", engine.metering().as_str()));
        let code = engine.wasmtime().precompile_module(&module);
        let code = code.map_err(|error| failed("compile the module")(&error))?;
        Ok(cache.write(manifest, engine, &ToWrite { code, base_bytes, files: &files })?)
    };
    engines.iter().map(compile).collect()
}

/// A guest that is started and furnished before the snapshot is made.
#[derive(Debug, Clone, Copy)]
enum Furnished<'a> {
    Python(&'a SnapshotSettings),
    Javascript,
}

impl Furnished<'_> {
    fn of(manifest: &Manifest) -> Option<Furnished<'_>> {
        match manifest.driver {
            GuestDriver::Python => manifest.snapshot.as_ref().map(Furnished::Python),
            GuestDriver::Javascript => Some(Furnished::Javascript),
        }
    }

    /// Starts the guest's interpreter and has it load what every run is to find.
    fn set_up(self, store: &mut Store<RunState>, instance: &Instance) -> wasmtime::Result<()> {
        let ended = match self {
            Furnished::Python(settings) => {
                let script = PYTHON_SETUP.replace("MODULES", &settings.modules.join(" "));
                match python_turn(store, instance, &script) {
                    Ok(0) => Ok(()),
                    Ok(code) => Err(wasmtime::format_err!("it ended with {code}")),
                    Err(error) => Err(error),
                }
            }
            Furnished::Javascript => javascript::set_up(store, instance),
        };
        let said = String::from_utf8_lossy(&store.data().wasi.stderr).into_owned();
        ended.map_err(|error| wasmtime::format_err!("the set-up script: {error:#}: {said}"))
    }
}

/// A module that begins behind the interpreter's start, and how much memory it begins with.
fn furnish(
    module: &[u8],
    guest: Furnished<'_>,
    files: &BTreeMap<String, Vec<u8>>,
) -> wasmtime::Result<(Vec<u8>, u64)> {
    let (instrumented, globals) = snapshot::instrumented(module)?;
    let engine = WasmEngine::for_setup().map_err(wasmtime::Error::new)?;
    let mut tree = Tree::new(0);
    let refused = |errno| wasmtime::format_err!("a file of the image: {errno:?}");
    for (place, content) in files {
        tree.add_shared(place, Arc::from(&content[..])).map_err(refused)?;
    }
    for script in &scripts::RUN {
        let place = format!("/proofbox/{}.py", script.name);
        tree.add_shared(&place, Arc::from(script.source().as_bytes())).map_err(refused)?;
    }
    tree.add_directories("/box").map_err(refused)?;
    tree.add_directories("/tmp/work").map_err(refused)?;
    let limits = Limits { cpu_ms: 600_000, wall_ms: 3_600_000, ..Limits::default() };
    // A snapshot must not depend on when and where it was made.
    let wasi = Wasi::new(tree, limits, Clocks::Fuel, Randomness::Seeded(1));
    let data = RunState::new(wasi, 1 << 30, 0);
    let clock = Clock::start(limits, Arc::new(AtomicBool::new(false))).map_err(wasmtime::Error::new)?;
    let mut store = limited(&engine, data, clock)?;
    let running = engine.running();
    let mut linker = Linker::new(engine.wasmtime());
    link::add_to(&mut linker)?;
    let instance = linker.instantiate(&mut store, &Module::new(engine.wasmtime(), &instrumented)?)?;
    let memory = instance
        .get_memory(&mut store, "memory")
        .ok_or_else(|| wasmtime::format_err!("the module exports no memory"))?;
    store.data_mut().memory = Some(memory);
    if let Ok(initialize) = instance.get_typed_func::<(), ()>(&mut store, "_initialize") {
        initialize.call(&mut store, ())?;
    }
    let ended = guest.set_up(&mut store, &instance);
    drop(running);
    ended?;
    let mut values = Vec::new();
    for name in &globals {
        let global = instance.get_global(&mut store, name);
        let global = global.ok_or_else(|| wasmtime::format_err!("there is no global {name}"))?;
        values.push(match global.get(&mut store) {
            Val::I32(value) => GlobalValue::I32(value),
            Val::I64(value) => GlobalValue::I64(value),
            Val::F32(bits) => GlobalValue::F32(bits),
            Val::F64(bits) => GlobalValue::F64(bits),
            _ => return Err(wasmtime::format_err!("a global that is no number")),
        });
    }
    let content = memory.data(&store);
    let furnished = snapshot::with_state(module, content, &values)?;
    Ok((furnished, content.len() as u64))
}
