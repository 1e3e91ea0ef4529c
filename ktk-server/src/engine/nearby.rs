//! `affinity: execution`: a task goes to a node that ran earlier tasks of its execution, where one waits for work with a
//! free slot at that very moment; else to whoever asks. Where they ran is in the store. Who waits is known from the
//! calls that workers hold open, and nowhere stored; what is remembered of an offer only keeps it from being made twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use ktk_client::api::node::NodePhase;
use uuid::Uuid;

use super::{body, claim::executors, error::EngineResult, unit::Unit};
use crate::{
    limits,
    model::{
        lane::LaneRow,
        row::{NodeRow, TaskRow},
    },
    store::Tx,
};

/// The nodes that wait for work, and the tasks that were kept for one of them.
#[derive(Debug, Default)]
pub struct Nearby(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    seats: BTreeMap<Uuid, Seat>,
    /// By task: the node that has not looked yet; none where it has, and anyone takes the task.
    offers: BTreeMap<Uuid, Option<Uuid>>,
}

#[derive(Clone, Copy, Debug)]
struct Seat {
    call: u64,
    free: u32,
}

impl State {
    /// Ends what was kept for a node. Says whether anything was.
    fn give_up(&mut self, node: Uuid) -> bool {
        let kept = self.offers.values_mut().filter(|to| **to == Some(node));
        kept.map(|to| *to = None).count() > 0
    }
}

impl Nearby {
    fn with<A>(&self, look: impl FnOnce(&mut State) -> A) -> A {
        look(&mut self.0.lock().expect("nobody panics while holding it"))
    }

    /// A call of this node waits for work from now on, for so many slots.
    pub fn sit(&self, node: Uuid, call: u64, free: u32) {
        self.with(|state| state.seats.insert(node, Seat { call, free }));
    }

    /// The node has looked for work: what was kept for it and it did not take is anyone's. Says whether there is such
    /// a task: others are to look again.
    pub fn looked(&self, node: Uuid) -> bool {
        self.with(|state| state.give_up(node))
    }

    /// This call of the node waits no more. As [`Nearby::looked`] otherwise.
    pub fn leave(&self, node: Uuid, call: u64) -> bool {
        self.with(|state| {
            let is_own = state.seats.get(&node).is_some_and(|seat| seat.call == call);
            is_own && {
                state.seats.remove(&node);
                state.give_up(node)
            }
        })
    }

    /// Whether a call of this node waits for work.
    pub fn sits(&self, node: Uuid) -> bool {
        self.with(|state| state.seats.contains_key(&node))
    }

    /// What was offered and what was taken by a committed operation.
    pub fn remember(&self, offered: &[(Uuid, Uuid)], taken: &[Uuid]) {
        if offered.is_empty() && taken.is_empty() {
            return;
        }
        self.with(|state| {
            if state.offers.len() >= limits::OFFERS {
                // Of tasks that were taken back meanwhile nobody says so.
                state.offers.retain(|_, to| to.is_some());
            }
            state.offers.extend(offered.iter().map(|(task, node)| (*task, Some(*node))));
            for task in taken {
                state.offers.remove(task);
            }
        });
    }

    /// The slots of other nodes that wait, but for those that something is kept for.
    fn free_but(&self, node: Uuid) -> BTreeMap<Uuid, u32> {
        self.with(|state| {
            let kept = |id: &Uuid| state.offers.values().filter(|to| **to == Some(*id)).count();
            let free = |(id, seat): (&Uuid, &Seat)| {
                (*id, seat.free.saturating_sub(u32::try_from(kept(id)).unwrap_or(u32::MAX)))
            };
            state
                .seats
                .iter()
                .filter(|(id, _)| **id != node)
                .map(free)
                .filter(|(_, free)| *free > 0)
                .collect()
        })
    }

    /// What became of the offer of a task, as this node finds it.
    fn offer(&self, task: Uuid, finds: Uuid) -> Offer {
        self.with(|state| match state.offers.get(&task) {
            None => Offer::None,
            Some(Some(node)) if *node != finds && state.seats.contains_key(node) => Offer::Open,
            Some(_) => Offer::Over,
        })
    }
}

/// What became of the offer of a task to a node that is near to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offer {
    /// There was none.
    None,
    /// To another one, which is about to look.
    Open,
    /// That one has looked, or is gone: anyone takes the task.
    Over,
}

/// The other nodes that wait while one claims.
pub(super) struct Others {
    free: BTreeMap<Uuid, u32>,
    /// Loaded for the first task that asks.
    nodes: Option<Vec<NodeRow>>,
}

