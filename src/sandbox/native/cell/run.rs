//! One run: start the program, watch it, end everything it left, say what happened.

use std::{os::fd::OwnedFd, time::Instant};

use serde_bytes::Bytes;

use super::{
    capture::HeldStream,
    context::{Stage, Supervisor},
    descriptors::Inputs,
    start,
    supervise::{end_everything, supervise},
    work_files::WorkDirectory,
};
use crate::sandbox::{
    job::LimitHit,
    native::messages::{
        link_ends::Link,
        slot_messages::{Ran, WireRun},
        step::{StepError, io_step},
    },
    sys::unforked::Unforked,
};

/// Carries out one run. `Ok(None)` if the service wants no more of this cell.
pub fn carry_out<'r>(
    supervisor: &'r Supervisor<'_>,
    run: &WireRun<&Bytes>,
    link: Option<Link>,
    stage: Stage<'_>,
    captured: &'r mut [Unforked; 3],
) -> Result<Option<Ran<&'r Bytes, Unforked>>, StepError> {
    let begun = Instant::now();
    let collect = &supervisor.job.collect;
    let inputs = start::inputs(run, link, stage)?;
    let (inbox, held) = hold_streams(&inputs)?;
    // Before memory is measured: what the run is given is not its own use.
    let work = match run.files.is_empty() && collect.is_empty() {
        true => None,
        false => Some(furnish_work_directory(supervisor, run)?),
    };
    let file_bytes = run.files.iter().map(|(_, content)| content.len() as u64 + 4096).sum();
    let mut meter = start::meter(supervisor, &inputs, file_bytes)?;
    meter.mark_memory()?;
    let mut live = start::start(supervisor, stage, inputs, meter, captured)?;
    (live.inbox, live.held) = (inbox, held);
    live.meter.mark_cpu()?;
    let wanted = supervise(supervisor, &mut live, begun)?;
    end_everything(supervisor, &mut live)?;
    if !wanted {
        return Ok(None);
    }
    if live.meter.is_killed_for_memory()? {
        live.limit = Some(LimitHit::Memory);
    }
    let Some(work) = work else { return live.finish(&supervisor.limits, begun).map(Some) };
    let most: u64 = collect.iter().map(|collect| collect.most_bytes).sum();
    live.meter.allow_reading(most)?;
    let ran = live.finish(&supervisor.limits, begun)?;
    Ok(Some(Ran { files: work.take(collect)?, ..ran }))
}

/// The files that the run finds by name, and the directories of those that it leaves.
fn furnish_work_directory(
    supervisor: &Supervisor<'_>,
    run: &WireRun<&Bytes>,
) -> Result<WorkDirectory, StepError> {
    let work = WorkDirectory::open(&supervisor.setup.enclosure.work_directory())?;
    work.put(&run.files, &supervisor.job.collect)?;
    Ok(work)
}

/// Of a run whose streams lead to another cell: second handles on what it reads and what it writes.
fn hold_streams(inputs: &Inputs) -> Result<(Option<OwnedFd>, Option<HeldStream>), StepError> {
    let Some(stdout) = &inputs.stdout else { return Ok((None, None)) };
    io_step("hold_link", || {
        Ok((Some(inputs.stdin.try_clone()?), Some(HeldStream::new(stdout.try_clone()?)?)))
    })
}
