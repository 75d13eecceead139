//! Two cells joined: a pipe each way, in this process's memory.
//!
//! Each side is a thread of its own that waits here for the other. Time that it waits is not its own. What
//! a read gives depends on what was written and never on when: it gives all that was asked for unless the
//! other side has closed its end, or itself cannot go on. Two sides that both cannot go on would wait for
//! ever; a native pair would meet the solution's wall limit, and so the solution does here, at once.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{abi::Errno, stop::GuestStop};

/// Most bytes that are under way in one direction: whoever would write more waits.
const CAPACITY: usize = 1 << 20;
/// How long a side waits before it looks whether it was let go of.
const LOOK: Duration = Duration::from_millis(20);

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    Solution = 0,
    Tests = 1,
}

impl Party {
    fn other(self) -> Party {
        match self {
            Party::Solution => Party::Tests,
            Party::Tests => Party::Solution,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    None,
    ToRead,
    ToWrite,
}

/// One side, as the other sees it.
#[derive(Debug)]
struct State {
    /// Bytes on their way to this side.
    inbox: VecDeque<u8>,
    /// Whether this side will read no more, and write no more.
    reader_closed: bool,
    writer_closed: bool,
    wait: Wait,
}

#[derive(Debug)]
struct Joint {
    sides: Mutex<[State; 2]>,
    changed: Condvar,
}

impl Joint {
    fn lock(&self) -> MutexGuard<'_, [State; 2]> {
        self.sides.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a side waits for what cannot come without the other.
fn is_stuck(sides: &[State; 2], side: Party) -> bool {
    let (own, other) = (&sides[side as usize], &sides[side.other() as usize]);
    match own.wait {
        Wait::None => false,
        Wait::ToRead => own.inbox.is_empty() && !other.writer_closed,
        Wait::ToWrite => other.inbox.len() >= CAPACITY && !other.reader_closed,
    }
}

/// One end of a joint. Dropping it closes what is still open.
#[derive(Debug)]
pub struct JointEnd {
    pub inbox: Inbox,
    pub outbox: Outbox,
}

/// Two ends, for the solution's cell and for the tests'.
pub fn ends() -> (JointEnd, JointEnd) {
    let open =
        || State { inbox: VecDeque::new(), reader_closed: false, writer_closed: false, wait: Wait::None };
    let joint = Arc::new(Joint { sides: Mutex::new([open(), open()]), changed: Condvar::new() });
    let end = |side| JointEnd {
        inbox: Inbox { joint: Arc::clone(&joint), side },
        outbox: Outbox { joint: Arc::clone(&joint), side },
    };
    (end(Party::Solution), end(Party::Tests))
}

/// Where a side reads.
#[derive(Debug)]
pub struct Inbox {
    joint: Arc<Joint>,
    side: Party,
}

/// Where a side writes.
#[derive(Debug)]
pub struct Outbox {
    joint: Arc<Joint>,
    side: Party,
}

/// Whoever waits, and how long it has waited.
#[derive(Debug, Clone)]
pub struct Patience {
    pub cancelled: Arc<AtomicBool>,
    pub waited: Arc<Mutex<Duration>>,
}

impl Inbox {
    /// Up to `most` bytes; none at the end of what the other side has to say.
    pub fn read(&self, most: usize, patience: &Patience) -> Result<Vec<u8>, GuestStop> {
        let goal = most.min(CAPACITY);
        let (side, other) = (self.side as usize, self.side.other() as usize);
        wait(&self.joint, self.side, Wait::ToRead, patience, |sides| {
            let ready = sides[side].inbox.len();
            let is_all = sides[other].writer_closed || is_stuck(sides, self.side.other());
            let enough = ready >= goal || (is_all && ready > 0) || sides[other].writer_closed;
            enough.then(|| sides[side].inbox.drain(..ready.min(goal)).collect())
        })
    }
}

impl Outbox {
    /// Writes all of it.
    pub fn write(&self, mut bytes: &[u8], patience: &Patience) -> Result<Result<(), Errno>, GuestStop> {
        let other = self.side.other() as usize;
        wait(&self.joint, self.side, Wait::ToWrite, patience, |sides| {
            if sides[other].reader_closed {
                return Some(Err(Errno::Pipe));
            }
            let room = CAPACITY - sides[other].inbox.len();
            let (now, later) = bytes.split_at(bytes.len().min(room));
            sides[other].inbox.extend(now);
            bytes = later;
            if !now.is_empty() {
                self.joint.changed.notify_all();
            }
            bytes.is_empty().then_some(Ok(()))
        })
    }
}

/// Waits until `attempt` gives something.
fn wait<T>(
    joint: &Joint,
    side: Party,
    kind: Wait,
    patience: &Patience,
    mut attempt: impl FnMut(&mut [State; 2]) -> Option<T>,
) -> Result<T, GuestStop> {
    let mut sides = joint.lock();
    let mut began = None;
    let ended = loop {
        sides[side as usize].wait = Wait::None;
        if let Some(done) = attempt(&mut sides) {
            break Ok(done);
        }
        if patience.cancelled.load(Ordering::Relaxed) {
            break Err(GuestStop::Cancelled);
        }
        sides[side as usize].wait = kind;
        // The other side may have been waiting for nothing else than that this one cannot go on.
        joint.changed.notify_all();
        if side == Party::Solution && is_stuck(&sides, side) && is_stuck(&sides, side.other()) {
            break Err(GuestStop::Wall);
        }
        began.get_or_insert_with(Instant::now);
        sides = joint.changed.wait_timeout(sides, LOOK).unwrap_or_else(PoisonError::into_inner).0;
    };
    sides[side as usize].wait = Wait::None;
    joint.changed.notify_all();
    drop(sides);
    if let Some(began) = began {
        *patience.waited.lock().unwrap_or_else(PoisonError::into_inner) += began.elapsed();
    }
    ended
}

impl Drop for Inbox {
    fn drop(&mut self) {
        let mut sides = self.joint.lock();
        let own = &mut sides[self.side as usize];
        own.reader_closed = true;
        own.inbox = VecDeque::new();
        self.joint.changed.notify_all();
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.joint.lock()[self.side as usize].writer_closed = true;
        self.joint.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience() -> Patience {
        Patience { cancelled: Arc::new(AtomicBool::new(false)), waited: Arc::default() }
    }

    #[test]
    fn what_is_written_is_read_whatever_the_sizes() {
        let (solution, tests) = ends();
        let sent: Vec<u8> = (0..3 * CAPACITY + 7).map(|at| (at % 251) as u8).collect();
        let (content, count) = (sent.clone(), sent.len());
        let writer = std::thread::spawn(move || {
            for piece in content.chunks(700_001) {
                tests.outbox.write(piece, &patience()).unwrap().unwrap();
            }
        });
        let (mut read, mut sizes) = (Vec::new(), Vec::new());
        while read.len() < count {
            let piece = solution.inbox.read(1_000_000, &patience()).unwrap();
            sizes.push(piece.len());
            read.extend(piece);
        }
        writer.join().unwrap();
        assert!(read == sent && solution.inbox.read(1, &patience()).unwrap().is_empty());
        // Whole pieces but for the last, however the writer's came.
        assert!(sizes[..sizes.len() - 1].iter().all(|size| *size == 1_000_000), "{sizes:?}");
    }

    #[test]
    fn a_closed_end_is_told_and_both_waiting_is_the_solutions_end() {
        let (solution, tests) = ends();
        let other = std::thread::spawn(move || {
            // All of it, so that both ends are closed here.
            let JointEnd { inbox, outbox: _closed } = solution;
            assert_eq!(inbox.read(1, &patience()), Err(GuestStop::Wall));
        });
        assert_eq!(tests.inbox.read(5, &patience()), Ok(Vec::new()), "the solution's end has been closed");
        other.join().unwrap();
        assert_eq!(tests.outbox.write(b"x", &patience()), Ok(Err(Errno::Pipe)));
    }

    #[test]
    fn a_part_is_given_where_no_more_can_come() {
        let (solution, tests) = ends();
        let other = std::thread::spawn(move || {
            solution.outbox.write(b"abc", &patience()).unwrap().unwrap();
            solution.inbox.read(1, &patience()).unwrap()
        });
        assert_eq!(tests.inbox.read(10, &patience()).unwrap(), b"abc");
        tests.outbox.write(b"z", &patience()).unwrap().unwrap();
        assert_eq!(other.join().unwrap(), b"z");
    }

    #[test]
    fn who_was_let_go_of_stops_waiting() {
        let (solution, _tests) = ends();
        let gone = Patience { cancelled: Arc::new(AtomicBool::new(true)), waited: Arc::default() };
        assert_eq!(solution.inbox.read(1, &gone), Err(GuestStop::Cancelled));
    }
}
