//! Tiers without namespaces: nothing is left, whichever of our processes is killed.

use std::{fs, path::Path};

use crate::support::{
    self,
    process::{is_running, wait_until},
    program, testing_config,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use proofbox::{
    admission::Admit,
    config::{EngineConfig, TierChoice},
    verdict::Verdict,
    verify::Engine,
};

/// Leaves behind what is hardest to find: a process of another session and another parent, that ignores
/// what can be ignored.
const DAEMON: &str = "
import os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in signal.valid_signals():
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        open('daemon', 'w').close()
        time.sleep(60)
    os._exit(0)
while not os.path.exists('daemon'):
    time.sleep(0.01)
time.sleep(60)
";

/// Processes below one, nearest first.
fn below(pid: i32) -> Vec<i32> {
    let children = |pid: i32| {
        let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        text.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<i32>>()
    };
    let mut found = children(pid);
    let mut next = 0;
    while next < found.len() {
        found.extend(children(found[next]));
        next += 1;
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_killed_nothing_survives_and_the_engine_goes_on() {
    if !nix::unistd::geteuid().is_root() {
        println!("NOT TESTED: the tier slot needs root");
        return;
    }
    let place = tempfile::TempDir::new().unwrap();
    fs::set_permissions(place.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let config = EngineConfig {
        tier: TierChoice::Slot,
        scratch_dir: Some(place.path().to_owned()),
        ..testing_config(1)
    };
    let engine = std::sync::Arc::new(Engine::start(&config).unwrap());
    // Below the service: 0 guard, 1 launcher, 2 slot, 3 cell init, 4 the run, 5 its daemon.
    for (index, victim) in ["guard", "launcher", "slot", "init", "run"].into_iter().enumerate() {
        let guard = engine.sandbox().guard_pids()[0] as i32;
        let at_work = tokio::spawn({
            let engine = std::sync::Arc::clone(&engine);
            async move { engine.verify(program(DAEMON, &[("", "")]), Admit::Patient).await }
        });
        let has_daemon = || find(place.path(), "daemon");
        tokio::task::block_in_place(|| wait_until("the daemon starts", has_daemon));
        let everyone: Vec<i32> = std::iter::once(guard).chain(below(guard)).collect();
        assert!(everyone.len() >= 6, "{victim}: {everyone:?}");
        kill(Pid::from_raw(everyone[index]), Signal::SIGKILL).unwrap();
        at_work.abort();
        let cell = &everyone[3..];
        tokio::task::block_in_place(|| {
            wait_until(&format!("killed the {victim}: nothing of the cell survives"), || {
                !cell.iter().any(|pid| is_running(*pid as u32))
            });
        });
        let report = engine.verify(program("print(int(input()) * 2)", &[("4", "8")]), Admit::Patient).await;
        assert_eq!(report.verdict, Verdict::Accepted, "after the {victim}: {report:?}");
    }
    drop(engine);
    let is_empty = || fs::read_dir(place.path()).unwrap().next().is_none();
    tokio::task::block_in_place(|| wait_until("no directories are left", is_empty));
}

/// On a kernel whose Landlock knows nothing of signals yet, cells without namespaces cannot be kept from
/// each other: those tiers are refused, with the remedy, and where namespaces are refused too nothing
/// is offered. `test-cases/guest` has such a kernel.
#[test]
#[ignore = "needs a kernel before 6.12; run by test-cases/guest"]
fn a_kernel_that_is_too_old_is_refused_with_the_remedy() {
    let config = |tier| EngineConfig { tier, ..testing_config(1) };
    let refused = |tier| Engine::start(&config(tier)).expect_err("the kernel is too old").to_string();
    let weaker = match nix::unistd::geteuid().is_root() {
        true => TierChoice::Slot,
        false => TierChoice::Restricted,
    };
    assert!(Engine::start(&config(TierChoice::Namespaces)).is_ok());
    let said = refused(weaker);
    assert!(said.contains("find_landlock_scopes") && said.contains("remedy: Linux 6.12"), "{said}");
    // From here on as in a plain container.
    support::container::enter();
    let said = refused(TierChoice::Auto);
    assert!(said.contains("namespaces: ") && said.contains("remedy: namespaces are refused"), "{said}");
    assert!(said.contains("find_landlock_scopes") && said.contains("remedy: Linux 6.12"), "{said}");
}

/// Whether a file of that name stands in any cell.
fn find(place: &Path, name: &str) -> bool {
    let cells = fs::read_dir(place).into_iter().flatten().flatten();
    cells.into_iter().any(|cell| cell.path().join("slot-0/tmp/work").join(name).exists())
}
