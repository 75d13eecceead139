//! The baseline: the interpreter started once per test as `subprocess.run([python, FILE], input=..,
//! capture_output=True)` does, without any isolation. What harnesses without a sandbox pay at least.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, bail};
use tempfile::TempDir;

use super::{
    clock::{self, Cost},
    workload::Bare,
};

/// A program's file and the interpreter for it.
pub struct BareProgram<'a> {
    interpreter: &'a Path,
    bare: &'a Bare,
    directory: TempDir,
    file: PathBuf,
}

impl<'a> BareProgram<'a> {
    pub fn new(interpreter: &'a Path, bare: &'a Bare) -> anyhow::Result<BareProgram<'a>> {
        let directory = TempDir::new().context("cannot make a directory for the baseline's program")?;
        let file = directory.path().join("main.py");
        fs::write(&file, &bare.program).context("cannot write the baseline's program")?;
        Ok(BareProgram { interpreter, bare, directory, file })
    }

    /// Runs every test `times` times, one after the other. Blocks.
    ///
    /// # Errors
    /// If an answer is wrong: the baseline must do the work that it is compared by.
    pub fn measure(&self, times: usize) -> anyhow::Result<Cost> {
        let (own, children, began) = (clock::own()?, clock::ended_children()?, Instant::now());
        for _ in 0..times {
            for (stdin, expected) in &self.bare.runs {
                let printed = self.run(stdin)?;
                if printed != *expected {
                    bail!("the baseline printed {printed:?} and not {expected:?}");
                }
            }
        }
        let wall = began.elapsed();
        let own_cpu = clock::own()?.saturating_sub(own);
        Ok(Cost { cpu: own_cpu + clock::ended_children()?.saturating_sub(children), own_cpu, wall })
    }

    #[expect(clippy::disallowed_methods, reason = "the baseline is a bare interpreter")]
    fn run(&self, stdin: &[u8]) -> anyhow::Result<String> {
        let mut child = Command::new(self.interpreter)
            .arg(&self.file)
            .current_dir(self.directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", self.interpreter.display()))?;
        if let Some(mut pipe) = child.stdin.take() {
            // The inputs fit the pipe; a program that does not read shows in what it prints.
            let _ = pipe.write_all(stdin);
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            bail!("the baseline ended with {}: {}", output.status, errors.lines().last().unwrap_or(""));
        }
        String::from_utf8(output.stdout).context("the baseline printed no text")
    }
}

/// Whether the interpreter can import a module.
#[expect(clippy::disallowed_methods, reason = "the baseline is a bare interpreter")]
pub fn has_module(interpreter: &Path, module: &str) -> anyhow::Result<bool> {
    let status = Command::new(interpreter)
        .args(["-c", &format!("import {module}")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("cannot start {}", interpreter.display()))?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_baseline_that_answers_wrongly_is_an_error() {
        let python = Path::new("/usr/bin/python3");
        let bare = |program: &str| Bare {
            program: program.to_owned(),
            runs: vec![(b"4\n".to_vec(), "8\n".to_owned())],
        };
        let measure = |program: &str| {
            let bare = bare(program);
            let cost = BareProgram::new(python, &bare).unwrap().measure(2);
            cost.map_err(|error| error.to_string())
        };
        let cost = measure("print(int(input()) * 2)").unwrap();
        assert!(cost.cpu > cost.own_cpu && !cost.wall.is_zero());
        assert!(measure("print(7)").unwrap_err().contains("\"8\\n\""));
        assert!(measure("raise SystemExit(3)").unwrap_err().contains("exit status: 3"));
        assert!(!has_module(python, "no_such_module").unwrap());
        assert!(has_module(python, "json").unwrap());
    }
}
