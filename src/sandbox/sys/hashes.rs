//! Another seed for the string hashes of a loaded interpreter.
//!
//! Theory of operation. CPython draws that seed when it starts, and what is forked from it has the same: sets of
//! strings would come in one order in all runs. The seed is one variable; what depends on it are the hashes
//! that strings and byte strings keep, and the places of keys in dictionaries and sets. In the launcher, where
//! nothing but our own code has run, [`find`] notes where all of them are. In a fork that has not gone on in
//! Python since, everything is still there, and [`renew`] writes a new seed, new hashes and new places.
//! With what the runs then pay for, that is some three milliseconds, most of which go into copying 2 MiB of pages.
//!
//! How they are found: memory is searched for the addresses of the types concerned. A string is one if the hash
//! that stands in it is the hash of its text, 64 bits which nothing else has by chance; freed strings
//! among them do no harm, since nothing uses that memory between the search and the renewal. A table is one
//! if every index and every key in it is consistent. Objects whose hash is made of strings' hashes, such as
//! tuples in dictionaries, are known by having another hash after the first renewal.
//!
//! That nothing was missed is checked in a child of the launcher before it serves, by `hashes.py`: every key of
//! everything that the interpreter knows of is looked up by a copy of itself.
//!
//! Layouts are those of CPython 3.11 on 64-bit machines; with any other version [`find`] fails.

mod memory;
mod tables;

use std::{
    collections::HashSet,
    ffi::{CStr, c_ulong, c_void},
    fs,
    sync::OnceLock,
};

use nix::errno::Errno;

use self::{
    memory::{Kind, Kinds, Memory, read, write},
    tables::{Keys, Set, Slot, Table},
};
use super::super::step::{StepError, io_step, step};

type Object = *mut c_void;

/// `Py_Version` of 3.11, without its micro version and release level.
const VERSION: c_ulong = 0x030B;
/// The seed: 24 bytes, of which hashes of strings use the first 16 and the XML parser the last 8.
const SEED_BYTES: usize = 24;
/// `Py_TPFLAGS_HEAPTYPE`.
const HEAP_TYPE: u64 = 1 << 9;
/// The hash of what has none.
const NONE: i64 = -1;

// Offsets of members, in bytes.
const TYPE: usize = 8;
/// `PyUnicodeObject.hash` and `PyBytesObject.ob_shash`.
const HASH: usize = 24;
/// `PyUnicodeObject.length`, `PyBytesObject.ob_size`, `PySetObject.fill`.
const SIZE: usize = 16;
const TEXT_STATE: usize = 32;
const ASCII_TEXT: usize = 48;
const OTHER_TEXT: usize = 72;
const BYTES: usize = 32;
/// What is read of every candidate.
const LEAST_OBJECT: usize = 40;
const DICT_KEYS: usize = 32;
const SET_HASH: usize = 48;
const TYPE_FLAGS: usize = 168;
const TYPE_CACHED_KEYS: usize = 872;

/// Types by what is to be done with their instances. All borrowed.
pub struct Types {
    pub texts: Vec<Object>,
    pub bytes: Vec<Object>,
    pub dicts: Vec<Object>,
    pub sets: Vec<Object>,
    /// All that there are.
    pub types: Vec<Object>,
}

type HashBytes = unsafe extern "C" fn(*const c_void, isize) -> i64;
type Hash = unsafe extern "C" fn(Object) -> i64;

/// What of the interpreter is needed.
struct Interpreter {
    seed: *mut u8,
    hash_bytes: HashBytes,
    hash: Hash,
    text: usize,
    bytes: usize,
}

/// Everything in the process that depends on the seed.
struct Found {
    interpreter: Interpreter,
    hashed: Vec<Hashed>,
    /// Frozen sets that know their hash.
    frozen: Vec<usize>,
    tables: Vec<Table>,
    /// Keys whose hash is made of others', by table.
    derived: Vec<(Table, Vec<usize>)>,
}

// SAFETY: addresses of this process, which is single-threaded (module invariant of the parent module).
unsafe impl Send for Found {}
// SAFETY: as above.
unsafe impl Sync for Found {}

static FOUND: OnceLock<Found> = OnceLock::new();

/// A string or byte string with its hash.
struct Hashed {
    /// Where the hash is.
    hash: usize,
    content: usize,
    bytes: usize,
}

