//! `proofbox doctor`: what this host can enforce, by which mechanism, and what is missing.

mod probes;

use std::{fmt::Write as _, fs, process::ExitCode};

use clap::{Args, ValueEnum};

use crate::{
    admission::Admit,
    command::image,
    config::{EngineArgs, TierChoice},
    report::Report,
    sandbox::{Guarantee, Tier, survey_cgroups},
    submission::{ProgramTest, Runtime, ShowOutput, Solution, Submission, Tests},
    verdict::Verdict,
    verify::Engine,
};

use self::probes::{HELD, Probe};

/// Show what this host can enforce, and prove it
///
/// Starts the engine as every other command would and runs one program per guarantee that tries to
/// break it. Exit codes: 0 every guarantee holds; 1 one does not, or no cell can be made here.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    engine: EngineArgs,
}

/// Result of a probe.
#[derive(Debug)]
pub struct Finding {
    pub guarantee: Guarantee,
    pub promise: &'static str,
    pub mechanism: &'static str,
    /// What went wrong, if the guarantee did not hold.
    pub broken: Option<String>,
}

pub async fn run(args: DoctorArgs) -> anyhow::Result<ExitCode> {
    let config = args.engine.config();
    let asked = AskedTiers { tier: config.tier, min_tier: config.min_tier, runtime: config.runtime };
    say!("{}", host());
    let started = tokio::task::spawn_blocking(move || Engine::start(&config)).await?;
    let engine = match started {
        Ok(engine) => engine,
        Err(error) => {
            say_line!("\nNo cell can be made here, so nothing would be run.\n{error}");
            return Ok(ExitCode::FAILURE);
        }
    };
    say!("{}", languages(&engine));
    say!("\nWasm images\n{}", image::list(engine.languages().wasm()));
    say!("{}", tiers(&engine, asked));
    if engine.sandbox().tier() == Tier::Wasm {
        say_line!("\nNothing runs natively here: solutions run in WebAssembly alone.");
        return Ok(ExitCode::SUCCESS);
    }
    let findings = prove(&engine).await;
    say!("{}", table(&findings, engine.sandbox().tier()));
    let broken = findings.iter().filter(|finding| finding.broken.is_some()).count();
    if broken > 0 {
        say_line!("\n{broken} guarantees do not hold on this host. Do not run untrusted code here.");
        return Ok(ExitCode::FAILURE);
    }
    say_line!("\nEvery guarantee holds, shown by a program that tried to break it.");
    Ok(ExitCode::SUCCESS)
}

/// Runs every probe in a cell of its own.
pub async fn prove(engine: &Engine) -> Vec<Finding> {
    let tier = engine.sandbox().tier();
    let cgroup = engine.sandbox().cgroup();
    let mut findings = Vec::new();
    for probe in probes::all() {
        let report = engine.verify(submission(&probe, tier), Admit::Patient).await;
        findings.push(Finding {
            guarantee: probe.guarantee,
            promise: probe.guarantee.promise(tier),
            mechanism: probe.guarantee.mechanism(tier, cgroup),
            broken: broken(&probe, &report),
        });
    }
    findings
}

fn submission(probe: &Probe, tier: Tier) -> Submission {
    let source = format!("TIER = '{}'\n{}", tier.as_str(), probe.source);
    let held =
        ProgramTest { stdin: [].into(), accepted_stdout: vec![HELD.as_bytes().to_vec()], files: Vec::new() };
    // Two runs in one cell: nothing that the first run leaves may reach the second.
    let tests = Tests::Program(vec![held.clone(), held]);
    Submission {
        limits: (probe.limits)(probes::limits()),
        show_output: ShowOutput::Always,
        ..Submission::new("python", Solution::single("main.py", source), tests)
    }
}

fn broken(probe: &Probe, report: &Report) -> Option<String> {
    if report.verdict == probe.verdict && report.cause == probe.cause {
        return None;
    }
    let ended = report.tests.first().is_some_and(|test| test.signal == Some(libc::SIGKILL));
    if probe.may_be_ended && ended && report.verdict == Verdict::OutputLimit {
        return None;
    }
    let printed =
        report.tests.iter().filter_map(|test| test.stdout.as_deref()).find(|text| text.trim() != HELD);
    let printed = printed.map_or(String::new(), |text| text.trim().chars().take(200).collect());
    Some(format!("{}: {} {printed}", report.verdict, report.reason.as_deref().unwrap_or("")))
}

