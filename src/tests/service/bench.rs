//! `proofbox bench` as a user meets it. Shapes only: times depend on the machine.

use std::{path::Path, process::Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::proofbox;

fn bench(directory: &Path, args: &[&str]) -> Output {
    proofbox(directory).arg("bench").args(args).output().unwrap()
}

fn is_spread(spread: &Value) -> bool {
    let figure = |name: &str| spread[name].as_f64().unwrap_or(f64::NAN);
    figure("min") > 0.0 && figure("min") <= figure("median") && figure("median") <= figure("max")
}

#[test]
fn a_quick_run_says_what_it_measured() {
    let directory = TempDir::new().unwrap();
    let ended = bench(
        directory.path(),
        &["--quick", "--only", "W1,memory", "--rounds", "2", "--submissions", "3", "--json", "bench.json"],
    );
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{errors}");
    let table = String::from_utf8(ended.stdout).unwrap();
    for part in ["W1 trivial", "bare", "warm", "exec", "load average", "must reach 0.35", "idle slot"] {
        assert!(table.contains(part), "{part}: {table}");
    }
    let text = std::fs::read_to_string(directory.path().join("bench.json")).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["comparisons"].as_array().unwrap().len(), 1);
    let comparison = &json["comparisons"][0];
    assert_eq!(comparison["workload"], "w1");
    assert_eq!((&comparison["rounds"], &comparison["submissions_per_round"]), (&2.into(), &3.into()));
    assert!(is_spread(&comparison["bare"]["cpu_ms"]) && is_spread(&comparison["bare"]["wall_ms"]));
    let variants: Vec<&str> = comparison["engines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|side| side["variant"].as_str().unwrap())
        .collect();
    assert_eq!(variants, ["warm", "exec"]);
    for side in comparison["engines"].as_array().unwrap() {
        for figure in ["cpu_ms", "wall_ms", "service_cpu_ms", "cpu_ratio", "wall_ratio"] {
            assert!(is_spread(&side[figure]), "{figure}: {side}");
        }
    }
    let bars = json["bars"].as_array().unwrap();
    assert_eq!(bars[0]["name"], "W1");
    assert!(bars.iter().all(|bar| {
        let within = bar["measured"].as_f64().unwrap() <= bar["must_reach"].as_f64().unwrap();
        bar["reached"] == within
    }));
    let roles: Vec<&str> = json["memory"]["idle"]["processes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|process| process["role"].as_str().unwrap())
        .collect();
    assert!(["guard", "launcher", "slot"].iter().all(|role| roles.contains(role)), "{roles:?}");
    assert!(!roles.contains(&"run"), "{roles:?}");
    let busy = json["memory"]["busy"]["processes"].as_array().unwrap();
    assert!(busy.iter().any(|process| process["role"] == "run"), "{busy:?}");
    assert_eq!((&json["mixed"], &json["curve"]), (&Value::Null, &Value::Null));
}

/// Where an image is not built, what it would run is left out, and the remedy is named.
#[test]
#[cfg(feature = "wasm")]
fn what_runs_in_wasm_has_its_bars() {
    let directory = TempDir::new().unwrap();
    let ended = bench(
        directory.path(),
        &[
            "--only",
            "wasm",
            "--rounds",
            "2",
            "--submissions",
            "2",
            "--wasm-dir",
            "none",
            "--json",
            "bench.json",
        ],
    );
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{errors}");
    let table = String::from_utf8(ended.stdout).unwrap();
    for part in ["trivial uploaded module", "must reach 0.6", "proofbox image build wasm-python"] {
        assert!(table.contains(part), "{part}: {table}");
    }
    let text = std::fs::read_to_string(directory.path().join("bench.json")).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    let costs = json["wasm"].as_array().unwrap();
    assert_eq!((costs.len(), &costs[0]["language"]), (1, &"wasm".into()), "{text}");
    assert!(is_spread(&costs[0]["cpu_ms"]) && is_spread(&costs[0]["wall_ms"]));
    assert_eq!(json["bars"][0]["name"], "module");
    assert_eq!(json["skipped"].as_array().unwrap().len(), 2, "{text}");
}

#[test]
fn what_cannot_be_measured_is_said_before_anything_runs() {
    let directory = TempDir::new().unwrap();
    for (args, complaint) in [
        (&["--only", "W1", "--curve", "curve.svg"][..], "--only"),
        (&["--only", "W1", "--json", "no/such/directory.json"][..], "no/such/directory.json"),
        (&["--only", "W5", "--quick", "--cases", "nowhere"][..], "nowhere"),
    ] {
        let ended = bench(directory.path(), args);
        assert_eq!(ended.status.code(), Some(1));
        let errors = String::from_utf8_lossy(&ended.stderr);
        assert!(errors.contains(complaint), "{errors}");
    }
}
