//! From rows to the objects of the API.

use ktk_client::api::{
    API_VERSION, Metadata, Pipeline, PipelineRef, RestartMeta, Task, TaskId,
    http::HttpSpec,
    jq::ForEach,
    pipeline::{PipelineSpec, PipelineStatus, StepCounts},
    task::{Attempt, ExternalSpec, ItemCounts, Resolved, RunSpec, TaskSpec, TaskStatus},
};
use ktk_client::api::{Phase, Reason};
use serde_json::Value;
use uuid::Uuid;

use super::{
    body::{self, PipelineBody, TaskBody},
    error::EngineResult,
    room::Shown,
    shared::Shared,
    unresolved,
};
use crate::{
    model::row::{AttemptRow, PipelineRow, ResultRow, TaskRow},
    store::Tx,
};

/// Loads the cold parts of tasks and makes objects of them, in the order of the rows.
pub async fn tasks<T: Tx>(tx: &mut T, shared: &Shared, rows: &[TaskRow]) -> EngineResult<Vec<Task>> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let bodies: std::collections::BTreeMap<Uuid, String> = tx.task_bodies(&ids).await?.into_iter().collect();
    let mut results: std::collections::BTreeMap<Uuid, ResultRow> =
        tx.task_results(&ids).await?.into_iter().map(|row| (row.task_id, row)).collect();
    let mut attempts: std::collections::BTreeMap<Uuid, Vec<AttemptRow>> = Default::default();
    for attempt in tx.attempts(&ids).await? {
        attempts.entry(attempt.task_id).or_default().push(attempt);
    }
    let resolved_by = unresolved::resolved_by(tx, rows).await?;
    let shown = Shown::of_tasks(tx, rows).await?;
    let mut objects = Vec::with_capacity(rows.len());
    for row in rows {
        let mut task = summary(shared, row);
        shown.show(&mut task, row);
        let body = bodies.get(&row.id).map(|text| body::from_text::<TaskBody>(&row.name, text));
        match body {
            _ if row.rare.stub => {}
            Some(Ok(body)) => fill_body(&mut task, row, body),
            Some(Err(error)) => broken(&mut task, &error.to_string()),
            None => broken(&mut task, "the stored manifest is missing"),
        }
        let status = task.status.as_mut().expect("a summary has a status");
        status.attempts = attempt_list(row, attempts.remove(&row.id).unwrap_or_default());
        status.resolved_by = resolved_by.get(&row.id).copied();
        if let Some(result) = results.remove(&row.id) {
            status.inputs = result.inputs.and_then(|text| serde_json::from_str(&text).ok());
            status.outputs = result.outputs.and_then(|text| serde_json::from_str(&text).ok());
            status.resolved = result
                .resolved
                .and_then(|text| serde_json::from_str::<Vec<Resolved>>(&text).ok())
                .unwrap_or_default();
        }
        objects.push(task);
    }
    Ok(objects)
}

/// One task, with what later incarnations came to.
pub async fn task<T: Tx>(tx: &mut T, shared: &Shared, row: &TaskRow) -> EngineResult<Task> {
    Ok(tasks(tx, shared, std::slice::from_ref(row)).await?.remove(0))
}

/// A task that was just made, of what it was made of: nothing has to be loaded.
pub fn new_task(shared: &Shared, id: &TaskId, row: &TaskRow, body: TaskBody) -> Task {
    let mut task = summary_of(shared, id, row);
    fill_body(&mut task, row, body);
    task
}

/// A stored object that cannot be read is an error on that object alone.
fn broken(task: &mut Task, why: &str) {
    tracing::error!(task = %task.metadata.name(), why, "a stored task cannot be read");
    let status = task.status.as_mut().expect("a summary has a status");
    status.message = Some(format!("this task's stored manifest cannot be read: {why}"));
}

fn fill_body(task: &mut Task, row: &TaskRow, body: TaskBody) {
    task.spec = body.of_type.map_or(body.spec, |of_type| of_type.asked);
    task.spec.hold = row.rare.held;
    task.metadata.annotations = body.annotations;
    task.metadata.created_by = body.created_by;
    let restart = task.metadata.restart.as_mut().expect("a summary has its place in the tree");
    if let Some(because) = body.restart {
        restart.reason = because.reason;
        restart.changes = because.changes;
        restart.by = because.by;
    }
    debug_assert_eq!(restart.incarnation, row.incarnation);
}

