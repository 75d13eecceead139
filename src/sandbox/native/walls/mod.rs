//! What holds a cell in: one guarantee's mechanism a file. `src/sandbox/guarantee.rs` says which.
//!
//! | file | what |
//! |---|---|
//! | `enclosure` | by the kind of cell: where a run stands, who lives, how it is ended |
//! | `namespaces`, `rootfs` | a cell with namespaces, and the file tree that it sees |
//! | `confined` | a cell without: `landlock`, `scratch` directories, `subreaper` |
//! | `seccomp` | the filter of system calls |
//! | `call_gate`, `locks` | calls that init is asked for: forks and locks on files |
//! | `meter` | what a run uses: of a `cgroup`, or as `usage` sees it in the `processes` |
//! | `rlimits` | what the kernel bounds for each process |

pub mod call_gate;
pub mod cgroup;
pub mod confined;
pub mod enclosure;
pub mod landlock;
pub mod locks;
pub mod meter;
pub mod namespaces;
pub mod processes;
pub mod rlimits;
pub mod rootfs;
pub mod scratch;
pub mod seccomp;
pub mod subreaper;
pub mod usage;
