//! Attacks without the protection, and what makes that safe: every attack runs in a session and,
//! where it needs no process outside, a pid namespace of its own, in a folder of its own, for a
//! bounded time, and all of it is killed when the run is dropped, however the test ends.

use std::{
    fs,
    io::{Read, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

/// Longest that a bare attack may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the namespace stays after the attack has ended, so that what it left can act.
const LINGER_SECONDS: &str = "5";

/// How an attack is run bare.
#[derive(Debug, Clone, Copy)]
pub struct Bare {
    /// In a pid namespace of its own. Not where the attack is aimed at a process outside.
    pub alone: bool,
    /// Shell words in front of the attack, such as an open descriptor.
    pub before: &'static str,
    /// How often it runs in the same folder, for attacks on the next run.
    pub times: u32,
    /// Whether what it leaves needs time to act.
    pub lingers: bool,
}

pub const ALONE: Bare = Bare { alone: true, before: "", times: 1, lingers: false };

/// A process group that is gone when this is.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        let _ = killpg(Pid::from_raw(self.0.id() as i32), Signal::SIGKILL);
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs `command` (a program and its arguments) in `folder` and returns what it printed on standard
/// output, until every holder of the pipe has closed it or the patience is over.
pub fn run(command: &[String], how: Bare, stdin: &[u8], folder: &Path) -> String {
    let quoted: Vec<String> = command.iter().map(|word| format!("'{word}'")).collect();
    let once = format!("{} {} <stdin 2>/dev/null", how.before, quoted.join(" "));
    // The shell stays the parent: an attack must not be process 1 itself.
    let mut script: Vec<String> = (0..how.times).map(|_| once.clone()).collect();
    if how.lingers {
        script.push(format!("sleep {LINGER_SECONDS}"));
    }
    script.push("exit 0".to_owned());
    fs::write(folder.join("stdin"), stdin).unwrap();
    let mut starter = match how.alone {
        // --kill-child: the namespace, with everything in it, dies with its starter.
        true => {
            let mut starter = Command::new("unshare");
            starter.args(["--pid", "--fork", "--kill-child=KILL", "--ipc", "sh", "-c"]);
            starter
        }
        false => {
            let mut starter = Command::new("sh");
            starter.arg("-c");
            starter
        }
    };
    let child = starter
        .arg(script.join("\n"))
        .current_dir(folder)
        .env("PLANTED", "SECRET needle-00000001")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("sh and unshare are installed");
    let mut group = Group(child);
    let mut stdout = group.0.stdout.take().expect("piped");
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        // 100 MB of one attack's output and more are read, and only the end is kept.
        let mut chunk = vec![0; 1 << 16];
        while let Ok(length @ 1..) = stdout.read(&mut chunk) {
            text.extend_from_slice(&chunk[..length]);
            let excess = text.len().saturating_sub(1 << 20);
            if excess > 1 << 20 {
                text.drain(..excess);
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    });
    let started = Instant::now();
    while !reader.is_finished() && started.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(group);
    reader.join().expect("the reader does not panic")
}

/// A process for attacks to aim at: holds a secret in its memory and waits to be killed.
pub struct Victim(Child);

impl Victim {
    pub fn start() -> Victim {
        let source =
            "import time; held = 'SECRET-' + str(10 ** 15 + 7); print('up', flush=True); time.sleep(300)";
        let mut child = Command::new("/usr/bin/python3")
            .args(["-I", "-S", "-c", source])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed");
        let mut up = [0; 3];
        let read = child.stdout.as_mut().expect("piped").read_exact(&mut up);
        let victim = Victim(child);
        read.expect("the victim says that it is up");
        victim
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    pub fn is_alive(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Compiles a C attack; `None`, with a notice, where there is no compiler.
pub fn compile(source: &Path, folder: &Path) -> Option<PathBuf> {
    let program = folder.join(source.file_stem().expect("a file"));
    let status = Command::new("gcc")
        .args(["-O1", "-static", "-w", "-o"])
        .arg(&program)
        .arg(source)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .status();
    match status {
        Ok(status) if status.success() => Some(program),
        Ok(status) => panic!("{} does not compile: {status}", source.display()),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "NOT TESTED: {}: no gcc ({error})", source.display());
            None
        }
    }
}
