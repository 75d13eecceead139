//! `proofbox serve`: the HTTP service, until it is told to stop.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use clap::Args;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::TcpListener;

use super::{interrupted, start_engine};
use crate::{
    config::ServeArgs,
    http::{self, Service},
};

/// Serve verification over HTTP.
///
/// POST /v1/verify takes a submission and answers with a report; GET /v1/languages, /healthz, /readyz
/// and /metrics tell about the service. Limits in a submission override those of flags. SIGTERM or SIGINT: what is running
/// is finished, then the service ends; a second signal ends it at once.
#[derive(Debug, Args)]
pub struct ServeCommand {
    #[command(flatten)]
    serve: ServeArgs,
}

pub async fn serve(command: ServeCommand) -> anyhow::Result<ExitCode> {
    let (mut config, engine_config) = command.serve.config()?;
    config.max_connections = room_for_connections(config.max_connections)?;
    let first_signal = interrupted()?;
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.listen))?;
    let engine = start_engine(&engine_config)?;
    tracing::info!(
        address = %listener.local_addr()?,
        slots = engine_config.slots,
        token = config.token.is_some(),
        "ready"
    );
    let (told, first_signal_came) = tokio::sync::oneshot::channel();
    let second_signal = async move {
        first_signal.await;
        let again = interrupted();
        let _ = told.send(());
        match again {
            Ok(again) => again.await,
            Err(_) => std::future::pending().await,
        }
    };
    let shutdown = async {
        let _ = first_signal_came.await;
    };
    tokio::select! {
        _drained = http::run(listener, shutdown, Arc::new(Service::new(engine, config))) => Ok(ExitCode::SUCCESS),
        // Dropping the service ends its connections and their runs.
        code = second_signal => Ok(ExitCode::from(code)),
    }
}

/// Descriptors kept for cells, launchers and files.
const OTHER_DESCRIPTORS: u64 = 512;

/// Raises the limit on open descriptors to its maximum. Returns how many of the wanted connections it allows. Cells set
/// limits of their own.
fn room_for_connections(wanted: usize) -> anyhow::Result<usize> {
    let (_, most) =
        getrlimit(Resource::RLIMIT_NOFILE).context("cannot read the limit on open descriptors")?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most).context("cannot raise the limit on open descriptors")?;
    let room = usize::try_from(most.saturating_sub(OTHER_DESCRIPTORS)).unwrap_or(usize::MAX).max(1);
    if room < wanted {
        tracing::warn!(wanted, room, "the limit on open descriptors leaves room for fewer connections");
    }
    Ok(wanted.min(room))
}
