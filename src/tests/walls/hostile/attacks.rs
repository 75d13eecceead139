//! Every program in `test-cases/hostile`: what it is given, and which verdicts show it contained.

use proofbox::{limits::Limits, verdict::Verdict};

use crate::support::bare::{ALONE, Bare};

/// What a program gets on standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// The same text everywhere; in a cell one test for each.
    Inputs(&'static [&'static str]),
    /// The number of a process outside.
    Victim,
    /// A readable file outside whose content begins with SECRET.
    Secret,
    /// A port where somebody listens, and an abstract socket.
    Network,
    /// A file outside to append to.
    Mark,
    /// A file of the image that somebody outside has locked.
    Locks,
}

/// One program of `test-cases/hostile`.
pub struct Attack {
    pub file: &'static str,
    pub aim: Aim,
    pub limits: Limits,
    /// The verdicts that show it contained: `Accepted` is "it said so itself".
    pub verdicts: &'static [Verdict],
    /// How it is shown to work; or why it has no such half.
    pub bare: Result<Bare, &'static str>,
}

const LIMITS: Limits = Limits {
    cpu_ms: 1_500,
    wall_ms: 12_000,
    memory_bytes: 256 << 20,
    output_bytes: 1 << 20,
    processes: 32,
    file_bytes: 32 << 20,
};

const SAID: &[Verdict] = &[Verdict::Accepted];
const TIME: &[Verdict] = &[Verdict::TimeLimit];
const MEMORY: &[Verdict] = &[Verdict::MemoryLimit];
/// Where the kernel refuses before the limit is reached, or the limit ends it first.
const MEMORY_OR_SAID: &[Verdict] = &[Verdict::MemoryLimit, Verdict::Accepted];
/// Where the scratch space is held to its size by looking, the run that is over it is ended.
const SAID_OR_FULL: &[Verdict] = &[Verdict::Accepted, Verdict::OutputLimit];
/// An engine that is refused memory or a thread says so, or ends itself, or is ended.
const REFUSED_OR_ENDED: &[Verdict] = &[Verdict::Accepted, Verdict::MemoryLimit, Verdict::RuntimeError];
const OUTSIDE: Bare = Bare { alone: false, ..ALONE };
const TWICE: Bare = Bare { times: 2, ..ALONE };
const LINGERS: Bare = Bare { lingers: true, ..ALONE };

