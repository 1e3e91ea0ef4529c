//! The describe page of a task.

use ktk_client::api::{Event, Task, hook, http::HttpSpec, restart::Decision, shell, task::RunIf};

use super::{command, duration, progress_text, short_digest, waited};
use crate::{
    ui::Cell,
    view::{
        Moment, age,
        describe::{Page, Text},
        event, plan, status, tree,
    },
};

/// The describe page of a task. `family` is its restart context, oldest first.
pub(crate) fn describe(task: &Task, family: &[Task], events: Option<&[Event]>, moment: &Moment) -> Page {
    let mut page = Page::default();
    identity(&mut page, task);
    page.time("Created", task.metadata.created_at, moment);
    page.optional("Created By", task.metadata.created_by.clone());
    page.optional("Spawned By", task.metadata.spawned_by.map(|id| id.to_string()));
    page.optional("Deleted", task.metadata.deleted_at.map(|time| moment.time(time)));
    if let Some(pipeline) = &task.metadata.pipeline {
        let item = pipeline.index.map(|index| format!(", item {index}")).unwrap_or_default();
        page.field("Pipeline", format!("{} (step {}{item})", pipeline.name, pipeline.step));
    }
    spec(&mut page, task, moment);
    outcome(&mut page, task, family, moment);
    attempts(&mut page, task, moment);
    if family.len() > 1 {
        page.lines("Restarts", tree::lines(family, moment.now));
    }
    needs(&mut page, task);
    outputs(&mut page, task);
    if let Some(events) = events {
        event::section(&mut page, events, moment);
    }
    page
}

fn identity(page: &mut Page, task: &Task) {
    let metadata = &task.metadata;
    page.field("Name", metadata.name().to_owned());
    page.field("Namespace", metadata.namespace().to_owned());
    page.optional("ID", metadata.id.map(|id| id.to_string()));
    page.optional("Digest", metadata.digest.clone());
    page.optional("Human Name", metadata.human_name.clone());
    page.map("Labels", &metadata.labels);
    page.map("Annotations", &metadata.annotations);
    if let Some(restart) = &metadata.restart {
        page.field("Incarnation", restart.incarnation.to_string());
        page.optional("Restart Reason", restart.reason.clone());
        page.optional("Restarted By", restart.by.clone());
        if !restart.changes.is_empty() {
            page.values("Changes", restart.changes.iter().map(|(field, value)| plan::change(field, value)));
        }
    }
}

