//! Every attack in `test-cases/hostile` in pairs: it works without the protection and is contained
//! in a cell, in each way that cells are made here; the engine is healthy after it and decides
//! rightly beside it; nothing is left.

mod attacks;
mod needles;
mod stage;

use std::{
    collections::BTreeSet,
    os::unix::process::CommandExt,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use crate::support::{
    self,
    bare::{self},
    container::{self, Who},
    for_each, program, program_path, slots, test_name, testing_config,
};
use attacks::Attack;
use proofbox::{
    admission::Admit,
    command::soak::traces::Traces,
    config::{EngineConfig, TierChoice},
    verdict::Verdict,
    verify::Engine,
};
use stage::{Programs, Stage};

/// How cells are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mode {
    warm: bool,
    use_cgroups: bool,
    tier: TierChoice,
}

const NAMESPACES: Mode = Mode { warm: true, use_cgroups: true, tier: TierChoice::Namespaces };
const SLOT: Mode = Mode { warm: false, use_cgroups: false, tier: TierChoice::Slot };
const RESTRICTED: Mode = Mode { tier: TierChoice::Restricted, ..SLOT };
/// Root's modes, and the one for an ordinary user without namespaces.
const MODES: [Mode; 6] = [
    NAMESPACES,
    Mode { warm: false, ..NAMESPACES },
    Mode { use_cgroups: false, ..NAMESPACES },
    Mode { warm: false, use_cgroups: false, ..NAMESPACES },
    SLOT,
    RESTRICTED,
];

impl Mode {
    fn start(self) -> Engine {
        let Mode { warm, use_cgroups, tier } = self;
        // Read when the engine starts.
        let images = support::image_with_runtimes("");
        let config = EngineConfig {
            images_dir: Some(images.path().to_owned()),
            warm,
            use_cgroups,
            tier,
            ..testing_config(slots())
        };
        Engine::start(&config).unwrap_or_else(|error| panic!("{self:?}: {error}"))
    }
}

/// Where an attack is carried out: the same attack, the same question.
#[derive(Clone, Copy)]
enum Place<'a> {
    Bare,
    Cell(&'a Engine),
}

/// What is wrong with the half of the pair, or nothing. Bare, the attack must work; in a cell it
/// must not, its verdict must say what happened, and the engine must go on.
async fn check(attack: &Attack, programs: &Programs, place: Place<'_>) -> Result<(), String> {
    let Some(command) = programs.command(attack.file) else { return Ok(()) };
    match place {
        Place::Bare => {
            let Ok(how) = attack.bare else { return Ok(()) };
            let (file, aim) = (attack.file, attack.aim);
            tokio::task::spawn_blocking(move || {
                let mut stage = Stage::set(aim);
                let said = bare::run(&command, how, stage.input().as_bytes(), stage.folder());
                match stage.escaped(&said) {
                    true => Ok(()),
                    false => Err(format!("{file} does not work without the protection: {}", tail(&said))),
                }
            })
            .await
            .map_err(|error| error.to_string())?
        }
        Place::Cell(engine) => {
            let mut stage = Stage::set(attack.aim);
            let report = engine.verify(stage.submission(attack, programs), Admit::Patient).await;
            let said: String = report.tests.iter().filter_map(|test| test.stdout.clone()).collect();
            if attack.bare.is_ok_and(|how| how.lingers) {
                tokio::time::sleep(Duration::from_millis(2_600)).await;
            }
            let last = report.tests.last().map_or(report.verdict, |test| test.verdict);
            if stage.escaped(&said) {
                return Err(format!("{} ESCAPED: {}", attack.file, tail(&said)));
            }
            if !attack.verdicts.contains(&last) || report.verdict == Verdict::Undecided {
                let errors = report.tests.iter().filter_map(|test| test.stderr.as_deref()).next_back();
                return Err(format!(
                    "{}: verdict {last}, {:?} {:?}, printed {}, {}",
                    attack.file,
                    report.cause,
                    report.reason,
                    tail(&said),
                    tail(errors.unwrap_or(""))
                ));
            }
            let next = engine.verify(good(7), Admit::Patient).await;
            if next.verdict != Verdict::Accepted {
                return Err(format!("after {}: {next:?}", attack.file));
            }
            Ok(())
        }
    }
}

