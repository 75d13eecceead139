//! Values by the content that they were made of: made once, kept while there is room.
//!
//! Several callers that want the same value at the same time wait for one of them to make it. Whoever
//! makes one may wait for a slot, so nobody may hold a slot while asking.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

/// A hash of everything that a value depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

/// Gathers what a value depends on. Each part is told apart from the next: "ab", "c" is not "a", "bc".
#[derive(Debug, Default)]
pub struct KeyMaker(Sha256);

impl KeyMaker {
    pub fn part(mut self, part: &[u8]) -> KeyMaker {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
        self
    }

    pub fn key(self) -> Key {
        Key(self.0.finalize().into())
    }
}

/// How much of the room a value takes.
pub trait Weight {
    fn weight_bytes(&self) -> u64;
}

/// Whether a value was there already, or was being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Kept,
    Made,
}

/// The least recently used values give way when the room is full.
#[derive(Debug)]
pub struct ContentCache<V> {
    most_bytes: u64,
    shelf: Mutex<Shelf<V>>,
}

#[derive(Debug)]
struct Shelf<V> {
    entries: HashMap<Key, Entry<V>>,
    bytes: u64,
    uses: u64,
}

#[derive(Debug)]
struct Entry<V> {
    value: Arc<OnceCell<V>>,
    /// 0 while the value is being made.
    bytes: u64,
    last_use: u64,
}

impl<V: Weight + Clone> ContentCache<V> {
    pub fn new(most_bytes: u64) -> ContentCache<V> {
        let shelf = Shelf { entries: HashMap::new(), bytes: 0, uses: 0 };
        ContentCache { most_bytes, shelf: Mutex::new(shelf) }
    }

    /// The value for a key. `make` is only awaited if nobody else has made it or is making it.
    ///
    /// # Errors
    /// That of `make`; nothing is kept then, and the next caller who waits makes the value.
    pub async fn get<E>(&self, key: Key, make: impl Future<Output = Result<V, E>>) -> Result<(V, Found), E> {
        let asking = Asking { cache: self, key, value: self.lock().entry(key) };
        let mut found = Found::Kept;
        let make = async {
            found = Found::Made;
            make.await
        };
        let value = asking.value.get_or_try_init(|| make).await?.clone();
        if found == Found::Made {
            self.lock().weigh(key, value.weight_bytes(), self.most_bytes);
        }
        Ok((value, found))
    }

    /// How many values are kept or being made, and the bytes of those kept.
    pub fn size(&self) -> (usize, u64) {
        let shelf = self.lock();
        (shelf.entries.len(), shelf.bytes)
    }
}

impl<V> ContentCache<V> {
    /// What is behind the lock is changed in whole steps, so a panic elsewhere leaves it sound.
    fn lock(&self) -> MutexGuard<'_, Shelf<V>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> Shelf<V> {
    fn entry(&mut self, key: Key) -> Arc<OnceCell<V>> {
        self.uses += 1;
        let fresh = || Entry { value: Arc::new(OnceCell::new()), bytes: 0, last_use: 0 };
        let entry = self.entries.entry(key).or_insert_with(fresh);
        entry.last_use = self.uses;
        Arc::clone(&entry.value)
    }

    /// Counts a value that has been made, and makes room.
    fn weigh(&mut self, key: Key, bytes: u64, most_bytes: u64) {
        if let Some(entry) = self.entries.get_mut(&key) {
            self.bytes = self.bytes - entry.bytes + bytes;
            entry.bytes = bytes;
        }
        while self.bytes > most_bytes {
            let made = self.entries.iter().filter(|(_, entry)| entry.value.initialized());
            let Some((oldest, _)) = made.min_by_key(|(_, entry)| entry.last_use) else { break };
            let oldest = *oldest;
            if let Some(entry) = self.entries.remove(&oldest) {
                self.bytes -= entry.bytes;
            }
        }
    }
}

/// A caller who waits for a value or makes it.
struct Asking<'a, V> {
    cache: &'a ContentCache<V>,
    key: Key,
    value: Arc<OnceCell<V>>,
}

/// An entry without a value goes with the last who wanted it, whether making failed or was given up.
impl<V> Drop for Asking<'_, V> {
    fn drop(&mut self) {
        let mut shelf = self.cache.lock();
        // One is the shelf's, one is ours.
        if !self.value.initialized() && Arc::strong_count(&self.value) <= 2 {
            shelf.entries.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Heavy(u64);

    impl Weight for Heavy {
        fn weight_bytes(&self) -> u64 {
            self.0
        }
    }

    fn key(text: &str) -> Key {
        KeyMaker::default().part(text.as_bytes()).key()
    }

    #[test]
    fn parts_are_told_apart() {
        let of =
            |parts: &[&[u8]]| parts.iter().fold(KeyMaker::default(), |maker, part| maker.part(part)).key();
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_ne!(of(&[b"a"]), of(&[b"a", b""]));
    }

    #[tokio::test]
    async fn those_who_ask_together_make_it_once() {
        let (cache, made) = (ContentCache::new(100), AtomicU32::new(0));
        let ask = || {
            cache.get(key("a"), async {
                made.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok::<_, ()>(Heavy(10))
            })
        };
        let (one, other, third) = tokio::join!(ask(), ask(), ask());
        assert_eq!(made.load(Ordering::Relaxed), 1);
        assert_eq!(one, Ok((Heavy(10), Found::Made)));
        assert_eq!((&other, &third), (&Ok((Heavy(10), Found::Kept)), &Ok((Heavy(10), Found::Kept))));
        assert_eq!(cache.size(), (1, 10));
    }

    #[tokio::test]
    async fn failures_and_those_who_give_up_leave_nothing() {
        let cache = ContentCache::<Heavy>::new(100);
        assert_eq!(cache.get(key("a"), async { Err("no") }).await, Err("no"));
        assert_eq!(cache.size(), (0, 0));
        let never = cache.get(key("b"), std::future::pending::<Result<_, ()>>());
        assert!(tokio::time::timeout(std::time::Duration::from_millis(1), never).await.is_err());
        assert_eq!(cache.size(), (0, 0));
    }

    #[tokio::test]
    async fn the_least_recently_used_gives_way() {
        let cache = ContentCache::new(100);
        let put = |name: &'static str, bytes| cache.get(key(name), async move { Ok::<_, ()>(Heavy(bytes)) });
        put("a", 40).await.unwrap();
        put("b", 40).await.unwrap();
        put("a", 40).await.unwrap();
        put("c", 40).await.unwrap();
        assert_eq!(cache.size(), (2, 80));
        assert_eq!(put("a", 40).await.unwrap().1, Found::Kept);
        assert_eq!(put("b", 40).await.unwrap().1, Found::Made);
        put("larger than the room", 101).await.unwrap();
        assert_eq!(cache.size(), (0, 0));
    }
}
