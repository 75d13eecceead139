//! A place to run: slots, and the bounded wait for one.
//!
//! A slot is permission to run one submission; there is one per core by default. Callers queue in
//! the order in which they came (a [`tokio::sync::Semaphore`] is fair), whether they want one slot
//! or, to measure a run on a quiet machine, all of them. A caller that stops waiting (its future is
//! dropped) leaves no trace, and a slot is given back by dropping it, however the work ended.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// How a caller meets a full house.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admit {
    /// Waits in the bounded queue, or is turned away at once when that is full. For callers that
    /// can come again later, such as HTTP clients.
    Bounded,
    /// Waits for as long as it takes. For callers that bound their own work in flight, such as the
    /// bulk filter.
    Patient,
}

/// No slot came free within the bounds of the wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("all {slots} slots are busy and {waiting} submissions are waiting; try again in {} s", retry_after.as_secs())]
pub struct Overloaded {
    pub slots: usize,
    pub waiting: usize,
    /// When a place is likely to be free again. Whole seconds, at least one.
    pub retry_after: Duration,
}

/// Hands out slots. Cheap to clone: clones share the same slots.
#[derive(Debug, Clone)]
pub struct Admission {
    house: Arc<House>,
}

#[derive(Debug)]
struct House {
    permits: Arc<Semaphore>,
    slots: usize,
    max_waiting: usize,
    max_wait: Option<Duration>,
    waiting: AtomicUsize,
    /// Indices of the slots that nobody holds. As many as the semaphore has permits to give, or
    /// more for the instant between the two steps of giving one back.
    free: Mutex<Vec<usize>>,
    /// Smoothed time that a slot is held, microseconds; 0 until the first slot came back.
    mean_hold_us: AtomicU64,
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

    /// The same, and a [`Admit::Bounded`] caller gives up after waiting for `max_wait`.
    ///
    /// # Panics
    /// As [`Admission::new`].
    pub fn with_max_wait(slots: usize, max_waiting: usize, max_wait: Option<Duration>) -> Admission {
        assert!(slots > 0 && u32::try_from(slots).is_ok(), "the number of slots must be 1 to 2^32 - 1");
        Admission {
            house: Arc::new(House {
                permits: Arc::new(Semaphore::new(slots)),
                slots,
                max_waiting,
                max_wait,
                waiting: AtomicUsize::new(0),
                // The lowest index is handed out first, and the one used last is used again first:
                // its slot process is the warmest.
                free: Mutex::new((0..slots).rev().collect()),
                mean_hold_us: AtomicU64::new(0),
            }),
        }
    }

    /// Waits for a slot.
    ///
    /// # Errors
    /// [`Overloaded`], for a [`Admit::Bounded`] caller only: at once when the queue is full, or after
    /// the longest wait.
    pub async fn enter(&self, admit: Admit) -> Result<Slot, Overloaded> {
        let asked_at = Instant::now();
        // Permits are only free when nobody is queued: this overtakes no one.
        match Arc::clone(&self.house.permits).try_acquire_owned() {
            Ok(permit) => return Ok(self.slot(permit, asked_at)),
            Err(TryAcquireError::NoPermits) => {}
            Err(TryAcquireError::Closed) => unreachable!("the semaphore is never closed"),
        }
        let waiter = match admit {
            Admit::Bounded => Waiter::join_bounded(&self.house).ok_or_else(|| self.overloaded())?,
            Admit::Patient => Waiter::join(&self.house),
        };
        let acquire = Arc::clone(&self.house.permits).acquire_owned();
        let acquired = match (admit, self.house.max_wait) {
            (Admit::Bounded, Some(max_wait)) => {
                tokio::time::timeout(max_wait, acquire).await.map_err(|_| self.overloaded())?
            }
            _ => acquire.await,
        };
        drop(waiter);
        Ok(self.slot(acquired.expect("the semaphore is never closed"), asked_at))
    }

