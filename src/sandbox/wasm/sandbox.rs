//! The Wasm runner: opens cells.

use std::{path::PathBuf, sync::Arc};

use super::{
    cell::{NewCell, WasmCell},
    engine::Metering,
    guests::{GuestLoader, Guests},
    image::Manifest,
    image_cache::ImageCache,
    modules::compilers::Compilers,
    wasi::joint,
};
use crate::{
    admission::Slot,
    limits::Limits,
    sandbox::job::{Fault, Job},
};

/// Runs solutions in WebAssembly. Cheap to clone: clones share engines and images.
#[derive(Debug, Clone)]
pub struct WasmSandbox {
    loader: Arc<GuestLoader>,
}

impl WasmSandbox {
    /// Knows images by their manifests and where built ones lie. Nothing is loaded yet. `program`: this program,
    /// which is executed to compile modules. `fail_step`: as in [`crate::sandbox::SandboxConfig`].
    pub fn new(
        manifests: Vec<Manifest>,
        cache: PathBuf,
        program: PathBuf,
        fail_step: Option<(String, i32)>,
    ) -> WasmSandbox {
        let compilers = Compilers::new(program, fail_step);
        WasmSandbox { loader: Arc::new(GuestLoader::new(manifests, ImageCache::new(cache), compilers)) }
    }

    pub fn manifests(&self) -> &[Manifest] {
        self.loader.manifests()
    }

    /// The directory of built images.
    pub fn cache(&self) -> &ImageCache {
        self.loader.cache()
    }

    /// Whether an image is built for this program and this CPU.
    pub fn is_built(&self, manifest: &Manifest, metering: Metering) -> bool {
        self.loader.engine(metering).is_ok_and(|engine| self.cache().has(manifest, &engine))
    }

    /// Where an image lies, or would lie, that is built for this program and this CPU.
    ///
    /// # Errors
    /// Where the engine cannot be had.
    pub fn place(&self, manifest: &Manifest, metering: Metering) -> Result<PathBuf, Fault> {
        Ok(self.cache().place(manifest, &*self.loader.engine(metering)?))
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
        let guest = self.loader.guest(guests, metering, &place, &job).await?;
        let cell = NewCell { guest, metering, limits, job, joint: None, place };
        WasmCell::start(Arc::clone(&self.loader), cell)
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
            let guest = self.loader.guest(guests.clone(), metering, &place, &job).await?;
            let cell = NewCell { guest, metering, limits, job, joint: Some(end), place: Arc::clone(&place) };
            WasmCell::start(Arc::clone(&self.loader), cell)
        };
        Ok((start(solution_end, solution).await?, start(tests_end, tests).await?))
    }
}
