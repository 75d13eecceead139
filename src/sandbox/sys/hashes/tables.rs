//! Dictionaries' keys and sets: where keys are placed by their hashes.

use std::collections::HashSet;

use nix::errno::Errno;

use super::{
    HASH, NONE, SIZE, TYPE,
    memory::{Memory, read, write},
};

// Offsets of members, in bytes.
const SET_FILL: usize = 16;
const SET_USED: usize = 24;
const SET_MASK: usize = 32;
const SET_TABLE: usize = 40;
const KEYS_LOG2_SIZE: usize = 8;
const KEYS_LOG2_INDEX_BYTES: usize = 9;
const KEYS_KIND: usize = 10;
const KEYS_USABLE: usize = 16;
const KEYS_ENTRIES: usize = 24;
const KEYS_INDICES: usize = 32;
/// `PyDictKeysObject.dk_kind` of keys that are not all strings.
const GENERAL: u8 = 0;
/// An index that leads to no entry.
const EMPTY: i64 = -1;
/// `PERTURB_SHIFT`, of both.
const PERTURB_SHIFT: u32 = 5;
/// How many neighbours of a place in a set are tried before another.
const LINEAR_PROBES: usize = 9;
/// The smallest of both has 8 places.
const LEAST_LOG2_SIZE: u8 = 3;
const MOST_LOG2_SIZE: u8 = 27;

#[derive(Clone, Copy)]
pub enum Table {
    /// The address of a `PyDictKeysObject`.
    Keys(usize),
    /// Of a `PySetObject`.
    Set(usize),
}

impl Table {
    /// # Safety
    /// The table is there.
    pub unsafe fn slots(self) -> Vec<Slot> {
        // SAFETY: by the caller.
        unsafe {
            match self {
                Table::Keys(at) => Keys::at(at).slots().map(|(_, slot)| slot).collect(),
                Table::Set(at) => Set::at(at).slots().collect(),
            }
        }
    }
}

/// A key with the place of its hash.
#[derive(Clone, Copy)]
pub struct Slot {
    pub hash: usize,
    pub key: usize,
}

/// `PyDictKeysObject`: its head, indices by hash, entries in the order of insertion.
pub struct Keys {
    at: usize,
    size: usize,
    index_bytes: usize,
    is_general: bool,
    entries: usize,
}

impl Keys {
    /// # Safety
    /// The head is there.
    pub unsafe fn at(at: usize) -> Keys {
        // SAFETY: by the caller.
        unsafe {
            Keys {
                at,
                size: 1 << read::<u8>(at + KEYS_LOG2_SIZE),
                index_bytes: 1 << read::<u8>(at + KEYS_LOG2_INDEX_BYTES),
                is_general: read::<u8>(at + KEYS_KIND) == GENERAL,
                entries: read(at + KEYS_ENTRIES),
            }
        }
    }

    /// Whether keys are there, every one of which is found by its hash. `texts`: all strings with a hash.
    ///
    /// # Safety
    /// `memory` is as it is now.
    pub unsafe fn are_sound(at: usize, memory: &Memory, texts: &HashSet<usize>, text_type: usize) -> bool {
        if !at.is_multiple_of(8) || !memory.holds(at, KEYS_INDICES) {
            return false;
        }
        // SAFETY: checked above, and before more than the head is read.
        unsafe {
            let log2_size = read::<u8>(at + KEYS_LOG2_SIZE);
            let log2_width = i32::from(read::<u8>(at + KEYS_LOG2_INDEX_BYTES)) - i32::from(log2_size);
            let (usable, entries) = (read::<i64>(at + KEYS_USABLE), read::<i64>(at + KEYS_ENTRIES));
            let has_sound_head = read::<i64>(at) > 0
                && (LEAST_LOG2_SIZE..=MOST_LOG2_SIZE).contains(&log2_size)
                && (0..=2).contains(&log2_width)
                && read::<u8>(at + KEYS_KIND) <= 2
                && entries > 0
                && usable >= 0
                && usable.checked_add(entries).is_some_and(|most| most <= (2 << log2_size) / 3);
            if !has_sound_head {
                return false;
            }
            let keys = Keys::at(at);
            if !memory.holds(at, keys.entry(keys.entries) - at) {
                return false;
            }
            keys.slots().all(|(entry, Slot { hash, key })| {
                let is_text = || {
                    let is_empty =
                        || read::<usize>(key + TYPE) == text_type && read::<usize>(key + SIZE) == 0;
                    texts.contains(&key) || is_empty()
                };
                memory.holds(key, HASH + 8) && (keys.is_general || is_text()) && keys.finds(entry, read(hash))
            })
        }
    }

    fn entry(&self, index: usize) -> usize {
        let bytes = if self.is_general { 24 } else { 16 };
        self.at + KEYS_INDICES + self.index_bytes + index * bytes
    }

    /// The entries that hold a key, by number. Where all are strings, the hash is in the key.
    ///
    /// # Safety
    /// The entries are there.
    unsafe fn slots(&self) -> impl Iterator<Item = (usize, Slot)> {
        (0..self.entries).filter_map(|index| {
            let entry = self.entry(index);
            // SAFETY: by the caller.
            let key: usize = unsafe { read(if self.is_general { entry + 8 } else { entry }) };
            let hash = if self.is_general { entry } else { key + HASH };
            (key != 0).then_some((index, Slot { hash, key }))
        })
    }

