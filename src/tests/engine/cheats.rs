//! Every program in `test-cases/cheats` in pairs: judged by a naive judge it passes, and here it does
//! not, by no rule, from a warm interpreter and an executed one, in every tier.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
};

use crate::support::{
    self,
    bare::{self},
    container::{self, Who},
    for_each, program, slots, testing_config,
};
use proofbox::{
    admission::Admit,
    config::EngineConfig,
    judge::{Compare, Profile, Rule},
    limits::Limits,
    report::Report,
    submission::{
        CodeKind, CodeTest, CodeTests, FunctionTarget, FunctionTest, ProgramTest, Solution, SourceFile, Stop,
        Submission, Tests,
    },
    value::Value,
    verdict::Verdict,
    verify::Engine,
};

const NAIVE_JUDGE: &str = "naive_judge.py";
/// What it is asked; the naive judge asks the same.
const INPUTS: [i64; 3] = [3, 5, 8];
/// Cheats that the naive judge is given in one process.
const BATCH: usize = 12;

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("test-cases/cheats")
}

/// One program, with what its first lines say of it; `test-cases/cheats/README.md` has the words.
struct Cheat {
    file: String,
    source: String,
    /// How the naive judge goes about it; `Err` says why there is no such half.
    judge: Result<String, String>,
    expects: String,
    /// Where it must be just this verdict.
    verdict: Option<Verdict>,
    /// Rules by which the answer is right.
    matches: BTreeSet<String>,
    /// A module that must be installed for the case to mean anything.
    needs: Option<String>,
}

/// How a cheat is asked here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// By the tests that it names, by input and output or by calls.
    Compared,
    /// By code: its own lines, or an assertion for each call.
    Code,
}

impl Cheat {
    fn read(file: String) -> Cheat {
        let source = fs::read_to_string(directory().join(&file)).unwrap();
        let mut words: BTreeMap<&str, &str> = source
            .lines()
            .map_while(|line| line.strip_prefix("# "))
            .filter_map(|line| line.split_once(": "))
            .filter(|(name, _)| !name.contains(' '))
            .collect();
        let judge = words.remove("judge").unwrap_or_else(|| panic!("{file} names no judge"));
        let cheat = Cheat {
            judge: match judge.strip_prefix("none: ") {
                Some(why) => Err(why.to_owned()),
                None => Ok(judge.to_owned()),
            },
            expects: words.remove("expects").unwrap_or("int").to_owned(),
            verdict: words.remove("verdict").map(|word| Verdict::from_word(word).unwrap()),
            needs: words.remove("needs").map(str::to_owned),
            matches: words.remove("matches").unwrap_or("").split_whitespace().map(str::to_owned).collect(),
            file,
            source: source.clone(),
        };
        assert!(words.is_empty(), "{}: unknown words {words:?}", cheat.file);
        cheat
    }

    fn is_program(&self) -> bool {
        self.judge.as_ref().is_ok_and(|judge| judge.starts_with("program"))
    }

    /// The lines that are the tests' code.
    fn code(&self) -> String {
        self.source
            .lines()
            .filter_map(|line| line.strip_prefix("#> "))
            .map(|line| format!("{line}\n"))
            .collect()
    }

    fn ways(&self) -> Vec<Way> {
        match (self.code().is_empty(), self.is_program()) {
            (true, true) => vec![Way::Compared],
            (true, false) => vec![Way::Compared, Way::Code],
            (false, _) => vec![Way::Code],
        }
    }

