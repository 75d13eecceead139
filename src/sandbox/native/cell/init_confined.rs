//! The init of a cell without namespaces: as [`super::init`], with what this tier has.

use std::os::unix::net::UnixStream;

use nix::unistd::{Pid, getppid, setsid};

use super::{
    context::{CellSetup, Supervisor, end_init},
    receive_job,
    runs::run_all,
};
use crate::sandbox::{
    native::{
        messages::{
            frames::read_unforked,
            slot_messages::WireLimits,
            step::{StepError, io_step, step},
        },
        walls::{
            confined::{ConfinedCell, Surroundings},
            enclosure::Enclosure,
            scratch::CellDirectory,
        },
    },
    sys,
};

/// Never returns: the cell ends with this process. `slot`: its parent, of that index.
pub fn main(
    socket: &UnixStream,
    slot: Pid,
    index: u32,
    surroundings: &Surroundings<'_>,
    limits: WireLimits,
) -> ! {
    end_init(socket, init(socket, slot, index, surroundings, limits))
}

fn init(
    mut socket: &UnixStream,
    slot: Pid,
    index: u32,
    surroundings: &Surroundings<'_>,
    limits: WireLimits,
) -> Result<(), StepError> {
    step("name_process", || sys::set_name(c"proofbox-cell"))?;
    step("new_session", setsid)?;
    let charge = surroundings.become_init(index)?;
    if getppid() != slot {
        return Ok(()); // It died before it could be died with.
    }
    let message = io_step("read_job", || read_unforked(&mut socket))?;
    let Some(job) = receive_job::wanted(&message)? else { return Ok(()) };
    let link = receive_job::receive_link(socket, &job)?;
    let cell = ConfinedCell::new(surroundings, index, charge, &job.sources)?;
    let setup = CellSetup {
        seccomp: &surroundings.setup.image.seccomp,
        group: None,
        enclosure: Enclosure::Confined(cell),
        run: None,
    };
    let handlers = step("set_handlers_aside", sys::set_handlers_aside)?;
    let supervisor = Supervisor::new(socket, &setup, limits, &job, handlers)?;
    let scratch = setup.enclosure.unbounded_scratch();
    // Nobody asks here whether it was used.
    run_all(&supervisor, link, || scratch.map_or(Ok(()), CellDirectory::renew).map(|()| false))
}