fn tail(text: &str) -> String {
    let from = text.len().saturating_sub(300);
    text.chars().skip(from).collect::<String>().escape_debug().to_string()
}

/// A right program whose answer depends on its input.
fn good(number: u64) -> proofbox::submission::Submission {
    program("print(int(input()) ** 2)", &[(&number.to_string(), &(number * number).to_string())])
}

fn fail_with(failures: Vec<String>) {
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_program_is_in_the_table() {
    let listed: BTreeSet<String> = attacks::all().iter().map(|attack| attack.file.to_owned()).collect();
    let here: BTreeSet<String> = std::fs::read_dir(stage::directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    assert_eq!(listed, here);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attack_works_without_the_protection() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("NOT TESTED: the unprotected halves need root, for pid namespaces that bound them");
        return;
    }
    let programs = Arc::new(Programs::compile());
    let attacks = Arc::new(attacks::all());
    let failures = for_each(attacks.len(), 6, |index| {
        let (attacks, programs) = (Arc::clone(&attacks), Arc::clone(&programs));
        async move { check(&attacks[index], &programs, Place::Bare).await.err() }
    })
    .await;
    for attack in attacks.iter() {
        if let Err(why) = attack.bare {
            eprintln!("no unprotected half: {}: {why}", attack.file);
        }
    }
    fail_with(failures.into_iter().flatten().collect());
}

/// All attacks in the cells of one engine, with right and wrong programs beside them.
async fn contained_in(mode: Mode) -> Vec<String> {
    let programs = Arc::new(Programs::compile());
    let mut guards = BTreeSet::new();
    let own = std::process::id();
    let before = Traces::of(own, &guards);
    let engine = Arc::new(mode.start());
    guards.extend(engine.sandbox().guard_pids());
    let attacks = Arc::new(attacks::all());
    let beside = tokio::spawn(beside(Arc::clone(&engine)));
    let failures = for_each(attacks.len(), 3, |index| {
        let (engine, attacks, programs) = (Arc::clone(&engine), Arc::clone(&attacks), Arc::clone(&programs));
        async move { check(&attacks[index], &programs, Place::Cell(&engine)).await.err() }
    })
    .await;
    let mut failures: Vec<String> = failures.into_iter().flatten().collect();
    beside.abort();
    match beside.await {
        Ok(mismatch) => failures.push(mismatch),
        Err(error) if error.is_panic() => failures.push("the task beside panicked".to_owned()),
        Err(_) => {}
    }
    guards.extend(engine.sandbox().guard_pids());
    drop(engine);
    // Cells still being closed hold the engine's launcher for a moment.
    let mut growth = Vec::new();
    for _ in 0..50 {
        growth = Traces::of(own, &guards).growth_since(&before, 256 << 20);
        if growth.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    failures.extend(growth.into_iter().map(|line| format!("left behind: {line}")));
    failures.into_iter().map(|failure| format!("{mode:?}: {failure}")).collect()
}

/// Right and wrong programs, until told to stop; returns only with what was decided wrongly.
async fn beside(engine: Arc<Engine>) -> String {
    for number in 2.. {
        let report = engine.verify(good(number), Admit::Patient).await;
        if report.verdict != Verdict::Accepted {
            return format!("a right program beside the attacks: {report:?}");
        }
        let wrong = engine.verify(program("print(5)", &[("", "6")]), Admit::Patient).await;
        if wrong.verdict != Verdict::WrongAnswer {
            return format!("a wrong program beside the attacks: {wrong:?}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    String::new()
}

/// The user id that stands for an ordinary user.
const ORDINARY: u32 = 12_345;

/// Runs the contained halves in a process of their own, so that what it holds is theirs alone, with a
/// folder for temporary files that is theirs alone.
fn contained_apart(mode_indices: &str, user: Option<u32>) {
    let home = tempfile::Builder::new().prefix("apart").tempdir().unwrap();
    let chown = |path: &std::path::Path| std::os::unix::fs::chown(path, user, user).unwrap();
    let copy = |from: &std::path::Path, name: &str| {
        let to = home.path().join(name);
        std::fs::copy(from, &to).unwrap();
        chown(&to);
        to
    };
    chown(home.path());
    // Copies that belong to that user, as a program built or installed in a home folder does.
    let test = copy(&std::env::current_exe().unwrap(), "hostile-test");
    let program = copy(&program_path(), "proofbox");
    let mut command = Command::new(&test);
    command
        .args(["--exact", &test_name(module_path!(), "contained_here"), "--ignored", "--nocapture"])
        .env("TEST_PROGRAM", &program)
        .env("TEST_MODES", mode_indices)
        .env("TMPDIR", home.path())
        .current_dir(home.path())
        .stdin(Stdio::null());
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    eprintln!("{said}");
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn every_attack_is_contained() {
    // The tier `slot` has a test of its own, in the surroundings that it is for.
    contained_apart("0,1,2,3", None);
}

/// As an ordinary user there are no control groups, and every cell has the user's own id.
#[test]
fn every_attack_is_contained_for_an_ordinary_user() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("NOT TESTED apart: these tests run as an ordinary user already");
        return;
    }
    contained_apart("2,3,5", Some(ORDINARY));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run in processes of its own by the two tests above"]
async fn contained_here() {
    let wanted = std::env::var("TEST_MODES").unwrap_or_else(|_| "0,1,2,3".to_owned());
    let mut failures = Vec::new();
    for mode in wanted.split(',').map(|index| MODES[index.parse::<usize>().unwrap()]) {
        let started = std::time::Instant::now();
        failures.extend(contained_in(mode).await);
        let taken = started.elapsed().as_secs_f64();
        eprintln!("{mode:?}: {} attacks in {taken:.1} s", attacks::all().len());
    }
    fail_with(failures);
}

/// Where namespaces are refused, as root and as an ordinary user.
#[test]
fn every_attack_is_contained_in_a_plain_container() {
    for who in [Who::Root, Who::Ordinary] {
        container::again_inside(module_path!(), "attacks_in_a_plain_container", who);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by every_attack_is_contained_in_a_plain_container"]
async fn attacks_in_a_plain_container() {
    container::enter();
    fail_with(contained_in(if nix::unistd::geteuid().is_root() { SLOT } else { RESTRICTED }).await);
}

/// What a person is shown of a program that prints to act on the terminal.
#[test]
fn nothing_printed_acts_on_the_terminal() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("tests.json"), r#"[{"stdin": "", "expected_stdout": "x"}]"#).unwrap();
    let attack = stage::directory().join("terminal_injection.py");
    let acts = |text: &str| {
        text.chars().find(|c| (c.is_control() && *c != '\n') || ('\u{202a}'..='\u{202e}').contains(c))
    };
    let bare = Command::new("/usr/bin/python3").arg(&attack).output().unwrap();
    assert!(acts(&String::from_utf8_lossy(&bare.stdout)).is_some(), "bare it does");
    for extra in [&[][..], &["--json"]] {
        let output = Command::new(program_path())
            .args(["run", attack.to_str().unwrap(), "--tests", "tests.json"])
            .args(extra)
            .current_dir(home.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let shown = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        assert!(shown.contains("runtime_error"), "{shown}");
        assert_eq!(acts(&shown), None, "{extra:?}: {}", shown.escape_debug());
    }
}

/// A short soak; `proofbox soak` runs the long one.
#[test]
fn a_short_soak_leaves_nothing() {
    let output = Command::new(program_path())
        .args(["soak", "--runs", "300", "--seconds", "40"])
        // Other tests' files are none of its business.
        .env("TMPDIR", tempfile::tempdir().unwrap().path())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    eprintln!("{said}");
    assert!(output.status.success(), "{said}");
}
