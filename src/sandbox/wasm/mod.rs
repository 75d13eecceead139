//! The second wall: solutions in WebAssembly, in this process, without a system call of their own.
//! Modules made of them are compiled in another.
//!
//! The boundary is the native one's: a [`Job`] goes in, one [`Outcome`] per run comes out. Every cell
//! has a thread of its own, whose CPU clock is the runs' clock; every run has an instance of its own,
//! which begins with the image's memory and ends with everything it wrote.
//!
//! | file | what |
//! |---|---|
//! | `engine` | the one configuration of wasmtime, a reason for each setting; epochs |
//! | `image`, `fetch`, `build`, `snapshot` | manifests; packages; building; built images and whom to trust |
//! | `prune` | old images, removed |
//! | `store`, `wasi` | one run's limits and clocks; one run's world |
//! | `javascript` | how QuickJS is furnished and driven |
//! | `run`, `lacks` | one run, and what its end means |
//! | `upload` | modules that are themselves the solution, or were made of it |
//! | `compiling`, `compiler` | has them compiled; the process that compiles one |
//! | `toolchain` | compilers of C and C++, which make such modules in native cells |

mod build;
mod compiler;
mod compiling;
mod engine;
mod fetch;
mod image;
mod javascript;
mod lacks;
mod prune;
mod run;
mod snapshot;
mod store;
mod toolchain;
mod upload;
mod wasi;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::{mpsc, oneshot};
use wasmtime::Linker;

pub use self::{
    build::default_directory,
    compiler::main as compiler_main,
    engine::Metering,
    image::{Driver, Manifest, WasmImageError},
    lacks::missing,
    prune::{OldImage, Pruning},
    toolchain::{Compiled, Kind, Opened, Toolchain},
    upload::MAX_MODULE_BYTES,
};
use self::{
    compiling::Compilers,
    engine::{WASM_STACK_BYTES, WasmEngine},
    image::Cache,
    run::{Prepared, Start},
    store::Guest,
    toolchain::Toolchains,
    upload::{Module, Origin},
    wasi::joint,
};
use super::{Fault, Job, LauncherConfig, Outcome, Tier, native::walls::seccomp::policy::PolicyError, sys};
use crate::{
    admission::Slot,
    cache::{ContentCache, KeyMaker},
    limits::Limits,
};

/// Stack of a cell's thread: the guest's calls and ours.
const THREAD_STACK_BYTES: usize = WASM_STACK_BYTES + (2 << 20);

/// What a cell runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Guests {
    /// An image, by name.
    Image(String),
    /// The module that is the solution: the job's only source.
    Upload,
    /// The same, made of the solution by a toolchain: how many bytes of its memory are its stack's.
    Program { stack_bytes: u64 },
}

/// Runs solutions in WebAssembly. Cheap to clone: clones share engines and images.
#[derive(Debug, Clone)]
pub struct WasmSandbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    manifests: Vec<Manifest>,
    cache: Cache,
    toolchains: Toolchains,
    compilers: Compilers,
    /// Modules of solutions: one that comes again, or whose tests take several cells, is compiled once.
    modules: ContentCache<Module>,
    engines: [OnceLock<Arc<WasmEngine>>; 2],
    /// Images in use, each loaded at its first run.
    loaded: Mutex<HashMap<(String, Metering), Arc<Prepared>>>,
}

/// This very program, whatever has become of its file.
const THIS_PROGRAM: &str = "/proc/self/exe";
/// Room for compiled modules, as bytes of machine code.
const MODULES_BYTES: u64 = 128 << 20;

impl WasmSandbox {
    /// Knows the images of a directory, or those built into this program. Nothing is loaded yet.
    pub fn new(images: Option<&Path>, cache: PathBuf) -> Result<WasmSandbox, WasmImageError> {
        WasmSandbox::with_program(images, cache, THIS_PROGRAM.into(), None)
    }

