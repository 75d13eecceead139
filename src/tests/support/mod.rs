//! What the tests of the whole engine share.
#![allow(dead_code)]

pub mod container;
pub mod labelled;

use std::fs;

use proofbox::{
    config::EngineConfig,
    submission::{ProgramTest, ShowOutput, Solution, Stop, Submission, Tests},
    verify::Engine,
};
use tempfile::TempDir;

/// The real program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_proofbox");

/// An engine whose launchers are the real program.
pub fn engine(slots: usize) -> Engine {
    let mut config = EngineConfig::for_testing(slots);
    config.program = PROGRAM.into();
    Engine::start(&config).unwrap_or_else(|error| panic!("{error}"))
}

/// A Python program with (stdin, expected stdout) tests.
pub fn program(source: &str, tests: &[(&str, &str)]) -> Submission {
    let tests = tests.iter().map(|(stdin, stdout)| ProgramTest {
        stdin: stdin.as_bytes().into(),
        accepted_stdout: vec![stdout.as_bytes().to_vec()],
        files: Vec::new(),
    });
    let tests = Tests::Program(tests.collect());
    Submission {
        stop: Stop::Never,
        show_output: ShowOutput::Always,
        ..Submission::new("python", Solution::single("main.py", source), tests)
    }
}

/// Slots that tests use: one per core.
pub fn slots() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Runs `work` for every index below `count`, at most `in_flight` at once, results in order.
pub async fn for_each<T, F>(count: usize, in_flight: usize, work: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let permits = std::sync::Arc::new(tokio::sync::Semaphore::new(in_flight));
    let mut tasks = Vec::with_capacity(count);
    for index in 0..count {
        let permit = std::sync::Arc::clone(&permits).acquire_owned().await.unwrap();
        let future = work(index);
        tasks.push(tokio::spawn(async move {
            let result = future.await;
            drop(permit);
            result
        }));
    }
    let mut results = Vec::with_capacity(count);
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

/// A folder of images: the shipped one with the places of runtimes that are not languages yet in it,
/// and `more` at its end.
pub fn image_with_runtimes(more: &str) -> TempDir {
    let shipped = include_str!("../../../sandbox-images/python/image.toml");
    let mut places = vec![
        "/usr/bin/node".to_owned(),
        "/usr/bin/java".to_owned(),
        "/usr/share/nodejs".to_owned(),
        "/etc/ssl/openssl.cnf".to_owned(),
    ];
    let settings = fs::read_dir("/etc").unwrap().map(|entry| entry.unwrap().path());
    let settings = settings.filter(|path| path.to_string_lossy().starts_with("/etc/java"));
    places.extend(settings.map(|path| path.to_str().unwrap().to_owned()));
    let binds = format!(
        "bind_if_present = [\n  {},",
        places.iter().map(|place| format!("{place:?}")).collect::<Vec<_>>().join(", ")
    );
    let images = tempfile::tempdir().unwrap();
    fs::create_dir(images.path().join("python")).unwrap();
    let manifest = shipped.replace("bind_if_present = [", &binds) + more;
    assert_ne!(manifest, shipped);
    fs::write(images.path().join("python/image.toml"), manifest).unwrap();
    images
}
