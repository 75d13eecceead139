//! Compiled languages: which compiler, what compiling asks of a cell, how a test becomes a run of the
//! program that came out.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use super::{
    error::LanguageError,
    job::ProgramJob,
    manifest::{CompileImage, Image},
};
use crate::{
    limits::Limits,
    sandbox::{Collect, ImageSetup, Job, LauncherConfig, Program, Run},
    submission::Solution,
};

/// What the program is called where it is made, and in its cell.
const PROGRAM: &str = "program";
/// Compilers write their messages there; they are bounded further in the report.
const OUTPUT_BYTES: u64 = 1 << 20;
/// Compilers start assemblers and linkers.
const PROCESSES: u64 = 64;
/// Object files and the program.
const FILE_BYTES: u64 = 512 << 20;

/// A compiler found on the host.
#[derive(Debug)]
pub struct CompiledRuntime {
    pub version: String,
    pub compiler: PathBuf,
}

impl CompiledRuntime {
    /// Asks the compiler for its version; no code is given to it.
    pub fn discover(image: &Image) -> Result<CompiledRuntime, LanguageError> {
        let compiler = PathBuf::from(&image.interpreter);
        let version = ask_version(&compiler).map_err(|problem| LanguageError::Compiler {
            compiler: image.interpreter.clone(),
            problem,
            packages: image.host.debian_packages.join(" "),
        })?;
        Ok(CompiledRuntime { version, compiler })
    }

    /// One launcher for cells that compile and one for those that run what came out. Both start
    /// when they are first needed.
    pub fn launchers(
        &self,
        image: &Image,
        run_setup: ImageSetup,
        compile_setup: ImageSetup,
    ) -> Vec<LauncherConfig> {
        [(image.name.clone(), run_setup), (compile_launcher(image), compile_setup)]
            .map(|(name, image)| LauncherConfig { name, image, warm: None, at_first_use: true })
            .to_vec()
    }

    /// Runs of the program.
    pub fn job(&self, asked: ProgramJob<'_>, program: &Arc<[u8]>, image: &Image) -> Job {
        let mut argv = vec![PROGRAM.to_owned()];
        argv.extend(asked.arguments.iter().cloned());
        Job {
            program: Program::Source { path: PROGRAM.to_owned(), argv, env: environment(image) },
            sources: Arc::from([(PROGRAM.to_owned(), program.to_vec())]),
            runs: asked.runs,
            collect: asked.collect.into(),
            series: false,
        }
    }
}

/// The launcher of cells that compile.
pub fn compile_launcher(image: &Image) -> String {
    format!("{}-compile", image.name)
}

/// A compilation as a job: the sources stand in the working directory, and the program is read back
/// from there.
pub fn compile_job(image: &Image, compile: &CompileImage, name: &str, solution: &Solution) -> Job {
    let files = named_sources(image, solution);
    let given: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    let is_source = |path: &&str| compile.endings.iter().any(|ending| path.ends_with(ending));
    let sources = given.iter().copied().filter(is_source).map(safe_argument);
    let argv = compile.command.iter().flat_map(|word| match word.as_str() {
        "{dialect}" => dialect(compile, name).to_vec(),
        "{program}" => vec![PROGRAM.to_owned()],
        "{sources}" => sources.clone().collect(),
        word => vec![word.to_owned()],
    });
    let argv = argv.collect();
    let mentions = |word: &str| {
        solution.files.iter().any(|file| file.content.windows(word.len()).any(|seen| seen == word.as_bytes()))
    };
    let wanted = compile.header_files.iter().any(|(name, _)| mentions(name));
    let headers: Vec<(String, Arc<[u8]>)> = match wanted {
        true => {
            compile.header_files.iter().filter(|(name, _)| !given.contains(&name.as_str())).cloned().collect()
        }
        false => Vec::new(),
    };
    Job {
        program: Program::Exec { argv, env: environment(image) },
        sources: Arc::from([]),
        runs: vec![Run { files: [files, headers].concat(), ..Run::default() }],
        collect: Arc::from([Collect { path: PROGRAM.to_owned(), most_bytes: compile.program_bytes }]),
        series: false,
    }
}

