//! `ktk server stop`.

use std::{path::Path, time};

use clap::Args;
use ktk_client::{
    Client,
    api::{Duration, server::StopParams},
    client::{Autostart, ServerAddress},
};

use super::gone;
use crate::{
    context::Context,
    error::{CliError, Exit},
};

/// How much longer than its drain time a server may take to end.
const MARGIN: time::Duration = time::Duration::from_secs(30);

/// Stop the server; work goes on with its next start
///
/// It takes no new work, lets what runs go on until the drain time is over, puts back what has
/// not ended, and ends. The command waits for that.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Let what runs go on for up to 60 s
  ktk server stop

  # Stop it at once; what runs is put back and runs again with the next start
  ktk server stop --now")]
pub(super) struct StopArgs {
    /// How long what runs may go on
    #[arg(long, value_name = "DURATION", default_value = "60s", conflicts_with = "now")]
    drain: Duration,

    /// Do not let what runs go on
    #[arg(long)]
    now: bool,
}

pub(super) async fn run(args: StopArgs, cx: &Context) -> Result<Exit, CliError> {
    let drain = if args.now { time::Duration::ZERO } else { args.drain.get() };
    match stop(&cx.client_without_start()?, drain, cx).await? {
        Some(pid) => cx.ui.println(&format!("server stopped (pid {pid})"))?,
        None => cx.ui.message("no server runs"),
    }
    Ok(Exit::Done)
}

/// Stops the server of a data directory and waits until it has gone.
pub(crate) async fn stop_and_wait(
    data_dir: &Path,
    drain: time::Duration,
    cx: &Context,
) -> Result<(), CliError> {
    let client = cx
        .client_builder()?
        .address(ServerAddress::DataDir(data_dir.to_owned()))
        .autostart(Autostart::Never)
        .build()?;
    stop(&client, drain, cx).await.map(drop)
}

/// The process that was stopped; `None` where there was none.
async fn stop(client: &Client, drain: time::Duration, cx: &Context) -> Result<Option<u32>, CliError> {
    let params = StopParams { drain: Some(Duration::new(drain)), ..StopParams::default() };
    let stopping = match client.server().stop(params).await {
        Ok(stopping) => stopping,
        Err(error) if super::is_absent(&error) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let progress = cx.ui.spinner(&format!("waiting until the server (pid {}) has ended", stopping.pid));
    let interrupted = tokio::signal::ctrl_c();
    let has_gone = tokio::select! {
        has_gone = gone::wait(stopping.pid, client, drain.saturating_add(MARGIN)) => has_gone,
        _ = interrupted => {
            drop(progress);
            return Err(CliError::new(Exit::Interrupted, "interrupted; the server goes on stopping"));
        }
    };
    drop(progress);
    match has_gone {
        true => Ok(Some(stopping.pid)),
        false => {
            let text = format!("the server (pid {}) has not ended in time", stopping.pid);
            Err(CliError::new(Exit::TimedOut, text)
                .with_hint("ktk server stop --now ends what it still runs"))
        }
    }
}