    /// The same with the program that is executed to compile modules. `fail_step`: as in [`super::SandboxConfig`].
    pub fn with_program(
        images: Option<&Path>,
        cache: PathBuf,
        program: PathBuf,
        fail_step: Option<(String, i32)>,
    ) -> Result<WasmSandbox, WasmImageError> {
        let (manifests, toolchains) = match images {
            Some(directory) => (Manifest::load_all(directory)?, Toolchains::load_all(directory)?),
            None => (Manifest::shipped(), Toolchain::shipped()),
        };
        let inner = Inner {
            manifests,
            toolchains: Toolchains::new(toolchains, cache.clone()),
            compilers: Compilers::new(program, fail_step),
            modules: ContentCache::new(MODULES_BYTES),
            cache: Cache::new(cache),
            engines: [OnceLock::new(), OnceLock::new()],
            loaded: Mutex::new(HashMap::new()),
        };
        Ok(WasmSandbox { inner: Arc::new(inner) })
    }

    pub fn manifests(&self) -> &[Manifest] {
        &self.inner.manifests
    }

    /// Whether an image is built for this program and this CPU.
    pub fn is_built(&self, manifest: &Manifest, metering: Metering) -> bool {
        self.inner.engine(metering).is_ok_and(|engine| self.inner.cache.has(manifest, &engine))
    }

    /// Where an image lies, or would lie, that is built for this program and this CPU.
    ///
    /// # Errors
    /// Where the engine cannot be had.
    pub fn place(&self, manifest: &Manifest, metering: Metering) -> Result<PathBuf, Fault> {
        Ok(self.inner.cache.place(manifest, &*self.inner.engine(metering)?))
    }

    /// The compilers that make modules of solutions.
    pub fn toolchains(&self) -> &[Toolchain] {
        self.inner.toolchains.all()
    }

    pub fn has_toolchain(&self, toolchain: &Toolchain) -> bool {
        toolchain.is_built(self.inner.toolchains.cache())
    }

    /// The directory that keeps a toolchain from cells without a file tree of their own, if there is one.
    /// `other_user`: whether they are another user's than ours.
    pub fn closed_directory(&self, toolchain: &Toolchain, other_user: bool) -> Option<PathBuf> {
        toolchain.closed_directory(self.inner.toolchains.cache(), other_user)
    }

    /// A built toolchain, all of whose files are checked when it is first asked for. Blocks.
    pub fn open_toolchain(&self, toolchain: &Toolchain) -> Result<Opened, Fault> {
        self.inner.toolchains.open(toolchain).map_err(|error| fault("open_toolchain", &error))
    }

    /// The launchers of cells that compile, in a tier. They start when they are first needed.
    pub fn launchers(&self, tier: Tier) -> Result<Vec<LauncherConfig>, PolicyError> {
        let launcher = |toolchain: &Toolchain| {
            let image = toolchain.setup(self.inner.toolchains.cache(), tier)?;
            Ok(LauncherConfig { name: toolchain.launcher(), image, warm: None, at_first_use: true })
        };
        self.toolchains().iter().map(launcher).collect()
    }

    /// Whether solutions may be modules themselves.
    pub fn takes_modules(&self) -> bool {
        true
    }

    /// Whether any image is built.
    pub fn has_an_image(&self) -> bool {
        self.manifests().iter().any(|manifest| self.is_built(manifest, Metering::Clock))
    }

    /// Builds an image, for each of the ways of metering, unless it is there. Blocks, for minutes.
    ///
    /// `from`: a directory that holds the package's file, instead of the registry.
    pub fn build(
        &self,
        name: &str,
        meterings: &[Metering],
        from: Option<&Path>,
        progress: &dyn Fn(&str),
    ) -> Result<Vec<PathBuf>, WasmImageError> {
        if let Some(toolchain) = self.toolchains().iter().find(|toolchain| toolchain.name == name) {
            let place = toolchain::build(toolchain, self.inner.toolchains.cache(), from, progress)?;
            return Ok(vec![place]);
        }
        let manifest = self.inner.manifest(name)?;
        let engines: Result<Vec<_>, _> = meterings.iter().copied().map(WasmEngine::for_building).collect();
        let engines = engines.map_err(|error| WasmImageError::Build {
            image: name.to_owned(),
            step: "start the engine",
            detail: error.to_string(),
        })?;
        build::build(manifest, &self.inner.cache, &engines, from, progress)
    }

