//! String hashes: those of the interpreter that cells are forked from; a solution that makes sets is held
//! against those of a second one.

use std::collections::BTreeSet;

use crate::support::{program, start, testing_config};
use proofbox::{
    admission::Admit,
    config::EngineConfig,
    report::Report,
    submission::{Repeat, Submission},
    verdict::{Cause, Verdict},
    verify::Engine,
};

fn engine(renew_after_cells: u32) -> Engine {
    let config = EngineConfig { renew_after_cells, ..testing_config(1) };
    start(&config)
}

/// One run that ends well, in the tier where it is forked from a loaded interpreter.
async fn printed(engine: &Engine, source: &str) -> String {
    let asked = Submission { repeat: Repeat::Once, ..program(source, &[("", "")]) };
    let report = engine.verify(asked, Admit::Patient).await;
    assert_eq!((report.tier, report.tests[0].exit_code), (Some("namespaces"), Some(0)), "{report:?}");
    report.tests[0].stdout.clone().unwrap_or_default()
}

async fn verified(engine: &Engine, source: &str, wanted: &str) -> Report {
    engine.verify(program(source, &[("", wanted), ("", wanted)]), Admit::Patient).await
}

/// Right by the hashes of one interpreter, wrong by those of another: found out at the first submission.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_order_of_a_set_decides_is_not_accepted() {
    let engine = engine(1_000);
    for source in [
        "print(*set('abcdefghijklmnop'))",
        "print({c for c in 'abcdefghijklmnop'})",
        "letters = {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm'}\nfor c in letters: print(c)",
        "print(*frozenset('abcdefghijklmnop'))",
        "print(hash('abc'))",
        "a = dict.fromkeys('abcdefghijklmnop')\nprint(*(a.keys() & a.keys()))",
        "print(*{c for c in 'abcdefghijklmnop' if c != ':'})",
        "import numpy\nprint(*set('abcdefghijklmnop'), numpy.arange(2))",
    ] {
        let wanted = printed(&engine, source).await;
        let once = Submission { repeat: Repeat::Once, ..program(source, &[("", &wanted)]) };
        let lucky = engine.verify(once, Admit::Patient).await;
        assert_eq!(lucky.verdict, Verdict::Accepted, "{source}: {lucky:?}");
        let report = verified(&engine, source, &wanted).await;
        assert_eq!(
            (report.verdict, report.cause),
            (Verdict::WrongAnswer, Some(Cause::NotDeterministic)),
            "{source}: {report:?}"
        );
    }
}

/// Sets whose order decides nothing are no reason to refuse, nor is one run that goes wrong by itself.
#[tokio::test(flavor = "multi_thread")]
async fn sets_are_no_harm_by_themselves() {
    let engine = engine(1_000);
    for (source, wanted, verdict) in [
        ("print(len(set('abca')), sorted({'b', 'a'}))", "3 ['a', 'b']", Verdict::Accepted),
        ("seen = set()\nfor n in [1, 2, 1]:\n    seen.add(n)\nprint(*seen)", "1 2", Verdict::Accepted),
        ("print(len(set('abc')))", "4", Verdict::WrongAnswer),
    ] {
        let report = verified(&engine, source, wanted).await;
        assert_eq!((report.verdict, report.cause), (verdict, None), "{source}: {report:?}");
    }
}

/// One solution over many submissions meets several seeds.
#[tokio::test(flavor = "multi_thread")]
async fn seeds_change_with_time() {
    let engine = engine(8);
    let mut seen = BTreeSet::new();
    for _ in 0..400 {
        seen.insert(printed(&engine, "import time\ntime.sleep(0.01)\nprint(hash('abc'))").await);
        if seen.len() == 4 {
            return;
        }
    }
    panic!("{seen:?}");
}
