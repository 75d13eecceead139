//! The whole path, in real cells.

use std::{collections::HashSet, sync::Arc, time::Duration};

use crate::support::{
    container::{self, Who},
    engine, for_each, program, start, testing_config,
};
use proofbox::{
    admission::Admit,
    command::doctor,
    config::EngineConfig,
    limits::Limits,
    report::Report,
    sandbox::Tier,
    submission::{Repeat, Stop, Submission},
    verdict::{Cause, Verdict},
    verify::Engine,
};
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread")]
async fn a_right_program_is_accepted() {
    let engine = engine(1);
    let submission =
        program("a, b = map(int, input().split())\nprint(a + b)\n", &[("1 2\n", "3\n"), ("5 6\n", "11\n")]);
    let report = engine.verify(submission, Admit::Patient).await;
    assert_eq!(report.verdict, Verdict::Accepted, "{report:#?}");
    assert_eq!(report.passed(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_guarantee_holds() {
    for use_cgroups in [true, false] {
        let config = EngineConfig { use_cgroups, ..testing_config(1) };
        let engine = Engine::start(&config).unwrap();
        let findings = doctor::prove(&engine).await;
        let broken: Vec<_> = findings.iter().filter(|finding| finding.broken.is_some()).collect();
        assert!(broken.is_empty(), "control groups {use_cgroups}: {broken:#?}");
    }
}

/// What a program's children write counts, as in a shell's pipe: the run is over when nobody is left who could write.
#[tokio::test(flavor = "multi_thread")]
async fn output_of_a_child_counts_however_its_parent_ends() {
    const CHILD: &str = "import os, sys, time
kind = input()
if os.fork() == 0:
    if kind == 'closed':
        os.closerange(0, 3)
        time.sleep(60)
    time.sleep({'soon': 0, 'later': 0.02, 'endless': 60}[kind])
    print('child', flush=True)
    os._exit(0)
if kind == 'closed':
    print('child')
";
    for warm in [true, false] {
        let config = EngineConfig { warm, ..testing_config(2) };
        let engine = Engine::start(&config).unwrap();
        let mut tests = vec![("closed", "child")];
        tests.extend([("soon", "child"), ("later", "child")].repeat(if warm { 100 } else { 5 }));
        let report = engine.verify(program(CHILD, &tests), Admit::Patient).await;
        assert_eq!(report.verdict, Verdict::Accepted, "{report:#?}");
        let mut endless = program(CHILD, &[("endless", "child")]);
        endless.limits.wall_ms = 300;
        assert_eq!(engine.verify(endless, Admit::Patient).await.verdict, Verdict::TimeLimit);
        // What has failed waits for nobody.
        let failing = program(&format!("{CHILD}sys.exit(3)"), &[("endless", "child")]);
        let report = engine.verify(failing, Admit::Patient).await;
        assert_eq!(report.tests[0].exit_code, Some(3), "{report:#?}");
        assert!(report.tests[0].wall_ms < 5_000.0, "{report:#?}");
    }
}

/// Where namespaces are refused another tier takes their place, and gives every guarantee.
#[test]
fn every_guarantee_holds_in_a_plain_container() {
    for who in [Who::Root, Who::Ordinary] {
        container::again_inside(module_path!(), "guarantees_in_a_plain_container", who);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by every_guarantee_holds_in_a_plain_container"]
async fn guarantees_in_a_plain_container() {
    container::enter();
    let config = testing_config(2);
    let engine = start(&config);
    let is_root = nix::unistd::geteuid().is_root();
    assert_eq!(engine.sandbox().tier(), if is_root { Tier::Slot } else { Tier::Restricted });
    let refused: Vec<_> = engine.sandbox().refusals().iter().map(|refusal| refusal.tier).collect();
    assert_eq!(refused, [Tier::Namespaces]);
    let findings = doctor::prove(&engine).await;
    let broken: Vec<_> = findings.iter().filter(|finding| finding.broken.is_some()).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    // A least tier that this place cannot give is refused, with the remedy.
    let error = Engine::start(&EngineConfig { min_tier: Tier::Namespaces, ..config }).unwrap_err();
    assert!(error.to_string().contains("namespaces") && error.to_string().contains("remedy"), "{error}");
}

/// When each test ran, by a clock that all processes share; in seconds.
fn spans(report: &Report) -> Vec<(f64, f64)> {
    let span = |stdout: &String| {
        let mut times = stdout.split_whitespace().map(|word| word.parse().unwrap());
        (times.next().unwrap(), times.next().unwrap())
    };
    report.tests.iter().map(|test| span(test.stdout.as_ref().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn tests_take_several_idle_slots_when_asked() {
    let engine = engine(2);
    let source = "import time\nstart = time.monotonic()\ntime.sleep(0.25)\nprint(start, time.monotonic())\n";
    let submission = program(source, &[("", "never"); 6]);
    let overlaps = |report: &Report| {
        let mut spans = spans(report);
        spans.sort_by(|one, other| one.0.total_cmp(&other.0));
        spans.windows(2).filter(|pair| pair[1].0 < pair[0].1).count()
    };
    let report = engine.verify(Submission { parallel: 1, ..submission.clone() }, Admit::Patient).await;
    assert_eq!((report.tests.len(), overlaps(&report)), (6, 0), "{report:#?}");
    // A slot is free again when its cell is gone, which is later than the report.
    engine.admission().until_idle().await;
    let report = engine.verify(Submission { parallel: 9, ..submission.clone() }, Admit::Patient).await;
    assert!(report.tests.len() == 6 && overlaps(&report) >= 3, "{report:#?}");

    // Somebody else holds the other slot: it is not waited for.
    engine.admission().until_idle().await;
    let other = engine.admission().enter_if_idle().unwrap();
    let report = engine.verify(Submission { parallel: 2, ..submission }, Admit::Patient).await;
    assert_eq!((report.tests.len(), overlaps(&report)), (6, 0), "{report:#?}");
    drop(other);
}

/// A run near its limit is measured again, and waits for nobody else to be done.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_near_its_limit_holds_nobody_up() {
    let engine = engine(2);
    let other = engine.admission().enter_if_idle().unwrap();
    let burns = "import time\nwhile time.process_time() < 0.52:\n    pass\nprint(1)\n";
    let limits = Limits { cpu_ms: 500, ..Limits::default() };
    let submission = Submission { limits, ..program(burns, &[("", "1"), ("", "1")]) };
    let report = timeout(Duration::from_secs(60), engine.verify(submission, Admit::Patient)).await.unwrap();
    assert_eq!(report.verdict, Verdict::TimeLimit, "{report:#?}");
    drop(other);
}

#[tokio::test(flavor = "multi_thread")]
async fn tests_in_several_slots_are_judged_in_their_order() {
    let engine = engine(2);
    // The first failure is the slow one; a later one is known long before it.
    let source = "import time\nn = int(input())\ntime.sleep(0.3 if n == 2 else 0)\nprint(n if n not in (2, 3) else 'no')\n";
    let tests = ["0", "1", "2", "3", "4", "5", "6"].map(|n| (n, n));
    let asked = Submission { parallel: 2, stop: Stop::FirstFailure, ..program(source, &tests) };
    let report = engine.verify(asked, Admit::Patient).await;
    let verdicts: Vec<_> = report.tests.iter().map(|test| test.verdict).collect();
    use Verdict::{Accepted, Skipped, WrongAnswer};
    assert_eq!(verdicts, [Accepted, Accepted, WrongAnswer, Skipped, Skipped, Skipped, Skipped]);
    assert_eq!(report.first_failing_test(), Some(2));
}

/// A seed must give this program the same output every time, and another one without it.
async fn follows_its_seed(source: &str) {
    let engine = engine(1);
    let mut seen = Vec::new();
    for seed in [Some(1), Some(1), Some(2), None, None] {
        let asked = Submission { seed, ..program(source, &[("", ""), ("", "")]) };
        let report = engine.verify(asked, Admit::Patient).await;
        let shown: Vec<_> = report.tests.iter().map(|test| test.stdout.clone().unwrap()).collect();
        assert!(shown[0].split_whitespace().count() > 1, "{report:#?}");
        if seed.is_some() {
            assert_eq!(shown[0], shown[1], "two tests of one submission");
        }
        seen.push(shown[0].clone());
    }
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0] != seen[2] && seen[3] != seen[4] && seen[0] != seen[3], "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_makes_hashes_and_random_numbers_the_same() {
    let source = "import random, sys\nprint(hash('a'), random.random(), __name__, len(sys.path), sys.argv)\n";
    follows_its_seed(source).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_reaches_numpy() {
    follows_its_seed("import numpy\nprint(numpy.random.rand(), hash(b'b'))\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_repeat_has_its_own_hashes() {
    let engine = engine(1);
    for word in 0..64 {
        let asked = program(&format!("print(hash('{word}') % 2)\n"), &[("", "0")]);
        let report = engine.verify(asked.clone(), Admit::Patient).await;
        if report.verdict != Verdict::Accepted {
            continue;
        }
        let report = engine.verify(Submission { repeat: Repeat::Times(30), ..asked }, Admit::Patient).await;
        assert_eq!((report.verdict, report.cause), (Verdict::WrongAnswer, Some(Cause::NotDeterministic)));
        return;
    }
    panic!("64 hashes of 64 are odd");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loaded_interpreter_is_renewed_while_others_run() {
    let config = EngineConfig { renew_after_cells: 10, ..testing_config(2) };
    let engine = Arc::new(Engine::start(&config).unwrap());
    let first_guards = engine.sandbox().guard_pids();
    let before = engine.sandbox().cpu_time();
    let reports = for_each(80, 2, {
        let engine = Arc::clone(&engine);
        move |index| {
            let engine = Arc::clone(&engine);
            let text = format!("{index}\n");
            async move {
                let source =
                    "import sys, time\ntime.sleep(0.01)\nprint(input())\nprint(hash('a'), file=sys.stderr)\n";
                engine.verify(program(source, &[(&text, &text)]), Admit::Patient).await
            }
        }
    })
    .await;
    assert!(reports.iter().all(|report| report.verdict == Verdict::Accepted), "{reports:#?}");
    let hashes: HashSet<_> = reports.iter().map(|report| report.tests[0].stderr.clone()).collect();
    assert!(hashes.len() >= 3, "{hashes:?}");
    assert!(engine.sandbox().cpu_time() >= before);

    // Those that were replaced end when their last cell is gone.
    let now = engine.sandbox().guard_pids();
    let replaced: Vec<_> = first_guards.into_iter().filter(|pid| !now.contains(pid)).collect();
    assert!(!replaced.is_empty());
    for pid in replaced {
        let gone = async {
            while std::path::Path::new(&format!("/proc/{pid}")).exists() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), gone).await.expect("a replaced launcher stays");
    }
}
