//! The command line: one file per command, each from its validated arguments to its exit code. `README.md` beside this
//! file is the reference for users.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | done; for `run`: accepted; for `verify`: every submission was decided |
//! | 1 | it could not be done: unreadable input, a host that cannot isolate; for `run`: not accepted |
//! | 2 | wrong usage; for `run`: it could not be done |
//! | 3 | undecided; for `verify` and `filter`: at least one submission was not decided |
//! | 130, 143 | interrupted by SIGINT or SIGTERM |

/// Prints to standard output.
macro_rules! say {
    ($($text:tt)*) => { $crate::command::told::say(format_args!($($text)*)) };
}

/// Prints a line to standard output.
macro_rules! say_line {
    ($($text:tt)*) => { $crate::command::told::say(format_args!("{}\n", format_args!($($text)*))) };
}

/// Prints a line to standard error.
macro_rules! note_line {
    ($($text:tt)*) => { $crate::command::told::note(format_args!($($text)*)) };
}

pub mod bench;
pub mod doctor;
pub mod filter;
#[cfg(feature = "wasm")]
pub mod image;
#[cfg(not(feature = "wasm"))]
#[path = "image_absent.rs"]
pub mod image;
pub mod lines;
pub mod output_file;
pub mod run;
pub mod run_table;
pub mod serve;
pub mod soak;
pub mod tests_file;
pub mod told;
pub mod verify;

use std::{io, process::ExitCode, sync::Arc};

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    admission::Admit,
    config::{EngineArgs, EngineConfig},
    sandbox::Tier,
    verify::Engine,
};

const AFTER_HELP: &str = "\
Exit codes:
  0    done, or accepted
  1    error; not accepted (run); a guarantee does not hold (doctor)
  2    wrong usage; error (run)
  3    undecided
  130  interrupted (143: terminated)

PROOFBOX_LOG=debug shows more of what happens.";

/// Help of `--compare`.
const ABOUT_RULES: &str = "\
How output is compared: tokens (white-space separated words), lines, exact, data-set (tokens, decimal numbers within 1e-6), \
float:TOLERANCE, float:ABSOLUTE:RELATIVE, kattis:TOLERANCE (integers too), unordered_lines, unordered_tokens, lines_ignore_case, \
tokens_ignore_case, or the judge of a known data set: openthoughts, apps, taco, livecodebench, open-r1, sandboxfusion, \
humaneval, kattis; with :bug-compatible behind any but the last, as its released code decides";

/// Decides whether programs are right: runs untrusted solutions against tests in isolated cells.
#[derive(Debug, Parser)]
#[command(name = "proofbox", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = AFTER_HELP)]
pub struct CommandLine {
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    Serve(serve::ServeCommand),
    Verify(verify::VerifyCommand),
    Filter(FilterCommand),
    Run(run::RunCommand),
    Image(image::ImageCommand),
    Doctor(doctor::DoctorArgs),
    Soak(soak::SoakArgs),
    Bench(bench::BenchArgs),
}

// `filter` with an engine in this process. Not a doc comment: clap would show it in place of that of `FilterArgs`.
#[derive(Debug, Args)]
struct FilterCommand {
    #[command(flatten)]
    filter: filter::FilterArgs,

    #[command(flatten)]
    engine: EngineArgs,
}

impl CommandLine {
    /// Default log level, used if `PROOFBOX_LOG` is not set.
    pub fn default_log(&self) -> &'static str {
        match self.role {
            Role::Serve(_) => "info",
            Role::Verify(_)
            | Role::Filter(_)
            | Role::Run(_)
            | Role::Doctor(_)
            | Role::Image(_)
            | Role::Bench(_)
            | Role::Soak(_) => "warn",
        }
    }

    /// Exit code of an error. `run` uses 2, because its 1 means "not accepted".
    pub fn error_code(&self) -> u8 {
        match self.role {
            Role::Run(_) => 2,
            Role::Serve(_)
            | Role::Verify(_)
            | Role::Filter(_)
            | Role::Doctor(_)
            | Role::Image(_)
            | Role::Bench(_)
            | Role::Soak(_) => 1,
        }
    }
}

