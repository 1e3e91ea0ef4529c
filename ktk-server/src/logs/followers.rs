//! Who waits for which log. It holds no bytes and reads none.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use uuid::Uuid;

use super::{LogKey, lock};

/// The followed logs: an entry exists only while somebody follows.
#[derive(Debug, Default)]
pub(super) struct Followers {
    logs: Mutex<BTreeMap<LogKey, Followed>>,
}

#[derive(Debug)]
struct Followed {
    is_over: watch::Sender<bool>,
    count: usize,
}

impl Followers {
    pub(super) fn subscribe(self: &Arc<Self>, key: LogKey) -> Subscription {
        let mut logs = lock(&self.logs);
        let followed =
            logs.entry(key).or_insert_with(|| Followed { is_over: watch::Sender::new(false), count: 0 });
        followed.count += 1;
        Subscription { key, receiver: followed.is_over.subscribe(), followers: Arc::clone(self) }
    }

    pub(super) fn wake(&self, key: LogKey) {
        if let Some(followed) = lock(&self.logs).get(&key) {
            followed.is_over.send_modify(|_| {});
        }
    }

    pub(super) fn finish(&self, key: LogKey) {
        if let Some(followed) = lock(&self.logs).get(&key) {
            followed.is_over.send_modify(|is_over| *is_over = true);
        }
    }

    pub(super) fn finish_task(&self, task: Uuid) {
        for followed in lock(&self.logs).range(keys_of(task)).map(|(_, followed)| followed) {
            followed.is_over.send_modify(|is_over| *is_over = true);
        }
    }

    /// Nobody follows it, or those who do were told its end.
    pub(super) fn is_over(&self, key: LogKey) -> bool {
        lock(&self.logs).get(&key).is_none_or(|followed| *followed.is_over.borrow())
    }
}

pub(super) fn keys_of(task: Uuid) -> std::ops::RangeInclusive<LogKey> {
    LogKey { task, attempt: 0 }..=LogKey { task, attempt: u32::MAX }
}

/// A registered wake-up for one log. Dropping it ends the registration.
#[derive(Debug)]
pub struct Subscription {
    key: LogKey,
    receiver: watch::Receiver<bool>,
    followers: Arc<Followers>,
}

impl Subscription {
    /// Waits for a change since the last call, or since the subscription; at once if there was one.
    pub async fn changed(&mut self) {
        // The sender lives as long as this subscription is counted, so there is no error to see.
        let _ = self.receiver.changed().await;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut logs = lock(&self.followers.logs);
        if let Some(followed) = logs.get_mut(&self.key) {
            followed.count -= 1;
            if followed.count == 0 {
                logs.remove(&self.key);
            }
        }
    }
}