/// Kernel, identity, control groups, system-call filter, Landlock.
fn host() -> String {
    let mut text = String::new();
    let read = |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned());
    let kernel = read("/proc/sys/kernel/osrelease").unwrap_or_else(|_| "unknown".to_owned());
    let who = if nix::unistd::geteuid().is_root() { "root" } else { "an ordinary user" };
    let actions = read("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_else(|_| "not offered".to_owned());
    let namespaces = read("/proc/sys/user/max_user_namespaces").unwrap_or_else(|_| "unknown".to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let rows = [
        ("kernel", kernel),
        ("started as", who.to_owned()),
        ("cores", cores.to_string()),
        ("user namespaces", format!("at most {namespaces}")),
        ("control groups", survey_cgroups()),
        ("seccomp actions", actions),
    ];
    let _ = writeln!(text, "Host");
    for (name, value) in rows {
        let _ = writeln!(text, "  {name:<18}{value}");
    }
    text
}

fn languages(engine: &Engine) -> String {
    let mut text = "\nLanguages\n".to_owned();
    for language in engine.languages().iter() {
        let cgroup = match engine.sandbox().cgroup() {
            Some(kind) => format!("control groups {kind}"),
            None => "no control groups".to_owned(),
        };
        let start = if language.image.compile.is_some() {
            "compiled in a cell of its own, once for each source"
        } else if language.is_warm(engine.sandbox().tier()) {
            "kept loaded, runs are forked from it"
        } else {
            "executed for every run (no libproofbox.so beside the program, or a tier without namespaces)"
        };
        let _ = writeln!(
            text,
            "  {:<18}{} ({}), {cgroup}\n  {:<18}{start}",
            language.name(),
            language.version(),
            language.interpreter().display(),
            ""
        );
    }
    for missing in engine.languages().missing() {
        let why = missing.error.to_string().replace('\n', &format!("\n  {:<18}", ""));
        let _ = writeln!(text, "  {:<18}not offered: {why}", missing.names[0]);
    }
    text
}

/// The settings that decide which tiers are tried.
#[derive(Clone, Copy)]
struct AskedTiers {
    tier: TierChoice,
    min_tier: Tier,
    runtime: Runtime,
}

/// Why a tier was not tried; the first reason that holds.
fn not_tried(tier: Tier, in_use: Tier, asked: AskedTiers, is_root: bool) -> String {
    if asked.runtime == Runtime::Wasm {
        return "--runtime wasm starts nothing native".to_owned();
    }
    if tier < asked.min_tier {
        return format!("--min-tier {} refuses it", asked.min_tier.as_str());
    }
    let named = asked.tier.to_possible_value().map(|value| value.get_name().to_owned());
    match (asked.tier, tier, named) {
        (TierChoice::Namespaces | TierChoice::Slot | TierChoice::Restricted, _, Some(name)) => {
            format!("--tier {name} asks for that one alone")
        }
        (_, Tier::Slot, _) if !is_root => {
            "it is for root, and this was started by an ordinary user".to_owned()
        }
        (_, Tier::Restricted, _) if is_root => {
            "it is for ordinary users, and this was started by root".to_owned()
        }
        _ => format!("{}, which is in use, is stronger", in_use.as_str()),
    }
}

/// Lists every tier: in use, or the reason why not.
fn tiers(engine: &Engine, asked: AskedTiers) -> String {
    let mut text = "\nTiers\n".to_owned();
    let sandbox = engine.sandbox();
    for tier in Tier::ALL {
        let refusal = sandbox.refusals().iter().find(|refusal| refusal.tier == tier);
        let note = match refusal {
            _ if tier == sandbox.tier() => "in use".to_owned(),
            Some(refusal) => format!("refused here: {}", refusal.source).replace('\n', "\n              "),
            None => format!(
                "not tried: {}",
                not_tried(tier, sandbox.tier(), asked, nix::unistd::geteuid().is_root())
            ),
        };
        let _ = writeln!(text, "  {:<12}{note}", tier.as_str());
    }
    text
}

fn table(findings: &[Finding], tier: Tier) -> String {
    let mut text = format!("\nGuarantees (tier: {})\n", tier.as_str());
    for finding in findings {
        let mark = if finding.broken.is_some() { "BROKEN" } else { "held" };
        let _ = writeln!(text, "  {mark:<7} {:<32}{}", finding.promise, finding.mechanism);
        if let Some(broken) = &finding.broken {
            let _ = writeln!(text, "          {broken}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_that_was_not_tried_has_one_reason() {
        let auto = AskedTiers { tier: TierChoice::Auto, min_tier: Tier::Wasm, runtime: Runtime::Auto };
        let why = |tier, asked, is_root| not_tried(tier, Tier::Namespaces, asked, is_root);
        assert_eq!(why(Tier::Slot, auto, true), "namespaces, which is in use, is stronger");
        assert_eq!(why(Tier::Restricted, auto, false), "namespaces, which is in use, is stronger");
        assert!(why(Tier::Slot, auto, false).contains("for root"));
        assert!(why(Tier::Restricted, auto, true).contains("for ordinary users"));
        let one = AskedTiers { tier: TierChoice::Namespaces, ..auto };
        assert_eq!(why(Tier::Slot, one, true), "--tier namespaces asks for that one alone");
        let least = AskedTiers { min_tier: Tier::Namespaces, ..auto };
        assert_eq!(why(Tier::Slot, least, true), "--min-tier namespaces refuses it");
        let wasm = AskedTiers { runtime: Runtime::Wasm, ..auto };
        assert_eq!(why(Tier::Namespaces, wasm, true), "--runtime wasm starts nothing native");
    }
}
