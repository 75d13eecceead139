//! Units of text as a multiset or a set, by sorting: exact, and quick for the short ones that outputs
//! mostly consist of, since numbers sort several times as fast as slices.

use std::cmp::Ordering;

/// A multiset of byte strings, in an order of its own.
#[derive(Debug)]
pub struct Units<'a> {
    /// How often each single byte comes.
    single: [usize; 256],
    empty: usize,
    /// Two to seven bytes, packed into a number with their length.
    short: Vec<u64>,
    /// Up to fifteen bytes, likewise.
    medium: Vec<u128>,
    /// Longer ones, behind eight of their bytes as a number, which decides most comparisons.
    long: Vec<(u64, &'a [u8])>,
}

/// A unit that one side has more often.
pub enum Difference {
    Extra(Vec<u8>),
    Missing(Vec<u8>),
}

impl<'a> Units<'a> {
    pub fn of(units: impl Iterator<Item = &'a [u8]>) -> Units<'a> {
        let (mut short, mut medium, mut long) = (Vec::new(), Vec::new(), Vec::new());
        let (mut single, mut empty) = ([0; 256], 0);
        for unit in units {
            match unit.len() {
                0 => empty += 1,
                1 => single[usize::from(unit[0])] += 1,
                length @ 2..8 => {
                    let bytes = unit.iter().fold(0, |packed, byte| packed << 8 | u64::from(*byte));
                    short.push(bytes << (64 - 8 * length) | length as u64);
                }
                length @ 8..16 => {
                    let bytes = unit.iter().fold(0, |packed, byte| packed << 8 | u128::from(*byte));
                    medium.push(bytes << (128 - 8 * length) | length as u128);
                }
                _ => long.push((0, unit)),
            }
        }
        let short = radix_sorted(short);
        medium.sort_unstable();
        sort_long(&mut long);
        Units { single, empty, short, medium, long }
    }

    /// The same as a set.
    pub fn distinct(mut self) -> Units<'a> {
        self.single.iter_mut().for_each(|count| *count = (*count).min(1));
        self.empty = self.empty.min(1);
        self.short.dedup();
        self.medium.dedup();
        self.long.dedup();
        self
    }

    /// The first difference to what is expected, if there is one.
    pub fn difference(&self, expected: &Units<'_>) -> Option<Difference> {
        let counts = self.single.iter().zip(&expected.single).enumerate();
        let mut single = counts.filter(|(_, (left, right))| left != right);
        if let Some((byte, (left, right))) = single.next() {
            let unit = vec![byte as u8];
            return Some(if left > right { Difference::Extra(unit) } else { Difference::Missing(unit) });
        }
        let unpacked = |bytes: &[u8]| bytes[..usize::from(bytes[bytes.len() - 1])].to_vec();
        let (short, medium, long) = (&expected.short, &expected.medium, &expected.long);
        first_difference(&self.short, short, Ord::cmp, |packed| unpacked(&packed.to_be_bytes()))
            .or_else(|| {
                first_difference(&self.medium, medium, Ord::cmp, |packed| unpacked(&packed.to_be_bytes()))
            })
            // The numbers before them are each side's own; the order is that of the bytes on both.
            .or_else(|| {
                first_difference(&self.long, long, |left, right| left.1.cmp(right.1), |unit| unit.1.to_vec())
            })
            .or_else(|| match self.empty.cmp(&expected.empty) {
                Ordering::Equal => None,
                Ordering::Greater => Some(Difference::Extra(Vec::new())),
                Ordering::Less => Some(Difference::Missing(Vec::new())),
            })
    }
}

/// Sorts by one byte after the other, the last first; bytes that are the same everywhere cost nothing.
fn radix_sorted(mut keys: Vec<u64>) -> Vec<u64> {
    // Fewer are sorted quicker by comparing them.
    if keys.len() < 2_000 {
        keys.sort_unstable();
        return keys;
    }
    let digit = |key: u64, place: usize| usize::from((key >> (8 * place)) as u8);
    let mut counts = vec![[0_usize; 256]; 8];
    for key in &keys {
        for (place, counts) in counts.iter_mut().enumerate() {
            counts[digit(*key, place)] += 1;
        }
    }
    let mut sorted = vec![0; keys.len()];
    for (place, counts) in counts.iter_mut().enumerate() {
        if counts[digit(keys[0], place)] == keys.len() {
            continue;
        }
        let mut next = 0;
        for count in counts.iter_mut() {
            next += std::mem::replace(count, next);
        }
        for key in &keys {
            let position = &mut counts[digit(*key, place)];
            sorted[*position] = *key;
            *position += 1;
        }
        std::mem::swap(&mut keys, &mut sorted);
    }
    keys
}