    /// Waits until every slot is free and holds them all: nothing else runs until the result is
    /// dropped. The wait is not bounded, since the caller's submission has been admitted before, and
    /// is served in turn: neither this caller nor those behind it starve.
    ///
    /// The caller must hold no slot itself: two callers that each kept one while waiting for all
    /// would wait for each other for ever.
    pub async fn enter_alone(&self) -> Alone {
        let waiter = Waiter::join(&self.house);
        let all = u32::try_from(self.house.slots).expect("checked when built");
        let permits = Arc::clone(&self.house.permits)
            .acquire_many_owned(all)
            .await
            .expect("the semaphore is never closed");
        drop(waiter);
        let index = self.house.take_index();
        Alone { house: Arc::clone(&self.house), index, _permits: permits }
    }

    /// How many submissions can run at once.
    pub fn slots(&self) -> usize {
        self.house.slots
    }

    /// How many slots are held now (all of them while somebody waits to be alone or is).
    pub fn in_use(&self) -> usize {
        self.house.slots.saturating_sub(self.house.permits.available_permits())
    }

    /// How many callers are waiting now.
    pub fn waiting(&self) -> usize {
        self.house.waiting.load(Ordering::Relaxed)
    }

    /// When a place is likely to be free: the time that the callers now waiting need.
    pub fn retry_after(&self) -> Duration {
        let turns = (self.waiting() / self.house.slots + 1) as u64;
        let estimate = Duration::from_micros(self.house.mean_hold_us.load(Ordering::Relaxed) * turns);
        Duration::from_secs(estimate.as_secs() + 1).min(MAX_RETRY_AFTER)
    }

    fn overloaded(&self) -> Overloaded {
        Overloaded { slots: self.slots(), waiting: self.waiting(), retry_after: self.retry_after() }
    }

    fn slot(&self, permit: OwnedSemaphorePermit, asked_at: Instant) -> Slot {
        let index = self.house.take_index();
        let entered_at = Instant::now();
        Slot {
            house: Arc::clone(&self.house),
            index,
            waited: entered_at - asked_at,
            entered_at,
            _permit: permit,
        }
    }
}

impl House {
    fn free(&self) -> MutexGuard<'_, Vec<usize>> {
        // A push or a pop leaves the list whole, so that a panic elsewhere does not matter.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_index(&self) -> usize {
        self.free().pop().expect("as many indices as permits")
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

/// Counted among the waiting for as long as it lives.
struct Waiter<'a> {
    house: &'a House,
}

impl Waiter<'_> {
    fn join(house: &House) -> Waiter<'_> {
        house.waiting.fetch_add(1, Ordering::Relaxed);
        Waiter { house }
    }

    /// `None` when the queue is full.
    fn join_bounded(house: &House) -> Option<Waiter<'_>> {
        house
            .waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
                (waiting < house.max_waiting).then_some(waiting + 1)
            })
            .ok()?;
        Some(Waiter { house })
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.house.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Permission to run one submission; given back when dropped.
#[derive(Debug)]
pub struct Slot {
    house: Arc<House>,
    index: usize,
    waited: Duration,
    entered_at: Instant,
    /// After `house`'s list of indices has been restored in `drop`: fields are dropped last.
    _permit: OwnedSemaphorePermit,
}

impl Slot {
    /// Which slot this is, `0..slots`. No other living [`Slot`] or [`Alone`] has the same index.
    pub fn index(&self) -> usize {
        self.index
    }

    /// How long its holder waited for it.
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.house.free().push(self.index);
        self.house.slot_was_held(self.entered_at.elapsed());
    }
}

/// Permission to run alone on the machine: every slot at once, given back when dropped.
#[derive(Debug)]
pub struct Alone {
    house: Arc<House>,
    index: usize,
    _permits: OwnedSemaphorePermit,
}

impl Alone {
    /// The slot to run in, `0..slots`.
    pub fn index(&self) -> usize {
        self.index
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.house.free().push(self.index);
    }
}

/// Either permission: what a run holds while it uses a slot's processes.
#[derive(Debug)]
pub enum Place {
    Slot(Slot),
    Alone(Alone),
}

impl Place {
    /// The slot to run in, `0..slots`.
    pub fn index(&self) -> usize {
        match self {
            Place::Slot(slot) => slot.index(),
            Place::Alone(alone) => alone.index(),
        }
    }
}

#[cfg(test)]
mod tests;
