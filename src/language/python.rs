//! Python: which interpreter, what its cells need, how a test becomes a run of the driver.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{Image, LanguageError};
use crate::{
    sandbox::{ImageSetup, Job, Run, SOURCE_DIR},
    submission::{Submission, Tests},
    value::marshal::{TooLarge, encode_call},
};

const DRIVER_SOURCE: &str = include_str!("../../sandbox-images/python/driver.py");
/// Where the driver stands in a cell.
const DRIVER_PATH: &str = "/proofbox/driver.pyc";

/// Asked of the interpreter, on our own code only: where it is, what it needs, the driver compiled.
/// Fields are separated by NUL; the driver's bytes follow the last.
const DISCOVER: &str = r#"
import importlib.util, marshal, os, site, sys
source = sys.stdin.buffer.read()
code = compile(source, "<proofbox driver>", "exec", dont_inherit=True, optimize=0)
prefixes = {os.path.realpath(p) for p in (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix)}
sites = [p for p in site.getsitepackages() if os.path.isdir(p)]
fields = ["%d.%d.%d" % sys.version_info[:3], os.path.realpath(sys.executable), ":".join(sorted(prefixes)), ":".join(sites)]
pyc = importlib.util.MAGIC_NUMBER + b"\0" * 12 + marshal.dumps(code)
sys.stdout.buffer.write(b"\0".join(f.encode("utf-8", "surrogateescape") for f in fields) + b"\0" + pyc)
"#;

/// An interpreter found on the host.
#[derive(Debug)]
pub struct PythonRuntime {
    pub version: String,
    /// Without symbolic links.
    pub executable: PathBuf,
    prefixes: Vec<String>,
    site_dirs: String,
    driver: Vec<u8>,
}

impl PythonRuntime {
    /// Runs the interpreter once to learn about it and to compile the driver for it.
    pub fn discover(interpreter: &Path, image: &Image) -> Result<PythonRuntime, LanguageError> {
        let failed = |problem: String| LanguageError::Interpreter {
            interpreter: interpreter.display().to_string(),
            problem,
            packages: image.host.debian_packages.join(" "),
        };
        let mut child = Command::new(interpreter)
            .args(["-I", "-B", "-c", DISCOVER])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A failure here shows in the exit status below.
            let _ = stdin.write_all(DRIVER_SOURCE.as_bytes());
        }
        let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            return Err(failed(format!("{}: {}", output.status, text.lines().last().unwrap_or(""))));
        }
        let mut fields = output.stdout.splitn(5, |byte| *byte == 0);
        let mut text = || fields.next().map(|field| String::from_utf8_lossy(field).into_owned());
        match (text(), text(), text(), text(), fields.next()) {
            (Some(version), Some(executable), Some(prefixes), Some(site_dirs), Some(driver)) => {
                Ok(PythonRuntime {
                    version,
                    executable: executable.into(),
                    prefixes: prefixes.split(':').map(str::to_owned).collect(),
                    site_dirs,
                    driver: driver.to_vec(),
                })
            }
            _ => Err(failed("its answer cannot be understood".to_owned())),
        }
    }

    /// Adds the interpreter and the driver to the image's tree.
    pub fn extend_setup(&self, setup: &mut ImageSetup) -> Result<(), LanguageError> {
        let executable = self.executable.to_string_lossy().into_owned();
        let mut wanted = vec![executable.clone()];
        // A distribution's prefix is /usr, whose needed parts the image names; an interpreter of
        // its own prefix brings that whole tree.
        wanted.extend(self.prefixes.iter().filter(|prefix| *prefix != "/usr").cloned());
        for path in wanted {
            let covered = setup.binds.iter().any(|(_, target)| Path::new(&path).starts_with(target));
            if !covered {
                setup.binds.push((path.clone(), path));
            }
        }
        // Shorter paths first, so that no mount hides an earlier one.
        setup.binds.sort();
        setup.files.push((DRIVER_PATH.to_owned(), self.driver.clone().into()));
        let common = "/usr/bin/python3";
        if executable != common && !setup.binds.iter().any(|(_, target)| common == target) {
            setup.links.push((common.to_owned(), executable));
        }
        Ok(())
    }

    /// Every test as one run of the driver.
    pub fn job(&self, submission: &Submission, prelude: &str, image: &Image) -> Result<Job, TooLarge> {
        let solution = &submission.solution;
        let entry = format!("{SOURCE_DIR}/{}", solution.files[solution.entry].path);
        let (mode, runs) = match &submission.tests {
            Tests::Program(tests) => {
                let runs = tests.iter().map(|test| Run { stdin: test.stdin.clone(), call: None }).collect();
                ("program", runs)
            }
            Tests::Function { target, tests } => {
                let runs = tests.iter().map(|test| {
                    let call = encode_call(&target.name, &test.args, &test.kwargs)?;
                    Ok(Run { stdin: Vec::new(), call: Some(call) })
                });
                ("function", runs.collect::<Result<_, TooLarge>>()?)
            }
        };
        let executable = self.executable.to_string_lossy().into_owned();
        let argv = [&executable, "-I", "-S", "-B", DRIVER_PATH, mode, &entry, prelude, &self.site_dirs];
        Ok(Job {
            argv: argv.map(str::to_owned).to_vec(),
            env: image.cell.env.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            sources: solution.files.iter().map(|file| (file.path.clone(), file.content.clone())).collect(),
            runs,
        })
    }
}
