//! What the tests of the whole engine share.
#![allow(dead_code)]

pub mod bare;
pub mod container;
pub mod labelled;
pub mod process;
pub mod random;
#[cfg(feature = "wasm")]
pub mod wasm_image;

use std::{fs, path::PathBuf};

use proofbox::{
    config::EngineConfig,
    submission::{ProgramTest, ShowOutput, Solution, Stop, Submission, Tests},
    verify::Engine,
};
use tempfile::TempDir;

/// The real program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_proofbox");

/// The program under test: the one built for it, or the copy that an ordinary user or a container was given.
pub fn program_path() -> PathBuf {
    std::env::var_os("TEST_PROGRAM").map_or_else(|| PROGRAM.into(), Into::into)
}

/// A test's name as the test program takes it. `module`: where it stands, as `module_path!()` says it.
pub fn test_name(module: &str, test: &str) -> String {
    let within = module.split_once("::").map_or(String::new(), |(_, within)| format!("{within}::"));
    within + test
}

/// For an engine whose launchers are the program under test; that of a test is not it.
pub fn testing_config(slots: usize) -> EngineConfig {
    EngineConfig { program: program_path(), ..EngineConfig::for_testing(slots) }
}

pub fn start(config: &EngineConfig) -> Engine {
    Engine::start(config).unwrap_or_else(|error| panic!("{error}"))
}

pub fn engine(slots: usize) -> Engine {
    start(&testing_config(slots))
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
