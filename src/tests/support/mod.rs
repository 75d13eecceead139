//! What the tests of the whole engine share.
#![allow(dead_code)]

use proofbox::{
    config::EngineConfig,
    judge::Compare,
    limits::Limits,
    submission::{Prelude, ProgramTest, ShowOutput, Solution, Stop, Submission, Tests},
    verify::Engine,
};

/// An engine whose launchers are the real program.
pub fn engine(slots: usize) -> Engine {
    let mut config = EngineConfig::for_testing(slots);
    config.program = env!("CARGO_BIN_EXE_proofbox").into();
    Engine::start(&config).unwrap_or_else(|error| panic!("{error}"))
}

/// A Python program with (stdin, expected stdout) tests.
pub fn program(source: &str, tests: &[(&str, &str)]) -> Submission {
    Submission {
        id: None,
        language: "python".to_owned(),
        solution: Solution::single("main.py", source),
        tests: Tests::Program(
            tests
                .iter()
                .map(|(stdin, stdout)| ProgramTest {
                    stdin: stdin.as_bytes().to_vec(),
                    accepted_stdout: vec![stdout.as_bytes().to_vec()],
                })
                .collect(),
        ),
        compare: Compare::Tokens,
        limits: Limits::default(),
        stop: Stop::Never,
        prelude: Prelude::None,
        show_output: ShowOutput::Always,
    }
}
