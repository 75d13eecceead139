//! Numbers and layouts of WASI preview 1, as far as they are used here.

/// Why a call was refused: the guest sees the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Errno {
    BadF = 8,
    Exist = 20,
    Fault = 21,
    FBig = 22,
    IlSeq = 25,
    Inval = 28,
    Io = 29,
    IsDir = 31,
    MFile = 33,
    NameTooLong = 37,
    NoEnt = 44,
    NoSpc = 51,
    NotDir = 54,
    NotEmpty = 55,
    NotSup = 58,
    Pipe = 64,
    RoFs = 69,
    SPipe = 70,
}

/// What a descriptor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum FileType {
    /// Neither a terminal nor a file: what a pipe is here.
    Unknown = 0,
    Directory = 3,
    File = 4,
}

pub const OPEN_CREATE: u32 = 1;
pub const OPEN_DIRECTORY: u32 = 2;
pub const OPEN_EXCLUSIVE: u32 = 4;
pub const OPEN_TRUNCATE: u32 = 8;
pub const FLAG_APPEND: u32 = 1;
pub const RIGHT_READ: u64 = 1 << 1;
pub const RIGHT_SEEK: u64 = 1 << 2;
pub const RIGHT_TELL: u64 = 1 << 5;
pub const RIGHT_WRITE: u64 = 1 << 6;
/// Every right of preview 1.
pub const RIGHTS_ALL: u64 = (1 << 29) - 1;

pub const CLOCK_REALTIME: u32 = 0;
pub const CLOCK_MONOTONIC: u32 = 1;
pub const CLOCK_PROCESS: u32 = 2;
pub const CLOCK_THREAD: u32 = 3;
pub const SUBSCRIPTION_BYTES: usize = 48;
pub const EVENT_BYTES: usize = 32;
pub const DIRENT_BYTES: usize = 24;

/// The guest's memory with checked access: nothing that a guest passes can make us read or write
/// outside of it.
pub struct GuestMemory<'m>(pub &'m mut [u8]);

impl GuestMemory<'_> {
    pub fn slice(&self, at: u32, length: u32) -> Result<&[u8], Errno> {
        let end = at as usize + length as usize;
        self.0.get(at as usize..end).ok_or(Errno::Fault)
    }

    pub fn slice_mut(&mut self, at: u32, length: u32) -> Result<&mut [u8], Errno> {
        let end = at as usize + length as usize;
        self.0.get_mut(at as usize..end).ok_or(Errno::Fault)
    }

    pub fn text(&self, at: u32, length: u32) -> Result<&str, Errno> {
        std::str::from_utf8(self.slice(at, length)?).map_err(|_| Errno::IlSeq)
    }

    pub fn put(&mut self, at: u32, bytes: &[u8]) -> Result<(), Errno> {
        self.slice_mut(at, bytes.len() as u32)?.copy_from_slice(bytes);
        Ok(())
    }

    pub fn put_u32(&mut self, at: u32, value: u32) -> Result<(), Errno> {
        self.put(at, &value.to_le_bytes())
    }

    pub fn put_u64(&mut self, at: u32, value: u64) -> Result<(), Errno> {
        self.put(at, &value.to_le_bytes())
    }

    /// A vector of buffers, each of which can be written to.
    pub fn writable_buffers(&self, at: u32, count: u32) -> Result<Vec<(u32, u32)>, Errno> {
        let buffers: Vec<_> = self.buffers(at, count)?.collect();
        for (at, length) in &buffers {
            self.slice(*at, *length)?;
        }
        Ok(buffers)
    }

    /// Addresses and lengths of a vector of buffers.
    pub fn buffers(&self, at: u32, count: u32) -> Result<impl Iterator<Item = (u32, u32)> + use<>, Errno> {
        // Most buffers that a call may name, as elsewhere (IOV_MAX).
        const MAX_BUFFERS: u32 = 1_024;
        if count > MAX_BUFFERS {
            return Err(Errno::Inval);
        }
        let words = self.slice(at, count * 8)?;
        let buffers: Vec<(u32, u32)> = words
            .chunks_exact(8)
            .map(|pair| {
                let (address, length) = pair.split_at(4);
                let word = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                (word(address), word(length))
            })
            .collect();
        Ok(buffers.into_iter())
    }
}

/// A `filestat`.
pub fn filestat(inode: u64, kind: FileType, size: u64, time_ns: u64) -> [u8; 64] {
    let mut stat = [0; 64];
    stat[0..8].copy_from_slice(&1_u64.to_le_bytes());
    stat[8..16].copy_from_slice(&inode.to_le_bytes());
    stat[16] = kind as u8;
    stat[24..32].copy_from_slice(&1_u64.to_le_bytes());
    stat[32..40].copy_from_slice(&size.to_le_bytes());
    for at in [40, 48, 56] {
        stat[at..at + 8].copy_from_slice(&time_ns.to_le_bytes());
    }
    stat
}

/// An `fdstat`.
pub fn fdstat(kind: FileType, flags: u16, rights: u64) -> [u8; 24] {
    let mut stat = [0; 24];
    stat[0] = kind as u8;
    stat[2..4].copy_from_slice(&flags.to_le_bytes());
    stat[8..16].copy_from_slice(&rights.to_le_bytes());
    stat[16..24].copy_from_slice(&rights.to_le_bytes());
    stat
}
