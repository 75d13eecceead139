//! What comes out of a run: captured up to a limit, or held on its way to another cell.

use std::{
    fs, io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
};

use nix::{errno::Errno, unistd::Pid};
use serde_bytes::Bytes;

use crate::sandbox::sys::{self, unforked::Unforked};

/// One stream coming out of the run.
pub struct Capture<'b> {
    pipe: Option<OwnedFd>,
    /// Has room for one byte more than may be kept.
    bytes: &'b mut Unforked,
    most: usize,
}

#[derive(PartialEq, Eq)]
pub enum CaptureState {
    Open,
    /// More came than may be kept.
    Full,
}

impl<'b> Capture<'b> {
    /// `bytes`: with room for `most` bytes and one more.
    pub fn new(pipe: Option<OwnedFd>, bytes: &'b mut Unforked, most: usize) -> Capture<'b> {
        bytes.clear();
        Capture { pipe, bytes, most }
    }

    /// To wait for more; `None` if there will be none.
    pub fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(OwnedFd::as_fd)
    }

    pub fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    pub fn unblock(&self) -> Result<(), Errno> {
        match &self.pipe {
            Some(pipe) => sys::set_nonblocking(pipe.as_raw_fd()),
            None => Ok(()),
        }
    }

    /// Takes what is there. Closes the pipe at its end and when it is full.
    pub fn read(&mut self) -> io::Result<CaptureState> {
        let Some(pipe) = &self.pipe else { return Ok(CaptureState::Open) };
        loop {
            match self.bytes.append_from(pipe.as_fd()) {
                Ok(0) => break,
                Ok(_) if self.bytes.len() > self.most => {
                    self.bytes.truncate(self.most);
                    self.pipe = None;
                    return Ok(CaptureState::Full);
                }
                Ok(_) => {}
                Err(Errno::EAGAIN) => return Ok(CaptureState::Open),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        self.pipe = None;
        Ok(CaptureState::Open)
    }

    /// What has come so far.
    pub fn bytes(&self) -> &Bytes {
        Bytes::new(self.bytes)
    }

    /// Forgets what has come so far.
    pub fn begin_anew(&mut self) {
        self.bytes.clear();
    }

    pub fn into_bytes(self) -> &'b Bytes {
        Bytes::new(self.bytes)
    }
}

/// The end of a link that a run writes to. Held until the run's end has been noted, so that the other side
/// cannot see that end, react to it and seem to have ended first; or until the run has closed it and goes on.
pub struct HeldStream {
    _stream: OwnedFd,
    /// As links below /proc show it.
    name: String,
    seen_closed: bool,
}

impl HeldStream {
    pub fn new(stream: OwnedFd) -> io::Result<HeldStream> {
        let name = format!("pipe:[{}]", nix::sys::stat::fstat(&stream)?.st_ino);
        Ok(HeldStream { _stream: stream, name, seen_closed: false })
    }

    /// Whether at two looks in succession none of these processes had it. At a single one they may just be ending.
    pub fn is_let_go(&mut self, living: &[Pid]) -> bool {
        let is_closed = !living.is_empty() && !living.iter().any(|process| self.is_open_in(*process));
        std::mem::replace(&mut self.seen_closed, is_closed) && is_closed
    }

    /// What cannot be seen counts as open.
    fn is_open_in(&self, process: Pid) -> bool {
        let Ok(entries) = fs::read_dir(format!("/proc/{process}/fd")) else { return true };
        let mut targets = entries.map(|entry| fs::read_link(entry?.path()));
        targets.any(|target| target.is_ok_and(|target| target.as_os_str() == self.name.as_str()))
    }
}