pub fn all() -> Vec<Attack> {
    let said =
        |file, limits| Attack { file, aim: Aim::Inputs(&[""]), limits, verdicts: SAID, bare: Ok(ALONE) };
    let attack = |file, verdicts| Attack { verdicts, ..said(file, LIMITS) };
    let aimed = |file, aim| Attack { aim, bare: Ok(OUTSIDE), ..said(file, LIMITS) };
    let runs = |file, inputs, bare| Attack { aim: Aim::Inputs(inputs), bare, ..said(file, LIMITS) };
    let long = Limits { cpu_ms: 6_000, ..LIMITS };
    let quick = Limits { cpu_ms: 700, ..LIMITS };
    vec![
        // Processes.
        said("fork_bomb.py", LIMITS),
        attack("fork_tree.py", &[Verdict::Accepted, Verdict::RuntimeError]),
        said("thread_bomb.py", LIMITS),
        runs(
            "exhaust_and_end.py",
            &["", "", ""],
            Err("its harm is to the runs after it, which only a cell has"),
        ),
        // Memory.
        attack("memory_heap.py", MEMORY),
        attack("memory_children.py", MEMORY_OR_SAID),
        attack("memory_tmpfs.py", MEMORY_OR_SAID),
        attack("memory_memfd.py", MEMORY_OR_SAID),
        attack("memory_small_process.c", MEMORY_OR_SAID),
        attack("memory_hidden_shared.py", MEMORY_OR_SAID),
        attack("hide_from_watch.py", MEMORY),
        attack("memory_execute_only.py", MEMORY_OR_SAID),
        attack("memory_kernel_buffers.py", MEMORY_OR_SAID),
        Attack {
            bare: Ok(Bare { before: "prlimit --stack=unlimited", ..ALONE }),
            ..attack("memory_stack.c", &[Verdict::MemoryLimit, Verdict::RuntimeError])
        },
        attack("memory_mmap.c", MEMORY_OR_SAID),
        Attack {
            limits: Limits { memory_bytes: 64 << 20, ..long },
            verdicts: MEMORY,
            ..runs(
                "memory_page_cache.py",
                &["cache 48", "cache 48", "cache 48", "cache 48", "hold 160"],
                Ok(ALONE),
            )
        },
        // Files and output.
        said("open_files.py", LIMITS),
        Attack { limits: long, ..attack("inodes.py", SAID_OR_FULL) },
        attack("huge_file.py", MEMORY_OR_SAID),
        attack("output_flood.py", &[Verdict::OutputLimit]),
        said("core_dump.py", LIMITS),
        // Time.
        Attack {
            limits: Limits { wall_ms: 1_000, ..LIMITS },
            bare: Ok(Bare { before: "timeout 30", ..ALONE }),
            ..attack("sleep_forever.py", TIME)
        },
        Attack { limits: quick, ..attack("burn_ignoring_signals.py", TIME) },
        Attack { limits: quick, ..attack("burn_in_relays.py", TIME) },
        Attack { limits: quick, ..attack("burn_in_children.py", TIME) },
        Attack { limits: quick, ..attack("burn_unreaped.py", TIME) },
        Attack {
            bare: Ok(Bare { before: "prlimit --nofile=512:512 --cpu=50:50 --core=0:0", ..ALONE }),
            ..said("limits_and_priority.c", LIMITS)
        },
        // No survivors.
        Attack {
            // Also five times as long, on an emulated machine, it is over before the daemon speaks.
            limits: Limits { wall_ms: 300, ..LIMITS },
            bare: Ok(LINGERS),
            ..attack("daemon.py", TIME)
        },
        Attack { bare: Ok(LINGERS), ..aimed("daemon_closed_pipes.py", Aim::Mark) },
        runs("leave_for_next.py", &["", ""], Ok(TWICE)),
        runs("marks_in_metadata.py", &["", ""], Ok(TWICE)),
        runs("survive_into_next.py", &["", ""], Ok(TWICE)),
        Attack { limits: long, verdicts: SAID_OR_FULL, ..runs("ruin_scratch.py", &["", ""], Ok(TWICE)) },
        // Other processes.
        aimed("kill_victim.py", Aim::Victim),
        Attack { bare: Ok(OUTSIDE), ..said("signal_sweep.py", LIMITS) },
        Attack {
            verdicts: &[Verdict::RuntimeError, Verdict::Accepted, Verdict::TimeLimit],
            ..runs(
                "kill_everyone.py",
                &["inside a cell"],
                Err("it would kill its user's session; signal_sweep.py is its harmless twin"),
            )
        },
        runs(
            "signal_init.py",
            &["", ""],
            Err(
                "its harm is to the runs after it, which only a cell has, and it is aimed at whoever is number 1",
            ),
        ),
        said("see_processes.py", LIMITS),
        aimed("read_victim_memory.py", Aim::Victim),
        said("init_limits.py", LIMITS),
        aimed("shared_files.py", Aim::Locks),
        // The host's files.
        aimed("host_files.py", Aim::Secret),
        said("write_outside.py", LIMITS),
        Attack {
            bare: Ok(Bare { before: "exec 7</dev/null;", ..ALONE }),
            ..said("inherited_descriptors.py", LIMITS)
        },
        said("environment.py", LIMITS),
        said("cgroup_escape.py", LIMITS),
        said("own_program.py", LIMITS),
        said("proc_knobs.py", LIMITS),
        // Network and kernel surface.
        aimed("sockets.py", Aim::Network),
        said("namespaces_and_mounts.c", LIMITS),
        said("forbidden_calls.c", LIMITS),
        said("other_abi.c", LIMITS),
        said("privileges.py", LIMITS),
        // The same by a language that is compiled just in time.
        attack("js_workers.js", REFUSED_OR_ENDED),
        attack("js_children.js", REFUSED_OR_ENDED),
        Attack {
            limits: Limits { wall_ms: 1_500, ..LIMITS },
            bare: Ok(Bare { before: "timeout 30", ..ALONE }),
            ..attack("js_wait_forever.js", TIME)
        },
        // Near its bound a group reads the engine's own program again and again, which takes CPU time.
        Attack { limits: long, ..attack("js_array_buffers.js", REFUSED_OR_ENDED) },
        Attack { limits: long, ..attack("js_shared_memory.js", REFUSED_OR_ENDED) },
        Attack { limits: quick, ..attack("js_burn_threads.js", TIME) },
        aimed("js_host_files.js", Aim::Secret),
        aimed("js_network.js", Aim::Network),
        aimed("js_kill_victim.js", Aim::Victim),
        said("js_inspector.js", LIMITS),
        // The verdict.
        Attack { limits: long, ..said("search_expected.py", LIMITS) },
        Attack {
            verdicts: &[Verdict::RuntimeError],
            ..runs(
                "terminal_injection.py",
                &[""],
                Err("its success is what a person is shown: see the test of `run`"),
            )
        },
    ]
}
