//! A cell from the inside: its init, its runs, what they are given and what they leave.
//!
//! `init` or `init_confined` furnishes the cell; `runs` carries the job's runs out, each by `run` or
//! several by `series`; `start` makes the process, which goes on in `become_program`; `supervise` watches it.

pub mod become_program;
pub mod capture;
pub mod context;
pub mod descriptors;
pub mod init;
pub mod init_confined;
pub mod receive_job;
pub mod run;
pub mod runs;
pub mod series;
pub mod start;
pub mod supervise;
pub mod work_files;
