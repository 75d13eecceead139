//! Building a toolchain: fetch, check, unpack, make the libraries, compile headers beforehand, record.
//!
//! The package's program is pinned by its digest. It runs in a directory of its own, with no environment and
//! nothing to read from, and is given nothing but the package's own files and ours.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Component, Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{archive::Archive, error::BuildError, fetch::package_of};
use crate::{
    language::toolchain::{
        built::ToolchainRecord,
        manifest::{EVERYTHING, LACKING, ProgramKind, TAGS, Toolchain, UNCHECKED, WIDTHS, precompiled_name},
    },
    sandbox::wasm::cache_directory::{RECORD, lock, sha256_of},
};

/// What the program makes by itself, found by these names in what it gives to its linker.
const MADE_BY_ITSELF: [&str; 4] = ["crt1-command.o", "libc.a", "libzigc.a", "libcompiler_rt.a"];
/// Files of the C++ library that are left out: they are for threads, which are not here.
const NOT_COMPILED: [&str; 11] = [
    "atomic.cpp",
    "barrier.cpp",
    "condition_variable.cpp",
    "condition_variable_destructor.cpp",
    "future.cpp",
    "mutex.cpp",
    "mutex_destructor.cpp",
    "shared_mutex.cpp",
    "thread.cpp",
    // What is taken where there are no exceptions, and for threads.
    "cxa_noexception.cpp",
    "cxa_thread_atexit.cpp",
];

/// Builds a toolchain unless it is there; where it lies. About a minute of CPU time, on all cores.
pub fn build(
    toolchain: &Toolchain,
    cache: &Path,
    from: Option<&Path>,
    progress: &dyn Fn(&str),
) -> Result<PathBuf, BuildError> {
    let site = Site { toolchain, place: toolchain.place(cache) };
    let _lock = lock(cache, &toolchain.name).map_err(|error| site.failed("lock the cache", &error))?;
    if toolchain.is_built(cache) {
        return Ok(site.place);
    }
    let package = package_of(&toolchain.name, &toolchain.package, from, progress)?;
    let work = tempfile::Builder::new().prefix(".new-").tempdir_in(cache);
    let work = work.map_err(|error| site.failed("make a directory", &error))?;
    // What an earlier attempt left behind.
    if site.place.exists() {
        fs::remove_dir_all(&site.place).map_err(|error| site.failed("remove what is unfinished", &error))?;
    }
    progress("unpacking");
    site.unpack(&Archive::new(&package), work.path())?;
    drop(package);
    progress("making the C library");
    site.make_c_library(work.path())?;
    progress("making the C++ library");
    site.make_libraries(work.path())?;
    progress("compiling headers");
    site.precompile()?;
    // So that cells that have another user than ours can come to it.
    let open_to_all = |path: &Path| {
        let mode = fs::metadata(path)?.permissions().mode();
        fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o011))
    };
    open_to_all(cache).map_err(|error| site.failed("open the directory", &error))?;
    site.record().map_err(|error| site.failed("record the files", &error))?;
    Ok(site.place)
}

/// A toolchain being built.
struct Site<'a> {
    toolchain: &'a Toolchain,
    place: PathBuf,
}

