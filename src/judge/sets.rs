//! Sets of sets, and whether two of them are the same.
//!
//! Short items are told apart by what they are: a [`Key::Short`] is the item, in 64 bits. Long ones have a fingerprint,
//! and so have sets of several items: with two secrets `x` and `z`, elements of the field of 2^61 - 1, it is the product of
//! `p + z` over its different items, `p` being a polynomial at `x`, of a short key `low + high * x`, of a long one that of
//! its bytes. As polynomials in `x` and `z` the products of different sets of `n` bytes differ, so that they are equal for at
//! most `n` of 2^61 choices of the secrets. Both of two independent pairs would have to be such: over all sets in two
//! outputs of 64 MiB that is one comparison in 2^70. Secrets are drawn anew for each comparison.

use std::{
    hash::{BuildHasher, RandomState},
    hint::black_box,
};

use super::field::{Secret, fingerprints, reduced, times};

/// An item of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Anything but 0, and the same for the same item only.
    Short(u64),
    Long([u64; 2]),
}

impl Key {
    /// Of bytes that are too many for a short key.
    #[inline]
    pub fn long(bytes: &[u8], secrets: &[Secret; 2]) -> Key {
        Key::Long(fingerprints(bytes, secrets))
    }
}

/// A set of sets that another is compared with.
#[derive(Debug)]
pub struct Sets {
    /// Sets of one short item.
    short: Table<u64>,
    /// Of the others their fingerprints, and those of the only item of a set.
    others: Table<u128>,
    secrets: [Secret; 2],
    /// `high * x + z` of each secret, of small numbers.
    begun: [[u64; 2]; 8],
}

impl Sets {
    /// With room for so many sets.
    pub fn with_room_for(count: usize, secrets: [Secret; 2]) -> Sets {
        let (short, others) = (Table::with_room_for(count), Table::with_room_for(count));
        let begun = std::array::from_fn(|high| secrets.map(|secret| secret.linear(0, high as u64)));
        Sets { short, others, secrets, begun }
    }

    /// Adds a set that is not empty.
    #[inline]
    pub fn insert(&mut self, set: &Set) {
        match (&set.short.keys[..], &set.long.keys[..]) {
            ([key], []) => self.short.insert(*key),
            _ => self.others.insert(self.fingerprint(set)),
        }
    }

    /// Notes that the other set of sets has this one, too. `false` if one of those noted is not among these, now or
    /// in the end. Nothing is added afterwards.
    #[inline]
    pub fn meet(&mut self, set: &Set) -> bool {
        match (&set.short.keys[..], &set.long.keys[..]) {
            ([key], []) => self.short.meet(*key),
            _ => self.others.meet(self.fingerprint(set)),
        }
    }

    /// Whether each set was met, and no other one.
    pub fn all_met(mut self) -> bool {
        self.short.all_met() && self.others.all_met()
    }

    #[inline]
    fn fingerprint(&self, set: &Set) -> u128 {
        let [one, other] = &self.secrets;
        let (mut left, mut right) = (1, 1);
        for key in &set.short.keys {
            let (low, high) = (key & ((1 << 56) - 1), (key >> 56) as usize);
            // Short words' lengths, most often.
            let begun = match self.begun.get(high) {
                Some(begun) => *begun,
                None => self.secrets.map(|secret| secret.linear(0, high as u64)),
            };
            left = times(left, reduced(low + begun[0]));
            right = times(right, reduced(low + begun[1]));
        }
        for key in &set.long.keys {
            left = times(left, reduced((*key >> 64) as u64 + one.z));
            right = times(right, reduced((*key as u64 & LONG) + other.z));
        }
        joined([left, right])
    }
}

/// Two elements of the field as one number that is not 0.
#[inline]
fn joined([left, right]: [u64; 2]) -> u128 {
    u128::from(left) << 64 | u128::from(right) | 1 << 63
}

/// What of the lower half of a joined number is an element.
const LONG: u64 = (1 << 63) - 1;

/// A set of keys that is filled and emptied again and again.
#[derive(Debug)]
pub struct Set {
    /// A bit for each small key that is there.
    small: [u64; Set::SMALL / 64],
    short: Distinct<u64>,
    long: Distinct<u128>,
}

