//! The field of 2^61 - 1 elements, whose secret elements fingerprints are made with.

use std::hash::{BuildHasher, RandomState};

const PRIME: u64 = (1 << 61) - 1;

/// Two elements known to nobody.
#[derive(Debug, Clone, Copy)]
pub struct Secret {
    pub x: u64,
    pub z: u64,
}

impl Secret {
    pub fn new() -> Secret {
        let [x, z] = [0, 1].map(|which| reduced(RandomState::new().hash_one(which) >> 3));
        Secret { x, z }
    }
}

/// The number below the prime that a number below twice the prime is.
#[inline]
pub fn reduced(number: u64) -> u64 {
    number.min(number.wrapping_sub(PRIME))
}

#[inline]
pub fn times(left: u64, right: u64) -> u64 {
    folded(u128::from(left) * u128::from(right))
}

/// What a number below 2^121 is in the field.
#[inline]
fn folded(number: u128) -> u64 {
    reduced((number as u64 & PRIME) + (number >> 61) as u64)
}

/// The polynomials at `x` of a unit's length, which comes first, and its bytes.
#[inline]
pub fn fingerprints(unit: &[u8], secrets: &[Secret; 2]) -> [u64; 2] {
    let mut numbers = [unit.len() as u64 + 1; 2];
    for_each_part(unit, |bytes| {
        for (number, secret) in numbers.iter_mut().zip(secrets) {
            *number = reduced(times(*number, secret.x) + bytes);
        }
    });
    numbers
}

/// Seven bytes after the other as a number.
fn for_each_part(unit: &[u8], mut take: impl FnMut(u64)) {
    let mut rest = unit;
    while let Some(eight) = rest.first_chunk::<8>() {
        take(u64::from_le_bytes(*eight) & ((1 << 56) - 1));
        rest = &rest[7..];
    }
    if !rest.is_empty() {
        take(up_to_seven(rest));
    }
}

/// One to seven bytes as a number, in loads that overlap.
#[inline]
pub fn up_to_seven(bytes: &[u8]) -> u64 {
    match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            let [first, last] = [first, last].map(|four| u64::from(u32::from_le_bytes(*four)));
            first | last << (8 * (bytes.len() - 4))
        }
        _ => {
            let byte = |at: usize| u64::from(bytes[at]) << (8 * at);
            byte(0) | byte(bytes.len() / 2) | byte(bytes.len() - 1)
        }
    }
}
