//! Has modules of solutions compiled, each by a process of its own; see [`super::compiler`].

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::{
        fd::{AsFd, OwnedFd},
        unix::process::ExitStatusExt,
    },
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    unistd::Pid,
};

use super::order::{CompileLimits, CompileOrder, FAILED, REFUSED, STEPS, TOO_DEAR};
use crate::{
    limits::Limits,
    sandbox::{
        job::Fault,
        native::{
            messages::{frames::encode, step::FAIL_STEP},
            walls::seccomp::policy::{self, PolicyError},
        },
        sys::{self, Reaped, SockFilter},
        wasm::engine::{Metering, fault},
    },
};

/// Between two looks whether the module is still wanted, milliseconds.
const LOOK_MS: u16 = 10;
/// Most bytes of an explanation that are read.
const EXPLANATION_BYTES: u64 = 4096;
/// What the Rust runtime says before it ends a process that gets no more memory.
const OUT_OF_MEMORY: &str = "memory allocation of";

/// How compilers are started.
#[derive(Debug)]
pub struct Compilers {
    program: PathBuf,
    /// As in [`crate::sandbox::SandboxConfig`].
    fail_step: Option<(String, i32)>,
    /// Made when it is first needed.
    seccomp: OnceLock<Result<Vec<SockFilter>, PolicyError>>,
}

/// What came of a module.
#[derive(Debug)]
pub enum Made {
    /// Machine code, as wasmtime writes it, in a file that nobody can change any more; its length.
    Code(File, u64),
    /// Why there is none. It is the module's fault.
    Refused(String),
}

impl Compilers {
    /// `program`: this program, which is executed again.
    pub fn new(program: PathBuf, fail_step: Option<(String, i32)>) -> Compilers {
        Compilers { program, fail_step, seccomp: OnceLock::new() }
    }

    /// Compiles a module. Blocks, and ends the process as soon as the module is not wanted any more, by any way out.
    /// The process ends with the calling thread, too.
    pub fn compile(
        &self,
        metering: Metering,
        module: &[u8],
        is_wanted: impl Fn() -> bool,
    ) -> Result<Made, Fault> {
        let failed = |error: io::Error| fault("start_compiler", &error);
        let seccomp = self.seccomp.get_or_init(policy::compile_for_compiler);
        let seccomp = seccomp.as_ref().map_err(|error| fault("confine_compiler", error))?.clone();
        let limits = CompileLimits::of_module(module.len());
        let mut input = encode(&CompileOrder {
            service: std::process::id() as i32,
            metering,
            limits,
            module_bytes: module.len() as u64,
            seccomp,
        })
        .map_err(failed)?;
        input.extend_from_slice(module);
        let input = sys::sealed_file(&input).map_err(failed)?;
        let output = sys::memory_file().map_err(failed)?;
        let mut process = self.start(input, output.try_clone().map_err(failed)?).map_err(failed)?;
        let said = process.listen(limits, is_wanted)?;
        let ended = process.reap().map_err(failed)?;
        // Nobody else has it, and what it holds stays so.
        sys::seal(&output).map_err(failed)?;
        made(&ended, &said, File::from(output), limits)
    }

    #[expect(clippy::disallowed_methods, reason = "the compiler is this program")]
    fn start(&self, input: OwnedFd, output: OwnedFd) -> io::Result<Process> {
        let fail_step = self.fail_step.as_ref().map(|(step, errno)| (FAIL_STEP, format!("{step}={errno}")));
        Command::new(&self.program)
            .arg("__compiler")
            .env_clear()
            .envs(fail_step)
            .current_dir("/")
            .stdin(Stdio::from(input))
            .stdout(Stdio::from(output))
            .stderr(Stdio::piped())
            .spawn()
            .map(|child| Process { child, is_reaped: false })
    }
}

/// A compiler at work. It is gone when this is.
struct Process {
    child: Child,
    /// Its number may be another's by now.
    is_reaped: bool,
}

impl Process {
    /// What it says on its standard error, until it has ended.
    fn listen(&mut self, limits: CompileLimits, is_wanted: impl Fn() -> bool) -> Result<String, Fault> {
        let broken = |error: io::Error| fault("wait_for_compiler", &error);
        let wall = Duration::from_millis(Limits::default_wall_ms(limits.cpu_seconds * 1000));
        let deadline = Instant::now() + wall * Limits::MOST_WALL_STRETCH;
        let (mut said, mut part) = (Vec::new(), [0; EXPLANATION_BYTES as usize]);
        let Some(stderr) = &mut self.child.stderr else { return Ok(String::new()) };
        loop {
            if !is_wanted() {
                return Err(fault("compile_module", &"nobody wants the module any more"));
            }
            // It only ever computes, and its own clock bounds that: a host that gives it no time says nothing about the
            // module.
            if Instant::now() > deadline {
                return Err(fault("compile_module", &"the compiler did not come to its end in time"));
            }
            let mut waiting = [PollFd::new(stderr.as_fd(), PollFlags::POLLIN)];
            match poll(&mut waiting, PollTimeout::from(LOOK_MS)) {
                Ok(0) | Err(nix::errno::Errno::EINTR) => continue,
                Ok(_) => {}
                Err(error) => return Err(broken(error.into())),
            }
            match stderr.read(&mut part).map_err(broken)? {
                0 => return Ok(String::from_utf8_lossy(&said).into_owned()),
                read => {
                    let room = part.len() - said.len();
                    said.extend_from_slice(&part[..read.min(room)]);
                }
            }
        }
    }

