//! A program in a cell behaves as under `python3 FILE`: see `test-cases/environment`.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use proofbox::{admission::Admit, config::EngineConfig, report::TestReport, verify::Engine};
use serde::Deserialize;

use crate::support::{for_each, program, slots, testing_config};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    source: String,
    #[serde(default)]
    stdin: String,
    /// Whether the interpreter is also executed for it.
    #[serde(default)]
    executed: bool,
    /// Why a difference is meant.
    differs: Option<String>,
}

/// What is compared.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    stdout: String,
    exit_code: Option<i32>,
    signal: Option<i32>,
    last_line: String,
}

/// Text of a report is cut to about this length.
const COMPARED_BYTES: usize = 2_000;

impl Seen {
    fn new(stdout: &str, stderr: &str, exit_code: Option<i32>, signal: Option<i32>) -> Seen {
        let stdout = stdout.chars().take(COMPARED_BYTES).collect();
        Seen {
            stdout,
            exit_code,
            signal,
            last_line: stderr.trim_end().lines().last().unwrap_or("").to_owned(),
        }
    }

    fn bare(case: &Case) -> Seen {
        let home = tempfile::tempdir().unwrap();
        let [sources, work] = ["box", "work"].map(|name| home.path().join(name));
        for directory in [&sources, &work] {
            fs::create_dir(directory).unwrap();
        }
        fs::write(sources.join("main.py"), &case.source).unwrap();
        fs::write(home.path().join("stdin"), &case.stdin).unwrap();
        let output = Command::new("/usr/bin/timeout")
            .args(["--signal=KILL", "30", "/usr/bin/setsid", "/usr/bin/python3"])
            .arg(sources.join("main.py"))
            .current_dir(&work)
            .env_clear()
            .envs([("PATH", "/usr/bin:/bin"), ("LANG", "C.UTF-8")])
            .envs(["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"].map(|name| (name, "1")))
            .envs([("HOME", &work), ("TMPDIR", &work)])
            .stdin(Stdio::from(fs::File::open(home.path().join("stdin")).unwrap()))
            .output()
            .unwrap();
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).replace(path(&sources), "/box");
            text.replace(path(&work), "/tmp/work")
        };
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        Seen::new(&stdout, &stderr, output.status.code(), output.status.signal())
    }

    fn in_cell(test: &TestReport) -> Seen {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Seen::new(&text(&test.stdout), &text(&test.stderr), test.exit_code, test.signal)
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn cases() -> Vec<Case> {
    let text = include_str!("../../../test-cases/environment/programs.jsonl");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_behave_as_under_plain_python() {
    let version = Command::new("/usr/bin/python3").arg("--version").output().unwrap();
    let is_known = String::from_utf8_lossy(&version.stdout).starts_with("Python 3.11.");
    let cases = Arc::new(cases());
    let bare = {
        let cases = Arc::clone(&cases);
        for_each(cases.len(), slots(), move |index| {
            let cases = Arc::clone(&cases);
            async move { tokio::task::spawn_blocking(move || Seen::bare(&cases[index])).await.unwrap() }
        })
        .await
    };
    let mut wrong = Vec::new();
    for warm in [true, false] {
        let config = EngineConfig { warm, ..testing_config(slots()) };
        let engine = Arc::new(Engine::start(&config).unwrap());
        let wanted: Vec<usize> = (0..cases.len()).filter(|index| warm || cases[*index].executed).collect();
        let wanted = Arc::new(wanted);
        let reports = for_each(wanted.len(), slots(), |at| {
            let (engine, cases, wanted) = (Arc::clone(&engine), Arc::clone(&cases), Arc::clone(&wanted));
            async move {
                let case = &cases[wanted[at]];
                engine.verify(program(&case.source, &[(&case.stdin, "")]), Admit::Patient).await
            }
        })
        .await;
        for (index, report) in wanted.iter().zip(reports) {
            let (case, bare) = (&cases[*index], &bare[*index]);
            let Some(test) = report.tests.first() else {
                wrong.push(format!("{}: {:?} {:?}", case.name, report.cause, report.reason));
                continue;
            };
            let found = Seen::in_cell(test);
            match (&found == bare, &case.differs) {
                (true, None) => {}
                (false, Some(_)) => {}
                (true, Some(reason)) => {
                    if is_known {
                        wrong.push(format!("{}: no difference any more that is meant: {reason}", case.name));
                    }
                }
                (false, None) => {
                    wrong.push(format!("{}, warm {warm}:\n  bare {bare:?}\n  cell {found:?}", case.name));
                }
            }
        }
    }
    assert!(cases.len() > 300);
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