/// The flags of a name of the language, in any letter case.
pub fn dialect<'a>(compile: &'a CompileImage, name: &str) -> &'a [String] {
    let asked = compile.dialects.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    asked.map_or_else(|| &compile.dialects[&compile.default_dialect], |(_, flags)| flags).as_slice()
}

pub fn compile_limits(compile: &CompileImage) -> Limits {
    Limits {
        cpu_ms: compile.cpu_ms,
        wall_ms: Limits::default_wall_ms(compile.cpu_ms),
        memory_bytes: compile.memory_bytes,
        output_bytes: OUTPUT_BYTES,
        processes: PROCESSES,
        file_bytes: FILE_BYTES,
    }
}

/// The solution's files under names that the compiler knows what to do with: a text of which only the
/// language was told gets the image's.
fn named_sources(image: &Image, solution: &Solution) -> Vec<(String, Arc<[u8]>)> {
    let named = |path: &str| match solution.files.len() == 1 && !path.contains('.') {
        true => image.entry.clone(),
        false => path.to_owned(),
    };
    solution.files.iter().map(|file| (named(&file.path), Arc::from(&*file.content))).collect()
}

/// A file's path that cannot be taken for an option or, as `@file`, for more of them.
fn safe_argument(path: &str) -> String {
    format!("./{path}")
}

fn environment(image: &Image) -> Vec<String> {
    image.cell.env.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

/// The first word of the answer to `-dumpfullversion -dumpversion`, as GCC and Clang understand it.
#[expect(clippy::disallowed_methods, reason = "asks a trusted compiler what it is")]
fn ask_version(compiler: &Path) -> Result<String, String> {
    let output = Command::new(compiler)
        .args(["-dumpfullversion", "-dumpversion"])
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.split_ascii_whitespace().next() {
        Some(version) if output.status.success() => Ok(version.to_owned()),
        _ => Err(format!("{}: it does not tell its version", output.status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submission::SourceFile;

    fn cpp() -> Image {
        Image::shipped_compiled().remove(0)
    }

    fn argv(job: &Job) -> String {
        let Program::Exec { argv, .. } = &job.program else { panic!("{job:?}") };
        argv.join(" ")
    }

    #[test]
    fn a_lone_text_gets_a_name_and_the_languages_name_its_flags() {
        let (image, solution) = (cpp(), Solution::single("main", "int main() {}"));
        let compile = image.compile.as_ref().unwrap();
        for (name, flags) in [("cpp", "-std=gnu++17"), ("C++20", "-std=gnu++20"), ("c++11", "-std=gnu++11")] {
            let job = compile_job(&image, compile, name, &solution);
            assert!(argv(&job).contains(flags), "{}", argv(&job));
            assert!(argv(&job).ends_with("-o program ./main.cpp -pthread"), "{}", argv(&job));
            assert_eq!(job.runs[0].files.len(), 1);
        }
    }

    #[test]
    fn headers_come_to_those_who_mention_them_and_have_none() {
        let image = cpp();
        let compile = image.compile.as_ref().unwrap();
        let file = |path: &str, content: &str| SourceFile {
            path: path.to_owned(),
            content: content.as_bytes().to_vec(),
        };
        let mentioning = Solution::single("main.cpp", "#include \"testlib.h\"\n");
        assert_eq!(compile_job(&image, compile, "cpp", &mentioning).runs[0].files[1].0, "testlib.h");
        let files = vec![file("-evil.cpp", "#include \"testlib.h\""), file("testlib.h", "own")];
        let job = compile_job(&image, compile, "cpp", &Solution { files, entry: 0 });
        assert_eq!(&*job.runs[0].files[1].1, b"own");
        assert_eq!(job.runs[0].files.len(), 3);
        assert!(argv(&job).ends_with(" ./-evil.cpp -pthread"), "{}", argv(&job));
    }
}
