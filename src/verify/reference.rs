//! Expected outputs that a reference solution makes, for tests that have none.
//!
//! The reference runs in cells of its own, twice, the second time with other string hashes: what it makes
//! must be the same both times. Tests whose reference fails, or says now this and now that, are bad
//! tests; no solution is judged by them. What was made is kept by its content, so that many solutions
//! of one problem share it.

use std::borrow::Cow;

use super::{
    cells::{Errand, Interrupted},
    compile_programs::{Ready, Unusable},
    engine::{Engine, Expected},
    slot_access::SlotAccess,
};
use crate::{
    cache::{Found, Key, KeyMaker},
    judge::are_equal,
    language::Start,
    sandbox::{Job, Outcome},
    submission::{Reference, Submission, Tests},
    value::{Call, Packed},
    verdict::{self, Decision, Ran},
};

impl Engine {
    /// The submission with an expected output for every test.
    pub(super) async fn with_expected<'a>(
        &self,
        submission: &'a Submission,
        slots: &mut SlotAccess<'_>,
    ) -> Result<Cow<'a, Submission>, Unusable> {
        let Some(reference) = &submission.reference else { return Ok(Cow::Borrowed(submission)) };
        let numbers = missing(&submission.tests);
        if numbers.is_empty() {
            return Ok(Cow::Borrowed(submission));
        }
        let asked = as_submission(submission, reference);
        let ready = self.ready_program("reference", &reference.program, slots).await?;
        if !ready.language.takes(&asked.tests) {
            let (kind, name) = (asked.tests.kind(), ready.language.name());
            return Err(Unusable::Unsupported(format!("{kind} tests are not offered for {name}")));
        }
        let job = |start| {
            let job = ready.language.job(&asked, ready.binary.as_ref(), self.sandbox.tier(), start);
            job.map_err(|error| Unusable::BadTests(error.to_string()))
        };
        let job = [job(Start::Usual)?, job(Start::Fresh)?];
        let key = expected_key(&asked, &job[0]);
        let (expected, found) =
            self.expected.get(key, self.make_expected(&asked, &numbers, &ready, &job, slots)).await?;
        self.metrics.reference_used(found == Found::Kept);
        let mut filled = submission.clone();
        fill_in(&mut filled.tests, expected);
        Ok(Cow::Owned(filled))
    }

    async fn make_expected(
        &self,
        asked: &Submission,
        numbers: &[usize],
        ready: &Ready<'_>,
        jobs: &[Job; 2],
        slots: &mut SlotAccess<'_>,
    ) -> Result<Expected, Unusable> {
        let first = self.reference_outcomes(asked, ready, &jobs[0], slots).await?;
        let second = self.reference_outcomes(asked, ready, &jobs[1], slots).await?;
        let tests = numbers.iter().copied();
        if matches!(asked.tests, Tests::Program(_)) {
            let outputs = tests.zip(first.iter().zip(&second)).map(|(test, (first, second))| {
                let (one, other) = (output(test, first)?, output(test, second)?);
                if one == other { Ok(one) } else { Err(differs(test)) }
            });
            return Ok(Expected::Outputs(outputs.collect::<Result<_, Unusable>>()?));
        }
        let values = tests.zip(first.iter().zip(&second)).map(|(test, (first, second))| {
            let (one, other) = (value(test, first)?, value(test, second)?);
            if are_equal(&one, &other) { Ok(one) } else { Err(differs(test)) }
        });
        Ok(Expected::Values(values.collect::<Result<_, Unusable>>()?))
    }

    async fn reference_outcomes(
        &self,
        asked: &Submission,
        ready: &Ready<'_>,
        job: &Job,
        slots: &mut SlotAccess<'_>,
    ) -> Result<Vec<Outcome>, Interrupted> {
        let launcher = ready.language.launcher_for(&asked.solution, self.sandbox.tier());
        let errand = Errand::native(ready.language.name(), launcher, asked.limits, job);
        let errand = Errand { parallel: asked.parallel as usize, ..errand };
        // One that went over a limit is the last; what it came to says which test that was.
        self.outcomes(&errand, slots, |outcome| outcome.limit.is_none()).await
    }
}