    /// Starts a job in a cell, when its module is compiled. The slot is kept until the cell's thread has ended, and
    /// the compiler before it. Dropping the future ends that.
    pub async fn open(
        &self,
        guests: Guests,
        metering: Metering,
        place: Slot,
        limits: Limits,
        job: Job,
    ) -> Result<WasmCell, Fault> {
        let place = Arc::new(place);
        let guest = self.inner.guest(guests, metering, &place, &job).await?;
        self.start(guest, metering, place, None, limits, job)
    }

    /// Starts two jobs of one run each, in cells that can talk with each other; they share the slot, for
    /// one waits while the other answers.
    pub async fn open_linked(
        &self,
        guests: Guests,
        metering: Metering,
        place: Slot,
        solution: (Limits, Job),
        tests: (Limits, Job),
    ) -> Result<(WasmCell, WasmCell), Fault> {
        let (place, (solution_end, tests_end)) = (Arc::new(place), joint::ends());
        let start = async |end, (limits, job)| {
            let guest = self.inner.guest(guests.clone(), metering, &place, &job).await?;
            self.start(guest, metering, Arc::clone(&place), Some(end), limits, job)
        };
        Ok((start(solution_end, solution).await?, start(tests_end, tests).await?))
    }

    fn start(
        &self,
        guest: OfCell,
        metering: Metering,
        place: Arc<Slot>,
        joint: Option<joint::End>,
        limits: Limits,
        job: Job,
    ) -> Result<WasmCell, Fault> {
        let (sender, outcomes) = mpsc::channel(1);
        let remaining = job.runs.len();
        let cancelled = Arc::new(AtomicBool::new(false));
        let cell = CellThread {
            inner: Arc::clone(&self.inner),
            limits,
            cancelled: Arc::clone(&cancelled),
            outcomes: sender,
            joint,
            _place: place,
        };
        std::thread::Builder::new()
            .name("wasm-cell".to_owned())
            .stack_size(THREAD_STACK_BYTES)
            .spawn(move || cell.carry_out(guest, metering, &job))
            .map_err(|error| fault("start_cell_thread", &error))?;
        Ok(WasmCell { outcomes, remaining, cancelled })
    }
}

impl Inner {
    fn manifest(&self, name: &str) -> Result<&Manifest, WasmImageError> {
        self.manifests.iter().find(|manifest| manifest.name == name).ok_or_else(|| WasmImageError::Unknown {
            name: name.to_owned(),
            known: {
                let images = self.manifests.iter().map(|manifest| &manifest.name[..]);
                let toolchains = self.toolchains.all().iter().map(|toolchain| &toolchain.name[..]);
                images.chain(toolchains).collect::<Vec<_>>().join(", ")
            },
        })
    }

    fn engine(&self, metering: Metering) -> Result<Arc<WasmEngine>, Fault> {
        let place = &self.engines[metering as usize];
        if let Some(engine) = place.get() {
            return Ok(Arc::clone(engine));
        }
        let engine = Arc::new(WasmEngine::new(metering)?);
        Ok(Arc::clone(place.get_or_init(|| engine)))
    }

    /// What a cell runs, as far as it must be known before.
    async fn guest(
        self: &Arc<Inner>,
        guests: Guests,
        metering: Metering,
        place: &Arc<Slot>,
        job: &Job,
    ) -> Result<OfCell, Fault> {
        let origin = match guests {
            Guests::Image(name) => return Ok(OfCell::Image(name)),
            Guests::Upload => Origin::Upload,
            Guests::Program { stack_bytes } => Origin::Toolchain { stack_bytes },
        };
        let about = format!("{origin:?} {metering:?}");
        let key = KeyMaker::default().part(about.as_bytes()).part(upload::module_of(job)?).key();
        // Whoever compiles has a slot, as has everybody who waits for it.
        let compile = self.compile(origin, metering, Arc::clone(place), job.clone());
        let (module, _) = self.modules.get(key, compile).await?;
        Ok(OfCell::Module(module))
    }

