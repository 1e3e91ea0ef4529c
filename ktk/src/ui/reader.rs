//! Whether anybody still reads the results: who waits for something else has nothing to write that would tell.

use std::{future::pending, io, os::fd::AsFd as _};

use tokio::{io::Interest, net::unix::pipe::Sender};

use super::Ui;
use crate::error::CliError;

impl Ui {
    /// Resolves once nobody reads standard output any more, with what ends the command then. Never where that cannot
    /// be known, as of a file.
    pub(crate) async fn reader_gone(&self) -> CliError {
        // Only watched: a check of what it is would make the stream itself one that does not block.
        let watched = io::stdout().as_fd().try_clone_to_owned().and_then(Sender::from_owned_fd_unchecked);
        let Ok(stdout) = watched else { return pending().await };
        match stdout.ready(Interest::ERROR).await {
            Ok(_) => io::Error::from(io::ErrorKind::BrokenPipe).into(),
            Err(_) => pending().await,
        }
    }
}