fn attempt_list(row: &TaskRow, ended: Vec<AttemptRow>) -> Vec<Attempt> {
    let mut list: Vec<Attempt> = ended
        .into_iter()
        .map(|attempt| Attempt {
            number: attempt.number,
            node: attempt.node,
            started_at: attempt.started_at,
            finished_at: Some(attempt.finished_at),
            reason: attempt.reason,
            exit_code: attempt.exit_code,
            signal: attempt.signal,
            message: attempt.message,
        })
        .collect();
    if row.phase == Phase::Running
        && row.attempt > 0
        && let Some(started_at) = row.started_at
    {
        list.push(Attempt {
            number: row.attempt,
            node: row.node.clone().unwrap_or_default(),
            started_at,
            finished_at: None,
            reason: None,
            exit_code: None,
            signal: None,
            message: None,
        });
    }
    list
}

fn metadata(id: &TaskId) -> Metadata {
    Metadata {
        id: Some(id.id()),
        digest: Some(id.digest_hex()),
        human_name: Some(id.human_name().to_owned()),
        ..Metadata::default()
    }
}

/// What the hot row alone knows of a task: what tables show.
pub fn summary(shared: &Shared, row: &TaskRow) -> Task {
    summary_of(shared, &TaskId::new(row.id), row)
}

fn summary_of(shared: &Shared, id: &TaskId, row: &TaskRow) -> Task {
    let metadata = Metadata {
        name: Some(row.name.clone()),
        namespace: Some(row.namespace.clone()),
        labels: body::labels(row.labels.as_deref()),
        created_at: Some(row.created_at),
        updated_at: Some(row.updated_at),
        version: Some(row.version),
        execution_id: Some(row.execution_id),
        spawned_by: row.rare.spawned_by,
        pipeline: pipeline_ref(row),
        restart: Some(RestartMeta {
            context_id: row.context_id,
            parent_id: row.parent_id,
            incarnation: row.incarnation,
            reason: None,
            changes: Default::default(),
            by: None,
        }),
        deleted_at: row.deleted_at,
        ..metadata(id)
    };
    let external = row.is_external().then(ExternalSpec::default);
    let run = row.is_process().then(|| RunSpec { command: vec![row.command.clone()], ..RunSpec::default() });
    let type_name = row.has_handler().then(|| row.executor.clone());
    let for_each = row.is_for_each().then(|| ForEach { jq: row.command.clone(), key: None });
    let spec = TaskSpec {
        run,
        http: row.rare.is_request.then(|| request(&row.command)),
        external,
        type_name,
        for_each,
        priority: Some(row.priority),
        queue: Some(row.queue.clone()),
        run_if: row.run_if,
        hold: row.rare.held,
        ..TaskSpec::default()
    };
    let status = TaskStatus {
        phase: row.phase,
        reason: row.reason,
        message: row.message.clone(),
        attempt: row.attempt,
        attempts: Vec::new(),
        node: row.node.clone(),
        exit_code: row.exit_code,
        ready_at: row.ready_at,
        started_at: row.started_at,
        finished_at: row.finished_at,
        next_at: row.start_at(),
        inputs: None,
        outputs: None,
        output_digest: row.output_digest.clone(),
        resolved: Vec::new(),
        resolved_by: None,
        decision: row.rare.decision.clone(),
        directory: if row.is_process() { shared.directory(directory_owner(row)) } else { None },
        progress: row.rare.progress.clone(),
        items: row.rare.for_each.as_ref().filter(|each| each.is_expanded).map(|each| ItemCounts {
            total: each.items,
            done: each.items.saturating_sub(each.live + each.bad),
            failed: each.bad,
        }),
    };
    Task { api_version: API_VERSION.into(), kind: "Task".into(), metadata, spec, status: Some(status) }
}

/// What a table's line says of a request.
fn request(line: &str) -> HttpSpec {
    let (method, url) = line.split_once(' ').unwrap_or(("", line));
    HttpSpec { method: method.to_owned(), url: url.to_owned(), ..HttpSpec::default() }
}

