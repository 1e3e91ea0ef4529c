//! Promise 5: a dependent starts only when each need is as its `runIf` asks, with exactly what
//! `status.resolved` says.

use std::collections::{BTreeMap, BTreeSet};

use ktk_client::api::{
    Phase,
    restart::{Action, PlanRow},
    task::{Resolved, RunIf},
    worker::Grant,
};
use serde_json::Value;
use uuid::Uuid;

use super::dump::Dump;
use crate::model::row::TaskRow;

/// Looks at an attempt that was granted just now, against the rows as they are just now.
pub fn kept_by_grant(grant: &Grant, dump: &Dump) {
    let task = &dump.tasks[&grant.task];
    assert_eq!((task.fence, task.attempt), (Some(grant.fence), grant.attempt), "{task:#?}");
    let resolved = dump.resolved(task.id);
    assert_runs_as_asked(task.run_if, &resolved, &task.name);
    let newest = dump.newest();
    let mut outputs: BTreeMap<String, Value> = BTreeMap::new();
    if let Some(item) = &task.rare.item {
        assert_eq!(resolved, dump.resolved(item.step), "what the step of {} took", task.name);
        for taken in &resolved {
            // What had put out nothing when it was taken may have by now.
            let row = taken.output_digest.as_ref().and_then(|_| dump.results.get(&taken.id));
            let text = row.and_then(|row| row.outputs.as_deref());
            let value = text.map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
            outputs.insert(taken.need.clone(), value);
        }
    }
    for context in dump.needs_of(task.context_id) {
        let need = newest[&context];
        let taken = resolved.iter().find(|taken| taken.id == need.id).expect("taken from the newest");
        assert_eq!((taken.phase, &taken.output_digest), (need.phase, &need.output_digest), "{}", task.name);
        let text = dump.results.get(&need.id).and_then(|row| row.outputs.as_deref());
        let value = text.map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
        outputs.insert(taken.need.clone(), value);
    }
    assert_eq!(grant.needs, outputs, "the outputs that {} was given", task.name);
}

/// What was collected had ended, whole, and nothing unfinished needed it, be it by way of others (P52).
pub fn kept_by_collecting(before: &Dump, now: &Dump) {
    let (newest, left) = (before.newest(), now.newest());
    let mut needed = BTreeSet::new();
    let mut open: Vec<Uuid> =
        newest.values().filter(|row| !row.phase.is_terminal()).map(|row| row.context_id).collect();
    while let Some(context) = open.pop() {
        open.extend(
            before.needs_of(context).filter(|need| newest.contains_key(need) && needed.insert(*need)),
        );
    }
    for row in newest.values() {
        let pipeline = row.pipeline_id.map(|id| &before.pipelines[&id]);
        let has_ended = pipeline.map_or(row.phase, |pipeline| pipeline.phase).is_terminal();
        // What waits in a pipeline that has ended goes with it.
        let is_needed = needed.contains(&row.context_id)
            && before.needs.iter().any(|edge| {
                let outside = newest.get(&edge.dependent).is_some_and(|other| other.pipeline_id.is_none());
                edge.need == row.context_id && (pipeline.is_none() || outside)
            });
        if !left.contains_key(&row.context_id) {
            assert!(has_ended && !is_needed, "{row:#?} was collected");
            assert!(now.tasks.values().all(|other| other.context_id != row.context_id), "half of {row:#?}");
            let is_whole = pipeline.is_none_or(|pipeline| {
                now.pipelines.values().all(|other| other.context_id != pipeline.context_id)
            });
            assert!(is_whole, "{row:#?} was collected alone");
        }
    }
    for edge in &now.needs {
        assert!(left.contains_key(&edge.dependent), "{edge:?} leads nowhere");
    }
}

/// Whether what was taken is as `runIf` asks.
pub fn assert_runs_as_asked(run_if: RunIf, resolved: &[Resolved], name: &str) {
    let good = |taken: &Resolved| matches!(taken.phase, Phase::Succeeded | Phase::Skipped);
    // A need that waits behind a failure is taken as `Pending`.
    let is_settled = resolved.iter().all(|taken| taken.phase != Phase::Running);
    let as_asked = match run_if {
        RunIf::Success => resolved.iter().all(good),
        RunIf::Failure => resolved.iter().any(|taken| !good(taken)),
        RunIf::Always => true,
    };
    assert!(is_settled && as_asked, "{name} ({run_if:?}) ran on {resolved:?}");
}

/// The restart made at once what its plan said, and nothing else. What runs is restarted at its end.
pub fn kept_by_restart(plan: &[PlanRow], is_now: bool, before: &Dump, now: &Dump) {
    let incarnations = |dump: &Dump| -> BTreeMap<String, TaskRow> {
        dump.newest().values().map(|row| (row.name.clone(), (*row).clone())).collect()
    };
    let (before, now) = (incarnations(before), incarnations(now));
    let plan: BTreeMap<&str, Action> = plan.iter().map(|row| (row.task.as_str(), row.action)).collect();
    for (name, row) in &before {
        let made = now[name].incarnation - row.incarnation;
        match plan.get(name.as_str()) {
            // What runs elsewhere can be stopped at once.
            Some(Action::Restart) if is_now && (row.is_external() || row.is_for_each()) && made == 1 => {}
            Some(Action::Restart) if is_now && row.phase == Phase::Running => {
                assert!(made == 0 && now[name].wish.is_some(), "{name}: {now:#?}");
            }
            Some(Action::Restart) if is_now => assert_eq!(made, 1, "{name}"),
            Some(Action::Adopt) if is_now => assert_eq!(made, 1, "{name}"),
            Some(Action::Decide) if is_now => assert!(made <= 1, "{name}"),
            _ => assert_eq!(made, 0, "{name}, of which the plan said nothing"),
        }
    }
}
