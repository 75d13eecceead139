//! WASI preview 1, as much as solutions need, over memory alone: no call of a guest ever becomes a
//! system call. There is no network, no environment, no directory but the run's own.
//!
//! | file | what |
//! |---|---|
//! | `abi` | numbers, layouts, checked access to the guest's memory |
//! | `tree` | the private file tree |
//! | `link` | the functions by name, as the guest imports them |
//! | `joint` | two cells joined by pipes |
//! | `stop` | why a call ends the run |
//! | `clocks`, `randomness` | where a run's time and its random bytes come from |
//! | here | what they do: descriptors and streams |

pub mod abi;
pub mod clocks;
pub mod joint;
pub mod link;
pub mod randomness;
pub mod stop;
pub mod tree;

use std::{sync::Arc, time::Duration};

use crate::limits::Limits;

use self::{
    abi::{Errno, FileType, GuestMemory},
    clocks::{Clocks, FIXED_START},
    joint::{Inbox, JointEnd, Outbox, Patience},
    randomness::Randomness,
    stop::GuestStop,
    tree::{Node, Tree},
};

/// Most descriptors open at once.
const MAX_DESCRIPTORS: usize = 512;

/// Descriptor of the root directory, the only one that a guest is given.
const ROOT_FD: u32 = 3;
/// Where a function test's call is read, as descriptor 3 of a native run; its result is written to the next.
pub const CALL_FD: u32 = 4;

/// Most bytes of a result.
const MAX_RESULT_BYTES: usize = 64 << 20;

#[derive(Debug)]
enum Descriptor {
    Input {
        read: usize,
        bytes: Arc<[u8]>,
    },
    Stdout,
    Stderr,
    Result,
    Directory(Node),
    /// `/dev/null`.
    Null,
    File {
        node: Node,
        position: u64,
        append: bool,
        read: bool,
        write: bool,
    },
    /// From and to another cell.
    Inbox(Inbox),
    Outbox(Outbox),
}

/// A run's world.
#[derive(Debug)]
pub struct Wasi {
    pub arguments: Vec<Vec<u8>>,
    pub environment: Vec<Vec<u8>>,
    pub tree: Tree,
    descriptors: Vec<Option<Descriptor>>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub result: Vec<u8>,
    max_output_bytes: usize,
    max_sleep: Duration,
    clocks: Clocks,
    randomness: Randomness,
    /// Time that the run has slept.
    slept: Duration,
    /// For waiting on another cell, where there is one.
    patience: Option<Patience>,
    /// Bytes that the call being carried out has moved: what a host does for a guest is part of the
    /// guest's work.
    moved: u64,
}

impl Wasi {
    /// A world with nothing open but standard streams, the root and the two channels, and with the wall limit as the longest sleep.
    pub fn new(tree: Tree, limits: Limits, clocks: Clocks, randomness: Randomness) -> Wasi {
        let empty: Arc<[u8]> = Arc::from(&[][..]);
        let input = || Descriptor::Input { read: 0, bytes: Arc::clone(&empty) };
        let descriptors = [
            input(),
            Descriptor::Stdout,
            Descriptor::Stderr,
            Descriptor::Directory(Node::ROOT),
            input(),
            Descriptor::Result,
        ];
        Wasi {
            arguments: Vec::new(),
            environment: Vec::new(),
            tree,
            descriptors: descriptors.into_iter().map(Some).collect(),
            stdout: Vec::new(),
            stderr: Vec::new(),
            result: Vec::new(),
            max_output_bytes: limits.output_bytes as usize,
            max_sleep: limits.wall(),
            clocks,
            randomness,
            slept: Duration::ZERO,
            patience: None,
            moved: 0,
        }
    }

    /// What is read from standard input, and from the call channel.
    pub fn set_input(&mut self, stdin: Arc<[u8]>, call: Option<Arc<[u8]>>) {
        self.descriptors[0] = Some(Descriptor::Input { read: 0, bytes: stdin });
        if let Some(bytes) = call {
            self.descriptors[CALL_FD as usize] = Some(Descriptor::Input { read: 0, bytes });
        }
    }

