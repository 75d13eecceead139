//! A job's runs, one after the other: each in a process of its own, or several in a series.

use super::{
    context::{Buffers, Stage, Supervisor},
    run,
    series::{self, SeriesPlan},
};
use crate::sandbox::native::messages::{
    frames::write_unforked,
    link_ends::Link,
    slot_messages::ReplyOf,
    step::{StepError, io_step, step},
};

/// A program's compiled form, which runs after the first are given.
enum CompiledCode {
    NotMade,
    Made(Vec<u8>),
    /// There is none, and every run compiles for itself.
    None,
}

/// Carries out a job's runs. `link`: for the first of them, of a job that has no other. `renew`: makes
/// the scratch space as new, and says whether it was.
pub fn run_all(
    supervisor: &Supervisor<'_>,
    mut link: Option<Link>,
    mut renew: impl FnMut() -> Result<bool, StepError>,
) -> Result<(), StepError> {
    let job = supervisor.job;
    let mut series = SeriesPlan::new(supervisor);
    let mut form = match supervisor.setup.run {
        Some(_) => CompiledCode::NotMade,
        None => CompiledCode::None,
    };
    let mut buffers = step("make_buffers", || Buffers::new(&supervisor.limits, &job.collect))?;
    let mut index = 0;
    while index < job.runs.len() {
        // One side of a conversation may be ended before it has begun, which is reported like any end.
        if job.link.is_none() && supervisor.is_stop_requested() {
            return Ok(());
        }
        let runs = &job.runs[index..];
        let ended = match &form {
            // The first run shows what runs cost, and many a job ends with it.
            CompiledCode::NotMade if index > 0 && series.wants_form(runs.len()) => {
                let made = series::compile(supervisor, runs, &series, &mut buffers, &mut renew)?;
                let Some(made) = made else { return Ok(()) };
                form = made.code.map_or(CompiledCode::None, CompiledCode::Made);
                if made.ended.is_none() {
                    series.rule_out();
                }
                made.ended
            }
            CompiledCode::Made(code) if series.is_worth_while(runs.len()) => {
                let ended = series::carry_out(supervisor, runs, code, &mut buffers, &mut renew)?;
                let Some(ended) = ended else { return Ok(()) };
                Some(ended)
            }
            CompiledCode::NotMade | CompiledCode::None | CompiledCode::Made(_) => None,
        };
        if let Some(ended) = ended {
            index += ended.done;
            if index == job.runs.len() {
                return Ok(());
            }
            // The run in doubt is carried out below.
            series.note(&ended);
        }
        if index > 0 {
            renew()?;
        }
        let stage = match &form {
            CompiledCode::Made(code) => Stage::Later(code),
            CompiledCode::NotMade | CompiledCode::None => Stage::Only,
        };
        let Buffers { captured, frame } = &mut buffers;
        let ran = run::carry_out(supervisor, &job.runs[index], link.take(), stage, captured)?;
        let Some(ran) = ran else { return Ok(()) };
        if index == 0 {
            series.first_was(ran.cpu_us);
        }
        io_step("report_run", || write_unforked(&mut { supervisor.socket }, frame, &ReplyOf::Ran(ran)))?;
        index += 1;
    }
    Ok(())
}