    fn tests(&self, way: Way) -> Tests {
        let calls = || INPUTS.iter().map(|x| function_test(&self.expects, *x));
        match way {
            Way::Compared if self.is_program() => {
                Tests::Program(INPUTS.iter().map(|x| program_test(&self.expects, *x)).collect())
            }
            Way::Compared => {
                Tests::Function { target: FunctionTarget { name: "f".to_owned() }, tests: calls().collect() }
            }
            Way::Code => {
                let is_suite = self.judge.as_ref().is_ok_and(|judge| judge == "code-unittest");
                let kind = if is_suite { CodeKind::Unittest } else { CodeKind::Assert };
                let asserts = calls().map(|call| {
                    let first = call.args.root().items().next().expect("an argument");
                    format!("assert f({}) == {}", first.repr(100), call.accepted[0].root().repr(1000))
                });
                let codes: Vec<String> = match self.code() {
                    code if code.is_empty() => asserts.collect(),
                    code => vec![code],
                };
                let tests = codes.into_iter().map(|code| CodeTest { kind, code }).collect();
                Tests::Code(CodeTests { tests, ..CodeTests::default() })
            }
        }
    }

    fn submission(&self, way: Way) -> Submission {
        // The naive judge has half a second where it measures time; each of those cheats needs more.
        let cpu_ms = if self.verdict == Some(Verdict::TimeLimit) { 350 } else { 2_000 };
        let also = match way {
            Way::Compared => rules().into_iter().map(|(_, rule)| rule).collect(),
            Way::Code => Vec::new(),
        };
        Submission {
            solution: Solution::single("main.py", self.source.clone()),
            tests: self.tests(way),
            also,
            limits: Limits { cpu_ms, wall_ms: Limits::default_wall_ms(cpu_ms), ..Limits::default() },
            stop: Stop::FirstFailure,
            ..program("", &[])
        }
    }

    /// What is wrong with a report, if anything is.
    fn mistake(&self, way: Way, report: &Report) -> Option<String> {
        let may_be_undecided = self.verdict == Some(Verdict::Undecided);
        let refused = |verdict| match verdict {
            Verdict::Accepted => false,
            Verdict::Undecided => may_be_undecided,
            _ => true,
        };
        let wrong = !refused(report.verdict) || self.verdict.is_some_and(|verdict| report.verdict != verdict);
        if wrong {
            return Some(format!("{}, {way:?}: {} {:?}", self.file, report.verdict, report.reason));
        }
        if way == Way::Code {
            return None;
        }
        let mut accepting = BTreeSet::new();
        for ((name, _), judged) in rules().into_iter().zip(&report.also) {
            match judged.verdict {
                Verdict::Accepted => drop(accepting.insert(name)),
                verdict if refused(verdict) => {}
                verdict => return Some(format!("{}: {verdict} by {name}", self.file)),
            }
        }
        (report.also.len() != rules().len() || accepting != self.matches)
            .then(|| format!("{}: accepted by {accepting:?}, not by {:?}", self.file, self.matches))
    }
}

/// Every rule and every profile as it is meant, by the names that cheats call them.
fn rules() -> Vec<(String, Compare)> {
    let named = Rule::NAMED.iter().map(|(name, rule)| ((*name).to_owned(), Compare::Rule(*rule)));
    let float = [("float".to_owned(), Compare::Rule(Rule::float(1e-6, 1e-6)))];
    let meant = Profile::all().filter(|profile| !profile.is_bug_compatible());
    named.chain(float).chain(meant.map(|profile| (profile.to_string(), Compare::Profile(profile)))).collect()
}

fn program_test(expects: &str, x: i64) -> ProgramTest {
    let number = x * 7919 + 13;
    let expected = match expects {
        "int" => number.to_string(),
        "big" => format!("{x}000000000000000007"),
        "permutation" => format!("{} {x} {}", x + 2, x + 1),
        "lines" => format!("{x}\n{number}"),
        other => panic!("no program prints {other}"),
    };
    ProgramTest {
        stdin: x.to_string().into_bytes().into(),
        accepted_stdout: vec![expected.into()],
        files: Vec::new(),
    }
}

