//! Units of text as multisets, without sorting or storing them.
//!
//! Each side is reduced to counts of its units of one byte and, for the others, to fingerprints: a unit is a
//! number, the polynomial of its length and bytes at a secret point `x` of the field of 2^61 - 1 elements, and a
//! multiset the product of `z` plus each of them, `z` secret too. Equal multisets have equal products. Different
//! ones of `n` bytes have equal products for at most `n` of 2^61 choices of the secrets, whatever the bytes are;
//! of two independent pairs of secrets, drawn anew for each comparison, both would have to be such: for outputs
//! of 64 MiB that is one comparison in 2^70. What differs by its product differs for certain, and is then looked up.

use std::cmp::Ordering;

use super::fingerprint_field::{Secret, fingerprints, reduced, times, up_to_seven};

/// A unit that one side has more often.
pub enum Difference {
    Extra(Vec<u8>),
    Missing(Vec<u8>),
}

/// A unit that what was printed has more often, or less often, than what is expected: always the same one of
/// several.
pub fn difference<'a>(
    actual: impl Iterator<Item = &'a [u8]> + Clone,
    expected: impl Iterator<Item = &'a [u8]> + Clone,
) -> Option<Difference> {
    let secrets = [Secret::new(), Secret::new()];
    let (left, right) = (Multiset::of(actual.clone(), &secrets), Multiset::of(expected.clone(), &secrets));
    let counts = left.single.iter().zip(&right.single).enumerate();
    if let Some((byte, (left, right))) = counts.into_iter().find(|(_, (left, right))| left != right) {
        let unit = vec![byte as u8];
        return Some(if left > right { Difference::Extra(unit) } else { Difference::Missing(unit) });
    }
    let mut products = left.products.iter().zip(&right.products);
    let part = products.position(|(left, right)| left != right)?;
    first_difference(sorted_part(actual, part), sorted_part(expected, part))
}

/// Parts that the units of more or less than one byte are divided into, so that a difference is soon found.
const PARTS: usize = 256;

/// One side's multiset.
struct Multiset {
    /// How often each single byte comes.
    single: [usize; 256],
    products: [[u64; 2]; PARTS],
}

impl Multiset {
    fn of<'a>(units: impl Iterator<Item = &'a [u8]>, secrets: &[Secret; 2]) -> Multiset {
        let mut side = Multiset { single: [0; 256], products: [[1; 2]; PARTS] };
        let short: [[u64; 2]; 8] = std::array::from_fn(|length| {
            [0, 1].map(|which: usize| times(length as u64 + 1, secrets[which].x))
        });
        for unit in units {
            if let [byte] = unit {
                side.single[usize::from(*byte)] += 1;
                continue;
            }
            let numbers = match unit.len() {
                // Of one part, most often.
                length @ 2..=7 => {
                    let bytes = up_to_seven(unit);
                    short[length].map(|begun| reduced(begun + bytes))
                }
                _ => fingerprints(unit, secrets),
            };
            let products = &mut side.products[part_of(unit)];
            for ((product, number), secret) in products.iter_mut().zip(numbers).zip(secrets) {
                *product = times(*product, reduced(number + secret.z));
            }
        }
        side
    }
}

/// Which part a unit belongs to: chosen by nothing secret, so that the same difference is told every time.
fn part_of(unit: &[u8]) -> usize {
    let end = &unit[unit.len().saturating_sub(7)..];
    let mixed = if end.is_empty() { 0 } else { up_to_seven(end).wrapping_mul(0x9e37_79b9_7f4a_7c15) };
    (mixed >> 56) as usize
}

fn sorted_part<'a>(units: impl Iterator<Item = &'a [u8]>, part: usize) -> Vec<&'a [u8]> {
    let mut units: Vec<&[u8]> = units.filter(|unit| unit.len() != 1 && part_of(unit) == part).collect();
    units.sort_unstable();
    units
}

