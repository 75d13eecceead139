//! The whole path, in real cells.

mod support;

use proofbox::{admission::Admit, command::doctor, config::EngineConfig, verdict::Verdict, verify::Engine};
use support::{engine, program};

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
        let config =
            EngineConfig { use_cgroups, program: support::PROGRAM.into(), ..EngineConfig::for_testing(1) };
        let engine = Engine::start(&config).unwrap();
        let findings = doctor::prove(&engine).await;
        let broken: Vec<_> = findings.iter().filter(|finding| finding.broken.is_some()).collect();
        assert!(broken.is_empty(), "control groups {use_cgroups}: {broken:#?}");
    }
}
