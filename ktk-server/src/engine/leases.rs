//! Leases: what each node must be heard of by. They live with the server that granted them; a
//! server that starts, or wakes from a pause of its own, gives everyone one lease more.

use std::{collections::BTreeMap, sync::Mutex};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{clock::Clock, limits};

/// The leases of all nodes that run something.
#[derive(Debug)]
pub struct Leases {
    clock: Clock,
    nodes: Mutex<BTreeMap<Uuid, (u32, Timestamp)>>,
    changed: Notify,
}

fn lease() -> SignedDuration {
    SignedDuration::try_from(limits::LEASE).expect("a few seconds")
}

impl Leases {
    pub fn new(clock: Clock) -> Self {
        Self { clock, nodes: Mutex::default(), changed: Notify::new() }
    }

    /// A node was heard of; one that runs nothing has no lease.
    pub fn renew(&self, node: Uuid, generation: u32, runs_something: bool) {
        let mut nodes = self.nodes.lock().expect("nobody panics while holding it");
        // An earlier start of the same node, still calling, says nothing of the present one.
        if nodes.get(&node).is_some_and(|(present, _)| *present > generation) {
            return;
        }
        if !runs_something {
            nodes.remove(&node);
            return;
        }
        let is_first = nodes.insert(node, (generation, self.clock.now() + lease())).is_none();
        if is_first {
            self.changed.notify_one();
        }
    }

    /// The earliest end of a lease.
    pub fn next_end(&self) -> Option<Timestamp> {
        let nodes = self.nodes.lock().expect("nobody panics while holding it");
        nodes.values().map(|(_, end)| *end).min()
    }

    /// Takes the nodes whose lease has ended.
    pub fn take_ended(&self) -> Vec<(Uuid, u32)> {
        let now = self.clock.now();
        let mut nodes = self.nodes.lock().expect("nobody panics while holding it");
        let ended: Vec<(Uuid, u32)> = nodes
            .iter()
            .filter(|(_, (_, end))| *end <= now)
            .map(|(node, (generation, _))| (*node, *generation))
            .collect();
        for (node, _) in &ended {
            nodes.remove(node);
        }
        ended
    }

    /// Gives every node one lease from now: this server was not there to hear of them.
    pub fn extend(&self) {
        let end = self.clock.now() + lease();
        for (_, present) in self.nodes.lock().expect("nobody panics while holding it").values_mut() {
            *present = end;
        }
    }

    /// Resolves when a node without a lease got one.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_generation_takes_no_lease_from_the_present_one() {
        let leases = Leases::new(Clock::manual(Timestamp::UNIX_EPOCH));
        let node = Uuid::from_u128(1);
        leases.renew(node, 2, true);
        leases.renew(node, 1, true);
        leases.renew(node, 1, false);
        leases.clock.advance(lease());
        assert_eq!(leases.take_ended(), [(node, 2)]);
    }

    #[test]
    fn a_lease_ends_unless_it_is_renewed_and_extending_saves_it() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let leases = Leases::new(clock.clone());
        let (busy, idle) = (Uuid::from_u128(1), Uuid::from_u128(2));
        leases.renew(busy, 3, true);
        leases.renew(idle, 1, true);
        leases.renew(idle, 1, false);
        assert_eq!(leases.next_end(), Some(Timestamp::UNIX_EPOCH + lease()));
        clock.advance(lease());
        leases.extend();
        assert_eq!(leases.take_ended(), []);
        clock.advance(lease());
        assert_eq!(leases.take_ended(), [(busy, 3)]);
        assert_eq!(leases.next_end(), None);
    }
}
