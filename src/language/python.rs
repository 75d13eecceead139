//! Python: which interpreter, what its cells need, how a test becomes a run of the driver.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    error::LanguageError,
    job::ProgramJob,
    manifest::{Image, WarmImage},
};
use crate::{
    sandbox::{ImageSetup, Job, LauncherConfig, Program, SOURCE_DIR, WarmSetup},
    scripts,
    submission::{CodeTests, Prelude, Solution},
    value::{Value, marshal},
};

mod tests_plan;

pub use tests_plan::tests_plan;

const DRIVER_PATH: &str = "/proofbox/driver.pyc";
const WARM_PATH: &str = "/proofbox/warm.pyc";
const MODULE_PATH: &str = "/proofbox/_proofbox.so";
/// Stands behind the name of a warm launcher that is another one's second.
pub const AGAIN: &str = "-again";
/// Stands before each of a program's own arguments, behind the entry. No path holds it.
const ARGUMENT_MARK: char = '\x1f';

/// Asked of the interpreter, on our own code only: where it is, what it needs, whether numpy is there,
/// our scripts compiled. Out comes one tuple.
const DISCOVER: &str = r#"
import importlib.util, marshal, os, site, sys
def compiled(source, name):
    code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    return importlib.util.MAGIC_NUMBER + b"\0" * 12 + marshal.dumps(code)
scripts = sys.stdin.buffer.read().decode().split("\0")
scripts = [(name, compiled(source, "<proofbox %s>" % name)) for name, source in zip(scripts[::2], scripts[1::2])]
prefixes = {os.path.realpath(p) for p in (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix)}
sites = [p for p in site.getsitepackages() if os.path.isdir(p)]
answer = ("%d.%d.%d" % sys.version_info[:3], os.path.realpath(sys.executable), sorted(prefixes), sites,
    importlib.util.find_spec("numpy") is not None, scripts)
sys.stdout.buffer.write(marshal.dumps(answer, 2))
"#;

/// An interpreter found on the host.
#[derive(Debug)]
pub struct PythonRuntime {
    pub version: String,
    /// Without symbolic links.
    pub executable: PathBuf,
    prefixes: Vec<String>,
    site_dirs: String,
    /// This crate as a shared library, which the interpreter loads to be kept warm; without it
    /// nothing is.
    module: Option<PathBuf>,
    has_numpy: bool,
    /// Name and compiled form.
    scripts: Vec<(String, Vec<u8>)>,
}

impl PythonRuntime {
    /// Runs the interpreter once to learn about it and to compile our scripts for it.
    ///
    /// `module` is this crate as a shared library, where it was found.
    pub fn discover(
        interpreter: &Path,
        image: &Image,
        module: Option<PathBuf>,
    ) -> Result<PythonRuntime, LanguageError> {
        let failed = |problem: String| LanguageError::Interpreter {
            interpreter: interpreter.display().to_string(),
            problem,
            packages: image.host.debian_packages.join(" "),
        };
        let answer = ask(interpreter).map_err(&failed)?;
        let value = marshal::decode(&answer).map_err(|error| failed(error.to_string()))?;
        let found = PythonRuntime::from_answer(value);
        let found = found.ok_or_else(|| failed("its answer cannot be understood".to_owned()))?;
        Ok(PythonRuntime { module, ..found })
    }

    fn from_answer(answer: Value) -> Option<PythonRuntime> {
        let Value::Tuple(fields) = answer else { return None };
        let [version, executable, prefixes, sites, has_numpy, scripts] =
            <[Value; 6]>::try_from(fields).ok()?;
        Some(PythonRuntime {
            version: text(version)?,
            executable: text(executable)?.into(),
            prefixes: texts(prefixes)?,
            site_dirs: texts(sites)?.join(":"),
            module: None,
            has_numpy: has_numpy == Value::Bool(true),
            scripts: pairs(scripts)?,
        })
    }

    /// Whether an interpreter can be kept loaded.
    pub fn can_be_warm(&self) -> bool {
        self.module.is_some()
    }

    /// The image's tree with the interpreter and our scripts in it.
    pub fn extend_setup(&self, setup: &mut ImageSetup) {
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
        for (name, compiled) in &self.scripts {
            setup.files.push((format!("/proofbox/{name}.pyc"), compiled.clone().into()));
        }
        if let Some(module) = &self.module {
            setup.binds.push((module.to_string_lossy().into_owned(), MODULE_PATH.to_owned()));
        }
        let common = "/usr/bin/python3";
        if executable != common && !setup.binds.iter().any(|(_, target)| common == target) {
            setup.links.push((common.to_owned(), executable));
        }
    }

    /// The launchers that this interpreter's solutions use: warm ones where it can be kept loaded
    /// and that is wanted, else one that executes it.
    pub fn launchers(&self, image: &Image, setup: ImageSetup, warm: bool) -> Vec<LauncherConfig> {
        let launcher = |name: String, warm: Option<WarmSetup>, at_first_use| LauncherConfig {
            name,
            image: setup.clone(),
            warm,
            at_first_use,
        };
        if !(warm && self.can_be_warm()) {
            return vec![launcher(image.name.clone(), None, false)];
        }
        self.warm_images(image)
            .flat_map(|warm| {
                let executable = self.executable.to_string_lossy();
                let modules = warm.modules.join(",");
                let argv = [&executable, "-I", "-S", "-B", WARM_PATH, DRIVER_PATH, &self.site_dirs, &modules];
                let warm_setup =
                    WarmSetup { argv: argv.map(str::to_owned).to_vec(), env: environment(image) };
                let name = format!("{}-{}", image.name, warm.name);
                let first = launcher(name.clone(), Some(warm_setup.clone()), warm.for_tests.is_some());
                [first, launcher(format!("{name}{AGAIN}"), Some(warm_setup), true)]
            })
            .collect()
    }

