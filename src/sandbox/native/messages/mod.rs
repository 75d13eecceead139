//! What travels between the service and its launchers, slots and cells.

pub mod job_frame;
pub mod pass_files;
pub mod protocol;
pub mod set_up;
pub mod step;
