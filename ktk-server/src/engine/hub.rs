//! Who waits for what: wake-ups are registered before the query, and sent after the commit.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use tokio::sync::watch;

use super::unit::Effects;

/// The wake-ups of one engine.
#[derive(Debug)]
pub struct Hub {
    versions: watch::Sender<u64>,
    work: watch::Sender<u64>,
    stops: watch::Sender<u64>,
    evaluations: watch::Sender<u64>,
    hooks: watch::Sender<u64>,
    due: watch::Sender<Option<Timestamp>>,
    collections: watch::Sender<u64>,
    expiry: watch::Sender<Option<Timestamp>>,
    /// How many tasks may end before the collector looks.
    room: AtomicU64,
    swept: AtomicU64,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            versions: watch::Sender::new(0),
            work: watch::Sender::new(0),
            stops: watch::Sender::new(0),
            evaluations: watch::Sender::new(0),
            hooks: watch::Sender::new(0),
            due: watch::Sender::new(None),
            collections: watch::Sender::new(0),
            expiry: watch::Sender::new(None),
            room: AtomicU64::new(u64::MAX),
            swept: AtomicU64::new(0),
        }
    }
}

impl Hub {
    /// Tells those who wait what a committed operation did.
    pub fn announce(&self, effects: &Effects) {
        if effects.version > 0 {
            self.versions.send_if_modified(|version| {
                let rises = effects.version > *version;
                *version = effects.version.max(*version);
                rises
            });
        }
        if effects.stops {
            self.stops.send_modify(|count| *count += 1);
        }
        if effects.hooks {
            self.hooks.send_modify(|count| *count += 1);
        }
        if effects.work {
            self.work.send_modify(|count| *count += 1);
        }
        if effects.evaluations {
            self.evaluations.send_modify(|count| *count += 1);
        }
        self.add_due(effects.due);
        self.add_expiry(effects.expires);
        self.count_ended(effects.ended);
    }

    /// Rises with every committed change.
    pub fn versions(&self) -> watch::Receiver<u64> {
        self.versions.subscribe()
    }

    /// Changes when something may be claimed that could not be before.
    pub fn work(&self) -> watch::Receiver<u64> {
        self.work.subscribe()
    }

    /// Changes when running attempts are to be stopped.
    pub fn stops(&self) -> watch::Receiver<u64> {
        self.stops.subscribe()
    }

    /// Changes when expressions are to be evaluated.
    pub fn evaluations(&self) -> watch::Receiver<u64> {
        self.evaluations.subscribe()
    }

    /// Changes when hooks are to be called.
    pub fn hooks(&self) -> watch::Receiver<u64> {
        self.hooks.subscribe()
    }

    /// The earliest time at which a clock moves something, as far as anyone said.
    pub fn due(&self) -> watch::Receiver<Option<Timestamp>> {
        self.due.subscribe()
    }

    /// A time at which a clock moves something: the earliest counts.
    pub fn add_due(&self, due: Option<Timestamp>) {
        earlier(&self.due, due);
    }

    /// Forgets the earliest time, before the store is asked anew: what others say meanwhile is kept.
    pub fn forget_due(&self) {
        self.due.send_replace(None);
    }

    /// Changes when the collector is to look.
    pub fn collections(&self) -> watch::Receiver<u64> {
        self.collections.subscribe()
    }

    /// Wakes the collector.
    pub fn collect(&self) {
        self.collections.send_modify(|count| *count += 1);
    }

    /// The earliest time at which the collector has something to do.
    pub fn expiry(&self) -> watch::Receiver<Option<Timestamp>> {
        self.expiry.subscribe()
    }

    /// A time at which the collector has something to do: the earliest counts.
    pub fn add_expiry(&self, at: Option<Timestamp>) {
        earlier(&self.expiry, at);
    }

    /// Forgets that time, before the store is asked anew.
    pub fn forget_expiry(&self) {
        self.expiry.send_replace(None);
    }

    /// So many tasks may end before the collector looks; any number where there is no limit.
    pub fn set_room(&self, room: Option<u64>) {
        self.room.store(room.map_or(u64::MAX, |room| room.min(u64::MAX - 1)), Ordering::Relaxed);
    }

    fn count_ended(&self, ended: u64) {
        if ended == 0 || self.room.load(Ordering::Relaxed) == u64::MAX {
            return;
        }
        let take = |room: u64| if room == u64::MAX { None } else { Some(room.saturating_sub(ended)) };
        let before = self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        if before.is_ok_and(|before| before <= ended) {
            // It says anew how many may end.
            self.set_room(None);
            self.collect();
        }
    }

    /// The version from which the hub begins: what the store had when it was opened.
    pub fn begin(&self, version: u64) {
        self.versions.send_replace(version);
    }

    /// Wakes everyone who waits for something to do, although nothing is known to have changed: the slow sweep.
    pub fn sweep(&self) {
        self.swept.fetch_add(1, Ordering::Relaxed);
        self.work.send_modify(|count| *count += 1);
        self.stops.send_modify(|count| *count += 1);
        self.evaluations.send_modify(|count| *count += 1);
        self.hooks.send_modify(|count| *count += 1);
        self.collect();
    }

    /// How many wait for changes: streams, and the timer.
    pub fn waiting(&self) -> usize {
        self.versions.receiver_count()
    }
}

/// Sets a time, where it is earlier than the present one.
fn earlier(place: &watch::Sender<Option<Timestamp>>, at: Option<Timestamp>) {
    let Some(at) = at else { return };
    place.send_if_modified(|earliest| {
        let is_earlier = earliest.is_none_or(|present| at < present);
        if is_earlier {
            *earliest = Some(at);
        }
        is_earlier
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_wakes_everyone_with_something_to_do() {
        let hub = Hub::default();
        let wakes = [hub.work(), hub.stops(), hub.evaluations(), hub.hooks(), hub.collections()];
        hub.sweep();
        assert!(wakes.iter().all(|wake| wake.has_changed().expect("the hub is there")));
    }

    #[test]
    fn what_is_said_while_the_store_is_asked_is_not_lost() {
        let hub = Hub::default();
        let at = |second| Timestamp::from_second(second).expect("a small number");
        hub.add_due(Some(at(5)));
        hub.forget_due();
        // The store was asked before this one was committed, and answers after it.
        hub.announce(&Effects { due: Some(at(7)), ..Effects::default() });
        hub.add_due(Some(at(9)));
        hub.add_due(None);
        assert_eq!(*hub.due().borrow(), Some(at(7)));
    }
}