    /// Joins the run with another cell's: descriptors 6 and 7, as natively.
    pub fn set_joint(&mut self, end: JointEnd, patience: Patience) {
        self.descriptors.push(Some(Descriptor::Inbox(end.inbox)));
        self.descriptors.push(Some(Descriptor::Outbox(end.outbox)));
        self.patience = Some(patience);
    }

    /// Time that the run has slept; it counts as wall time.
    pub fn slept(&self) -> Duration {
        self.slept
    }

    fn descriptor(&mut self, fd: u32) -> Result<&mut Descriptor, Errno> {
        self.descriptors.get_mut(fd as usize).and_then(Option::as_mut).ok_or(Errno::BadF)
    }

    fn directory(&self, fd: u32) -> Result<Node, Errno> {
        match self.descriptors.get(fd as usize).and_then(Option::as_ref) {
            Some(Descriptor::Directory(node)) => Ok(*node),
            Some(_) => Err(Errno::NotDir),
            None => Err(Errno::BadF),
        }
    }

    fn file(&mut self, fd: u32) -> Result<(Node, &mut u64, bool, bool), Errno> {
        match self.descriptor(fd)? {
            Descriptor::File { node, position, read, write, .. } => Ok((*node, position, *read, *write)),
            Descriptor::Directory(_) => Err(Errno::IsDir),
            _ => Err(Errno::SPipe),
        }
    }

    fn close(&mut self, fd: u32) -> Result<(), Errno> {
        self.descriptor(fd)?;
        self.descriptors[fd as usize] = None;
        Ok(())
    }

    fn open(&mut self, descriptor: Descriptor) -> Result<u32, Errno> {
        let free = self.descriptors.iter().position(Option::is_none);
        let fd = free.unwrap_or(self.descriptors.len());
        if fd >= MAX_DESCRIPTORS {
            return Err(Errno::MFile);
        }
        match self.descriptors.get_mut(fd) {
            Some(place) => *place = Some(descriptor),
            None => self.descriptors.push(Some(descriptor)),
        }
        Ok(fd as u32)
    }

    /// Reads into the guest's buffers; returns how much, or why the run ends instead.
    fn read_or_wait(
        &mut self,
        memory: &mut GuestMemory,
        fd: u32,
        buffers: u32,
        count: u32,
    ) -> Result<Result<u32, Errno>, GuestStop> {
        let Some(Some(Descriptor::Inbox(inbox))) = self.descriptors.get(fd as usize) else {
            return Ok(self.read(memory, fd, buffers, count));
        };
        let Some(patience) = &self.patience else { return Ok(Err(Errno::BadF)) };
        let buffers = match memory.writable_buffers(buffers, count) {
            Ok(buffers) => buffers,
            Err(errno) => return Ok(Err(errno)),
        };
        let most = buffers.iter().map(|(_, length)| *length as usize).sum();
        let read = inbox.read(most, patience);
        let read = never_ending(&mut self.slept, self.max_sleep, read)?;
        self.moved += read.len() as u64;
        let mut rest = &read[..];
        for (at, length) in buffers {
            let (now, later) = rest.split_at(rest.len().min(length as usize));
            if let Err(errno) = memory.put(at, now) {
                return Ok(Err(errno));
            }
            rest = later;
        }
        Ok(Ok(read.len() as u32))
    }