impl Site<'_> {
    fn failed(&self, step: &'static str, error: &dyn std::fmt::Display) -> BuildError {
        BuildError::step(&self.toolchain.name, step, error)
    }

    /// The whole of what building needs into `work`; the program and the headers into the toolchain's place.
    fn unpack(&self, archive: &Archive<'_>, work: &Path) -> Result<(), BuildError> {
        let failed = |error: &dyn std::fmt::Display| self.failed("unpack the package", error);
        let settings = &self.toolchain.settings;
        let is_wanted = |name: &str| {
            let within = |wanted: &String| match wanted.ends_with('/') {
                true => name.starts_with(wanted.as_str()),
                false => name == wanted,
            };
            name == settings.program || settings.sources.iter().any(within)
        };
        for member in archive.members(is_wanted) {
            let (name, content) = member.map_err(|error| failed(&error))?;
            if !Path::new(&name).components().all(|part| matches!(part, Component::Normal(_))) {
                return Err(failed(&format!("{name} would lie elsewhere")));
            }
            put(&work.join(&name), &content).map_err(|error| failed(&error))?;
            if name == settings.program {
                let program = self.place.join("zig");
                fs::create_dir_all(&self.place).map_err(|error| failed(&error))?;
                fs::hard_link(work.join(&name), &program).map_err(|error| failed(&error))?;
                fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
                    .map_err(|error| failed(&error))?;
            }
            for (directory, prefix) in &settings.headers {
                let Some(rest) = name.strip_prefix(prefix.as_str()) else { continue };
                let is_kept = directory != "builtin"
                    || settings.builtin.iter().any(|kept| rest.starts_with(kept.as_str()));
                if is_kept {
                    let path = self.place.join("include").join(directory).join(rest);
                    put(&path, &content).map_err(|error| failed(&error))?;
                }
            }
        }
        let everything = self.place.join("include/own/bits/stdc++.h");
        put(&everything, EVERYTHING.as_bytes()).map_err(|error| failed(&error))
    }

    /// The program makes the C library itself when it first links something. It says what it gives to its linker,
    /// and so where the library is.
    fn make_c_library(&self, work: &Path) -> Result<(), BuildError> {
        let failed = |error: &dyn std::fmt::Display| self.failed("make the C library", error);
        put(&work.join("empty.c"), b"int main(void) { return 0; }\n").map_err(|error| failed(&error))?;
        let program = work.join(&self.toolchain.settings.program);
        let mut command = confined(&program, work);
        command
            .args(["cc", "-target", "wasm32-wasi", "-O2", "-s", "empty.c", "-o", "empty.wasm"])
            .env("ZIG_GLOBAL_CACHE_DIR", work.join("cache"))
            .env("ZIG_LOCAL_CACHE_DIR", work.join("cache"))
            .env("ZIG_VERBOSE_LINK", "1");
        let said = run(&mut command).map_err(|error| failed(&error))?;
        let linked = said.lines().find(|line| line.starts_with("wasm-ld "));
        let linked = linked.ok_or_else(|| failed(&"it does not say what it links"))?;
        for name in MADE_BY_ITSELF {
            let named = |word: &&str| Path::new(word).file_name().is_some_and(|file| file == name);
            let made = linked.split_ascii_whitespace().find(named);
            let made = made.ok_or_else(|| failed(&format!("it links no {name}")))?;
            let content = fs::read(work.join(made)).map_err(|error| failed(&error))?;
            put(&self.place.join("lib").join(name), &content).map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    /// The C++ library with exceptions, which the program would make without, and the parts of ours.
    fn make_libraries(&self, work: &Path) -> Result<(), BuildError> {
        let failed = |error: &dyn std::fmt::Display| self.failed("make the C++ library", error);
        for (name, text) in [("tags.s", TAGS), ("lacking.c", LACKING), ("widths.c", WIDTHS)] {
            put(&work.join(name), text.as_bytes()).map_err(|error| failed(&error))?;
        }
        let pieces = pieces(work).map_err(|error| failed(&error))?;
        let (next, problem) = (AtomicUsize::new(0), Mutex::new(None));
        let compile_rest = || {
            while let Some((number, piece)) = {
                let number = next.fetch_add(1, Ordering::Relaxed);
                pieces.get(number).map(|piece| (number, piece))
            } {
                if let Err(error) = self.compile_piece(work, number, piece) {
                    problem.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    next.store(pieces.len(), Ordering::Relaxed);
                }
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(compile_rest))));
        if let Some(error) = problem.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(failed(&error));
        }
        for library in [Library::Cxx, Library::CxxAbi, Library::Own] {
            let mut command = confined(&self.place.join("zig"), work);
            command.args(["ar", "rcs"]).arg(self.place.join("lib").join(library.file()));
            for (number, piece) in pieces.iter().enumerate() {
                if piece.library == library {
                    command.arg(object(number));
                }
            }
            run(&mut command).map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    fn compile_piece(&self, work: &Path, number: usize, piece: &ArchivePiece) -> Result<(), String> {
        let words = self.toolchain.compiler(&self.place);
        let mut command = confined(Path::new(&words[0]), work);
        command.args(&words[1..]).args(["-w", "-DNDEBUG", "-ffunction-sections", "-fdata-sections"]);
        for directory in ["libcxx/src", "libcxx/libc", "libunwind/include"] {
            command.arg("-I").arg(work.join("ziglang/lib").join(directory));
        }
        command
            .args(piece.library.flags(&piece.source))
            .arg("-c")
            .arg(&piece.source)
            .arg("-o")
            .arg(object(number));
        run(&mut command).map(drop).map_err(|error| format!("{}: {error}", piece.source.display()))
    }

    /// The header of all headers, for the dialects that are asked for most.
    fn precompile(&self) -> Result<(), BuildError> {
        let failed = |error: &dyn std::fmt::Display| self.failed("compile headers", error);
        // Whatever the cache directory is called.
        let name = self.place.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
        let unchecked = format!("src:*/{name}/include/*\n");
        put(&self.place.join(UNCHECKED), unchecked.as_bytes()).map_err(|error| failed(&error))?;
        for language in &self.toolchain.languages {
            let kinds = [ProgramKind::Plain, ProgramKind::Checked].into_iter();
            for (dialect, kind) in
                language.precompiled.iter().flat_map(|it| kinds.clone().map(move |kind| (it, kind)))
            {
                let target = self.place.join("pch").join(precompiled_name(dialect, kind));
                put(&target, b"").map_err(|error| failed(&error))?;
                let words = self.toolchain.compiler(&self.place);
                let mut command = confined(Path::new(&words[0]), &self.place);
                command.args(&words[1..]).args(self.toolchain.solution_flags(&self.place, language, kind));
                // Their age says nothing: their digests are checked.
                command.args([
                    dialect.as_str(),
                    "-Xclang",
                    "-fno-pch-timestamp",
                    "-fpch-instantiate-templates",
                ]);
                command.args(["-x", "c++-header"]).arg(self.place.join("include/own/bits/stdc++.h"));
                run(command.arg("-o").arg(&target)).map_err(|error| failed(&error))?;
            }
        }
        Ok(())
    }

    /// The list of all files, written last: what has none is not built.
    fn record(&self) -> std::io::Result<()> {
        let mut digests = BTreeMap::new();
        let mut directories = vec![self.place.clone()];
        while let Some(directory) = directories.pop() {
            // Cells may have another user, who must be able to read it.
            fs::set_permissions(&directory, fs::Permissions::from_mode(0o755))?;
            for entry in fs::read_dir(&directory)? {
                let path = entry?.path();
                if path.is_dir() {
                    directories.push(path);
                    continue;
                }
                let mode = if path == self.place.join("zig") { 0o755 } else { 0o644 };
                fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
                let name = path.strip_prefix(&self.place).unwrap_or(&path).display().to_string();
                digests.insert(name, sha256_of(&mut fs::File::open(&path)?)?);
            }
        }
        let record = ToolchainRecord { place: self.place.display().to_string(), digests };
        let text = toml::to_string(&record).map_err(std::io::Error::other)?;
        let unfinished = self.place.with_extension("record");
        fs::write(&unfinished, text)?;
        fs::rename(unfinished, self.place.join(RECORD))
    }
}

/// A source file of a library.
struct ArchivePiece {
    library: Library,
    source: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Library {
    Cxx,
    CxxAbi,
    /// What the C library lacks.
    Own,
}

impl Library {
    fn file(self) -> &'static str {
        match self {
            Library::Cxx => "libc++.a",
            Library::CxxAbi => "libc++abi.a",
            Library::Own => "libproofbox.a",
        }
    }

    fn flags(self, source: &Path) -> Vec<&'static str> {
        let cxx = [
            "-std=c++23",
            "-fwasm-exceptions",
            "-nostdinc++",
            "-fvisibility=hidden",
            "-fvisibility-inlines-hidden",
        ];
        let own: &[&str] = match self {
            Library::Cxx => &[
                "-D_LIBCPP_BUILDING_LIBRARY",
                "-DLIBCXX_BUILDING_LIBCXXABI",
                "-D_LIBCPP_HAS_NO_PRAGMA_SYSTEM_HEADER",
                "-DLIBC_NAMESPACE=__llvm_libc_common_utils",
                "-faligned-allocation",
            ],
            Library::CxxAbi => &[
                "-D_LIBCPP_BUILDING_LIBRARY",
                "-D_LIBCXXABI_BUILDING_LIBRARY",
                "-D_LIBCXXABI_HAS_NO_THREADS",
                "-fstrict-aliasing",
            ],
            Library::Own if source.extension().is_some_and(|ending| ending == "s") => {
                return vec!["-mexception-handling"];
            }
            Library::Own => {
                return vec![
                    "-fwasm-exceptions",
                    "-fdeclspec",
                    "-D__WASM_EXCEPTIONS__",
                    "-D_LIBUNWIND_HAS_NO_THREADS",
                ];
            }
        };
        [&cxx, own].concat()
    }
}

