//! `--ephemeral`: a private server for one command, whose store is removed at the end.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
    time::Duration,
};

use ktk_client::client::{Autostart, ServerAddress};

use super::RunArgs;
use crate::{
    clock,
    commands::server,
    context::Context,
    env,
    error::{CliError, Exit},
};

/// What the server gets: should this command be killed, it ends by itself.
const SERVER_ARGS: [&str; 2] = ["--idle-exit", "10s"];

pub(super) async fn run(args: RunArgs, cx: &Context) -> Result<Exit, CliError> {
    if cx.settings.server.is_some() {
        return Err(CliError::usage("--ephemeral starts a server of its own and does not go with --server"));
    }
    let directory = Directory::create()?;
    let client = cx
        .client_builder()?
        .address(ServerAddress::DataDir(directory.path.clone()))
        .autostart(Autostart::Auto)
        .server_args(SERVER_ARGS)
        .on_notice(|_| {})
        .build()?;
    let result = super::with_client(args, &client, cx).await;
    // Nothing can outlive the store: who left while work went on meant it to end.
    if let Err(error) = server::stop_and_wait(&directory.path, Duration::ZERO, cx).await {
        cx.ui.warning(&format!("the private server may still run: {}", error.lines().join("; ")));
    }
    drop(directory);
    result
}

/// A directory that is removed with all that is in it.
struct Directory {
    path: PathBuf,
}

impl Directory {
    fn create() -> Result<Self, CliError> {
        let stamp = clock::now().as_nanosecond();
        let path = env::temp_dir().join(format!("ktk-{}-{stamp}", std::process::id()));
        let created = DirBuilder::new().mode(0o700).create(&path);
        created.map_err(|error| CliError::failed(format!("cannot create {}: {error}", path.display())))?;
        Ok(Self { path })
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left there is only what could not be removed.
        let _ = fs::remove_dir_all(&self.path);
    }
}
