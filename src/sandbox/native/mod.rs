//! Native solutions: processes of this host, held in by the kernel.

pub mod cell;
pub mod launcher;
pub mod messages;
pub mod service;
pub mod walls;
