//! The whole path, in real cells.

mod support;

use proofbox::{
    admission::Admit,
    submission::{ProgramTest, Tests},
    verdict::Verdict,
};
use support::{engine, program};

#[tokio::test(flavor = "multi_thread")]
async fn a_right_program_is_accepted() {
    let engine = engine(1);
    let submission = program("a, b = map(int, input().split())\nprint(a + b)\n", &[("1 2\n", "3\n"), ("5 6\n", "11\n")]);
    let report = engine.verify(submission, Admit::Patient).await;
    assert_eq!(report.verdict, Verdict::Accepted, "{report:#?}");
    assert_eq!(report.passed(), 2);
    println!("{report:#?}");
}
