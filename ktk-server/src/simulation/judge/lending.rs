//! Slots: a node runs no more than it has, and than are lent it by attempts that wait for what they have made.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{Judge, contexts::Touched, facts::TaskFact};

impl Judge {
    pub(super) fn waits(&mut self, task: Uuid, waits: bool) {
        match waits {
            true => self.waiting.insert(task),
            false => self.waiting.remove(&task),
        };
    }

    /// Whoever was granted found a slot: one of the node's own, or one that is lent.
    pub(super) fn check_slots(&mut self, touched: &Touched) {
        let granted = touched.granted.iter().filter_map(|id| self.tasks.get(id));
        let nodes: BTreeSet<Uuid> = granted.filter_map(|task| task.node).collect();
        for node in nodes {
            let Some(slots) = self.nodes.get(&node).map(|node| node.slots as usize) else { continue };
            let runs = |task: &&TaskFact| task.phase == "Running" && task.node == Some(node);
            let running: Vec<Uuid> = self.tasks.values().filter(runs).map(|task| task.id).collect();
            if running.len() <= slots {
                continue;
            }
            let lends = |id: &&Uuid| self.waiting.contains(id) && self.has_live_child(**id);
            let lent = running.iter().filter(lends).count();
            self.rule("S2L", running.len() <= slots + lent, || {
                format!("{} run in {slots} slots, of which {lent} are lent: {running:?}", running.len())
            });
        }
    }

    fn has_live_child(&self, maker: Uuid) -> bool {
        self.tasks.values().any(|task| task.spawned_by == Some(maker) && !task.is_terminal())
    }
}
