//! A cell made when a launcher starts, so that a host that lacks something a cell needs is refused
//! then, with the remedy, and not at the first submission.

use std::{
    fs::{self, File},
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
};

use nix::{
    errno::Errno,
    sched::CloneFlags,
    sys::{
        signal::{Signal, kill},
        wait::waitpid,
    },
};

use serde_bytes::Bytes;

use crate::{
    limits::Limits,
    sandbox::{
        job::Program,
        native::{
            messages::{
                frames::{read_message, write_message},
                set_up,
                slot_messages::{AskOf, Open, Reply, WireJob},
                step::{StepError, io_step, step},
            },
            walls::{
                call_gate::{self, Asks},
                confined::Surroundings,
            },
        },
        sys,
    },
};

/// With namespaces: the real thing, asked by a socket of a slot process for a cell and in it for a job
/// without runs. Returns when the cell is gone.
pub fn rehearse_cell(slot: &mut UnixStream) -> Result<(), StepError> {
    let job = WireJob::<&Bytes> {
        program: Program::Warm { arguments: Vec::new() },
        sources: Vec::new(),
        runs: Vec::new(),
        collect: Vec::new(),
        link: None,
        processor: None,
        series: false,
    };
    let open = Open { limits: Limits::default().into() };
    // A slot process that could not begin has closed its end, and said why.
    let sent = io_step("rehearse", || {
        write_message(slot, &AskOf::<&Bytes>::Open(open)).and_then(|()| write_message(slot, &AskOf::Job(job)))
    });
    match io_step("rehearse", || read_message::<Reply>(slot)) {
        Ok(Reply::Closed { status: 0, .. }) => sent,
        Ok(Reply::Fault(fault)) => Err(StepError::told_by(fault)),
        Ok(_) => Err(StepError { step: "rehearse", errno: Errno::EPROTO }),
        Err(error) => Err(error),
    }
}

/// Without namespaces: goes through everything that a cell needs of this host, in a child.
pub fn rehearse_confined(surroundings: &Surroundings<'_>) -> Result<(), StepError> {
    let (mut ours, mut theirs) = io_step("make_rehearsal_pair", UnixStream::pair)?;
    let Some(child) = step("fork_rehearsal", || sys::clone_process(CloneFlags::empty()))? else {
        drop(ours);
        let reply = match rehearse_run(surroundings) {
            Ok(()) => Reply::Ready { cgroup: None },
            Err(error) => Reply::Fault(error.into()),
        };
        let _ = write_message(&mut theirs, &reply);
        // Until it is killed: that this can be done is part of the rehearsal.
        let _ = theirs.read(&mut [0]);
        sys::exit_now(0);
    };
    drop(theirs);
    let reply = io_step("rehearse", || read_message::<Reply>(&mut ours));
    let killed = step("signal_cell", || kill(child, Signal::SIGKILL));
    drop(ours);
    let ended = step("wait_for_rehearsal", || waitpid(child, None));
    killed?;
    ended?;
    match reply? {
        Reply::Fault(fault) => Err(StepError::told_by(fault)),
        _ => Ok(()),
    }
}

fn rehearse_run(surroundings: &Surroundings<'_>) -> Result<(), StepError> {
    let _charge = surroundings.become_init(0)?;
    let slot = surroundings.slot_directory(0);
    let rules = surroundings.run_rules(None, &slot)?;
    rules.restrict()?;
    let denied =
        |path: &Path| File::open(path).is_err_and(|error| error.raw_os_error() == Some(libc::EACCES));
    step("prove_files_hidden", || match denied(Path::new("/proc/self/status")) && denied(Path::new("/")) {
        true => Ok(()),
        false => Err(Errno::ENOTRECOVERABLE),
    })?;
    io_step("use_scratch", || {
        let path = slot.join("rehearsal");
        File::create(&path)?.write_all(b"x")?;
        fs::remove_file(&path)
    })?;
    step("drop_capabilities", sys::drop_held_capabilities)?;
    let (from_run, mut to_init) = set_up::pair()?;
    step("place_descriptors", || to_init.place())?;
    let (filter, asks) = (&surroundings.setup.image.seccomp, Asks::of(surroundings.setup.tier));
    if let Some(listener) = step("install_seccomp", || call_gate::install(filter, asks))? {
        step("hand_over_listener", || to_init.hand_over(listener))?;
    }
    drop(to_init);
    from_run.await_program().map(drop)
}