impl Set {
    /// Short keys below are looked up directly.
    const SMALL: usize = 1_024;

    pub fn new() -> Set {
        Set { small: [0; Set::SMALL / 64], short: Distinct::new(), long: Distinct::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.short.keys.is_empty() && self.long.keys.is_empty()
    }

    #[inline]
    pub fn clear(&mut self) {
        self.small = [0; Set::SMALL / 64];
        self.short.clear();
        self.long.clear();
    }

    #[inline]
    pub fn insert(&mut self, key: Key) {
        match key {
            Key::Short(key) if key < Set::SMALL as u64 => {
                let (word, bit) = (&mut self.small[key as usize / 64], 1 << (key % 64));
                if *word & bit == 0 {
                    *word |= bit;
                    self.short.keys.push(key);
                }
            }
            Key::Short(key) => self.short.insert(key),
            Key::Long(key) => self.long.insert(joined(key)),
        }
    }

    /// To be called once all keys came.
    #[inline]
    pub fn finish(&mut self) {
        self.short.finish();
        self.long.finish();
    }
}

/// Different numbers.
#[derive(Debug)]
struct Distinct<K> {
    /// Each once.
    keys: Vec<K>,
    /// Where they are, if they are more than a few.
    places: Places<K>,
    /// Keys that came, if there are many.
    waiting: Batch<K>,
}

impl<K: Number> Distinct<K> {
    /// So many keys are looked through one by one.
    const FEW: usize = 16;
    /// The places of more have not all been used lately.
    const MANY: usize = 1 << 12;

    fn new() -> Distinct<K> {
        let places = Places { places: Vec::new(), hashing: Hashing::new() };
        Distinct { keys: Vec::new(), places, waiting: Batch::new() }
    }

    #[inline]
    fn clear(&mut self) {
        self.keys.clear();
        self.places.places.clear();
    }

    #[inline]
    fn insert(&mut self, key: K) {
        if self.keys.len() < Self::FEW {
            if !self.keys.contains(&key) {
                self.keys.push(key);
            }
        } else if self.keys.len() < Self::MANY {
            self.insert_by_place(key);
        } else if self.waiting.push(key) {
            self.finish();
        }
    }

    #[inline]
    fn finish(&mut self) {
        if self.waiting.len > 0 {
            let batch = self.waiting.take(&self.places);
            batch.keys().iter().for_each(|key| self.insert_by_place(*key));
        }
    }

    fn insert_by_place(&mut self, key: K) {
        if self.keys.len() * 2 >= self.places.places.len() {
            let factor = if self.keys.len() < 1 << 15 { 8 } else { 4 };
            self.places.places = vec![K::default(); (self.keys.len() * factor).next_power_of_two()];
            for key in &self.keys {
                let at = self.places.find(*key);
                self.places.places[at] = *key;
            }
        }
        let at = self.places.find(key);
        if self.places.places[at] == K::default() {
            self.places.places[at] = key;
            self.keys.push(key);
        }
    }
}

/// What a table holds: anything but 0.
pub trait Number: Copy + PartialEq + Default {
    /// All of it in 64 bits, or as much as tells most keys apart.
    fn folded(self) -> u64;
}

impl Number for u64 {
    fn folded(self) -> u64 {
        self
    }
}

impl Number for u128 {
    fn folded(self) -> u64 {
        self as u64 ^ ((self >> 64) as u64).rotate_left(32)
    }
}

/// A hash that nobody can choose collisions for.
#[derive(Debug)]
struct Hashing {
    seeds: [u64; 2],
}

impl Hashing {
    fn new() -> Hashing {
        Hashing { seeds: [0, 1].map(|which| RandomState::new().hash_one(which) | 1) }
    }

    #[inline]
    fn of(&self, key: u64) -> u64 {
        let product = u128::from(key ^ self.seeds[0]) * u128::from(self.seeds[1]);
        product as u64 ^ (product >> 64) as u64
    }
}

/// Open addressing in a power of two of places, one of them empty.
#[derive(Debug)]
struct Places<K> {
    places: Vec<K>,
    hashing: Hashing,
}

impl<K: Number> Places<K> {
    /// Where to look first.
    #[inline]
    fn first(&self, key: K) -> usize {
        self.hashing.of(key.folded()) as usize & (self.places.len() - 1)
    }