    /// Reads into the guest's buffers; returns how much.
    fn read(&mut self, memory: &mut GuestMemory, fd: u32, buffers: u32, count: u32) -> Result<u32, Errno> {
        let buffers = memory.buffers(buffers, count)?;
        let Wasi { tree, descriptors, moved, .. } = self;
        let place = descriptors.get_mut(fd as usize).and_then(Option::as_mut).ok_or(Errno::BadF)?;
        let mut total = 0;
        for (at, length) in buffers {
            let into = memory.slice_mut(at, length)?;
            let copied = match place {
                Descriptor::Input { read, bytes } => {
                    let copied = copy(&bytes[*read..], into);
                    *read += copied;
                    copied
                }
                Descriptor::File { node, position, read: true, .. } => {
                    let content = tree.content(*node);
                    let from = content.len().min(usize::try_from(*position).unwrap_or(usize::MAX));
                    let copied = copy(&content[from..], into);
                    *position += copied as u64;
                    copied
                }
                Descriptor::Null => 0,
                Descriptor::Directory(_) => return Err(Errno::IsDir),
                _ => return Err(Errno::BadF),
            };
            total += copied as u32;
            *moved += copied as u64;
            if copied < into.len() {
                break;
            }
        }
        Ok(total)
    }

    /// Writes the guest's buffers; returns how much, or that the run is over its output limit.
    fn write(
        &mut self,
        memory: &GuestMemory,
        fd: u32,
        buffers: u32,
        count: u32,
    ) -> Result<Result<u32, Errno>, GuestStop> {
        let buffers = match memory.buffers(buffers, count) {
            Ok(buffers) => buffers,
            Err(errno) => return Ok(Err(errno)),
        };
        let mut total: u32 = 0;
        if let Some(Some(Descriptor::Outbox(outbox))) = self.descriptors.get(fd as usize) {
            let Some(patience) = &self.patience else { return Ok(Err(Errno::BadF)) };
            for (at, length) in buffers {
                let bytes = match memory.slice(at, length) {
                    Ok(bytes) => bytes,
                    Err(errno) => return Ok(Err(errno)),
                };
                self.moved += u64::from(length);
                let written = outbox.write(bytes, patience);
                let written = never_ending(&mut self.slept, self.max_sleep, written)?;
                if let Err(errno) = written {
                    return Ok(Err(errno));
                }
                total = total.saturating_add(length);
            }
            return Ok(Ok(total));
        }
        for (at, length) in buffers {
            match memory.slice(at, length).and_then(|bytes| self.write_one(fd, bytes)) {
                Ok(true) => total = total.saturating_add(length),
                Ok(false) => return Err(GuestStop::Output),
                Err(errno) if total == 0 => return Ok(Err(errno)),
                Err(_) => break,
            }
        }
        Ok(Ok(total))
    }

    /// `false`: over the output limit.
    fn write_one(&mut self, fd: u32, bytes: &[u8]) -> Result<bool, Errno> {
        let most = self.max_output_bytes;
        self.moved += bytes.len() as u64;
        let within = |stream: &mut Vec<u8>, most: usize| {
            let room = most.saturating_sub(stream.len());
            stream.extend_from_slice(&bytes[..bytes.len().min(room)]);
            bytes.len() <= room
        };
        match self.descriptors.get_mut(fd as usize).and_then(Option::as_mut).ok_or(Errno::BadF)? {
            Descriptor::Stdout => Ok(within(&mut self.stdout, most)),
            Descriptor::Stderr => Ok(within(&mut self.stderr, most)),
            Descriptor::Result => Ok(within(&mut self.result, MAX_RESULT_BYTES)),
            Descriptor::File { node, position, append, write: true, .. } => {
                let offset = if *append { self.tree.size(*node) } else { *position };
                self.tree.write(*node, offset, bytes)?;
                *position = offset + bytes.len() as u64;
                Ok(true)
            }
            Descriptor::Null => Ok(true),
            Descriptor::Directory(_) => Err(Errno::IsDir),
            Descriptor::Input { .. }
            | Descriptor::File { .. }
            | Descriptor::Inbox(_)
            | Descriptor::Outbox(_) => Err(Errno::BadF),
        }
    }