    /// Its end, after it has closed its standard error, which only its end does.
    fn reap(mut self) -> io::Result<Reaped> {
        let reaped = sys::reap_one(Pid::from_raw(self.child.id() as i32))?;
        self.is_reaped = true;
        Ok(reaped)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.is_reaped {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// What an end means.
fn made(ended: &Reaped, said: &str, output: File, limits: CompileLimits) -> Result<Made, Fault> {
    let status = ExitStatus::from_raw(ended.status);
    let lost = |error: io::Error| fault("read_compiler", &error);
    match (status.code(), status.signal()) {
        (Some(0), _) => {
            let length = output.metadata().map_err(lost)?.len();
            Ok(Made::Code(output, length))
        }
        (Some(REFUSED), _) => Ok(Made::Refused(explanation(&output).map_err(lost)?)),
        (Some(FAILED), _) => Err(step_failed(&explanation(&output).map_err(lost)?)),
        (_, Some(libc::SIGXCPU)) => {
            Ok(Made::Refused(format!("{TOO_DEAR} it takes more than {} s of CPU time", limits.cpu_seconds)))
        }
        (_, Some(_)) if ran_out_of_memory(ended.max_rss_bytes, said, limits) => {
            let mib = limits.memory_bytes >> 20;
            Ok(Made::Refused(format!("{TOO_DEAR} it takes more than {mib} MiB of memory")))
        }
        _ => {
            let line: String = shown(said.as_bytes()).chars().take(300).collect();
            Err(fault("compile_module", &format!("the compiler ended with {status}: {line}")))
        }
    }
}

/// Whether it was refused memory by its limit. A host that has none left refuses some, too, which says nothing of the
/// module: `used_bytes` and what was asked for at last are at least half of the limit, of which a part may never have
/// been touched.
fn ran_out_of_memory(used_bytes: u64, said: &str, limits: CompileLimits) -> bool {
    let asked = said.split_once(OUT_OF_MEMORY).and_then(|(_, rest)| rest.split_whitespace().next());
    let asked = asked.and_then(|bytes| bytes.parse::<u64>().ok());
    asked.is_some_and(|asked| used_bytes.saturating_add(asked) >= limits.memory_bytes / 2)
}

/// The beginning of what it wrote.
fn explanation(mut output: &File) -> io::Result<String> {
    let mut bytes = Vec::new();
    output.seek(SeekFrom::Start(0))?;
    output.take(EXPLANATION_BYTES).read_to_end(&mut bytes)?;
    Ok(shown(&bytes))
}

/// On one line, with nothing in it that a terminal would act on.
fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The fault that `STEP ERRNO` stands for. The name becomes a metric's label, and the process that told it had read
/// the module.
fn step_failed(told: &str) -> Fault {
    let (name, errno) = told.split_once(' ').unwrap_or_default();
    let step = STEPS.into_iter().find(|step| *step == name).unwrap_or("compile_module");
    let error = io::Error::from_raw_os_error(errno.parse().unwrap_or(libc::EIO));
    fault(step, &error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn want_of_memory_is_the_modules_fault_only_near_the_limit() {
        let limits = CompileLimits::of_module(1);
        let said = |bytes: u64| format!("memory allocation of {bytes} bytes failed\n");
        let most = limits.memory_bytes;
        assert!(ran_out_of_memory(most - 1000, &said(4096), limits));
        assert!(ran_out_of_memory(20 << 20, &said(most), limits));
        assert!(!ran_out_of_memory(20 << 20, &said(4096), limits));
        assert!(!ran_out_of_memory(most, "thread 'main' panicked", limits));
        assert!(!ran_out_of_memory(most, "memory allocation of", limits));
    }

    #[test]
    fn what_a_compiler_tells_names_nothing_but_its_own_steps() {
        let told = |text: &str| step_failed(text);
        assert_eq!(told("feed_compiler 5").step, "feed_compiler");
        for other in ["made_up 5", "", "feed_compiler", "tie_compiler\u{1b}[1m x"] {
            assert!(STEPS.contains(&&*told(other).step) || told(other).step == "compile_module", "{other}");
        }
        assert_eq!(told("made_up 5").step, "compile_module");
        assert_eq!(shown(b" a\x1b[1m\nb\xff\n"), "a [1m b\u{fffd}");
    }
}