fn object(number: usize) -> String {
    format!("piece-{number}.o")
}

/// The files that the libraries are made of.
fn pieces(work: &Path) -> std::io::Result<Vec<ArchivePiece>> {
    let library = work.join("ziglang/lib");
    let mut pieces = Vec::new();
    for (kind, directory) in
        [(Library::Cxx, "libcxx/src"), (Library::Cxx, "libcxx/src/ryu"), (Library::CxxAbi, "libcxxabi/src")]
    {
        for entry in fs::read_dir(library.join(directory))? {
            let source = entry?.path();
            let name = source.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
            if name.ends_with(".cpp") && !NOT_COMPILED.contains(&name.as_str()) {
                pieces.push(ArchivePiece { library: kind, source });
            }
        }
    }
    for source in ["libunwind/src/Unwind-wasm.c", "libc/wasi/libc-top-half/musl/src/setjmp/wasm32/rt.c"] {
        pieces.push(ArchivePiece { library: Library::Own, source: library.join(source) });
    }
    for source in ["tags.s", "lacking.c", "widths.c"] {
        pieces.push(ArchivePiece { library: Library::Own, source: work.join(source) });
    }
    // The order of an archive's members must not depend on the file system.
    pieces.sort_by(|one, other| one.source.cmp(&other.source));
    Ok(pieces)
}

/// A command of the package's program: no environment, no input, a directory of its own.
#[expect(clippy::disallowed_methods, reason = "the toolchain is built by itself")]
fn confined(program: &Path, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory).env_clear().stdin(Stdio::null());
    command
}

/// What the program said on its standard error stream.
fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.success() {
        true => Ok(said),
        false => Err(format!("{}: {}", output.status, said.chars().take(2_000).collect::<String>())),
    }
}

fn put(path: &Path, content: &[u8]) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(path, content)
}