/// The reference in the solution's place, with the tests that have no expected output.
fn as_submission(submission: &Submission, reference: &Reference) -> Submission {
    let tests = match &submission.tests {
        Tests::Program(tests) => {
            Tests::Program(tests.iter().filter(|test| test.accepted_stdout.is_empty()).cloned().collect())
        }
        Tests::Function { target, tests } => Tests::Function {
            target: target.clone(),
            tests: tests.iter().filter(|test| test.accepted.is_empty()).cloned().collect(),
        },
        // Their code says what is expected: none is missing.
        Tests::Code(code) => Tests::Code(code.clone()),
    };
    Submission {
        io: submission.io.clone(),
        limits: reference.limits,
        prelude: submission.prelude,
        parallel: submission.parallel,
        ..Submission::new(reference.program.language.clone(), reference.program.solution.clone(), tests)
    }
}

/// Numbers of the tests that have no expected output.
fn missing(tests: &Tests) -> Vec<usize> {
    let is_missing = |index: &usize| match tests {
        Tests::Program(tests) => tests[*index].accepted_stdout.is_empty(),
        Tests::Function { tests, .. } => tests[*index].accepted.is_empty(),
        Tests::Code(_) => false,
    };
    (0..tests.len()).filter(is_missing).collect()
}

fn output(test: usize, outcome: &Outcome) -> Result<Vec<u8>, Unusable> {
    match verdict::program_output(&Ran::new(outcome)) {
        Ok(output) => Ok(output.to_vec()),
        Err(decision) => Err(fails(test, &decision)),
    }
}

fn value(test: usize, outcome: &Outcome) -> Result<Packed, Unusable> {
    let ran = Ran::new(outcome);
    match ran.returned_packed() {
        Some(value) => Ok(value),
        None => Err(fails(test, &verdict::decide_returned_at_all(&ran))),
    }
}

fn fails(test: usize, decision: &Decision) -> Unusable {
    let message = decision.message.as_deref().map_or(String::new(), |message| format!(": {message}"));
    let Decision { verdict, .. } = decision;
    Unusable::BadTests(format!("the reference does not solve test {test}: {verdict}{message}"))
}

fn differs(test: usize) -> Unusable {
    Unusable::BadTests(format!("the reference makes different outputs for test {test} when it is run again"))
}

fn fill_in(tests: &mut Tests, expected: Expected) {
    match (tests, expected) {
        (Tests::Program(tests), Expected::Outputs(outputs)) => {
            let missing = tests.iter_mut().filter(|test| test.accepted_stdout.is_empty());
            missing.zip(outputs.iter()).for_each(|(test, output)| test.accepted_stdout.push(output.clone()));
        }
        (Tests::Function { tests, .. }, Expected::Values(values)) => {
            let missing = tests.iter_mut().filter(|test| test.accepted.is_empty());
            missing.zip(values.iter()).for_each(|(test, value)| test.accepted.push(value.clone()));
        }
        // The key holds the kind of tests.
        _ => {}
    }
}

/// Everything that what it makes depends on.
fn expected_key(asked: &Submission, job: &Job) -> Key {
    let mut maker = KeyMaker::default().part(b"expected").part(asked.tests.kind().as_bytes());
    maker = maker.part(asked.language.as_bytes()).part(format!("{:?}", asked.limits).as_bytes());
    maker = maker.part(format!("{:?} {:?} {}", asked.io, asked.prelude, asked.solution.entry).as_bytes());
    for file in &asked.solution.files {
        maker = maker.part(file.path.as_bytes()).part(&file.content);
    }
    for run in &job.runs {
        maker = maker.part(b"run").part(&run.stdin);
        for part in run.call.iter().flat_map(Call::identity) {
            maker = maker.part(&part);
        }
        for (path, content) in &run.files {
            maker = maker.part(path.as_bytes()).part(content);
        }
    }
    maker.key()
}