impl<T: Tx> Unit<'_, T> {
    /// The other nodes that wait for work while this one claims.
    pub(super) fn others_than(&self, node: &NodeRow) -> Others {
        Others { free: self.shared.nearby.free_but(node.id), nodes: None }
    }

    /// Whether a task that this node could take is kept for another one, which waits and is nearer to it. It is offered
    /// once for each attempt: the other one is told and looks, and whoever looks after that takes the task.
    pub(super) async fn is_kept(
        &mut self,
        others: &mut Others,
        node: &NodeRow,
        row: &TaskRow,
        lane: &LaneRow,
    ) -> EngineResult<bool> {
        match self.shared.nearby.offer(row.id, node.id) {
            Offer::Open => return Ok(true),
            Offer::None if !others.free.is_empty() => {}
            Offer::None | Offer::Over => return Ok(false),
        }
        let places = self.earlier_nodes(row).await?;
        if places.contains(&node.name) {
            return Ok(false);
        }
        let nodes = match &others.nodes {
            Some(nodes) => nodes,
            None => others.nodes.insert(self.tx.nodes().await?),
        };
        let is_nearer = |other: &&NodeRow| {
            other.phase == NodePhase::Ready
                && others.free.get(&other.id).is_some_and(|free| *free > 0)
                && places.contains(&other.name)
                && lane.lane.fits(&executors(other), &body::labels(Some(&other.labels)))
        };
        let Some(nearer) = nodes.iter().find(is_nearer).map(|other| other.id) else { return Ok(false) };
        if let Some(free) = others.free.get_mut(&nearer) {
            *free -= 1;
        }
        self.effects.offered.push((row.id, nearer));
        self.effects.work = true;
        Ok(true)
    }

    /// The names of the nodes that ran what comes before a task: its needs, else the task that made it, else other
    /// tasks of its pipeline, else what it is a restart of.
    async fn earlier_nodes(&mut self, row: &TaskRow) -> EngineResult<BTreeSet<String>> {
        let step = match &row.rare.item {
            // An item takes what its step took.
            Some(item) => {
                self.load(&[item.step]).await?;
                self.task(item.step)?.context_id
            }
            None => row.context_id,
        };
        let needs: Vec<Uuid> = match row.needs > 0 || row.is_item() {
            true => self.tx.needs_of(&[step]).await?.iter().map(|edge| edge.need).collect(),
            false => Vec::new(),
        };
        self.load_newest(&needs).await?;
        let found: BTreeSet<String> =
            needs.iter().filter_map(|need| ran_on(self.newest_of(*need)?)).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        if let Some(parent) = row.rare.spawned_by {
            self.load(&[parent]).await?;
            if let Some(node) = self.task(parent).ok().and_then(ran_on) {
                return Ok(BTreeSet::from([node]));
            }
        }
        if let Some(pipeline) = row.pipeline_id {
            let tasks = self.load_tasks_of(pipeline).await?;
            return Ok(tasks.iter().filter_map(|id| ran_on(self.tasks.get(id)?)).collect());
        }
        let mut own = ran_on(row);
        if let Some(parent) = row.parent_id.filter(|_| own.is_none()) {
            self.load(&[parent]).await?;
            own = self.task(parent).ok().and_then(ran_on);
        }
        Ok(own.into_iter().collect())
    }
}

/// The name of the node that ran a task's newest attempt: `amber` of `amber.g3`.
fn ran_on(row: &TaskRow) -> Option<String> {
    let node = row.node.as_deref()?;
    Some(node.rsplit_once(".g").map_or(node, |(name, _)| name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    #[test]
    fn a_node_waits_as_long_as_its_newest_call() {
        let nearby = Nearby::default();
        nearby.sit(id(1), 7, 2);
        nearby.sit(id(1), 8, 1);
        assert!(!nearby.leave(id(1), 7) && nearby.sits(id(1)));
        assert_eq!(nearby.free_but(id(2)), BTreeMap::from([(id(1), 1)]));
        assert_eq!(nearby.free_but(id(1)), BTreeMap::new());
        nearby.leave(id(1), 8);
        assert!(!nearby.sits(id(1)));
    }

    #[test]
    fn what_is_kept_takes_a_slot_until_the_node_has_looked() {
        let nearby = Nearby::default();
        nearby.sit(id(1), 1, 1);
        nearby.remember(&[(id(9), id(1))], &[]);
        assert_eq!(nearby.free_but(id(2)), BTreeMap::new());
        assert!(nearby.looked(id(1)), "it did not take the task");
        assert!(!nearby.looked(id(1)));
        nearby.remember(&[(id(8), id(1))], &[id(9)]);
        assert_eq!(
            [7, 8, 9].map(|task| nearby.offer(id(task), id(2))),
            [Offer::None, Offer::Open, Offer::None]
        );
        assert!(nearby.leave(id(1), 1), "others are to look for what was kept");
        assert_eq!(nearby.offer(id(8), id(2)), Offer::Over);
    }

    #[test]
    fn what_nobody_took_is_forgotten_some_day() {
        let nearby = Nearby::default();
        for number in 0..limits::OFFERS as u128 {
            nearby.remember(&[(id(number), id(1))], &[]);
        }
        nearby.looked(id(1));
        nearby.remember(&[(id(u128::MAX), id(1))], &[]);
        assert_eq!([0, u128::MAX].map(|task| nearby.offer(id(task), id(2))), [Offer::None, Offer::Over]);
    }
}
