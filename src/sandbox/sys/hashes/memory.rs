//! The process's own memory, where objects are looked for.

use std::{collections::HashMap, ffi::c_void};

use super::{TYPE, Types};

/// More references than this nothing has; a larger number is something else.
const MOST_REFERENCES: i64 = 1 << 40;

/// Memory that may hold objects.
pub struct Memory {
    /// First address and the one behind the last, in ascending order.
    pub ranges: Vec<(usize, usize)>,
}

impl Memory {
    /// From `/proc/self/maps`: what is private, readable and writable, but for the stack.
    pub fn parse(maps: &str) -> Memory {
        let range = |line: &str| {
            let (addresses, rest) = line.split_once(' ')?;
            let (from, to) = addresses.split_once('-')?;
            let address = |text| usize::from_str_radix(text, 16).ok();
            let is_wanted = rest.starts_with("rw-p") && !rest.ends_with("[stack]");
            is_wanted.then_some((address(from)?, address(to)?))
        };
        Memory { ranges: maps.lines().filter_map(range).collect() }
    }

    pub fn holds(&self, at: usize, bytes: usize) -> bool {
        let behind = self.ranges.partition_point(|(from, _)| *from <= at);
        let Some((_, to)) = behind.checked_sub(1).map(|index| self.ranges[index]) else { return false };
        at.checked_add(bytes).is_some_and(|end| end <= to)
    }
}

/// What a type's instances are.
#[derive(Clone, Copy)]
pub enum Kind {
    Text,
    Bytes,
    Dict,
    Set,
}

/// Which types are of which kind.
pub struct Kinds {
    kinds: HashMap<usize, Kind>,
    lowest: usize,
    highest: usize,
}

impl Kinds {
    pub fn new(types: &Types) -> Kinds {
        let mut kinds = HashMap::new();
        for (list, kind) in [
            (&types.texts, Kind::Text),
            (&types.bytes, Kind::Bytes),
            (&types.dicts, Kind::Dict),
            (&types.sets, Kind::Set),
        ] {
            let address = |object: &*mut c_void| *object as usize;
            kinds.extend(list.iter().map(|object| (address(object), kind)));
        }
        let lowest = kinds.keys().min().copied().unwrap_or(usize::MAX);
        let highest = kinds.keys().max().copied().unwrap_or(0);
        Kinds { kinds, lowest, highest }
    }

    /// Of what may be an object there: a count of references, then its type.
    ///
    /// # Safety
    /// Two words are readable there.
    pub unsafe fn of(&self, at: usize) -> Option<Kind> {
        // SAFETY: by the caller.
        let (references, kind) = unsafe { (read::<i64>(at), read::<usize>(at + TYPE)) };
        let is_possible =
            (self.lowest..=self.highest).contains(&kind) && (1..MOST_REFERENCES).contains(&references);
        if is_possible { self.kinds.get(&kind).copied() } else { None }
    }
}

/// # Safety
/// Such a value is there.
pub unsafe fn read<T: Copy>(at: usize) -> T {
    // SAFETY: by the caller. What is looked at is aligned; where that is only supposed, this does not need it.
    unsafe { (at as *const T).read_unaligned() }
}

/// # Safety
/// Such a value is there, and nothing in Rust refers to it.
pub unsafe fn write<T>(at: usize, value: T) {
    // SAFETY: by the caller.
    unsafe { (at as *mut T).write_unaligned(value) }
}

#[cfg(test)]
mod tests {
    use super::Memory;

    #[test]
    fn memory_is_what_objects_may_be_in() {
        let memory = Memory::parse(
            "00001000-00002000 r--p 00000000 00:00 0 /usr/bin/python3.11\n\
             00002000-00003000 rw-p 00000000 00:00 0 [heap]\n\
             00005000-00006000 rw-s 00000000 00:00 0 \n\
             00007000-00009000 rw-p 00000000 00:00 0 \n\
             0000a000-0000b000 rw-p 00000000 00:00 0 [stack]\n",
        );
        assert_eq!(memory.ranges, [(0x2000, 0x3000), (0x7000, 0x9000)]);
        assert!(memory.holds(0x2000, 0x1000) && memory.holds(0x8fff, 1));
        assert!(!memory.holds(0x2000, 0x1001) && !memory.holds(0x1000, 1) && !memory.holds(0x9000, 1));
        assert!(!memory.holds(0, 1) && !memory.holds(0x8000, usize::MAX));
    }
}