    /// Where the key is, or the empty place where it would be.
    #[inline]
    fn find(&self, key: K) -> usize {
        let (places, mut at) = (&self.places[..], self.first(key));
        while places[at] != key && places[at] != K::default() {
            at = (at + 1) & (places.len() - 1);
        }
        at
    }
}

/// Keys that are looked up together: that each place has to be fetched from memory is then waited for once.
#[derive(Debug, Clone, Copy)]
struct Batch<K> {
    keys: [K; Batch::<()>::SIZE],
    len: usize,
}

impl Batch<()> {
    const SIZE: usize = 32;
}

impl<K: Number> Batch<K> {
    fn new() -> Batch<K> {
        Batch { keys: [K::default(); Batch::<()>::SIZE], len: 0 }
    }

    /// Whether the batch is full then.
    #[inline]
    fn push(&mut self, key: K) -> bool {
        self.keys[self.len] = key;
        self.len += 1;
        self.len == self.keys.len()
    }

    fn keys(&self) -> &[K] {
        &self.keys[..self.len]
    }

    /// Fetches the places; empties the batch.
    fn take(&mut self, places: &Places<K>) -> Batch<K> {
        if !places.places.is_empty() {
            for key in self.keys() {
                black_box(places.places[places.first(*key)] == *key);
            }
        }
        std::mem::replace(self, Batch { len: 0, ..*self })
    }
}

/// Keys, and which of them were met.
#[derive(Debug)]
pub struct Table<K> {
    places: Places<K>,
    /// For how many keys there is room.
    room: usize,
    len: usize,
    waiting: Batch<K>,
    /// A bit per place.
    is_met: Vec<u64>,
    met: usize,
    is_met_only: bool,
}

impl<K: Number> Table<K> {
    /// With room for so many keys. Room that is not used costs little.
    pub fn with_room_for(count: usize) -> Table<K> {
        Table {
            places: Places { places: Vec::new(), hashing: Hashing::new() },
            room: count,
            len: 0,
            waiting: Batch::new(),
            is_met: Vec::new(),
            met: 0,
            is_met_only: true,
        }
    }

    /// # Panics
    /// Where there is no room.
    #[inline]
    pub fn insert(&mut self, key: K) {
        if self.waiting.push(key) {
            self.insert_waiting();
        }
    }

    fn insert_waiting(&mut self) {
        if self.places.places.is_empty() {
            self.places.places = vec![K::default(); (self.room * 2).next_power_of_two().max(64)];
        }
        for key in self.waiting.take(&self.places).keys() {
            let at = self.places.find(*key);
            if self.places.places[at] != *key {
                self.places.places[at] = *key;
                self.len += 1;
                assert!(self.len < self.places.places.len(), "there is room for so many");
            }
        }
    }

    /// Notes that the key was met. `false` if one of those is not there, now or in the end. Nothing is inserted
    /// afterwards.
    #[inline]
    pub fn meet(&mut self, key: K) -> bool {
        if self.is_met.is_empty() {
            self.insert_waiting();
            self.is_met = vec![0; self.places.places.len() / 64];
        }
        if self.waiting.push(key) {
            self.meet_waiting();
        }
        self.is_met_only
    }

    fn meet_waiting(&mut self) {
        for key in self.waiting.take(&self.places).keys() {
            let at = self.places.find(*key);
            self.is_met_only &= self.places.places[at] == *key;
            let (word, bit) = (&mut self.is_met[at / 64], 1 << (at % 64));
            self.met += usize::from(*word & bit == 0);
            *word |= bit;
        }
    }

    /// Whether each key was met, and no other one.
    pub fn all_met(&mut self) -> bool {
        if self.is_met.is_empty() {
            return self.len == 0 && self.waiting.len == 0;
        }
        self.meet_waiting();
        self.is_met_only && self.met == self.len
    }
}
