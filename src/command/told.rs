//! Output for people. A reader that leaves does not change how the command ends: `proofbox doctor | head -1`.

use std::{
    fmt,
    io::{self, Write},
};

/// Prints to standard output. `print!` and `println!` would panic if nobody reads.
pub fn say(text: fmt::Arguments<'_>) {
    if let Err(error) = unless_unread(io::stdout().write_fmt(text)) {
        note(format_args!("proofbox: cannot write standard output: {error}"));
    }
}

/// Prints a line to standard error. An error is ignored, because nobody could be told of it.
pub fn note(text: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Ignores the error that nobody reads any more.
pub fn unless_unread(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
