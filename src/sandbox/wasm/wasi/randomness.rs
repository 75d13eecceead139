//! A run's random bytes.

use std::{fs::File, io::Read};

use super::abi::Errno;

/// Where a run's random bytes come from.
#[derive(Debug)]
pub enum Randomness {
    Host,
    /// The same bytes in every run.
    Seeded(u64),
}

impl Randomness {
    pub fn fill(&mut self, into: &mut [u8]) -> Result<(), Errno> {
        match self {
            Randomness::Host => File::open("/dev/urandom")
                .and_then(|mut source| source.read_exact(into))
                .map_err(|_| Errno::Io),
            Randomness::Seeded(state) => {
                for part in into.chunks_mut(8) {
                    // SplitMix64: the same on every machine, and of no use as a secret.
                    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                    let mut word = *state;
                    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                    part.copy_from_slice(&(word ^ (word >> 31)).to_le_bytes()[..part.len()]);
                }
                Ok(())
            }
        }
    }
}
