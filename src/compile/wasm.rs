//! What a compilation for WebAssembly came to, where the toolchain may be the reason.
//!
//! Clang, its C++ library and a machine of 32 bits are not GCC, its library and a machine of 64. A solution that
//! fails for one of the differences is not wrong: it is `unsupported`, and the report says for want of what.

use super::Compilation;
use crate::cache::Weight;

/// A finished compilation for WebAssembly.
#[derive(Debug, Clone, PartialEq)]
pub struct WasmCompilation {
    pub compilation: Compilation,
    /// Why a program that came of it may fail without being wrong.
    pub narrow: Option<String>,
}

impl Weight for WasmCompilation {
    fn weight_bytes(&self) -> u64 {
        self.compilation.weight_bytes()
    }
}

/// Words of the compiler and the linker that tell of something missing, and what it is.
const SAID: [(&str, &str); 11] = [
    ("invalid instruction", "this machine's instructions"),
    ("invalid output constraint", "this machine's instructions"),
    ("invalid input constraint", "this machine's instructions"),
    ("unknown register name", "this machine's registers"),
    ("unknown token in expression", "this machine's instructions"),
    ("unrecognized instruction mnemonic", "this machine's instructions"),
    ("__builtin_ia32_", "this machine's instructions"),
    ("in namespace 'std::filesystem'", "std::filesystem"),
    ("function definition is not allowed here", "nested functions"),
    ("variable-sized object may not be initialized", "GCC's variable-sized objects"),
    ("clang: error: ", "what the compiler was asked for"),
];

/// Names that libraries here do not declare, as compilers complain of them; and what they stand for.
const NAMES: [(&str, &str); 36] = [
    ("thread", "threads"),
    ("jthread", "threads"),
    ("mutex", "threads"),
    ("recursive_mutex", "threads"),
    ("timed_mutex", "threads"),
    ("shared_mutex", "threads"),
    ("shared_timed_mutex", "threads"),
    ("lock_guard", "threads"),
    ("unique_lock", "threads"),
    ("scoped_lock", "threads"),
    ("shared_lock", "threads"),
    ("condition_variable", "threads"),
    ("future", "threads"),
    ("promise", "threads"),
    ("packaged_task", "threads"),
    ("async", "threads"),
    ("this_thread", "threads"),
    ("call_once", "threads"),
    ("once_flag", "threads"),
    ("counting_semaphore", "threads"),
    ("binary_semaphore", "threads"),
    ("barrier", "threads"),
    ("latch", "threads"),
    ("stop_token", "threads"),
    ("filesystem", "std::filesystem"),
    ("execution", "parallel algorithms"),
    ("fork", "processes"),
    ("vfork", "processes"),
    ("waitpid", "processes"),
    ("system", "processes"),
    ("popen", "processes"),
    ("socket", "sockets"),
    ("getrlimit", "limits of resources"),
    ("setrlimit", "limits of resources"),
    ("sigaction", "signals"),
    ("alarm", "signals"),
];

/// Headers that a Linux host with GCC has: whole directories, then files.
const DIRECTORIES: [&str; 18] = [
    "sys/",
    "linux/",
    "asm/",
    "arpa/",
    "net/",
    "netinet/",
    "ext/",
    "bits/",
    "tr1/",
    "tr2/",
    "experimental/",
    "backward/",
    "debug/",
    "parallel/",
    "pstl/",
    "gnu/",
    "rpc/",
    "boost/",
];
const HEADERS: [&str; 24] = [
    "alloca.h",
    "cpuid.h",
    "endian.h",
    "error.h",
    "execinfo.h",
    "fts.h",
    "gmp.h",
    "gmpxx.h",
    "grp.h",
    "ifaddrs.h",
    "malloc.h",
    "mm_malloc.h",
    "netdb.h",
    "omp.h",
    "pwd.h",
    "quadmath.h",
    "resolv.h",
    "semaphore.h",
    "spawn.h",
    "termios.h",
    "ucontext.h",
    "wait.h",
    "x86intrin.h",
    "x86gprintrin.h",
];

/// What a source that does not compile asks for in vain, if that is what its first error tells of.
pub fn missing(message: &str) -> Option<String> {
    // The first decides: what follows it may be its consequence.
    let first = message.lines().find(|line| line.contains("error: "))?;
    if let Some((before, _)) = first.split_once("' file not found") {
        let header = before.rsplit('\'').next()?;
        let known = HEADERS.contains(&header)
            || header.ends_with("intrin.h")
            || DIRECTORIES.iter().any(|directory| header.starts_with(directory));
        return known.then(|| format!("the header {header}"));
    }
    if let Some((_, what)) = SAID.iter().find(|(words, _)| first.contains(words)) {
        return Some(format!("{what} ({})", shown(first)));
    }
    // The linker's: a function that the C library declares and does not have.
    if let Some((_, symbol)) = first.split_once("undefined symbol: ") {
        let (_, what) = NAMES.iter().find(|(known, _)| *known == symbol.trim())?;
        return Some(format!("{what} ({symbol})"));
    }
    let is_unknown =
        ["no member named", "no type named", "no template named", "undeclared", "unknown type name"];
    if !is_unknown.iter().any(|words| first.contains(words)) {
        return None;
    }
    let name = first.split('\'').nth(1)?;
    let (_, what) = NAMES.iter().find(|(known, _)| *known == name.trim_start_matches("std::"))?;
    Some(format!("{what} ({})", shown(first)))
}

fn shown(line: &str) -> String {
    line.chars().take(200).collect()
}

