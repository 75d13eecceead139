//! What compiling asks of a cell: one job for each source file, one that links.

use std::{path::Path, sync::Arc};

use super::{
    built::OpenedToolchain,
    manifest::{CompiledLanguage, ProgramKind, Toolchain, precompiled_name},
};
use crate::{
    limits::Limits,
    sandbox::{Collect, ImageSetup, Job, Program, Run, Tier, native::walls::seccomp::policy},
    submission::Solution,
};

/// What comes out of a job, in its working directory.
const MADE: &str = "made";
/// The compiler writes its messages there; they are bounded further in the report.
const OUTPUT_BYTES: u64 = 1 << 20;
/// Threads of the compiler's, which needs one.
const PROCESSES: u64 = 8;
const FILE_BYTES: u64 = 512 << 20;
/// Largest object file: arrays with other contents than zeros are in it.
const OBJECT_BYTES: u64 = 64 << 20;

/// A file of a solution: path, content.
pub type Source = (String, Arc<[u8]>);

/// A language of a toolchain.
#[derive(Debug, Clone, Copy)]
pub struct ToolchainLanguage<'a> {
    toolchain: &'a Toolchain,
    language: &'a super::manifest::CompiledLanguage,
}

impl<'a> ToolchainLanguage<'a> {
    /// The language's name.
    pub fn name(&self) -> &'a str {
        &self.language.names[0]
    }

    pub fn toolchain(&self) -> &'a Toolchain {
        self.toolchain
    }

    /// The name of the launcher of cells that compile.
    pub fn launcher(&self) -> String {
        self.toolchain.launcher()
    }

    /// The solution's files, under names that the compiler knows what to do with: a text of which only the
    /// language was told gets the language's.
    pub fn files(&self, solution: &Solution) -> Vec<Source> {
        let named = |path: &str| match solution.files.len() == 1 && !path.contains('.') {
            true => self.language.entry.clone(),
            false => path.to_owned(),
        };
        solution.files.iter().map(|file| (named(&file.path), Arc::from(&*file.content))).collect()
    }

    /// Those of them that are compiled.
    pub fn sources(&self, files: &[Source]) -> Vec<Source> {
        let is_source =
            |(path, _): &&Source| self.language.endings.iter().any(|ending| path.ends_with(ending));
        files.iter().filter(is_source).cloned().collect()
    }

    /// Everything that what is made depends on, beside the files. `name`: the language's, as asked for.
    pub fn identity(&self, name: &str, kind: ProgramKind) -> String {
        let place = self.toolchain.place(Path::new(""));
        format!("{} {} {} {kind:?}", place.display(), self.name(), self.dialect(name).join(" "))
    }

    /// Compiles one source file; the others are there to be included. `name`: as for [`ToolchainLanguage::identity`].
    pub fn compile_job(
        &self,
        opened: &OpenedToolchain,
        (name, kind): (&str, ProgramKind),
        files: &[Source],
        source: &Source,
    ) -> Job {
        let (path, content) = source;
        let dialect = self.dialect(name);
        let mut argv = self.toolchain.compiler(&opened.place);
        argv.extend(self.toolchain.solution_flags(&opened.place, self.language, kind));
        argv.extend(dialect.iter().cloned());
        let precompiled = dialect.iter().find(|flag| self.language.precompiled.contains(flag));
        if let Some(flag) = precompiled
            && opened.may_precompile
            && begins_with_everything(content)
        {
            let header = opened.place.join("pch").join(precompiled_name(flag, kind));
            argv.extend(["-include-pch".to_owned(), header.display().to_string()]);
        }
        // A path that cannot be taken for an option.
        argv.extend(["-c".to_owned(), format!("./{path}"), "-o".to_owned(), MADE.to_owned()]);
        job(argv, files.to_vec(), OBJECT_BYTES)
    }

    /// Links object files.
    pub fn link_job(&self, opened: &OpenedToolchain, objects: Vec<Arc<[u8]>>) -> Job {
        let settings = &self.toolchain.settings;
        let mut argv = vec![opened.place.join("zig").display().to_string(), "wasm-ld".to_owned()];
        argv.extend(settings.link_flags.iter().cloned());
        argv.extend(["-z".to_owned(), format!("stack-size={}", settings.stack_bytes)]);
        argv.extend(["-o".to_owned(), MADE.to_owned()]);
        let library = |name: &str| opened.place.join("lib").join(name).display().to_string();
        argv.push(library("crt1-command.o"));
        let objects: Vec<Source> =
            objects.into_iter().enumerate().map(|(number, object)| (format!("{number}.o"), object)).collect();
        argv.extend(objects.iter().map(|(path, _)| path.clone()));
        let libraries =
            ["libproofbox.a", "libc++.a", "libc++abi.a", "libc.a", "libzigc.a", "libcompiler_rt.a"];
        argv.extend(libraries.map(library));
        job(argv, objects, settings.program_bytes)
    }

    /// Of a compilation, of which `spent_ms` of CPU time are spent.
    pub fn limits(&self, spent_ms: u64) -> Limits {
        let settings = &self.toolchain.settings;
        let cpu_ms = settings.cpu_ms.saturating_sub(spent_ms).max(1);
        Limits {
            cpu_ms,
            wall_ms: Limits::default_wall_ms(cpu_ms),
            memory_bytes: settings.memory_bytes,
            output_bytes: OUTPUT_BYTES,
            processes: PROCESSES,
            file_bytes: FILE_BYTES,
        }
    }

    /// The flags of a name of the language, in any letter case.
    fn dialect(&self, name: &str) -> &'a [String] {
        let dialects = &self.language.dialects;
        let asked = dialects.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        asked.map_or_else(|| &dialects[&self.language.default_dialect], |(_, flags)| flags)
    }
}

