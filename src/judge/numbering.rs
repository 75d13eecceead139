//! Byte strings by number. Exact: the hash only says where to look.

use std::hash::{BuildHasher, RandomState};

/// Numbers byte strings from 0 in the order in which they first come.
#[derive(Debug)]
pub struct Numbering<'a> {
    units: Vec<(u64, &'a [u8])>,
    /// Open addressing; a power of two of places. The upper half of the unit's hash and its number plus one in
    /// the lower; 0 is an empty place.
    places: Vec<u64>,
    /// Numbers plus one of the units of a single byte, which some outputs wholly consist of.
    single: [u32; 256],
    /// Known to nobody who could choose units that collide.
    seeds: [u64; 2],
}

const LOWER: u64 = 0xffff_ffff;

impl<'a> Numbering<'a> {
    /// With room for so many different units, before it has to grow.
    pub fn with_room_for(count: usize) -> Numbering<'a> {
        let seeds = [0, 1].map(|which| RandomState::new().hash_one(which) | 1);
        let places = (count * 2).next_power_of_two().max(1_024);
        Numbering { units: Vec::new(), places: vec![0; places], single: [0; 256], seeds }
    }

    /// The unit's number, its first or a new one.
    pub fn of(&mut self, unit: &'a [u8]) -> usize {
        if let [byte] = unit {
            let number = &mut self.single[usize::from(*byte)];
            if *number == 0 {
                self.units.push((0, unit));
                *number = number_plus_one(self.units.len());
            }
            return *number as usize - 1;
        }
        let hash = self.hash(unit);
        let mask = self.places.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let place = self.places[at];
            if place == 0 {
                break;
            }
            if place & !LOWER == hash & !LOWER {
                let number = (place & LOWER) as usize - 1;
                if self.units[number].1 == unit {
                    return number;
                }
            }
            at = (at + 1) & mask;
        }
        self.units.push((hash, unit));
        self.places[at] = hash & !LOWER | u64::from(number_plus_one(self.units.len()));
        if self.units.len() * 5 > self.places.len() * 3 {
            self.grow();
        }
        self.units.len() - 1
    }

    fn grow(&mut self) {
        // Large tables grow slower: what is not used of them costs memory that is new to the cache.
        let factor = if self.places.len() < 1 << 16 { 4 } else { 2 };
        let mask = self.places.len() * factor - 1;
        let mut places = vec![0; mask + 1];
        for (number, (hash, _)) in (1..).zip(&self.units).filter(|(_, (_, unit))| unit.len() != 1) {
            let mut at = *hash as usize & mask;
            while places[at] != 0 {
                at = (at + 1) & mask;
            }
            places[at] = hash & !LOWER | number;
        }
        self.places = places;
    }

    /// Multiplies what is unknown with what is not and folds the product, sixteen bytes at a time.
    fn hash(&self, unit: &[u8]) -> u64 {
        let [seed, other] = self.seeds;
        let fold = |left: u64, right: u64| {
            let product = u128::from(left) * u128::from(right);
            product as u64 ^ (product >> 64) as u64
        };
        let eight = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        let (mut rest, mut hash) = (unit, seed ^ unit.len() as u64);
        while rest.len() > 16 {
            hash = fold(eight(&rest[..8]) ^ hash, eight(&rest[8..16]) ^ other);
            rest = &rest[16..];
        }
        // The ends may overlap: the length is in the hash already.
        let (low, high) = match rest.len() {
            8.. => (eight(&rest[..8]), eight(&rest[rest.len() - 8..])),
            length @ 4.. => {
                let four =
                    |bytes: &[u8]| u64::from(u32::from_le_bytes(bytes.try_into().expect("four bytes")));
                (four(&rest[..4]), four(&rest[length - 4..]))
            }
            _ => (rest.iter().fold(0, |packed, byte| packed << 8 | u64::from(*byte)), 0),
        };
        fold(fold(low ^ hash, high ^ other), seed)
    }
}

/// Outputs have less than 2^32 units: their bytes are bounded.
fn number_plus_one(count: usize) -> u32 {
    u32::try_from(count).expect("an output is smaller than 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_strings_have_one_number() {
        let words: Vec<String> =
            (0..100_000).map(|number| "ab".repeat(number % 20) + &number.to_string()).collect();
        let mut numbering = Numbering::with_room_for(0);
        for _ in 0..2 {
            for (number, word) in words.iter().enumerate() {
                assert_eq!(numbering.of(word.as_bytes()), number);
            }
        }
        assert_eq!(numbering.of(b""), words.len());
    }
}