fn function_test(expects: &str, x: i64) -> FunctionTest {
    let number = x * 7919 + 13;
    let expected = match expects {
        "int" => Value::Int(number),
        "float" => Value::Float(number as f64 / 7.0),
        "str" => Value::str(&format!("answer {number}")),
        "list" => Value::List(vec![Value::Int(number), Value::Int(x)]),
        "permutation" => Value::List([x + 2, x, x + 1].map(Value::Int).to_vec()),
        "dict" => Value::Dict(vec![(Value::str("answer"), Value::Int(number))]),
        other => panic!("no function returns {other}"),
    };
    FunctionTest::new(vec![Value::Int(x)], Vec::new(), &[expected])
}

fn cheats() -> Vec<Cheat> {
    let names = fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut files: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    files.retain(|file| file.ends_with(".py") && file != NAIVE_JUDGE);
    files.sort();
    let cheats = files.into_iter().map(Cheat::read);
    let (there, lacking): (Vec<Cheat>, Vec<Cheat>) =
        cheats.partition(|cheat| cheat.needs.as_deref().is_none_or(installed));
    for cheat in lacking {
        eprintln!("NOT TESTED: {}: {:?} is not installed", cheat.file, cheat.needs);
    }
    there
}

fn installed(module: &str) -> bool {
    let import = format!("import {module}");
    let status = Command::new("/usr/bin/python3").args(["-I", "-c", &import]).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn fail_with(failures: Vec<String>) {
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cheat_passes_a_naive_judge() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("NOT TESTED: the naive halves need root, for pid namespaces that bound them");
        return;
    }
    let mut files = Vec::new();
    for cheat in cheats() {
        match cheat.judge {
            Ok(_) => files.push(cheat.file),
            Err(why) => eprintln!("no naive half: {}: {why}", cheat.file),
        }
    }
    let batches: Arc<Vec<Vec<String>>> = Arc::new(files.chunks(BATCH).map(<[String]>::to_vec).collect());
    let failures = for_each(batches.len(), 3, |index| {
        let batches = Arc::clone(&batches);
        async move {
            let batch = batches[index].clone();
            tokio::task::spawn_blocking(move || judged_naively(&batch)).await.unwrap()
        }
    })
    .await;
    fail_with(failures.concat());
}

/// Those of the files that the naive judge does not let pass, each with what it says.
fn judged_naively(files: &[String]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let at = |file: &str| directory().join(file).to_str().unwrap().to_owned();
    // Without site: what stands there is the host's, and takes longer to load than a cheat to judge.
    let mut command = ["/usr/bin/python3", "-I", "-B", &at(NAIVE_JUDGE)].map(str::to_owned).to_vec();
    command.extend(files.iter().map(|file| at(file)));
    let said = bare::run(&command, bare::ALONE, b"", folder.path());
    let passed = |file: &String| said.lines().any(|line| line.starts_with(&format!("{file} passed ")));
    let words = |file: &String| said.lines().find(|line| line.starts_with(&format!("{file} ")));
    let failed = files.iter().filter(|file| !passed(file));
    failed.map(|file| words(file).map_or_else(|| format!("{file}: nothing said"), str::to_owned)).collect()
}

/// All cheats in the cells of one engine.
async fn judged_here(config: EngineConfig) -> Vec<String> {
    let warm = config.warm;
    let engine = Arc::new(Engine::start(&config).unwrap());
    let cheats = Arc::new(cheats());
    let asked: usize = cheats.iter().map(|cheat| cheat.ways().len()).sum();
    let failures = for_each(cheats.len(), slots() + 1, |index| {
        let (engine, cheats) = (Arc::clone(&engine), Arc::clone(&cheats));
        async move {
            let mut mistakes = Vec::new();
            for way in cheats[index].ways() {
                let report = engine.verify(cheats[index].submission(way), Admit::Patient).await;
                mistakes.extend(cheats[index].mistake(way, &report));
            }
            mistakes
        }
    })
    .await;
    let failures: Vec<String> = failures.into_iter().flatten().collect();
    println!(
        "{}, warm {warm}: {} of {asked} attempts by {} cheats did not pass",
        engine.sandbox().tier().as_str(),
        asked - failures.len(),
        cheats.len()
    );
    failures
}

