//! A pipeline on its way: what its steps are doing, the line that tells of a change, the counts
//! for a bar and the table at the end. Pure: tasks in, text out.

mod step;

use std::collections::BTreeMap;

use jiff::Timestamp;
use ktk_client::api::{Phase, PipelineRef, Task};

pub(crate) use self::step::StepState;
use self::step::elapsed_text;
use super::status;
use crate::ui::Cell;

/// The titles of the table at the end.
const TITLES: [&str; 4] = ["NAME", "STATUS", "REASON", "DURATION"];

/// Steps counted for a bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Succeeded or skipped.
    pub(crate) done: usize,
    /// Failed, cancelled, or behind one that did.
    pub(crate) failed: usize,
    /// Running.
    pub(crate) running: usize,
}

/// All steps of one pipeline, as they are known so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    order: Vec<String>,
    steps: BTreeMap<String, Option<StepState>>,
    /// The items of steps with `forEach`: each as `STEP.KEY`. They count with their step.
    items: BTreeMap<String, StepState>,
    shown: BTreeMap<String, String>,
}

impl Progress {
    /// Steps in the order of the manifest.
    pub(crate) fn new(order: impl IntoIterator<Item = String>) -> Self {
        let order: Vec<String> = order.into_iter().collect();
        let steps = order.iter().map(|step| (step.clone(), None)).collect();
        Self { order, steps, items: BTreeMap::new(), shown: BTreeMap::new() }
    }

    /// Takes a task as it is now. The answer is the step's name and what to say of the change,
    /// where there is something to say.
    pub(crate) fn observe(&mut self, task: &Task) -> Option<(String, String)> {
        let place = task.metadata.pipeline.as_ref()?;
        let state = StepState::new(task, task.status.as_ref()?);
        let text = state.change_text();
        let step = match place.index {
            Some(_) => self.take_item(place, state)?,
            None => self.take_step(place, state)?,
        };
        let text = text?;
        if self.shown.get(&step) == Some(&text) {
            return None;
        }
        self.shown.insert(step.clone(), text.clone());
        Some((step, text))
    }

    fn take_step(&mut self, place: &PipelineRef, state: StepState) -> Option<String> {
        let step = place.step.clone();
        match self.steps.get(&step) {
            Some(Some(known)) if known.incarnation > state.incarnation => return None,
            Some(_) => {}
            None => self.order.push(step.clone()),
        }
        self.steps.insert(step.clone(), Some(state));
        Some(step)
    }

    fn take_item(&mut self, place: &PipelineRef, state: StepState) -> Option<String> {
        let name = state.task.strip_prefix(&format!("{}.", place.name))?.to_owned();
        if self.items.get(&name).is_some_and(|known| known.incarnation > state.incarnation) {
            return None;
        }
        self.items.insert(name.clone(), state);
        Some(name)
    }

    /// How many steps there are.
    pub(crate) fn total(&self) -> usize {
        self.order.len()
    }

