//! The order of the house, read from its `use` lines: no circle of imports between files, and nothing imports what
//! its layer may not know.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// A module's path below the crate; the crate itself is the empty one.
type Module = Vec<String>;

/// Who may not import what. A path stands for everything below it.
const NEVER: [(&str, &[&str]); 13] = [
    ("value", &["submission", "judge", "sandbox", "verdict", "verify", "wire", "http", "command"]),
    ("judge", &["sandbox", "submission", "verdict", "report", "verify", "wire", "http", "command"]),
    (
        "sandbox",
        &[
            "submission",
            "language",
            "images",
            "compile",
            "judge",
            "verdict",
            "wire",
            "verify",
            "http",
            "command",
        ],
    ),
    ("sandbox::sys", &["sandbox::native", "sandbox::wasm"]),
    ("sandbox::native", &["sandbox::wasm"]),
    ("sandbox::native::launcher", &["sandbox::native::service"]),
    ("sandbox::native::cell", &["sandbox::native::launcher", "sandbox::native::service"]),
    (
        "sandbox::native::walls",
        &["sandbox::native::cell", "sandbox::native::launcher", "sandbox::native::service"],
    ),
    (
        "sandbox::native::messages",
        &[
            "sandbox::native::walls",
            "sandbox::native::cell",
            "sandbox::native::launcher",
            "sandbox::native::service",
        ],
    ),
    ("submission", &["sandbox", "verdict", "verify", "wire", "http", "command"]),
    ("language", &["wire", "verify", "http", "command"]),
    ("wire", &["verify", "http", "command"]),
    ("dataset", &["verify", "http", "command"]),
];

#[test]
fn no_file_imports_what_its_layer_may_not_know() {
    let imports = imports();
    let is_below = |module: &Module, path: &str| {
        let path: Vec<&str> = path.split("::").collect();
        module.len() >= path.len() && module.iter().zip(&path).all(|(own, wanted)| own == wanted)
    };
    let mut broken = Vec::new();
    for (module, used) in &imports {
        for other in used {
            let own_command = is_below(module, "command") || module.is_empty();
            let forbidden = NEVER.iter().any(|(layer, never)| {
                is_below(module, layer) && never.iter().any(|path| is_below(other, path))
            });
            if forbidden || (is_below(other, "command") && !own_command) {
                broken.push(format!("{} imports {}", module.join("::"), other.join("::")));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut left = imports();
    // Whoever imports nobody that is left is no part of a circle.
    loop {
        let names: BTreeSet<Module> = left.keys().cloned().collect();
        let before = left.len();
        left.retain(|_, used| used.iter().any(|other| names.contains(other)));
        if left.len() == before {
            break;
        }
    }
    // What only leads into a circle is none either.
    loop {
        let used: BTreeSet<Module> = left.values().flatten().cloned().collect();
        let before = left.len();
        left.retain(|module, _| used.contains(module));
        if left.len() == before {
            break;
        }
    }
    let shown = left.iter().map(|(module, used)| {
        let used = used.iter().filter(|other| left.contains_key(*other)).map(|other| other.join("::"));
        format!("{} -> {}", module.join("::"), used.collect::<Vec<_>>().join(", "))
    });
    assert!(left.is_empty(), "these files import each other:\n{}", shown.collect::<Vec<_>>().join("\n"));
}

#[test]
fn imports_are_read_as_the_compiler_reads_them() {
    let read = |text: &str| {
        let own = vec!["a".to_owned(), "b".to_owned()];
        let paths = paths_of(text, &own);
        paths.iter().map(|path| path.join("::")).collect::<BTreeSet<_>>()
    };
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(read("use crate::{x::{self, Y}, z as w};"), set(&["x", "x::Y", "z"]));
    assert_eq!(read("pub use super::{c, d::E};\nuse self::f::G;"), set(&["a::c", "a::d::E", "a::b::f::G"]));
    assert_eq!(read("fn f() { crate::g::h(); super::i::j() } // crate::k::l"), set(&["g::h", "a::i::j"]));
    assert_eq!(read("#[cfg(test)]\nmod tests {\n    use crate::m::N;\n}\n"), set(&[]));
    assert_eq!(read("mod n {\n    use super::super::o::P;\n}\n"), set(&["a::o::P"]));
    assert!(imports().len() > 150, "the sources are not there");
}

/// Every source file of the crate but those of tests, and the files whose modules it names.
fn imports() -> BTreeMap<Module, BTreeSet<Module>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let mut texts: BTreeMap<Module, String> = BTreeMap::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap();
        let mut module: Module =
            relative.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
            module.pop();
        }
        if module != ["main"] {
            texts.insert(module, fs::read_to_string(&file).unwrap());
        }
    }
    let of_tests: BTreeSet<Module> =
        texts.iter().flat_map(|(module, text)| test_modules(module, text)).collect();
    let is_test = |module: &Module| (0..=module.len()).any(|length| of_tests.contains(&module[..length]));
    let names: BTreeSet<Module> = texts.keys().filter(|module| !is_test(module)).cloned().collect();
    let file_of = |path: &[String]| {
        (0..=path.len()).rev().map(|length| path[..length].to_vec()).find(|part| names.contains(part))
    };
    names
        .iter()
        .map(|module| {
            let paths = paths_of(&texts[module], module);
            let used = paths.iter().filter_map(|path| file_of(path)).filter(|other| other != module);
            (module.clone(), used.collect())
        })
        .collect()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("src/tests") {
                collect(&path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Modules in files of their own that only tests have.
fn test_modules(module: &Module, text: &str) -> Vec<Module> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let pairs = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]");
    let names = pairs.filter_map(|pair| pair[1].split("mod ").nth(1)?.strip_suffix(';'));
    names.map(|name| module.iter().cloned().chain([name.to_owned()]).collect()).collect()
}

/// The paths below the crate that a file's text names, outside of comments and of tests.
fn paths_of(text: &str, own: &Module) -> Vec<Module> {
    let text = without_comments(text);
    let mut paths = Vec::new();
    // Enclosing modules within the file, each with the indentation of its end.
    let mut within: Vec<(String, String)> = Vec::new();
    let mut lines = text.lines().peekable();
    let mut is_test = false;
    while let Some(line) = lines.next() {
        let indent: String = line.chars().take_while(|letter| *letter == ' ').collect();
        if within.last().is_some_and(|(_, end)| line == format!("{end}}}")) {
            within.pop();
            continue;
        }
        let words = line.trim();
        if let Some(name) =
            words.strip_suffix(" {").and_then(|words| words.split_once("mod ")).map(|(_, name)| name)
        {
            if is_test {
                let end = format!("{indent}}}");
                lines.by_ref().find(|line| *line == end);
                is_test = false;
            } else {
                within.push((name.to_owned(), indent));
            }
            continue;
        }
        is_test = words == "#[cfg(test)]";
        let scope: Module = own.iter().cloned().chain(within.iter().map(|(name, _)| name.clone())).collect();
        let is_public = words.starts_with("pub ") || words.starts_with("pub(");
        let statement = words.split_once("use ").filter(|(before, _)| {
            before.is_empty() || (is_public && matches!(before.trim_end().bytes().last(), Some(b'b' | b')')))
        });
        if let Some((_, tree)) = statement {
            let mut tree = tree.to_owned();
            while !tree.ends_with(';') {
                tree += lines.next().expect("a use statement ends").trim();
            }
            let mut leaves = Vec::new();
            expand(tree.trim_end_matches(';'), &[], &mut leaves);
            paths.extend(leaves.iter().filter_map(|leaf| absolute(leaf, &scope)));
        } else {
            paths.extend(named_in(words).iter().filter_map(|path| absolute(path, &scope)));
        }
    }
    paths
}

fn without_comments(text: &str) -> String {
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default().trim_end());
    code.map(|line| format!("{line}\n")).collect()
}

