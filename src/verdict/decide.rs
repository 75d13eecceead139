//! What a run of a program or a function means.

use super::{
    checker::Ruling,
    decision::{Cause, Decision, Ran, Verdict, bounded, decide_end, decide_limit},
    driver_record::{DriverRecord, InvalidRecord},
    returned::{Accepted, Returned},
};
use crate::{
    judge::{Compare, Comparison},
    sandbox::Collected,
    submission::{FunctionTest, ProgramTest},
    value::{Packed, Value},
};

/// A program test: the kernel's word on how it ended, then its output.
pub fn decide_program(ran: &Ran, test: &ProgramTest, compare: Compare) -> Decision {
    let accepted = &test.accepted_stdout;
    let output = program_output(ran);
    let meant = match &output {
        Ok(output) => Decision::compared(compare.output(output, accepted)),
        Err(decision) => decision.clone(),
    };
    match compare {
        _ if ran.outcome.lacks.is_some() => meant,
        Compare::Profile(profile) if profile.is_bug_compatible() => meant.released(profile.judge_program(
            ran.ending(),
            output.unwrap_or(&ran.outcome.stdout),
            accepted,
        )),
        _ => meant,
    }
}

/// What there is to judge of a program that ended well: the output file where one was asked for, else
/// what it printed.
///
/// # Errors
/// The decision, where the run went wrong before its output matters.
pub fn program_output<'a>(ran: &Ran<'a>) -> Result<&'a [u8], Decision> {
    if let Some(decision) = decide_limit(ran.outcome) {
        return Err(decision);
    }
    // Only compile errors are reported by the driver of a program; a forged one fails the forger.
    if let Ok(Some(DriverRecord::Syntax(text))) = &ran.record {
        return Err(Decision::new(Verdict::CompileError, bounded(text)));
    }
    if let Some(decision) = decide_end(ran.outcome) {
        return Err(decision);
    }
    let wrong = |message: &str| Err(Decision::new(Verdict::WrongAnswer, message.to_owned()));
    match ran.outcome.files.first() {
        None => Ok(&ran.outcome.stdout),
        Some(Collected::Content(content)) => Ok(content),
        Some(Collected::Missing) => wrong("the output file was not written"),
        Some(Collected::NotAFile) => wrong("what stands under the output file's name is not a regular file"),
        Some(Collected::Unreadable) => wrong("the output file was made unreadable"),
        Some(Collected::TooLarge) => Err(Decision::new(
            Verdict::OutputLimit,
            "the output file is larger than the output limit".to_owned(),
        )),
    }
}

/// What a checker's ruling means for the test. A checker that failed says nothing about the solution.
pub fn decide_checked(ruling: Ruling) -> Decision {
    match ruling {
        Ruling::Right { message } => Decision::new(Verdict::Accepted, message),
        Ruling::Wrong { message } => Decision::new(Verdict::WrongAnswer, message),
        Ruling::Partial { score, message } => {
            let message = message.map_or(String::new(), |message| format!(": {message}"));
            let decision = Decision::new(Verdict::WrongAnswer, format!("partly right{message}"));
            Decision { score, ..decision }
        }
        Ruling::Failed { message } => Decision::new(Verdict::Undecided, message).because(Cause::BadTests),
    }
}

/// A function test: limits, what the driver says, how it ended, then the returned value.
pub fn decide_function(ran: &Ran, test: &FunctionTest, compare: Compare) -> Decision {
    let expects_typed = test.accepted.iter().any(Packed::has_typed);
    let accepted = Accepted::of(&test.accepted, ran.is_large());
    let meant = match &ran.made_plain {
        // It says "the same types": what a value may be taken for does not count.
        Some(type_name) if compare == Compare::EXACT => decide_function_by(ran, |_| {
            let type_name = bounded(type_name);
            let explanation = format!("result: {type_name} is not plain data, which exact asks for");
            Comparison::Mismatch { explanation }
        }),
        _ if expects_typed || compare == Compare::EXACT => {
            decide_function_by(ran, |returned| returned.compare_typed(compare, &accepted))
        }
        _ => decide_function_by(ran, |returned| returned.compare(compare, &accepted)),
    };
    match compare {
        _ if ran.outcome.lacks.is_some() => meant,
        Compare::Profile(profile) if profile.is_bug_compatible() => {
            let accepted: Vec<Value> = test.accepted.iter().map(Packed::value).collect();
            meant.released(profile.judge_function(ran.ending(), ran.returned().as_deref(), &accepted))
        }
        _ => meant,
    }
}

/// A run of a function for which nothing is expected: why there is no returned value, or `accepted`.
pub fn decide_returned_at_all(ran: &Ran) -> Decision {
    decide_function_by(ran, |_| Comparison::Match)
}

fn decide_function_by(ran: &Ran, compare: impl Fn(&Returned) -> Comparison) -> Decision {
    if let Some(decision) = decide_limit(ran.outcome) {
        return decision;
    }
    match &ran.record {
        Ok(Some(DriverRecord::Syntax(text))) => Decision::new(Verdict::CompileError, bounded(text)),
        Ok(Some(DriverRecord::Missing(text))) => {
            Decision::new(Verdict::RuntimeError, bounded(text)).because(Cause::FunctionNotFound)
        }
        Ok(Some(DriverRecord::Raised(text))) => match text.starts_with("MemoryError") {
            true => Decision::new(Verdict::MemoryLimit, "the solution could not allocate memory".to_owned()),
            false => Decision::new(Verdict::RuntimeError, bounded(text)),
        },
        record => decide_end(ran.outcome).unwrap_or_else(|| decide_returned(record, compare)),
    }
}

fn decide_returned(
    record: &Result<Option<DriverRecord>, InvalidRecord>,
    compare: impl Fn(&Returned) -> Comparison,
) -> Decision {
    let judged = |returned: Returned| Decision {
        result: Some(returned.repr()),
        ..Decision::compared(compare(&returned))
    };
    match record {
        Ok(Some(DriverRecord::Ok(value))) => judged(Returned::Values { value, text: None, typed: value }),
        Ok(Some(DriverRecord::Exact { value, text, typed })) => {
            judged(Returned::Values { value, text: Some(text), typed })
        }
        Ok(Some(DriverRecord::Large(large))) => judged(Returned::Large(large)),
        Ok(Some(DriverRecord::Unsupported(type_name))) => {
            let message = format!(
                "the function returned a value of type {}, which is not plain data",
                bounded(type_name)
            );
            Decision::new(Verdict::WrongAnswer, message).because(Cause::UnsupportedResult)
        }
        Ok(_) => Decision::new(
            Verdict::RuntimeError,
            "the solution ended before the function had returned".to_owned(),
        ),
        Err(error) => Decision::new(Verdict::RuntimeError, error.to_string()),
    }
}