/// Notes everything in this process that depends on the seed, and renews it.
///
/// # Errors
/// For an interpreter of another version, and for contents that are not understood.
pub fn find(types: &Types) -> Result<(), StepError> {
    let interpreter = step("find_hashes", || Interpreter::here().ok_or(Errno::ENOSYS))?;
    let memory = Memory::parse(&io_step("find_hashes", || fs::read_to_string("/proc/self/maps"))?);
    // SAFETY: called in the launcher, which is the interpreter's process, from the only thread.
    let found = step("find_hashes", || unsafe { Found::search(interpreter, &memory, types) })?;
    step("find_hashes", || FOUND.set(found).map_err(|_| Errno::EALREADY))
}

/// In a process forked since, before anything else is done in Python: a new random seed.
///
/// # Errors
/// If [`find`] has not succeeded, and if there are no random numbers.
pub fn renew() -> Result<(), Errno> {
    let found = FOUND.get().ok_or(Errno::ENODATA)?;
    // SAFETY: by the contract above everything is as it was found.
    unsafe { found.renew() }
}

impl Interpreter {
    fn here() -> Option<Interpreter> {
        let find = |name: &CStr| {
            // SAFETY: the default handle is always valid.
            let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
            (!symbol.is_null()).then_some(symbol)
        };
        // SAFETY: a variable of that type since 3.11, where the symbol appeared.
        let version = unsafe { *find(c"Py_Version")?.cast::<c_ulong>() };
        if version >> 16 != VERSION {
            return None;
        }
        // SAFETY: the two functions have these signatures in that version.
        unsafe {
            use std::mem::transmute;
            Some(Interpreter {
                seed: find(c"_Py_HashSecret")?.cast(),
                hash_bytes: transmute::<*mut c_void, HashBytes>(find(c"_Py_HashBytes")?),
                hash: transmute::<*mut c_void, Hash>(find(c"PyObject_Hash")?),
                text: find(c"PyUnicode_Type")? as usize,
                bytes: find(c"PyBytes_Type")? as usize,
            })
        }
    }

    /// The hash of a key that carries it: a string or byte string of the very type.
    ///
    /// # Safety
    /// The key is an object.
    unsafe fn carried(&self, key: usize) -> Option<i64> {
        // SAFETY: objects begin with a count and their type; those two types have their hash there.
        unsafe {
            let kind = read::<usize>(key + TYPE);
            (kind == self.text || kind == self.bytes).then(|| read(key + HASH))
        }
    }

    /// A string or byte string if the hash there is the content's. (The empty one's is 0 with every seed.)
    ///
    /// # Safety
    /// The members of the candidate are readable.
    unsafe fn hashed(&self, memory: &Memory, at: usize, content: usize, bytes: i64) -> Option<Hashed> {
        let length = usize::try_from(bytes).ok().filter(|length| *length > 0)?;
        // SAFETY: the content is in a readable range.
        unsafe {
            let hash = read::<i64>(at + HASH);
            let is_one = hash != NONE
                && memory.holds(content, length)
                && (self.hash_bytes)(content as *const c_void, length as isize) == hash;
            is_one.then_some(Hashed { hash: at + HASH, content, bytes: length })
        }
    }

    /// # Safety
    /// As for [`Interpreter::hashed`].
    unsafe fn text_at(&self, memory: &Memory, at: usize) -> Option<Hashed> {
        // SAFETY: by the caller; content outside of the object is checked.
        unsafe {
            let (length, state) = (read::<i64>(at + SIZE), read::<u32>(at + TEXT_STATE));
            let (width, is_compact, is_ascii) = (state >> 2 & 7, state >> 5 & 1 != 0, state >> 6 & 1 != 0);
            let is_ready = state >> 7 & 1 != 0;
            if !is_ready || !matches!(width, 1 | 2 | 4) {
                return None;
            }
            let content = match (is_compact, is_ascii) {
                (true, true) => at + ASCII_TEXT,
                (true, false) => at + OTHER_TEXT,
                // Of a subclass, which has it elsewhere.
                (false, _) if memory.holds(at, OTHER_TEXT + 8) => read(at + OTHER_TEXT),
                (false, _) => return None,
            };
            self.hashed(memory, at, content, length.checked_mul(i64::from(width))?)
        }
    }
}