/// A summary without what no table shows: lists of many are mostly this.
pub fn slim(shared: &Shared, row: &TaskRow) -> Task {
    let mut task = summary(shared, row);
    task.metadata.human_name = None;
    task.metadata.updated_at = None;
    task.metadata.execution_id = None;
    if let Some(status) = &mut task.status {
        status.directory = None;
    }
    task
}

/// Whose directory a task's `KTK_DIR` is.
pub fn directory_owner(row: &TaskRow) -> Uuid {
    row.pipeline_id.unwrap_or(row.context_id)
}

fn pipeline_ref(row: &TaskRow) -> Option<PipelineRef> {
    let (id, step) = row.pipeline_id.zip(row.step.clone())?;
    let index = row.rare.item.as_ref().map(|item| item.index);
    Some(PipelineRef { id, name: pipeline_name(row)?.to_owned(), step, index })
}

/// The name of a task's pipeline.
pub fn pipeline_name(row: &TaskRow) -> Option<&str> {
    row.pipeline_id?;
    Some(row.name.split_once('.').map_or(&row.name, |(pipeline, _)| pipeline))
}

/// What the hot row alone knows of a pipeline.
pub fn pipeline_summary(shared: &Shared, row: &PipelineRow) -> Pipeline {
    let metadata = Metadata {
        name: Some(row.name.clone()),
        namespace: Some(row.namespace.clone()),
        labels: body::labels(row.labels.as_deref()),
        created_at: Some(row.created_at),
        updated_at: Some(row.updated_at),
        version: Some(row.version),
        execution_id: Some(row.context_id),
        restart: Some(RestartMeta {
            context_id: row.context_id,
            parent_id: row.parent_id,
            incarnation: row.incarnation,
            reason: None,
            changes: Default::default(),
            by: None,
        }),
        deleted_at: row.deleted_at,
        ..metadata(&TaskId::new(row.id))
    };
    let is_held = row.rare.held && !row.phase.is_terminal();
    let status = PipelineStatus {
        phase: row.phase,
        reason: row.reason.or(is_held.then_some(Reason::Held)),
        message: row.message.clone(),
        steps: StepCounts { total: row.total, done: row.done, failed: row.failed },
        restarts: row.restarts,
        directory: shared.directory(row.id),
        started_at: row.started_at,
        finished_at: row.finished_at,
    };
    let spec =
        PipelineSpec { max_parallel: row.max_parallel, fail_fast: row.fail_fast, ..PipelineSpec::default() };
    Pipeline {
        api_version: API_VERSION.into(),
        kind: "Pipeline".into(),
        metadata,
        spec,
        status: Some(status),
    }
}

/// Loads the cold parts of pipelines and makes objects of them, in the order of the rows.
pub async fn pipelines<T: Tx>(
    tx: &mut T,
    shared: &Shared,
    rows: &[PipelineRow],
) -> EngineResult<Vec<Pipeline>> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let bodies: std::collections::BTreeMap<Uuid, String> =
        tx.pipeline_bodies(&ids).await?.into_iter().collect();
    let mut objects = Vec::with_capacity(rows.len());
    for row in rows {
        let mut pipeline = pipeline_summary(shared, row);
        match bodies.get(&row.id).map(|text| body::from_text::<PipelineBody>(&row.name, text)) {
            Some(Ok(body)) => fill_pipeline(&mut pipeline, body),
            Some(Err(error)) => broken_pipeline(&mut pipeline, &error.to_string()),
            None => broken_pipeline(&mut pipeline, "the stored manifest is missing"),
        }
        objects.push(pipeline);
    }
    Ok(objects)
}

/// The manifest as it was given, with the parameters that hold.
pub fn fill_pipeline(pipeline: &mut Pipeline, body: PipelineBody) {
    pipeline.spec = body.spec;
    pipeline.spec.params = body.header.params;
    pipeline.metadata.annotations = body.header.annotations;
    pipeline.metadata.created_by = body.header.created_by;
    if let (Some(restart), Some(because)) = (&mut pipeline.metadata.restart, body.restart) {
        restart.reason = because.reason;
        restart.changes = because.changes;
        restart.by = because.by;
    }
}

