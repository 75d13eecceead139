//! Compiled modules of solutions, by their content: a solution that comes again, or whose tests take several
//! cells, is compiled once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use super::{engine::Metering, image::sha256_hex, run::Prepared};
use crate::sandbox::Outcome;

/// Room for modules, as bytes of WebAssembly: their machine code takes three to five times as much.
const MOST_BYTES: usize = 32 << 20;

/// What is known of a module's bytes: the module ready for runs, or the outcome of every run of one that is none.
pub type Module = Result<Arc<Prepared>, Box<Outcome>>;

/// The bytes' digest, whose they are, what ends a run that computes for too long.
type Key = (String, bool, Metering);

#[derive(Debug, Default)]
pub struct Modules {
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    entries: HashMap<Key, Entry>,
    bytes: usize,
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    module: Arc<OnceLock<Module>>,
    bytes: usize,
    last_use: u64,
}

impl Modules {
    /// The module of these bytes, compiled by whoever asks for it first; others wait for it.
    /// `is_solution`: whether a toolchain of ours made it.
    pub fn get(
        &self,
        bytes: &[u8],
        is_solution: bool,
        metering: Metering,
        compile: impl FnOnce() -> Module,
    ) -> Module {
        let module = self.entry((sha256_hex(bytes), is_solution, metering), bytes.len());
        module.get_or_init(compile).clone()
    }

    /// The least recently used give way; a cell that runs one keeps it.
    fn entry(&self, key: Key, bytes: usize) -> Arc<OnceLock<Module>> {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.uses += 1;
        let last_use = shelf.uses;
        if let Some(entry) = shelf.entries.get_mut(&key) {
            entry.last_use = last_use;
            return Arc::clone(&entry.module);
        }
        shelf.bytes += bytes;
        while shelf.bytes > MOST_BYTES {
            let oldest =
                shelf.entries.iter().min_by_key(|(_, entry)| entry.last_use).map(|(key, _)| key.clone());
            let Some(entry) = oldest.and_then(|key| shelf.entries.remove(&key)) else { break };
            shelf.bytes -= entry.bytes;
        }
        let module = Arc::default();
        shelf.entries.insert(key, Entry { module: Arc::clone(&module), bytes, last_use });
        module
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::End;

    #[test]
    fn modules_are_compiled_once_and_give_way_to_newer_ones() {
        let (modules, compiled) = (Modules::default(), std::cell::Cell::new(0));
        let ask = |bytes: &[u8]| {
            let outcome = modules.get(bytes, false, Metering::Clock, || {
                compiled.set(compiled.get() + 1);
                Err(Box::new(Outcome::silent(End::Exited { code: 1 }, None)))
            });
            assert!(outcome.is_err());
        };
        let large = vec![1; MOST_BYTES];
        ask(b"a");
        ask(b"a");
        assert_eq!(compiled.get(), 1);
        // It takes all the room.
        ask(&large);
        ask(b"a");
        assert_eq!(compiled.get(), 3);
    }
}
