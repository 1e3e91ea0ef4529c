//! Pipelines: cells and the describe page.

use jiff::{SignedDuration, Timestamp};
use ktk_client::api::{Event, Pipeline, Task, task::SemaphoreUse};

use super::{
    Column, Moment, age, column, dag,
    describe::{Page, Text},
    event, plan, status,
    task::{self, short_digest},
    wide,
};
use crate::ui::{Cell, Tone};

/// The columns of pipelines.
pub(crate) const COLUMNS: &[Column] = &[
    column("NAME"),
    column("STATUS"),
    column("DONE"),
    column("FAILED"),
    column("RESTARTS"),
    column("AGE"),
    wide("REASON"),
    wide("DURATION"),
    wide("ID"),
];

/// The cells of a pipeline.
pub(crate) fn cells(pipeline: &Pipeline, now: Timestamp, is_wide: bool) -> Vec<Cell> {
    let status = pipeline.status.as_ref();
    let reason = status.and_then(|status| status.reason);
    let steps = status.map(|status| status.steps).unwrap_or_default();
    let mut cells = vec![
        Cell::new(pipeline.metadata.name().to_owned()),
        status::phase_cell(status.map(|status| status.phase), reason),
        Cell::new(format!("{}/{}", steps.done, steps.total)),
        Cell::new(steps.failed.to_string()),
        Cell::new(status.map_or(0, |status| status.restarts).to_string()),
        Cell::new(age::age(pipeline.metadata.created_at, now)),
    ];
    if is_wide {
        let text = |text: Option<String>| text.map_or_else(Cell::none, Cell::new);
        cells.extend([
            status::reason_cell(reason),
            text(duration(pipeline, now).map(age::human)),
            text(pipeline.metadata.digest.as_deref().map(short_digest)),
        ]);
    }
    cells
}

/// How long it took, or has taken.
pub(crate) fn duration(pipeline: &Pipeline, now: Timestamp) -> Option<SignedDuration> {
    let status = pipeline.status.as_ref()?;
    let until = status.finished_at.unwrap_or(now);
    Some(until.duration_since(status.started_at?).max(SignedDuration::ZERO))
}

/// The describe page of a pipeline; `tasks` are the newest incarnations of its steps.
pub(crate) fn describe(
    pipeline: &Pipeline,
    tasks: &[Task],
    events: Option<&[Event]>,
    moment: &Moment,
) -> Page {
    let mut page = Page::default();
    identity(&mut page, pipeline, moment);
    spec(&mut page, pipeline, moment);
    outcome(&mut page, pipeline, moment);
    steps(&mut page, pipeline, tasks, moment);
    let dag = dag::text(pipeline, tasks, false);
    page.push("DAG", Text::Lines(dag.lines().map(|line| (line.to_owned(), Tone::Plain)).collect()));
    if let Some(events) = events {
        event::section(&mut page, events, moment);
    }
    page
}

fn identity(page: &mut Page, pipeline: &Pipeline, moment: &Moment) {
    let metadata = &pipeline.metadata;
    page.field("Name", metadata.name().to_owned());
    page.field("Namespace", metadata.namespace().to_owned());
    page.optional("ID", metadata.id.map(|id| id.to_string()));
    page.optional("Digest", metadata.digest.clone());
    page.optional("Human Name", metadata.human_name.clone());
    page.map("Labels", &metadata.labels);
    page.map("Annotations", &metadata.annotations);
    if let Some(restart) = metadata.restart.as_ref().filter(|restart| restart.parent_id.is_some()) {
        page.field("Incarnation", restart.incarnation.to_string());
        page.optional("Restart Reason", restart.reason.clone());
        page.optional("Restarted By", restart.by.clone());
        if !restart.changes.is_empty() {
            page.values("Changes", restart.changes.iter().map(|(field, value)| plan::change(field, value)));
        }
    }
    page.time("Created", metadata.created_at, moment);
    page.optional("Created By", metadata.created_by.clone());
    page.optional("Deleted", metadata.deleted_at.map(|time| moment.time(time)));
}

fn spec(page: &mut Page, pipeline: &Pipeline, moment: &Moment) {
    let spec = &pipeline.spec;
    if !spec.params.is_empty() {
        page.values("Parameters", spec.params.iter().map(|(name, value)| format!("{name}={value}")));
    }
    page.optional("Max Parallel", spec.max_parallel.map(|most| most.to_string()));
    if spec.fail_fast {
        page.field("Fail Fast", "true".to_owned());
    }
    page.optional("Queue", spec.queue.clone());
    page.optional("Priority", spec.priority.map(|priority| priority.to_string()));
    page.optional("Timeout", spec.timeout.map(|timeout| timeout.to_string()));
    page.optional("Deadline", spec.deadline.map(|deadline| deadline.to_string()));
    let permits = |used: &SemaphoreUse| format!("{} ({})", used.name(), used.permits());
    if !spec.semaphores.is_empty() {
        page.values("Semaphores", spec.semaphores.iter().map(permits));
    }
    page.optional("Unique Key", spec.unique.as_ref().map(|unique| unique.key.clone()));
    let finished = pipeline.status.as_ref().and_then(|status| status.finished_at);
    page.optional("TTL After Finished", moment.ttl(spec.ttl_after_finished, finished));
}

fn outcome(page: &mut Page, pipeline: &Pipeline, moment: &Moment) {
    let Some(status) = &pipeline.status else { return };
    page.toned("Status", status.phase.as_str(), status::tone(status.phase, status.reason));
    page.optional("Reason", status.reason.map(|reason| reason.to_string()));
    page.optional("Message", status.message.clone());
    let counts = status.steps;
    page.field("Progress", format!("{} of {} done, {} failed", counts.done, counts.total, counts.failed));
    page.field("Restarts", status.restarts.to_string());
    page.optional("Started", status.started_at.map(|time| moment.time(time)));
    page.optional("Finished", status.finished_at.map(|time| moment.time(time)));
    page.optional("Duration", duration(pipeline, moment.now).map(age::human));
    page.optional("Work Directory", status.directory.clone());
}