    /// The steps counted.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for state in self.steps.values().flatten() {
            counts.done += usize::from(state.is_done());
            counts.failed += usize::from(state.is_failed());
            counts.running += usize::from(state.phase == Phase::Running);
        }
        counts
    }

    /// Whether each step has ended, or waits behind one that failed.
    pub(crate) fn is_settled(&self) -> bool {
        self.steps.values().all(|state| state.as_ref().is_some_and(StepState::is_settled))
    }

    /// The steps that are running, in the order of the manifest.
    pub(crate) fn running(&self) -> impl Iterator<Item = (&str, &StepState)> {
        self.states().filter(|(_, state)| state.phase == Phase::Running)
    }

    /// The steps and items of which an attempt failed for good: those whose log tells why.
    pub(crate) fn failed(&self) -> impl Iterator<Item = (&str, &StepState)> {
        self.with_items().filter(|(_, state)| state.phase == Phase::Failed)
    }

    /// All steps that are known, in the order of the manifest.
    pub(crate) fn states(&self) -> impl Iterator<Item = (&str, &StepState)> {
        self.order.iter().filter_map(|step| Some((step.as_str(), self.steps.get(step)?.as_ref()?)))
    }

    /// The same, and their items behind them.
    pub(crate) fn with_items(&self) -> impl Iterator<Item = (&str, &StepState)> {
        self.states().chain(self.items.iter().map(|(name, state)| (name.as_str(), state)))
    }

    /// The table of all steps, its titles first; a step of which nothing is known is Pending.
    pub(crate) fn rows(&self, now: Timestamp) -> Vec<Vec<Cell>> {
        let mut rows = vec![TITLES.iter().map(|title| Cell::new(*title)).collect()];
        rows.extend(self.order.iter().map(|step| {
            let state = self.steps.get(step).and_then(Option::as_ref);
            let phase = state.map_or(Phase::Pending, |state| state.phase);
            let reason = state.and_then(|state| state.reason);
            let took = state.and_then(|state| state.elapsed(now)).map(elapsed_text);
            vec![
                Cell::new(step.clone()),
                status::phase_cell(Some(phase), reason),
                status::reason_cell(reason),
                took.map_or_else(Cell::none, Cell::new),
            ]
        }));
        rows
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ktk_client::api::{Metadata, task::TaskSpec};
    use serde_json::json;

    use super::*;

    fn task(step: &str, status: serde_json::Value) -> Task {
        let mut task = Task::new(format!("p.{step}"), TaskSpec::default());
        let pipeline =
            PipelineRef { id: Default::default(), name: "p".into(), step: step.into(), index: None };
        task.metadata = Metadata { pipeline: Some(pipeline), ..task.metadata };
        task.status = Some(serde_json::from_value(status).expect("a status"));
        task
    }

    fn said(progress: &mut Progress, step: &str, status: serde_json::Value) -> Option<String> {
        progress.observe(&task(step, status)).map(|(step, text)| format!("step {step}: {text}"))
    }

    #[test]
    fn each_change_is_told_once() {
        let mut progress = Progress::new(["a".into(), "b".into()]);
        assert_eq!(said(&mut progress, "a", json!({"phase": "Pending", "reason": "Queued"})), None);
        let running = json!({"phase": "Running", "attempt": 1, "startedAt": "2026-11-21T00:00:00Z"});
        assert_eq!(said(&mut progress, "a", running.clone()).as_deref(), Some("step a: Running"));
        assert_eq!(said(&mut progress, "a", running), None);
        let backoff = json!({"phase": "Pending", "reason": "Backoff", "attempt": 1});
        assert_eq!(
            said(&mut progress, "a", backoff).as_deref(),
            Some("step a: attempt 1 failed, the next one follows")
        );
        let second = json!({"phase": "Running", "attempt": 2, "startedAt": "2026-11-21T00:00:02Z"});
        assert_eq!(said(&mut progress, "a", second).as_deref(), Some("step a: Running (attempt 2)"));
        let ended = json!({"phase": "Succeeded", "attempt": 2, "startedAt": "2026-11-21T00:00:02Z",
            "finishedAt": "2026-11-21T00:00:03.25Z"});
        assert_eq!(said(&mut progress, "a", ended).as_deref(), Some("step a: Succeeded in 1.2s"));
        let upstream = json!({"phase": "Pending", "reason": "UpstreamFailed"});
        assert_eq!(said(&mut progress, "b", upstream).as_deref(), Some("step b: UpstreamFailed"));
        assert_eq!(progress.counts(), Counts { done: 1, failed: 1, running: 0 });
    }

    #[test]
    fn a_failure_says_why() {
        let mut progress = Progress::new(["a".into()]);
        let failed = json!({"phase": "Failed", "reason": "ExitCode", "message": "exit code 1",
            "startedAt": "2026-11-21T00:00:02Z", "finishedAt": "2026-11-21T00:00:02.3Z"});
        assert_eq!(said(&mut progress, "a", failed).as_deref(), Some("step a: Failed in 300ms: exit code 1"));
        let names: Vec<&str> = progress.failed().map(|(step, _)| step).collect();
        assert_eq!(names, ["a"]);
    }

    #[test]
    fn items_are_told_and_count_with_their_step() {
        let mut progress = Progress::new(["a".into()]);
        said(&mut progress, "a", json!({"phase": "Running"}));
        let mut item = task("a", json!({"phase": "Failed", "reason": "ExitCode", "message": "exit code 1"}));
        item.metadata.name = Some("p.a.3".into());
        item.metadata.pipeline.as_mut().expect("a place").index = Some(3);
        let told = progress.observe(&item);
        assert_eq!(told, Some(("a.3".to_owned(), "Failed: exit code 1".to_owned())));
        assert_eq!(progress.counts(), Counts { done: 0, failed: 0, running: 1 });
        assert_eq!((progress.total(), progress.failed().next().map(|(name, _)| name)), (1, Some("a.3")));
    }

    #[test]
    fn rows_come_in_the_order_of_the_manifest() {
        let mut progress = Progress::new(["z".into(), "a".into(), "later".into()]);
        said(&mut progress, "a", json!({"phase": "Pending", "reason": "WaitingForUpstream"}));
        said(&mut progress, "z", json!({"phase": "Running", "startedAt": "2026-11-21T00:00:00Z"}));
        let now: Timestamp = "2026-11-21T00:01:05Z".parse().expect("a time");
        let texts: Vec<Vec<String>> = progress
            .rows(now)
            .iter()
            .map(|row| row.iter().map(|cell| cell.text().to_owned()).collect())
            .collect();
        assert_eq!(
            texts,
            [
                ["NAME", "STATUS", "REASON", "DURATION"],
                ["z", "Running", "<none>", "1m5s"],
                ["a", "Pending", "WaitingForUpstream", "<none>"],
                ["later", "Pending", "<none>", "<none>"],
            ]
        );
    }

    #[test]
    fn an_older_incarnation_changes_nothing() {
        let mut progress = Progress::new(["a".into()]);
        let mut newer = task("a", json!({"phase": "Succeeded"}));
        newer.metadata.restart = serde_json::from_value(json!({
            "contextId": "01936f2e-8c00-7000-8000-000000000001", "incarnation": 2}))
        .expect("restart");
        progress.observe(&newer);
        assert_eq!(progress.observe(&task("a", json!({"phase": "Failed"}))), None);
        assert_eq!(progress.counts().done, 1);
    }

    #[test]
    fn times_have_at_most_two_units() {
        for (seconds, text) in [
            (0.0, "0ms"),
            (0.25, "250ms"),
            (1.29, "1.2s"),
            (59.96, "59.9s"),
            (60.0, "1m0s"),
            (3_700.0, "1h1m"),
            (90_000.0, "1d1h"),
        ] {
            assert_eq!(elapsed_text(Duration::from_secs_f64(seconds)), text);
        }
    }
}
