//! In a cell: its init, one run after the other, and the way from a forked child to the program.

pub mod become_program;
pub mod init;
pub mod run;
pub mod series;
pub mod supervise;
pub mod work_files;