/// Carries out what the command line asks.
///
/// # Errors
/// What could not be done, for the user; the exit code is then [`CommandLine::error_code`].
pub async fn dispatch(command_line: CommandLine) -> anyhow::Result<ExitCode> {
    match command_line.role {
        Role::Serve(command) => serve::serve(command).await,
        Role::Verify(command) => verify::verify(command).await,
        Role::Filter(command) => filter_here(command).await,
        Role::Run(command) => run::run(command).await,
        Role::Image(command) => image::image(command).await,
        Role::Doctor(args) => doctor::run(args).await,
        Role::Soak(args) => soak::soak(args).await,
        Role::Bench(args) => bench::bench(args).await,
    }
}

const NOT_ACCEPTED: u8 = 1;
const UNDECIDED: u8 = 3;

async fn filter_here(command: FilterCommand) -> anyhow::Result<ExitCode> {
    let config = command.engine.config();
    let engine = start_engine(&config)?;
    // Without a native tier the Wasm images run the solutions.
    let offers = engine.languages().wasm().offers().into_iter();
    let images = offers.filter(|offer| engine.sandbox().tier() == Tier::Wasm && !offer.is_compiled);
    let in_wasm = images.filter_map(|offer| Some(format!("{} {}", offer.image?, offer.version)));
    let runtimes: Vec<_> = engine
        .languages()
        .iter()
        .map(|language| format!("{} {}", language.name(), language.version()))
        .chain(in_wasm)
        .collect();
    let verifier = filter::Verifier {
        slots: config.slots.get(),
        engine: format!("{}, tier {}", runtimes.join(", "), engine.sandbox().tier().as_str()),
        verify: Arc::new(move |submission| {
            let engine = Arc::clone(&engine);
            async move { engine.verify(submission, Admit::Patient).await }
        }),
    };
    filter::run(command.filter, verifier).await
}

fn start_engine(config: &EngineConfig) -> anyhow::Result<Arc<Engine>> {
    let engine = Engine::start(config).context("code cannot be run safely on this host")?;
    Ok(Arc::new(engine))
}

/// Returns a future that completes at the first SIGINT or SIGTERM, with the exit code for it. Handlers are installed
/// before this function returns.
fn interrupted() -> io::Result<impl Future<Output = u8>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => 130,
            _ = terminate.recv() => 143,
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command, CommandFactory};

    use super::*;
    use crate::config::{ENGINE_HEADING, LIMITS_HEADING};

    /// Whether several commands have this flag.
    fn is_shared(flag: &Arg) -> bool {
        let heading = flag.get_help_heading();
        heading == Some(LIMITS_HEADING)
            || heading == Some(ENGINE_HEADING)
            || ["images-dir", "wasm-dir"].map(Some).contains(&flag.get_long())
    }

    fn check_order(command: &Command) {
        let help = command.clone().term_width(100).render_long_help().to_string();
        let lines: Vec<&str> = help.lines().map(str::trim_start).collect();
        let line_of = |flag: &Arg| {
            let long = format!("--{}", flag.get_long()?);
            let shows =
                |line: &&str| line.starts_with('-') && line.split([' ', ',']).any(|word| word == long);
            lines.iter().position(shows)
        };
        let flags: Vec<&Arg> = command.get_arguments().filter(|flag| !flag.is_hide_set()).collect();
        let shared = flags.iter().filter(|flag| is_shared(flag)).filter_map(|flag| line_of(flag)).min();
        let own = flags.iter().filter(|flag| !is_shared(flag)).filter_map(|flag| line_of(flag)).max();
        if let (Some(shared), Some(own)) = (shared, own) {
            assert!(own < shared, "`{}` shows {} after {}", command.get_name(), lines[own], lines[shared]);
        }
        command.get_subcommands().for_each(check_order);
    }

    #[test]
    fn every_help_shows_a_commands_own_flags_before_shared_ones() {
        let command = CommandLine::command();
        assert!(command.get_subcommands().count() >= 8);
        check_order(&command);
    }
}