    fn open_path(
        &mut self,
        directory: u32,
        path: &str,
        flags: u32,
        rights: u64,
        fd_flags: u32,
    ) -> Result<u32, Errno> {
        let directory = self.directory(directory)?;
        // The one device that programs name: to throw output away.
        if directory == Node::ROOT && path.trim_start_matches('/') == "dev/null" {
            return self.open(Descriptor::Null);
        }
        let place = self.tree.find(directory, path)?;
        let wanted = |flag| flags & flag != 0;
        let node = match place.found {
            Some(_) if wanted(abi::OPEN_CREATE) && wanted(abi::OPEN_EXCLUSIVE) => return Err(Errno::Exist),
            Some(node) => node,
            None if wanted(abi::OPEN_CREATE) && !path.ends_with('/') => {
                self.tree.make_file(place.parent, place.name)?
            }
            None => return Err(Errno::NoEnt),
        };
        let write = rights & abi::RIGHT_WRITE != 0;
        if self.tree.is_directory(node) {
            if wanted(abi::OPEN_TRUNCATE) || (write && !wanted(abi::OPEN_DIRECTORY)) {
                return Err(Errno::IsDir);
            }
            return self.open(Descriptor::Directory(node));
        }
        if wanted(abi::OPEN_DIRECTORY) {
            return Err(Errno::NotDir);
        }
        if write && !self.tree.is_writable(node) {
            return Err(Errno::RoFs);
        }
        if wanted(abi::OPEN_TRUNCATE) {
            self.tree.resize(node, 0)?;
        }
        self.open(Descriptor::File {
            node,
            position: 0,
            append: fd_flags & abi::FLAG_APPEND != 0,
            read: rights & abi::RIGHT_READ != 0 || !write,
            write,
        })
    }

    fn seek(&mut self, fd: u32, offset: i64, whence: u32) -> Result<u64, Errno> {
        let (node, position, ..) = self.file(fd)?;
        let position = *position;
        let from = match whence {
            0 => 0,
            1 => position,
            2 => self.tree.size(node),
            _ => return Err(Errno::Inval),
        };
        let to = from.checked_add_signed(offset).ok_or(Errno::Inval)?;
        *self.file(fd)?.1 = to;
        Ok(to)
    }

    fn fdstat(&mut self, fd: u32) -> Result<[u8; 24], Errno> {
        // A descriptor that can neither seek nor tell is no terminal, and no file.
        let stream = abi::RIGHTS_ALL & !(abi::RIGHT_SEEK | abi::RIGHT_TELL);
        Ok(match self.descriptor(fd)? {
            Descriptor::Directory(_) => abi::fdstat(FileType::Directory, 0, abi::RIGHTS_ALL),
            Descriptor::File { append, .. } => {
                abi::fdstat(FileType::File, u16::from(*append), abi::RIGHTS_ALL)
            }
            _ => abi::fdstat(FileType::Unknown, 0, stream),
        })
    }

    fn filestat(&mut self, fd: u32, now: Duration) -> Result<[u8; 64], Errno> {
        let node = match self.descriptor(fd)? {
            Descriptor::Directory(node) | Descriptor::File { node, .. } => *node,
            _ => return Ok(abi::filestat(u64::from(fd), FileType::Unknown, 0, now.as_nanos() as u64)),
        };
        Ok(self.node_stat(node))
    }

    fn node_stat(&self, node: Node) -> [u8; 64] {
        let kind = if self.tree.is_directory(node) { FileType::Directory } else { FileType::File };
        abi::filestat(node.number(), kind, self.tree.size(node), FIXED_START.as_nanos() as u64)
    }

    /// Fills a guest's buffer with directory entries from a cookie on; returns how many bytes of it
    /// hold some. The last may be cut off, which tells the guest that there are more.
    fn read_directory(&mut self, into: &mut [u8], fd: u32, cookie: u64) -> Result<u32, Errno> {
        let directory = self.directory(fd)?;
        let dots = [".", ".."].map(|name| (name, directory));
        let names = self.tree.list(directory)?;
        let all = dots.into_iter().chain(names.iter().map(|(name, node)| (name.as_str(), *node)));
        let mut used = 0;
        for (place, (name, node)) in all.enumerate().skip(usize::try_from(cookie).unwrap_or(usize::MAX)) {
            let mut entry = [0; abi::DIRENT_BYTES];
            entry[0..8].copy_from_slice(&(place as u64 + 1).to_le_bytes());
            entry[8..16].copy_from_slice(&node.number().to_le_bytes());
            entry[16..20].copy_from_slice(&(name.len() as u32).to_le_bytes());
            let kind = if self.tree.is_directory(node) { FileType::Directory } else { FileType::File };
            entry[20] = kind as u8;
            for part in [&entry[..], name.as_bytes()] {
                used += copy(part, &mut into[used..]);
            }
            if used == into.len() {
                break;
            }
        }
        self.moved += used as u64;
        Ok(used as u32)
    }