impl Found {
    /// # Safety
    /// In the interpreter's process, from its only thread; `memory` is as it is now.
    unsafe fn search(interpreter: Interpreter, memory: &Memory, types: &Types) -> Result<Found, Errno> {
        let kinds = Kinds::new(types);
        let (mut hashed, mut keys, mut sets) = (Vec::new(), HashSet::new(), Vec::new());
        for (from, to) in &memory.ranges {
            // No instance is shorter, so that what is read of each is in the range.
            for at in (*from..to.saturating_sub(LEAST_OBJECT)).step_by(8) {
                // SAFETY: within a readable range; what is behind is checked against the ranges.
                unsafe {
                    match kinds.of(at) {
                        None => {}
                        Some(Kind::Text) => hashed.extend(interpreter.text_at(memory, at)),
                        Some(Kind::Bytes) => {
                            hashed.extend(interpreter.hashed(memory, at, at + BYTES, read(at + SIZE)));
                        }
                        Some(Kind::Dict) => drop(keys.insert(read::<usize>(at + DICT_KEYS))),
                        Some(Kind::Set) => sets.push(at),
                    }
                }
            }
        }
        // SAFETY: types are objects that live for ever, with these members.
        keys.extend(types.types.iter().map(|kind| *kind as usize).filter_map(|kind| unsafe {
            let has_keys = read::<u64>(kind + TYPE_FLAGS) & HEAP_TYPE != 0;
            has_keys.then(|| read::<usize>(kind + TYPE_CACHED_KEYS))
        }));
        let texts: HashSet<usize> = hashed.iter().map(|hashed| hashed.hash - HASH).collect();
        // SAFETY: every address is checked before anything behind it is read.
        unsafe {
            let is_keys = |keys: &usize| Keys::are_sound(*keys, memory, &texts, interpreter.text);
            sets.retain(|set| Set::is_sound(*set, memory));
            let frozen = sets.iter().copied().filter(|set| read::<i64>(set + SET_HASH) != NONE).collect();
            let mut tables: Vec<Table> = keys.into_iter().filter(is_keys).map(Table::Keys).collect();
            tables.extend(sets.into_iter().map(Table::Set));
            let mut found = Found { interpreter, hashed, frozen, tables, derived: Vec::new() };
            found.renew()?;
            found.derived = found.find_derived()?;
            found.renew()?;
            Ok(found)
        }
    }

    /// The keys whose hash is another than the one they were placed by, now that strings have other ones.
    ///
    /// # Safety
    /// As for [`Found::renew`].
    unsafe fn find_derived(&self) -> Result<Vec<(Table, Vec<usize>)>, Errno> {
        let mut derived = Vec::new();
        for table in &self.tables {
            let mut keys = Vec::new();
            // SAFETY: by the caller; keys of tables are live objects.
            unsafe {
                for Slot { hash, key } in table.slots() {
                    if self.interpreter.carried(key).is_some() {
                        continue;
                    }
                    match (self.interpreter.hash)(key as Object) {
                        NONE => return Err(Errno::EINVAL),
                        now if now != read::<i64>(hash) => keys.push(key),
                        _ => {}
                    }
                }
            }
            if !keys.is_empty() {
                derived.push((*table, keys));
            }
        }
        Ok(derived)
    }

    /// # Safety
    /// Everything is as it was found, and this is the process's only thread.
    unsafe fn renew(&self) -> Result<(), Errno> {
        let mut seed = [0; SEED_BYTES];
        // SAFETY: the buffer has this length; and by the caller.
        unsafe {
            let filled = libc::getrandom(seed.as_mut_ptr().cast(), SEED_BYTES, 0);
            if Errno::result(filled)? != SEED_BYTES as isize {
                return Err(Errno::EAGAIN);
            }
            std::ptr::copy_nonoverlapping(seed.as_ptr(), self.interpreter.seed, SEED_BYTES);
            for Hashed { hash, content, bytes } in &self.hashed {
                write(*hash, (self.interpreter.hash_bytes)(*content as *const c_void, *bytes as isize));
            }
            for set in &self.frozen {
                write(set + SET_HASH, NONE);
            }
            for table in &self.tables {
                self.place_anew(*table, &[])?;
            }
            for (table, keys) in &self.derived {
                self.place_anew(*table, keys)?;
            }
        }
        Ok(())
    }

    /// Places a table's keys by the hashes that they have now; those of `derived` are asked for.
    unsafe fn place_anew(&self, table: Table, derived: &[usize]) -> Result<(), Errno> {
        // SAFETY: by the caller, as for `renew`.
        unsafe {
            let hash_of = |slot: &Slot| match self.interpreter.carried(slot.key) {
                Some(hash) => Ok(hash),
                None if derived.contains(&slot.key) => match (self.interpreter.hash)(slot.key as Object) {
                    NONE => Err(Errno::EINVAL),
                    hash => Ok(hash),
                },
                None => Ok(read(slot.hash)),
            };
            match table {
                Table::Keys(at) => Keys::at(at).place_anew(hash_of),
                Table::Set(at) => Set::at(at).place_anew(hash_of),
            }
        }
    }
}