fn first_difference(actual: Vec<&[u8]>, expected: Vec<&[u8]>) -> Option<Difference> {
    let same = actual.iter().zip(&expected).take_while(|(left, right)| left == right).count();
    // Both are sorted: of the first two that differ, the smaller one is missing on the other side.
    match (actual.get(same), expected.get(same)) {
        (None, None) => None,
        (Some(extra), Some(missing)) if extra.cmp(missing) == Ordering::Less => {
            Some(Difference::Extra(extra.to_vec()))
        }
        (Some(extra), None) => Some(Difference::Extra(extra.to_vec())),
        (_, Some(missing)) => Some(Difference::Missing(missing.to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Beside the plain way: sorted slices.
    #[test]
    fn agrees_with_sorting_the_slices() {
        let mut random = Random(1);
        let mut below = |bound: usize| random.below(bound);
        for (count, longest) in [(3, 3), (50, 20), (5_000, 3), (5_000, 20)] {
            for _ in 0..20 {
                let mut draw = |count: usize| -> Vec<Vec<u8>> {
                    let mut unit = || {
                        let length = below(longest);
                        (0..length).map(|_| b"\0ab"[below(3)]).collect()
                    };
                    (0..count).map(|_| unit()).collect()
                };
                let left = draw(count);
                let mut right = if count == 3 { draw(3) } else { left.clone() };
                right.reverse();
                if count > 3 {
                    let at = below(count);
                    right[at].extend(if below(2) == 0 { &b"a"[..] } else { b"" });
                }
                let sorted = |units: &[Vec<u8>]| {
                    let mut sorted = units.to_vec();
                    sorted.sort();
                    sorted
                };
                let units = |units| <[Vec<u8>]>::iter(units).map(Vec::as_slice);
                let difference = difference(units(&left), units(&right));
                assert_eq!(difference.is_none(), sorted(&left) == sorted(&right));
                let count = |units: &[Vec<u8>], unit: &[u8]| units.iter().filter(|one| *one == unit).count();
                match difference {
                    None => {}
                    Some(Difference::Extra(unit)) => assert!(count(&left, &unit) > count(&right, &unit)),
                    Some(Difference::Missing(unit)) => assert!(count(&left, &unit) < count(&right, &unit)),
                }
            }
        }
    }

    #[test]
    fn lines_that_begin_alike_are_told_apart() {
        let lines: Vec<String> = (0..3_000).map(|number| format!("Case #{number}: yes")).collect();
        let reversed: Vec<String> = lines.iter().rev().cloned().collect();
        let check = |left: &[String], right: &[String], extra: Option<&str>, missing: Option<&str>| {
            let units = |lines| <[String]>::iter(lines).map(String::as_bytes);
            let found = match difference(units(left), units(right)) {
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

    #[test]
    fn units_are_told_apart_by_length_content_and_number() {
        let units: Vec<Vec<u8>> = (0..40).flat_map(|length| [vec![0; length], vec![b'a'; length]]).collect();
        let fingerprint = |units: &[&[u8]]| difference(units.iter().copied(), std::iter::empty()).is_some();
        assert!(fingerprint(&[b"ab"]));
        for (index, unit) in units.iter().enumerate() {
            for other in &units[index + 1..] {
                let differs = difference([unit.as_slice()].into_iter(), [other.as_slice()].into_iter());
                assert_eq!(differs.is_some(), unit != other, "{unit:?} {other:?}");
            }
            let [once, twice] = [1, 2].map(|count| std::iter::repeat_n(unit.as_slice(), count));
            assert!(difference(once, twice).is_some());
        }
    }

    /// Sums of these are equal, and their products are not.
    #[test]
    fn parts_that_add_up_alike_differ() {
        let check = |left: [&[u8]; 2], right: [&[u8]; 2]| {
            assert!(difference(left.into_iter(), right.into_iter()).is_some());
        };
        check([b"aaa", b"ccc"], [b"bbb", b"bbb"]);
        check([b"ab", b"cd"], [b"ad", b"cb"]);
    }
}
