//! Our own labelled submissions (`test-cases/labelled`), each run twice: forked from a warm
//! interpreter and by executing one. Both must give the label.

use std::{fs, path::PathBuf, process::Command, sync::Arc};

use crate::support::{
    container::{self, Who},
    for_each, slots, testing_config,
};
use proofbox::{
    admission::Admit,
    config::EngineConfig,
    report::Report,
    verdict::Verdict,
    verify::Engine,
    wire::{Asked, WireBounds, parse},
};
use serde_json::Value;

/// A submission as it goes over the wire, and what must come back.
struct Case {
    name: String,
    wire: String,
    expect: Value,
    needs: Vec<String>,
}

fn cases() -> Vec<Case> {
    let home = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("test-cases");
    let mut files: Vec<PathBuf> = ["labelled", "programs"]
        .into_iter()
        .flat_map(|directory| fs::read_dir(home.join(directory)).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    files.sort();
    let lines = files.iter().flat_map(|file| {
        let text = fs::read_to_string(file).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    lines.map(|line| case(&line)).collect()
}

fn case(line: &str) -> Case {
    // The rest is left unread: it holds numbers that are only numbers to Python.
    #[derive(serde::Deserialize)]
    struct Row {
        id: String,
        expect: Value,
        #[serde(default)]
        needs: Vec<String>,
        #[serde(rename = "why")]
        _why: String,
    }
    let Row { id: name, expect, needs, .. } = serde_json::from_str(line).unwrap();
    Case { name, wire: without_keys(line), expect, needs }
}

/// The line without its last keys, which are ours.
fn without_keys(line: &str) -> String {
    let cut =
        [", \"expect\": ", ", \"needs\": ", ", \"why\": "].iter().filter_map(|key| line.rfind(key)).min();
    format!("{}}}", &line[..cut.unwrap()])
}

fn installed(module: &str) -> bool {
    Command::new("/usr/bin/python3")
        .args(["-I", "-c", &format!("import {module}")])
        .status()
        .is_ok_and(|status| status.success())
}

/// What differs from the label, if anything does.
fn difference(case: &Case, report: &Report) -> Option<String> {
    let expect = &case.expect;
    let word = expect["verdict"].as_str().unwrap();
    let verdict_agrees = match word {
        "rejected" => !matches!(report.verdict, Verdict::Accepted | Verdict::Undecided),
        word => report.verdict.as_str() == word,
    };
    let cause = report.cause.map(|cause| cause.as_str());
    let number = |key: &str| expect.get(key).and_then(Value::as_u64);
    let reason = report.reason.as_deref().unwrap_or("");
    let agrees = verdict_agrees
        && expect.get("reason").and_then(Value::as_str).is_none_or(|part| reason.contains(part))
        && expect.get("cause").is_none_or(|expected| expected.as_str() == cause)
        && number("passed").is_none_or(|passed| passed == report.passed() as u64)
        && number("first_failing_test").is_none_or(|test| Some(test as usize) == report.first_failing_test());
    (!agrees).then(|| {
        format!(
            "{}: expected {expect}, got {} {cause:?}, {} passed: {:?}",
            case.name,
            report.verdict,
            report.passed(),
            report.reason
        )
    })
}

/// `warm`: whether an interpreter is kept loaded. `config`: how cells are made.
async fn check(warm: bool, config: EngineConfig) {
    let present: Vec<Case> = cases()
        .into_iter()
        .filter(|case| {
            let missing = case.needs.iter().find(|module| !installed(module));
            if let Some(module) = missing {
                println!("notice: {module} is not installed; {} is not run", case.name);
            }
            missing.is_none()
        })
        .collect();
    let cases = Arc::new(present);
    let engine = Arc::new(Engine::start(&EngineConfig { warm, ..config }).unwrap());
    let python = engine.languages().find("python").unwrap();
    assert!(python.is_warm(engine.sandbox().tier()) == warm, "this host cannot keep Python loaded");
    let reports = for_each(cases.len(), slots(), {
        let (cases, engine) = (Arc::clone(&cases), Arc::clone(&engine));
        move |index| {
            let (cases, engine) = (Arc::clone(&cases), Arc::clone(&engine));
            async move {
                match parse(cases[index].wire.as_bytes(), WireBounds::default()) {
                    Ok(Asked::Verify(submission)) => engine.verify(*submission, Admit::Patient).await,
                    Ok(Asked::Undecidable(report)) => *report,
                    Err(error) => panic!("{}: {error}", cases[index].name),
                }
            }
        }
    })
    .await;
    let wrong: Vec<String> =
        cases.iter().zip(&reports).filter_map(|(case, report)| difference(case, report)).collect();
    println!(
        "{}, warm {warm}: {} of {} cases got their label",
        engine.sandbox().tier().as_str(),
        cases.len() - wrong.len(),
        cases.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_get_their_label_from_a_warm_interpreter() {
    check(true, testing_config(slots())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_get_their_label_from_an_executed_interpreter() {
    check(false, testing_config(slots())).await;
}

#[test]
fn cases_get_their_label_in_a_plain_container() {
    for who in [Who::Root, Who::Ordinary] {
        container::again_inside(module_path!(), "cases_in_a_plain_container", who);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by cases_get_their_label_in_a_plain_container"]
async fn cases_in_a_plain_container() {
    container::enter();
    check(false, testing_config(slots())).await;
}
