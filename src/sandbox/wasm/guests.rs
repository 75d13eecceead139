//! What cells run: images, loaded at their first use, and modules of solutions, compiled when they come.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use tokio::sync::oneshot;

use super::{
    engine::{Metering, WasmEngine, fault},
    image::{GuestDriver, Manifest},
    image_cache::ImageCache,
    modules::{
        compilers::Compilers,
        module::{self, CompiledModule, Origin},
    },
    run::{GuestStart, Prepared},
    wasi::link,
};
use crate::{
    admission::Slot,
    cache::{ContentCache, KeyMaker},
    sandbox::{
        job::{Fault, Job},
        sys,
    },
};

/// Room for compiled modules, as bytes of machine code.
const MODULES_BYTES: u64 = 128 << 20;

/// What a cell is to run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Guests {
    /// An image, by name.
    Image(String),
    /// The module that is the solution: the job's only source.
    Upload,
    /// The job's only source, which a toolchain made of the solution.
    Program {
        /// How many bytes of the module's memory are its stack's.
        stack_bytes: u64,
    },
}

/// What a cell runs, found before the cell begins.
pub enum FoundGuest {
    /// By name: it is loaded in the cell.
    Image(String),
    Module(CompiledModule),
}

/// Has each image loaded and each module compiled once, and keeps them.
#[derive(Debug)]
pub struct GuestLoader {
    manifests: Vec<Manifest>,
    cache: ImageCache,
    compilers: Compilers,
    /// Modules of solutions: one that comes again, or whose tests take several cells, is compiled once.
    modules: ContentCache<CompiledModule>,
    engines: [OnceLock<Arc<WasmEngine>>; 2],
    /// Images in use, each loaded at its first run.
    loaded: Mutex<HashMap<(String, Metering), Arc<Prepared>>>,
}

impl GuestLoader {
    pub fn new(manifests: Vec<Manifest>, cache: ImageCache, compilers: Compilers) -> GuestLoader {
        GuestLoader {
            manifests,
            cache,
            compilers,
            modules: ContentCache::new(MODULES_BYTES),
            engines: [OnceLock::new(), OnceLock::new()],
            loaded: Mutex::new(HashMap::new()),
        }
    }

    pub fn manifests(&self) -> &[Manifest] {
        &self.manifests
    }

    pub fn cache(&self) -> &ImageCache {
        &self.cache
    }

    /// The engine for a way of metering, made at its first use.
    pub fn engine(&self, metering: Metering) -> Result<Arc<WasmEngine>, Fault> {
        let place = &self.engines[metering as usize];
        if let Some(engine) = place.get() {
            return Ok(Arc::clone(engine));
        }
        let engine = Arc::new(WasmEngine::new(metering)?);
        Ok(Arc::clone(place.get_or_init(|| engine)))
    }

    /// What a cell runs, as far as it must be known before. `place`: the slot of whoever waits.
    pub async fn guest(
        self: &Arc<GuestLoader>,
        guests: Guests,
        metering: Metering,
        place: &Arc<Slot>,
        job: &Job,
    ) -> Result<FoundGuest, Fault> {
        let origin = match guests {
            Guests::Image(name) => return Ok(FoundGuest::Image(name)),
            Guests::Upload => Origin::Upload,
            Guests::Program { stack_bytes } => Origin::Toolchain { stack_bytes },
        };
        let about = format!("{origin:?} {metering:?}");
        let key = KeyMaker::default().part(about.as_bytes()).part(module::module_of(job)?).key();
        // Whoever compiles has a slot, as has everybody who waits for it.
        let compile = self.compile(origin, metering, Arc::clone(place), job.clone());
        let (module, _) = self.modules.get(key, compile).await?;
        Ok(FoundGuest::Module(module))
    }

    /// Has the job's module compiled, on a thread that holds the slot until the compiler is gone.
    async fn compile(
        self: &Arc<GuestLoader>,
        origin: Origin,
        metering: Metering,
        place: Arc<Slot>,
        job: Job,
    ) -> Result<CompiledModule, Fault> {
        let engine = self.engine(metering)?;
        let (sender, module) = oneshot::channel();
        let loader = Arc::clone(self);
        let compile = move || {
            let _place = place;
            let made = module::module_of(&job).and_then(|bytes| {
                module::prepare(&loader.compilers, &engine, origin, bytes, || !sender.is_closed())
            });
            // Whoever wanted it may be gone.
            let _ = sender.send(made);
        };
        std::thread::Builder::new()
            .name("wasm-compile".to_owned())
            .spawn(compile)
            .map_err(|error| fault("start_compiler_thread", &error))?;
        module
            .await
            .map_err(|_| fault("compile_module", &"the thread that waits for the compiler is gone"))?
    }

    /// An image, loaded at its first use. Blocks.
    pub fn image(&self, name: &str, metering: Metering) -> Result<Arc<Prepared>, Fault> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(prepared) = loaded.get(&(name.to_owned(), metering)) {
            return Ok(Arc::clone(prepared));
        }
        let failed = |error: &dyn std::fmt::Display| fault("load_image", error);
        let engine = self.engine(metering)?;
        let manifest = self.manifests.iter().find(|manifest| manifest.name == name);
        let manifest = manifest.ok_or_else(|| failed(&format!("there is no image {name}")))?;
        let built = self.cache.open(manifest, &engine).map_err(|error| failed(&error))?;
        let module =
            sys::wasm::load_checked(engine.wasmtime(), built.code).map_err(|error| failed(&error))?;
        let module = link::linked(&engine, &module).map_err(|error| failed(&error))?;
        let start = match manifest.driver {
            GuestDriver::Python => GuestStart::PythonTurn,
            GuestDriver::Javascript => GuestStart::Javascript,
        };
        let prepared =
            Arc::new(Prepared { engine, module, start, base_bytes: built.base_bytes, files: built.files });
        loaded.insert((name.to_owned(), metering), Arc::clone(&prepared));
        Ok(prepared)
    }
}
