//! What must hold once nobody does anything any more.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{Judge, facts::TaskFact};

impl Judge {
    /// Nothing waits but behind a failure, nothing is left undone, and nobody has seen what is no more.
    pub(super) fn rest(&mut self) {
        let newest: Vec<TaskFact> =
            self.contexts.keys().filter_map(|context| self.newest(*context).cloned()).collect();
        for task in &newest {
            let waits_behind = task.reason == Some("UpstreamFailed") && self.has_cause(task.context);
            self.rule("P65", task.is_terminal() || waits_behind, || format!("nothing moves it: {task:?}"));
            let is_undone = task.has_wish || (task.is_going && task.pipeline.is_none());
            self.rule("P65", !is_undone, || format!("left undone: {task:?}"));
            let needs = self.needs.get(&task.context).into_iter().flatten();
            let needs: Vec<&TaskFact> = needs.filter_map(|need| self.newest(*need)).collect();
            let could_go = task.phase == "Pending"
                && match task.run_if {
                    _ if task.is_expanded == Some(true) => needs.iter().all(|need| need.is_good()),
                    "success" => needs.iter().all(|need| need.is_good()),
                    _ => needs.iter().all(|need| need.is_good() || need.is_bad()),
                };
            self.rule("P26", !could_go, || format!("it could go: {task:?}"));
            self.check_seen(task);
        }
        let pipelines: Vec<_> = self.pipelines.values().cloned().collect();
        for row in pipelines {
            let has_ended = !matches!(row.phase, "Pending" | "Running") && !row.is_going && !row.has_wish;
            self.rule("P65", has_ended, || format!("left undone: {row:?}"));
        }
        self.check_permits_are_back();
        self.check_no_hook_waits();
    }

    /// Whether a context waits behind something that failed or was cancelled.
    fn has_cause(&self, context: Uuid) -> bool {
        let (mut open, mut seen) = (vec![context], BTreeSet::new());
        while let Some(context) = open.pop() {
            let needs = self.needs.get(&context).into_iter().flatten();
            for need in needs.filter_map(|need| self.newest(*need)) {
                if matches!(need.phase, "Failed" | "Cancelled") {
                    return true;
                }
                if need.phase == "Pending" && seen.insert(need.context) {
                    open.push(need.context);
                }
            }
        }
        false
    }

    /// What has finished has seen what is there now, but where somebody wanted otherwise, or where a need is gone.
    fn check_seen(&mut self, task: &TaskFact) {
        // An item stays while its inputs are the same, whatever they were made of.
        if task.reason == Some("Reused") || !task.is_terminal() || task.item.is_some() {
            return;
        }
        let was_cancelled = task.pipeline.is_some_and(|id| self.ever_cancelled.contains(&id));
        let needs: Vec<Uuid> = self.needs.get(&task.context).into_iter().flatten().copied().collect();
        let has_lost_need = needs.iter().any(|need| self.newest(*need).is_none());
        // What has lost a limit that it asks for was not restarted.
        let lost_limit = self.has_lost_limit(task);
        // What had no key when it was to be restarted was not.
        let whole = task.pipeline.and_then(|pipeline| self.pipelines.get(&pipeline));
        let has_key = task.key.is_some() || whole.is_some_and(|row| row.key.is_some());
        if task.phase == "Cancelled" || was_cancelled || has_lost_need || lost_limit || has_key {
            return;
        }
        self.check_collected(task);
        for saw in self.taken(task.id) {
            let Some(context) = self.tasks.get(&saw.id).map(|seen| seen.context) else { continue };
            let Some(now) = self.newest(context).cloned() else { continue };
            if task.run_if == "success" && !now.is_good() {
                continue;
            }
            let is_same = now.phase == saw.phase
                && now.digest == saw.output_digest
                && (now.id == saw.id || now.digest.is_some());
            // What waited behind a failure and was ended there was settled before and after.
            let was_settled = now.id == saw.id && saw.phase == "Pending" && now.is_bad();
            // What has waited behind a failure ever since is not compared because a later restart would be.
            let is_alone = self.settled_under.get(&now.id) == Some(&"none");
            let holds = is_same || was_settled || is_alone;
            self.rule("P25", holds, || format!("{} saw {saw:?}, there is {now:?}", task.name));
        }
    }
}
