//! Slots, and the bounded wait for one.
//!
//! A slot is permission to run one submission; there is one per core by default. Callers take turns: one
//! that sends a thousand submissions at once does not keep another waiting for all of them. A caller's
//! own requests are served in the order in which they came. A caller that stops waiting (its future is
//! dropped) leaves no trace, and a slot is given back by dropping it, however the work ended.

mod line;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

pub use self::line::Caller;
use self::line::Queue;

/// What a caller does when no slot is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admit {
    /// Waits in the bounded queue. The caller is turned away at once if the queue is full, and may be turned away later
    /// in favour of a caller that has far fewer requests in the queue. For callers that can retry, such as HTTP clients.
    Bounded,
    /// Waits without a bound. For callers that bound their own work in flight, such as the bulk filter.
    Patient,
}

/// No slot came free within the bounds of the wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("all {slots} slots are busy and {waiting} submissions are waiting; try again in {} s", retry_after.as_secs())]
pub struct Overloaded {
    pub slots: usize,
    pub waiting: usize,
    /// When the queue is likely to have room again. Whole seconds, at least one.
    pub retry_after: Duration,
}

/// Hands out slots. Cheap to clone: clones share the same slots.
#[derive(Debug, Clone)]
pub struct Admission {
    house: Arc<House>,
}

#[derive(Debug)]
struct House {
    slots: usize,
    max_waiting: usize,
    max_wait: Option<Duration>,
    state: Mutex<State>,
    /// Smoothed time that a slot is held, microseconds; 0 until the first slot came back.
    mean_hold_us: AtomicU64,
}

#[derive(Debug)]
struct State {
    /// Indices of the slots that nobody holds; the last is handed out next.
    free: Vec<usize>,
    line: Queue<oneshot::Sender<Grant>>,
}

/// What happens to a request that waited.
#[derive(Debug)]
enum Grant {
    Enter(Held),
    /// It is turned away: another caller's request took its place in the queue.
    GiveWay,
}

/// Upper end of [`Overloaded::retry_after`]: an estimate beyond it would say nothing.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

impl Admission {
    /// `slots` submissions run at once and at most `max_waiting` more wait (0: none waits).
    ///
    /// # Panics
    /// If `slots` is 0 or beyond `u32::MAX`; [`crate::config`] refuses both.
    pub fn new(slots: usize, max_waiting: usize) -> Admission {
        Admission::with_max_wait(slots, max_waiting, None)
    }

    /// As [`Admission::new`]; besides, an [`Admit::Bounded`] caller gives up after waiting for `max_wait`.
    ///
    /// # Panics
    /// As [`Admission::new`].
    pub fn with_max_wait(slots: usize, max_waiting: usize, max_wait: Option<Duration>) -> Admission {
        assert!(slots > 0 && u32::try_from(slots).is_ok(), "the number of slots must be 1 to 2^32 - 1");
        // Taken from the end: the lowest index at first, later the slot used last, whose process is the warmest.
        let state = Mutex::new(State { free: (0..slots).rev().collect(), line: Queue::new() });
        let mean_hold_us = AtomicU64::new(0);
        Admission { house: Arc::new(House { slots, max_waiting, max_wait, state, mean_hold_us }) }
    }

    /// Waits for a slot on behalf of `caller`.
    ///
    /// # Errors
    /// [`Overloaded`], for [`Admit::Bounded`] only: when the queue is full, or after the longest wait.
    pub async fn enter(&self, admit: Admit, caller: Caller) -> Result<Slot, Overloaded> {
        let asked_at = Instant::now();
        let bounded = admit == Admit::Bounded;
        let request = match self.house.ask(caller, bounded) {
            Entrance::Entered(held) => return Ok(Slot::new(held, asked_at)),
            Entrance::Refused { waiting } => return Err(self.overloaded(waiting)),
            Entrance::Waits(request) => request,
        };
        let answer = match self.house.max_wait {
            Some(max_wait) if bounded => {
                tokio::time::timeout(max_wait, request.answer()).await.unwrap_or(Grant::GiveWay)
            }
            _ => request.answer().await,
        };
        match answer {
            Grant::Enter(held) => Ok(Slot::new(held, asked_at)),
            Grant::GiveWay => Err(self.overloaded(self.waiting())),
        }
    }

    /// A slot that nobody holds and nobody waits for, if there is one.
    pub fn enter_if_idle(&self) -> Option<Slot> {
        let mut state = self.house.state();
        let index = if state.line.is_empty() { state.free.pop()? } else { return None };
        drop(state);
        Some(Slot::new(Held::new(&self.house, index), Instant::now()))
    }

