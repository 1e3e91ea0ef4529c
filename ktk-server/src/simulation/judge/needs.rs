//! What an attempt is granted on: each need as `runIf` asks, and exactly what is recorded.

use std::collections::BTreeSet;

use serde::Deserialize;
use uuid::Uuid;

use super::{
    Judge,
    facts::{GrantFact, TaskFact},
};

/// What was taken from a need.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Taken {
    pub need: String,
    pub id: Uuid,
    pub phase: String,
    #[serde(default)]
    pub output_digest: Option<String>,
}

impl Judge {
    /// Whether a context needs another, directly or not.
    pub(super) fn reaches(&self, from: Uuid, to: Uuid) -> bool {
        let (mut open, mut seen) = (vec![from], BTreeSet::new());
        while let Some(context) = open.pop() {
            if context == to {
                return true;
            }
            if seen.insert(context) {
                open.extend(self.needs.get(&context).into_iter().flatten());
            }
        }
        false
    }

    pub(super) fn taken(&self, task: Uuid) -> Vec<Taken> {
        let text = self.resolved.get(&task);
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// An attempt that was granted in this commit, against what there is at its end.
    pub(super) fn check_grant(&mut self, id: Uuid) {
        let Some(task) = self.tasks.get(&id).cloned() else { return };
        if let Some(item) = task.item {
            return self.check_item_grant(&task, item);
        }
        let needs: Vec<Uuid> = self.needs.get(&task.context).into_iter().flatten().copied().collect();
        let there: Vec<Option<TaskFact>> = needs.iter().map(|need| self.newest(*need).cloned()).collect();
        let taken = self.taken(id);
        let is_complete = taken.len() == needs.len() && there.iter().all(Option::is_some);
        self.rule("P24", is_complete, || format!("{} took {taken:?} from {there:?}", task.name));
        let there: Vec<TaskFact> = there.into_iter().flatten().collect();
        let settled = there.iter().all(|need| need.is_good() || need.is_bad());
        let as_asked = match task.run_if {
            "success" => there.iter().all(TaskFact::is_good),
            "failure" => there.iter().any(|need| !need.is_good()),
            _ => true,
        };
        self.rule("P24", settled && as_asked, || {
            format!("{} ({}) started on {there:?}", task.name, task.run_if)
        });
        for need in &there {
            let same = taken.iter().any(|taken| {
                taken.id == need.id && taken.phase == need.phase && taken.output_digest == need.digest
            });
            self.rule("P25", same, || format!("{} took {taken:?}, there is {need:?}", task.name));
        }
    }

    /// What a worker was handed is what the newest members have put out.
    pub(super) fn check_handed(&mut self, grant: &GrantFact) {
        let Some(task) = self.tasks.get(&grant.task) else { return };
        if task.fence != Some(grant.fence) {
            return;
        }
        let name = task.name.clone();
        let expected = self.outputs_taken(grant.task);
        self.rule("P25", grant.needs == expected, || {
            format!("{name} was handed {:?}, there is {expected:?}", grant.needs)
        });
        self.check_inputs(grant);
    }
}
