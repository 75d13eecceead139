//! The service's side: launchers started and replaced, slots lent, outcomes read.

pub mod cell_run;
pub mod launcher_process;
pub mod linked;
pub mod sandbox;
pub mod slot_pool;
pub mod start_error;
