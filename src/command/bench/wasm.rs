//! Cost of runs in WebAssembly: trivial solutions, one after the other. Python and JavaScript submissions have one test.
//! The module stands for compiled languages. It is compiled first, and has as many tests as problems usually have.

use std::time::Duration;

use serde::Serialize;

use super::{
    bars::{Bar, JudgedBar},
    clock::EngineMeter,
    plan::Budget,
    side_by_side::must_be_accepted,
    spread::Spread,
};
use crate::{
    admission::Admit,
    report::Report,
    submission::{ProgramTest, Runtime, Solution, Submission, Tests},
    verdict::Cause,
    verify::Engine,
};

/// One language's figures, per test.
#[derive(Debug, Serialize)]
pub struct WasmCost {
    pub language: &'static str,
    pub title: &'static str,
    pub submissions_per_round: usize,
    pub tests_per_submission: usize,
    /// Spread over the rounds.
    pub cpu_ms: Spread,
    pub wall_ms: Spread,
    pub bar: JudgedBar,
}

struct WasmWorkload {
    title: &'static str,
    language: &'static str,
    entry: &'static str,
    source: &'static [u8],
    expected: &'static str,
    tests: usize,
    bar: Bar,
}

const WORKLOADS: [WasmWorkload; 3] = [
    WasmWorkload {
        title: "trivial Python program",
        language: "python",
        entry: "main.py",
        source: b"a, b = map(int, input().split())\nprint(a + b)\n",
        expected: "42\n",
        tests: 1,
        bar: Bar::WASM_PYTHON,
    },
    WasmWorkload {
        title: "trivial JavaScript program",
        language: "javascript",
        entry: "main.js",
        source: b"const [a, b] = require('fs').readFileSync(0, 'utf8').split(' ').map(Number)\nconsole.log(a + b)\n",
        expected: "42\n",
        tests: 1,
        bar: Bar::WASM_JAVASCRIPT,
    },
    WasmWorkload {
        title: "trivial uploaded module",
        language: "wasm",
        entry: "main.wasm",
        source: COPY,
        expected: "17 25\n",
        tests: 20,
        bar: Bar::WASM_MODULE,
    },
];

/// A module, section by section, whose `_start` reads up to 1,024 bytes of standard input by `fd_read` and writes
/// them to standard output by `fd_write`.
const COPY: &[u8] = b"\0asm\x01\0\0\0\
    \x01\x0c\x02\x60\x04\x7f\x7f\x7f\x7f\x01\x7f\x60\x00\x00\
    \x02\x44\x02\x16wasi_snapshot_preview1\x07fd_read\x00\x00\x16wasi_snapshot_preview1\x08fd_write\x00\x00\
    \x03\x02\x01\x01\
    \x05\x03\x01\x00\x01\
    \x07\x13\x02\x06memory\x02\x00\x06_start\x00\x02\
    \x0a\x2a\x01\x28\x00\
    \x41\x00\x41\xc0\x00\x36\x02\x00\x41\x04\x41\x80\x08\x36\x02\x00\
    \x41\x00\x41\x00\x41\x01\x41\x04\x10\x00\x1a\
    \x41\x01\x41\x00\x41\x01\x41\x08\x10\x01\x1a\x0b";

/// Submissions of a round of the default length.
const SUBMISSIONS: usize = 40;

/// Every language's figures, or the reason why there are none.
pub async fn measure(engine: &Engine, budget: &Budget) -> anyhow::Result<Vec<Result<WasmCost, String>>> {
    let mut costs = Vec::new();
    for workload in &WORKLOADS {
        costs.push(measure_one(workload, engine, budget).await?);
    }
    Ok(costs)
}

async fn measure_one(
    workload: &WasmWorkload,
    engine: &Engine,
    budget: &Budget,
) -> anyhow::Result<Result<WasmCost, String>> {
    let submission = workload.submission();
    let verify = async || engine.verify(submission.clone(), Admit::Patient).await;
    // The image is loaded at its first run.
    for _ in 0..3 {
        let report = verify().await;
        if report.cause == Some(Cause::Unsupported) {
            let Report { reason, .. } = report;
            return Ok(Err(format!("{}: {}", workload.language, reason.unwrap_or_default())));
        }
        must_be_accepted(&report)?;
    }
    let submissions = budget.submissions(SUBMISSIONS);
    let mut rounds = Vec::new();
    while rounds.len() < budget.rounds && (rounds.is_empty() || !budget.is_used_up()) {
        let meter = EngineMeter::start(engine).await?;
        for _ in 0..submissions {
            must_be_accepted(&verify().await)?;
        }
        // Runs in WebAssembly are part of this process's own CPU time.
        rounds.push(meter.stop(Duration::ZERO).await?);
    }
    let spread = |time: &dyn Fn(usize) -> Duration| {
        let tests = (submissions * workload.tests) as f64;
        let each = (0..rounds.len()).map(|round| time(round).as_secs_f64() * 1000.0 / tests);
        Spread::of(each).expect("there is a round at least")
    };
    let cpu_ms = spread(&|round| rounds[round].own_cpu);
    Ok(Ok(WasmCost {
        language: workload.language,
        title: workload.title,
        submissions_per_round: submissions,
        tests_per_submission: workload.tests,
        cpu_ms,
        wall_ms: spread(&|round| rounds[round].wall),
        bar: workload.bar.judged(cpu_ms.median),
    }))
}

impl WasmWorkload {
    fn submission(&self) -> Submission {
        let test = ProgramTest {
            stdin: b"17 25\n"[..].into(),
            accepted_stdout: vec![self.expected.into()],
            files: Vec::new(),
        };
        let solution = Solution::single(self.entry, self.source);
        let submission = Submission::new(self.language, solution, Tests::Program(vec![test; self.tests]));
        Submission { runtime: Runtime::Wasm, ..submission }
    }
}
