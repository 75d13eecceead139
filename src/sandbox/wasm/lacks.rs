//! What a run failed for, where it is something that no run here has.

/// Words by which Python says that it cannot do what it could in a process of its own, and what they mean.
const SAID: [(&str, &str); 13] = [
    ("RuntimeError: can't start new thread", "threads"),
    ("does not support processes", "processes"),
    ("[Errno 58]", "a call of the system"),
    ("[Errno 52] Function not implemented", "a call of the system"),
    ("AttributeError: module 'os' has no attribute '", "a function of os"),
    ("AttributeError: module 'posix' has no attribute '", "a function of posix"),
    ("AttributeError: module 'signal' has no attribute '", "a function of signal"),
    ("AttributeError: module '_socket' has no attribute '", "sockets"),
    ("AttributeError: module 'time' has no attribute 'tzset'", "time zones"),
    ("ModuleNotFoundError: Unsupported platform for standard library module '", "a module of the host's"),
    // The interpreter's stack in C is small, and calls through C (a cached function that calls itself) take of it.
    ("RecursionError: Stack overflow (used ", "a deeper stack"),
    // Sizes and offsets have 32 bits.
    ("OverflowError: Python int too large to convert to C ", "sizes of 64 bits"),
    ("OverflowError: cannot fit 'int' into an index-sized integer", "sizes of 64 bits"),
];

/// Modules of the standard library that WebAssembly does not have.
const MODULES: [&str; 22] = [
    "_ctypes",
    "_curses",
    "_dbm",
    "_gdbm",
    "_multiprocessing",
    "_posixshmem",
    "_posixsubprocess",
    "_socket",
    "_ssl",
    "_tkinter",
    "_uuid",
    "_zstd",
    "crypt",
    "ctypes",
    "fcntl",
    "grp",
    "mmap",
    "pwd",
    "readline",
    "resource",
    "syslog",
    "termios",
];

/// How our own part of a guest says what a failed program asked for in vain: the driver of JavaScript of Node.js,
/// functions that C's library has in name only.
const OWN_WORDS: &str = "proofbox: WebAssembly lacks ";

/// Reads the exception that ended a failed run from what it said last. It is the solution's own word and may be
/// forged, which makes one failure into another.
pub fn missing(stderr: &[u8]) -> Option<String> {
    let tail = &stderr[stderr.len().saturating_sub(4_096)..];
    let tail = String::from_utf8_lossy(tail);
    // What objects say while they are taken down comes after the exception.
    let own = tail.split("\nException ignored ").next().unwrap_or(&tail);
    let last = own.trim_end().lines().last()?;
    if let Some(rest) = last.strip_prefix(OWN_WORDS) {
        return Some(rest.chars().take(200).collect());
    }
    if let Some(rest) = last.strip_prefix("ModuleNotFoundError: No module named '") {
        let name = rest.split('\'').next().unwrap_or(rest);
        return MODULES.contains(&name).then(|| format!("the module {name}"));
    }
    let (_, what) = SAID.iter().find(|(words, _)| last.contains(words))?;
    let shown: String = last.chars().take(200).collect();
    Some(format!("{what} ({shown})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runners_wants_are_told_from_the_solutions_faults() {
        for said in [
            "Traceback ...\nRuntimeError: can't start new thread\n",
            "OSError: [Errno 58] wasi does not support processes.",
            "ModuleNotFoundError: No module named '_socket'",
            "AttributeError: module 'os' has no attribute 'fork'",
            "OSError: [Errno 58] Not supported\nException ignored in: <x>\nTraceback ...\nValueError: y\n",
            "RecursionError: Stack overflow (used 112 kB)",
            "TypeError: not a function\nproofbox: WebAssembly lacks fs.watch\n",
        ] {
            assert!(missing(said.as_bytes()).is_some(), "{said}");
        }
        for said in [
            "",
            "ModuleNotFoundError: No module named 'helper'",
            "ValueError: can't start",
            "RuntimeError: can't start new thread\nValueError: x",
            "AttributeError: module 'math' has no attribute 'foo'",
        ] {
            assert_eq!(missing(said.as_bytes()), None, "{said}");
        }
    }
}
