//! The program as a process: its commands carried out to the end, and the service that it starts.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::support::{
    PROGRAM,
    process::{Running, wait_until},
};

pub fn proofbox(directory: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.current_dir(directory).stdin(Stdio::null());
    command
}

/// Runs `proofbox ARGS` in `directory`; its exit code, output and errors.
pub fn ran(directory: &Path, args: &[&str]) -> (i32, String, String) {
    told(proofbox(directory).args(args).output().unwrap())
}

pub fn told(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
}

pub fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (name, content) in files {
        fs::write(directory.path().join(name), content).unwrap();
    }
    directory
}

/// An address that nobody listens on.
pub fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// `proofbox serve` at an address, once it listens.
pub fn serve(directory: &Path, address: &str, args: &[&str]) -> Running {
    let mut serve = proofbox(directory);
    serve.args(["serve", "--listen", address]).args(args).stderr(Stdio::null());
    let serve = Running(serve.spawn().unwrap());
    wait_until("it listens", || TcpStream::connect(address).is_ok());
    serve
}