fn steps(page: &mut Page, pipeline: &Pipeline, tasks: &[Task], moment: &Moment) {
    let newest = dag::newest_by_step(tasks);
    let rows = pipeline.spec.steps.iter().map(|step| {
        let mut row = vec![Cell::new(step.name.clone())];
        match newest.get(step.name.as_str()) {
            Some(found) => {
                row.extend(task::cells(found, moment.now, false).into_iter().skip(1).take(4));
                row.push(
                    task::duration(found, moment.now)
                        .map_or_else(Cell::none, |duration| Cell::new(age::human(duration))),
                );
            }
            None => row.extend([status::phase_cell(None, None), Cell::none()]),
        }
        row
    });
    page.table("Steps", &["Step", "Status", "Reason", "Attempts", "Restarts", "Duration"], rows.collect());
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;
    use crate::view::tests::moment;

    pub(in crate::view) fn pipeline() -> Pipeline {
        let step =
            |name: &str, needs: &[&str]| json!({"name": name, "needs": needs, "run": {"command": ["true"]}});
        serde_json::from_value(json!({
            "apiVersion": "ktk/v1", "kind": "Pipeline",
            "metadata": {"name": "nightly", "namespace": "default", "createdAt": "2026-11-22T11:00:00Z",
                         "digest": "00112233445566778899aabbccddeeff"},
            "spec": {"params": {"date": "2026-11-21"}, "steps": [
                step("extract", &[]), step("resize", &["extract"]), step("index", &["extract"]),
                step("publish", &["resize", "index"]), step("clean", &["publish"])]},
            "status": {"phase": "Running", "steps": {"total": 5, "done": 1, "failed": 2}, "restarts": 2,
                       "startedAt": "2026-11-22T11:00:01Z"}
        }))
        .expect("a pipeline")
    }

    pub(in crate::view) fn step_task(step: &str, incarnation: u32, status: serde_json::Value) -> Task {
        let context = "01936f2e-8c00-7000-8000-000000000001";
        serde_json::from_value(json!({
            "apiVersion": "ktk/v1", "kind": "Task",
            "metadata": {"name": format!("nightly.{step}"), "createdAt": "2026-11-22T11:00:00Z",
                "id": format!("01936f2e-8c00-7000-8000-00000000000{incarnation}"),
                "pipeline": {"id": context, "name": "nightly", "step": step},
                "restart": {"contextId": context, "incarnation": incarnation,
                    "parentId": (incarnation > 1).then(|| format!("01936f2e-8c00-7000-8000-00000000000{}", incarnation - 1))}},
            "spec": {"run": {"command": ["true"]}},
            "status": status
        }))
        .expect("a task")
    }

    pub(in crate::view) fn tasks() -> Vec<Task> {
        vec![
            step_task(
                "extract",
                1,
                json!({"phase": "Succeeded", "attempt": 1,
                "startedAt": "2026-11-22T11:00:00Z", "finishedAt": "2026-11-22T11:00:05Z"}),
            ),
            step_task("resize", 1, json!({"phase": "Failed", "reason": "Timeout"})),
            step_task(
                "resize",
                2,
                json!({"phase": "Failed", "reason": "ExitCode", "exitCode": 1, "attempt": 2}),
            ),
            step_task(
                "index",
                1,
                json!({"phase": "Running", "attempt": 1, "startedAt": "2026-11-22T11:59:00Z"}),
            ),
            step_task("publish", 1, json!({"phase": "Pending", "reason": "UpstreamFailed"})),
            step_task("clean", 1, json!({"phase": "Pending", "reason": "WaitingForUpstream"})),
        ]
    }

    #[test]
    fn a_pipeline_is_a_row() {
        let texts: Vec<_> =
            cells(&pipeline(), moment().now, true).iter().map(|cell| cell.text().to_owned()).collect();
        assert_eq!(texts, ["nightly", "Running", "1/5", "2", "2", "60m", "<none>", "59m", "001122334455"]);
        assert_eq!(texts.len(), COLUMNS.len());
    }

    #[test]
    fn a_pipeline_is_described_with_its_steps_and_its_dag() {
        let expected = "\
Name:         nightly
Namespace:    default
Digest:       00112233445566778899aabbccddeeff
Labels:       <none>
Annotations:  <none>
Created:      Sun, 22 Nov 2026 11:00:00 +0000 (60m ago)
Parameters:   date=\"2026-11-21\"
Status:       Running
Progress:     1 of 5 done, 2 failed
Restarts:     2
Started:      Sun, 22 Nov 2026 11:00:01 +0000 (59m ago)
Duration:     59m
Steps:
  Step      Status      Reason               Attempts   Restarts   Duration
  ----      ------      ------               --------   --------   --------
  extract   Succeeded   <none>               1          0          5s
  resize    Failed      ExitCode             2          1          <none>
  index     Running     <none>               1          0          60s
  publish   Pending     UpstreamFailed       0          0          <none>
  clean     Pending     WaitingForUpstream   0          0          <none>
DAG:
  extract          Succeeded
  ├─ resize        Failed
  │  └─ publish    UpstreamFailed   and after index
  │     └─ clean   Pending
  └─ index         Running
Events:       <none>
";
        assert_eq!(describe(&pipeline(), &tasks(), Some(&[]), &moment()).render(false), expected);
    }
}