/// Sorts long units. What all of them begin with (`Case #`) says nothing and is not looked at.
fn sort_long(units: &mut [(u64, &[u8])]) {
    let Some((_, first)) = units.first() else { return };
    let shared = units.iter().fold(first.len(), |shared, (_, unit)| {
        let both = first[..shared].iter().zip(*unit);
        both.take_while(|(left, right)| left == right).count()
    });
    for (key, unit) in units.iter_mut() {
        let rest = &unit[shared..];
        let mut bytes = [0; 8];
        let length = rest.len().min(8);
        bytes[..length].copy_from_slice(&rest[..length]);
        *key = u64::from_be_bytes(bytes);
    }
    units.sort_unstable();
}

fn first_difference<T>(
    actual: &[T],
    expected: &[T],
    order: impl Fn(&T, &T) -> Ordering,
    bytes: impl Fn(&T) -> Vec<u8>,
) -> Option<Difference> {
    let same = actual.iter().zip(expected).take_while(|(left, right)| order(left, right).is_eq()).count();
    // Both are sorted: of the first two that differ, the smaller one is missing on the other side.
    match (actual.get(same), expected.get(same)) {
        (None, None) => None,
        (Some(extra), Some(missing)) if order(extra, missing).is_lt() => {
            Some(Difference::Extra(bytes(extra)))
        }
        (Some(extra), None) => Some(Difference::Extra(bytes(extra))),
        (_, Some(missing)) => Some(Difference::Missing(bytes(missing))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beside the plain way: sorted slices.
    #[test]
    fn agrees_with_sorting_the_slices() {
        let mut state = 1_u64;
        let mut below = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        for (count, longest) in [(3, 3), (50, 20), (5_000, 3), (5_000, 20)] {
            for _ in 0..20 {
                let mut draw = |count: u64| -> Vec<Vec<u8>> {
                    let mut unit = || {
                        let length = below(longest);
                        (0..length).map(|_| b"\0ab"[below(3) as usize]).collect()
                    };
                    (0..count).map(|_| unit()).collect()
                };
                let left = draw(count);
                let mut right = if count == 3 { draw(3) } else { left.clone() };
                right.reverse();
                if count > 3 {
                    let at = below(count) as usize;
                    right[at].extend(if below(2) == 0 { &b"a"[..] } else { b"" });
                }
                let sorted = |units: &[Vec<u8>]| {
                    let mut sorted = units.to_vec();
                    sorted.sort();
                    sorted
                };
                let units = |units| Units::of(<[Vec<u8>]>::iter(units).map(Vec::as_slice));
                let difference = units(&left).difference(&units(&right));
                assert_eq!(difference.is_none(), sorted(&left) == sorted(&right));
                let count = |units: &[Vec<u8>], unit: &[u8]| units.iter().filter(|one| *one == unit).count();
                match difference {
                    None => {}
                    Some(Difference::Extra(unit)) => assert!(count(&left, &unit) > count(&right, &unit)),
                    Some(Difference::Missing(unit)) => assert!(count(&left, &unit) < count(&right, &unit)),
                }
                let set =
                    |units: &[Vec<u8>]| units.iter().cloned().collect::<std::collections::BTreeSet<_>>();
                let as_sets = units(&left).distinct().difference(&units(&right).distinct());
                assert_eq!(as_sets.is_none(), set(&left) == set(&right));
            }
        }
    }

    #[test]
    fn lines_that_begin_alike_are_told_apart() {
        let lines: Vec<String> = (0..3_000).map(|number| format!("Case #{number}: yes")).collect();
        let reversed: Vec<String> = lines.iter().rev().cloned().collect();
        let check = |left: &[String], right: &[String], extra: Option<&str>, missing: Option<&str>| {
            let [left, right] = [left, right].map(|lines| Units::of(lines.iter().map(String::as_bytes)));
            let found = match left.difference(&right) {
                None => (None, None),
                Some(Difference::Extra(unit)) => (Some(unit), None),
                Some(Difference::Missing(unit)) => (None, Some(unit)),
            };
            let bytes = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
            assert_eq!(found, (bytes(extra), bytes(missing)));
        };
        check(&lines, &reversed, None, None);
        check(&lines, &reversed[1..], Some("Case #2999: yes"), None);
        check(&lines[1..], &reversed, None, Some("Case #0: yes"));
    }
}
