//! The processes that make cells: guard, launcher and slot.

pub mod confined;
pub mod rehearsal;
pub mod role;
pub mod slot_loop;
