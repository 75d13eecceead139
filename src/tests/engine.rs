//! The whole path, in real cells.

mod support;

use proofbox::{
    admission::Admit, command::doctor, config::EngineConfig, sandbox::Tier, verdict::Verdict, verify::Engine,
};
use support::{
    container::{self, Who},
    engine, program,
};

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

/// Where namespaces are refused another tier takes their place, and gives every guarantee.
#[test]
fn every_guarantee_holds_in_a_plain_container() {
    for who in [Who::Root, Who::Ordinary] {
        container::again_inside("guarantees_in_a_plain_container", who);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by every_guarantee_holds_in_a_plain_container"]
async fn guarantees_in_a_plain_container() {
    container::enter();
    let config = EngineConfig { program: container::program(), ..EngineConfig::for_testing(2) };
    let engine = Engine::start(&config).unwrap_or_else(|error| panic!("{error}"));
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