    /// Has the job's module compiled, on a thread that holds the slot until the compiler is gone.
    async fn compile(
        self: &Arc<Inner>,
        origin: Origin,
        metering: Metering,
        place: Arc<Slot>,
        job: Job,
    ) -> Result<Module, Fault> {
        let engine = self.engine(metering)?;
        let (sender, module) = oneshot::channel();
        let inner = Arc::clone(self);
        let compile = move || {
            let _place = place;
            let made = upload::module_of(&job).and_then(|bytes| {
                upload::prepare(&inner.compilers, &engine, origin, bytes, || !sender.is_closed())
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

    /// An image, loaded at its first use.
    fn image(&self, name: &str, metering: Metering) -> Result<Arc<Prepared>, Fault> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(prepared) = loaded.get(&(name.to_owned(), metering)) {
            return Ok(Arc::clone(prepared));
        }
        let failed = |error: &dyn std::fmt::Display| fault("load_image", error);
        let engine = self.engine(metering)?;
        let manifest = self.manifest(name).map_err(|error| failed(&error))?;
        let built = self.cache.open(manifest, &engine).map_err(|error| failed(&error))?;
        let module =
            sys::wasm::load_checked(engine.wasmtime(), built.code).map_err(|error| failed(&error))?;
        let module = linked(&engine, &module).map_err(|error| failed(&error))?;
        let start = match manifest.driver {
            Driver::Python => Start::PythonTurn,
            Driver::Javascript => Start::Javascript,
        };
        let prepared =
            Arc::new(Prepared { engine, module, start, base_bytes: built.base_bytes, files: built.files });
        loaded.insert((name.to_owned(), metering), Arc::clone(&prepared));
        Ok(prepared)
    }
}

fn linked(engine: &WasmEngine, module: &wasmtime::Module) -> wasmtime::Result<wasmtime::InstancePre<Guest>> {
    let mut linker = Linker::new(engine.wasmtime());
    wasi::link::add_to(&mut linker)?;
    linker.instantiate_pre(module)
}

/// What a cell runs, when the cell begins.
enum OfCell {
    /// By name: it is loaded in the cell.
    Image(String),
    Module(Module),
}

/// What a cell's thread has.
struct CellThread {
    inner: Arc<Inner>,
    limits: Limits,
    cancelled: Arc<AtomicBool>,
    outcomes: mpsc::Sender<Result<Outcome, Fault>>,
    /// The end of a joint with another cell, for the first run.
    joint: Option<joint::End>,
    /// Given back when the last thread that has it ends, by whichever way.
    _place: Arc<Slot>,
}

impl CellThread {
    fn carry_out(mut self, guest: OfCell, metering: Metering, job: &Job) {
        let prepared = match guest {
            OfCell::Image(name) => self.inner.image(&name, metering),
            OfCell::Module(Module::Ready(prepared, _)) => Ok(prepared),
            // A module that is not one: every run comes to the same end.
            OfCell::Module(Module::Refused(refused)) => {
                for _ in &job.runs[..] {
                    if self.outcomes.blocking_send(Ok((*refused).clone())).is_err() {
                        return;
                    }
                }
                return;
            }
        };
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(fault) => {
                let _ = self.outcomes.blocking_send(Err(fault));
                return;
            }
        };
        let _running = prepared.engine.running();
        for run in &job.runs[..] {
            let outcome = prepared.run(job, run, self.limits, &self.cancelled, self.joint.take());
            let failed = outcome.is_err();
            // Nobody listens any more: the cell was let go of.
            if self.outcomes.blocking_send(outcome).is_err() || failed {
                return;
            }
        }
    }
}

/// A cell at work. Dropping it ends its runs.
#[derive(Debug)]
pub struct WasmCell {
    outcomes: mpsc::Receiver<Result<Outcome, Fault>>,
    /// Runs whose outcome is still to come.
    remaining: usize,
    cancelled: Arc<AtomicBool>,
}

impl WasmCell {
    /// The next run's outcome; `None` after the last. Safe to cancel.
    pub async fn next(&mut self) -> Result<Option<Outcome>, Fault> {
        if self.remaining == 0 {
            return Ok(None);
        }
        match self.outcomes.recv().await {
            Some(outcome) => {
                self.remaining -= 1;
                outcome.map(Some)
            }
            // It panicked.
            None => Err(fault("carry_out_in_wasm", &"the cell's thread is gone")),
        }
    }
}

impl Drop for WasmCell {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

fn fault(step: &str, error: &dyn std::fmt::Display) -> Fault {
    Fault { step: step.to_owned(), detail: format!("{error:#}") }
}
