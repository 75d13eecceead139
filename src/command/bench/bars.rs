//! The figures that are to be reached. Printed beside what was measured; no test asserts them.

use serde::Serialize;

/// A figure to stay below.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Bar {
    pub name: &'static str,
    pub unit: &'static str,
    pub must_reach: f64,
    pub aim: Option<f64>,
}

impl Bar {
    /// A bar for CPU time, as a ratio to the baseline's.
    pub fn ratio(name: &'static str, must_reach: f64, aim: f64) -> Bar {
        Bar { name, unit: "of bare CPU", must_reach, aim: Some(aim) }
    }

    /// CPU time that HTTP adds to a request.
    pub const HTTP: Bar = Bar { name: "HTTP", unit: "ms CPU per request", must_reach: 1.0, aim: None };
    /// Memory that an idle slot has for itself, its share of the launchers in it.
    pub const IDLE_SLOT: Bar = Bar { name: "idle slot", unit: "MiB of its own", must_reach: 15.0, aim: None };

    /// Comparison of an output of 1 MiB by the dearest rule.
    pub const COMPARE: Bar = Bar {
        name: "compare",
        unit: "ms for 1 MiB of usual output by the dearest rule",
        must_reach: 10.0,
        aim: None,
    };

    /// CPU time of a test in WebAssembly of a trivial solution, in a verdict of its own.
    pub const WASM_PYTHON: Bar =
        Bar { name: "wasm py", unit: "ms CPU per verdict", must_reach: 3.0, aim: None };
    pub const WASM_JAVASCRIPT: Bar =
        Bar { name: "wasm js", unit: "ms CPU per verdict", must_reach: 2.0, aim: None };
    /// CPU time of one test of an uploaded module, in a verdict of several tests.
    pub const WASM_MODULE: Bar =
        Bar { name: "module", unit: "ms CPU per test in WebAssembly", must_reach: 0.6, aim: None };

    pub fn judged(self, measured: f64) -> JudgedBar {
        JudgedBar {
            bar: self,
            measured,
            reached: measured <= self.must_reach,
            aim_reached: self.aim.map(|aim| measured <= aim),
        }
    }
}

/// A bar and the figure that was measured.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct JudgedBar {
    #[serde(flatten)]
    pub bar: Bar,
    pub measured: f64,
    pub reached: bool,
    pub aim_reached: Option<bool>,
}
