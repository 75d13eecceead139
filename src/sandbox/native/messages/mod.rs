//! What travels between the service and its launchers, slots and cells.

pub mod frames;
pub mod job_frame;
pub mod launcher_setup;
pub mod link_ends;
pub mod pass_files;
pub mod set_up;
pub mod slot_messages;
pub mod step;
