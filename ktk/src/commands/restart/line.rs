//! `--max-parallel`: of many restarts only so many have yet to end.

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream::FuturesUnordered};
use ktk_client::{
    Client,
    client::{
        BoxFuture,
        follow::Target,
        wait::{Condition, WaitParams},
    },
};

use super::answer::Answer;
use crate::{commands::selection::Named, kinds::Kind};

/// The restarts that have yet to end, where their number is limited.
pub(super) struct Line {
    limit: Option<usize>,
    running: FuturesUnordered<BoxFuture<'static, ()>>,
}

impl Line {
    pub(super) fn new(limit: Option<u32>) -> Self {
        Self { limit: limit.map(|limit| limit as usize), running: FuturesUnordered::new() }
    }

    /// Waits until one more may be restarted.
    pub(super) async fn place(&mut self) {
        while self.limit.is_some_and(|limit| self.running.len() >= limit) {
            self.running.next().await;
        }
    }

    /// Takes what was restarted: it holds a place until it has ended, or waits behind something that failed.
    pub(super) fn take(&mut self, client: &Client, named: &Named, answer: &Answer) {
        let Some(reference) = answer.made().filter(|_| self.limit.is_some()) else { return };
        let target = match named.kind {
            Kind::Pipeline => Target::Pipeline(reference),
            _ => Target::Task(reference),
        };
        let mut ended = client.wait([target], WaitParams::until(Condition::Succeeded));
        // Whatever ends the wait frees the place: the next restart says what is wrong.
        self.running.push(async move { ended.try_next().await }.map(drop).boxed());
    }
}