impl OpenedToolchain {
    /// What the compiler says, without where the toolchain lies on this host.
    pub fn without_place(&self, said: &[u8]) -> Vec<u8> {
        let place = format!("{}/", self.place.display());
        String::from_utf8_lossy(said).replace(&place, "").into_bytes()
    }
}

impl Toolchain {
    /// Finds a language by one of its names, in any letter case.
    pub fn find(&self, name: &str) -> Option<ToolchainLanguage<'_>> {
        let knows = |language: &&CompiledLanguage| {
            language.names.iter().any(|known| known.eq_ignore_ascii_case(name))
        };
        self.languages.iter().find(knows).map(|language| ToolchainLanguage { toolchain: self, language })
    }

    /// The name of the launcher of cells that compile.
    pub fn launcher(&self) -> String {
        format!("{}-compile", self.name)
    }

    /// What these cells see: the toolchain, where it lies on the host, and nothing else of it.
    pub fn setup(&self, cache: &Path, tier: Tier) -> Result<ImageSetup, policy::PolicyError> {
        let place = self.place(cache).display().to_string();
        Ok(ImageSetup {
            binds: vec![(place.clone(), place)],
            links: Vec::new(),
            files: Vec::new(),
            seccomp: policy::compile_for(&policy::Additions::default(), tier)?,
        })
    }
}

fn job(argv: Vec<String>, files: Vec<Source>, most_bytes: u64) -> Job {
    Job {
        program: Program::Exec { argv, env: Vec::new() },
        sources: Arc::from([]),
        runs: vec![Run { files, ..Run::default() }],
        collect: Arc::from([Collect { path: MADE.to_owned(), most_bytes }]),
        series: false,
    }
}

/// Whether a source includes the header of all headers before it says anything that could change what it means.
fn begins_with_everything(content: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(content) else { return false };
    let mut in_comment = false;
    for line in text.trim_start_matches('\u{feff}').lines() {
        let line = line.trim();
        if in_comment {
            match line.split_once("*/") {
                Some((_, rest)) if rest.trim().is_empty() => in_comment = false,
                Some(_) => return false,
                None => {}
            }
            continue;
        }
        let words: String = line.split_ascii_whitespace().collect();
        if words.starts_with("#include<bits/stdc++.h>") || words.starts_with("#include\"bits/stdc++.h\"") {
            return true;
        }
        if line.starts_with("/*") {
            match line.split_once("*/") {
                Some((_, rest)) if rest.trim().is_empty() => {}
                Some(_) => return false,
                None => in_comment = true,
            }
            continue;
        }
        let says_nothing = words.is_empty() || words.starts_with("//") && !words.ends_with('\\');
        if !says_nothing && !words.starts_with("#include<") && !words.starts_with("#pragmaGCC") {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_says_something_first_is_compiled_as_it_stands() {
        for text in [
            "#include <bits/stdc++.h>\n",
            "// x\n\n/* a */\n/* b\n c */\n#include <iostream>\n#pragma GCC optimize(\"O3\")\n# include<bits/stdc++.h>",
        ] {
            assert!(begins_with_everything(text.as_bytes()), "{text}");
        }
        for text in [
            "#include <iostream>\n",
            "#define int long long\n#include <bits/stdc++.h>",
            "/* a */ int x;\n#include <bits/stdc++.h>",
            "/* a\n#include <bits/stdc++.h>\n*/",
            "// a \\\n#include <bits/stdc++.h>\nint x;",
            "#ifdef X\n#include <bits/stdc++.h>\n#endif",
            "int x;\n#include <bits/stdc++.h>",
        ] {
            assert!(!begins_with_everything(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_language_is_found_by_any_of_its_names() {
        let toolchain = Toolchain::shipped().remove(0);
        assert!(toolchain.find("C").is_some() && toolchain.find("C++20").is_some());
    }

    #[test]
    fn a_name_chooses_the_dialect_and_the_header_compiled_for_it() {
        let toolchain = Toolchain::shipped().remove(0);
        let opened = OpenedToolchain { place: "/t".into(), may_precompile: true };
        let argv = |opened: &OpenedToolchain, name: &str, text: &str| {
            let language = toolchain.find(name).unwrap();
            let files = language.files(&Solution::single("main", text));
            let Program::Exec { argv, .. } =
                language.compile_job(opened, (name, ProgramKind::Plain), &files, &files[0]).program
            else {
                panic!("no program")
            };
            argv.join(" ")
        };
        let all = "#include <bits/stdc++.h>\n";
        assert!(argv(&opened, "cpp", all).contains("-std=gnu++17 -include-pch /t/pch/stdgnu17.pch"));
        assert!(argv(&opened, "C++20", all).contains("-std=gnu++20 -include-pch /t/pch/stdgnu20.pch"));
        assert!(!argv(&opened, "c++14", all).contains("-include-pch"));
        assert!(!argv(&opened, "cpp", "int main() {}").contains("-include-pch"));
        let moved = OpenedToolchain { may_precompile: false, ..opened.clone() };
        assert!(!argv(&moved, "cpp", all).contains("-include-pch"));
        assert!(argv(&opened, "c", "int main() {}").ends_with("-c ./main.c -o made"));
    }
}
