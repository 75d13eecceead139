//! Slot processes of a launcher with namespaces: forked from it, each makes one cell after another.

use std::{io::Write, os::unix::net::UnixStream};

use super::{rehearsal::rehearse_cell, slot_loop};
use crate::sandbox::{
    native::{
        cell::{
            context::{CELL_ID, CellSetup},
            init,
        },
        messages::{
            frames::write_message,
            launcher_setup::CgroupInfo,
            slot_messages::{Reply, WireLimits},
            step::{FaultReport, StepError, io_step, step},
        },
        walls::{
            cgroup::{OomKill, SlotGroup},
            enclosure::Enclosure,
            namespaces,
        },
    },
    sys::{self, SockFilter, python::Callback},
};

/// What slot processes are made of.
pub struct Slots<'a> {
    pub seccomp: Vec<SockFilter>,
    /// By slot index; none where there are no control groups.
    pub groups: Vec<SlotGroup>,
    pub cgroup: Option<CgroupInfo>,
    /// Whether the launcher has many ids to give out.
    pub privileged: bool,
    /// In an interpreter: its function that carries out a run.
    pub run: Option<&'a Callback>,
}

impl Slots<'_> {
    /// From here on the launcher only forks: a cell to see that it can be made, then a slot process for
    /// every (index, socket) that arrives, until the service is gone.
    pub fn serve(mut self, control: &UnixStream) -> Result<(), StepError> {
        // Ended slots and orphans need no attention; the kernel reaps them. Not before an interpreter was
        // started, which would tell programs what it found then.
        step("ignore_children", || sys::ignore_children(true))?;
        let (mut ours, mut theirs) = io_step("make_rehearsal_pair", UnixStream::pair)?;
        if slot_loop::fork(&mut theirs) {
            drop(ours);
            self.be_one(theirs, 0);
        }
        drop(theirs);
        rehearse_cell(&mut ours)?;
        drop(ours);
        io_step("say_ready", || {
            write_message(&mut { control }, &Reply::Ready { cgroup: self.cgroup.clone() })
        })?;
        loop {
            let Some((index, mut socket)) = io_step("receive_slot", || slot_loop::receive(control))? else {
                return Ok(());
            };
            if slot_loop::fork(&mut socket) {
                self.be_one(socket, index);
            }
        }
    }

    /// In the forked process: keeps only its own slot's group.
    fn be_one(&mut self, mut socket: UnixStream, index: u32) -> ! {
        let mut groups = std::mem::take(&mut self.groups);
        let group = ((index as usize) < groups.len()).then(|| groups.swap_remove(index as usize));
        drop(groups);
        let inside_id = if self.privileged { 1 + index } else { 0 };
        let seccomp = std::mem::take(&mut self.seccomp);
        let cell = CellSetup { seccomp: &seccomp, group, enclosure: Enclosure::Namespaces, run: self.run };
        if let Err(error) = serve_cells(&mut socket, &cell, inside_id) {
            let _ = write_message(&mut socket, &Reply::Fault(error.into()));
        }
        sys::exit_now(0)
    }
}

/// The slot process's work.
fn serve_cells(socket: &mut UnixStream, setup: &CellSetup<'_>, inside_id: u32) -> Result<(), StepError> {
    slot_loop::begin()?;
    if let Some(group) = &setup.group {
        io_step("join_cgroup", || group.join())?;
    }
    // Everything but the standard streams, this socket and the group's files is the launcher's.
    slot_loop::serve(socket, |socket, limits| {
        // The service gives this slot process up when it reads of a fault.
        Ok(one_cell(socket, setup, inside_id, limits)
            .unwrap_or_else(|error| Reply::Fault(FaultReport::from(error))))
    })
}

/// Makes a cell, maps its id, waits until it is gone.
fn one_cell(
    socket: &UnixStream,
    setup: &CellSetup<'_>,
    inside_id: u32,
    limits: WireLimits,
) -> Result<Reply, StepError> {
    let oom_before = match &setup.group {
        Some(group) => {
            io_step("limit_processes", || group.limit_processes(limits.processes + 2))?;
            Some(io_step("read_oom_events", || group.oom_count())?)
        }
        None => None,
    };
    let (mut ours, theirs) = io_step("make_map_pair", UnixStream::pair)?;
    let Some(init) = step("clone_cell", || sys::clone_process(namespaces::OF_CELL))? else {
        drop(ours);
        init::main(socket, theirs, setup, limits);
    };
    drop(theirs);
    let mapped = namespaces::write_id_maps(init, (CELL_ID, inside_id), (CELL_ID, inside_id), 1)
        .and_then(|()| io_step("answer_cell", || ours.write_all(b"y")));
    drop(ours);
    let status = slot_loop::wait_for(init)?;
    mapped?;
    let oom_kill = match (&setup.group, oom_before) {
        (Some(group), Some(before)) => {
            io_step("read_oom_events", || group.oom_count())?.since(before) == Some(OomKill::OwnLimit)
        }
        _ => false,
    };
    Ok(Reply::Closed { status, oom_kill })
}
