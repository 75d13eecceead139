//! Time limits on a machine that is busy with other things: the verdicts of an idle one.

use std::{
    process::{Child, Command, Stdio},
    time::Instant,
};

use crate::support::{self, for_each, program, slots};
use proofbox::{
    admission::Admit,
    limits::Limits,
    verdict::{Cause, Verdict},
    verify::Engine,
};

/// Busy loops, ended when dropped and by themselves after a bounded time.
struct Load(Vec<Child>);

impl Load {
    fn start(loops: usize) -> Load {
        let start = |_| {
            // A session each, which the kernel may give a share of its own as it does to ours.
            let mut load = Command::new("setsid");
            load.args(["timeout", "90", "sh", "-c", "while :; do :; done"]).stdin(Stdio::null());
            load.spawn().expect("timeout and sh are installed")
        };
        Load((0..loops).map(start).collect())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // `timeout` passes this on to what it runs; SIGKILL it could not.
            let pid = nix::unistd::Pid::from_raw(child.id() as i32);
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::SIGTERM);
            let _ = child.wait();
        }
    }
}

const CPU_MS: u64 = 500;

/// Uses a share of the CPU limit, measured by its own clock.
fn computes(share: f64) -> String {
    let seconds = CPU_MS as f64 / 1000.0 * share;
    format!("import time\nwhile time.process_time() < {seconds}:\n    sum(range(500))\nprint('done')")
}

/// Name, program, verdict, cause.
fn corpus() -> Vec<(String, String, Verdict, Option<Cause>)> {
    let mut corpus = Vec::new();
    for share in [0.6, 0.75, 0.9] {
        corpus.push((format!("{share} of the limit"), computes(share), Verdict::Accepted, None));
    }
    let children = "import os, time\nfor _ in range(3):\n    if os.fork() == 0:\n        while time.process_time() < 0.12: pass\n        os._exit(0)\n    os.wait()\nprint('done')";
    corpus.push(("0.75 of it in children".to_owned(), children.to_owned(), Verdict::Accepted, None));
    for share in [1.06, 1.5, 40.0] {
        corpus.push((format!("{share} of the limit"), computes(share), Verdict::TimeLimit, None));
    }
    let sleeper = "import time\ntime.sleep(100)\nprint('done')".to_owned();
    corpus.push(("sleeper".to_owned(), sleeper, Verdict::TimeLimit, Some(Cause::WallTime)));
    let reader = "import os\nr, w = os.pipe()\nos.read(r, 1)\nprint('done')".to_owned();
    corpus.push(("blocked read".to_owned(), reader, Verdict::TimeLimit, Some(Cause::WallTime)));
    corpus
}

#[tokio::test(flavor = "multi_thread")]
async fn load_beside_it_changes_no_verdict() {
    let _alone = super::ALONE.lock().await;
    let engine = std::sync::Arc::new(support::engine(slots()));
    for loops in [0, 8 * slots()] {
        let load = Load::start(loops);
        let started = Instant::now();
        let wrong = verdicts_that_differ(&engine).await;
        drop(load);
        eprintln!("{loops} busy loops: {:.1} s", started.elapsed().as_secs_f64());
        assert!(wrong.is_empty(), "beside {loops} busy loops:\n{}", wrong.join("\n"));
    }
}

async fn verdicts_that_differ(engine: &std::sync::Arc<Engine>) -> Vec<String> {
    let corpus = std::sync::Arc::new(corpus());
    let wrong = for_each(corpus.len(), slots(), |index| {
        let (engine, corpus) = (std::sync::Arc::clone(engine), std::sync::Arc::clone(&corpus));
        async move {
            let (name, source, verdict, cause) = &corpus[index];
            let mut asked = program(source, &[("", "done")]);
            asked.limits = Limits { cpu_ms: CPU_MS, wall_ms: 2_000, ..Limits::default() };
            let report = engine.verify(asked, Admit::Patient).await;
            let right = (report.verdict, report.cause) == (*verdict, *cause);
            (!right).then(|| format!("{name}: {:?} {:?} {:?}", report.verdict, report.cause, report.reason))
        }
    })
    .await;
    wrong.into_iter().flatten().collect()
}