fn spec(page: &mut Page, task: &Task, moment: &Moment) {
    let spec = &task.spec;
    if let Some(run) = &spec.run {
        page.optional("Command", command(task));
        page.field(
            "Directory",
            run.working_dir.clone().unwrap_or_else(|| "a fresh one each attempt".to_owned()),
        );
        let names: Vec<_> = run.env.keys().map(String::as_str).collect();
        if !names.is_empty() {
            // Names only: values are often secrets.
            page.field("Environment", names.join(", "));
        }
        if let Some(stdin) = &run.stdin {
            page.field("Standard Input", format!("{} bytes", stdin.len()));
        }
    }
    if let Some(http) = &spec.http {
        request(page, http);
    }
    if let Some(each) = &spec.for_each {
        page.field("For Each", each.jq.clone());
        page.optional("Key", each.key.as_ref().map(|key| key.jq.clone()));
    }
    page.optional("Type", spec.type_name.clone());
    if spec.external.is_some() {
        page.field("External", "ends when somebody says so".to_owned());
    }
    let made =
        task.status.as_ref().and_then(|status| status.inputs.as_ref()).and_then(serde_json::Value::as_object);
    if let Some(made) = made {
        page.values("Inputs", made.iter().map(|(name, value)| format!("{name}={value}")));
    } else if !spec.inputs.is_empty() {
        page.values("Inputs", spec.inputs.iter().map(|(name, value)| format!("{name}={value}")));
    }
    page.optional("Queue", spec.queue.clone());
    page.optional("Priority", spec.priority.map(|priority| priority.to_string()));
    page.optional("Node Selector", spec.node_selector.clone());
    page.optional("Affinity", spec.affinity.map(|affinity| affinity.to_string()));
    page.optional("Timeout", spec.timeout.map(|timeout| timeout.to_string()));
    page.optional("Keepalive", spec.keepalive.map(|keepalive| format!("every {keepalive}")));
    page.optional("Grace Period", spec.grace_period.map(|period| period.to_string()));
    if let Some(retry) = &spec.retry {
        let mut parts = vec![format!("limit {}", retry.limit.unwrap_or(0))];
        parts.extend(retry.backoff.map(|backoff| format!("backoff {backoff}")));
        parts.extend(retry.factor.map(|factor| format!("factor {factor}")));
        parts.extend(retry.max_backoff.map(|longest| format!("at most {longest}")));
        parts.extend(retry.on_exit_codes.as_ref().map(|codes| {
            format!("exit codes {}", codes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }));
        page.field("Retry", parts.join(", "));
    }
    page.optional("Deadline", deadline(task, moment));
    let finished = task.status.as_ref().and_then(|status| status.finished_at);
    page.optional("TTL After Finished", moment.ttl(spec.ttl_after_finished, finished));
    if let Some(hooks) = &spec.hooks {
        let called = hook::Moment::ALL.into_iter().filter_map(|moment| Some((moment, hooks.at(moment)?)));
        page.values("Hooks", called.map(|(at, hook)| format!("{}: {}", at.as_str(), hook_text(hook))));
    }
    page.optional("Run After", spec.run_after.map(|time| moment.time(time)));
    match spec.run_if {
        RunIf::Success => {}
        RunIf::Failure => page.field("Run If", "failure".to_owned()),
        RunIf::Always => page.field("Run If", "always".to_owned()),
    }
}

fn hook_text(hook: &hook::HookSpec) -> String {
    match &hook.url {
        // The rest of it may be a secret.
        Some(url) => HttpSpec { method: "POST".to_owned(), url: url.clone(), ..HttpSpec::default() }.line(),
        None => shell::line(&hook.command),
    }
}

fn request(page: &mut Page, http: &HttpSpec) {
    page.field("Request", http.line());
    let names: Vec<_> = http.headers.keys().map(String::as_str).collect();
    if !names.is_empty() {
        // Names only: values are often secrets.
        page.field("Header Fields", names.join(", "));
    }
    page.optional(
        "Body",
        http.body.as_ref().map(|body| match body {
            serde_json::Value::String(text) => format!("{} bytes", text.len()),
            body => format!("{} bytes of JSON", body.to_string().len()),
        }),
    );
    page.field("Expect", http.expect.to_string());
    if http.redirects > 0 {
        page.field("Redirects", format!("{} at most", http.redirects));
    }
}

fn outcome(page: &mut Page, task: &Task, family: &[Task], moment: &Moment) {
    let Some(status) = &task.status else { return };
    page.toned("Status", status.phase.as_str(), status::tone(status.phase, status.reason));
    page.optional("Reason", status.reason.map(|reason| reason.to_string()));
    page.optional("Message", status.message.clone());
    page.optional(
        "Items",
        status.items.map(|items| format!("{} of {} done, {} failed", items.done, items.total, items.failed)),
    );
    page.optional("Progress", status.progress.as_ref().map(progress_text));
    page.optional("Exit Code", status.exit_code.map(|code| code.to_string()));
    page.optional("Node", status.node.clone());
    page.optional("Ready", status.ready_at.map(|time| moment.time(time)));
    page.optional("Started", status.started_at.map(|time| moment.time(time)));
    page.optional("Finished", status.finished_at.map(|time| moment.time(time)));
    page.optional("Next", status.next_at.map(|time| moment.time(time)));
    page.optional("Waited", waited(task, moment.now).map(age::human));
    page.optional("Duration", duration(task, moment.now).map(age::human));
    page.optional("Work Directory", status.directory.clone());
    let resolved_by = status.resolved_by.map(|id| {
        let later = family.iter().find(|other| other.metadata.id == Some(id));
        later.map_or_else(|| id.to_string(), |later| format!("{} ({id})", later.incarnation_name()))
    });
    page.optional("Resolved By", resolved_by);
    let decision = status.decision.as_ref();
    page.optional("Decided", decision.map(|decision| decided(decision, moment)));
}

/// What came of a row of a plan that said `decide`.
fn decided(decision: &Decision, moment: &Moment) -> String {
    let action = decision.action.as_str();
    format!("{action}, {}: {}", decision.why, moment.time(decision.at))
}

fn deadline(task: &Task, moment: &Moment) -> Option<String> {
    let (created, within) = (task.metadata.created_at?, task.spec.deadline?);
    let at = created.checked_add(jiff::SignedDuration::try_from(within.get()).ok()?).ok()?;
    Some(format!("{within}: {}", moment.time(at)))
}

fn attempts(page: &mut Page, task: &Task, moment: &Moment) {
    let attempts = task.status.as_ref().map(|status| status.attempts.as_slice()).unwrap_or_default();
    let rows = attempts.iter().map(|attempt| {
        let ended = attempt.finished_at.unwrap_or(moment.now);
        let result = match (attempt.exit_code, attempt.signal) {
            (Some(code), _) => Some(code.to_string()),
            (None, Some(signal)) => Some(format!("signal {signal}")),
            (None, None) => None,
        };
        let reason = match (attempt.reason, attempt.finished_at) {
            (Some(reason), _) => Cell::new(reason.as_str()),
            (None, Some(_)) => Cell::new("Succeeded"),
            (None, None) => Cell::new("Running"),
        };
        vec![
            Cell::new(attempt.number.to_string()),
            Cell::new(attempt.node.clone()),
            Cell::new(age::age(Some(attempt.started_at), moment.now)),
            Cell::new(age::human(ended.duration_since(attempt.started_at))),
            reason,
            result.map_or_else(Cell::none, Cell::new),
            attempt.message.clone().map_or_else(|| Cell::new(""), Cell::new),
        ]
    });
    let rows: Vec<_> = rows.collect();
    page.table("Attempts", &["Number", "Node", "Age", "Duration", "Reason", "Exit", "Message"], rows);
}

fn needs(page: &mut Page, task: &Task) {
    if task.spec.needs.is_empty() {
        return;
    }
    let resolved = task.status.as_ref().map(|status| status.resolved.as_slice()).unwrap_or_default();
    let rows = task.spec.needs.iter().map(|need| match resolved.iter().find(|taken| taken.need == *need) {
        Some(taken) => vec![
            Cell::new(need.clone()),
            status::phase_cell(Some(taken.phase), None),
            Cell::new(taken.id.to_string()),
            taken.output_digest.as_deref().map_or_else(Cell::none, |digest| Cell::new(short_digest(digest))),
        ],
        None => vec![Cell::new(need.clone()), Cell::none(), Cell::none(), Cell::none()],
    });
    page.table("Needs", &["Need", "Taken As", "Id", "Outputs"], rows.collect());
}

fn outputs(page: &mut Page, task: &Task) {
    let Some(status) = &task.status else { return };
    match &status.outputs {
        Some(serde_json::Value::Object(outputs)) if !outputs.is_empty() => {
            page.values("Outputs", outputs.iter().map(|(name, value)| format!("{name}={value}")));
        }
        Some(other) => page.field("Outputs", other.to_string()),
        None => page.push("Outputs", Text::none()),
    }
    page.optional("Output Digest", status.output_digest.as_deref().map(short_digest));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::view::{event::tests::event, tests::moment};

    #[test]
    fn a_task_is_described() {
        let task: Task = serde_json::from_value(json!({
            "apiVersion": "ktk/v1", "kind": "Task",
            "metadata": {"name": "test-web", "namespace": "ci", "labels": {"team": "web"},
                "id": "01936f2e-8c00-7000-8000-000000000001", "createdAt": "2026-11-22T11:50:00Z"},
            "spec": {
                "run": {"command": ["sh", "-c", "echo $X\u{1b}"], "env": {"SECRET": "1"}, "workingDir": "/srv"},
                "needs": ["build-web", "lint"], "inputs": {"n": 1}, "timeout": "10m",
                "retry": {"limit": 2, "backoff": "1s"}},
            "status": {"phase": "Failed", "reason": "ExitCode", "message": "exit code 1", "attempt": 1, "exitCode": 1,
                "attempts": [{"number": 1, "node": "local.g1", "startedAt": "2026-11-22T11:55:00Z",
                    "finishedAt": "2026-11-22T11:55:30Z", "reason": "ExitCode", "exitCode": 1}],
                "readyAt": "2026-11-22T11:54:55Z", "startedAt": "2026-11-22T11:55:00Z",
                "finishedAt": "2026-11-22T11:55:30Z", "directory": "/places/1",
                "resolved": [{"need": "build-web", "id": "01936f2e-8c00-7000-8000-000000000002", "phase": "Succeeded"}]}
        }))
        .expect("a task");
        let expected = "\
Name:            test-web
Namespace:       ci
ID:              01936f2e-8c00-7000-8000-000000000001
Labels:          team=web
Annotations:     <none>
Created:         Sun, 22 Nov 2026 11:50:00 +0000 (10m ago)
Command:         sh -c 'echo $X^['
Directory:       /srv
Environment:     SECRET
Inputs:          n=1
Timeout:         10m
Retry:           limit 2, backoff 1s
Status:          Failed
Reason:          ExitCode
Message:         exit code 1
Exit Code:       1
Ready:           Sun, 22 Nov 2026 11:54:55 +0000 (5m5s ago)
Started:         Sun, 22 Nov 2026 11:55:00 +0000 (5m ago)
Finished:        Sun, 22 Nov 2026 11:55:30 +0000 (4m30s ago)
Waited:          5s
Duration:        30s
Work Directory:  /places/1
Attempts:
  Number   Node       Age   Duration   Reason     Exit   Message
  ------   ----       ---   --------   ------     ----   -------
  1        local.g1   5m    30s        ExitCode   1
Needs:
  Need        Taken As    Id                                     Outputs
  ----        --------    --                                     -------
  build-web   Succeeded   01936f2e-8c00-7000-8000-000000000002   <none>
  lint        <none>      <none>                                 <none>
Outputs:         <none>
Events:
  Type      Reason   Age   From       Object            Message
  ----      ------   ---   ----       ------            -------
  Warning   Failed   45s   local.g1   task/test-web@2   exit code 1
";
        assert_eq!(describe(&task, &[], Some(&[event()]), &moment()).render(false), expected);
    }
}