/// `a::{b, c::d as e}` as `a::b` and `a::c::d`.
fn expand(tree: &str, prefix: &[String], leaves: &mut Vec<Module>) {
    let tree = tree.trim();
    let segments = |text: &str| {
        text.split("::")
            .map(|part| part.trim().to_owned())
            .filter(|part| !part.is_empty())
            .collect::<Module>()
    };
    let Some((before, group)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap_or_default();
        let mut leaf = [prefix, &segments(name)].concat();
        if leaf.len() > 1 && leaf.last().is_some_and(|part| part == "self") {
            leaf.pop();
        }
        return leaves.push(leaf);
    };
    let prefix = [prefix, &segments(before)].concat();
    let end = group.rfind('}').unwrap_or_else(|| panic!("a group ends: {tree}"));
    let group = &group[..end];
    let (mut depth, mut begin) = (0, 0);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&group[begin..at], &prefix, leaves);
                begin = at + 1;
            }
            _ => {}
        }
    }
    if !group[begin..].trim().is_empty() {
        expand(&group[begin..], &prefix, leaves);
    }
}

/// Paths that a line of code names without importing them.
fn named_in(line: &str) -> Vec<Module> {
    let words = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != ':');
    let paths = words.filter(|word| word.starts_with("crate::") || word.starts_with("super::"));
    // `pub(in crate::a)` is no import.
    let paths = paths.filter(|_| !line.contains("(in crate::"));
    paths.map(|path| path.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect()).collect()
}

/// From the crate on; `None` for what is not of this crate.
fn absolute(path: &Module, scope: &Module) -> Option<Module> {
    let supers = path.iter().take_while(|part| *part == "super").count();
    let base = match path.first()?.as_str() {
        "crate" => return Some(path[1..].to_vec()),
        "self" => return Some([scope.as_slice(), &path[1..]].concat()),
        "super" => &scope[..scope.len().checked_sub(supers)?],
        _ => return None,
    };
    Some([base, &path[supers..]].concat())
}
