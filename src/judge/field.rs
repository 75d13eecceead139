//! The field of 2^61 - 1 elements, whose secret elements fingerprints are made with.

use std::hash::{BuildHasher, RandomState};

const PRIME: u64 = (1 << 61) - 1;

/// Two elements known to nobody.
#[derive(Debug)]
pub struct Secret {
    pub x: u64,
    pub z: u64,
}

impl Secret {
    pub fn new() -> Secret {
        let [x, z] = [0, 1].map(|which| reduced(RandomState::new().hash_one(which) >> 3));
        Secret { x, z }
    }

    /// `low + high * x + z` of two numbers below 2^56.
    #[inline]
    pub fn linear(&self, low: u64, high: u64) -> u64 {
        let product = u128::from(high) * u128::from(self.x) + u128::from(low + self.z);
        folded(product)
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
