//! The descriptors that a program finds open, by number.

use std::os::{
    fd::{AsRawFd, OwnedFd},
    unix::net::UnixStream,
};

use nix::errno::Errno;

use crate::sandbox::{native::messages::link_ends::LinkEnds, sys};

/// Descriptors as the driver in the cell finds them.
pub const CALL_FD: i32 = 3;
const RESULT_FD: i32 = 4;
const CODE_FD: i32 = 5;
/// From and to the other cell, where there is a link at descriptors of its own.
const INBOX_FD: i32 = 6;
/// Where a process that carries out several runs is given their inputs.
pub const SERIES_FD: i32 = INBOX_FD;
pub const OUTBOX_FD: i32 = 7;

/// Files that a run reads, and where it talks to another cell.
pub struct Inputs {
    pub stdin: OwnedFd,
    /// Where standard output goes if it is not captured.
    pub stdout: Option<OwnedFd>,
    pub call: Option<OwnedFd>,
    pub code: Option<OwnedFd>,
    pub link: Option<LinkEnds>,
    /// Of a process that carries out several runs: where it is given their inputs, in the place of a link.
    pub series: Option<UnixStream>,
}

pub struct Inherited {
    pub inputs: Inputs,
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
    pub result: OwnedFd,
}

/// 0 to 7 as the driver expects them; everything else closes on exec.
pub fn place_descriptors(inherited: &Inherited) -> Result<(), Errno> {
    // First out of the way, so that no target number is still a source.
    let high = |fd: &OwnedFd| sys::dup_above(fd.as_raw_fd(), 64);
    let stdin = high(&inherited.inputs.stdin)?;
    let stdout = high(&inherited.stdout)?;
    let stderr = high(&inherited.stderr)?;
    let result = high(&inherited.result)?;
    let call = inherited.inputs.call.as_ref().map(high).transpose()?;
    let code = inherited.inputs.code.as_ref().map(high).transpose()?;
    let link = inherited.inputs.link.as_ref();
    let series = inherited.inputs.series.as_ref();
    let inbox = match series {
        Some(series) => Some(sys::dup_above(series.as_raw_fd(), 64)?),
        None => link.map(|ends| high(&ends.inbox)).transpose()?,
    };
    let outbox = link.map(|ends| high(&ends.outbox)).transpose()?;
    sys::dup_onto(stdin.as_raw_fd(), 0)?;
    sys::dup_onto(stdout.as_raw_fd(), 1)?;
    sys::dup_onto(stderr.as_raw_fd(), 2)?;
    sys::dup_onto(result.as_raw_fd(), RESULT_FD)?;
    let places = [(call, CALL_FD), (code, CODE_FD), (inbox, INBOX_FD), (outbox, OUTBOX_FD)];
    for (file, number) in places {
        match file {
            Some(file) => sys::dup_onto(file.as_raw_fd(), number)?,
            // Nothing of ours may be left at that number.
            None => sys::close_number(number),
        }
    }
    sys::close_on_exec_from(first_unused(inherited))
}

/// The lowest number at which the program finds nothing.
pub fn first_unused(inherited: &Inherited) -> i32 {
    match &inherited.inputs {
        Inputs { link: Some(_), .. } => OUTBOX_FD + 1,
        Inputs { series: Some(_), .. } => SERIES_FD + 1,
        _ => INBOX_FD,
    }
}
