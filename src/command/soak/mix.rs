//! The programs of a soak, by number: mostly right and wrong ones, and every eighth hostile.

use crate::{
    limits::Limits,
    submission::{FunctionTarget, FunctionTest, ProgramTest, ShowOutput, Solution, Submission, Tests},
    value::Value,
    verdict::Verdict,
};

/// A submission and the verdicts that are right for it.
pub struct MixedRun {
    pub name: &'static str,
    pub submission: Submission,
    pub verdicts: &'static [Verdict],
}

/// Hostile programs that need no target, with their possible verdicts. They print "contained".
const HOSTILE: [(&str, &str, &[Verdict]); 12] = {
    const SAID: &[Verdict] = &[Verdict::Accepted];
    const MEMORY: &[Verdict] = &[Verdict::MemoryLimit, Verdict::Accepted];
    [
        ("fork_bomb", include_str!("../../../test-cases/hostile/fork_bomb.py"), SAID),
        ("thread_bomb", include_str!("../../../test-cases/hostile/thread_bomb.py"), SAID),
        // A busy kernel frees processes slower than this program makes them: 1 run in 1,000 reaches the limit.
        ("exhaust_and_end", include_str!("../../../test-cases/hostile/exhaust_and_end.py"), MEMORY),
        ("memory_heap", include_str!("../../../test-cases/hostile/memory_heap.py"), MEMORY),
        ("memory_children", include_str!("../../../test-cases/hostile/memory_children.py"), MEMORY),
        ("memory_memfd", include_str!("../../../test-cases/hostile/memory_memfd.py"), MEMORY),
        ("memory_tmpfs", include_str!("../../../test-cases/hostile/memory_tmpfs.py"), MEMORY),
        (
            "output_flood",
            include_str!("../../../test-cases/hostile/output_flood.py"),
            &[Verdict::OutputLimit],
        ),
        (
            "sleep_forever",
            include_str!("../../../test-cases/hostile/sleep_forever.py"),
            &[Verdict::TimeLimit],
        ),
        ("daemon", include_str!("../../../test-cases/hostile/daemon.py"), &[Verdict::TimeLimit]),
        ("ruin_scratch", include_str!("../../../test-cases/hostile/ruin_scratch.py"), SAID),
        ("own_program", include_str!("../../../test-cases/hostile/own_program.py"), SAID),
    ]
};

const LIMITS: Limits = Limits {
    cpu_ms: 2_000,
    wall_ms: 1_500,
    memory_bytes: 128 << 20,
    output_bytes: 1 << 20,
    processes: 24,
    file_bytes: 16 << 20,
};

/// The submission of that number.
pub fn submission(number: u64) -> MixedRun {
    const WRONG: &[Verdict] = &[Verdict::WrongAnswer];
    const RIGHT: &[Verdict] = &[Verdict::Accepted];
    const ERROR: &[Verdict] = &[Verdict::RuntimeError];
    match number % 8 {
        0 => {
            let (name, source, verdicts) = HOSTILE[(number / 8) as usize % HOSTILE.len()];
            // Two tests, so that leftovers of the first run could reach the second.
            let mut limits = LIMITS;
            // Generous, so that only endless programs meet the wall limit on a loaded machine.
            limits.wall_ms = if ["sleep_forever", "daemon"].contains(&name) { 300 } else { 20_000 };
            asked(name, source, program(vec![String::new(); 2], "contained"), verdicts, limits)
        }
        1 => asked("wrong", "print(input())", program(vec!["1".to_owned()], "2"), WRONG, quiet()),
        2 => asked("raises", "raise SystemExit(3)", program(vec![String::new()], ""), ERROR, quiet()),
        3 => {
            let tests = Tests::Function {
                target: FunctionTarget { name: "double".to_owned() },
                tests: vec![FunctionTest::new(
                    vec![Value::Int(number as i64)],
                    Vec::new(),
                    &[Value::Int(2 * number as i64)],
                )],
            };
            asked("function", "def double(n):\n    return n * 2\n", tests, RIGHT, quiet())
        }
        4 => {
            let source =
                "import os\nopen('left', 'w').write('x')\nos.mkdir('/dev/shm/left')\nprint(int(input()) + 1)";
            asked(
                "files",
                source,
                program(vec![number.to_string(); 3], &(number + 1).to_string()),
                RIGHT,
                quiet(),
            )
        }
        _ => {
            let expected = (number * number).to_string();
            asked(
                "right",
                "print(int(input()) ** 2)",
                program(vec![number.to_string()], &expected),
                RIGHT,
                quiet(),
            )
        }
    }
}

/// A right submission that makes a set and takes a while.
pub fn with_a_set() -> Submission {
    let source = "import time\ntime.sleep(0.3)\nprint(len(set(input())))";
    asked("set", source, program(vec!["abca".to_owned()], "3"), &[], quiet()).submission
}

/// Limits that no harmless program of the mix comes near, however loaded the machine.
fn quiet() -> Limits {
    Limits { cpu_ms: 10_000, wall_ms: 60_000, ..LIMITS }
}

fn program(inputs: Vec<String>, expected: &str) -> Tests {
    let test = |stdin: String| ProgramTest {
        stdin: stdin.into_bytes().into(),
        accepted_stdout: vec![expected.as_bytes().to_vec()],
        files: Vec::new(),
    };
    Tests::Program(inputs.into_iter().map(test).collect())
}

fn asked(
    name: &'static str,
    source: &str,
    tests: Tests,
    verdicts: &'static [Verdict],
    limits: Limits,
) -> MixedRun {
    let submission = Submission {
        limits,
        show_output: ShowOutput::Never,
        ..Submission::new("python", Solution::single("main.py", source), tests)
    };
    MixedRun { name, submission, verdicts }
}