    fn warm_images<'a>(&self, image: &'a Image) -> impl Iterator<Item = &'a WarmImage> {
        let has_numpy = self.has_numpy;
        image.warm.iter().filter(move |warm| warm.mentioned.is_none() || has_numpy)
    }

    /// The launcher for a solution: the one that has loaded what its source, or the code of its tests, mentions.
    pub fn launcher_for(
        &self,
        image: &Image,
        solution: &Solution,
        tests: Option<&CodeTests>,
        warm: bool,
    ) -> String {
        if !(warm && self.can_be_warm()) {
            return image.name.clone();
        }
        let is_mentioned =
            |word: &str| mentions(solution, word) || tests.is_some_and(|tests| tests.mentions(word));
        let mut chosen = None;
        for warm in self.warm_images(image) {
            match &warm.mentioned {
                Some(word) if is_mentioned(word) => chosen = Some(warm),
                Some(_) => {}
                None if warm.for_tests.is_some() => {}
                None => chosen = chosen.or(Some(warm)),
            }
        }
        chosen.map_or_else(|| image.name.clone(), |warm| format!("{}-{}", image.name, warm.name))
    }

    /// The launcher kept for tests of that kind, if there is one.
    pub fn launcher_for_kind(&self, image: &Image, tests: &CodeTests, warm: bool) -> Option<String> {
        let is_for = |warm: &&WarmImage| {
            let kind = warm.for_tests.as_deref();
            kind.is_some() && tests.tests.iter().any(|test| Some(test.kind.as_str()) == kind)
        };
        let found = image.warm.iter().find(is_for).filter(|_| warm && self.can_be_warm())?;
        Some(format!("{}-{}", image.name, found.name))
    }

    /// Runs of the driver, all in one mode: `program`, `function`, or `judge` for programs
    /// whose exit codes are answers.
    pub fn job(&self, mode: &str, asked: ProgramJob<'_>, image: &Image, warm: bool) -> Job {
        let prelude = match asked.prelude {
            Prelude::None => "none",
            Prelude::Contest => "contest",
        };
        let solution = asked.solution;
        let mut entry = format!("{SOURCE_DIR}/{}", solution.files[solution.entry].path);
        for argument in asked.arguments {
            entry.push(ARGUMENT_MARK);
            entry.push_str(argument);
        }
        let arguments = [mode, &entry, prelude, &self.site_dirs].map(str::to_owned).to_vec();
        let program = if warm && self.can_be_warm() {
            Program::Warm { arguments }
        } else {
            self.executed(image, &asked, arguments)
        };
        let sources = solution.files.iter().map(|file| (file.path.clone(), file.content.clone())).collect();
        Job { program, sources, runs: asked.runs, collect: asked.collect.into(), series: false }
    }
}

impl PythonRuntime {
    /// The interpreter and its command line, with the seed that is asked for.
    fn executed(&self, image: &Image, asked: &ProgramJob<'_>, arguments: Vec<String>) -> Program {
        let executable = self.executable.to_string_lossy().into_owned();
        let mut env = environment(image);
        // Isolated, the interpreter would not look at the seed. There is nothing else to keep it from:
        // the environment is ours, and the driver takes its own directory out of the path.
        let isolation = if asked.seed.is_some() { "-s" } else { "-I" };
        let mut argv = [&executable, isolation, "-S", "-B", DRIVER_PATH].map(str::to_owned).to_vec();
        argv.extend(arguments);
        match asked.seed {
            None => argv.extend([String::new(), String::new()]),
            Some(seed) => {
                env.push(format!("PYTHONHASHSEED={seed}"));
                let has_numpy = self.has_numpy && mentions(asked.solution, "numpy");
                let seeded = if has_numpy { "random,numpy.random" } else { "random" };
                argv.extend([seed.to_string(), seeded.to_owned()]);
            }
        }
        Program::Exec { argv, env }
    }
}

fn mentions(solution: &Solution, word: &str) -> bool {
    solution.files.iter().any(|file| contains(&file.content, word.as_bytes()))
}

/// Runs the interpreter on [`DISCOVER`].
#[expect(clippy::disallowed_methods, reason = "asks a trusted interpreter what it is")]
fn ask(interpreter: &Path) -> Result<Vec<u8>, String> {
    let mut child = Command::new(interpreter)
        .args(["-I", "-B", "-c", DISCOVER])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    if let Some(mut stdin) = child.stdin.take() {
        let texts: Vec<String> = scripts::RUN
            .iter()
            .chain(&scripts::WARM)
            .map(|script| format!("{}\0{}", script.name, script.source()))
            .collect();
        // A failure here shows in the exit status below.
        let _ = stdin.write_all(texts.join("\0").as_bytes());
    }
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}: {}", output.status, text.lines().last().unwrap_or("")));
    }
    Ok(output.stdout)
}

fn environment(image: &Image) -> Vec<String> {
    image.cell.env.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Str(bytes) => String::from_utf8(bytes).ok(),
        _ => None,
    }
}

fn texts(value: Value) -> Option<Vec<String>> {
    match value {
        Value::List(items) => items.into_iter().map(text).collect(),
        _ => None,
    }
}

/// A list of pairs of text and bytes.
fn pairs(value: Value) -> Option<Vec<(String, Vec<u8>)>> {
    let pair = |item: Value| match item {
        Value::Tuple(parts) => match <[Value; 2]>::try_from(parts) {
            Ok([name, Value::Bytes(bytes)]) => Some((text(name)?, bytes)),
            _ => None,
        },
        _ => None,
    };
    match value {
        Value::List(items) => items.into_iter().map(pair).collect(),
        _ => None,
    }
}