    /// A clock's time. `fuel`: what the run has used.
    fn time(&self, clock: u32, fuel: u64) -> Result<Duration, Errno> {
        self.clocks.time(clock, self.slept, fuel)
    }

    /// A seed for the random numbers of a guest that does not ask for one.
    pub fn random_seed(&mut self) -> Result<u64, GuestStop> {
        let mut bytes = [0; 8];
        // A host without random bytes cannot give the run what it is promised.
        self.fill_random(&mut bytes).map_err(|_| GuestStop::Cancelled)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn fill_random(&mut self, into: &mut [u8]) -> Result<(), Errno> {
        self.moved += into.len() as u64;
        self.randomness.fill(into)
    }

    /// Waits for clocks or descriptors; returns how many events were written. Descriptors are ready
    /// at all times, and a clock is waited for by letting the run's own clocks go on.
    fn poll(
        &mut self,
        memory: &mut GuestMemory,
        subscriptions: u32,
        events: u32,
        count: u32,
        fuel: u64,
    ) -> Result<Result<u32, GuestStop>, Errno> {
        const MOST: u32 = 1_024;
        if count == 0 || count > MOST {
            return Err(Errno::Inval);
        }
        let asked = memory.slice(subscriptions, count * abi::SUBSCRIPTION_BYTES as u32)?;
        let (mut ready, mut soonest) = (Vec::new(), None);
        for subscription in asked.chunks_exact(abi::SUBSCRIPTION_BYTES) {
            let word =
                |at: usize| u64::from_le_bytes(subscription[at..at + 8].try_into().expect("eight bytes"));
            let (userdata, kind) = (word(0), subscription[8]);
            if kind != 0 {
                ready.push((userdata, kind));
                continue;
            }
            let (clock, timeout) = (word(16) as u32, Duration::from_nanos(word(24)));
            let wait = match word(40) & 1 {
                1 => timeout.saturating_sub(self.time(clock, fuel)?),
                _ => timeout,
            };
            if soonest.is_none_or(|(least, _)| wait < least) {
                soonest = Some((wait, userdata));
            }
        }
        if let (true, Some((wait, userdata))) = (ready.is_empty(), soonest) {
            self.slept = self.slept.saturating_add(wait);
            if self.slept > self.max_sleep {
                return Ok(Err(GuestStop::Wall));
            }
            ready.push((userdata, 0));
        }
        let room = memory.slice_mut(events, ready.len() as u32 * abi::EVENT_BYTES as u32)?;
        for ((userdata, kind), event) in ready.iter().zip(room.chunks_exact_mut(abi::EVENT_BYTES)) {
            event.fill(0);
            event[0..8].copy_from_slice(&userdata.to_le_bytes());
            event[10] = *kind;
            // How much can be read is not told: at least a byte, or the end.
            event[16] = u8::from(*kind != 0);
        }
        Ok(Ok(ready.len() as u32))
    }
}

/// A wait without an end lasts until the wall limit, as a sleep would.
fn never_ending<T>(
    slept: &mut Duration,
    limit: Duration,
    waited: Result<T, GuestStop>,
) -> Result<T, GuestStop> {
    if matches!(waited, Err(GuestStop::Wall)) {
        *slept = limit.max(*slept) + Duration::from_nanos(1);
    }
    waited
}

fn copy(from: &[u8], into: &mut [u8]) -> usize {
    let length = from.len().min(into.len());
    into[..length].copy_from_slice(&from[..length]);
    length
}
