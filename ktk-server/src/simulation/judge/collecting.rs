//! What is collected: nothing before its time, and nothing that something unfinished needs.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{
    Judge,
    facts::{PipelineFact, TaskFact},
    manifest::micros,
};

/// The newest of a whole that was removed: its phase, its end, and how long it was to be kept.
#[derive(Clone, Debug)]
pub struct Removed {
    phase: &'static str,
    finished_at: Option<i64>,
    ttl: Option<i64>,
}

/// How long a retention keeps what ended in a phase; nothing where it counts, or keeps for ever.
fn kept(retention: &str, phase: &str) -> Option<Option<i64>> {
    let seconds = |text: &str| text.strip_suffix('s').and_then(|text| text.parse::<i64>().ok());
    let (all, own) = retention.split_once(',').unwrap_or((retention, ""));
    let of_phase = own.split_once('=').filter(|(of, _)| phase.eq_ignore_ascii_case(of));
    match of_phase.map_or(all, |(_, text)| text) {
        "none" => Some(None),
        text => seconds(text).map(|seconds| Some(seconds * 1_000_000)),
    }
}

impl Judge {
    pub(super) fn note_removed(&mut self, task: &TaskFact) {
        if task.newest && task.pipeline.is_none() {
            let ttl = self.specs.get(&task.id).and_then(|spec| spec.ttl_after_finished).map(micros);
            let (phase, finished_at) = (task.phase, task.finished_at);
            self.since.removed.push(Removed { phase, finished_at, ttl });
        }
    }

    pub(super) fn note_removed_whole(&mut self, row: &PipelineFact) {
        if row.newest {
            let ttl = self.wholes.get(&row.id).and_then(|whole| whole.ttl_after_finished).map(micros);
            let (phase, finished_at) = (row.phase, row.finished_at);
            self.since.removed.push(Removed { phase, finished_at, ttl });
        }
    }

    /// What was collected was past its own time, or past the retention.
    pub(super) fn check_collection_times(&mut self, at: i64, retention: &str) {
        for removed in std::mem::take(&mut self.since.removed) {
            let past = |keep: i64| removed.finished_at.is_some_and(|end| end.saturating_add(keep) <= at);
            let by_retention = kept(retention, removed.phase).is_none_or(|keep| keep.is_some_and(past));
            let holds = by_retention || removed.ttl.is_some_and(past);
            self.rule("S9", holds, || format!("collected at {at} by {retention}: {removed:?}"));
        }
    }

    /// Nothing that has not ended needs what was collected, be it by way of others.
    pub(super) fn check_collected_needs(&mut self) {
        let newest = self.contexts.keys().filter_map(|context| self.newest(*context));
        let mut open: Vec<Uuid> =
            newest.filter(|task| !task.is_terminal()).map(|task| task.context).collect();
        let mut seen = BTreeSet::new();
        while let Some(context) = open.pop() {
            let needs = self.needs.get(&context).into_iter().flatten();
            open.extend(needs.copied().filter(|need| seen.insert(*need)));
        }
        // A context has the id of its first incarnation.
        let lost =
            seen.iter().find(|need| !self.contexts.contains_key(need) && self.since.deleted.contains(need));
        let lost = lost.copied();
        self.rule("P52", lost.is_none(), || {
            format!("{lost:?} was collected, and something unfinished needs it")
        });
    }
}
