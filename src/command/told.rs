//! What people are told. Whoever reads it may leave: `proofbox doctor | head -1` ends as it would have ended.

use std::{
    fmt,
    io::{self, Write},
};

/// Prints to standard output. The macros `print!` and `println!` would panic where nobody reads.
pub fn say(text: fmt::Arguments<'_>) {
    if let Err(error) = unless_unread(io::stdout().write_fmt(text)) {
        note(format_args!("proofbox: cannot write standard output: {error}"));
    }
}

/// Prints a line to standard error. If that cannot be written there is nobody left to tell.
pub fn note(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// That nobody reads any more is no failure of ours.
pub fn unless_unread(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