    /// The places that a hash leads to, one after the other.
    fn places(&self, hash: i64) -> impl Iterator<Item = usize> {
        let mask = self.size - 1;
        let mut perturb = hash as usize;
        std::iter::successors(Some(hash as usize & mask), move |place| {
            perturb >>= PERTURB_SHIFT;
            Some(place.wrapping_mul(5).wrapping_add(perturb).wrapping_add(1) & mask)
        })
    }

    /// # Safety
    /// The indices are there.
    unsafe fn index(&self, place: usize) -> i64 {
        let from = self.at + KEYS_INDICES;
        // SAFETY: by the caller; a place is less than the size.
        unsafe {
            match self.index_bytes / self.size {
                1 => read::<i8>(from + place).into(),
                2 => read::<i16>(from + 2 * place).into(),
                _ => read::<i32>(from + 4 * place).into(),
            }
        }
    }

    unsafe fn finds(&self, entry: usize, hash: i64) -> bool {
        // Perturbed for a dozen steps, and then through all places.
        let mut indices = self.places(hash).take(self.size + 64);
        // SAFETY: by the caller, as for `index`.
        let wanted = indices.find_map(|place| match unsafe { self.index(place) } {
            EMPTY => Some(false),
            index if index == entry as i64 => Some(true),
            _ => None,
        });
        wanted == Some(true)
    }

    /// # Safety
    /// The keys are sound.
    pub unsafe fn place_anew(&self, hash_of: impl Fn(&Slot) -> Result<i64, Errno>) -> Result<(), Errno> {
        let from = self.at + KEYS_INDICES;
        // SAFETY: by the caller. There are more places than entries, so that an empty one is found.
        unsafe {
            std::ptr::write_bytes(from as *mut u8, EMPTY as u8, self.index_bytes);
            for (entry, slot) in self.slots() {
                let hash = hash_of(&slot)?;
                if self.is_general {
                    write(slot.hash, hash);
                }
                let Some(place) = self.places(hash).find(|place| self.index(*place) == EMPTY) else {
                    return Err(Errno::EINVAL);
                };
                match self.index_bytes / self.size {
                    1 => write(from + place, entry as i8),
                    2 => write(from + 2 * place, entry as i16),
                    _ => write(from + 4 * place, entry as i32),
                }
            }
        }
        Ok(())
    }
}

/// `PySetObject`, whose table holds keys with their hashes.
pub struct Set {
    at: usize,
    mask: usize,
    table: usize,
}

impl Set {
    /// # Safety
    /// The set is there.
    pub unsafe fn at(at: usize) -> Set {
        // SAFETY: by the caller.
        unsafe { Set { at, mask: read(at + SET_MASK), table: read(at + SET_TABLE) } }
    }

    /// Whether a set is there that holds as many keys as it says.
    ///
    /// # Safety
    /// `memory` is as it is now.
    pub unsafe fn is_sound(at: usize, memory: &Memory) -> bool {
        if !memory.holds(at, SET_TABLE + 8) {
            return false;
        }
        // SAFETY: checked above, and before the table is read.
        unsafe {
            let set = Set::at(at);
            let (fill, used) = (read::<usize>(at + SET_FILL), read::<usize>(at + SET_USED));
            let places = set.mask.wrapping_add(1);
            let is_size = places.is_power_of_two()
                && (LEAST_LOG2_SIZE.into()..=MOST_LOG2_SIZE.into()).contains(&places.ilog2());
            is_size
                && (used..=set.mask).contains(&fill)
                && memory.holds(set.table, 16 * places)
                && set.slots().count() == used
                && set.slots().all(|slot| memory.holds(slot.key, HASH + 8))
        }
    }

    /// # Safety
    /// The table is there.
    unsafe fn slots(&self) -> impl Iterator<Item = Slot> {
        (0..=self.mask).map(|place| self.table + 16 * place).filter_map(|entry| {
            // SAFETY: by the caller.
            let (key, hash) = unsafe { (read::<usize>(entry), read::<i64>(entry + 8)) };
            // Where a key was removed another object stands, with no hash.
            (key != 0 && hash != NONE).then_some(Slot { hash: entry + 8, key })
        })
    }

    /// # Safety
    /// The set is sound.
    pub unsafe fn place_anew(&self, hash_of: impl Fn(&Slot) -> Result<i64, Errno>) -> Result<(), Errno> {
        // SAFETY: by the caller. There are more places than keys, so that an empty one is found.
        unsafe {
            let slots: Vec<Slot> = self.slots().collect();
            let keys = slots.iter().map(|slot| Ok((slot.key, hash_of(slot)?)));
            let keys = keys.collect::<Result<Vec<_>, Errno>>()?;
            std::ptr::write_bytes(self.table as *mut u8, 0, 16 * (self.mask + 1));
            for (key, hash) in &keys {
                let entry = self.table + 16 * self.empty_place(*hash);
                write(entry, *key);
                write(entry + 8, *hash);
            }
            write(self.at + SET_FILL, keys.len());
        }
        Ok(())
    }

    /// # Safety
    /// The table is there and has an empty place.
    unsafe fn empty_place(&self, hash: i64) -> usize {
        let mut perturb = hash as usize;
        let mut place = hash as usize & self.mask;
        loop {
            let last = if place + LINEAR_PROBES <= self.mask { place + LINEAR_PROBES } else { place };
            // SAFETY: by the caller.
            let empty = (place..=last).find(|place| unsafe { read::<usize>(self.table + 16 * place) == 0 });
            if let Some(empty) = empty {
                return empty;
            }
            perturb >>= PERTURB_SHIFT;
            place = place.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb) & self.mask;
        }
    }
}