fn config(warm: bool) -> EngineConfig {
    EngineConfig { warm, ..testing_config(slots()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cheat_passes_from_a_warm_interpreter() {
    fail_with(judged_here(config(true)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cheat_passes_from_an_executed_interpreter() {
    fail_with(judged_here(config(false)).await);
}

#[test]
fn no_cheat_passes_in_a_plain_container() {
    for who in [Who::Root, Who::Ordinary] {
        container::again_inside(module_path!(), "cheats_in_a_plain_container", who);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by no_cheat_passes_in_a_plain_container"]
async fn cheats_in_a_plain_container() {
    container::enter();
    fail_with(judged_here(config(false)).await);
}

/// A first run that writes compiled code for the runs after it, with what it knows in it: the second test
/// can only be passed by what the first run was given.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_leaves_nothing_to_the_next_by_way_of_compiled_code() {
    let engine = support::engine(1);
    let source = r#"
import marshal, os
SEEN = None
def f(x):
    made = compile("SEEN = %d\ndef f(x):\n    return SEEN\n" % x, "main.py", "exec")
    code = marshal.dumps((made, None))
    os.write(4, b"C" + len(code).to_bytes(4, "little") + code)
    return x
"#;
    // Beyond what the driver hands on, and within it.
    for padding in [300 << 10, 0] {
        let source = format!("{source}\nPADDING = {:?}\n", "x".repeat(padding));
        let test = |x, expected| FunctionTest::new(vec![Value::Int(x)], Vec::new(), &[Value::Int(expected)]);
        let submission = Submission {
            solution: Solution::single("main.py", source),
            tests: Tests::Function {
                target: FunctionTarget { name: "f".to_owned() },
                tests: vec![test(10, 10), test(20, 10)],
            },
            stop: Stop::Never,
            ..program("", &[])
        };
        let report = engine.verify(submission, Admit::Patient).await;
        let verdicts: Vec<Verdict> = report.tests.iter().map(|test| test.verdict).collect();
        assert_ne!(verdicts[1], Verdict::Accepted, "{padding}: {:?}", report.reason);
        assert!(!verdicts.contains(&Verdict::Undecided), "{padding}: {verdicts:?}");
    }
}

/// Files of the solution's that are named as what the tests import: theirs are the standard library's.
#[tokio::test(flavor = "multi_thread")]
async fn a_solution_s_files_do_not_stand_in_for_the_library() {
    let files = [
        ("main.py", "def f(x):\n    return 1.5\n"),
        ("math.py", "def isclose(*numbers):\n    return True\n"),
        ("statistics.py", "def mean(*numbers):\n    return 23770\n"),
        ("unittest.py", "class TestCase:\n    def assertEqual(self, *sides):\n        pass\n"),
    ];
    let codes = [
        (CodeKind::Assert, "import math\nassert math.isclose(f(3), 3395.7)"),
        (CodeKind::Assert, "from statistics import mean\nassert mean([f(3), f(3)]) == 23770"),
        (
            CodeKind::Unittest,
            "import unittest\nclass Tests(unittest.TestCase):\n    def test(self):\n        self.assertEqual(f(3), 23770)",
        ),
    ];
    for warm in [true, false] {
        let engine = Engine::start(&config(warm)).unwrap();
        for (kind, code) in codes {
            let source = |(path, content): (&str, &str)| SourceFile {
                path: path.to_owned(),
                content: content.as_bytes().to_vec(),
            };
            let submission = Submission {
                solution: Solution { files: files.map(source).to_vec(), entry: 0 },
                tests: Tests::Code(CodeTests {
                    tests: vec![CodeTest { kind, code: code.to_owned() }],
                    ..CodeTests::default()
                }),
                ..program("", &[])
            };
            let report = engine.verify(submission, Admit::Patient).await;
            assert_eq!(report.verdict, Verdict::WrongAnswer, "warm {warm}, {code}: {:?}", report.reason);
        }
    }
}
