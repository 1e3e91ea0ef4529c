//! `event.list`. What is out of the ordinary is stored; that a task was created, started and
//! ended is read from the task itself, which costs nothing while it runs.

use jiff::Timestamp;
use ktk_client::api::{
    API_VERSION, Event, List, Metadata, Phase,
    event::{EventObject, ListParams, Severity},
};
use uuid::Uuid;

use super::error::{EngineError, EngineResult};
use crate::{
    limits,
    model::row::{AttemptRow, Change, EventRow, PipelineRow, TaskRow},
    store::{Operation, Tx},
};

/// `event.list`.
pub struct ListEvents {
    pub params: ListParams,
}

impl Operation for ListEvents {
    type Output = List<Event>;
    type Error = EngineError;

    async fn run<T: Tx>(&self, tx: &mut T) -> EngineResult<List<Event>> {
        let params = &self.params;
        let limit =
            params.limit.map_or(limits::EVENTS_PAGE, |limit| (limit as usize).min(limits::EVENTS_PAGE));
        let stored = tx.list_events(params.namespace.as_deref(), params.object, limit).await?;
        let mut items: Vec<Event> = stored.into_iter().map(object).collect();
        let (tasks, pipelines) = match params.object {
            Some(id) => of_object(tx, id).await?,
            None => recent(tx, limit).await?,
        };
        let ids: Vec<Uuid> = tasks.iter().map(|row| row.id).collect();
        let attempts = tx.attempts(&ids).await?;
        for row in &tasks {
            let own: Vec<&AttemptRow> = attempts.iter().filter(|attempt| attempt.task_id == row.id).collect();
            items.extend(task_events(row, &own));
        }
        items.extend(pipelines.iter().map(pipeline_event));
        if let Some(namespace) = &params.namespace {
            items.retain(|event| event.metadata.namespace() == namespace);
        }
        items.sort_by(|a, b| {
            (a.at, &a.object.name, a.object.incarnation).cmp(&(b.at, &b.object.name, b.object.incarnation))
        });
        let excess = items.len().saturating_sub(limit);
        items.drain(..excess);
        Ok(List::new(items, tx.version().await?))
    }
}

async fn of_object<T: Tx>(tx: &mut T, id: Uuid) -> EngineResult<(Vec<TaskRow>, Vec<PipelineRow>)> {
    let mut tasks = tx.tasks(&[id]).await?;
    let pipelines = tx.pipelines(&[id]).await?;
    if pipelines.is_empty() {
        return Ok((tasks, pipelines));
    }
    tasks.extend(tx.tasks_within(id).await?);
    Ok((tasks, pipelines))
}

/// The objects that changed last.
async fn recent<T: Tx>(tx: &mut T, limit: usize) -> EngineResult<(Vec<TaskRow>, Vec<PipelineRow>)> {
    let newest = tx.version().await?;
    let mut after = newest.saturating_sub(4 * limit as u64);
    let (mut tasks, mut pipelines) = (Vec::new(), Vec::new());
    loop {
        let changes = tx.changes(after, limit).await?;
        let Some(last) = changes.last() else { break };
        after = last.version();
        for change in changes {
            match change {
                Change::Task(row) => tasks.push(*row),
                Change::Pipeline(row) => pipelines.push(*row),
                Change::Entity(_) | Change::Deleted(_) => {}
            }
        }
    }
    Ok((tasks, pipelines))
}

fn object(row: EventRow) -> Event {
    Event {
        api_version: API_VERSION.into(),
        kind: "Event".into(),
        metadata: Metadata {
            name: Some(format!("{}.{}", row.object_name, row.id.simple())),
            namespace: Some(row.namespace),
            id: Some(row.id),
            created_at: Some(row.at),
            ..Metadata::default()
        },
        at: row.at,
        severity: row.severity,
        reason: row.reason,
        object: EventObject {
            kind: row.object_kind,
            id: row.object_id,
            name: row.object_name,
            incarnation: row.object_incarnation,
        },
        by: row.by,
        message: row.message,
    }
}

fn task_events(row: &TaskRow, attempts: &[&AttemptRow]) -> Vec<Event> {
    let of = |at, reason: &str, by: &str, message: String| Event {
        api_version: API_VERSION.into(),
        kind: "Event".into(),
        metadata: Metadata {
            namespace: Some(row.namespace.clone()),
            created_at: Some(at),
            ..Metadata::default()
        },
        at,
        severity: Severity::Normal,
        reason: reason.into(),
        object: EventObject {
            kind: "Task".into(),
            id: row.id,
            name: row.name.clone(),
            incarnation: row.incarnation,
        },
        by: by.into(),
        message,
    };
    let how = if row.parent_id.is_some() {
        format!("incarnation {} created", row.incarnation)
    } else {
        "created".into()
    };
    let mut events = vec![of(row.created_at, "Created", "", how)];
    let mut started = |at: Timestamp, number: u32, node: &str| {
        // An external task is nobody's.
        let place = if node.is_empty() { String::new() } else { format!(" on {node}") };
        events.push(of(at, "Started", node, format!("attempt {number} started{place}")));
    };
    for attempt in attempts {
        started(attempt.started_at, attempt.number, &attempt.node);
    }
    if let (Phase::Running, Some(at)) = (row.phase, row.started_at) {
        started(at, row.attempt, row.node.as_deref().unwrap_or_default());
    }
    if let (Phase::Succeeded | Phase::Skipped, Some(at)) = (row.phase, row.finished_at) {
        let words = row.message.clone().unwrap_or_else(|| match row.attempt {
            0 => row.phase.as_str().to_lowercase(),
            attempt => format!("attempt {attempt} {}", row.phase.as_str().to_lowercase()),
        });
        events.push(of(at, row.phase.as_str(), "", words));
    }
    events
}

fn pipeline_event(row: &PipelineRow) -> Event {
    Event {
        api_version: API_VERSION.into(),
        kind: "Event".into(),
        metadata: Metadata {
            namespace: Some(row.namespace.clone()),
            created_at: Some(row.created_at),
            ..Metadata::default()
        },
        at: row.created_at,
        severity: Severity::Normal,
        reason: "Created".into(),
        object: EventObject {
            kind: "Pipeline".into(),
            id: row.id,
            name: row.name.clone(),
            incarnation: row.incarnation,
        },
        by: String::new(),
        message: format!("created with {} steps", row.total),
    }
}
