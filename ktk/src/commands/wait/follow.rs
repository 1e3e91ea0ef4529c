//! Follows a watch until nothing is open any more.

use std::time::Duration;

use futures_util::{StreamExt, pin_mut};
use ktk_client::{
    Client,
    api::watch::{WatchEvent, WatchParams},
};
use tokio::time::{Instant, sleep_until};

use super::{
    board::{Board, Target},
    snapshot::Snapshot,
};
use crate::error::CliError;

/// When to give up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// That much time from now on; never, where none is given.
    pub(crate) fn after(limit: Option<Duration>) -> Self {
        Self(limit.and_then(|limit| Instant::now().checked_add(limit)))
    }

    async fn passed(self) {
        match self.0 {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}

/// How the waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Nothing is open any more.
    Over,
    /// The time ran out.
    TimedOut,
    /// Somebody pressed Ctrl-C.
    Interrupted,
    /// The server is being stopped.
    Stopping,
}

/// Follows what the watch tells, until Ctrl-C at the latest. `on_settled` is told of each target
/// that is no longer open.
pub(crate) async fn follow(
    client: &Client,
    watched: WatchParams,
    board: &mut Board,
    keep_waiting: bool,
    deadline: Deadline,
    on_settled: impl FnMut(&Target) -> Result<(), CliError>,
) -> Result<Ended, CliError> {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    };
    follow_until(client, watched, board, keep_waiting, deadline, interrupted, on_settled).await
}

/// Follows what the watch tells, until `interrupted` at the latest.
pub(crate) async fn follow_until(
    client: &Client,
    watched: WatchParams,
    board: &mut Board,
    keep_waiting: bool,
    deadline: Deadline,
    interrupted: impl Future<Output = ()>,
    mut on_settled: impl FnMut(&Target) -> Result<(), CliError>,
) -> Result<Ended, CliError> {
    if board.is_over(keep_waiting) {
        return Ok(Ended::Over);
    }
    let changes = client.watch(watched);
    let out_of_time = deadline.passed();
    pin_mut!(changes, out_of_time, interrupted);
    loop {
        let change = tokio::select! {
            biased;
            change = changes.next() => change,
            () = &mut out_of_time => return Ok(Ended::TimedOut),
            () = &mut interrupted => return Ok(Ended::Interrupted),
        };
        let (object, is_gone) = match change {
            Some(Ok(WatchEvent::Change { object, .. })) => (object, false),
            Some(Ok(WatchEvent::Delete { object, .. })) => (object, true),
            Some(Ok(WatchEvent::Bookmark { .. })) => continue,
            Some(Ok(WatchEvent::Stopping { .. })) => return Ok(Ended::Stopping),
            Some(Err(error)) if error.is_stopping() => return Ok(Ended::Stopping),
            Some(Err(error)) => return Err(error.into()),
            None => return Err(CliError::failed("the watch ended before what was waited for")),
        };
        // An object that this version cannot read is none of those that it waits for.
        let Some(object) = Snapshot::read(object, board.goal().needs_whole()) else { continue };
        for target in board.observe(&object, is_gone) {
            on_settled(target)?;
        }
        if board.is_over(keep_waiting) {
            return Ok(Ended::Over);
        }
    }
}