fn broken_pipeline(pipeline: &mut Pipeline, why: &str) {
    tracing::error!(pipeline = %pipeline.metadata.name(), why, "a stored pipeline cannot be read");
    let status = pipeline.status.as_mut().expect("a summary has a status");
    status.message = Some(format!("this pipeline's stored manifest cannot be read: {why}"));
}

/// A field of a task as field selectors see it.
pub fn task_field(row: &TaskRow, field: &str) -> String {
    let time = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
    match field {
        "metadata.name" => row.name.clone(),
        "metadata.namespace" => row.namespace.clone(),
        "metadata.id" => row.id.to_string(),
        "metadata.executionId" => row.execution_id.to_string(),
        "metadata.spawnedBy" => row.rare.spawned_by.map(|id| id.to_string()).unwrap_or_default(),
        "metadata.pipeline" => pipeline_ref(row).map(|pipeline| pipeline.name).unwrap_or_default(),
        "metadata.pipeline.id" => row.pipeline_id.map(|id| id.to_string()).unwrap_or_default(),
        "metadata.pipeline.step" => row.step.clone().unwrap_or_default(),
        "metadata.restart.contextId" => row.context_id.to_string(),
        "metadata.restart.incarnation" => row.incarnation.to_string(),
        "metadata.createdAt" => row.created_at.to_string(),
        "metadata.source" => row.rare.source.clone().unwrap_or_default(),
        "status.phase" => row.phase.to_string(),
        "status.reason" => row.reason.map(|reason| reason.to_string()).unwrap_or_default(),
        "status.message" => row.message.clone().unwrap_or_default(),
        "status.attempt" => row.attempt.to_string(),
        "status.readyAt" => time(row.ready_at),
        "status.startedAt" => time(row.started_at),
        "status.finishedAt" => time(row.finished_at),
        "status.node" => row.node.clone().unwrap_or_default(),
        "status.exitCode" => row.exit_code.map(|code| code.to_string()).unwrap_or_default(),
        "spec.queue" => row.queue.clone(),
        "spec.priority" => row.priority.to_string(),
        "spec.type" if row.is_external() || row.is_for_each() => String::new(),
        "spec.type" => row.executor.clone(),
        _ => String::new(),
    }
}

/// A field of a pipeline as field selectors see it.
pub fn pipeline_field(row: &PipelineRow, field: &str) -> String {
    let time = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
    match field {
        "metadata.name" => row.name.clone(),
        "metadata.namespace" => row.namespace.clone(),
        "metadata.id" => row.id.to_string(),
        "status.phase" => row.phase.to_string(),
        "metadata.restart.contextId" => row.context_id.to_string(),
        "metadata.restart.incarnation" => row.incarnation.to_string(),
        "metadata.createdAt" => row.created_at.to_string(),
        "metadata.source" => row.rare.source.clone().unwrap_or_default(),
        "status.reason" => row.reason.map(|reason| reason.to_string()).unwrap_or_default(),
        "status.message" => row.message.clone().unwrap_or_default(),
        "status.startedAt" => time(row.started_at),
        "status.finishedAt" => time(row.finished_at),
        _ => String::new(),
    }
}

/// The digest of outputs: SHA-256 of their canonical JSON (members sorted, no blanks), in hex.
pub fn output_digest(outputs: &std::collections::BTreeMap<String, Value>) -> EngineResult<(String, String)> {
    let canonical: std::collections::BTreeMap<&String, Value> =
        outputs.iter().map(|(name, value)| (name, sorted(value))).collect();
    let text = body::to_text(&canonical)?;
    let digest = text_digest(&text);
    Ok((text, digest))
}

/// The digest of canonical JSON, in hex.
pub(super) fn text_digest(text: &str) -> String {
    use sha2::{Digest, Sha256};
    ktk_client::api::id::hex(&Sha256::digest(text.as_bytes()))
}

/// The value with the members of every object in order of their names.
pub(super) fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable();
            Value::Object(names.into_iter().map(|name| (name.clone(), sorted(&members[name]))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