/// Why a program may fail without being wrong: it counts on 64 bits where there are 32. What it counts on cannot be
/// seen in its runs, so what it says is taken for it: the type `long`, and formats for another width than that of
/// their argument. `sources`: path, content. `warnings`: of the compiler.
pub fn narrow<'a>(sources: impl IntoIterator<Item = (&'a str, &'a [u8])>, warnings: &str) -> Option<String> {
    if let Some(line) = warnings.lines().find(|line| line.contains("[-Wformat]")) {
        return Some(format!("arguments of formats in 64 bits each ({})", shown(line)));
    }
    sources.into_iter().find_map(|(path, content)| {
        let line = says_long(&String::from_utf8_lossy(content))?;
        Some(format!("a long of 64 bits ({path}:{line})"))
    })
}

/// Types, functions and constants that are, or are about, a `long`.
const LONGS: [&str; 16] = [
    "strtol",
    "strtoul",
    "stol",
    "stoul",
    "atol",
    "labs",
    "ldiv",
    "lround",
    "lrint",
    "LONG_MAX",
    "LONG_MIN",
    "ULONG_MAX",
    "intptr_t",
    "uintptr_t",
    "ssize_t",
    "__builtin_clzl",
];

/// The line, from 1, of the first `long` that is neither `long long` nor `long double`, or of what is about one.
fn says_long(text: &str) -> Option<usize> {
    let words = words(text);
    let is_word = |at: usize, word: &str| words.get(at).is_some_and(|(_, found)| *found == word);
    let mut at = 0;
    while let Some((line, word)) = words.get(at) {
        if LONGS.contains(word) || ["__builtin_ctzl", "__builtin_popcountl"].contains(word) {
            return Some(*line);
        }
        if *word == "long" {
            // Signs and `int` may stand between the two.
            let between = |word: &str| ["unsigned", "signed", "int", "const"].contains(&word);
            let mut next = at + 1;
            while words.get(next).is_some_and(|(_, word)| between(word)) {
                next += 1;
            }
            let is_wide = is_word(next, "long") || is_word(next, "double");
            if !(is_wide || at > 0 && is_word(at - 1, "double")) {
                return Some(*line);
            }
            at = next;
        }
        at += 1;
    }
    None
}

/// Names and numbers with their lines, without comments and texts; every other sign is a word of its own.
fn words(text: &str) -> Vec<(usize, &str)> {
    let (bytes, mut at, mut line, mut found) = (text.as_bytes(), 0, 1, Vec::new());
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            b'/' if bytes[at..].starts_with(b"//") => {
                at += bytes[at..].iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len() - at);
            }
            b'/' if bytes[at..].starts_with(b"/*") => {
                let end = bytes[at + 2..].windows(2).position(|pair| pair == b"*/");
                at = end.map_or(bytes.len(), |end| at + end + 4);
            }
            quote @ (b'"' | b'\'') => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote && bytes[at] != b'\n' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at = (at + 1).min(bytes.len());
            }
            byte if is_letter(byte) => {
                while at < bytes.len() && is_letter(bytes[at]) {
                    at += 1;
                }
                found.push((line, &text[start..at]));
            }
            byte => {
                at += 1;
                if byte.is_ascii_punctuation() {
                    found.push((line, &text[start..at]));
                }
            }
        }
        line += bytes[start..at.min(bytes.len())].iter().filter(|byte| **byte == b'\n').count();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_toolchain_lacks_is_told_from_what_is_wrong() {
        for (said, what) in [
            (
                "./main.cpp:1:10: fatal error: 'ext/pb_ds/assoc_container.hpp' file not found\n1 error",
                "the header ext",
            ),
            ("./main.cpp:1:10: fatal error: 'immintrin.h' file not found", "the header immintrin.h"),
            ("./main.cpp:4:8: error: no member named 'thread' in namespace 'std'", "threads"),
            ("./main.cpp:4:8: error: no type named 'mutex' in namespace 'std'", "threads"),
            ("./main.c:4:3: error: call to undeclared function 'fork'; ISO C99", "processes"),
            ("./main.c:4:3: error: invalid instruction", "this machine's"),
            ("wasm-ld: error: 0.o: undefined symbol: alarm", "signals"),
        ] {
            let found = missing(said);
            assert!(found.as_ref().is_some_and(|found| found.starts_with(what)), "{said}: {found:?}");
        }
        for said in [
            "",
            "./main.cpp:1:10: fatal error: 'helper.h' file not found",
            "./main.cpp:1:1: error: expected ';'\n./main.cpp:2:1: error: no member named 'thread' in namespace 'std'",
            "./main.cpp:1:1: error: use of undeclared identifier 'x'",
            "wasm-ld: error: 0.o: undefined symbol: foo",
        ] {
            assert_eq!(missing(said), None, "{said}");
        }
    }

    #[test]
    fn a_long_is_seen_where_it_is_one() {
        for (text, line) in [
            ("int main() { long x; }", 1),
            ("typedef unsigned long ul;\n", 1),
            ("/* long\n */\nlong int f();", 3),
            ("long long a; long\nb;", 1),
            ("int a = 1;\nauto b = strtol(s, 0, 10);", 2),
            ("const char *s = \"x\\\"\"; unsigned long int c;", 1),
        ] {
            assert_eq!(says_long(text), Some(line), "{text}");
        }
        for text in [
            "long long a; unsigned long long b; long int long c; long double d; long unsigned long e;",
            "// long x\n/* long */ const char *s = \"long \\\" long\"; char c = 'l';",
            "typedef long long ll; using ld = long double; int longer, belong;",
        ] {
            assert_eq!(says_long(text), None, "{text}");
        }
    }
}
