//! Memory that no fork of this process inherits.
//!
//! The runs of a warm interpreter are forks of the cell's init and can read all that they inherit. What
//! init holds of a submission's inputs, and of what earlier runs wrote, it holds here.

use std::{
    io::{self, Write},
    ops::{Deref, DerefMut},
    os::fd::{AsRawFd, BorrowedFd},
    ptr::{self, NonNull},
    slice,
};

use nix::errno::Errno;

/// What is kept of a buffer that is cleared; more goes back to the kernel.
const KEPT_BYTES: usize = 1 << 16;

/// Bytes in a mapping of their own, which is absent in every child of the process that made it: a child
/// that touched it would die. Grows up to a capacity, by address space alone until it is written.
#[derive(Debug)]
pub struct Unforked {
    start: NonNull<u8>,
    capacity: usize,
    length: usize,
}

impl Unforked {
    pub fn with_capacity(capacity: usize) -> Result<Unforked, Errno> {
        // A mapping of nothing is an error.
        let capacity = capacity.max(1);
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping, at a place of the kernel's choice.
        let start = unsafe { libc::mmap(ptr::null_mut(), capacity, protection, flags, -1, 0) };
        let start = match NonNull::new(start) {
            Some(mapped) if start != libc::MAP_FAILED => mapped.cast::<u8>(),
            _ => return Err(Errno::last()),
        };
        let made = Unforked { start, capacity, length: 0 };
        // SAFETY: the whole of the mapping just made.
        Errno::result(unsafe { libc::madvise(start.as_ptr().cast(), capacity, libc::MADV_DONTFORK) })?;
        Ok(made)
    }

    pub fn clear(&mut self) {
        if self.length > KEPT_BYTES {
            // SAFETY: the whole of our mapping, of which nobody holds a part (`&mut self`). Failure
            // means only that the pages stay.
            unsafe { libc::madvise(self.start.as_ptr().cast(), self.capacity, libc::MADV_DONTNEED) };
        }
        self.length = 0;
    }

    /// Shortens it.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// The next `more` bytes, to be written to.
    ///
    /// # Panics
    /// Beyond the capacity.
    pub fn extend_by(&mut self, more: usize) -> &mut [u8] {
        assert!(more <= self.capacity - self.length, "within the capacity");
        let from = self.length;
        self.length += more;
        &mut self[from..]
    }

    /// Appends what one read gives, as far as there is room: its length, 0 at the end.
    pub fn append_from(&mut self, from: BorrowedFd<'_>) -> Result<usize, Errno> {
        let room = self.capacity - self.length;
        // SAFETY: `room` bytes of our mapping follow the first `length`, and nobody else holds them.
        let read = unsafe { libc::read(from.as_raw_fd(), self.start.as_ptr().add(self.length).cast(), room) };
        let read = Errno::result(read)? as usize;
        self.length += read;
        Ok(read)
    }
}

impl Deref for Unforked {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the first `length` bytes of the mapping, which lives as long as this; fresh ones are 0.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl DerefMut for Unforked {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `&mut self` is the only way to it.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }
}

impl serde_bytes::Serialize for Unforked {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self)
    }
}

/// Appends; an error beyond the capacity.
impl Write for Unforked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.capacity - self.length {
            return Err(Errno::ENOBUFS.into());
        }
        self.extend_by(bytes.len()).copy_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Unforked {
    fn drop(&mut self) {
        // SAFETY: our own mapping, of which nothing is borrowed any more.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.capacity) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_is_written_up_to_its_capacity() {
        let mut held = Unforked::with_capacity(200_000).unwrap();
        assert!(held.is_empty());
        held.write_all(b"some bytes").unwrap();
        assert_eq!(&held[5..], b"bytes");
        held.extend_by(199_990).fill(7);
        assert!(held.write_all(b"x").is_err());
        assert_eq!((held.len(), held[199_999]), (200_000, 7));
        held.clear();
        held.write_all(b"new").unwrap();
        assert_eq!(&held[..], b"new");
        let (read, write) = nix::unistd::pipe().unwrap();
        nix::unistd::write(&write, b"er").unwrap();
        assert_eq!(held.append_from(std::os::fd::AsFd::as_fd(&read)), Ok(2));
        assert_eq!(&held[..], b"newer");
        held.truncate(1);
        assert_eq!(&held[..], b"n");
    }
}