    /// Waits until nothing runs and nobody waits: for those who measure.
    pub async fn until_idle(&self) {
        while self.in_use() + self.waiting() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// How many submissions can run at once.
    pub fn slots(&self) -> usize {
        self.house.slots
    }

    /// How many slots are held now.
    pub fn in_use(&self) -> usize {
        self.house.slots - self.house.state().free.len()
    }

    /// How many requests are waiting now.
    pub fn waiting(&self) -> usize {
        self.house.state().line.len()
    }

    /// When the queue is likely to have room: the time that the requests now waiting need.
    pub fn retry_after(&self) -> Duration {
        self.retry_after_with(self.waiting())
    }

    fn retry_after_with(&self, waiting: usize) -> Duration {
        let turns = (waiting / self.house.slots + 1) as u64;
        let estimate = Duration::from_micros(self.house.mean_hold_us.load(Ordering::Relaxed) * turns);
        Duration::from_secs(estimate.as_secs() + 1).min(MAX_RETRY_AFTER)
    }

    fn overloaded(&self, waiting: usize) -> Overloaded {
        Overloaded { slots: self.slots(), waiting, retry_after: self.retry_after_with(waiting) }
    }
}

/// The answer to a request for a slot.
enum Entrance {
    Entered(Held),
    Waits(Waiting),
    Refused { waiting: usize },
}

impl House {
    fn state(&self) -> MutexGuard<'_, State> {
        // Each change leaves the state consistent, so that a panic of another holder of the lock does not matter.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(self: &Arc<Self>, caller: Caller, bounded: bool) -> Entrance {
        let mut state = self.state();
        if state.line.is_empty()
            && let Some(index) = state.free.pop()
        {
            return Entrance::Entered(Held::new(self, index));
        }
        let waiting = state.line.len();
        if bounded && waiting >= self.max_waiting {
            match state.line.make_room_for(caller) {
                // Sending fails if the other request is just being dropped.
                Some(other) => drop(other.send(Grant::GiveWay)),
                None => return Entrance::Refused { waiting },
            }
        }
        let (answer, answered) = oneshot::channel();
        let ticket = state.line.join(caller, bounded, answer);
        Entrance::Waits(Waiting { house: Arc::clone(self), caller, ticket, answered })
    }

    /// Gives free slots to the requests whose turn it is.
    fn serve(self: &Arc<Self>, state: &mut State) {
        while !state.free.is_empty()
            && let Some(answer) = state.line.take_next()
            && let Some(index) = state.free.pop()
        {
            if let Err(Grant::Enter(mut unwanted)) = answer.send(Grant::Enter(Held::new(self, index))) {
                // The request is being dropped. The slot is taken back by hand: dropping it would take the lock again.
                state.free.extend(unwanted.index.take());
            }
        }
    }

    fn slot_was_held(&self, held: Duration) {
        let held_us = u64::try_from(held.as_micros()).unwrap_or(u64::MAX / 8);
        // A lost update among racing slots costs one sample of a smoothed estimate.
        let mean = match self.mean_hold_us.load(Ordering::Relaxed) {
            0 => held_us,
            mean => mean - mean / 8 + held_us / 8,
        };
        self.mean_hold_us.store(mean, Ordering::Relaxed);
    }
}

/// A request that waits. Dropping it takes it out of the queue.
struct Waiting {
    house: Arc<House>,
    caller: Caller,
    ticket: u64,
    answered: oneshot::Receiver<Grant>,
}

impl Waiting {
    async fn answer(mut self) -> Grant {
        (&mut self.answered).await.expect("whoever takes a request out of the line answers it")
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut state = self.house.state();
        if state.line.leave(self.caller, self.ticket) {
            // A slot may be free for the next request now.
            self.house.serve(&mut state);
        }
    }
}

/// A slot that is not free; given back when dropped.
#[derive(Debug)]
struct Held {
    house: Arc<House>,
    /// `None` only while it is dropped.
    index: Option<usize>,
}

impl Held {
    fn new(house: &Arc<House>, index: usize) -> Held {
        Held { house: Arc::clone(house), index: Some(index) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(index) = self.index.take() {
            let mut state = self.house.state();
            state.free.push(index);
            self.house.serve(&mut state);
        }
    }
}

/// Permission to run one submission; given back when dropped.
#[derive(Debug)]
pub struct Slot {
    held: Held,
    waited: Duration,
    entered_at: Instant,
}

impl Slot {
    fn new(held: Held, asked_at: Instant) -> Slot {
        let entered_at = Instant::now();
        Slot { held, waited: entered_at - asked_at, entered_at }
    }

    /// Which slot this is, `0..slots`. No other living [`Slot`] has the same index.
    pub fn index(&self) -> usize {
        self.held.index.expect("a slot that is held has an index")
    }

    /// How long its holder waited for it.
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.held.house.slot_was_held(self.entered_at.elapsed());
    }
}

#[cfg(test)]
mod tests;
