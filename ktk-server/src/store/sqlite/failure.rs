//! The one failure after which a store takes nothing more: a server ends when it sees it.

use tokio::sync::watch;

/// Set once, seen by all handles.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    reason: watch::Sender<Option<String>>,
}

impl Failure {
    pub(super) fn new() -> Self {
        Self { reason: watch::Sender::new(None) }
    }

    /// The store is broken from now on.
    pub(super) fn set(&self, reason: &str) {
        tracing::error!(reason, "the store has failed and takes nothing more");
        self.reason.send_if_modified(|first| {
            let is_first = first.is_none();
            first.get_or_insert_with(|| reason.to_owned());
            is_first
        });
    }

    /// Why, if it has failed.
    pub(super) fn get(&self) -> Option<String> {
        self.reason.borrow().clone()
    }

    /// Waits until it has failed.
    pub(super) async fn wait(&self) -> String {
        let mut reason = self.reason.subscribe();
        let failed = reason.wait_for(Option::is_some).await.expect("we hold a sender ourselves");
        failed.clone().expect("waited for a reason")
    }
}
