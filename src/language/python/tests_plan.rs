//! Tests that hold code, as a run of their own: what the driver in the tests' cell is given.

use crate::{
    language::job::TestsOrder,
    submission::{CodeTests, Solution, Stop, Submission},
    value::{
        Value,
        marshal::{TooLarge, encode},
    },
};

/// By which names tests import the solution, beside the name of its file.
const USUAL_NAMES: [&str; 4] = ["solution", "main", "submission", "candidate"];

/// The plan of a run of tests that hold code, for the driver in the tests' cell.
pub fn tests_plan(
    submission: &Submission,
    tests: &CodeTests,
    order: &TestsOrder<'_>,
) -> Result<Vec<u8>, TooLarge> {
    encode(&plan(submission, tests, order))
}

/// As `sandbox-images/python/code_tests/tests.py` describes it.
fn plan(submission: &Submission, tests: &CodeTests, order: &TestsOrder<'_>) -> Value {
    // With those before the first: it may need what they define.
    let entries = tests.tests[..order.tests.end]
        .iter()
        .map(|test| Value::Tuple(vec![Value::str(test.kind.as_str()), Value::str(&test.code)]))
        .collect();
    let (own, other) = modules(&submission.solution);
    let own_modules = own.len() as i64;
    let modules = own.into_iter().chain(other).map(|name| Value::str(&name)).collect();
    Value::Tuple(vec![
        Value::str(order.nonce),
        Value::str(&tests.setup),
        Value::List(entries),
        Value::Int(order.tests.start as i64),
        Value::str(tests.entry_point.as_deref().unwrap_or_default()),
        Value::List(modules),
        Value::Int(own_modules),
        Value::Bool(submission.stop == Stop::FirstFailure),
        Value::Int(i64::try_from(submission.limits.wall_ms).unwrap_or(i64::MAX)),
    ])
}

/// Names by which tests import the solution's entry file, and those of its other files.
fn modules(solution: &Solution) -> (Vec<String>, Vec<String>) {
    let module = |path: &str| {
        let stem = path.strip_suffix(".py")?;
        let stem = stem.strip_suffix("/__init__").unwrap_or(stem);
        Some(stem.replace('/', "."))
    };
    let mut own: Vec<String> = USUAL_NAMES.map(str::to_owned).to_vec();
    let entry = module(&solution.files[solution.entry].path);
    own.extend(entry.filter(|name| !USUAL_NAMES.contains(&name.as_str())));
    let others = solution.files.iter().filter_map(|file| module(&file.path));
    let others = others.filter(|name| !own.contains(name)).collect();
    (own, others)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submission::SourceFile;

    #[test]
    fn a_solution_is_imported_by_the_usual_names_and_its_files() {
        let file = |path: &str| SourceFile { path: path.to_owned(), content: Vec::new() };
        let files = ["app.py", "lib/deep.py", "lib/__init__.py", "data.txt"].map(file).to_vec();
        let (own, others) = modules(&Solution { files, entry: 0 });
        assert_eq!(own, ["solution", "main", "submission", "candidate", "app"]);
        assert_eq!(others, ["lib.deep", "lib"]);
        let (own, others) = modules(&Solution::single("main.py", ""));
        assert_eq!((own.len(), others.len()), (4, 0));
    }
}
