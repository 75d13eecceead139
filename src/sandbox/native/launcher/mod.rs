//! The processes that make cells: guard, launcher and slot.
//!
//! `role` begins them all: `namespaces` or `confined` is guard and launcher; `slots` (or `confined`) makes
//! cells, by `slot_loop`. `warm` and `python_module` are a launcher inside an interpreter.

pub mod confined;
pub mod namespaces;
pub mod python_module;
pub mod rehearsal;
pub mod role;
pub mod slot_loop;
pub mod slots;
pub mod warm;
