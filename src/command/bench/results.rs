//! Everything that was measured, as it is written to a file.

use serde::Serialize;

use super::{
    bars::JudgedBar,
    compare, curve, memory, mixed,
    plan::{Budget, Part},
    side_by_side::{Comparison, ScalingPoint},
    wasm,
};

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub struct Results {
    pub(super) version: &'static str,
    pub(super) build: &'static str,
    pub(super) seconds: f64,
    pub(super) host: Host,
    pub(super) settings: Budget,
    pub(super) comparisons: Vec<Comparison>,
    pub(super) mixed: Option<mixed::Mixed>,
    pub(super) compare: Option<compare::Compared>,
    pub(super) wasm: Vec<wasm::WasmCost>,
    pub(super) memory: Option<memory::Memory>,
    pub(super) scaling: Vec<ScalingPoint>,
    pub(super) curve: Option<curve::Curve>,
    pub(super) skipped: Vec<Skipped>,
}

/// The host, and its load during the measurement.
#[derive(Debug, Serialize)]
pub(super) struct Host {
    pub(super) python: String,
    pub(super) cores: usize,
    pub(super) processor: String,
    pub(super) kernel: String,
    pub(super) tier: &'static str,
    pub(super) control_groups: String,
    /// Whether the cells' CPU time comes from their control groups.
    pub(super) cells_clock: bool,
    pub(super) slots: usize,
    pub(super) load_before: String,
    pub(super) load_after: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Skipped {
    pub(super) part: Part,
    pub(super) why: String,
}

impl Results {
    /// Every bar that was measured.
    pub(super) fn bars(&self) -> Vec<JudgedBar> {
        let ratios = self.comparisons.iter().flat_map(|one| one.engines.iter().filter_map(|side| side.bar));
        let http = self.mixed.as_ref().map(|mixed| mixed.http_bar);
        let compare = self.compare.as_ref().map(|compared| compared.bar);
        let idle = self.memory.as_ref().map(|memory| memory.idle_bar);
        let wasm = self.wasm.iter().map(|cost| cost.bar);
        ratios.chain(http).chain(compare).chain(wasm).chain(idle).collect()
    }
}
