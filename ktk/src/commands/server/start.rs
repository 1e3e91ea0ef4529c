//! `ktk server start`.

use clap::Args;
use ktk_client::client::{Autostart, ServerAddress};

use crate::{
    context::Context,
    error::{CliError, Exit},
    ui::escape,
};

/// Start the local server in the background, if none runs
///
/// A server that is started like this stays until it is stopped, or until it has had nothing to
/// do for 15 minutes; the next command starts it again.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Have it ready
  ktk server start")]
pub(super) struct StartArgs {}

pub(super) async fn run(_args: StartArgs, cx: &Context) -> Result<Exit, CliError> {
    let Some(data_dir) = cx.data_dir()? else {
        return Err(CliError::usage("--server names a server that commands do not start"));
    };
    // Who types this means it, whatever KTK_AUTOSTART says.
    let client = cx
        .client_builder()?
        .address(ServerAddress::DataDir(data_dir))
        .autostart(Autostart::Auto)
        .on_notice(|_| {})
        .build()?;
    let was_running = cx.client_without_start()?.server().status().await.is_ok_and(|status| !status.stopping);
    let status = client.server().status().await?;
    let word = if was_running { "runs already" } else { "started" };
    cx.ui.println(&format!("server {word} (pid {}, socket {})", status.pid, escape(&status.socket)))?;
    Ok(Exit::Done)
}
